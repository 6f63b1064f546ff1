package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// A run that continues as new takes along every decision, claim and date: nothing is told twice, asked twice or forgotten.
func TestContinueAsNewLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, twoAccounts)
	w.at(nov20.Add(time.Hour), func() {
		first := w.flow("new", "Holiday shoppers").Account
		w.reconnect(first)
		w.claim(first)
	})
	w.at(nov20.Add(2*time.Hour), func() {
		w.update(workflows.UpdateReschedule, workflows.Reschedule{By: "operator", Reason: "vendor", Shutdown: shutdown.AddDate(0, 1, 0)})
	})
	w.at(nov20.Add(3*time.Hour), func() {
		w.SetContinueAsNewSuggested(true)
		w.claim("stranger") // anything that ends the wait
	})
	in := w.continued()
	require.Equal(t, shutdown.AddDate(0, 1, 0), in.Playbook.Timeline.Shutdown)

	before := w.notices.kinds()
	next := w.next(in)
	deadline := reauthBy.Add(time.Second)
	next.at(deadline.Add(-2*time.Second), func() {
		require.Equal(t, migration.Open, next.status().Stage)
		require.Equal(t, migration.AwaitingReauth, next.status().Phase)
		require.Len(t, next.status().Deeds, 3, "who did what is kept")
		require.Equal(t, before+" reminder reminder reminder reminder", next.notices.kinds(), "the ladder goes on and does not begin again")
	})
	next.at(deadline, func() {
		require.Equal(t, migration.AtRisk, next.status().Stage, "the deadline's timer stands in the new run")
		account := next.flow("new", "Newsletter readers").Account
		next.reconnect(account)
		next.claim(account)
	})
	result, err := next.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	next.requireSwitched()
	require.Len(t, next.writes(), 6, "what was switched before is not switched again")
}

// In the middle of a cut-over the pair under way ends, the next run goes on with the others, and what was approved and carried over is kept.
func TestContinueAsNewInTheMiddleOfACutOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Width = 1 })
	w.at(hours(1), func() {
		w.add("old", "Holiday shoppers", "new-year")
		signedIn(w)
	})
	w.at(hours(2), func() { w.approve("operator") })
	begun := 0
	w.SetOnActivityStartedListener(onSwitch(func(activities.SwitchInput) {
		if begun++; begun == 2 {
			w.SetContinueAsNewSuggested(true)
		}
	}))
	in := w.continued()
	require.Equal(t, []string{"disabled enabled", "disabled enabled", "enabled disabled"}, []string{w.sides(shoppers[0]), w.sides(shoppers[1]), w.sides(shoppers[2])})

	next := w.next(in)
	result, err := next.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	next.requireSwitched()
	require.Len(t, next.writes(), 7, "what was switched before is not switched again")
	require.Equal(t, "start attention", next.notices.kinds(), "nobody is asked again")
	status := next.reports.evidence(t, "pinterest-v5", acme).Status
	require.Len(t, status.Consents, 1)
	require.Len(t, status.Pairs[0].Carried, 1)
	require.Len(t, status.Pairs[0].Toggled, 2)
	require.Len(t, status.Notices, 2)
}

// A word that comes while the operator is told something is answered before the run ends: its handler and the end of the run would wait for each other.
func TestContinueAsNewDuringANotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	var answer *reply
	w.notices.on = func(kind string) {
		if kind == string(migration.NoticeAttention) && answer == nil {
			w.SetContinueAsNewSuggested(true)
			answer = w.ask(workflows.UpdateReauthCompleted, workflows.ReauthCompleted{Account: w.account("prod"), By: "customer"})
		}
	}
	w.at(hours(1), func() { signedIn(w) })
	w.continued()
	require.True(t, answer.done)
	require.NoError(t, answer.err)
}

// A rollback is not cut in two: everything that was to go back is back, and whoever asked has an answer, before the run ends.
func TestContinueAsNewInTheMiddleOfARollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { answer = w.ask(workflows.UpdateRollback, back("")) })
	w.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == "RollBackPair" {
			w.SetContinueAsNewSuggested(true)
		}
	})
	in := w.continued()
	require.True(t, answer.done)
	require.NoError(t, answer.err)
	require.Len(t, w.wrote(""), 12)

	next := w.next(in)
	next.at(hours(3), func() {
		status := next.status()
		require.True(t, status.Paused)
		for _, pair := range status.Pairs {
			require.Equal(t, migration.WentBack, pair.Progress)
			require.Len(t, pair.Toggled, 4)
		}
		require.Len(t, next.writes(), 12)
		next.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	next.at(hours(4), func() {
		next.requireSwitched()
		next.CancelWorkflow()
	})
	_, err := next.run()
	require.Error(t, err)
	next.requireNoGap()
}

// A watch goes on in the next run, with the answers that were given, and ends when it should.
func TestContinueAsNewDuringTheWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	w.at(hours(1), func() {
		w.edit("old", "Newsletter readers", emulator.Edit{RemoveAudiences: []string{"Newsletter"}})
		signedIn(w)
	})
	w.at(hours(2), func() {
		w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Newsletter readers").ID, Answer: migration.AnswerAccept})
	})
	w.at(days(3), func() {
		require.Equal(t, migration.Watching, w.status().Phase)
		w.SetContinueAsNewSuggested(true)
		w.claim("stranger") // anything that ends the wait
	})
	next := w.next(w.continued())
	next.at(days(4), func() {
		require.Equal(t, migration.Watching, next.status().Phase)
		require.Len(t, next.writes(), 6)
		next.edit("old", "Loyal customers", emulator.Edit{State: "enabled"})
	})
	next.at(days(6), func() {
		require.Len(t, next.status().Waits, 1, "the answer of before is not asked for again")
		require.Contains(t, next.status().Waits[0].What, "both run")
		next.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: next.flow("old", "Loyal customers").ID, Answer: migration.AnswerCarry})
	})
	result, err := next.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	next.requireSwitched()
	require.WithinDuration(t, shutdown, next.Now(), time.Minute)
	require.Equal(t, "start attention attention", next.notices.kinds())
}
