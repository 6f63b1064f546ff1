// Command budget measures what one organization costs: history events, history bytes and vendor calls, for three dataflows, one account and a
// signal before any reminder. It prints one line per bar and exits 1 if one falls short. Nothing it measures depends on time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/proto"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/internal/notify"
	"cutover/playbooks"
	"cutover/workflows"
)

// The bars. The minimum of vendor calls is what the documented API needs for the work, with nothing assumed and nothing asked twice:
//
//	 1  IMS token
//	 1  connection specs of both cards, one list by name
//	 3  first look: dataflows of both cards (one any-of list), their target connections (the advertiser stands there only), the new card's accounts
//	 1  the account, to verify that somebody signed in
//	 2  fresh look for the plan, since weeks may have passed: dataflows of both cards and their target connections
//	18  per pair (3): read both sides, enable, read, disable, read. Only single reads are documented to show the current state, so a list of both
//	    does not replace them, and neither write's answer says the state it led to
//	 1  flow runs of all three copies, one any-of list
//
// The two on top are Adobe's test of the account, a probe the API offers and does not need, and the new card's accounts in the fresh look.
const (
	maxEvents    = 80
	maxKiB       = 16
	minimumCalls = 1 + 1 + 3 + 1 + 2 + 3*6 + 1
	maxCalls     = minimumCalls + 2
)

// identity stands in every task of a history. It is fixed here, because a machine's name is no property of the product.
const identity = "worker@host:10000"

