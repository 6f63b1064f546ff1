package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
)

// verdict is how a run came out.
type verdict struct {
	violations []invariants.Violation
	cutOvers   int
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
	recovered, slow := p.recovered()
	v.violations = append(v.violations, slow...)
	v.summary, v.cutOvers = p.summary()
	v.summary = append(v.summary, recovered)
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

// lateWrites are those that the kill switch did not hold, or let go too fast.
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
	return p.killed.violations()
}

// held tells that everything came out as it should.
func (v verdict) held() bool { return len(v.violations) == 0 }

// maxShown keeps a run in which everything broke readable.
const maxShown = 10

// names are the invariants of the design, and what is checked beside them.
func names() []invariants.Name {
	return append(invariants.Names(), killSwitchHolds, recoversInTime)
}

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
	fmt.Fprintf(out, "cut-overs %d\n", v.cutOvers)
	for _, name := range names() {
		result, count := "ok", len(invariants.Of(name, v.violations))
		if count > 0 {
			result = "broken"
		}
		fmt.Fprintf(out, "invariant %s %s %d\n", name, result, count)
	}
}
