package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"cutover/internal/engine"
	"cutover/test/stack"
)

// play is everything that runs.
type play struct {
	dir           string
	say           *voice
	organizations []*organization

	temporal *stack.Temporal
	vendor   *stack.Vendor
	worker   *stack.Worker
	portal   *stack.Portal
	starter  stack.Starter
	second   stack.Starter // where the second playbook's manifest is
	alone    stack.Starter // where the manifest is of those that start later
	engine   client.Client
	closers  stack.Closers

	appSecret string // of the operator's own app at Pinterest

	commands sync.Mutex // guards the file that the operator's commands are noted in
}

// setUp builds and starts everything, and starts the workflows.
func setUp(ctx context.Context, s settings, dir string, say *voice) (*play, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	p := &play{dir: dir, say: say}
	if err := p.start(ctx, s); err != nil {
		return nil, errors.Join(err, p.closers.Close())
	}
	return p, nil
}

func (p *play) start(ctx context.Context, s settings) error {
	say := p.say
	say.line("building worker, starter, portal and emulator")
	binaries, err := stack.Build(ctx, p.dir)
	if err != nil {
		return err
	}
	p.temporal, err = stack.StartTemporal(ctx, stack.Options{Dir: p.dir, UI: true})
	if err != nil {
		return err
	}
	p.closers.Add(func() error { return p.temporal.Stop() })
	p.engine, err = p.temporal.Client(ctx)
	if err != nil {
		return fmt.Errorf("connect to the Temporal server: %w", err)
	}
	p.closers.Add(func() error { p.engine.Close(); return nil })

	timeline := paceOf(s.stay).timeline(time.Now())
	p.organizations = cast(timeline)
	for _, o := range p.organizations {
		o.play = p
	}
	world, err := writeWorld(p.dir, p.organizations, timeline)
	if err != nil {
		return err
	}
	p.vendor, err = stack.StartVendor(ctx, binaries.Emulator, p.dir, world.scenario, s.seed)
	if err != nil {
		return err
	}
	p.closers.Add(func() error { return p.vendor.Stop() })
	p.appSecret = world.appSecret
	app := "CUTOVER_PINTEREST_APP=" + world.app
	p.portal, err = stack.NewPortal(ctx, binaries.Portal, p.dir, p.temporal, p.vendor.URL, app)
	if err != nil {
		return err
	}
	p.worker, err = stack.StartWorker(ctx, stack.WorkerOptions{
		Binary: binaries.Worker, Dir: p.dir, Temporal: p.temporal, VendorURL: p.vendor.URL, Credentials: world.credentials,
		Env: []string{"CUTOVER_ADOBE_RPS=200", app, "CUTOVER_PORTAL_URL=" + p.portal.URL},
	})
	if err != nil {
		return err
	}
	p.closers.Add(func() error { return p.worker.Stop() })
	if err := p.portal.Start(ctx); err != nil {
		return err
	}
	p.closers.Add(func() error { return p.portal.Stop() })
	p.starter = stack.NewStarter(binaries.Starter, p.dir, p.temporal)
	p.second = p.starter
	p.second.Dir = filepath.Join(p.dir, secondFolder)
	p.alone = p.starter
	p.alone.Dir = filepath.Join(p.dir, aloneFolder)
	for _, starter := range []stack.Starter{p.starter, p.second} {
		answer, err := starter.Do(ctx, "start", "--all")
		p.note(answer)
		if err != nil {
			return err
		}
	}
	say.begin(time.Now())
	say.line("%d organizations; card available %s, re-authenticate by %s, shutdown %s", len(p.organizations),
		timeline.Available.Format(time.TimeOnly), timeline.ReauthenticateBy.Format(time.TimeOnly), timeline.Shutdown.Format(time.TimeOnly))
	say.line("Temporal Web UI %s   emulated vendors %s", p.temporal.WebURL, p.vendor.URL)
	return nil
}

// crash kills the worker and starts it again. Its log goes on in the same file.
func (p *play) crash(ctx context.Context) error {
	if err := p.worker.Kill(); err != nil {
		return err
	}
	p.say.line("the worker was killed; starting it again")
	return p.worker.Start(ctx)
}

// note keeps what the operator's commands printed: people keep that too.
func (p *play) note(a stack.Answer) {
	p.commands.Lock()
	defer p.commands.Unlock()
	file, err := os.OpenFile(p.commandLog(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.say.line("keep a command's output: %v", err)
		return
	}
	defer file.Close()
	fmt.Fprintf(file, "$ starter %s\n%s%s", strings.Join(a.Args, " "), a.Stdout, a.Stderr)
}

func (p *play) commandLog() string { return filepath.Join(p.dir, "starter.log") }

// perform lets everybody act, waits for every organization's end and judges.
func (p *play) perform(ctx context.Context) (verdict, error) {
	acting, stop := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no end after %s", patience))
	defer stop()
	watched := p.watch(acting)
	troubles := make([]error, len(p.organizations))
	var people sync.WaitGroup
	for i, o := range p.organizations {
		people.Go(func() { troubles[i] = o.people(acting, o) })
	}
	people.Wait()
	seen := watched.wait()
	if err := ctx.Err(); err != nil {
		return verdict{}, context.Cause(ctx)
	}
	f, err := p.gather(ctx, seen)
	if err != nil {
		return verdict{}, err
	}
	return p.judge(f, troubles), nil
}

// stay shows where to click and what to type, and waits for Ctrl-C.
func (p *play) stay(ctx context.Context) {
	o := p.organizations[0]
	env := strings.Join(stack.TemporalEnv(p.dir, p.temporal), " ")
	page := "none: "
	if link, err := p.portal.Command().Do(ctx, "link", "--org", o.ID, "--playbook", o.playbookName()); err != nil {
		page += err.Error()
	} else {
		page = strings.TrimSpace(link.Stdout)
	}
	p.say.line("everything stays up until Ctrl-C; nobody acts but you")
	p.say.plain(`
All organizations   %[1]s/namespaces/%[2]s/workflows
One of them         %[3]s
Sign in for one     %[4]s  (Reconnect, at an account of the new card)
Its own page        %[9]s  (works once; each notice has a new one)

In another terminal:
  cd %[5]s
  export %[6]s
  ./starter status
  ./starter status --org %[7]s
  ./starter plan --org %[7]s
  ./starter pause --org %[7]s --by you --reason "having a look"
  ./starter resume --org %[7]s --by you

Fates: %[8]s
`, p.temporal.WebURL, p.temporal.Namespace,
		engine.WebURL(p.temporal.WebURL, p.temporal.Namespace, o.workflowID(), ""),
		p.vendor.URL, p.dir, env, o.ID, p.listFates(), page)
	<-ctx.Done()
	p.say.line("stopping")
}

func (p *play) listFates() string {
	var list []string
	for _, o := range p.organizations {
		list = append(list, o.Name+" "+o.name)
	}
	return strings.Join(list, ", ")
}
