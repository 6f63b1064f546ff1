package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

// play is everything that runs.
type play struct {
	settings

	dir           string
	out           io.Writer
	began, ended  time.Time
	organizations []*organization
	byID          map[string]*organization

	temporal  *stack.Temporal
	vendor    *stack.Vendor
	workers   []*stack.Worker
	portal    *stack.Portal
	grants    grants
	starter   stack.Starter
	engine    client.Client
	adversary *adversary
	killed    killSwitch
	closers   stack.Closers

	mu     sync.Mutex
	stages []emulator.Entry // of nobody in particular
}

const (
	workerCount = 2
	// workerRPS is what each worker asks of Adobe per second at most; the emulated one refuses whatever is more than all of them may.
	workerRPS = 100
	// atOnce is how many organizations are under way at one time: most of the time each waits for people, flow runs, or a killed worker's work to be noticed.
	atOnce = 60
	// startEvery is for an engine that was just killed.
	startEvery = time.Second
	// orgPatience bounds one organization's case: a dozen kills, and a server that lets a task lie for a minute.
	orgPatience = 6 * time.Minute
)

func setUp(ctx context.Context, s settings, dir string, out io.Writer) (*play, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	p := &play{settings: s, dir: dir, out: &lockedWriter{out: out}, organizations: draw(s), byID: map[string]*organization{}}
	for _, o := range p.organizations {
		o.run, p.byID[o.ID] = p, o
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.closers.Close())
	}
	return p, nil
}

func (p *play) start(ctx context.Context) error {
	fmt.Fprintf(p.out, "seed %d, %d organizations\n", p.seed, len(p.organizations))
	binaries, err := stack.Build(ctx, p.dir)
	if err != nil {
		return err
	}
	if p.temporal, err = stack.StartTemporal(ctx, stack.Options{Dir: p.dir, Production: p.production()}); err != nil {
		return err
	}
	p.closers.Add(func() error { return p.temporal.Stop() })
	if p.engine, err = p.temporal.Client(ctx); err != nil {
		return fmt.Errorf("connect to the Temporal server: %w", err)
	}
	p.closers.Add(func() error { p.engine.Close(); return nil })
	world, err := writeWorld(p.dir, p.organizations)
	if err != nil {
		return err
	}
	p.grants = world.grants
	if p.vendor, err = stack.StartVendor(ctx, binaries.Emulator, p.dir, world.scenario, p.seed); err != nil {
		return err
	}
	p.closers.Add(func() error { return p.vendor.Stop() })
	p.starter = stack.NewStarter(binaries.Starter, p.dir, p.temporal)
	app := "CUTOVER_PINTEREST_APP=" + world.app
	if p.portal, err = stack.NewPortal(ctx, binaries.Portal, p.dir, p.temporal, p.vendor.URL, app); err != nil {
		return err
	}
	for i := range workerCount {
		w, err := stack.StartWorker(ctx, stack.WorkerOptions{
			Binary: binaries.Worker, Dir: p.dir, Name: fmt.Sprintf("worker-%d", i+1), Temporal: p.temporal, VendorURL: p.vendor.URL,
			Credentials: world.credentials, Env: []string{fmt.Sprintf("CUTOVER_ADOBE_RPS=%d", workerRPS), app, "CUTOVER_PORTAL_URL=" + p.portal.URL},
		})
		if err != nil {
			return err
		}
		p.workers = append(p.workers, w)
		p.closers.Add(func() error { return w.Stop() })
	}
	if err := p.portal.Start(ctx); err != nil {
		return err
	}
	p.closers.Add(func() error { return p.portal.Stop() })
	if err := p.openStore(ctx); err != nil {
		return err
	}
	p.closers.Add(func() error { return p.grants.store.Close() })
	p.adversary = &adversary{play: p, luck: luck(p.seed, "adversary")}
	p.began = time.Now()
	return nil
}

func (p *play) clock() string { return fmt.Sprintf("%6.1fs", time.Since(p.began).Seconds()) }

// perform carries every organization over, as many at a time as are looked after, and judges when all have ended.
func (p *play) perform(ctx context.Context) (verdict, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	p.adversary.giveUp = giveUp
	raging, calm := context.WithCancel(ctx)
	defer calm()
	var following sync.WaitGroup
	var tailErr error
	following.Go(func() { tailErr = tail(raging, p.vendor.LedgerFile, func(e emulator.Entry) { p.see(raging, e) }) })
	p.adversary.running.Go(func() { p.adversary.rage(raging) })
	p.adversary.running.Go(func() { p.watchSwitch(raging) })
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	done := 0
	for _, o := range p.organizations {
		places <- struct{}{}
		all.Go(func() {
			o.live(ctx)
			p.mu.Lock()
			done++
			if done%50 == 0 {
				fmt.Fprintf(p.out, "%s  %d organizations have ended\n", p.clock(), done)
			}
			p.mu.Unlock()
			<-places
		})
	}
	all.Wait()
	p.ended = time.Now()
	calm()
	following.Wait() // it calls for kills
	p.adversary.running.Wait()
	fmt.Fprintf(p.out, "%s  all have ended; checking\n", p.clock())
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return verdict{}, errors.New("interrupted")
	}
	if err := errors.Join(tailErr, p.adversary.died()); err != nil {
		return verdict{}, err
	}
	// Looking back takes its time too, also when the organizations took all of it.
	looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookBack)
	defer cancel()
	return p.judge(looking)
}

// lookBack bounds reading what was kept.
const lookBack = 10 * time.Minute

// see takes in a ledger entry.
func (p *play) see(ctx context.Context, e emulator.Entry) {
	o := p.byID[e.Organization]
	if o == nil {
		p.mu.Lock()
		p.stages = append(p.stages, e)
		p.mu.Unlock()
		return
	}
	o.see(e)
	o.watch(ctx, e)
	p.killed.see(e)
}

// lockedWriter lets many write.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lockedWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(text)
}

// playbook is the organization's own.
func (o *organization) playbook() (migration.Playbook, error) {
	return migration.ParsePlaybook(playbookName+".yaml", []byte(playbookOf(o)), time.Now())
}
