package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"cutover/internal/adobe"
	"cutover/test/stack"
)

const (
	plainPoll   = time.Second            // of flow runs, as the benchmark's playbook has it
	plainSettle = 250 * time.Millisecond // between two looks at a dataflow on its way, as the product has it
	plainWindow = 2 * time.Hour          // runs that opened before the switch count too, as the product has it
	plainDay    = 24 * time.Hour         // what the old dataflows are measured over
)

// plainProgram carries organizations over as a program without an engine does: straight on, in one process, with everything it knows in variables. It makes
// the calls of the product's activities, in their order.
type plainProgram struct {
	*world

	adobe *adobe.Client
	mu    sync.Mutex
	cards []string // connection specs, old and new; nil: not known yet
}

func newPlainProgram(w *world) (*plainProgram, error) {
	rps := w.rps
	if rps == 0 {
		rps = unlimited
	}
	vendor, err := adobe.New(adobe.Config{IMSURL: w.vendor.URL, PlatformURL: w.vendor.URL, RequestsPerSecond: rps})
	if err != nil {
		return nil, fmt.Errorf("make the Adobe client: %w", err)
	}
	return &plainProgram{world: w, adobe: vendor}, nil
}

func (p *plainProgram) sandboxOf(number int) *adobe.Sandbox {
	return p.adobe.Sandbox(adobe.Credential{
		Name: nameOf(number), Organization: idOf(number), ClientID: "client-" + nameOf(number), ClientSecret: "secret-" + nameOf(number),
		Scopes: []string{"openid", "AdobeID"},
	}, sandbox)
}

// carry carries one organization over, from the first look to flow runs that succeeded.
func (p *plainProgram) carry(ctx context.Context, number int) error {
	s := p.sandboxOf(number)
	first, err := p.look(ctx, s)
	if err != nil {
		return err
	}
	var old []string
	for _, pair := range first.pairs {
		old = append(old, pair.old.ID)
	}
	if _, err := s.Runs(ctx, time.Now().Add(-plainDay), old...); err != nil {
		return fmt.Errorf("measure the old dataflows: %w", err)
	}
	if err := p.reconnect(ctx, number); err != nil {
		return err
	}
	if err := signedIn(ctx, s, first.account(accountOf(number))); err != nil {
		return err
	}
	planned, err := p.look(ctx, s)
	if err != nil {
		return err
	}
	switched := time.Now()
	if err := p.switchPair(ctx, s, planned.pairs[0]); err != nil {
		return err
	}
	others, apart := errgroup.WithContext(ctx)
	for _, pair := range planned.pairs[1:] {
		others.Go(func() error { return p.switchPair(apart, s, pair) })
	}
	if err := others.Wait(); err != nil {
		return err
	}
	return delivered(ctx, s, planned.pairs, switched)
}

// plainLook is what both cards hold.
type plainLook struct {
	accounts []adobe.Account
	pairs    []plainPair
}

type plainPair struct {
	old, copied          adobe.Dataflow
	advertiser, copiedAd string
}

func (l plainLook) account(id string) adobe.Account {
	i := slices.IndexFunc(l.accounts, func(a adobe.Account) bool { return a.ID == id })
	if i < 0 {
		return adobe.Account{ID: id}
	}
	return l.accounts[i]
}

// look reads both cards and pairs their dataflows: by name, advertiser and audiences.
func (p *plainProgram) look(ctx context.Context, s *adobe.Sandbox) (l plainLook, err error) {
	cards, err := p.specs(ctx, s)
	if err != nil {
		return l, err
	}
	flows, err := s.Dataflows(ctx, cards...)
	if err != nil {
		return l, fmt.Errorf("look: %w", err)
	}
	targets, err := s.TargetConnections(ctx, cards...)
	if err != nil {
		return l, fmt.Errorf("look: %w", err)
	}
	if l.accounts, err = s.Accounts(ctx, cards...); err != nil {
		return l, fmt.Errorf("look: %w", err)
	}
	advertisers := map[string]string{}
	for _, t := range targets {
		advertisers[t.ID] = t.AdvertiserID
	}
	copies := map[string]adobe.Dataflow{}
	for _, f := range flows {
		if f.SpecID == cards[1] {
			copies[f.Name] = f
		}
	}
	for _, f := range flows {
		if f.SpecID != cards[0] {
			continue
		}
		pair := plainPair{old: f, copied: copies[f.Name], advertiser: advertisers[f.TargetConnectionID]}
		pair.copiedAd = advertisers[pair.copied.TargetConnectionID]
		if pair.copied.ID == "" || pair.advertiser != pair.copiedAd || !slices.Equal(f.Audiences, pair.copied.Audiences) {
			return l, fmt.Errorf("organization %s: dataflow %s has no copy like it", s.Organization(), f.ID)
		}
		l.pairs = append(l.pairs, pair)
	}
	return l, nil
}

