package main

import (
	"context"
	"fmt"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

const (
	signalLimitMS = 300
	signalTail    = 99 // percentile

	// ledgerEvery is how often the ledger's file is read while somebody waits for an entry. What counts is the entry's own time.
	ledgerEvery = 5 * time.Millisecond
	// switchedWithin is when a signal that nothing followed is given up.
	switchedWithin = 2 * time.Minute
)

// measureSignals takes the time from the signal that somebody signed in to the vendor's entry that the organization's last old dataflow is off: one
// organization after the other, and then several at once. They come evenly from the whole fleet, so that most of their workflows are in no cache and
// are replayed. The sign-in itself happens before the clock starts; verification and report, after it stopped. taken are those that do not wait any more.
func (w *world) measureSignals(ctx context.Context) (taken map[int]bool, err error) {
	b, taken := w.bench, map[int]bool{}
	mark, err := w.mark()
	if err != nil {
		return nil, err
	}
	single := pick(w.organizations, b.of(200, 20), taken)
	var took []time.Duration
	for _, number := range single {
		one, err := w.signal(ctx, []int{number})
		if err != nil {
			return nil, err
		}
		took = append(took, one...)
	}
	burst, err := w.signal(ctx, pick(w.organizations, 20, taken))
	if err != nil {
		return nil, err
	}
	if err := w.allMigrated(ctx, mark, taken); err != nil {
		return nil, err
	}
	one, many := milliseconds(took), milliseconds(burst)
	b.figure(figure{Name: "signal_to_switched_p50_ms", Value: median(one), Unit: "ms"})
	b.figure(figure{Name: "signal_to_switched_max_ms", Value: percentile(one, 100), Unit: "ms"})
	b.figure(figure{Name: "signal_burst_of_20_p50_ms", Value: median(many), Unit: "ms"})
	b.figure(figure{Name: "signal_burst_of_20_p99_ms", Value: percentile(many, signalTail), Unit: "ms"})
	b.bar(bar{Name: "signal_to_switched_ms", Measured: percentile(one, signalTail), Limit: signalLimitMS, Unit: "ms, p99"})
	return taken, nil
}

// pick picks n numbers evenly from all that are not taken, and takes them.
func pick(all, n int, taken map[int]bool) (picked []int) {
	for i := range n {
		number := i * all / n
		for taken[number] {
			number = (number + 1) % all
		}
		taken[number] = true
		picked = append(picked, number)
	}
	return picked
}

// signal has the organizations' people sign in, then says so to all of them at once, and waits for the switch of each one's last dataflow.
func (w *world) signal(ctx context.Context, numbers []int) ([]time.Duration, error) {
	for _, number := range numbers {
		if err := w.reconnect(ctx, number); err != nil {
			return nil, err
		}
	}
	mark, err := w.mark()
	if err != nil {
		return nil, err
	}
	began := make([]time.Time, len(numbers))
	err = each(ctx, 0, len(numbers), len(numbers), func(ctx context.Context, i int) error {
		began[i] = time.Now()
		return w.tell(ctx, numbers[i])
	})
	if err != nil {
		return nil, err
	}
	ends, err := w.untilSwitched(ctx, mark, numbers)
	took := make([]time.Duration, len(numbers))
	for i, number := range numbers {
		took[i] = ends[idOf(number)].Sub(began[i])
	}
	return took, err
}

// untilSwitched waits until all dataflows of the organizations are switched and returns when the last one of each was.
func (w *world) untilSwitched(ctx context.Context, mark int64, numbers []int) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, switchedWithin)
	defer cancel()
	left := map[string]int{}
	for _, number := range numbers {
		left[idOf(number)] = w.flows(number)
	}
	ends := map[string]time.Time{}
	for len(ends) < len(numbers) {
		entries, next, err := w.since(mark)
		if err != nil {
			return nil, err
		}
		mark = next
		for _, e := range entries {
			if _, awaited := left[e.Organization]; !awaited || !leaves(e) {
				continue
			}
			if left[e.Organization]--; left[e.Organization] == 0 {
				ends[e.Organization] = e.At
			}
		}
		if len(ends) == len(numbers) {
			break
		}
		if err := stack.Pause(ctx, ledgerEvery); err != nil {
			return nil, fmt.Errorf("%d of %d organizations were switched after their signals: %w", len(ends), len(numbers), err)
		}
	}
	return ends, nil
}

// allMigrated waits for the ends of the organizations. One that did not end well, or whose dataflows were not switched once each since mark, is an error.
func (w *world) allMigrated(ctx context.Context, mark int64, numbers map[int]bool) error {
	for number := range numbers {
		if err := w.migrated(ctx, number); err != nil {
			return err
		}
	}
	entries, _, err := w.since(mark)
	if err != nil {
		return err
	}
	of := togglesOf(entries)
	for number := range numbers {
		if !switchedOnce(of[idOf(number)], w.flows(number)) {
			return fmt.Errorf("organization %s: its dataflows were not switched once each: %s", idOf(number), toggleText(of[idOf(number)]))
		}
	}
	return nil
}

// migrated waits until the organization has ended and is nil if it ended well.
func (w *world) migrated(ctx context.Context, number int) error {
	var result workflows.Result
	if err := w.engine.GetWorkflow(ctx, w.workflowID(number), "").Get(ctx, &result); err != nil {
		return fmt.Errorf("organization %s: %w", idOf(number), err)
	}
	if result.Outcome != migration.Migrated || result.Switched != w.flows(number) {
		return fmt.Errorf("organization %s ended %s with %d of %d dataflows switched", idOf(number), result.Outcome, result.Switched, w.flows(number))
	}
	return nil
}

func toggleText(entries []emulator.Entry) (text string) {
	for _, e := range entries {
		text += fmt.Sprintf(" %s %s %s %s;", e.At.Format(time.TimeOnly), e.Op, e.Card, e.ID)
	}
	return text
}
