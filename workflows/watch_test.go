package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// tally counts how often an activity is scheduled, which writes history, and attempted, which does not.
type tally struct{ scheduled, attempts map[string]int }

func (w *world) tally() tally {
	n := tally{map[string]int{}, map[string]int{}}
	w.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		n.attempts[info.ActivityType.Name]++
		if info.Attempt == 1 {
			n.scheduled[info.ActivityType.Name]++
		}
	})
	return n
}

// While nothing changes a watch of two months writes no history, and it ends with the old API.
func TestWatchWritesNoHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	n := w.tally()
	w.at(hours(1), func() { signedIn(w) })
	w.at(shutdown.Add(-time.Second), func() {
		status := w.status()
		require.Equal(t, migration.Watching, status.Phase)
		require.Len(t, status.Waits, 1)
		require.Equal(t, "the old API is closed; until then both cards are watched", status.Waits[0].What)
		require.Equal(t, shutdown, status.Waits[0].By)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	require.Equal(t, 1, n.scheduled["AwaitChanges"])
	require.Greater(t, n.attempts["AwaitChanges"], 55)
	require.Equal(t, 1, n.scheduled["Plan"])
	require.Equal(t, "start", w.notices.kinds())
	require.WithinDuration(t, shutdown, w.Now(), time.Minute)
	require.Len(t, w.writes(), 6)
}

// What this migration itself carried over is no news to its watch.
func TestWatchAfterAudiencesWereCarriedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	n := w.tally()
	w.at(hours(1), func() {
		w.add("old", "Loyal customers", "Late comers")
		signedIn(w)
	})
	_, err := w.run()
	require.NoError(t, err)
	require.Len(t, w.writes(), 7, "one audience and six toggles")
	require.Equal(t, 1, n.scheduled["Plan"])
	require.Equal(t, 1, n.scheduled["AwaitChanges"])
}

// Somebody turns the old dataflow on again: both run, and a person says which side counts.
func TestOldDataflowEnabledAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settle migration.Answer
		sides  string
		back   bool // the customer takes it back
	}{
		"carried": {settle: migration.AnswerCarry, sides: "disabled enabled"},
		"left":    {settle: migration.AnswerAccept, sides: "enabled enabled"},
		"undone":  {back: true, sides: "disabled enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, watched)
			w.at(hours(1), func() { signedIn(w) })
			w.at(days(3), func() { w.edit("old", "Loyal customers", emulator.Edit{State: "enabled"}) })
			w.at(days(4), func() {
				status := w.status()
				require.Equal(t, migration.NeedsAttention, status.Phase)
				require.Contains(t, status.Waits[0].What, "switched by somebody: the old dataflow was enabled again: both run")
				require.Contains(t, w.notices.text(migration.NoticeAttention), "both run")
				require.Equal(t, "enabled enabled", w.sides("Loyal customers"), "nothing is guessed")
				require.Len(t, w.writes(), 6)
				if c.back {
					w.edit("old", "Loyal customers", emulator.Edit{State: "disabled"})
					w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
					return
				}
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: c.settle})
			})
			w.at(days(5), func() {
				require.Equal(t, migration.Watching, w.status().Phase)
				require.Equal(t, c.sides, w.sides("Loyal customers"))
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			require.Equal(t, c.sides, w.sides("Loyal customers"))
			require.Equal(t, "start attention", w.notices.kinds())
			require.WithinDuration(t, shutdown, w.Now(), time.Minute)
		})
	}
}

// What was carried once is watched again.
func TestOldDataflowEnabledTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Drift.State = migration.CarryOver })
	w.at(hours(1), func() { signedIn(w) })
	for _, day := range []int{3, 6} {
		w.at(days(day), func() { w.edit("old", "Loyal customers", emulator.Edit{State: "enabled"}) })
		w.at(days(day+1), func() {
			require.Equal(t, "disabled enabled", w.sides("Loyal customers"), "the playbook says so")
			require.Equal(t, migration.Watching, w.status().Phase)
		})
	}
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, []string{"enable new", "disable old", "disable old", "disable old"}, bare(w.wrote("Loyal customers"), "Loyal customers"))
	require.Equal(t, "start", w.notices.kinds())
}

