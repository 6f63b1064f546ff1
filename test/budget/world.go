package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
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
	closers  stack.Closers
}

// newWorld has an organization of n dataflows.
func newWorld(ctx context.Context, n int) (w *world, err error) {
	w = &world{meter: &meter{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.closers.Close())
		}
	}()
	if w.vendors, err = vendors(n); err != nil {
		return w, err
	}
	server := httptest.NewServer(w.vendors)
	w.closers.Add(func() error { server.Close(); return nil })
	dir, err := os.MkdirTemp("", "cutover-budget-")
	if err != nil {
		return w, fmt.Errorf("make a directory for notices: %w", err)
	}
	w.closers.Add(func() error { return os.RemoveAll(dir) })
	temporal, err := stack.StartTemporal(ctx, stack.Options{Dir: dir})
	if err != nil {
		return w, err
	}
	w.closers.Add(func() error { return temporal.Stop() })
	if w.temporal, err = w.dial(ctx, temporal); err != nil {
		return w, err
	}
	w.closers.Add(func() error { w.temporal.Close(); return nil })
	stop, err := stack.Work(ctx, w.temporal, server.URL, dir, acme{})
	if err != nil {
		return w, err
	}
	w.closers.Add(func() error { stop(); return nil })
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

// dial connects to the server, and counts all that is asked of it.
func (w *world) dial(ctx context.Context, server *stack.Temporal) (client.Client, error) {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: server.Address, Namespace: server.Namespace, Logger: silent{}, Identity: identity,
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(w.meter.count)}},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the Temporal server: %w", err)
	}
	return c, nil
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
