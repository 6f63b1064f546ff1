package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

const (
	sandbox    = "prod"
	advertiser = "549755885175"
)

// fleet is which organizations there are and what their vendors are like.
type fleet struct {
	organizations int
	dataflows     int                       // of each; 0: 3
	sized         map[int]int               // dataflows of single organizations, by number
	latency       time.Duration             // of every vendor call
	limit         float64                   // requests per second that the vendors take from all clients together; 0: all
	rps           float64                   // the worker's own limit; 0: as good as none
	runs          time.Duration             // between two flow runs of a dataflow; 0: an hour
	reads         bool                      // the ledger keeps reads too: vendor calls are counted
	faults        []emulator.Fault          // active from the start
	change        func(*migration.Playbook) // changes of the playbook
	workerCount   int                       // 0: 1
	serverArgs    []string                  // more arguments of the development server
}

// unlimited is more requests per second than anything here makes.
const unlimited = 10000

// world is everything that runs: a server, the vendors, workers, each a process of its own.
type world struct {
	fleet

	dir      string
	bench    *bench
	temporal *stack.Temporal
	vendor   *stack.Vendor
	workers  []*stack.Worker
	engine   client.Client
	playbook migration.Playbook
	closers  stack.Closers
}

func (f fleet) flows(number int) int {
	if n, is := f.sized[number]; is {
		return n
	}
	if f.dataflows > 0 {
		return f.dataflows
	}
	return 3
}

// idOf is the id of the organization with this number, from 0.
func idOf(number int) string { return fmt.Sprintf("BENCH%05d@AdobeOrg", number) }

// accountOf is the id of the account on the new card that the organization's people sign in at.
func accountOf(number int) string { return fmt.Sprintf("bench-%05d-copied", number) }

func nameOf(number int) string { return fmt.Sprintf("bench%05d", number) }

func organizationOf(number int) migration.Organization {
	return migration.Organization{
		ID: idOf(number), Name: fmt.Sprintf("Bench %05d", number), Sandboxes: []string{sandbox},
		Contacts: []string{"marketing@" + nameOf(number) + ".example"}, Credential: nameOf(number),
	}
}

func (f fleet) scenario() (emulator.Scenario, []stack.Credential) {
	s := emulator.Scenario{
		Settings: emulator.Settings{
			ImmediateRuns: true, RunWindow: f.runs, RunRetention: 4 * f.runs, Latency: f.latency, TotalRequestsPerSecond: f.limit, OmitReads: !f.reads, OtherDataflows: -1,
		},
		Faults: f.faults,
	}
	credentials := make([]stack.Credential, f.organizations)
	for i := range f.organizations {
		credentials[i] = stack.Credential{Name: nameOf(i), Organization: idOf(i), ClientID: "client-" + nameOf(i), ClientSecret: "secret-" + nameOf(i)}
		prod := emulator.Sandbox{Name: sandbox, Accounts: []emulator.Account{{Name: "Pinterest", CopyID: accountOf(i)}}}
		for n := range f.flows(i) {
			prod.Dataflows = append(prod.Dataflows, emulator.Dataflow{
				Name: fmt.Sprintf("Campaign %d", n+1), Advertiser: advertiser, Audiences: []emulator.Audience{{Name: "Lapsed"}, {Name: "Loyal"}},
			})
		}
		s.Organizations = append(s.Organizations, emulator.Organization{
			ID: idOf(i), Name: organizationOf(i).Name, ClientID: credentials[i].ClientID, ClientSecret: credentials[i].ClientSecret,
			Sandboxes: []emulator.Sandbox{prod},
		})
	}
	return s, credentials
}

// plain is the playbook of the plain work, that looks at flow runs once a second.
func plain() (migration.Playbook, error) {
	p, err := stack.Playbook()
	p = stack.PlainWork(p)
	p.Verification.Poll = migration.Duration(time.Second)
	return p, err
}

// newWorld starts everything afresh, in a folder of its own.
func (b *bench) newWorld(ctx context.Context, f fleet) (w *world, err error) {
	b.worlds++
	w = &world{fleet: f, bench: b, dir: filepath.Join(b.dir, fmt.Sprintf("world-%02d", b.worlds))}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.closers.Close())
		}
	}()
	if err := os.MkdirAll(filepath.Join(w.dir, "notices"), 0o700); err != nil {
		return w, fmt.Errorf("make a folder: %w", err)
	}
	if w.playbook, err = plain(); err != nil {
		return w, err
	}
	if f.change != nil {
		f.change(&w.playbook)
	}
	options := stack.Options{Dir: w.dir, Production: b.server == production}
	if !options.Production {
		options.Extra = f.serverArgs
	}
	if w.temporal, err = stack.StartTemporal(ctx, options); err != nil {
		return w, err
	}
	w.closers.Add(func() error { return w.temporal.Stop() })
	if w.engine, err = w.temporal.Client(ctx); err != nil {
		return w, fmt.Errorf("connect to the Temporal server: %w", err)
	}
	w.closers.Add(func() error { w.engine.Close(); return nil })
	err = w.startRest(ctx)
	return w, err
}

// startRest starts the vendors and the workers.
func (w *world) startRest(ctx context.Context) error {
	s, clients := w.scenario()
	scenario, err := stack.WriteScenario(w.dir, s)
	if err != nil {
		return err
	}
	credentials, err := stack.WriteCredentials(w.dir, clients)
	if err != nil {
		return err
	}
	if w.vendor, err = stack.StartVendor(ctx, w.bench.binaries.Emulator, w.dir, scenario, 1); err != nil {
		return err
	}
	w.closers.Add(func() error { return w.vendor.Stop() })
	rps := w.rps
	if rps == 0 {
		rps = unlimited
	}
	for i := range max(1, w.workerCount) {
		worker, err := stack.StartWorker(ctx, stack.WorkerOptions{
			Binary: w.bench.binaries.Worker, Dir: w.dir, Name: fmt.Sprintf("worker-%d", i+1), Temporal: w.temporal, VendorURL: w.vendor.URL,
			Credentials: credentials, Env: []string{fmt.Sprintf("CUTOVER_ADOBE_RPS=%g", rps)},
		})
		if err != nil {
			return err
		}
		w.workers = append(w.workers, worker)
		w.closers.Add(worker.Stop)
	}
	return nil
}
