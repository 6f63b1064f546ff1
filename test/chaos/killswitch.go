package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"cutover/internal/emulator"
	"cutover/test/invariants"
	"cutover/test/stack"
)

const (
	// inForce is when the kill switch holds, counted from the end of the command.
	inForce = time.Second
	// holdFor is how long it is left on.
	holdFor = 6 * time.Second
	// burst is how long writes are counted after it let go.
	burst = 5 * time.Second
	// slowly is how long the vendors take for each call around the stop, and slowFor for how long before it: so long that whoever stands between two
	// writes would begin the second one long after the command.
	slowly  = 900 * time.Millisecond
	slowFor = 3 * time.Second
	// switchShare of the organizations have begun to be carried over when it is thrown.
	switchShare = 3
	// stopReason is what whoever looks must be told.
	stopReason = "rehearsal of a stop"
)

// killSwitch is the operator's: `starter stop` and `starter release`.
type killSwitch struct {
	mu      sync.Mutex
	enabled int // first enables that were seen

	slowed  time.Time // the vendors, from then to the release
	on, off time.Time // when the commands had returned, and when that of the release began; zero: it was not thrown
	shown   string    // the reason in starter status while it held
	said    error     // why not

	between int           // pairs that stood between their two writes
	last    time.Duration // of the writes that began while it was on
	late    []emulator.Entry
	after   []time.Time      // writes within burst of the release
	limited []emulator.Entry // refused for the sake of the rate, at any time
}

func (k *killSwitch) see(e emulator.Entry) {
	if switches(e, "enable") {
		k.mu.Lock()
		k.enabled++
		k.mu.Unlock()
	}
}

func (k *killSwitch) due(orgs int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.enabled > orgs/switchShare
}

// watchSwitch throws the kill switch once, in the middle of the work, and lets go again. Nothing is killed meanwhile: what is held is to be its doing.
func (p *play) watchSwitch(ctx context.Context) {
	for !p.killed.due(len(p.organizations)) {
		if stack.Pause(ctx, lookEvery) != nil {
			return
		}
	}
	p.adversary.mu.Lock()
	defer p.adversary.mu.Unlock()
	slowed := time.Now()
	err := errors.Join(p.vendor.SetLatency(ctx, slowly), stack.Pause(ctx, slowFor))
	_, stopped := p.starter.Do(ctx, "stop", "--by", operator, "--reason", stopReason)
	err = errors.Join(err, stopped)
	on := time.Now()
	var shown string
	var said error
	if err == nil {
		shown, said = p.stopShown(ctx)
		err = stack.Pause(ctx, holdFor-min(holdFor, time.Since(on)))
	}
	err = errors.Join(err, p.vendor.SetLatency(context.WithoutCancel(ctx), latency))
	off := time.Now()
	_, released := p.starter.Do(context.WithoutCancel(ctx), "release", "--by", operator)
	if err = errors.Join(err, released); err != nil && ctx.Err() == nil {
		p.adversary.err = errors.Join(p.adversary.err, fmt.Errorf("throw the kill switch: %w", err))
		return
	}
	p.killed.mu.Lock()
	defer p.killed.mu.Unlock()
	p.killed.slowed, p.killed.on, p.killed.off, p.killed.shown, p.killed.said = slowed, on, off, shown, said
	fmt.Fprintf(p.out, "%s  the kill switch was on for %s\n", p.clock(), off.Sub(on).Round(100*time.Millisecond))
}

// stopShown is the reason that the operator's command shows.
func (p *play) stopShown(ctx context.Context) (string, error) {
	answer, err := p.starter.Do(ctx, "status", "--output", "json")
	if err != nil {
		return "", err
	}
	var status struct {
		WritesStopped struct {
			Reason string `json:"reason"`
		} `json:"writes_stopped"`
	}
	if err := json.Unmarshal([]byte(answer.Stdout), &status); err != nil {
		return "", fmt.Errorf("read starter status: %w", err)
	}
	return status.WritesStopped.Reason, nil
}

// measure takes in one organization's ledger: the last write that began before the release, and those that began too late.
func (k *killSwitch) measure(ledger []emulator.Entry, delays map[string]time.Duration) {
	on := map[string]bool{} // by original: its copy is on, and it is too
	for _, e := range ledger {
		if e.Status == http.StatusTooManyRequests && e.Fault == "" {
			k.limited = append(k.limited, e)
		}
		if k.on.IsZero() || !written(e) {
			continue
		}
		began := e.At
		if e.Answered {
			began = began.Add(-delays[e.Fault]) // a write that is delayed is in the ledger when it is done, or when its caller goes
		}
		if !k.slowed.IsZero() && e.At.After(k.slowed) && e.At.Before(k.off) {
			began = began.Add(-slowly)
		}
		switch {
		case !began.After(k.on):
			if switches(e, "enable") && e.Origin != "" {
				on[e.Origin] = true
			} else if switches(e, "disable") {
				delete(on, e.ID)
			}
		case began.Before(k.off):
			k.last = max(k.last, began.Sub(k.on))
			if began.Sub(k.on) > inForce {
				k.late = append(k.late, e)
			}
		case began.Before(k.off.Add(burst)):
			k.after = append(k.after, began)
		}
	}
	k.between += len(on)
}

// mostPerSecond is the greatest number of moments within one second.
func mostPerSecond(moments []time.Time) (most int) {
	slices.SortFunc(moments, time.Time.Compare)
	first := 0
	for i, at := range moments {
		for at.Sub(moments[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// pace is what the workers' own limit lets through within a second: each may have one request saved up.
const pace = workerCount*workerRPS + workerCount

// killSwitchHolds is checked beside the nine invariants.
const killSwitchHolds invariants.Name = "kill-switch"

// violations are writes that began while the switch was on, a reason that was not shown, and a release in a burst.
func (k *killSwitch) violations() []invariants.Violation {
	var found []invariants.Violation
	broken := func(e emulator.Entry, format string, args ...any) {
		found = append(found, invariants.Violation{Invariant: killSwitchHolds, Organization: e.Organization, Seq: e.Seq, What: fmt.Sprintf(format, args...)})
	}
	for _, e := range k.late {
		broken(e, "%s of %s %s after the kill switch was thrown", e.Op, e.ID, e.At.Sub(k.on).Round(time.Millisecond))
	}
	for _, e := range k.limited {
		broken(e, "refused for the sake of the vendor's rate, which the workers' own pace must keep")
	}
	if k.on.IsZero() {
		return found
	}
	if k.shown != stopReason {
		broken(emulator.Entry{}, "starter status showed %q while it was on (%v)", k.shown, k.said)
	}
	if most := mostPerSecond(k.after); most > pace {
		broken(emulator.Entry{}, "%d writes in one second after the release: the workers' pace is %d", most, pace)
	}
	return found
}

// String is what is told of it.
func (k *killSwitch) String() string {
	return fmt.Sprintf("kill switch: on for %s; %d pairs stood between their two writes; the last write began %s after the command; "+
		"%d writes within five seconds of the release, at most %d in one second", k.off.Sub(k.on).Round(100*time.Millisecond), k.between,
		k.last.Round(time.Millisecond), len(k.after), mostPerSecond(k.after))
}
