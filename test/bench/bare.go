package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/workflows"
)

// The bare organization: what the engine does for an organization of three dataflows, and nothing else.
const (
	bareName   = "BareOrganization"
	bareSignal = "signed-in"
	bareQueue  = "bench-bare"

	bareAtOnce  = 200         // activities, as the product's worker has it for those that read
	bareAttempt = time.Minute // of activities that take no time
	barePoll    = time.Hour   // longer than any run
)

// envRole makes this program something else than the benchmark: a process of its own whose time can be told from the benchmark's.
const envRole = "CUTOVER_BENCH_ROLE"

const roleBareWorker = "bare-worker"

// bareOrganization issues the commands of workflows.MigrateOrganization in the same order, in the same workflow tasks: activities, attributes, details and
// a wait for the signal. It decides nothing, carries no data and knows no vendor; ceiling asserts from histories that the shapes are the same.
func bareOrganization(ctx workflow.Context) error {
	b := bare{ctx: workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: bareAttempt})}
	b.details()
	b.details()
	b.run(1) // assess
	b.run(1) // tell
	b.enter(migration.AwaitingReauth)
	polls, stop := workflow.WithCancel(b.ctx)
	for range 2 { // the next reminder and the sign-in
		workflow.ExecuteActivity(polls, bareWait)
	}
	b.keep(workflow.Await(ctx, func() bool { return workflow.GetSignalChannel(ctx, bareSignal).ReceiveAsync(nil) }))
	b.run(1) // check
	stop()
	b.details()
	b.run(1) // plan
	b.enter(migration.CuttingOver)
	b.run(1) // the first dataflow
	b.run(2) // the others
	b.enter(migration.Verifying)
	b.run(1) // flow runs
	b.enter(migration.Migrated)
	b.run(1) // report
	b.details()
	return b.err
}

// bare is a bare organization under way; the first error stays.
type bare struct {
	ctx workflow.Context
	err error
}

func (b *bare) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

// run runs n activities at once and waits for them.
func (b *bare) run(n int) {
	futures := make([]workflow.Future, n)
	for i := range futures {
		futures[i] = workflow.ExecuteActivity(b.ctx, bareWork)
	}
	for _, future := range futures {
		b.keep(future.Get(b.ctx, nil))
	}
}

func (b *bare) enter(phase migration.Phase) {
	b.details()
	b.keep(workflow.UpsertTypedSearchAttributes(b.ctx, workflows.AttributePhase.ValueSet(string(phase))))
}

func (b *bare) details() { workflow.SetCurrentDetails(b.ctx, "") }

func bareWork(context.Context) error { return nil }

// bareWait is a poll that does not see what it waits for: as the product's polls it stays until it is cancelled.
func bareWait(context.Context) error {
	return temporal.NewApplicationErrorWithOptions("", "NotYet", temporal.ApplicationErrorOptions{
		NextRetryDelay: barePoll, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

func registerBare(r worker.Registry) {
	r.RegisterWorkflowWithOptions(bareOrganization, workflow.RegisterOptions{Name: bareName})
	r.RegisterActivityWithOptions(bareWork, activity.RegisterOptions{Name: "bareWork"})
	r.RegisterActivityWithOptions(bareWait, activity.RegisterOptions{Name: "bareWait"})
}

// runBareWorker runs bare organizations until ctx ends, with the product's options and, as it, asked for its health.
func runBareWorker(ctx context.Context, env engine.Environment, stderr io.Writer) int {
	if err := serveBare(ctx, env, stderr); err != nil {
		fmt.Fprintln(stderr, roleBareWorker+":", err)
		return exitShort
	}
	return exitDone
}

func serveBare(ctx context.Context, env engine.Environment, stderr io.Writer) (err error) {
	logger, err := engine.NewLogger(engine.FormatJSON, zap.InfoLevel.String(), stderr)
	if err != nil {
		return fmt.Errorf("make a logger: %w", err)
	}
	options, err := engine.ClientOptions(env, logger)
	if err != nil {
		return err
	}
	options.Identity = engine.Identity(roleBareWorker)
	connected, err := engine.Dial(ctx, options, logger)
	if err != nil {
		return err
	}
	defer connected.Close()
	fatal := make(chan error, 1)
	engine.SpareMemory(os.Environ())
	w := worker.New(connected, bareQueue, engine.WorkerOptions(bareAtOnce, func(err error) { fatal <- err }))
	registerBare(w)
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the worker of %s: %w", bareQueue, err)
	}
	defer w.Stop()
	go func() {
		if err := serveHealth(ctx, env.Getenv(config.EnvHealthAddress), options.Identity, connected); err != nil {
			fatal <- err
		}
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal:
		return fmt.Errorf("the worker gave up: %w", err)
	}
}

// serveHealth answers whether the bare worker polls, until ctx ends.
func serveHealth(ctx context.Context, address, identity string, connected client.Client) error {
	health := engine.NewHealth(identity, time.Now,
		engine.Queue{Name: bareQueue, Kind: enumspb.TASK_QUEUE_TYPE_WORKFLOW}, engine.Queue{Name: bareQueue, Kind: enumspb.TASK_QUEUE_TYPE_ACTIVITY})
	health.Started(connected)
	server := &http.Server{Addr: address, Handler: health.Handler(), ReadHeaderTimeout: bareAttempt}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // what is asked then is of no interest
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer for its health: %w", err)
	}
	return nil
}

// role has this process do something else where it was started for that.
func role(ctx context.Context, stderr io.Writer) (code int, taken bool) {
	if os.Getenv(envRole) != roleBareWorker {
		return 0, false
	}
	return runBareWorker(ctx, os.Environ(), stderr), true
}
