package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"google.golang.org/grpc"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/playbooks"
	"cutover/test/stack"
	"cutover/workflows"
)

// identity stands in every task of a history. It is fixed here, because a machine's name is no property of the product.
const identity = "worker@host:10000"

// world is a server, the vendors, a worker and one organization. Each measure has its own, so that nothing is left over from another.
type world struct {
	temporal client.Client
	vendors  *emulator.Emulator
	meter    *meter
	run      client.WorkflowRun
	closers  []func() error
}

// newWorld has an organization of n dataflows.
func newWorld(ctx context.Context, n int) (w *world, err error) {
	w = &world{meter: &meter{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.vendors, err = vendors(n); err != nil {
		return w, err
	}
	server := httptest.NewServer(w.vendors)
	w.closers = append(w.closers, func() error { server.Close(); return nil })
	dir, err := os.MkdirTemp("", "cutover-budget-")
	if err != nil {
		return w, fmt.Errorf("make a directory for notices: %w", err)
	}
	w.closers = append(w.closers, func() error { return os.RemoveAll(dir) })
	temporal, err := w.devServer(ctx)
	if err != nil {
		return w, err
	}
	w.temporal = temporal.Client()
	w.closers = append(w.closers, temporal.Stop)
	stop, err := stack.Work(ctx, w.temporal, server.URL, dir, acme{})
	if err != nil {
		return w, err
	}
	w.closers = append(w.closers, func() error { stop(); return nil })
	return w, nil
}

// start starts the organization by the playbook.
func (w *world) start(ctx context.Context, p migration.Playbook) (err error) {
	in := workflows.Input{Playbook: p, Organization: migration.Organization{
		ID: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Sandboxes: []string{sandbox}, Contacts: []string{"marketing@acme.example"}, Credential: "acme",
	}}
	if w.run, err = w.temporal.ExecuteWorkflow(ctx, workflows.StartOptions(in, time.Now()), workflows.MigrateOrganizationName, in); err != nil {
		return fmt.Errorf("start the organization: %w", err)
	}
	return nil
}

// close ends everything, the last started first.
func (w *world) close() error {
	var err error
	for len(w.closers) > 0 {
		last := len(w.closers) - 1
		err = errors.Join(err, w.closers[last]())
		w.closers = w.closers[:last]
	}
	return err
}

// sandbox is the small scenario's.
const sandbox = "prod"

// vendors are the small scenario's, with n dataflows.
func vendors(n int) (*emulator.Emulator, error) {
	scenario, err := emulator.SmallScenario()
	if err != nil {
		return nil, fmt.Errorf("read the scenario: %w", err)
	}
	in := &scenario.Organizations[0].Sandboxes[0]
	for i := len(in.Dataflows); i < n; i++ {
		further := in.Dataflows[i%dataflows]
		further.Name = fmt.Sprintf("%s %d", further.Name, i/dataflows+1)
		in.Dataflows = append(in.Dataflows, further)
	}
	return emulator.New(scenario, emulator.Options{})
}

// playbook is the real one, open today.
func playbook() (migration.Playbook, error) {
	data, err := playbooks.FS.ReadFile("pinterest-v5.yaml")
	if err != nil {
		return migration.Playbook{}, fmt.Errorf("read the playbook: %w", err)
	}
	p, err := migration.ParsePlaybook("pinterest-v5.yaml", data, time.Now())
	now := time.Now().UTC().Truncate(time.Second)
	p.Timeline = migration.Timeline{Available: now.Add(-time.Minute), ReauthenticateBy: now.AddDate(0, 0, 29), Shutdown: now.AddDate(0, 0, 63)}
	return p, err
}

// plain is the playbook for the work that the bars were set for.
func plain(p migration.Playbook) migration.Playbook {
	p.CutOver.Canary, p.Watch = false, migration.Watch{}
	p.Verification = migration.Verification{Within: p.Verification.Within, Poll: p.Verification.Poll}
	return p
}

func (w *world) devServer(ctx context.Context) (*testsuite.DevServer, error) {
	cli := os.Getenv(stack.EnvTemporalCLI)
	if cli == "" {
		root, err := stack.ModuleRoot()
		if err != nil {
			return nil, err
		}
		cli = filepath.Join(root, ".bin", "temporal")
	}
	options := testsuite.DevServerOptions{ExistingPath: cli, LogLevel: "error", Stdout: io.Discard, Stderr: io.Discard, ClientOptions: &client.Options{
		Logger: silent{}, Identity: identity,
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(w.meter.count)}},
	}}
	for name, kind := range workflows.SearchAttributes() {
		options.ExtraArgs = append(options.ExtraArgs, "--search-attribute", name+"="+kind.String())
	}
	server, err := testsuite.StartDevServer(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("start Temporal (%s; make tools builds it): %w", cli, err)
	}
	return server, nil
}

type acme struct{}

func (acme) Lookup(name, organization string) (adobe.Credential, error) {
	return adobe.Credential{Name: name, Organization: organization, ClientID: "acme-client", ClientSecret: "acme-secret", Scopes: []string{"openid", "AdobeID"}}, nil
}

type silent struct{}

func (silent) Debug(string, ...any)            {}
func (silent) Info(string, ...any)             {}
func (silent) Warn(string, ...any)             {}
func (silent) Error(string, ...any)            {}
func (s silent) With(...any) log.Logger        { return s }
func (s silent) WithCallerSkip(int) log.Logger { return s }
