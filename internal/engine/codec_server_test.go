package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	querypb "go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// spoken are the places where a workflow says something; each says its word.
var spoken = []string{
	"input", "static-summary", "static-details", "memo", "activity-summary", "activity-input", "activity-result", "heartbeat", "first-failure",
	"failure", "failure-detail", "failure-cause", "timer-summary", "signal", "update-argument", "update-result", "upserted-memo", "side-effect",
	"workflow-result",
}

// talk says a word of its own in every place; prefix tells those of one run from those of another.
func talk(ctx workflow.Context, prefix string) (string, error) {
	prefix, _, _ = strings.Cut(prefix, "input")
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second, HeartbeatTimeout: 10 * time.Second, Summary: prefix + "activity-summary",
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 2},
	})
	workflow.SetCurrentDetails(ctx, prefix+"current-details")
	if err := workflow.UpsertTypedSearchAttributes(ctx, temporal.NewSearchAttributeKeyKeyword("There").ValueSet("readable-"+prefix)); err != nil {
		return "", err
	}
	if err := workflow.UpsertMemo(ctx, map[string]any{"more": prefix + "upserted-memo"}); err != nil {
		return "", err
	}
	if err := workflow.SetQueryHandler(ctx, "ask", func() (string, error) { return prefix + "query-answer", nil }); err != nil {
		return "", err
	}
	updated := false
	err := workflow.SetUpdateHandler(ctx, "change", func(_ workflow.Context, argument string) (string, error) {
		updated = argument == prefix+"update-argument"
		return prefix + "update-result", nil
	})
	if err != nil {
		return "", err
	}
	var effect string
	if err := workflow.SideEffect(ctx, func(workflow.Context) any { return prefix + "side-effect" }).Get(&effect); err != nil {
		return "", err
	}
	var answer string
	if err := workflow.ExecuteActivity(ctx, "try", prefix+"activity-input").Get(ctx, &answer); err != nil {
		return "", err
	}
	var told *temporal.ApplicationError
	var detail string
	err = workflow.ExecuteActivity(ctx, "break", prefix+"activity-input").Get(ctx, nil)
	if !errors.As(err, &told) || told.Type() != "Broken" || told.Message() != prefix+"failure" || told.Details(&detail) != nil {
		return "", temporal.NewNonRetryableApplicationError("the failure lost its words", "Lost", err)
	}
	timer := workflow.NewTimerWithOptions(ctx, time.Millisecond, workflow.TimerOptions{Summary: prefix + "timer-summary"})
	if err := timer.Get(ctx, nil); err != nil {
		return "", err
	}
	var signal string
	workflow.GetSignalChannel(ctx, "tell").Receive(ctx, &signal)
	if err := workflow.Await(ctx, func() bool { return updated && workflow.AllHandlersFinished(ctx) }); err != nil {
		return "", err
	}
	return prefix + "workflow-result " + answer + " " + signal, nil
}

// attempt says its words, once failing.
func attempt(ctx context.Context, word string) (string, error) {
	prefix, _, _ := strings.Cut(word, "activity-input")
	activity.RecordHeartbeat(ctx, prefix+"heartbeat")
	if activity.GetInfo(ctx).Attempt == 1 {
		return "", errors.New(prefix + "first-failure")
	}
	return prefix + "activity-result", nil
}

// collapse fails for good.
func collapse(_ context.Context, word string) error {
	prefix, _, _ := strings.Cut(word, "activity-input")
	return temporal.NewNonRetryableApplicationError(prefix+"failure", "Broken", errors.New(prefix+"failure-cause"), prefix+"failure-detail")
}

