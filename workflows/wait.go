package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/migration"
)

// wait stands until something happens: a signal or an update, news from a vendor, a reminder that was delivered, a deadline. What is looked at
// meanwhile are activities that retry, which write no history; of timers and due notices there is one at a time, for the next milestone.
func (o *organization) wait(ctx workflow.Context) error {
	now := workflow.Now(ctx)
	seen := o.changes // before anything that blocks, so that no word is missed
	o.enterWait(ctx)
	if o.long(ctx) && o.changes == seen {
		return o.continueAsNew(ctx)
	}
	o.watch(now)
	if !o.onPeople(now) {
		defer func() { o.state.Milestone = workflow.Now(ctx) }() // what passes while nobody is waited for is not made up for
	}
	milestone, timed := o.nextMilestone(now)
	happened := func() bool {
		return o.changes != seen || o.signs.ready() || o.runs.ready() || o.sights.ready() || o.reminder.ready()
	}
	if !timed {
		if err := workflow.Await(ctx, happened); err != nil {
			return err
		}
		o.harvest(ctx)
		return nil
	}
	inTime, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      milestone.At.Sub(now),
		TimerOptions: workflow.TimerOptions{Summary: fmt.Sprintf("%s %s", milestone.Name, migration.Instant(milestone.At))},
	}, happened)
	if err != nil {
		return err
	}
	o.harvest(ctx)
	if !inTime {
		o.reach(ctx, milestone)
	}
	return nil
}

// nextMilestone is the next instant that a timer must stand for. A reminder needs none: it is a notice that is not due yet.
func (o *organization) nextMilestone(now time.Time) (migration.Milestone, bool) {
	var next migration.Milestone
	timed := false
	consider := func(m migration.Milestone) {
		if !timed || m.At.Before(next.At) {
			next, timed = m, true
		}
	}
	if o.reminder == nil && o.onPeople(now) {
		if m, ok := o.milestone(now); ok {
			consider(m)
		}
	}
	if at := o.state.NextLease(o.playbook); at.After(now) {
		consider(migration.Milestone{Name: "a sign-in ends", At: at})
	}
	return next, timed
}

// milestone is the next milestone of the playbook that matters: reminders go to people who are waited for, and never during a pause.
func (o *organization) milestone(now time.Time) (migration.Milestone, bool) {
	after := o.state.Milestone
	if !o.state.Assessed {
		after = now // nobody waits for the ladder before the first look
	}
	for {
		m, ok := o.playbook.NextMilestone(after)
		if !ok || m.Kind != migration.Reminder || o.reminds() {
			return m, ok
		}
		if after = m.At; m.At.After(o.playbook.Timeline.Shutdown) {
			return m, false // only reminders are left
		}
	}
}

func (o *organization) reminds() bool {
	return len(o.state.Pending()) > 0 && o.state.Paused == nil && o.state.Told
}

// onPeople tells whether milestones matter: somebody is waited for, or the new card is.
func (o *organization) onPeople(now time.Time) bool {
	return !o.state.Assessed || slices.ContainsFunc(o.state.Waits(o.Organization, o.playbook, now), func(w migration.Wait) bool { return w.On != migration.OnVendor })
}

// reach deals with a milestone whose timer ended.
func (o *organization) reach(ctx workflow.Context, m migration.Milestone) {
	if m.Kind == "" {
		return // a lease: the loop sees that it is over
	}
	o.state.Milestone = m.At
	if m.Kind == migration.Deadline {
		o.publish(ctx)
		o.attempt(ctx, o.notify(ctx, migration.NoticeDeadline, m.Name+"@"+migration.Instant(m.At)))
	}
}

