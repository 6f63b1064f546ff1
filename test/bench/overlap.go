package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cutover/internal/migration"
	"cutover/workflows"
)

const (
	overlapOrganizations = 200
	overlapLatency       = 50 * time.Millisecond
	productRPS           = 40  // what a worker does that is told nothing
	raisedRPS            = 200 // what an operator may set whom Adobe allows more
	tellAtOnce           = 20
)

// measureOverlap has 200 organizations of three dataflows cut over at once. From the ledger: for how long both sides of a pair were enabled, and for how
// long neither was. All wait for their people first; then all sign in and say so within a second or two. A run's p99 is that of its 600 pairs. The
// vendors' clock is the one measured by: what an answer takes on its way back counts only where the next call waits for it.
func measureOverlap(ctx context.Context, b *bench) error {
	var p50, p99, longest, gaps, took, p99Raised, longestRaised []float64
	for run := range b.runs {
		for _, rps := range []float64{productRPS, raisedRPS} {
			t, lasted, err := overlap(ctx, b, rps)
			if err != nil {
				return fmt.Errorf("%g requests per second, run %d: %w", rps, run+1, err)
			}
			all := t.overlaps()
			b.say("overlap at %g requests per second: p50 %s s, p99 %s s, longest %s s, in %s s", rps,
				number(median(all)), number(percentile(all, 99)), number(percentile(all, 100)), number(lasted.Seconds()))
			gaps = append(gaps, t.longestGap().Seconds())
			if rps == raisedRPS {
				p99Raised, longestRaised = append(p99Raised, percentile(all, 99)), append(longestRaised, percentile(all, 100))
				continue
			}
			p50, p99, longest = append(p50, median(all)), append(p99, percentile(all, 99)), append(longest, percentile(all, 100))
			took = append(took, lasted.Seconds())
		}
	}
	b.bar(bar{Name: "overlap_p99_s", Limit: 1, Unit: "s", Runs: p99})
	b.bar(bar{Name: "gap_s", Measured: percentile(gaps, 100), Limit: 0, Unit: "s"}) // the longest of all runs: no median excuses one
	b.figure(figure{Name: "overlap_p50_s", Unit: "s", Runs: p50})
	b.figure(figure{Name: "overlap_max_s", Unit: "s", Runs: longest})
	b.figure(figure{Name: "overlap_all_cut_over_s", Unit: "s", Runs: took})
	b.figure(figure{Name: "overlap_200rps_p99_s", Unit: "s", Runs: p99Raised})
	b.figure(figure{Name: "overlap_200rps_max_s", Unit: "s", Runs: longestRaised})
	return nil
}

// overlap is one run; it took from the first signal to the end of the last organization.
func overlap(ctx context.Context, b *bench, rps float64) (t *timeline, took time.Duration, err error) {
	f := fleet{organizations: b.of(overlapOrganizations, 10), latency: overlapLatency, rps: rps}
	w, err := b.newWorld(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	if err := w.start(ctx, 0, f.organizations); err != nil {
		return nil, 0, err
	}
	if err := w.untilParked(ctx, f.organizations); err != nil {
		return nil, 0, err
	}
	if err := each(ctx, 0, f.organizations, tellAtOnce, w.reconnect); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	if err := each(ctx, 0, f.organizations, tellAtOnce, w.tell); err != nil {
		return nil, 0, err
	}
	t = newTimeline()
	if err := w.untilMigrated(ctx, f.organizations); err != nil {
		return nil, 0, err
	}
	took = time.Since(began)
	if err := w.follow(ctx, t); err != nil {
		return nil, 0, err
	}
	if err := t.switchedOnce(w.pairs()); err != nil {
		return nil, 0, err
	}
	return t, took, nil
}

// pairs is how many dataflows all organizations have together.
func (f fleet) pairs() int {
	n := 0
	for i := range f.organizations {
		n += f.flows(i)
	}
	return n
}

// untilMigrated waits until n organizations have ended as they should.
func (w *world) untilMigrated(ctx context.Context, n int) error {
	return w.until(ctx, n, fmt.Sprintf("%s = '%s' AND ExecutionStatus = 'Completed'", workflows.AttributePhase.GetName(), migration.Migrated))
}

// follow has the timeline see what the ledger has got since it was last asked.
func (w *world) follow(ctx context.Context, t *timeline) error {
	entries, err := w.vendor.Ledger(ctx, t.seq)
	if err != nil {
		return fmt.Errorf("read the vendors' ledger: %w", err)
	}
	t.see(entries)
	return nil
}
