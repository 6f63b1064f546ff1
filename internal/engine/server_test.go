package engine

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"
)

// devServer starts a Temporal server for one test. Without one, only a machine that promises everything fails.
func devServer(t *testing.T, extra ...string) (address string, ok bool) {
	t.Helper()
	binary := os.Getenv("CUTOVER_TEMPORAL_CLI")
	if binary == "" {
		require.NotEqual(t, "true", os.Getenv("CI"), "CUTOVER_TEMPORAL_CLI must name the temporal binary")
		t.Log("left out: CUTOVER_TEMPORAL_CLI does not name the temporal binary")
		return "", false
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath: binary, LogLevel: "error", Stdout: io.Discard, Stderr: io.Discard,
		ClientOptions: &client.Options{HostPort: freeAddress(t), Logger: SDKLogger(zap.NewNop())},
		ExtraArgs:     extra,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	return server.FrontendHostPort(), true
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// lines is a buffer that a server's goroutines write and a test reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestAgainstServer(t *testing.T) {
	t.Parallel()
	address, ok := devServer(t, "--search-attribute", "There=Keyword")
	if !ok {
		return
	}
	options := func(t *testing.T, logger *zap.Logger, extra ...string) client.Options {
		t.Helper()
		opts, err := ClientOptions(append(Environment{noFile, "TEMPORAL_ADDRESS=" + address}, extra...), logger)
		require.NoError(t, err)
		return opts
	}

	t.Run("namespace missing", func(t *testing.T) {
		t.Parallel()
		_, err := Dial(t.Context(), options(t, zap.NewNop(), "TEMPORAL_NAMESPACE=absent"), zap.NewNop())
		var missing *NamespaceError
		require.ErrorAs(t, err, &missing)
		require.ErrorContains(t, err, "create it with: temporal operator namespace create --address "+address+" --namespace absent")
	})

	t.Run("search attributes missing", func(t *testing.T) {
		t.Parallel()
		connected, err := Dial(t.Context(), options(t, zap.NewNop()), zap.NewNop())
		require.NoError(t, err)
		defer connected.Close()
		want := attributes{
			"ExecutionStatus": enumspb.INDEXED_VALUE_TYPE_KEYWORD, "There": enumspb.INDEXED_VALUE_TYPE_KEYWORD, "NotThere": enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		}
		err = CheckSearchAttributes(t.Context(), connected.OperatorService(), "default", want)
		require.EqualError(t, err, "namespace default: search attributes are missing: create them with: "+
			"temporal operator search-attribute create --namespace default --name NotThere --type Keyword")
		delete(want, "NotThere")
		require.NoError(t, CheckSearchAttributes(t.Context(), connected.OperatorService(), "default", want))
	})

	t.Run("ready while polling", func(t *testing.T) {
		t.Parallel()
		logs := &lines{}
		logger, err := NewLogger(FormatJSON, "debug", logs)
		require.NoError(t, err)
		opts := options(t, logger)
		opts.Identity = Identity("test")
		connected, err := Dial(t.Context(), opts, logger)
		require.NoError(t, err)
		defer connected.Close()
		kinds := []Queue{{"q", enumspb.TASK_QUEUE_TYPE_WORKFLOW}, {"q", enumspb.TASK_QUEUE_TYPE_ACTIVITY}, {"gated", enumspb.TASK_QUEUE_TYPE_ACTIVITY}}
		health := NewHealth(opts.Identity, time.Now, kinds...)
		health.Started(connected) // a claim: the server decides
		require.Equal(t, "Temporal has not seen this worker poll q (Workflow) lately", health.Ready(t.Context()))

		free := worker.New(connected, "q", WorkerOptions(10, nil))
		free.RegisterWorkflowWithOptions(ask, workflow.RegisterOptions{Name: "ask"})
		gated := worker.New(connected, "gated", GatedWorkerOptions(2, nil))
		gated.RegisterActivityWithOptions(notYet, activity.RegisterOptions{Name: "notYet"})
		require.NoError(t, free.Start())
		defer free.Stop()
		require.NoError(t, gated.Start())
		defer gated.Stop()
		health.Started(connected) // forgets the answer from before
		require.Eventually(t, func() bool {
			health.Started(connected)
			return health.Ready(t.Context()) == ""
		}, 20*time.Second, 50*time.Millisecond)

		// A benign error is what a poll answers most of the time: it must not fill the log with errors.
		run, err := connected.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "q"}, "ask")
		require.NoError(t, err)
		require.NoError(t, run.Get(t.Context(), nil))
		require.Contains(t, logs.String(), `"level":"debug"`)
		require.Regexp(t, `"level":"debug"[^\n]*Activity error\.[^\n]*not yet`, logs.String())
		require.NotContains(t, logs.String(), `"level":"error"`)
	})
}

func ask(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: "gated", StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 3},
	})
	return workflow.ExecuteActivity(ctx, "notYet").Get(ctx, nil)
}

func notYet(ctx context.Context) error {
	if activity.GetInfo(ctx).Attempt > 1 {
		return nil
	}
	return temporal.NewApplicationErrorWithOptions("not yet", "NotYet", temporal.ApplicationErrorOptions{
		Category: temporal.ApplicationErrorCategoryBenign,
	})
}