// watch sees to it that what is waited for is looked at.
func (o *organization) watch(now time.Time) {
	if o.state.Holding() != nil || !o.state.Assessed || !o.state.Told {
		return
	}
	if asked := o.state.Asked(); len(asked) > 0 {
		in := activities.AccountsInput{Who: o.who(), Lease: o.playbook.Reauthentication.Lease, Poll: o.playbook.Reauthentication.Poll}
		var key []string
		for _, account := range asked {
			in.Accounts = append(in.Accounts, activities.Asked{Base: activities.SignOf(account.Account), Claimed: account.ClaimedBy != ""})
			key = append(key, account.ID, account.Etag, account.ClaimedBy)
		}
		o.signs = o.signs.keep(strings.Join(key, " "), o.root, func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteActivity(waiting(ctx, "a person signs in to "+accountNames(in.Accounts), in.Poll), do.AwaitAccounts, in)
		})
	}
	if unverified := o.state.Unverified(); len(unverified) > 0 {
		in := activities.RunsInput{Who: o.who(), Rules: o.playbook.Verification}
		if in.Rules.Sample > 0 || in.Rules.AtPartner {
			in.Playbook = o.playbook.Name
		}
		var key []string
		for _, p := range unverified {
			in.Copies = append(in.Copies, activities.Copy{Dataflow: p.New, Sandbox: p.Sandbox, SwitchedAt: p.SwitchedAt, Failing: p.Failing, Overdue: p.Overdue, Again: p.WasBack()})
			key = append(key, fmt.Sprint(p.New, p.SwitchedAt, p.Failing, p.Overdue))
		}
		o.runs = o.runs.keep(strings.Join(key, " "), o.root, func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteActivity(waiting(ctx, fmt.Sprintf("first flow run of %d dataflow(s)", len(in.Copies)), in.Rules.Poll), do.AwaitRuns, in)
		})
	}
	if o.state.Watches(o.playbook, now) && !o.state.Replan { // what was seen in a pause is not looked at again and again
		o.watchChanges()
	}
	m, ok := o.milestone(now)
	if !ok || m.Kind != migration.Reminder {
		stop(&o.reminder)
		return
	}
	var reminded migration.Notice
	o.reminder = o.reminder.keep(m.Name+migration.Instant(m.At), o.root, func(ctx workflow.Context) workflow.Future {
		notice := o.state.NewNotice(migration.NoticeReminder, m.Name+"@"+migration.Instant(m.At), o.Organization, o.playbook, m.At)
		notice.NotBefore = m.At
		reminded = notice
		return workflow.ExecuteActivity(due(ctx, "reminder due "+migration.Instant(m.At)), do.Notify, notice)
	})
	o.reminder.milestone = m
	if reminded.Key != "" {
		o.reminder.notice = reminded
	}
}

// watchChanges looks whether somebody changes what was switched, until the old API is closed.
func (o *organization) watchChanges() {
	in := activities.ChangesInput{Who: o.whole(), Cards: cardsOf(o.playbook), Playbook: o.playbook.Name, Poll: o.playbook.Watch.Poll, Until: o.playbook.Timeline.Shutdown}
	key := []string{migration.Instant(in.Until)}
	for _, p := range o.state.Pairs {
		if p.Progress == migration.Verified {
			in.Pairs = append(in.Pairs, activities.Watched{Old: p.Old, New: p.New, Fingerprint: p.Fingerprint})
			key = append(key, p.New, p.Fingerprint)
		}
	}
	o.sights = o.sights.keep(strings.Join(key, " "), o.root, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(waiting(ctx, fmt.Sprintf("watch %d dataflow(s)", len(in.Pairs)), in.Poll), do.AwaitChanges, in)
	})
}

