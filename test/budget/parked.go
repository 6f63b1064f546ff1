package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cutover/internal/migration"
)

const (
	polls    = 30 // looks at the account, at least
	pollEach = migration.Duration(100 * time.Millisecond)
	// pollsTake is many times what they need: looks that each begin an activity of their own would never count up to that many.
	pollsTake = time.Minute

	reminders = 3
	// firstReminder is after the organization waits, also on a busy machine: one whose time passed before that is never sent.
	firstReminder = 5 * time.Second
)

// poller is the activity that looks for a sign-in.
const poller = "AwaitAccounts"

// pollMany looks at an account many times. parked is what waiting costs before that, poll what each look adds.
func pollMany(ctx context.Context, p migration.Playbook) (parked, poll cost, err error) {
	p.Reauthentication.Poll = pollEach
	w, err := newWorld(ctx, dataflows)
	if err != nil {
		return parked, poll, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	if err := w.start(ctx, p); err != nil {
		return parked, poll, err
	}
	if _, err := w.await(ctx, func(_ migration.Status, parked int) bool { return parked == forAPerson }); err != nil {
		return parked, poll, fmt.Errorf("wait for the question to sign in: %w", err)
	}
	first, parked, err := w.snapshot(ctx)
	if err != nil {
		return parked, poll, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pollsTake, fmt.Errorf("the account was not looked at %d times by one activity in %s", polls, pollsTake))
	defer cancel()
	for ; ; time.Sleep(lookEvery) {
		last, now, err := w.snapshot(ctx)
		switch {
		case ctx.Err() != nil:
			return parked, poll, context.Cause(ctx)
		case err != nil:
			return parked, poll, err
		}
		if n := last - first; n >= polls {
			return parked, now.less(parked).per(n), nil
		}
	}
}

// snapshot is how often the account was looked at, and what was spent by then.
func (w *world) snapshot(ctx context.Context) (looks int, c cost, err error) {
	for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		before, err := w.waiting(ctx)
		if err != nil {
			return 0, c, err
		}
		if c, err = w.spent(ctx, io.Discard); err != nil {
			return 0, c, err
		}
		after, err := w.waiting(ctx)
		if err != nil {
			return 0, c, err
		}
		if n := before[poller]; n > 0 && n == after[poller] { // no look fell between
			return n, c, nil
		}
	}
	return 0, c, ctx.Err()
}

// remind has several reminders delivered while the organization waits.
func remind(ctx context.Context, p migration.Playbook, trace io.Writer) (c cost, err error) {
	w, err := newWorld(ctx, dataflows)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	soon := time.Until(p.Timeline.ReauthenticateBy) - firstReminder
	p.Reminders.BeforeReauthenticateBy = slices.Clone(p.Reminders.BeforeReauthenticateBy)
	for i := range reminders {
		p.Reminders.BeforeReauthenticateBy = append(p.Reminders.BeforeReauthenticateBy, migration.Duration(soon-time.Duration(i)*time.Second))
	}
	if err := w.start(ctx, p); err != nil {
		return c, err
	}
	_, err = w.await(ctx, func(s migration.Status, parked int) bool {
		sent := 0
		for _, n := range s.Notices {
			if n.Kind == migration.NoticeReminder {
				sent++
			}
		}
		return sent == reminders && parked == forAPerson
	})
	if err != nil {
		return c, fmt.Errorf("wait for %d reminders: %w", reminders, err)
	}
	return w.spent(ctx, trace)
}
