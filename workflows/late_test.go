package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// late is an organization that was looked at before the shutdown, given up, and is started again a month after it.
func late(t *testing.T, change ...func(*workflows.Input, *emulator.Scenario)) (w *world, start time.Time) {
	t.Helper()
	w = newWorld(t, nov20, change...)
	w.at(hours(1), func() { w.CancelWorkflow() })
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	start = shutdown.AddDate(0, 1, 0)
	return w.again(start), start
}

func oldSide(setting string) func(*workflows.Input, *emulator.Scenario) {
	return func(_ *workflows.Input, s *emulator.Scenario) { s.Settings.OldDataflows = setting }
}

// Whatever the vendor did with the old side, a late organization recovers by the same workflow: from what was first seen of it where nothing else is
// left, with what was not delivered written down.
func TestLateRecovery(t *testing.T) {
	t.Parallel()
	for setting, c := range map[string]struct {
		wrote []string
		note  string
	}{
		emulator.OldKept:    {wrote: []string{"enable new", "disable old"}},
		emulator.OldRefused: {wrote: []string{"enable new"}, note: "the old dataflow could not be disabled, which changes nothing: its API is closed"},
		emulator.OldGone:    {wrote: []string{"enable new"}},
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			w, start := late(t, oldSide(setting))
			w.at(start.Add(time.Hour), func() {
				status := w.status()
				require.Equal(t, migration.ShutDown, status.Stage)
				require.Equal(t, migration.AwaitingReauth, status.Phase)
				require.Equal(t, "3 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z", status.Reason)
				require.Contains(t, w.notices.text(migration.NoticeStart), "action needed now, since the old API is closed")
				w.reconnect(w.account("prod"))
				w.claim(w.account("prod"))
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			require.Equal(t, 3, result.Switched)
			for _, name := range shoppers {
				require.Equal(t, "enabled", w.flow("new", name).State)
				require.Equal(t, c.wrote, bare(w.wrote(name), name))
			}
			require.Equal(t, "start start undelivered", w.notices.kinds())
			said := w.notices.text(migration.NoticeUndelivered)
			require.Contains(t, said, "Holiday shoppers, from 2024-01-19T08:00:00Z to 2024-02-19T09:00:00Z")
			require.Contains(t, said, "may be lost")
			evidence := w.reports.evidence(t, "pinterest-v5", acme)
			require.Len(t, evidence.Missed, 3)
			require.Equal(t, "Holiday shoppers", evidence.Missed[0].Name)
			require.Equal(t, []time.Time{shutdown, start.Add(time.Hour)}, []time.Time{evidence.Missed[0].From, evidence.Missed[0].To})
			require.Len(t, evidence.Missed[0].Audiences, 2, "per audience, as it was last known")
			require.Equal(t, "Cart abandoners", evidence.Missed[0].Audiences[0].Name)
			for _, pair := range evidence.Status.Pairs {
				require.True(t, pair.Late)
				require.Equal(t, shutdown, pair.Missed.From)
				if c.note != "" {
					require.Contains(t, pair.Note, c.note)
				}
			}
		})
	}
}

// Without anything that was kept, an organization whose old side still stands recovers too.
func TestStartedAfterTheShutdown(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{emulator.OldKept, emulator.OldRefused} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			start := shutdown.AddDate(0, 2, 0)
			w := newWorld(t, start, oldSide(setting), func(_ *workflows.Input, s *emulator.Scenario) {
				s.Organizations[0].Sandboxes[0].Accounts[0].Authorized = emulator.At(available)
			})
			w.at(start.Add(time.Hour), func() {
				status := w.status()
				require.Equal(t, migration.ShutDown, status.Stage)
				require.Equal(t, shutdown, status.Waits[0].By, "overdue since")
				signedIn(w)
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			for _, name := range shoppers {
				require.Equal(t, "enabled", w.flow("new", name).State)
			}
			require.Equal(t, "start undelivered", w.notices.kinds())
			evidence := w.reports.evidence(t, "pinterest-v5", acme)
			require.Len(t, evidence.Missed, 3)
			require.Equal(t, shutdown, evidence.Missed[0].From)
			require.Len(t, evidence.Missed[0].Audiences, 2)
		})
	}
}

