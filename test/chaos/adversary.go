package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// target is whom a kill is for.
type target string

// The targets.
const (
	aWorker    target = "a worker"
	workers    target = "both workers"
	server     target = "the server"
	everything target = "everything"
)

func targets() []target { return []target{workers, server, aWorker, everything} }

// boundary is a step after which a kill is meant to come.
type boundary string

// The boundaries, as the ledger or the workflow's own word shows them.
const (
	afterAssess  boundary = "first list"
	afterNotice  boundary = "first notice"
	afterSignIn  boundary = "sign-in"
	afterEnable  boundary = "first enable" // between the two writes of a pair
	afterDisable boundary = "first disable"
	beforeVerify boundary = "first look at flow runs"
)

func boundaries() []boundary {
	return []boundary{afterEnable, afterAssess, afterDisable, afterNotice, beforeVerify, afterSignIn}
}

// kill is one that is meant for an organization.
type kill struct {
	target   target
	boundary boundary
	once     sync.Once
}

// orgsPerKill is how many organizations there are for each kill at a boundary, at least.
const orgsPerKill = 25

// drawKills gives some organizations a kill at a boundary: each boundary has its turn, with each target.
func drawKills(s settings) map[string]*kill {
	l := luck(s.seed, "kills")
	kills := map[string]*kill{}
	n := max(len(boundaries()), s.orgs/orgsPerKill)
	for _, number := range l.Perm(s.orgs) {
		i := len(kills)
		if i == n {
			break
		}
		// Whoever is carried over passes every boundary.
		if scriptOf(s, number).outcome == migration.Migrated {
			kills[idOf(number)] = &kill{target: targets()[(i/len(boundaries())+i)%len(targets())], boundary: boundaries()[i%len(boundaries())]}
		}
	}
	return kills
}

// reached tells whether a ledger entry shows that the boundary is reached.
func (b boundary) reached(e emulator.Entry, disabled bool) bool {
	switch b {
	case afterAssess:
		return e.Kind == emulator.KindList && e.Entity == "flow"
	case afterSignIn:
		return e.Kind == emulator.KindEdit && e.Entity == "connection"
	case afterEnable:
		return written(e) && e.Applied && e.Op == "enable"
	case afterDisable:
		return written(e) && e.Applied && e.Op == "disable"
	case beforeVerify:
		return disabled && e.Entity == "run"
	case afterNotice: // the workflow says so
	}
	return false
}

// watch has the organization's own kill happen when its boundary is reached.
func (o *organization) watch(ctx context.Context, e emulator.Entry) {
	if o.kill == nil {
		return
	}
	disabled := o.kill.boundary == beforeVerify && e.Entity == "run" && o.any(func(e emulator.Entry) bool { return written(e) && e.Applied && e.Op == "disable" })
	if o.kill.boundary.reached(e, disabled) {
		o.strike(ctx)
	}
}

func (o *organization) noticed(ctx context.Context, s migration.Status) {
	if o.kill != nil && o.kill.boundary == afterNotice && len(s.Notices) > 0 {
		o.strike(ctx)
	}
}

func (o *organization) strike(ctx context.Context) {
	o.kill.once.Do(func() {
		why := string(o.kill.boundary) + " of " + o.ID
		ctx := context.WithoutCancel(ctx) // also when it is the last one's, which may end before its turn comes
		o.run.adversary.running.Go(func() { o.run.adversary.hit(ctx, o.kill.target, why) })
	})
}

// adversary kills processes and starts them again, one blow at a time.
type adversary struct {
	*play

	luck    *rand.Rand
	running sync.WaitGroup

	mu    sync.Mutex // of the processes
	blows []blow
	err   error
}

// blow is what was killed.
type blow struct {
	at     time.Time
	target target
	why    string
	down   time.Duration // until everything ran again
}

// Random blows come about this often. A killed worker's work is taken up again only ten seconds later.
const meanPeace = 25 * time.Second

// rage kills at random times until ctx ends.
func (a *adversary) rage(ctx context.Context) {
	for {
		peace := time.Duration(a.luck.ExpFloat64() * float64(meanPeace))
		victim := targets()[a.luck.IntN(len(targets()))]
		if pause(ctx, max(5*time.Second, min(peace, 3*meanPeace))) != nil {
			return
		}
		a.hit(ctx, victim, "chance")
	}
}

// hit kills, lets a moment pass, and starts again what was killed.
func (a *adversary) hit(ctx context.Context, victim target, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil || a.err != nil {
		return
	}
	b := blow{at: time.Now(), target: victim, why: why}
	a.err = errors.Join(a.killAll(victim), pause(ctx, 500*time.Millisecond))
	// What is started must be started: whoever ends the run meanwhile ends it too.
	a.err = errors.Join(a.err, a.startAll(context.WithoutCancel(ctx), victim))
	b.down = time.Since(b.at)
	a.blows = append(a.blows, b)
	fmt.Fprintf(a.out, "%s  killed %s (%s), back after %s\n", a.clock(), victim, why, b.down.Round(100*time.Millisecond))
	if ctx.Err() != nil {
		a.err = nil // the run is over
	}
}

func (a *adversary) killAll(victim target) (err error) {
	if victim == server || victim == everything {
		err = a.temporal.Kill()
	}
	for i, w := range a.workers {
		if victim == workers || victim == everything || victim == aWorker && i == len(a.blows)%len(a.workers) {
			err = errors.Join(err, w.Kill())
		}
	}
	return err
}

func (a *adversary) startAll(ctx context.Context, victim target) (err error) {
	if victim == server || victim == everything {
		err = a.temporal.Start(ctx)
	}
	for _, w := range a.workers {
		select {
		case <-w.Done():
			err = errors.Join(err, w.Start(ctx))
		default:
		}
	}
	return err
}

// died tells of a worker or server that ended without having been killed.
func (a *adversary) died() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.err
	for _, w := range a.workers {
		select {
		case <-w.Done():
			err = errors.Join(err, fmt.Errorf("%s ended by itself", w.Name))
		default:
		}
	}
	select {
	case <-a.temporal.Done():
		err = errors.Join(err, errors.New("the Temporal server ended by itself"))
	default:
	}
	return err
}
