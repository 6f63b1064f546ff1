package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/engine"
	"cutover/internal/notify"
	"cutover/internal/store"
	"cutover/workflows"
)

// Work runs a worker in this process, for what the worker's command has no setting for. Notices and reports are in dir. stop ends it.
func Work(ctx context.Context, c client.Client, vendorURL, dir string, credentials activities.Credentials) (stop func(), err error) {
	vendor, err := adobe.New(adobe.Config{IMSURL: vendorURL, PlatformURL: vendorURL})
	if err != nil {
		return nil, fmt.Errorf("make the Adobe client: %w", err)
	}
	notices, err := notify.New(filepath.Join(dir, "notices"), time.Now)
	if err != nil {
		return nil, fmt.Errorf("open the outbox: %w", err)
	}
	reports, err := store.Open(ctx, filepath.Join(dir, "reports"))
	if err != nil {
		return nil, fmt.Errorf("open the reports: %w", err)
	}
	acts := &activities.Activities{
		Adobe: vendor, Credentials: credentials, Notices: notices, Reports: reports, Now: time.Now, Pause: activities.Pause, Ask: activities.AskWorkflow,
	}
	reads := worker.New(c, workflows.TaskQueue, engine.WorkerOptions(atOnce, nil))
	workflows.Register(reads)
	acts.Register(reads)
	writes := worker.New(c, workflows.WritesTaskQueue, engine.GatedWorkerOptions(atOnce, nil))
	acts.RegisterWrites(writes)
	if err := errors.Join(reads.Start(), writes.Start()); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	return func() { writes.Stop(); reads.Stop() }, nil
}

// atOnce is plenty of activities for one organization.
const atOnce = 20
