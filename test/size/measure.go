package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/test/stack"
	"cutover/workflows"
)

// The limits that a server of the usual configuration has, and what its Web UI takes of details.
const (
	maxEvents  = 51_200
	maxBytes   = 50 << 20
	maxDetails = 20 << 10
)

// measured is what a run left behind.
type measured struct {
	runs            int
	events, bytes   int // of the longest run
	atOnce          int // pairs between their first and their last write, at most
	details, status int // bytes, at most
	switched, width int
	violations      []invariants.Violation
}

// bar is a limit that a measure must keep.
type bar struct {
	name            string
	measured, limit int
	atLeast         bool
}

func (b bar) holds() bool {
	if b.atLeast {
		return b.measured >= b.limit
	}
	return b.measured <= b.limit
}

func (b bar) relation() string {
	if b.atLeast {
		return ">="
	}
	return "<="
}

func (m measured) bars(s size) []bar {
	return []bar{
		{name: "dataflows_switched", measured: m.switched, limit: s.dataflows, atLeast: true},
		{name: "runs", measured: m.runs, limit: 2, atLeast: true},
		{name: "events_per_run", measured: m.events, limit: maxEvents - 1},
		{name: "bytes_per_run", measured: m.bytes, limit: maxBytes - 1},
		{name: "pairs_in_flight", measured: m.atOnce, limit: m.width},
		{name: "details_bytes", measured: m.details, limit: maxDetails},
		{name: "status_bytes", measured: m.status, limit: maxStatus},
	}
}

// maxStatus is what a server takes of one answer to a query.
const maxStatus = 2 << 20

// measure migrates an organization of this size.
func measure(ctx context.Context, s size, dir string) (m measured, err error) {
	w, err := newWorld(ctx, s, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	p, err := playbook()
	if err != nil {
		return m, err
	}
	in := workflows.Input{Organization: s.organization(), Playbook: p}
	handle, err := w.temporal.ExecuteWorkflow(ctx, workflows.StartOptions(in, time.Now()), workflows.MigrateOrganizationName, in)
	if err != nil {
		return m, fmt.Errorf("start the organization: %w", err)
	}
	f := &follower{world: w, id: handle.GetID()}
	if err := w.migrate(ctx, f, s); err != nil {
		return m, err
	}
	var result workflows.Result
	if err := w.temporal.GetWorkflow(ctx, f.id, "").Get(ctx, &result); err != nil {
		return m, fmt.Errorf("migrate the organization: %w", err)
	}
	if result.Outcome != migration.Migrated {
		return m, fmt.Errorf("it ended %s", result.Outcome)
	}
	if err := f.look(ctx); err != nil {
		return m, err
	}
	m = measured{switched: result.Switched, width: p.CutOver.Width, details: f.details, status: f.bytes, atOnce: inFlight(w.emulator.Ledger(0))}
	histories, err := w.histories(ctx, f.id)
	if err != nil {
		return m, err
	}
	var texts []invariants.Text
	for i, h := range histories {
		m.events, m.bytes = max(m.events, h.events), max(m.bytes, h.bytes)
		texts = append(texts, invariants.Text{Where: fmt.Sprintf("the history of run %d", i+1), Data: h.data})
	}
	m.runs = len(histories)
	m.violations = invariants.Check(w.facts(f, p, texts))
	return m, nil
}

// migrate plays everybody's part until the workflow ends: the customers', and the operator's, who moves the shutdown near when all is done.
func (w *world) migrate(ctx context.Context, f *follower, s size) error {
	status, err := f.until(ctx, "waits for people", func(s migration.Status) bool { return s.Phase == migration.AwaitingReauth })
	if err != nil {
		return err
	}
	if len(status.Accounts) != s.accounts {
		return fmt.Errorf("it waits for %d accounts of %d", len(status.Accounts), s.accounts)
	}
	for _, account := range status.Accounts {
		if err := w.emulator.Reconnect(organizationID, account.Sandbox, account.ID, emulator.Reconnection{By: "customer"}); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
	}
	for _, account := range status.Accounts {
		err := w.temporal.SignalWorkflow(ctx, f.id, "", workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: account.ID, By: "customer"})
		if err != nil {
			return fmt.Errorf("send the signal: %w", err)
		}
	}
	if _, err := f.until(ctx, "watches", func(s migration.Status) bool { return s.Phase == migration.Watching }); err != nil {
		return err
	}
	return stack.EndWatch(ctx, w.temporal, f.id)
}

// facts are what the invariants are checked against.
func (w *world) facts(f *follower, p migration.Playbook, texts []invariants.Text) invariants.Facts {
	facts := invariants.Facts{Order: p.CutOver.Order, Ledger: w.emulator.Ledger(0), Samples: f.samples, Texts: texts}
	for _, s := range w.emulator.Secrets() {
		facts.Secrets = append(facts.Secrets, invariants.Secret{What: s.Kind + " of " + s.Organization, Value: s.Value})
	}
	want := map[string]migration.DataflowState{}
	for _, e := range facts.Ledger {
		if e.Entity == "flow" && e.Op == "initial" && e.Origin != "" {
			want[e.Origin], want[e.ID] = migration.Disabled, migration.Enabled
		}
	}
	facts.Organizations = []invariants.Organization{{
		ID: organizationID, Ended: true, Status: f.last, Want: invariants.Want{Outcome: migration.Migrated, Flows: want},
	}}
	return facts
}

// inFlight is how many pairs were between their first and their last write at one moment, at most.
func inFlight(ledger []emulator.Entry) int {
	first, last := map[string]int64{}, map[string]int64{}
	for _, e := range ledger {
		if e.Kind != emulator.KindWrite || !e.Applied {
			continue
		}
		pair := e.ID
		if e.Origin != "" {
			pair = e.Origin
		}
		if _, begun := first[pair]; !begun {
			first[pair] = e.Seq
		}
		last[pair] = e.Seq
	}
	most, now := 0, 0
	for _, e := range ledger {
		pair := e.ID
		if e.Origin != "" {
			pair = e.Origin
		}
		if first[pair] == e.Seq {
			now++
			most = max(most, now)
		}
		if last[pair] == e.Seq {
			now--
		}
	}
	return most
}