// specs are the cards' connection specs, asked for until somebody knows them.
func (p *plainProgram) specs(ctx context.Context, s *adobe.Sandbox) ([]string, error) {
	p.mu.Lock()
	known := p.cards
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	names := []string{p.playbook.Old.Names[0], p.playbook.New.Names[0]}
	found, err := s.ConnectionSpecs(ctx, append(slices.Clone(p.playbook.Old.Names), p.playbook.New.Names...)...)
	if err != nil {
		return nil, fmt.Errorf("find the cards: %w", err)
	}
	cards := make([]string, len(names))
	for _, spec := range found {
		if i := slices.Index(names, spec.Name); i >= 0 {
			cards[i] = spec.ID
		}
	}
	if slices.Contains(cards, "") {
		return nil, fmt.Errorf("the catalog has not both of %q", names)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cards = cards
	return cards, nil
}

// signedIn is an error unless the account changed and Adobe's test of it passes.
func signedIn(ctx context.Context, s *adobe.Sandbox, before adobe.Account) error {
	now, err := s.Account(ctx, before.ID)
	if err != nil {
		return fmt.Errorf("look at the account: %w", err)
	}
	probe, err := s.TestAccount(ctx, before.ID)
	if err != nil {
		return fmt.Errorf("test the account: %w", err)
	}
	if now.Etag == before.Etag || probe != adobe.ProbePassed {
		return fmt.Errorf("organization %s: account %s is not signed in to", s.Organization(), before.ID)
	}
	return nil
}

// switchPair reads both sides again, refuses what changed, enables the copy and sees it enabled, disables the old one and sees it disabled.
func (p *plainProgram) switchPair(ctx context.Context, s *adobe.Sandbox, pair plainPair) error {
	old, oldErr := s.Dataflow(ctx, pair.old.ID)
	copied, copiedErr := s.Dataflow(ctx, pair.copied.ID)
	if err := errors.Join(oldErr, copiedErr); err != nil {
		return fmt.Errorf("read both sides: %w", err)
	}
	if old.Etag != pair.old.Etag || copied.Etag != pair.copied.Etag || old.State != adobe.StateEnabled || copied.State != adobe.StateDisabled {
		return fmt.Errorf("organization %s: dataflow %s or its copy changed", s.Organization(), old.ID)
	}
	for _, side := range []struct{ target, advertiser string }{{old.TargetConnectionID, pair.advertiser}, {copied.TargetConnectionID, pair.copiedAd}} {
		target, err := s.TargetConnection(ctx, side.target)
		if err != nil {
			return fmt.Errorf("read the advertiser: %w", err)
		}
		if target.AdvertiserID != side.advertiser {
			return fmt.Errorf("organization %s: dataflow %s or its copy has another advertiser", s.Organization(), old.ID)
		}
	}
	if err := turn(ctx, s, s.Enable, copied.ID, adobe.StateEnabled); err != nil {
		return err
	}
	return turn(ctx, s, s.Disable, old.ID, adobe.StateDisabled)
}

// turn writes and reads until the dataflow shows the state.
func turn(ctx context.Context, s *adobe.Sandbox, write func(context.Context, string) error, id, state string) error {
	if err := write(ctx, id); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	for {
		now, err := s.Dataflow(ctx, id)
		if err != nil || now.State == state {
			return err
		}
		if err := stack.Pause(ctx, plainSettle); err != nil {
			return err
		}
	}
}

// delivered waits until a flow run of each copy succeeded.
func delivered(ctx context.Context, s *adobe.Sandbox, pairs []plainPair, since time.Time) error {
	waited := map[string]bool{}
	for _, pair := range pairs {
		waited[pair.copied.ID] = true
	}
	copies := slices.Collect(maps.Keys(waited))
	for {
		runs, err := s.Runs(ctx, since.Add(-plainWindow), copies...)
		if err != nil {
			return fmt.Errorf("look at flow runs: %w", err)
		}
		for _, run := range runs {
			if run.Status == adobe.RunSuccess && !run.CompletedAt.Before(since.Add(-time.Minute)) {
				delete(waited, run.DataflowID)
			}
		}
		if len(waited) == 0 {
			return nil
		}
		if err := stack.Pause(ctx, plainPoll); err != nil {
			return err
		}
	}
}