// talker is a client with these keys and the function that starts a worker of it.
func talker(t *testing.T, address, queue string, keys Sealer, logs io.Writer) (connected client.Client, work func() worker.Worker) {
	t.Helper()
	logger, err := NewLogger(FormatJSON, "info", logs)
	require.NoError(t, err)
	options, err := ClientOptions(Environment{noFile, "TEMPORAL_ADDRESS=" + address}, logger)
	require.NoError(t, err)
	connected, err = Dial(t.Context(), Encrypted(options, keys), zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(connected.Close)
	return connected, func() worker.Worker {
		w := worker.New(connected, queue, WorkerOptions(10, nil))
		w.RegisterWorkflowWithOptions(talk, workflow.RegisterOptions{Name: "talk"})
		w.RegisterActivityWithOptions(attempt, activity.RegisterOptions{Name: "try"})
		w.RegisterActivityWithOptions(collapse, activity.RegisterOptions{Name: "break"})
		require.NoError(t, w.Start())
		return w
	}
}

func begin(t *testing.T, c client.Client, queue, prefix string) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: queue, TaskQueue: queue, WorkflowTaskTimeout: time.Second, StaticSummary: prefix + "static-summary", StaticDetails: prefix + "static-details",
		Memo: map[string]any{"memo": prefix + "memo"},
	}, "talk", prefix+"input")
	require.NoError(t, err)
	return run
}

// converse carries a workflow to its end and returns everything that the server ever showed of it, as bytes.
func converse(t *testing.T, c client.Client, run client.WorkflowRun, prefix string) (shown []byte) {
	t.Helper()
	require.Eventually(t, func() bool { // between the attempts of the first activity, which leave nothing in the history
		described, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
		require.NoError(t, err)
		for _, pending := range described.GetPendingActivities() {
			if pending.GetLastFailure() != nil && pending.GetHeartbeatDetails() != nil {
				shown = raw(t, described)
			}
		}
		return shown != nil
	}, 20*time.Second, 20*time.Millisecond)
	update, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), UpdateName: "change", Args: []any{prefix + "update-argument"}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	var text string
	require.NoError(t, update.Get(t.Context(), &text))
	require.Equal(t, prefix+"update-result", text)
	for _, name := range []string{"ask", "__temporal_workflow_metadata"} {
		answer, err := c.WorkflowService().QueryWorkflow(t.Context(), &workflowservice.QueryWorkflowRequest{
			Namespace: "default", Execution: &commonpb.WorkflowExecution{WorkflowId: run.GetID()}, Query: &querypb.WorkflowQuery{QueryType: name},
		})
		require.NoError(t, err)
		shown = append(shown, raw(t, answer)...)
	}
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "tell", prefix+"signal"))
	require.NoError(t, run.Get(t.Context(), &text))
	require.Equal(t, prefix+"workflow-result "+prefix+"activity-result "+prefix+"signal", text)

	described, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
	require.NoError(t, err)
	shown = append(shown, raw(t, described)...)
	return append(shown, history(t, c, run)...)
}

func history(t *testing.T, c client.Client, run client.WorkflowRun) (shown []byte) {
	t.Helper()
	for events := c.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		require.NoError(t, err)
		shown = append(shown, raw(t, event)...)
	}
	return shown
}

// raw is a message on the wire and as JSON.
func raw(t *testing.T, message proto.Message) []byte {
	t.Helper()
	wire, err := proto.Marshal(message)
	require.NoError(t, err)
	text, err := protojson.Marshal(message)
	require.NoError(t, err)
	return append(wire, text...)
}

// holds tells whether a word is there, in clear or within base64.
func holds(haystack []byte, word string) bool {
	text := string(haystack)
	if strings.Contains(text, word) {
		return true
	}
	for shift := range 3 { // the three ways in which a word may lie in groups of three bytes
		inside := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + word))
		inside = strings.TrimRight(inside, "=")
		if strings.Contains(text, inside[4:len(inside)-2]) {
			return true
		}
	}
	return false
}