// A dataflow that was switched off when it was first seen stays off, and missed nothing.
func TestLateDataflowThatWasOff(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{emulator.OldKept, emulator.OldGone} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			w, start := late(t, oldSide(setting), func(_ *workflows.Input, s *emulator.Scenario) {
				s.Organizations[0].Sandboxes[0].Dataflows[1].State = "disabled"
			})
			w.at(start.Add(time.Hour), func() { signedIn(w) })
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 2, result.Switched)
			require.Equal(t, "disabled", w.flow("new", "Loyal customers").State)
			require.Empty(t, w.wrote("Loyal customers"))
			require.Len(t, w.reports.evidence(t, "pinterest-v5", acme).Missed, 2)
		})
	}
}

// The shutdown passes while a pair is held: it is planned again without its old side, and what was asked is not answered by that.
func TestShutdownWhileAPairIsHeld(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{emulator.OldKept, emulator.OldRefused, emulator.OldGone} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, oldSide(setting), watched)
			w.at(hours(1), func() {
				w.edit("old", "Loyal customers", emulator.Edit{RemoveAudiences: []string{"Silver tier"}})
				signedIn(w)
			})
			w.at(shutdown.Add(-time.Second), func() {
				require.False(t, w.pair("Loyal customers").Late)
				require.Equal(t, migration.Held, w.pair("Loyal customers").Progress)
			})
			w.at(shutdown.Add(time.Hour), func() {
				pair := w.pair("Loyal customers")
				require.True(t, pair.Late)
				require.Contains(t, w.notices.kinds(), "deadline")
				require.Equal(t, migration.Held, pair.Progress)
				answer := migration.AnswerAccept
				if setting == emulator.OldGone {
					require.Contains(t, pair.Note, "old dataflow not listed", "the difference went with the old side, the question did not")
					answer = migration.AnswerCarry
				}
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: pair.Old, Answer: answer})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			require.Equal(t, 3, result.Switched)
			require.Equal(t, "enabled", w.flow("new", "Loyal customers").State)
			evidence := w.reports.evidence(t, "pinterest-v5", acme)
			require.Len(t, evidence.Missed, 1, "the others were switched in time")
			require.Equal(t, "Loyal customers", evidence.Missed[0].Name)
			require.Equal(t, shutdown, evidence.Missed[0].From)
		})
	}
}

// What is back on the old card when its API closes stops there; a resume brings it over late, with what was missed.
func TestShutdownAfterARollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched, oldSide(emulator.OldGone))
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.ask(workflows.UpdateRollback, back("")) })
	w.at(shutdown.Add(time.Hour), func() {
		require.Equal(t, migration.NeedsAttention, w.status().Phase)
		require.Contains(t, w.notices.text(migration.NoticeDeadline), "rolled back by operator")
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	missed := w.reports.evidence(t, "pinterest-v5", acme).Missed
	require.Len(t, missed, 3)
	require.Equal(t, []time.Time{shutdown, shutdown.Add(time.Hour)}, []time.Time{missed[0].From, missed[0].To})
}

// After the shutdown a copy that fails cannot go back; it holds and is told.
func TestLateCopyThatFailsHolds(t *testing.T) {
	t.Parallel()
	w, start := late(t, hourly(func(c *emulator.Copy) { c.Runs = emulator.RunsFail }), oldSide(emulator.OldGone))
	w.at(start.Add(time.Hour), func() { signedIn(w) })
	w.at(start.Add(4*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "the flow run failed")
		require.Contains(t, status.Waits[0].Command, "--answer accept", "there is no way back to offer")
		w.refused(workflows.UpdateRollback, "the old API is closed", back(""))
		require.Empty(t, w.wrote("Loyal customers"), "the others wait")
		w.runs("Holiday shoppers", emulator.RunsByRule)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

func TestCancelALateOrganization(t *testing.T) {
	t.Parallel()
	w, start := late(t, oldSide(emulator.OldGone))
	w.at(start.Add(time.Hour), func() { w.CancelWorkflow() })
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	w.requireUntouched()
}
