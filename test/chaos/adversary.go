package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

// target is whom a kill is for.
type target string

// The targets.
const (
	aWorker    target = "a worker"
	workers    target = "both workers"
	server     target = "the server"
	everything target = "everything"
	thePortal  target = "the portal"
	// theDatabase is under the server, where it has one of its own.
	theDatabase target = "the database"
)

// targets are whom kills are for on this kind of server.
func (s settings) targets() []target {
	all := []target{workers, server, aWorker, everything, thePortal}
	if s.production() {
		all = append(all, theDatabase)
	}
	return all
}

// kill is one that is meant for an organization.
type kill struct {
	*mark

	target target
}

// orgsPerKill is how many organizations there are for each kill at a boundary, at least.
const orgsPerKill = 25

// drawKills gives some organizations kills at boundaries: each boundary has its turn, with each target.
func drawKills(s settings) map[string][]*kill {
	l := luck(s.seed, "kills")
	order := l.Perm(s.orgs)
	victims := slices.DeleteFunc(s.targets(), func(t target) bool { return t == thePortal }) // which is nothing to a boundary of the worker's
	kills := map[string][]*kill{}
	for i := range max(len(boundaries()), s.orgs/orgsPerKill) {
		b := boundaries()[i%len(boundaries())]
		k := &kill{markAt(b), victims[(i/len(boundaries())+i)%len(victims)]}
		if b == afterConsent {
			k.target = thePortal
		}
		passes := func(number int) bool { return b.on(scriptOf(s, number)) }
		at := slices.IndexFunc(order, func(number int) bool { return passes(number) && kills[idOf(number)] == nil })
		if at < 0 {
			at = slices.IndexFunc(order, passes) // of a few organizations one may have to stand more
		}
		if at >= 0 {
			id := idOf(order[at])
			kills[id] = append(kills[id], k)
		}
	}
	return kills
}

// watch has happen what is meant for the boundary that the entry shows.
func (o *organization) watch(ctx context.Context, e emulator.Entry) {
	o.editAt.see(o, e)
	for _, k := range o.kills {
		if k.see(o, e) {
			o.strike(ctx, k)
		}
	}
}

// hear does so for what the workflow says.
func (o *organization) hear(ctx context.Context, s migration.Status) {
	o.editAt.hear(s)
	for _, k := range o.kills {
		if k.hear(s) {
			o.strike(ctx, k)
		}
	}
}

func (o *organization) strike(ctx context.Context, k *kill) {
	why := string(k.boundary) + " of " + o.ID
	ctx = context.WithoutCancel(ctx) // also when it is the last one's, which may end before its turn comes
	o.run.adversary.running.Go(func() { o.run.adversary.hit(ctx, k.target, why, o, k) })
}

// adversary kills processes and starts them again, one blow at a time.
type adversary struct {
	*play

	luck    *rand.Rand
	running sync.WaitGroup

	giveUp context.CancelCauseFunc // ends the run

	mu    sync.Mutex // of the processes
	blows []blow
	err   error
}

// blow is what was killed.
type blow struct {
	at     time.Time
	target target
	why    string
	of     *organization // at whose boundary it came; nil: by chance
	kill   *kill         // what was meant then
	gone   time.Time     // when it was killed for certain
	down   time.Duration // until everything ran again
}

// Random blows come about this often. A killed worker's work is taken up again only ten seconds later.
const meanPeace = 25 * time.Second

// rage kills at random times until ctx ends, and on a machine on which coming back takes long not so often that nothing is ever up.
func (a *adversary) rage(ctx context.Context) {
	var down time.Duration
	for {
		peace := time.Duration(a.luck.ExpFloat64() * float64(meanPeace))
		victim := a.targets()[a.luck.IntN(len(a.targets()))]
		if stack.Pause(ctx, max(5*time.Second, min(peace, 3*meanPeace), 2*down)) != nil {
			return
		}
		down = a.hit(ctx, victim, "chance", nil, nil)
	}
}

// hit kills, lets a moment pass, and starts again what was killed.
func (a *adversary) hit(ctx context.Context, victim target, why string, of *organization, k *kill) (down time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil || a.err != nil {
		return 0
	}
	b := blow{at: time.Now(), target: victim, why: why, of: of, kill: k}
	a.err = a.killAll(victim)
	b.gone = time.Now()
	a.err = errors.Join(a.err, stack.Pause(ctx, 500*time.Millisecond))
	// What is started must be started: whoever ends the run meanwhile ends it too.
	a.err = errors.Join(a.err, a.startAll(context.WithoutCancel(ctx), victim))
	b.down = time.Since(b.at)
	a.blows = append(a.blows, b)
	fmt.Fprintf(a.out, "%s  killed %s (%s), back after %s\n", a.clock(), victim, why, b.down.Round(100*time.Millisecond))
	if ctx.Err() != nil {
		a.err = nil // the run is over
	}
	if a.err != nil {
		a.giveUp(a.err) // whoever waits for what did not come back waits in vain
	}
	return b.down
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
	if victim == thePortal || victim == everything {
		err = errors.Join(err, a.portal.Kill())
	}
	if victim == theDatabase || victim == everything && a.production() {
		err = errors.Join(err, a.temporal.KillDatabase())
	}
	return err
}

func (a *adversary) startAll(ctx context.Context, victim target) (err error) {
	if victim == theDatabase || victim == everything && a.production() {
		err = a.temporal.StartDatabase(ctx)
	}
	if victim == server || victim == everything {
		err = errors.Join(err, a.temporal.Start(ctx))
	}
	for _, w := range a.workers {
		if ended(w.Process) {
			err = errors.Join(err, w.Start(ctx))
		}
	}
	if ended(a.portal.Process) {
		err = errors.Join(err, a.portal.Start(ctx))
	}
	return err
}

func ended(p *stack.Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// died tells of a process that ended without having been killed.
func (a *adversary) died() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.err
	for _, p := range []*stack.Process{a.workers[0].Process, a.workers[1].Process, a.portal.Process, a.temporal.Process} {
		if ended(p) {
			err = errors.Join(err, fmt.Errorf("%s ended by itself: its output is in %s", p.Name, p.Log))
		}
	}
	return err
}