func main() {
	verbose := flag.Bool("v", false, "list every event and every vendor call on standard error")
	flag.Parse()
	trace := io.Discard
	if *verbose {
		trace = os.Stderr
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	code := run(ctx, os.Stdout, os.Stderr, trace)
	cancel()
	os.Exit(code)
}

func run(ctx context.Context, stdout, stderr, trace io.Writer) int {
	cost, err := measure(ctx, trace)
	if err != nil {
		fmt.Fprintln(stderr, "budget:", err)
		return 1
	}
	code := 0
	for _, bar := range []struct {
		name            string
		measured, limit int
	}{
		{"history_events", cost.events, maxEvents},
		{"history_kib", (cost.bytes + 1023) / 1024, maxKiB},
		{"vendor_calls", cost.calls, maxCalls},
	} {
		verdict := "ok"
		if bar.measured > bar.limit {
			verdict, code = "short", 1
		}
		fmt.Fprintf(stdout, "bar %s %d %d %s\n", bar.name, bar.measured, bar.limit, verdict)
	}
	return code
}

type cost struct{ events, bytes, calls int }

func measure(ctx context.Context, trace io.Writer) (c cost, err error) {
	organization := migration.Organization{
		ID: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Sandboxes: []string{"prod"}, Contacts: []string{"marketing@acme.example"}, Credential: "acme",
	}
	emu, err := vendors()
	if err != nil {
		return c, err
	}
	server := httptest.NewServer(emu)
	defer server.Close()
	adobeClient, err := adobe.New(adobe.Config{IMSURL: server.URL, PlatformURL: server.URL})
	if err != nil {
		return c, fmt.Errorf("make the Adobe client: %w", err)
	}
	dir, err := os.MkdirTemp("", "cutover-budget-")
	if err != nil {
		return c, fmt.Errorf("make a directory for notices: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	temporal, err := devServer(ctx)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, temporal.Stop()) }()
	stop, err := work(temporal.Client(), adobeClient, dir)
	if err != nil {
		return c, err
	}
	defer stop()

	p, err := playbook()
	if err != nil {
		return c, err
	}
	in := workflows.Input{Organization: organization, Playbook: p}
	handle, err := temporal.Client().ExecuteWorkflow(ctx, workflows.StartOptions(in, time.Now()), workflows.MigrateOrganizationName, in)
	if err != nil {
		return c, fmt.Errorf("start the organization: %w", err)
	}
	if err := signIn(ctx, temporal.Client(), emu, handle); err != nil {
		return c, err
	}
	var result workflows.Result
	if err := handle.Get(ctx, &result); err != nil {
		return c, fmt.Errorf("migrate the organization: %w", err)
	}
	if result.Outcome != migration.Migrated || result.Switched != 3 {
		return c, fmt.Errorf("measured the wrong thing: %+v", result)
	}
	events := temporal.Client().GetWorkflowHistory(ctx, handle.GetID(), handle.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return c, fmt.Errorf("read the history: %w", err)
		}
		c.events++
		c.bytes += proto.Size(event)
		fmt.Fprintf(trace, "event %d %s %d bytes\n", event.GetEventId(), event.GetEventType(), proto.Size(event))
	}
	for _, entry := range emu.Ledger(0) {
		switch entry.Kind {
		case "token", "read", "list", "write":
			c.calls++
			fmt.Fprintf(trace, "call %s %s %s %s\n", entry.Kind, entry.Entity, entry.Op, entry.ID)
		}
	}
	return c, nil
}

func vendors() (*emulator.Emulator, error) {
	scenario, err := emulator.SmallScenario()
	if err != nil {
		return nil, fmt.Errorf("read the scenario: %w", err)
	}
	return emulator.New(scenario, emulator.Options{})
}

func playbook() (migration.Playbook, error) {
	data, err := playbooks.FS.ReadFile("pinterest-v5.yaml")
	if err != nil {
		return migration.Playbook{}, fmt.Errorf("read the playbook: %w", err)
	}
	p, err := migration.ParsePlaybook("pinterest-v5.yaml", data, time.Now())
	// Open today, as it was then.
	now := time.Now().UTC().Truncate(time.Second)
	p.Timeline = migration.Timeline{Available: now.Add(-time.Minute), ReauthenticateBy: now.AddDate(0, 0, 29), Shutdown: now.AddDate(0, 0, 63)}
	return p, err
}

func devServer(ctx context.Context) (*testsuite.DevServer, error) {
	cli := os.Getenv("CUTOVER_TEMPORAL_CLI")
	if cli == "" {
		cli = ".bin/temporal"
	}
	options := testsuite.DevServerOptions{ExistingPath: cli, LogLevel: "error", Stdout: io.Discard, Stderr: io.Discard, ClientOptions: &client.Options{Logger: silent{}, Identity: identity}}
	for name, kind := range workflows.SearchAttributes() {
		options.ExtraArgs = append(options.ExtraArgs, "--search-attribute", name+"="+kind.String())
	}
	server, err := testsuite.StartDevServer(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("start Temporal (%s; make tools builds it): %w", cli, err)
	}
	return server, nil
}

func work(c client.Client, adobeClient *adobe.Client, dir string) (stop func(), err error) {
	notices, err := notify.New(dir, time.Now)
	if err != nil {
		return nil, fmt.Errorf("open the outbox: %w", err)
	}
	reports, err := notify.NewReports(dir)
	if err != nil {
		return nil, fmt.Errorf("open the reports: %w", err)
	}
	acts := &activities.Activities{
		Adobe: adobeClient, Credentials: acme{}, Notices: notices, Reports: reports, Now: time.Now, Pause: activities.Pause, Ask: activities.AskWorkflow,
	}
	main := worker.New(c, workflows.TaskQueue, engine.WorkerOptions(20, nil))
	workflows.Register(main)
	acts.Register(main)
	writes := worker.New(c, workflows.WritesTaskQueue, engine.GatedWorkerOptions(20, nil))
	acts.RegisterWrites(writes)
	if err := errors.Join(main.Start(), writes.Start()); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	return func() { writes.Stop(); main.Stop() }, nil
}

// signIn waits until the organization waits, and then does the customer's part.
func signIn(ctx context.Context, c client.Client, emu *emulator.Emulator, handle client.WorkflowRun) error {
	for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		value, err := c.QueryWorkflow(ctx, handle.GetID(), handle.GetRunID(), workflows.QueryStatus)
		if err != nil {
			return fmt.Errorf("ask for the status: %w", err)
		}
		var status migration.Status
		if err := value.Get(&status); err != nil {
			return fmt.Errorf("read the status: %w", err)
		}
		waits, err := parked(ctx, c, handle)
		if err != nil {
			return err
		}
		if !waits {
			continue
		}
		account := status.Accounts[0].ID
		if err := emu.Reconnect(status.Organization, "prod", account, emulator.Reconnection{By: "customer"}); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		err = c.SignalWorkflow(ctx, handle.GetID(), handle.GetRunID(), workflows.SignalReauthCompleted,
			workflows.ReauthCompleted{Account: account, By: "customer"})
		if err != nil {
			return fmt.Errorf("send the signal: %w", err)
		}
		return nil
	}
	return ctx.Err()
}

// parked tells whether the organization waits for the person: the poll and the next reminder stand.
func parked(ctx context.Context, c client.Client, handle client.WorkflowRun) (bool, error) {
	described, err := c.DescribeWorkflowExecution(ctx, handle.GetID(), handle.GetRunID())
	if err != nil {
		return false, fmt.Errorf("describe the workflow: %w", err)
	}
	waiting := 0
	for _, a := range described.GetPendingActivities() {
		if a.GetLastFailure().GetApplicationFailureInfo().GetType() == activities.NotYet {
			waiting++
		}
	}
	return waiting == 2, nil
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
