package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/keys"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
	"cutover/internal/store"
	"cutover/test/stack"
)

// consent is how an organization's people let the worker renew their account.
type consent string

const (
	none    consent = ""        // they sign in at Adobe
	held    consent = "held"    // they consented long ago
	revoked consent = "revoked" // and take it back
	byPage  consent = "by page" // they consent at the reconnect page, now
)

const (
	// appID is the operator's own app at Pinterest.
	appID = "1500042"
	// accessLifetime has grants renewed ahead of their end in a long run.
	accessLifetime = 10 * time.Minute
	// consentedAgo makes a grant one that is refreshed before it is used.
	consentedAgo = time.Hour
	// renewalTakes bounds what follows a consent before people try again: two kills and a vendor that fails.
	renewalTakes = 45 * time.Second
	// visitAgain is how long people wait before they open the page once more.
	visitAgain = 4 * time.Second
)

// grants is what renewing by grants needs, beside the workers.
type grants struct {
	app       string // path of the file that the workers and the portal read
	appSecret string
	store     *store.Database // that of the workers and the portal, with a clock of long ago
}

// writeApp writes the operator's app at Pinterest, which the emulated one knows.
func writeApp(dir string, s *emulator.Scenario) (g grants, err error) {
	g.appSecret = "pinterest-app-" + rand.Text() + "+/=&"
	s.Pinterest = emulator.PinterestApp{ClientID: appID, ClientSecret: g.appSecret, AccessLifetime: accessLifetime}
	s.Settings.PatchedGrants = true
	g.app, err = stack.WritePinterestApp(dir, appID, g.appSecret)
	return g, err
}

// openStore opens the store that the first worker made.
func (p *play) openStore(ctx context.Context) error {
	sealer, err := keys.Read(ctx, p.keys(), "")
	if err != nil {
		return fmt.Errorf("read the store's keys: %w", err)
	}
	p.grants.store, err = store.OpenDatabase(ctx, "sqlite:"+p.store(), sealer, func() time.Time { return time.Now().Add(-consentedAgo) })
	return err
}

// consented has the organization's people have consented long ago.
func (o *organization) consented(ctx context.Context) error {
	if o.grant != held && o.grant != revoked {
		return nil
	}
	account, err := o.newAccount(ctx)
	if err != nil {
		return err
	}
	tokens, err := o.run.vendor.GrantPinterest(ctx, o.ID)
	if err != nil {
		return err
	}
	now := time.Now()
	return o.run.grants.store.SaveGrant(ctx, pinterest.Owner{Organization: o.ID, Account: account}, pinterest.Grant{
		AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken, Scopes: strings.Split(tokens.Scope, ","),
		ExpiresAt: now.Add(time.Duration(tokens.ExpiresIn) * time.Second), RefreshExpiresAt: time.Unix(tokens.RefreshTokenExpiresAt, 0),
	})
}

// newAccount is the organization's account of the new card, as the ledger began with it.
func (o *organization) newAccount(ctx context.Context) (string, error) {
	for {
		entries := o.entries()
		i := slices.IndexFunc(entries, func(e emulator.Entry) bool { return e.Entity == "connection" && e.Card == "new" && e.Op == "initial" })
		if i >= 0 {
			return entries[i].ID, nil
		}
		if err := stack.Pause(ctx, lookEvery); err != nil {
			return "", fmt.Errorf("wait for an account of the new card: %w", err)
		}
	}
}

// trustTheGrant: nobody does anything unless asked, and then people consent again or sign in at Adobe. Some took their consent back meanwhile.
func trustTheGrant(ctx context.Context, o *organization) error {
	if o.grant == revoked {
		if err := stack.Pause(ctx, o.edit); err != nil {
			return err
		}
		if err := o.run.vendor.RevokePinterest(ctx, o.ID); err != nil {
			return err
		}
	}
	status, err := o.await(ctx, "the account to be renewed, or somebody to be asked", func(s migration.Status) bool { return connected(s) || asked(s) })
	if err != nil || connected(status) {
		return err
	}
	if o.canary {
		return o.consentAtPage(ctx)
	}
	return o.signInAndSay(ctx)
}

// consentAtPage: the contact opens the link in the notice and consents at Pinterest, and asks for another link as long as that came to nothing.
func consentAtPage(ctx context.Context, o *organization) error { return o.consentAtPage(ctx) }

func (o *organization) consentAtPage(ctx context.Context) error {
	if _, err := o.await(ctx, "to be asked", func(s migration.Status) bool { return connected(s) || asked(s) }); err != nil {
		return err
	}
	var last error
	for first := true; ; first = false {
		if s := o.latest.Load(); connected(*s) {
			return nil
		}
		if last = o.visit(ctx, first); last == nil {
			waiting, cancel := context.WithTimeout(ctx, renewalTakes)
			_, last = o.await(waiting, "the consent to be used", func(s migration.Status) bool { return connected(s) || spent(s) })
			cancel()
		}
		if err := stack.Pause(ctx, visitAgain); err != nil {
			return fmt.Errorf("consent at the page: %w", errors.Join(err, last))
		}
	}
}

// connected tells that every account is signed in to by whatever means.
func connected(s migration.Status) bool {
	return s.Phase.Done() || len(s.Accounts) > 0 && !slices.ContainsFunc(s.Accounts, func(a migration.AccountState) bool { return !a.Verified })
}

// spent tells that a grant was tried to no avail since it was given.
func spent(s migration.Status) bool {
	return slices.ContainsFunc(s.Accounts, func(a migration.AccountState) bool {
		return !a.GrantedAt.IsZero() && !a.TriedAt.Before(a.GrantedAt) && !a.Verified
	})
}

// asked tells that the organization's people are waited for.
func asked(s migration.Status) bool {
	return slices.ContainsFunc(s.Waits, func(w migration.Wait) bool { return w.On == migration.OnOrganization })
}

// visit goes through the page once.
func (o *organization) visit(ctx context.Context, first bool) error {
	link, err := o.link(ctx, first)
	if err != nil {
		return err
	}
	accounts, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	visitor, err := stack.Visit(ctx, link)
	if err != nil {
		return err
	}
	return visitor.Consent(ctx, accounts[0].ID, o.ID)
}

// link is the one in the organization's first notice, or another one by the operator's command.
func (o *organization) link(ctx context.Context, noticed bool) (string, error) {
	if noticed {
		paths, err := filepath.Glob(filepath.Join(o.run.workers[0].Notices, "*"+strings.ReplaceAll(o.ID, "@", "_")+"_start_*.txt"))
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
	}
	answer, err := o.run.portal.Command().Do(ctx, "link", "--org", o.ID, "--playbook", playbookName)
	if err != nil {
		return "", err
	}
	return stack.LinkIn(answer.Stdout), nil
}
