package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

func nobody(context.Context, *organization) error { return nil }

func signIn(ctx context.Context, o *organization) error { return o.signInAndSay(ctx) }

// add has somebody add an audience to the first old dataflow, in Adobe's user interface.
func (o *organization) add(ctx context.Context, audience string) error {
	return o.addTo(ctx, o.original(), audience)
}

func (o *organization) addTo(ctx context.Context, flow, audience string) error {
	return o.run.vendor.EditFlow(ctx, o.ID, sandbox, flow, emulator.Edit{By: customer, AddAudiences: []emulator.Audience{{Name: audience}}})
}

// addAnAudience: what is added after the copy was made must be carried over.
func addAnAudience(ctx context.Context, o *organization) error {
	if _, err := o.accounts(ctx); err != nil {
		return err
	}
	if err := o.add(ctx, "Newcomers"); err != nil {
		return err
	}
	return o.signInAndSay(ctx)
}

// editMeanwhile: the edit comes before the plan, between plan and switch, between the two writes, or when all is done.
func editMeanwhile(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if o.editAt == nil {
		if err := stack.Pause(ctx, o.edit); err != nil {
			return err
		}
		return o.add(ctx, "Late newcomers")
	}
	flow := o.original()
	select {
	case <-o.editAt.reached:
		flow = cmp.Or(o.editAt.flow, flow)
	case <-ctx.Done():
		return fmt.Errorf("wait for the %s: %w", o.editAt.boundary, context.Cause(ctx))
	}
	return o.addTo(ctx, flow, "Late newcomers")
}

// tellThemApart: the operator, who can see which is which, answers every question.
func tellThemApart(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	return o.until(ctx, "answers to which is the copy of which", func(s migration.Status) bool {
		for _, pair := range s.Pairs {
			if pair.Progress == migration.Ready || pair.Progress == migration.Held {
				return false
			}
		}
		return len(s.Pairs) == 3
	}, func(ctx context.Context) error {
		plan, err := query[*migration.Plan](ctx, o, workflows.QueryPlan)
		if err != nil || plan == nil {
			return err
		}
		for _, q := range plan.Questions {
			in := workflows.Choose{By: operator, Old: q.Old, New: o.copyOf(q.Old)}
			if err := o.send(ctx, workflows.UpdatePair, in); err != nil {
				return err
			}
		}
		return nil
	})
}

// pauseAndResume: nothing is changed meanwhile, which the ledger shows: see early.
func pauseAndResume(ctx context.Context, o *organization) error {
	if _, err := o.accounts(ctx); err != nil {
		return err
	}
	if err := o.hold(ctx); err != nil {
		return err
	}
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	return o.release(ctx)
}

func (o *organization) hold(ctx context.Context) error {
	return o.update(ctx, workflows.UpdatePause, workflows.Pause{By: operator, Reason: "stocktaking"}, func(s migration.Status) bool { return s.Paused })
}

func (o *organization) release(ctx context.Context) error {
	return o.update(ctx, workflows.UpdateResume, workflows.Resume{By: operator}, func(s migration.Status) bool { return !s.Paused })
}

// loseTheSignIn: the sign-in ends during a pause, so that the worker has the time to see it, and somebody signs in again when asked to.
func loseTheSignIn(ctx context.Context, o *organization) error {
	accounts, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	if err := o.hold(ctx); err != nil {
		return err
	}
	lease := 3*time.Second + o.edit
	for _, account := range accounts {
		if err := o.reconnect(ctx, account.ID, emulator.Reconnection{Lease: lease}); err != nil {
			return err
		}
	}
	if err := stack.Pause(ctx, lease+time.Second); err != nil {
		return err
	}
	if err := o.release(ctx); err != nil {
		return err
	}
	_, err = o.await(ctx, "to be asked again", func(s migration.Status) bool {
		return slices.ContainsFunc(s.Waits, func(w migration.Wait) bool { return w.On == migration.OnOrganization })
	})
	if err != nil {
		return err
	}
	return o.signInTo(ctx, accounts)
}