func TestCopyDisabledDuringTheWatch(t *testing.T) {
	t.Parallel()
	for answer, want := range map[migration.Answer]string{migration.AnswerCarry: "disabled enabled", migration.AnswerAccept: "disabled disabled"} {
		t.Run(string(answer), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, watched)
			w.at(hours(1), func() { signedIn(w) })
			w.at(days(3), func() { w.edit("new", "Loyal customers", emulator.Edit{State: "disabled"}) })
			w.at(days(4), func() {
				require.Contains(t, w.status().Waits[0].What, "switched by somebody: the copy was disabled: neither runs")
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: answer})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			require.Equal(t, want, w.sides("Loyal customers"))
		})
	}
}

// An audience that somebody activates to the old card after the switch is carried over: the playbook says so, and nobody needs to be asked.
func TestAudienceAddedToTheWrongCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(3), func() { w.add("old", "Loyal customers", "new-year") })
	w.at(days(4), func() {
		require.Equal(t, migration.Watching, w.status().Phase)
		require.Equal(t, []string{"enable new Loyal customers", "disable old Loyal customers", "add-audience new Loyal customers new-year"}, w.wrote("Loyal customers"))
		require.Contains(t, w.details(), "1 audience(s) carried over")
		require.Equal(t, hours(1), w.pair("Loyal customers").SwitchedAt)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, "start", w.notices.kinds())
	require.Len(t, w.writes(), 7)
}

// The customer tidies up: that the old dataflow is gone after its switch is no news.
func TestOldDataflowDeletedAfterItsSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	n := w.tally()
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(3), func() { w.delete("old", "Loyal customers") })
	w.at(days(10), func() { require.Equal(t, migration.Watching, w.status().Phase) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, "start", w.notices.kinds())
	require.Equal(t, 1, n.scheduled["AwaitChanges"])
}

// A copy that is gone delivers nothing, which is a person's to know.
func TestCopyDeletedDuringTheWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(3), func() { w.delete("new", "Loyal customers") })
	w.at(days(4), func() {
		require.Equal(t, migration.NeedsAttention, w.status().Phase)
		require.Contains(t, w.notices.text(migration.NoticeAttention), "Loyal customers")
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
}

// A pause stops what a watch would lead to, and looking goes on without history; after it everything is caught up with.
func TestPauseDuringTheWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	n := w.tally()
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(2), func() { w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "freeze"}) })
	w.at(days(3), func() { w.add("old", "Loyal customers", "new-year") })
	w.at(days(20), func() {
		require.Len(t, w.writes(), 6, "nothing is changed in a pause")
		require.LessOrEqual(t, n.scheduled["AwaitChanges"], 2)
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	w.at(days(21), func() { require.Len(t, w.writes(), 7) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	require.Equal(t, "start", w.notices.kinds())
}

// What is switched is watched while other pairs wait for people.
func TestWatchWhileOthersWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched, twoAccounts)
	w.at(hours(1), func() { w.signInOf("Holiday shoppers") })
	w.at(days(3), func() { w.edit("old", "Loyal customers", emulator.Edit{State: "enabled"}) })
	w.at(days(4), func() {
		require.Equal(t, migration.NeedsAttention, w.status().Phase)
		require.Contains(t, w.status().Waits[0].What, "both run")
		w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: migration.AnswerCarry})
	})
	w.at(days(5), func() {
		require.Equal(t, "disabled enabled", w.sides("Loyal customers"))
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		w.signInOf("Newsletter readers")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
}

// A watch that the vendor refuses is told and not given up in silence; one that it does not answer goes on by itself.
func TestWatchThatTheVendorDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	fail := func(status int) {
		_, err := w.emu.AddFault(emulator.Fault{Route: "GET /flows", Effect: emulator.EffectStatus, Status: status, Times: 1})
		require.NoError(t, err)
	}
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(3), func() { fail(503) })
	w.at(days(5), func() {
		require.Equal(t, migration.Watching, w.status().Phase)
		require.Equal(t, "start", w.notices.kinds())
		fail(403)
	})
	w.at(days(7), func() {
		require.Equal(t, migration.NeedsAttention, w.status().Phase)
		require.Contains(t, w.notices.text(migration.NoticeAttention), "watch: ")
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	w.at(days(8), func() { require.Equal(t, migration.Watching, w.status().Phase) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

func TestCancelDuringTheWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(10), func() { w.CancelWorkflow() })
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	w.requireSwitched()
	require.Equal(t, migration.Cancelled, w.reports.evidence(t, "pinterest-v5", acme).Status.Phase)
	require.WithinDuration(t, days(10), w.Now(), time.Minute)
}
