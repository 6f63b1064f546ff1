package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"cutover/internal/migration"
	"cutover/internal/pinterest"
)

// partner looks up audiences at the destination with the grants that are held for an organization, each ad account once.
type partner struct {
	*Activities

	organization string
	seen         map[string][]migration.PartnerAudience // by ad account
	skipped      map[[2]string]string                   // by account and ad account
}

func (a *Activities) partner(organization string) *partner {
	return &partner{Activities: a, organization: organization, seen: map[string][]migration.PartnerAudience{}, skipped: map[[2]string]string{}}
}

// look compares a copy's audiences with how they stood before its switch. It has no error: what cannot be looked up is told and stops nothing.
func (p *partner) look(ctx context.Context, base *migration.PartnerBase, switchedAt time.Time) *migration.PartnerLook {
	if base == nil {
		return &migration.PartnerLook{Skipped: "its audiences were not kept before the switch"}
	}
	after, skipped := p.audiences(ctx, base.Account, base.Advertiser)
	if skipped != "" {
		return &migration.PartnerLook{Skipped: skipped}
	}
	return migration.LookAtPartner(sinceSwitch(*base, switchedAt), after)
}

// sinceSwitch has an audience count as updated from the switch on: what the old dataflow delivered after the plan was made is not the copy's doing.
func sinceSwitch(base migration.PartnerBase, switchedAt time.Time) migration.PartnerBase {
	before := make([]migration.PartnerAudience, len(base.Names))
	for i, name := range base.Names {
		before[i] = migration.PartnerAudience{Name: name, Updated: switchedAt}
		j := slices.IndexFunc(base.Before, func(b migration.PartnerAudience) bool { return b.Name == name })
		if j >= 0 && base.Before[j].Updated.After(switchedAt) {
			before[i].Updated = base.Before[j].Updated
		}
	}
	base.Before = before
	return base
}

// baseOf is what of a copy can be looked up, and how it stands now.
func (p *partner) baseOf(ctx context.Context, pair migration.Pair, copied migration.Dataflow) *migration.PartnerBase {
	base := &migration.PartnerBase{Account: pair.Account, Advertiser: pair.Advertiser, Names: exported(copied, pair.Carry)}
	now, _ := p.audiences(ctx, base.Account, base.Advertiser) // without a look, what comes after the switch still counts
	for _, audience := range now {
		if slices.Contains(base.Names, audience.Name) {
			base.Before = append(base.Before, audience)
		}
	}
	return base
}

// exported are the names of the audiences that a copy has once its changes are carried over, each once.
func exported(copied migration.Dataflow, changes []migration.Carry) (names []string) {
	audiences := slices.Clone(copied.Audiences)
	for _, change := range changes {
		audiences = slices.DeleteFunc(audiences, func(a migration.Audience) bool { return a.ID == change.Audience.ID })
		if !change.Remove {
			audiences = append(audiences, change.Audience)
		}
	}
	for _, audience := range audiences {
		if audience.Name != "" && !slices.Contains(names, audience.Name) {
			names = append(names, audience.Name)
		}
	}
	return names
}

// audiences lists what an ad account has, by the grant for one of Adobe's accounts, or says why it does not.
func (p *partner) audiences(ctx context.Context, account, advertiser string) (found []migration.PartnerAudience, skipped string) {
	if found, ok := p.seen[advertiser]; ok {
		return found, ""
	}
	by := [2]string{account, advertiser}
	if skipped, ok := p.skipped[by]; ok {
		return nil, skipped
	}
	found, skipped = p.list(ctx, account, advertiser)
	if skipped != "" {
		p.skipped[by] = skipped
	} else {
		p.seen[advertiser] = found
	}
	return found, skipped
}

func (p *partner) list(ctx context.Context, account, advertiser string) (found []migration.PartnerAudience, skipped string) {
	if advertiser == "" {
		return nil, "the copy shows no ad account"
	}
	if p.Grants == nil || p.Pinterest == nil {
		return nil, noGrant(account)
	}
	owner := pinterest.Owner{Organization: p.organization, Account: account}
	held, err := p.Grants.Grant(ctx, owner)
	if err != nil {
		return nil, whyUnseen(err, owner, advertiser)
	}
	listed, err := p.Pinterest.Audiences(ctx, held.Grant.AccessToken, advertiser)
	if errors.Is(err, pinterest.ErrUnauthorized) && held.RefusedAt.IsZero() {
		stale := func(h pinterest.Held) bool { return h.RefusedAt.IsZero() && !h.IssuedAt.After(held.IssuedAt) }
		if held, err = p.Grants.RenewGrant(ctx, owner, stale, p.refresh); err == nil {
			listed, err = p.Pinterest.Audiences(ctx, held.Grant.AccessToken, advertiser)
		}
	}
	if err != nil {
		return nil, whyUnseen(err, owner, advertiser)
	}
	found = make([]migration.PartnerAudience, len(listed))
	for i, a := range listed {
		found[i] = migration.PartnerAudience{Name: a.Name, Updated: a.UpdatedAt, TooSmall: a.Status == pinterest.StatusTooSmall}
	}
	return found, ""
}

// whyUnseen says in words why a look at the destination showed nothing.
func whyUnseen(err error, owner pinterest.Owner, advertiser string) string {
	switch {
	case errors.Is(err, pinterest.ErrNoGrant):
		return noGrant(owner.Account)
	case errors.Is(err, pinterest.ErrInvalidGrant), errors.Is(err, pinterest.ErrUnauthorized):
		return "Pinterest refuses the grant for account " + owner.Account + ": a person must consent again"
	case errors.Is(err, pinterest.ErrNotFound):
		return "ad account " + advertiser + " is not visible to whoever gave the grant for account " + owner.Account
	}
	return "no answer: " + short(err)
}
