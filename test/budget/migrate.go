package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// migrate carries an organization of n dataflows over, from its start to its end.
func migrate(ctx context.Context, p migration.Playbook, n int, trace io.Writer) (c cost, err error) {
	w, err := newWorld(ctx, n)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	if err := w.start(ctx, p); err != nil {
		return c, err
	}
	if err := w.signIn(ctx); err != nil {
		return c, err
	}
	if p.Watch.Poll > 0 {
		if err := w.endWatch(ctx); err != nil {
			return c, err
		}
	}
	var result workflows.Result
	if err := w.run.Get(ctx, &result); err != nil {
		return c, fmt.Errorf("migrate the organization: %w", err)
	}
	if result.Outcome != migration.Migrated || result.Switched != n {
		return c, fmt.Errorf("measured the wrong thing: %+v", result)
	}
	return w.spent(ctx, trace)
}

// signIn waits until the organization waits, and then does the customer's part.
func (w *world) signIn(ctx context.Context) error {
	status, err := w.await(ctx, func(_ migration.Status, parked int) bool { return parked == forAPerson })
	if err != nil {
		return fmt.Errorf("wait for the question to sign in: %w", err)
	}
	account := status.Accounts[0].ID
	if err := w.vendors.Reconnect(status.Organization, sandbox, account, emulator.Reconnection{By: "customer"}); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	err = w.temporal.SignalWorkflow(ctx, w.run.GetID(), w.run.GetRunID(), workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: account, By: "customer"})
	if err != nil {
		return fmt.Errorf("send the signal: %w", err)
	}
	return nil
}

// endWatch waits until everything is watched and moves the shutdown near.
func (w *world) endWatch(ctx context.Context) error {
	_, err := w.await(ctx, func(s migration.Status, parked int) bool {
		return s.Phase == migration.Watching && parked == forTheShutdown
	})
	if err != nil {
		return fmt.Errorf("wait for the watch: %w", err)
	}
	return stack.EndWatch(ctx, w.temporal, w.run.GetID())
}
