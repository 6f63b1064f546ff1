package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"go.temporal.io/sdk/client"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

// size is how large the organization is.
type size struct {
	dataflows, accounts, sandboxes, audiences int

	server []string // more arguments of the Temporal server
}

const (
	organizationID = "LARGE@AdobeOrg"
	advertiser     = "549755885175"
	clientID       = "large-client"
	clientSecret   = "large-secret"
)

func (s size) organization() migration.Organization {
	o := migration.Organization{
		ID: organizationID, Name: "Large", Contacts: []string{"marketing@large.example"}, Credential: "large", ExpectedDataflows: s.dataflows,
	}
	for i := range s.sandboxes {
		o.Sandboxes = append(o.Sandboxes, fmt.Sprintf("market-%d", i+1))
	}
	return o
}

// scenario spreads accounts over sandboxes, and dataflows over accounts.
func (s size) scenario() emulator.Scenario {
	list := make([]emulator.Audience, s.audiences)
	for i := range list {
		list[i].Name = fmt.Sprintf("Audience %04d", i+1)
	}
	sandboxes := make([]emulator.Sandbox, s.sandboxes)
	for i, name := range s.organization().Sandboxes {
		sandboxes[i].Name = name
	}
	for i := range s.accounts {
		in := &sandboxes[i%s.sandboxes]
		in.Accounts = append(in.Accounts, emulator.Account{Name: fmt.Sprintf("Agency %d", i+1)})
	}
	for i := range s.dataflows {
		account := i % s.accounts
		in := &sandboxes[account%s.sandboxes]
		in.Dataflows = append(in.Dataflows, emulator.Dataflow{
			Name: fmt.Sprintf("Campaign %d", i+1), Account: fmt.Sprintf("Agency %d", account+1), Advertiser: advertiser, Audiences: list,
		})
	}
	return emulator.Scenario{
		// First flow runs come at once: what takes time here is the work.
		Settings: emulator.Settings{ImmediateRuns: true},
		Organizations: []emulator.Organization{
			{ID: organizationID, Name: "Large", ClientID: clientID, ClientSecret: clientSecret, Sandboxes: sandboxes},
		},
	}
}

// playbook is the real one, open today, that looks at flow runs once a second.
func playbook() (migration.Playbook, error) {
	p, err := stack.Playbook()
	p.Verification.Poll = migration.Duration(time.Second)
	return p, err
}

// world is everything that runs.
type world struct {
	emulator *emulator.Emulator
	temporal client.Client
	closers  stack.Closers
}

func newWorld(ctx context.Context, s size, dir string) (w *world, err error) {
	w = &world{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.closers.Close())
		}
	}()
	if w.emulator, err = emulator.New(s.scenario(), emulator.Options{}); err != nil {
		return w, err
	}
	vendors := httptest.NewServer(w.emulator)
	w.closers.Add(func() error { vendors.Close(); return nil })
	server, err := stack.StartTemporal(ctx, stack.Options{Dir: dir, Extra: s.server})
	if err != nil {
		return w, err
	}
	w.closers.Add(func() error { return server.Stop() })
	if w.temporal, err = server.Client(ctx); err != nil {
		return w, fmt.Errorf("connect to the Temporal server: %w", err)
	}
	w.closers.Add(func() error { w.temporal.Close(); return nil })
	stop, err := stack.Work(ctx, w.temporal, vendors.URL, dir, large{})
	if err != nil {
		return w, err
	}
	w.closers.Add(func() error { stop(); return nil })
	return w, nil
}

// large is the organization's credential.
type large struct{}

func (large) Lookup(name, organization string) (adobe.Credential, error) {
	return adobe.Credential{Name: name, Organization: organization, ClientID: clientID, ClientSecret: clientSecret, Scopes: []string{"openid", "AdobeID"}}, nil
}
