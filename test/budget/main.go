// Command budget measures what one organization costs: history events, history bytes and vendor calls, for three dataflows, one account and a
// signal before any reminder. It does so twice: for the work that the bars were set for, all pairs switched at once and a flow run that succeeded
// enough, and for the playbook as it is. It prints one line per bar and exits 1 if one falls short. Nothing it measures depends on time.
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
	"google.golang.org/protobuf/proto"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/playbooks"
	"cutover/test/stack"
	"cutover/workflows"
)

// The bars. The minimum of vendor calls is what the documented API needs for the work, with nothing assumed and nothing asked twice:
//
//	 1  IMS token
//	 1  connection specs of both cards, one list by name
//	 4  first look: dataflows of both cards (one any-of list), their target connections (the advertiser stands there only), the new card's accounts,
//	    and flow runs of the old dataflows (one any-of list), which the copies of a late organization are measured by
//	 1  the account, to verify that somebody signed in
//	 2  fresh look for the plan, since weeks may have passed: dataflows of both cards and their target connections
//	24  per pair (3): read both sides and both target connections, enable, read, disable, read. Only single reads are documented to show the current
//	    state, so a list of both does not replace them, and neither write's answer says the state it led to
//	 1  flow runs of all three copies, one any-of list
//
// The two on top are Adobe's test of the account, a probe the API offers and does not need, and the new card's accounts in the fresh look.
const (
	maxEvents    = 80
	maxKiB       = 16
	minimumCalls = 1 + 1 + 4 + 1 + 2 + 3*8 + 1
	maxCalls     = minimumCalls + 2
)

// The same for the playbook as it is: flow runs of the old dataflows are read once more, for the plan, since copies are measured by them; the first
// pair is verified alone, which takes one more list of flow runs; and then everything is watched until the operator moves the shutdown near. The
// limits are the most of five runs, and two events: what differs is which of two things at once comes first.
const (
	maxFullEvents = 109
	maxFullKiB    = 27
	maxFullCalls  = maxCalls + 1 + 1
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

func run(ctx context.Context, stdout, stderr, trace io.Writer) (code int) {
	p, err := playbook()
	if err != nil {
		fmt.Fprintln(stderr, "budget:", err)
		return 1
	}
	plain := p
	plain.CutOver.Canary, plain.Watch = false, migration.Watch{}
	plain.Verification = migration.Verification{Within: p.Verification.Within, Poll: p.Verification.Poll}
	for _, measured := range []struct {
		prefix   string
		playbook migration.Playbook
		limit    cost
	}{
		{"", plain, cost{maxEvents, maxKiB << 10, maxCalls}},
		{"full_", p, cost{maxFullEvents, maxFullKiB << 10, maxFullCalls}},
	} {
		is, err := measure(ctx, measured.playbook, trace)
		if err != nil {
			fmt.Fprintln(stderr, "budget:", err)
			return 1
		}
		for _, bar := range []struct {
			name            string
			measured, limit int
		}{
			{"history_events", is.events, measured.limit.events},
			{"history_kib", kib(is.bytes), kib(measured.limit.bytes)},
			{"vendor_calls", is.calls, measured.limit.calls},
		} {
			verdict := "ok"
			if bar.measured > bar.limit {
				verdict, code = "short", 1
			}
			fmt.Fprintf(stdout, "bar %s%s %d %d %s\n", measured.prefix, bar.name, bar.measured, bar.limit, verdict)
		}
	}
	return code
}

func kib(bytes int) int { return (bytes + 1023) / 1024 }

type cost struct{ events, bytes, calls int }

func measure(ctx context.Context, p migration.Playbook, trace io.Writer) (c cost, err error) {
	organization := migration.Organization{
		ID: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Sandboxes: []string{"prod"}, Contacts: []string{"marketing@acme.example"}, Credential: "acme",
	}
	emu, err := vendors()
	if err != nil {
		return c, err
	}
	server := httptest.NewServer(emu)
	defer server.Close()
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
	stop, err := stack.Work(ctx, temporal.Client(), server.URL, dir, acme{})
	if err != nil {
		return c, err
	}
	defer stop()

	in := workflows.Input{Organization: organization, Playbook: p}
	handle, err := temporal.Client().ExecuteWorkflow(ctx, workflows.StartOptions(in, time.Now()), workflows.MigrateOrganizationName, in)
	if err != nil {
		return c, fmt.Errorf("start the organization: %w", err)
	}
	if err := signIn(ctx, temporal.Client(), emu, handle); err != nil {
		return c, err
	}
	if p.Watch.Poll > 0 {
		if err := endWatch(ctx, temporal.Client(), handle); err != nil {
			return c, err
		}
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

// endWatch waits until everything is watched and moves the shutdown near.
func endWatch(ctx context.Context, c client.Client, handle client.WorkflowRun) error {
	for ; ctx.Err() == nil; time.Sleep(lookEvery) {
		status, err := status(ctx, c, handle)
		if err != nil {
			return err
		}
		watching, err := parked(ctx, c, handle, 1)
		if err != nil {
			return err
		}
		if status.Phase != migration.Watching || !watching {
			continue
		}
		now := time.Now().UTC()
		moved, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: handle.GetID(), UpdateName: workflows.UpdateReschedule, WaitForStage: client.WorkflowUpdateStageCompleted,
			Args: []any{workflows.Reschedule{By: "operator", Reason: "everything is done", ReauthenticateBy: now.Add(time.Second), Shutdown: now.Add(2 * time.Second)}},
		})
		if err == nil {
			err = moved.Get(ctx, nil)
		}
		if err != nil {
			return fmt.Errorf("move the shutdown: %w", err)
		}
		return nil
	}
	return ctx.Err()
}

func status(ctx context.Context, c client.Client, handle client.WorkflowRun) (status migration.Status, err error) {
	value, err := c.QueryWorkflow(ctx, handle.GetID(), handle.GetRunID(), workflows.QueryStatus)
	if err != nil {
		return status, fmt.Errorf("ask for the status: %w", err)
	}
	if err := value.Get(&status); err != nil {
		return status, fmt.Errorf("read the status: %w", err)
	}
	return status, nil
}

const lookEvery = 50 * time.Millisecond

// signIn waits until the organization waits, and then does the customer's part.
func signIn(ctx context.Context, c client.Client, emu *emulator.Emulator, handle client.WorkflowRun) error {
	for ; ctx.Err() == nil; time.Sleep(lookEvery) {
		status, err := status(ctx, c, handle)
		if err != nil {
			return err
		}
		waits, err := parked(ctx, c, handle, 2)
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

// parked tells whether this many things are waited for: for a person they are the poll and the next reminder, for the shutdown the watch.
func parked(ctx context.Context, c client.Client, handle client.WorkflowRun, want int) (bool, error) {
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
	return waiting == want, nil
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
