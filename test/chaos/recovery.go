package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/test/invariants"
)

const (
	// noticedAfter is the worker's heartbeat timeout (workflows.heartbeat): nothing else bounds an attempt whose worker is gone.
	noticedAfter = 10 * time.Second
	// goesOnWithin is what the design allows beside it.
	goesOnWithin = 5 * time.Second
	// undisturbed is the longest that a step waits by itself: for the next look at an account, or for the slowest fault.
	undisturbed = 3 * time.Second
)

// recoversInTime is checked beside the nine invariants.
const recoversInTime invariants.Name = "recovery"

// recovery is how long an organization stood still after a kill at one of its boundaries.
type recovery struct {
	blow  blow
	took  time.Duration
	limit time.Duration
}

func (r recovery) String() string {
	return fmt.Sprintf("%.1fs of %.1fs (%s, killed %s)", r.took.Seconds(), r.limit.Seconds(), r.blow.why, r.blow.target)
}

// recoveries measures every kill at a boundary: from the kill, or from what disturbed the organization after it, to its next step. A kill that came
// when the step was done, or after which nothing was left to do, tells nothing.
func (p *play) recoveries() []recovery {
	var all []recovery
	for _, b := range p.adversary.blows {
		if b.kill == nil || b.target == thePortal {
			continue
		}
		step, ok := b.kill.next(b.of.entries(), b.at)
		if !ok {
			continue
		}
		from, down := p.disturbed(step, b.gone)
		all = append(all, recovery{b, step.Sub(from), noticedAfter + goesOnWithin + undisturbed + down})
	}
	return all
}

// next is when the organization took the step that the kill came before.
func (k *kill) next(ledger []emulator.Entry, killed time.Time) (step time.Time, ok bool) {
	for _, e := range ledger {
		program := e.Actor != "system" && !strings.HasPrefix(e.Actor, "person:")
		switch k.boundary {
		case afterEnable: // the other write of the pair
			program = switches(e, "disable") && e.ID == k.flow
		case afterBack:
			program = switches(e, "disable") && e.Origin == k.flow
		case afterAssess, afterNotice, afterConsent, afterRefresh, afterRenewal, afterSignIn, afterPlan, afterDisable, beforeVerify, afterVerify:
		}
		if program && e.At.After(killed) {
			return e.At, true
		}
	}
	return time.Time{}, false
}

// disturbed is since when nothing kept anybody from the step any more, and how long the processes were away that were killed last: on a machine that
// is busy that takes long, and so does everything else.
func (p *play) disturbed(step, killed time.Time) (from time.Time, down time.Duration) {
	from = killed
	for _, b := range p.adversary.blows {
		if !b.gone.Before(from) && b.gone.Before(step) {
			from, down = b.gone, b.down
		}
	}
	if off := p.killed.off; off.After(from) && p.killed.on.Before(step) && off.Before(step) {
		from = off
	}
	return from, down
}

// recovered is the worst of them in words, and those that took too long.
func (p *play) recovered() (line string, found []invariants.Violation) {
	all := p.recoveries()
	if len(all) == 0 {
		return "recovery: no kill at a boundary interrupted anything", nil
	}
	worst := slices.MaxFunc(all, func(a, b recovery) int { return int(a.took - a.limit - b.took + b.limit) })
	for _, r := range all {
		if r.took > r.limit {
			found = append(found, invariants.Violation{Invariant: recoversInTime, Organization: r.blow.of.ID, What: "it went on after " + r.String()})
		}
	}
	return fmt.Sprintf("recovery worst %s, of %d kills at a boundary", worst, len(all)), found
}
