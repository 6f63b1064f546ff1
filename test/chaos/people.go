package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// Who deeds are recorded for.
const (
	operator = "ops"
	customer = "marketing"
)

const (
	// lookEvery is how often people look at what they wait for.
	lookEvery = 100 * time.Millisecond
	// tryAgain is how long people wait before they type a command again that did not get through.
	tryAgain = time.Second
	// answerWithin bounds one question: processes that were killed do not answer.
	answerWithin = 8 * time.Second
)

// await waits until the organization's workflow says something.
func (o *organization) await(ctx context.Context, what string, said func(migration.Status) bool) (migration.Status, error) {
	for {
		status := o.latest.Load()
		if status != nil && said(*status) {
			return *status, nil
		}
		if err := stack.Pause(ctx, lookEvery); err != nil {
			return migration.Status{}, fmt.Errorf("waited for %s; last it was %s: %w", what, describe(status), err)
		}
	}
}

func describe(s *migration.Status) string {
	if s == nil {
		return "silent"
	}
	parts := []string{string(s.Phase)}
	for _, w := range s.Waits {
		parts = append(parts, "waits on "+w.Who+": "+w.What)
	}
	return strings.Join(parts, "; ")
}

// until does something again and again until the workflow shows what came of it: what is typed may get lost, and so may its answer.
func (o *organization) until(ctx context.Context, what string, shown func(migration.Status) bool, act func(context.Context) error) error {
	var last error
	for {
		status := o.latest.Load()
		if status != nil && (shown(*status) || status.Phase.Done()) {
			return nil
		}
		trying, cancel := context.WithTimeout(ctx, answerWithin)
		last = act(trying)
		cancel()
		o.stirred.Store(true)
		if err := stack.Pause(ctx, tryAgain); err != nil {
			return fmt.Errorf("%s; last it was %s: %w", what, describe(status), errors.Join(err, last))
		}
	}
}

// update sends an update until the workflow shows what came of it. Some type it once more when it is done, which must change nothing.
func (o *organization) update(ctx context.Context, name string, in any, shown func(migration.Status) bool) error {
	err := o.until(ctx, name, shown, func(ctx context.Context) error { return o.send(ctx, name, in) })
	if err == nil && o.twice {
		trying, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		_ = o.send(trying, name, in) // refused, as a rule
	}
	return err
}

// send sends an update once.
func (o *organization) send(ctx context.Context, name string, in any) error {
	handle, err := o.run.engine.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: o.workflowID(), UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return handle.Get(ctx, nil)
}

func (o *organization) cancel(ctx context.Context) error {
	return o.until(ctx, "cancel", func(migration.Status) bool { return false }, func(ctx context.Context) error {
		return o.run.engine.CancelWorkflow(ctx, o.workflowID(), "")
	})
}

// claim sends the signal that somebody signed in. Nobody waits for it to be read; it is sent again only while the server does not take it.
func (o *organization) claim(ctx context.Context, account, by string) error {
	for {
		trying, cancel := context.WithTimeout(ctx, answerWithin)
		err := o.run.engine.SignalWorkflow(trying, o.workflowID(), "", workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: account, By: by})
		cancel()
		var over *serviceerror.NotFound
		if err == nil || errors.As(err, &over) {
			return nil
		}
		if err := stack.Pause(ctx, tryAgain); err != nil {
			return err
		}
	}
}

// accounts are those that somebody must sign in to, as soon as they are known.
func (o *organization) accounts(ctx context.Context) ([]migration.AccountState, error) {
	status, err := o.await(ctx, "accounts to sign in to", func(s migration.Status) bool { return len(s.Accounts) > 0 })
	return status.Accounts, err
}

func (o *organization) reconnect(ctx context.Context, account string, how emulator.Reconnection) error {
	how.By = customer
	return o.run.vendor.Reconnect(ctx, o.ID, sandbox, account, how)
}

// signInAndSay has the customer reconnect every account, and say so as the organization's contact does.
func (o *organization) signInAndSay(ctx context.Context) error {
	if o.signals.wrong {
		if err := o.claim(ctx, "account-of-nobody", customer); err != nil {
			return err
		}
	}
	accounts, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	return o.signInTo(ctx, accounts)
}

func (o *organization) signInTo(ctx context.Context, accounts []migration.AccountState) error {
	if o.signals.early {
		if err := o.claim(ctx, accounts[0].ID, customer); err != nil {
			return err
		}
	}
	for _, account := range accounts {
		if err := o.reconnect(ctx, account.ID, emulator.Reconnection{}); err != nil {
			return err
		}
	}
	if err := stack.Pause(ctx, o.signals.late); err != nil {
		return err
	}
	for range o.signals.times {
		for i := range accounts { // the last one first: nobody keeps an order
			if err := o.claim(ctx, accounts[len(accounts)-1-i].ID, customer); err != nil {
				return err
			}
		}
	}
	return nil
}
