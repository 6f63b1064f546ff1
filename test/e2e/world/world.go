package world

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// Options are what a world is made of.
type Options struct {
	Organizations []Organization
	Rules         string   // more lines of the playbook
	UI            bool     // serve the Web UI
	Server        []string // more arguments of the Temporal server
	Production    bool     // on the server that an operator runs: see stack.Options
	Idle          bool     // without a worker
	Portal        bool     // with the reconnect page; the worker renews accounts by the grants it holds
	Env           []string // more of the worker's and the portal's environment
}

// World is everything that runs.
type World struct {
	Dir         string
	Temporal    *stack.Temporal
	Vendor      *stack.Vendor
	Worker      *stack.Worker // nil in an idle one
	Portal      *stack.Portal // nil without one
	Starter     stack.Starter
	Client      client.Client
	Binaries    stack.Binaries
	Credentials string // path of the worker's credentials.yaml
	Playbook    migration.Playbook

	worker stack.WorkerOptions
}

// New starts a world. Nothing is migrated yet.
func New(t *testing.T, o Options) *World {
	t.Helper()
	ctx := t.Context()
	w := &World{Dir: t.TempDir(), Binaries: commands(t)}
	var err error
	w.Temporal, err = stack.StartTemporal(ctx, stack.Options{Dir: w.Dir, UI: o.UI, Extra: o.Server, Production: o.Production})
	require.NoError(t, err)
	ends(t, func() stopper { return w.Temporal })
	w.Client, err = w.Temporal.Client(ctx)
	require.NoError(t, err)
	t.Cleanup(w.Client.Close)

	files, err := writeFiles(w.Dir, o)
	require.NoError(t, err)
	w.Credentials, w.Playbook = files.credentials, files.playbook
	w.Vendor, err = stack.StartVendor(ctx, w.Binaries.Emulator, w.Dir, files.scenario, 1)
	require.NoError(t, err)
	ends(t, func() stopper { return w.Vendor.Process })
	w.Starter = stack.NewStarter(w.Binaries.Starter, w.Dir, w.Temporal)
	w.worker = stack.WorkerOptions{
		Binary: w.Binaries.Worker, Dir: w.Dir, Temporal: w.Temporal, VendorURL: w.Vendor.URL, Credentials: w.Credentials,
		Env: append([]string{"CUTOVER_ADOBE_RPS=200"}, o.Env...),
	}
	if o.Portal {
		app, err := stack.WritePinterestApp(w.Dir, AppID, AppSecret)
		require.NoError(t, err)
		env := append([]string{"CUTOVER_PINTEREST_APP=" + app}, o.Env...)
		w.Portal, err = stack.NewPortal(ctx, w.Binaries.Portal, w.Dir, w.Temporal, w.Vendor.URL, env...)
		require.NoError(t, err)
		w.worker.Env = append(w.worker.Env, env[0], "CUTOVER_PORTAL_URL="+w.Portal.URL)
	}
	if !o.Idle {
		w.Worker = w.StartWorker(t, "worker")
	}
	if o.Portal {
		require.NoError(t, w.Portal.Start(ctx))
		ends(t, func() stopper { return w.Portal.Process })
	}
	return w
}

// StartWorker starts one more worker, which ends with the test at the latest.
func (w *World) StartWorker(t *testing.T, name string) *stack.Worker {
	t.Helper()
	o := w.worker
	o.Name = name
	started, err := stack.StartWorker(t.Context(), o)
	require.NoError(t, err)
	ends(t, func() stopper { return started.Process })
	return started
}

// stopper is a process, or several that belong together.
type stopper interface{ Stop() error }

// ends has the process that is there at the end of the test stop then.
func ends(t *testing.T, process func() stopper) {
	t.Helper()
	t.Cleanup(func() {
		if err := process().Stop(); err != nil {
			t.Error(err)
		}
	})
}

// Type runs a command of the operator that must succeed.
func (w *World) Type(t *testing.T, args ...string) stack.Answer {
	t.Helper()
	answer, err := w.Starter.Do(t.Context(), args...)
	require.NoError(t, err)
	return answer
}

// WorkflowID is the id of an organization's workflow.
func (w *World) WorkflowID(o Organization) string {
	return workflows.WorkflowID(w.Playbook.Name, o.ID())
}

// Status is how an organization's workflow says it stands.
func (w *World) Status(t *testing.T, o Organization) migration.Status {
	t.Helper()
	status, err := w.status(t.Context(), o)
	require.NoError(t, err)
	return status
}

func (w *World) status(ctx context.Context, o Organization) (migration.Status, error) {
	var status migration.Status
	value, err := w.Client.QueryWorkflow(ctx, w.WorkflowID(o), "", workflows.QueryStatus)
	if err != nil {
		return status, err
	}
	err = value.Get(&status)
	return status, err
}

// Until waits until an organization's workflow says something.
func (w *World) Until(t *testing.T, o Organization, what string, said func(migration.Status) bool) migration.Status {
	t.Helper()
	return Await(t, o.Name+": "+what, func(ctx context.Context) (migration.Status, error) { return w.status(ctx, o) }, said)
}

// Waits waits until an organization waits for people to sign in to this many accounts, and returns their ids in the order of their names.
func (w *World) Waits(t *testing.T, o Organization, accounts int) []string {
	t.Helper()
	status := w.Until(t, o, "waits for people", func(s migration.Status) bool {
		return s.Phase == migration.AwaitingReauth && len(s.Accounts) == accounts && len(s.Waits) == accounts
	})
	slices.SortFunc(status.Accounts, func(a, b migration.AccountState) int { return strings.Compare(a.Name, b.Name) })
	ids := make([]string, 0, accounts)
	for _, account := range status.Accounts {
		ids = append(ids, account.ID)
	}
	return ids
}

// Result waits for the end of an organization's workflow, whatever number of runs it took.
func (w *World) Result(t *testing.T, o Organization) (workflows.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var result workflows.Result
	err := w.Client.GetWorkflow(ctx, w.WorkflowID(o), "").Get(ctx, &result)
	return result, err
}

// Migrated waits for the end of an organization's workflow, which must be that all of its dataflows run on the new card.
func (w *World) Migrated(t *testing.T, o Organization) {
	t.Helper()
	result, err := w.Result(t, o)
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	require.Equal(t, len(o.Dataflows), result.Switched)
}

// Report is where the worker keeps the evidence about an organization.
func (w *World) Report(o Organization) string {
	return filepath.Join(w.Dir, "reports", w.Playbook.Name, o.Name+"_at_AdobeOrg", "evidence.json")
}

const (
	// patience bounds one wait on a machine that is busy with other things; none takes a quarter of it on one that is not.
	patience  = 45 * time.Second
	lookEvery = 50 * time.Millisecond
)
