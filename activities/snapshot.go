package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// snapshot reads both cards of an organization in every sandbox: dataflows, their advertisers, and accounts. It tells by which ids it found the cards.
func (a *Activities) snapshot(ctx context.Context, who Who, of Cards, base *migration.Base) (s migration.Snapshot, found cards, err error) {
	given, _ := a.consents(ctx, who.ID)
	for _, name := range who.Sandboxes {
		sandbox, err := a.sandbox(who, name)
		if err != nil {
			return s, found, err
		}
		found, err = a.cards(ctx, sandbox, of, base)
		if err != nil {
			return s, found, err
		}
		flows, err := sandbox.Dataflows(ctx, found.old, found.new)
		if errors.Is(err, adobe.ErrNotFound) {
			// A running workflow carries its sandboxes by value.
			return s, found, fmt.Errorf("%w; if the manifest's sandboxes are wrong, correct them, cancel this organization and start it again", err)
		}
		if err != nil {
			return s, found, err
		}
		targets, err := sandbox.TargetConnections(ctx, found.old, found.new)
		if err != nil {
			return s, found, err
		}
		accounts, err := sandbox.Accounts(ctx, found.old, found.new)
		if err != nil {
			return s, found, err
		}
		advertisers := map[string]string{}
		for _, t := range targets {
			advertisers[t.ID] = t.AdvertiserID
		}
		for _, flow := range flows {
			d := dataflow(flow, name)
			d.Advertiser = advertisers[flow.TargetConnectionID]
			if flow.SpecID == found.old {
				s.Old = append(s.Old, d)
			} else {
				s.New = append(s.New, d)
			}
		}
		for _, account := range accounts {
			if account.SpecID == found.old {
				s.OldAccounts = append(s.OldAccounts, accountOf(account, name))
			} else {
				seen := accountOf(account, name)
				seen.GrantedAt = given[seen.ID]
				s.Accounts = append(s.Accounts, seen)
			}
		}
	}
	s.TakenAt = a.now()
	return s, found, nil
}

type cards struct{ old, new string }

// specCache remembers the connection spec ids of cards: specs are the same for all organizations, and ids never change.
type specCache struct {
	mu   sync.Mutex
	byID map[string]cards
}

// cards finds the connection spec ids of a playbook's cards by name, unless it gives them. A card that is not in Adobe's catalog any more has the id
// by which it was first seen.
func (a *Activities) cards(ctx context.Context, sandbox *adobe.Sandbox, of Cards, base *migration.Base) (cards, error) {
	if of.Old.SpecID != "" && of.New.SpecID != "" {
		return cards{of.Old.SpecID, of.New.SpecID}, nil
	}
	key := fmt.Sprintf("%q %q", of.Old, of.New)
	a.specs.mu.Lock()
	known, ok := a.specs.byID[key]
	a.specs.mu.Unlock()
	if ok {
		return known, nil
	}
	specs, err := sandbox.ConnectionSpecs(ctx, append(append([]string{}, of.Old.Names...), of.New.Names...)...)
	if err != nil {
		return cards{}, err
	}
	found := cards{pick(of.Old, specs), pick(of.New, specs)}
	listed := found.old != "" && found.new != ""
	if !listed && base != nil {
		found = cards{cmp.Or(found.old, base.OldCard), cmp.Or(found.new, base.NewCard)}
	}
	for card, id := range map[string]string{of.Old.Label(): found.old, of.New.Label(): found.new} {
		if id == "" {
			return cards{}, cardMissing{card, sandbox.Organization()}
		}
	}
	if !listed { // what one organization's base knows is not remembered for others
		return found, nil
	}
	a.specs.mu.Lock()
	defer a.specs.mu.Unlock()
	if a.specs.byID == nil {
		a.specs.byID = map[string]cards{}
	}
	a.specs.byID[key] = found
	return found, nil
}

func pick(card migration.Card, specs []adobe.ConnectionSpec) string {
	if card.SpecID != "" {
		return card.SpecID
	}
	for _, name := range card.Names {
		for _, spec := range specs {
			if spec.Name == name {
				return spec.ID
			}
		}
	}
	return ""
}

// cardMissing says that Adobe's catalog has no card of a playbook's names.
type cardMissing struct{ card, organization string }

func (e cardMissing) Error() string {
	return fmt.Sprintf("organization %s: Adobe's catalog has no card named %q; correct the playbook's names or give its spec_id, then cancel this organization and start it again", e.organization, e.card)
}

// Misconfigured makes the error one that repeating does not mend.
func (cardMissing) Misconfigured() bool { return true }

func dataflow(f adobe.Dataflow, sandbox string) migration.Dataflow {
	d := migration.Dataflow{
		ID: f.ID, Name: f.Name, Sandbox: sandbox, Account: f.AccountID, Target: f.TargetConnectionID,
		State: migration.DataflowState(f.State), Created: f.CreatedAt.UTC(),
	}
	for _, audience := range f.Audiences {
		d.Audiences = append(d.Audiences, migration.Audience{ID: audience.ID, Name: audience.Name, Start: audience.StartDate})
	}
	switch f.MappingForm {
	case adobe.MappingSelectors:
		for _, m := range f.Mappings {
			d.Mappings.Fields = append(d.Mappings.Fields, strings.TrimSpace(m.Namespace+" "+m.Source)+" > "+m.Destination)
		}
	case adobe.MappingSet:
		for _, m := range f.Mappings {
			d.Mappings.Set = m.SetID + " version " + m.SetVersion
		}
	case adobe.MappingUnknown:
		d.Mappings.Set = "of an unknown form"
	case adobe.MappingNone:
	}
	return d
}

func accountOf(c adobe.Account, sandbox string) migration.Account {
	return migration.Account{
		ID: c.ID, Name: c.Name, Sandbox: sandbox, State: migration.DataflowState(c.State), Etag: c.Etag,
		Created: c.CreatedAt, AuthorizedOn: c.AuthorizedOn, ExpiresAt: c.ExpiresAt.Truncate(time.Millisecond),
	}
}
