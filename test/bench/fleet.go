package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

const (
	// startersAtOnce keep the server busy without queueing for it.
	startersAtOnce = 50
	lookEvery      = 100 * time.Millisecond
)

// each does something for the organizations from first to last-1, many at a time.
func each(ctx context.Context, first, last, atOnce int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := first; i < last && ctx.Err() == nil; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// start starts the organizations from first to last-1, as the starter does.
func (w *world) start(ctx context.Context, first, last int) error {
	return each(ctx, first, last, startersAtOnce, func(ctx context.Context, i int) error {
		in := workflows.Input{Organization: organizationOf(i), Playbook: w.playbook}
		if _, err := w.engine.ExecuteWorkflow(ctx, workflows.StartOptions(in, time.Now()), workflows.MigrateOrganizationName, in); err != nil {
			return fmt.Errorf("start organization %s: %w", idOf(i), err)
		}
		return nil
	})
}

// count asks visibility how many organizations the query finds.
func (w *world) count(ctx context.Context, query string) (int, error) {
	answer, err := w.engine.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: w.temporal.Namespace, Query: query})
	if err != nil {
		return 0, fmt.Errorf("count workflows: %w", err)
	}
	return int(answer.GetCount()), nil
}

// until waits until the query finds n organizations.
func (w *world) until(ctx context.Context, n int, query string) error {
	for {
		found, err := w.count(ctx, query)
		if err == nil && found >= n {
			return nil
		}
		if pausing := stack.Pause(ctx, lookEvery); pausing != nil {
			return errors.Join(fmt.Errorf("wait for %d organizations with %s, %d are: %w", n, query, found, pausing), err)
		}
	}
}

// untilParked waits until n organizations wait for their people.
func (w *world) untilParked(ctx context.Context, n int) error {
	return w.until(ctx, n, fmt.Sprintf("%s = '%s'", workflows.AttributePhase.GetName(), migration.AwaitingReauth))
}

// reconnect has the organization's person sign in at the vendor, without a word to the workflow.
func (w *world) reconnect(ctx context.Context, number int) error {
	return w.vendor.Reconnect(ctx, idOf(number), sandbox, accountOf(number), emulator.Reconnection{By: "customer"})
}

// tell sends the signal that somebody signed in.
func (w *world) tell(ctx context.Context, number int) error {
	err := w.engine.SignalWorkflow(ctx, w.workflowID(number), "", workflows.SignalReauthCompleted,
		workflows.ReauthCompleted{Account: accountOf(number), By: "customer"})
	if err != nil {
		return fmt.Errorf("signal organization %s: %w", idOf(number), err)
	}
	return nil
}

func (w *world) workflowID(number int) string {
	return workflows.WorkflowID(w.playbook.Name, idOf(number))
}
