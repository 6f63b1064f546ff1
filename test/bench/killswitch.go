package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

const (
	killSwitchLimitS = 1
	// paced is the worker's own default; vendorTakes is what a second of it must not exceed, also after the release.
	paced       = 40
	vendorTakes = 50
	// runsEvery is soon enough for a pair that was stopped between its writes: a run that follows the second one verifies it.
	runsEvery = 30 * time.Second
	// slow is how long each vendor call takes meanwhile.
	slow = 50 * time.Millisecond
	// heldFor is how long writes are stopped at least, burstFor how long they are watched after the release.
	heldFor  = 8 * time.Second
	burstFor = 10 * time.Second
	// endsWithin is when an organization that does not end counts as lost.
	endsWithin = 10 * time.Minute

	stopReason = "wrong audiences at the partner"
)

// stopped is what happened while the switch was on.
type stopped struct {
	begun    time.Time // the command was typed
	on       time.Time // it had returned
	letting  time.Time // the release was typed
	off      time.Time // it had returned
	listTook time.Duration
	shown    bool // the reason, in the list of all
}

// measureKillSwitch has 200 more people sign in at once, with a slow vendor and the worker's own default rate, and stops all writes in the middle of
// their switches by the documented command, among all those who wait. The ledger has a call when the vendor is done with it; it began at most slow
// before. Who waits goes on being polled, and those calls share the worker's rate.
func (w *world) measureKillSwitch(ctx context.Context, taken map[int]bool) error {
	numbers := pick(w.organizations, w.bench.of(200, 20), taken)
	if err := w.paceWorker(ctx); err != nil {
		return err
	}
	if err := w.vendor.SetLatency(ctx, slow); err != nil {
		return err
	}
	mark, err := w.mark()
	if err != nil {
		return err
	}
	err = each(ctx, 0, len(numbers), startersAtOnce, func(ctx context.Context, i int) error {
		return errors.Join(w.reconnect(ctx, numbers[i]), w.tell(ctx, numbers[i]))
	})
	if err != nil {
		return err
	}
	if err := w.untilArrived(ctx, mark, w.flowsOf(numbers)/3); err != nil {
		return err
	}
	s, err := w.stopAndRelease(ctx)
	if err != nil {
		return err
	}
	if err := stack.Pause(ctx, w.bench.long(burstFor)); err != nil {
		return err
	}
	ended := w.ended(ctx, numbers)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, _, err := w.since(mark)
	if err != nil {
		return err
	}
	w.judge(s, entries, numbers, ended)
	return nil
}

func (w *world) flowsOf(numbers []int) (n int) {
	for _, number := range numbers {
		n += w.flows(number)
	}
	return n
}

// paceWorker replaces the worker by one with the default rate.
func (w *world) paceWorker(ctx context.Context) error {
	last := len(w.workers) - 1
	if err := w.workers[last].Stop(); err != nil {
		return err
	}
	worker, err := stack.StartWorker(ctx, stack.WorkerOptions{
		Binary: w.bench.binaries.Worker, Dir: w.dir, Name: "worker-paced", Temporal: w.temporal, VendorURL: w.vendor.URL,
		Credentials: filepath.Join(w.dir, "credentials.yaml"), Env: []string{fmt.Sprintf("CUTOVER_ADOBE_RPS=%d", paced)},
	})
	if err != nil {
		return err
	}
	w.workers[last] = worker
	w.closers.Add(worker.Stop)
	return nil
}

// untilArrived waits until n copies were enabled since mark.
func (w *world) untilArrived(ctx context.Context, mark int64, n int) error {
	ctx, cancel := context.WithTimeout(ctx, endsWithin)
	defer cancel()
	for found := 0; ; {
		entries, next, err := w.since(mark)
		if err != nil {
			return err
		}
		mark = next
		for _, e := range entries {
			if arrives(e) {
				found++
			}
		}
		if found >= n {
			return nil
		}
		if err := stack.Pause(ctx, ledgerEvery); err != nil {
			return fmt.Errorf("wait for %d copies to be enabled, %d are: %w", n, found, err)
		}
	}
}

