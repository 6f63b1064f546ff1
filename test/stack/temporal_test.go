package stack

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"cutover/workflows"
)

// envProduction has the tests of the production server run; unset, they are left out, as `make test` says.
const envProduction = "CUTOVER_TEST_PRODUCTION"

// flavours are the servers that a test is about.
func flavours(t *testing.T) map[string]Options {
	t.Helper()
	all := map[string]Options{"development": {}}
	if os.Getenv(envProduction) != "" {
		require.NoError(t, Production())
		all["production"] = Options{Production: true}
	}
	return all
}

// attributed are values for every search attribute of the product.
func attributed(t *testing.T) temporal.SearchAttributes {
	t.Helper()
	var all []temporal.SearchAttributeUpdate
	for name, kind := range workflows.SearchAttributes() {
		switch kind {
		case enumspb.INDEXED_VALUE_TYPE_KEYWORD:
			all = append(all, temporal.NewSearchAttributeKeyKeyword(name).ValueSet("x"))
		case enumspb.INDEXED_VALUE_TYPE_INT:
			all = append(all, temporal.NewSearchAttributeKeyInt64(name).ValueSet(1))
		case enumspb.INDEXED_VALUE_TYPE_DATETIME:
			all = append(all, temporal.NewSearchAttributeKeyTime(name).ValueSet(time.Unix(0, 0)))
		default:
			require.Fail(t, "no value for "+name)
		}
	}
	return temporal.NewSearchAttributes(all...)
}

// begin starts a workflow that nobody carries on, with every search attribute.
func begin(t *testing.T, server *Temporal, id string) {
	t.Helper()
	c, err := server.Client(t.Context())
	require.NoError(t, err)
	defer c.Close()
	_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "nobody", TypedSearchAttributes: attributed(t)}, "Nothing")
	require.NoError(t, err)
}

// has is nil when the server knows a workflow.
func has(ctx context.Context, server *Temporal, id string) error {
	c, err := server.Client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.DescribeWorkflowExecution(ctx, id, "")
	return err
}

// Whatever is killed, the server or what is below it, what was started is still there.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for name, o := range flavours(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Dir = t.TempDir()
			server, err := StartTemporal(t.Context(), o)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, server.Stop()) })
			begin(t, server, "first") // at once: a search attribute that is registered is usable, too
			upserts(t, server)
			checkMeasures(t, server)

			require.NoError(t, server.Kill())
			require.NoError(t, server.Start(t.Context()))
			require.NoError(t, has(t.Context(), server, "first"))
			begin(t, server, "second")
			checkDatabase(t, server)

			require.NoError(t, server.Stop())
			require.Empty(t, server.PIDs())
			require.NoError(t, server.Stop(), "ending what has ended is no mistake")
			require.NoError(t, server.Start(t.Context()), "also after a stop, with its database")
			require.NoError(t, has(t.Context(), server, "second"))
		})
	}
}

// upserts has a workflow set every search attribute by itself: another service of the server than the one that takes a start looks at those.
func upserts(t *testing.T, server *Temporal) {
	t.Helper()
	c, err := server.Client(t.Context())
	require.NoError(t, err)
	defer c.Close()
	values := attributed(t)
	w := worker.New(c, "upserts", worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		return workflow.UpsertTypedSearchAttributes(ctx, values.Copy())
	}, workflow.RegisterOptions{Name: "Upsert"})
	require.NoError(t, w.Start())
	defer w.Stop()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		TaskQueue: "upserts", WorkflowTaskTimeout: time.Second, WorkflowExecutionTimeout: 30 * time.Second,
	}, "Upsert")
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
	events := c.GetWorkflowHistory(t.Context(), run.GetID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		require.NotEqual(t, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED, event.GetEventType(), "%v", event)
	}
}

// checkMeasures asks for what a bench measures.
func checkMeasures(t *testing.T, server *Temporal) {
	t.Helper()
	size, err := server.DatabaseBytes(t.Context())
	require.NoError(t, err)
	require.Greater(t, size, int64(100<<10))
	version, err := server.Version(t.Context())
	require.NoError(t, err)
	require.Regexp(t, `^1\.\d+\.\d+`, version)
	require.Contains(t, server.PIDs(), server.PID())
	if server.HasDatabase() {
		require.Equal(t, "1.32.1", version, "the one of tools/server")
		require.Greater(t, len(server.PIDs()), 5, "PostgreSQL's processes, too")
	}
}

// checkDatabase kills the database under the server, which carries on when it is there again.
func checkDatabase(t *testing.T, server *Temporal) {
	t.Helper()
	if !server.HasDatabase() {
		require.ErrorContains(t, server.KillDatabase(), "has no database server")
		require.ErrorContains(t, server.StartDatabase(t.Context()), "has no database server")
		return
	}
	processes, pid := server.PIDs(), server.PID()
	require.NoError(t, server.KillDatabase())
	require.Equal(t, []int{pid}, server.PIDs(), "the server itself stays")
	for _, process := range processes {
		require.Equal(t, process == pid, alive(process))
	}
	_, err := server.DatabaseBytes(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "postgres://")
	require.NoError(t, server.StartDatabase(t.Context()))
	require.NoError(t, server.StartDatabase(t.Context()), "starting what runs is no mistake")
	require.Eventually(t, func() bool { return has(t.Context(), server, "second") == nil }, time.Minute, askEvery)
	require.NoError(t, has(t.Context(), server, "first"))
	require.Equal(t, pid, server.PID())
}

func TestProductionSaysWhatItLacks(t *testing.T) {
	for _, lacks := range []string{"server", "PostgreSQL"} {
		root := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), nil, privateFile))
		if lacks == "PostgreSQL" {
			require.NoError(t, os.Mkdir(filepath.Join(root, ".bin"), privateDir))
			for _, tool := range []string{"temporal-server", "temporal-sql-tool"} {
				require.NoError(t, os.WriteFile(filepath.Join(root, ".bin", tool), nil, privateFile))
			}
		}
		t.Chdir(root)
		_, err := findProduction(nil)
		require.ErrorContains(t, err, "make tools-production", lacks)
		if lacks == "PostgreSQL" {
			require.ErrorContains(t, err, "PostgreSQL is not installed")
		}
	}
}

func TestProductionHasNoUI(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{UI: true}, {Extra: []string{"--headless"}}} {
		o.Production, o.Dir = true, t.TempDir()
		_, err := StartTemporal(t.Context(), o)
		require.ErrorContains(t, err, "development server's alone")
	}
}
