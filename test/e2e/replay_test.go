package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/worker"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/notify"
	"cutover/test/e2e/world"
	"cutover/workflows"
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
	vendor, err := adobe.New(adobe.Config{IMSURL: w.Vendor.URL, PlatformURL: w.Vendor.URL})
	require.NoError(t, err)
	notices, err := notify.New(filepath.Join(w.Dir, "notices"), time.Now)
	require.NoError(t, err)
	reports, err := notify.NewReports(filepath.Join(w.Dir, "reports"))
	require.NoError(t, err)
	acts := &activities.Activities{
		Adobe: vendor, Credentials: credentials, Notices: notices, Reports: reports, Now: time.Now, Pause: activities.Pause, Ask: activities.AskWorkflow,
	}
	reads := worker.New(w.Client, workflows.TaskQueue, engine.WorkerOptions(atOnce, nil))
	workflows.Register(reads)
	acts.Register(reads)
	writes := worker.New(w.Client, workflows.WritesTaskQueue, engine.GatedWorkerOptions(atOnce, nil))
	acts.RegisterWrites(writes)
	for _, each := range []worker.Worker{reads, writes} {
		require.NoError(t, each.Start())
		t.Cleanup(each.Stop)
	}
}

// atOnce is plenty for one organization.
const atOnce = 10