// stopAndRelease is the operator.
func (w *world) stopAndRelease(ctx context.Context) (s stopped, err error) {
	var manifest []migration.Organization
	for i := range w.organizations {
		manifest = append(manifest, organizationOf(i))
	}
	if _, err := stack.WriteManifest(w.dir, w.playbook.Name, manifest); err != nil {
		return s, err
	}
	starter := stack.NewStarter(w.bench.binaries.Starter, w.dir, w.temporal)
	s.begun = time.Now()
	if _, err := starter.Do(ctx, "stop", "--reason", stopReason, "--by", "operator"); err != nil {
		return s, err
	}
	s.on = time.Now()
	list, err := starter.Do(ctx, "status")
	if err != nil {
		return s, err
	}
	s.listTook = time.Since(s.on)
	s.shown = strings.Contains(strings.Join(strings.Fields(list.Stdout), " "), stopReason)
	if rows := strings.Count(list.Stdout, "@AdobeOrg"); rows != w.organizations {
		return s, fmt.Errorf("starter status lists %d of %d organizations", rows, w.organizations)
	}
	if err := stack.Pause(ctx, w.bench.long(heldFor)-time.Since(s.on)); err != nil {
		return s, err
	}
	s.letting = time.Now()
	_, err = starter.Do(ctx, "release", "--by", "operator")
	s.off = time.Now()
	return s, err
}

// ended waits for the organizations and tells who ended well.
func (w *world) ended(ctx context.Context, numbers []int) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, endsWithin)
	defer cancel()
	var mu sync.Mutex
	well := map[string]bool{}
	_ = each(ctx, 0, len(numbers), len(numbers), func(ctx context.Context, i int) error {
		if err := w.migrated(ctx, numbers[i]); err != nil {
			w.bench.say("%v", err)
			return nil // the others are waited for
		}
		mu.Lock()
		defer mu.Unlock()
		well[idOf(numbers[i])] = true
		return nil
	})
	return well
}

// judge makes bars and figures of what happened.
func (w *world) judge(s stopped, entries []emulator.Entry, numbers []int, well map[string]bool) {
	b, of, lost := w.bench, togglesOf(entries), 0
	for _, number := range numbers {
		if id := idOf(number); !well[id] || !switchedOnce(of[id], w.flows(number)) {
			lost++
			b.say("lost: %s%s", id, toggleText(of[id]))
		}
	}
	shown := 0.0
	if s.shown {
		shown = 1
	}
	b.figure(figure{Name: "kill_switch_command_s", Value: s.on.Sub(s.begun).Seconds(), Unit: "s"})
	b.figure(figure{Name: "kill_switch_held_s", Value: s.letting.Sub(s.on).Seconds(), Unit: "s"})
	b.figure(figure{Name: "kill_switch_between_writes", Value: float64(between(entries, s.letting)), Unit: "pairs with both sides on while it held"})
	b.figure(figure{Name: "kill_switch_release_first_write_s", Value: firstWrite(entries, s.letting, slow).Sub(s.off).Seconds(), Unit: "s after the release"})
	// What the machine's own hiccups make of the worker's pace, with no release near: a release that is no burst brings no more.
	b.figure(figure{Name: "kill_switch_burst_before", Value: float64(most(asked(entries), s.begun.Add(-b.long(burstFor)), s.begun)), Unit: "calls in a second before the stop"})
	b.figure(figure{Name: "status_of_10000_s", Value: s.listTook.Seconds(), Unit: "s"})
	b.bar(bar{Name: "kill_switch_last_write_s", Measured: max(0, lastWrite(entries, s.letting, slow).Sub(s.on).Seconds()), Limit: killSwitchLimitS, Unit: "s after the command"})
	b.bar(bar{Name: "kill_switch_release_burst", Measured: float64(most(asked(entries), s.letting, s.off.Add(b.long(burstFor)))), Limit: vendorTakes, Unit: "calls in a second"})
	b.bar(bar{Name: "kill_switch_lost", Measured: float64(lost), Limit: 0, Unit: fmt.Sprintf("of %d organizations", len(numbers))})
	b.bar(bar{Name: "kill_switch_reason_shown", Measured: shown, Limit: 1, AtLeast: true})
}