func TestNothingReadableReachesTheServer(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "temporal.db")
	address, ok := devServer(t, "--search-attribute", "There=Keyword", "--db-filename", database, "--sqlite-pragma", "synchronous=OFF",
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000", "--dynamic-config-value", "history.timerProcessorMaxPollRPS=1000",
		"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1", "--dynamic-config-value", "matching.numTaskqueueWritePartitions=1")
	if !ok {
		return
	}
	keys := newSealer(t)
	shown := map[string][]byte{}
	for prefix, given := range map[string]Sealer{"canary-sealed-": keys, "canary-plain-": nil} {
		c, work := talker(t, address, prefix+"queue", given, io.Discard)
		defer work().Stop()
		shown[prefix] = converse(t, c, begin(t, c, prefix+"queue", prefix), prefix)

		// Whoever filters workflows in the Web UI needs these.
		require.True(t, holds(shown[prefix], "readable-"+prefix))
		require.Eventually(t, func() bool {
			found, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "There = 'readable-" + prefix + "'"})
			return err == nil && found.GetCount() == 1
		}, 10*time.Second, 50*time.Millisecond)
	}
	stored, err := os.ReadFile(database)
	require.NoError(t, err)
	if more, err := os.ReadFile(database + "-wal"); err == nil {
		stored = append(stored, more...)
	}
	for _, place := range append(spoken, "query-answer", "current-details") {
		require.True(t, holds(shown["canary-plain-"], "canary-plain-"+place) || holds(stored, "canary-plain-"+place), "%s is looked for in vain", place)
		require.False(t, holds(shown["canary-sealed-"], "canary-sealed-"+place), "%s is readable in the answers of the server", place)
		require.False(t, holds(stored, "canary-sealed-"+place), "%s is readable in the server's database", place)
	}

	t.Run("Temporal's own tools read by the codec endpoint", func(t *testing.T) {
		t.Parallel()
		codec := httptest.NewServer(CodecHandler(keys, nil, codecToken))
		defer codec.Close()
		out, err := exec.CommandContext(t.Context(), os.Getenv("CUTOVER_TEMPORAL_CLI"), "workflow", "show", "--address", address,
			"--workflow-id", "canary-sealed-queue", "--output", "json", "--codec-endpoint", codec.URL, "--codec-auth", "Bearer "+codecToken).CombinedOutput()
		require.NoError(t, err, string(out))
		for _, place := range []string{"input", "signal", "update-argument", "update-result", "activity-result", "workflow-result", "failure", "failure-cause", "activity-summary"} {
			require.True(t, holds(out, "canary-sealed-"+place), place) // JSON keeps a payload's bytes in base64
		}
	})

	t.Run("a plain signal to an encrypted workflow", func(t *testing.T) {
		t.Parallel()
		c, work := talker(t, address, "by-hand", keys, io.Discard)
		defer work().Stop()
		run := begin(t, c, "by-hand", "hand-")
		out, err := exec.CommandContext(t.Context(), os.Getenv("CUTOVER_TEMPORAL_CLI"), "workflow", "signal", "--address", address,
			"--workflow-id", "by-hand", "--name", "tell", "--input", `"typed"`).CombinedOutput()
		require.NoError(t, err, string(out))
		update, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
			WorkflowID: "by-hand", UpdateName: "change", Args: []any{"hand-update-argument"}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		require.NoError(t, err)
		require.NoError(t, update.Get(t.Context(), nil))
		var text string
		require.NoError(t, run.Get(t.Context(), &text))
		require.Equal(t, "hand-workflow-result hand-activity-result typed", text)
	})

	for name, other := range map[string]Sealer{"no-keys": nil, "wrong-keys": newSealer(t)} {
		want := map[string]string{"no-keys": "the workflow's data is encrypted: set CUTOVER_CODEC_KEYS", "wrong-keys": "the keys of CUTOVER_CODEC_KEYS do not open it"}[name]
		t.Run("a worker with "+name+" holds the workflow and breaks nothing", func(t *testing.T) {
			t.Parallel()
			logs := &lines{}
			mine, work := talker(t, address, name, keys, io.Discard)
			theirs, workBlindly := talker(t, address, name, other, logs)
			run := begin(t, mine, name, "held-")
			blind := workBlindly()
			require.Eventually(t, func() bool { return strings.Contains(logs.String(), want) }, 20*time.Second, 10*time.Millisecond, "the log says why")
			require.ErrorIs(t, theirs.GetWorkflow(t.Context(), "canary-sealed-queue", "").Get(t.Context(), new(string)), ErrSealed)
			blind.Stop()
			described, err := mine.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
			require.NoError(t, err)
			require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, described.GetWorkflowExecutionInfo().GetStatus())
			require.True(t, Sealed(described.GetExecutionConfig().GetUserMetadata().GetSummary()), "who has no keys can see so")

			defer work().Stop()
			converse(t, mine, run, "held-")
		})
	}
}
