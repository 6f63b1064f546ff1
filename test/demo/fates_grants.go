package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

// fatesOfGrants are those of organizations whose people once consented to the operator's own app at Pinterest, or do so now.
func fatesOfGrants() []fate {
	return []fate{
		{
			name: "renewed_by_grant", company: "Alder", sandboxes: prod("Timber", "Veneer"), alone: true,
			people: holdTheGrant, outcome: migration.Migrated,
			check: all(nobodySaid, nobodyAsked, lookedUp),
		},
		{
			name: "reconnected_by_page", company: "Zinnia", sandboxes: prod("Bouquets", "Seeds"), language: "zh-Hant",
			people: reconnectByPage, outcome: migration.Migrated,
			check: all(byThePage, lookedUp),
		},
	}
}

// holdTheGrant: the operator holds a consent from before, adds it to the store, and starts the organization. Nobody signs in.
func holdTheGrant(ctx context.Context, o *organization) error {
	account, err := o.newAccount(ctx)
	if err != nil {
		return err
	}
	tokens, err := o.play.vendor.GrantPinterest(ctx, o.ID)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(tokens) //nolint:gosec // it goes to the worker's command and nowhere else
	if err != nil {
		return fmt.Errorf("encode the grant: %w", err)
	}
	if _, err := o.play.worker.Command(string(answer)).Do(ctx, "grants", "add", "--org", o.ID, "--account", account); err != nil {
		return err
	}
	return o.typed(ctx, "start", "--org", o.ID)
}

// newAccount is the organization's account of the new card, as soon as the vendor has made it.
func (o *organization) newAccount(ctx context.Context) (string, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		state, err := o.play.vendor.State(ctx)
		if err != nil {
			return "", err
		}
		accounts := state.Organization(o.ID).Sandbox("prod").Accounts
		if i := slices.IndexFunc(accounts, func(a emulator.AccountState) bool { return a.Card == newCard }); i >= 0 {
			return accounts[i].ID, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", fmt.Errorf("waited for an account of the new card: %w", context.Cause(ctx))
		}
	}
}

// reconnectByPage: the contact opens the link in the notice and gives consent at Pinterest; the page does the rest.
func reconnectByPage(ctx context.Context, o *organization) error {
	link, err := o.link(ctx)
	if err != nil {
		return err
	}
	account, err := o.account(ctx, "Pinterest")
	if err != nil {
		return err
	}
	visitor, err := stack.Visit(ctx, link)
	if err != nil {
		return err
	}
	if !strings.Contains(visitor.Text, "Bouquets") {
		return fmt.Errorf("the page does not name the dataflows: %s", visitor.Text)
	}
	return visitor.Consent(ctx, account.ID, o.ID)
}

// link waits for the organization's notice and returns the link in it.
func (o *organization) link(ctx context.Context) (string, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		paths, err := filepath.Glob(filepath.Join(o.play.worker.Notices, "*"+strings.ReplaceAll(o.ID, "@", "_")+"_start_*.txt"))
		if err != nil {
			return "", fmt.Errorf("look for the notice: %w", err)
		}
		for _, path := range paths {
			letter, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("read the notice: %w", err)
			}
			if link := stack.LinkIn(string(letter)); link != "" {
				return link, nil
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", fmt.Errorf("waited for a notice with a link: %w", context.Cause(ctx))
		}
	}
}

// nobodyAsked checks that no notice asked anybody to sign in.
func nobodyAsked(o *organization, f found) error {
	for _, notice := range f.notices {
		if notice.Organization == o.ID {
			return fmt.Errorf("a notice was sent: %s", notice.Kind)
		}
	}
	return nil
}

// byThePage checks that consent was given at Pinterest, that the page said so, and that nobody reconnected in Adobe.
func byThePage(o *organization, f found) error {
	status := f.status[o.ID]
	switch {
	case !f.any(o, func(e emulator.Entry) bool { return e.Op == "consent" && e.Applied }):
		return errors.New("nobody consented at Pinterest")
	case f.any(o, func(e emulator.Entry) bool { return e.Op == "reconnect" }):
		return errors.New("somebody reconnected in Adobe")
	case len(status.Deeds) == 0 || !strings.Contains(status.Deeds[0].By, "reconnect page"):
		return errors.New("the page did not say so")
	}
	return nil
}

// lookedUp checks that verification looked at the audiences at Pinterest.
func lookedUp(o *organization, f found) error {
	for _, pair := range f.status[o.ID].Pairs {
		if pair.Verdict == nil || pair.Verdict.Partner == nil || pair.Verdict.Partner.Skipped != "" || pair.Verdict.Partner.Found == 0 {
			return fmt.Errorf("dataflow %q was verified without a look at Pinterest", pair.Name)
		}
	}
	return nil
}