// harvest takes in what background activities brought.
func (o *organization) harvest(ctx workflow.Context) {
	if o.signs.ready() {
		var looks []activities.Look
		if err := o.signs.take(ctx, &looks); err != nil {
			_ = o.hold(ctx, err)
		}
		if o.signs.stale {
			looks = nil // the next one looks again, compared with how things stand now
		}
		o.signs = nil
		for _, look := range looks {
			o.learn(ctx, look)
		}
	}
	if o.runs.ready() {
		var verdicts []migration.RunVerdict
		if err := o.runs.take(ctx, &verdicts); err != nil {
			_ = o.hold(ctx, err)
		}
		o.runs = nil
		for _, v := range verdicts {
			o.state.Judge(v, o.playbook, workflow.Now(ctx))
		}
	}
	if o.sights.ready() {
		var changed []string
		if err := o.sights.take(ctx, &changed); err != nil {
			_ = o.hold(ctx, err)
		}
		o.sights = nil
		o.state.Replan = o.state.Replan || len(changed) > 0 // the plan says what it is, the playbook what is done about it
	}
	if o.reminder.ready() {
		var delivery *activities.Delivery
		err := o.reminder.take(ctx, &delivery)
		if o.attempt(ctx, err); err == nil {
			o.delivered(ctx, o.reminder.notice, delivery)
		}
		o.state.Milestone = o.reminder.milestone.At
		o.reminder = nil
	}
}

// stopIdle ends background activities that nothing waits for any more.
func (o *organization) stopIdle(now time.Time) {
	if len(o.state.Asked()) == 0 {
		stop(&o.signs)
	}
	if !o.state.Watches(o.playbook, now) {
		stop(&o.sights)
	}
	if len(o.state.Unverified()) == 0 {
		stop(&o.runs)
	}
	if !o.reminds() {
		stop(&o.reminder)
	}
}

func (o *organization) stopAll() {
	stop(&o.signs)
	stop(&o.runs)
	stop(&o.sights)
	stop(&o.reminder)
}

// enterWait shows what is waited for, and tells the operator of everything new that is the operator's, once.
func (o *organization) enterWait(ctx workflow.Context) {
	now := workflow.Now(ctx)
	o.state.Enter(o.state.WaitPhase(o.Organization, o.playbook, now), now)
	o.publish(ctx)
	told, news := o.state.Attention(o.Organization, o.playbook, now)
	if !news {
		o.state.Attended = told
		return
	}
	err := o.notify(ctx, migration.NoticeAttention, migration.Instant(now))
	if o.attempt(ctx, err); err == nil {
		o.state.Attended = told
	}
}

// continueAsNew starts over with an empty history and the whole state. Signals that arrived are in the state by then; handlers that run are
// waited for, unless one brings something to do: it may wait for what the loop does about it, and the run goes on.
func (o *organization) continueAsNew(ctx workflow.Context) error {
	o.stopAll()
	seen := o.changes
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) || o.changes != seen }); err != nil {
		return err
	}
	if !workflow.AllHandlersFinished(ctx) {
		return nil
	}
	o.drain(ctx)
	return workflow.NewContinueAsNewError(ctx, MigrateOrganizationName, Input{Organization: o.Organization, Playbook: o.playbook, State: o.state})
}

// background is an activity that runs while the workflow waits. A nil one is none.
type background struct {
	key       string
	future    workflow.Future
	cancel    workflow.CancelFunc
	milestone migration.Milestone // of a reminder
	notice    migration.Notice    // of a reminder
	stale     bool                // what it brings is not taken in
}

// keep returns b if it works on key, and else ends it and starts another.
func (b *background) keep(key string, ctx workflow.Context, start func(workflow.Context) workflow.Future) *background {
	if b != nil && b.key == key {
		return b
	}
	stop(&b)
	ctx, cancel := workflow.WithCancel(ctx)
	return &background{key: key, cancel: cancel, future: start(ctx)}
}

// distrust has what b brings left aside.
func (b *background) distrust() {
	if b != nil {
		b.stale = true
	}
}

func (b *background) ready() bool { return b != nil && b.future.IsReady() }

func (b *background) take(ctx workflow.Context, into any) error { return b.future.Get(ctx, into) }

// stop cancels a background activity, if there is one.
func stop(b **background) {
	if *b != nil {
		(*b).cancel()
		*b = nil
	}
}
