package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/worker"

	"cutover/internal/config"
	"cutover/test/e2e/world"
	"cutover/test/stack"
)

// An organization is migrated by a worker that forgets every workflow after each task.
func TestEveryTaskReplays(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}, Idle: true})
	work(t, w)
	w.Type(t, "start", "--all")
	signIn(t, w, acme)
	w.Migrated(t, acme)
	w.SwitchedOnce(t, acme)
	tasks := 0
	for _, event := range history(t, w, acme, "") {
		if event.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED {
			continue
		}
		tasks++
		queue := event.GetWorkflowTaskScheduledEventAttributes().GetTaskQueue()
		require.Equal(t, enumspb.TASK_QUEUE_KIND_NORMAL, queue.GetKind(), "task %d was meant for whoever remembers the workflow", event.GetEventId())
	}
	require.Greater(t, tasks, 5)
}

// work runs a worker in this process: no setting of the worker's command turns the cache off. No other test of this package has one here.
func work(t *testing.T, w *world.World) {
	t.Helper()
	worker.SetStickyWorkflowCacheSize(0)
	credentials, err := config.ReadCredentials(w.Credentials, os.Getenv)
	require.NoError(t, err)
	stop, err := stack.Work(t.Context(), w.Client, w.Vendor.URL, w.Dir, credentials)
	require.NoError(t, err)
	t.Cleanup(stop)
}