// moveDeadlines: the first deadline comes near and passes, and goes far away again.
func moveDeadlines(ctx context.Context, o *organization) error {
	if _, err := o.accounts(ctx); err != nil {
		return err
	}
	near := workflows.Reschedule{By: operator, Reason: "rehearsal", ReauthenticateBy: time.Now().Add(time.Second)}
	if err := o.update(ctx, workflows.UpdateReschedule, near, func(s migration.Status) bool { return s.Stage == migration.AtRisk }); err != nil {
		return err
	}
	if o.canary {
		far := near
		far.ReauthenticateBy = time.Now().Add(time.Hour)
		if err := o.update(ctx, workflows.UpdateReschedule, far, func(s migration.Status) bool { return s.Stage == migration.Open }); err != nil {
			return err
		}
	}
	return o.signInAndSay(ctx)
}

// comeLate: everybody comes after the shutdown.
func comeLate(ctx context.Context, o *organization) error {
	if _, err := o.accounts(ctx); err != nil {
		return err
	}
	now := time.Now()
	past := workflows.Reschedule{By: operator, Reason: "rehearsal", ReauthenticateBy: now.Add(time.Second), Shutdown: now.Add(2 * time.Second)}
	if err := o.update(ctx, workflows.UpdateReschedule, past, func(s migration.Status) bool { return !s.Timeline.Shutdown.After(time.Now()) }); err != nil {
		return err
	}
	return o.signInAndSay(ctx)
}

// cancelUnsigned: the operator gives up before anybody signed in.
func cancelUnsigned(ctx context.Context, o *organization) error {
	if _, err := o.await(ctx, "people to be waited for", func(s migration.Status) bool { return s.Phase == migration.AwaitingReauth }); err != nil {
		return err
	}
	return o.cancel(ctx)
}

// cancelHalfWay: what was carried over stays so, what was not stays where it was.
func cancelHalfWay(ctx context.Context, o *organization) error {
	accounts, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(slices.Clone(accounts), func(a migration.AccountState) bool { return a.Name != "Own" })
	if err := o.signInTo(ctx, own); err != nil {
		return err
	}
	if _, err := o.await(ctx, "the dataflow of the first account", func(s migration.Status) bool {
		return slices.ContainsFunc(s.Pairs, func(p migration.PairState) bool { return p.Progress == migration.Verified })
	}); err != nil {
		return err
	}
	return o.cancel(ctx)
}

// acceptCounts: the copy delivers too little to tell, and the operator takes it for good.
func acceptCounts(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	status, err := o.await(ctx, "a verdict that says nothing", func(s migration.Status) bool {
		return s.Phase == migration.NeedsAttention && len(s.Pairs) > 0 && s.Pairs[0].Progress == migration.Switched
	})
	if err != nil {
		return err
	}
	in := workflows.Settle{By: operator, Old: status.Pairs[0].Old, Answer: migration.AnswerAccept}
	return o.update(ctx, workflows.UpdateSettle, in, func(s migration.Status) bool { return s.Pairs[0].Progress == migration.Verified })
}

// signInElsewhereFirst: whoever signed in has no access to the ad account, which only the flow runs show.
func signInElsewhereFirst(ctx context.Context, o *organization) error {
	accounts, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	if err := o.reconnect(ctx, accounts[0].ID, emulator.Reconnection{Advertiser: elsewhere}); err != nil {
		return err
	}
	instruction, _ := migration.Blame("ad account")
	if _, err := o.await(ctx, "to be told what was wrong", func(s migration.Status) bool {
		return len(s.Pairs) > 0 && !s.Accounts[0].Verified && strings.Contains(s.Accounts[0].Note, instruction)
	}); err != nil {
		return err
	}
	return o.signInTo(ctx, accounts)
}
