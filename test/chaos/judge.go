package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/test/texts"
)

// verdict is how a run came out.
type verdict struct {
	violations []invariants.Violation
	summary    []string
	listings   []string // of the first organizations with whom something is wrong
}

// judge checks everything that the run left behind.
func (p *play) judge(ctx context.Context) (verdict, error) {
	var v verdict
	for _, o := range p.organizations {
		v.violations = append(v.violations, o.violations()...)
	}
	leaks, err := p.leaks(ctx)
	if err != nil {
		return v, err
	}
	v.violations = append(v.violations, leaks...)
	v.violations = append(v.violations, p.lateWrites()...)
	v.summary = p.summary()
	v.listings, err = p.list(ctx, v.violations)
	return v, err
}

// violations are those of one organization. Each is checked by itself: none has a part in another's pairs.
func (o *organization) violations() []invariants.Violation {
	o.mu.Lock()
	defer o.mu.Unlock()
	status := migration.Status{Organization: o.ID}
	if last := o.latest.Load(); last != nil {
		status = *last
	}
	facts := invariants.Facts{
		Order: o.order, Ledger: o.ledger, Samples: o.samples,
		Organizations: []invariants.Organization{{
			ID: o.ID, Ended: o.ended, Status: status, Questions: o.questions, Want: invariants.Want{Outcome: o.outcome, Flows: o.want(status)},
		}},
	}
	found := slices.DeleteFunc(invariants.Check(facts), func(v invariants.Violation) bool { return v.Invariant == invariants.NoLeak })
	if o.trouble != nil {
		found = append(found, invariants.Violation{Invariant: invariants.NoLoss, Organization: o.ID, What: o.trouble.Error()})
	}
	return found
}

// want is how the dataflows must stand at the end: each that ran on the old card runs on the new one, but those that stay.
func (o *organization) want(status migration.Status) map[string]migration.DataflowState {
	want := map[string]migration.DataflowState{}
	for _, e := range o.ledger {
		if e.Entity == "flow" && e.Op == "initial" {
			want[e.ID] = migration.DataflowState(e.After)
		}
	}
	if o.all || o.outcome == migration.NotAffected {
		return want
	}
	name := map[string]string{}
	for _, pair := range status.Pairs {
		name[pair.Old] = pair.Name
	}
	for original, copied := range o.copies {
		if want[original] == migration.Enabled && !slices.Contains(o.stays, name[original]) {
			want[original], want[copied] = migration.Disabled, migration.Enabled
		}
	}
	return want
}

// lateWrites are those that began while the kill switch was on.
func (p *play) lateWrites() []invariants.Violation {
	delays := map[string]time.Duration{}
	for _, o := range p.organizations {
		for _, f := range o.faults {
			if f.Effect == emulator.EffectDelay {
				delays[f.ID] = f.Delay
			}
		}
	}
	for _, o := range p.organizations {
		p.killed.measure(o.entries(), delays)
	}
	var found []invariants.Violation
	for _, e := range p.killed.late {
		found = append(found, invariants.Violation{
			Invariant: killSwitchHolds, Organization: e.Organization, Seq: e.Seq,
			What: fmt.Sprintf("%s of %s %s after the kill switch was thrown", e.Op, e.ID, e.At.Sub(p.killed.on).Round(time.Millisecond)),
		})
	}
	return found
}

// killSwitchHolds is checked beside the nine invariants.
const killSwitchHolds invariants.Name = "kill-switch"

// batch is how many runs' texts are held in memory at a time.
const batch = 50

// leaks looks for every secret in everything that was kept.
func (p *play) leaks(ctx context.Context) ([]invariants.Violation, error) {
	issued, err := p.vendor.Secrets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the vendors' secrets: %w", err)
	}
	var secrets []invariants.Secret
	for _, s := range issued {
		secrets = append(secrets, invariants.Secret{What: s.Kind + " of " + s.Organization, Value: s.Value})
	}
	for _, o := range p.organizations {
		secrets = append(secrets, invariants.Secret{What: "credential " + o.client.Name, Value: o.client.ClientSecret})
	}
	look := func(of []invariants.Text) []invariants.Violation {
		return invariants.Of(invariants.NoLeak, invariants.Check(invariants.Facts{Secrets: secrets, Texts: of}))
	}
	paths := []string{p.temporal.Log, p.temporal.Database, p.store(), p.workers[0].Notices, p.workers[0].Reports}
	for _, w := range p.workers {
		paths = append(paths, w.Log)
	}
	kept, err := texts.OfFiles(p.dir, paths...)
	if err != nil {
		return nil, err
	}
	found := look(kept)
	runs, err := texts.Runs(ctx, p.engine, p.temporal.Namespace)
	if err != nil {
		return nil, err
	}
	if len(runs) < len(p.organizations) {
		return nil, fmt.Errorf("the engine lists %d workflows and %d were started", len(runs), len(p.organizations))
	}
	for some := range slices.Chunk(runs, batch) {
		told, err := p.told(ctx, some)
		if err != nil {
			return nil, err
		}
		found = append(found, look(told)...)
	}
	return found, nil
}

// readers of histories at one time.
const readers = 8

// told is what the engine tells of these runs.
func (p *play) told(ctx context.Context, runs []*common.WorkflowExecution) ([]invariants.Text, error) {
	var reading sync.WaitGroup
	parts := slices.Collect(slices.Chunk(runs, max(1, (len(runs)+readers-1)/readers)))
	all, errs := make([][]invariants.Text, len(parts)), make([]error, len(parts))
	for i, part := range parts {
		reading.Go(func() { all[i], errs[i] = texts.OfEngine(ctx, p.engine, part) })
	}
	reading.Wait()
	return slices.Concat(all...), errors.Join(errs...)
}

// held tells that everything came out as it should.
func (v verdict) held() bool { return len(v.violations) == 0 }

// maxShown keeps a run in which everything broke readable.
const maxShown = 10

// names are the invariants of the design, and the kill switch.
func names() []invariants.Name { return append(invariants.Names(), killSwitchHolds) }

// print writes what people need, and last of all the lines for programs.
func (v verdict) print(out io.Writer) {
	for _, line := range v.summary {
		fmt.Fprintln(out, line)
	}
	for _, listing := range v.listings {
		fmt.Fprintln(out, listing)
	}
	for _, name := range names() {
		broken := invariants.Of(name, v.violations)
		for _, violation := range broken[:min(len(broken), maxShown)] {
			fmt.Fprintf(out, "broken: %s\n", violation)
		}
		if len(broken) > maxShown {
			fmt.Fprintf(out, "broken: %s: and %d more\n", name, len(broken)-maxShown)
		}
	}
	for _, name := range names() {
		result, count := "ok", len(invariants.Of(name, v.violations))
		if count > 0 {
			result = "broken"
		}
		fmt.Fprintf(out, "invariant %s %s %d\n", name, result, count)
	}
}
