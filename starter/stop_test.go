package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"cutover/activities"
	"cutover/internal/migration"
	"cutover/workflows"
)

func stopping() []string {
	return []string{"stop", "--by", "operator", "--reason", "wrong\naudiences"}
}

func TestStopAndRelease(t *testing.T) {
	t.Parallel()
	f := &fake{}
	got := f.ask(t, stopping()...)
	require.Equal(t, reply{exitDone, "all writes are stopped since 2023-12-01T12:00:00Z by operator: wrong audiences. To release: starter release --by NAME\n", ""}, got)
	require.Len(t, f.updates, 1)
	update := f.updates[0]
	require.Equal(t, []string{"default", "operator", workflows.WritesTaskQueue}, []string{update.GetNamespace(), update.GetIdentity(), update.GetTaskQueue()})
	require.Equal(t, enumspb.TASK_QUEUE_TYPE_ACTIVITY, update.GetTaskQueueType())
	require.NotNil(t, update.GetUpdateQueueRateLimit().GetRateLimit())
	require.Zero(t, update.GetUpdateQueueRateLimit().GetRateLimit().GetRequestsPerSecond())
	require.Equal(t, "wrong\naudiences", update.GetUpdateQueueRateLimit().GetReason())

	// Whoever stops again changes nothing, neither who nor why.
	again := f.ask(t, "stop", "--by", "ben", "--reason", "audit", "-o", "json")
	require.Equal(t, exitDone, again.code)
	golden(t, "stop-again.json", again.stdout)
	require.Equal(t, reply{
		exitDone, "all writes are stopped since 2023-12-01T12:00:00Z by operator: wrong audiences; it stays so. To release: starter release --by NAME\n", "",
	}, f.ask(t, "stop", "--by", "ben", "--reason", "audit"))
	require.Len(t, f.updates, 1)

	got = f.ask(t, "release", "--by", "ben")
	require.Equal(t, reply{exitDone, "writes are released and go on where they stood\n", ""}, got)
	require.Len(t, f.updates, 2)
	require.Nil(t, f.updates[1].GetUpdateQueueRateLimit().GetRateLimit())
	require.Equal(t, "released by ben", f.updates[1].GetUpdateQueueRateLimit().GetReason())
	require.Equal(t, reply{exitDone, "writes were not stopped\n", ""}, f.ask(t, "release", "--by", "ben"))
	require.Equal(t, "{\n  \"stopped\": false,\n  \"changed\": false\n}\n", f.ask(t, "release", "--by", "ben", "-o", "json").stdout)
	require.Len(t, f.updates, 2)
}

// A limit that is not zero is somebody's pace: release leaves it, and stop says that it takes it away.
func TestStopOverALimit(t *testing.T) {
	t.Parallel()
	f := &fake{limit: &taskqueuepb.RateLimitConfig{
		RateLimit: &taskqueuepb.RateLimit{RequestsPerSecond: 2.5}, Metadata: &taskqueuepb.ConfigMetadata{Reason: "quiet week"},
	}}
	require.Equal(t, reply{exitDone, "writes were not stopped\n", ""}, f.ask(t, "release", "--by", "operator"))
	require.Empty(t, f.updates)
	got := f.ask(t, stopping()...)
	require.Equal(t, exitDone, got.code)
	require.Equal(t, "warning: the limit of 2.5 writes per second that stood before (quiet week) is gone with the release: set it again then\n", got.stderr)
}

func TestStopIsRefused(t *testing.T) {
	t.Parallel()
	f := &fake{hidden: serviceerror.NewPermissionDenied("Request unauthorized.", "")}
	for _, args := range [][]string{stopping(), {"release", "--by", "operator"}} {
		body := errorOf(t, f.ask(t, append(args, "-o", "json")...))
		require.Equal(t, kindFailed, body.Kind)
		require.Contains(t, body.Message, "set the rate limit of task queue cutover-writes")
		require.Contains(t, body.Message, "it takes the right to change task queues, or stop the worker instead")
	}
}

// stoppedFleet has writes stopped, and one organization between the two writes of a pair.
func stoppedFleet(t *testing.T) *fake {
	t.Helper()
	last := func(kind, message string) *workflowpb.PendingActivityInfo {
		return &workflowpb.PendingActivityInfo{LastFailure: &failurepb.Failure{
			Message:     message,
			FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: kind}},
		}}
	}
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, attributes: attributesOf(acme, migration.CuttingOver, "", 3), status: status(migration.CuttingOver),
		pending: []*workflowpb.PendingActivityInfo{
			{},
			last(activities.Unavailable, "switch dataflow old-2: 503"),
			last(activities.Stopped, "switch dataflow old-1: dataflows old-1 and new-1 both stay enabled, between the two writes until writes are released"),
		},
	}}}
	require.Equal(t, exitDone, f.ask(t, stopping()...).code)
	return f
}

func TestStatusWhileWritesAreStopped(t *testing.T) {
	t.Parallel()
	f := stoppedFleet(t)
	table, _ := f.bothFormats(t, "status-stopped", exitDone, "status")
	require.Empty(t, table.stderr)
	table, _ = f.bothFormats(t, "status-one-stopped", exitDone, withManifestFlag("status", "--org", acme)...)
	require.Empty(t, table.stderr)
	const warning = "warning: all writes are stopped since 2023-12-01T12:00:00Z by operator: wrong audiences; to release: starter release --by NAME\n"
	for _, args := range [][]string{{"status", "-o", "csv"}, withManifestFlag("status", "--org", acme, "-o", "csv"), {"report"}, {"report", "-o", "csv"}} {
		require.Equal(t, warning, f.ask(t, args...).stderr)
	}

	require.Equal(t, exitDone, f.ask(t, "release", "--by", "operator").code)
	for _, args := range [][]string{{"status"}, withManifestFlag("status", "--org", acme), {"report"}} {
		got := f.ask(t, args...)
		require.NotContains(t, got.stdout+got.stderr, "STOPPED")
		require.NotContains(t, got.stdout+got.stderr, "both stay enabled")
	}
}

// Whoever may not ask is told everything else.
func TestStatusWithoutTheRightToAskWhetherWritesAreStopped(t *testing.T) {
	t.Parallel()
	f := stoppedFleet(t)
	f.hidden = serviceerror.NewPermissionDenied("Request unauthorized.", "")
	for _, args := range [][]string{{"status", "-o", "json"}, withManifestFlag("status", "--org", acme, "-o", "json"), {"report", "-o", "json"}} {
		got := f.ask(t, args...)
		require.Equal(t, exitDone, got.code)
		require.Empty(t, got.stderr)
		require.True(t, json.Valid([]byte(got.stdout)))
		require.Contains(t, got.stdout, acme)
		require.NotContains(t, got.stdout, "writes_stopped")
	}
}
