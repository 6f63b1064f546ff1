package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// dailyWatch keeps an organization open until the shutdown, looking once a day.
func dailyWatch(in *workflows.Input, _ *emulator.Scenario) {
	in.Playbook.Watch.Poll = migration.Duration(24 * time.Hour)
}

// watched does that with sign-ins that last as long.
func watched(in *workflows.Input, s *emulator.Scenario) {
	dailyWatch(in, s)
	s.Settings.Lease = 100 * 24 * time.Hour
}

// shoppers are the dataflows of the small scenario.
var shoppers = []string{"Holiday shoppers", "Loyal customers", "Newsletter readers"}

func back(old string) workflows.Rollback {
	return workflows.Rollback{By: "operator", Reason: "campaign numbers dropped", Old: old}
}

// The whole organization goes back, the last switched first, each with its old side first; then nothing goes forward before somebody says so.
func TestRollbackOfAnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() {
		require.Equal(t, migration.Watching, w.status().Phase)
		require.Equal(t, hours(1).AddDate(0, 0, 14), w.pair("Holiday shoppers").RollbackUntil)
		w.refused(workflows.UpdateRollback, "reason is missing", workflows.Rollback{By: "operator"})
		w.refused(workflows.UpdateRollback, "by is missing", workflows.Rollback{Reason: "why"})
		w.refused(workflows.UpdateRollback, "is not an old dataflow of this organization's plan", back("other"))
		answer = w.ask(workflows.UpdateRollback, back(""))
	})
	w.at(hours(3), func() {
		require.True(t, answer.done)
		require.NoError(t, answer.err)
		require.Equal(t, []string{
			"enable old Newsletter readers", "disable new Newsletter readers", "enable old Loyal customers", "disable new Loyal customers",
			"enable old Holiday shoppers", "disable new Holiday shoppers",
		}, w.wrote("")[6:])
		status := w.status()
		require.True(t, status.Paused)
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "paused by operator: rolled back: campaign numbers dropped")
		require.Equal(t, "starter resume --by NAME --org "+acme, status.Waits[0].Command)
		for _, name := range shoppers {
			pair := w.pair(name)
			require.Equal(t, migration.WentBack, pair.Progress)
			require.True(t, pair.RollbackUntil.IsZero())
			require.Len(t, pair.Toggled, 4)
		}
		w.refused(workflows.UpdateRollback, "nothing was switched yet", back(""))
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	w.at(hours(4), func() {
		w.requireSwitched()
		require.Len(t, w.wrote(""), 18)
		require.Equal(t, migration.Watching, w.status().Phase, "forward again")
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	w.requireNoGap()
	evidence := w.reports.evidence(t, "pinterest-v5", acme)
	require.Equal(t, migration.Cancelled, evidence.Status.Phase, "what is switched stays switched")
	require.Len(t, evidence.Status.Pairs[0].Toggled, 6)
}

func TestRollbackOfOneDataflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Loyal customers").ID)) })
	w.at(hours(3), func() {
		require.True(t, answer.done)
		require.NoError(t, answer.err)
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"))
		require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"))
		status := w.status()
		require.False(t, status.Paused, "the others are not stopped")
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "rolled back by operator: campaign numbers dropped")
		w.refused(workflows.UpdateRollback, "is not switched: it is rolled back", back(w.flow("old", "Loyal customers").ID))
	})
	w.at(hours(18), func() {
		require.Contains(t, w.status().Waits[0].Command, "resume --by NAME --old "+w.flow("old", "Loyal customers").ID)
		w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "something else"})
	})
	w.at(hours(19), func() { w.update(workflows.UpdateResume, workflows.Resume{By: "operator"}) })
	w.at(hours(20), func() {
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"), "it stays back until somebody names it")
		w.refused(workflows.UpdateResume, "is not held or rolled back", workflows.Resume{By: "operator", Old: w.flow("old", "Holiday shoppers").ID})
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator", Old: w.flow("old", "Loyal customers").ID})
	})
	w.at(hours(21), func() {
		w.requireSwitched()
		require.Len(t, w.wrote("Loyal customers"), 6)
		require.Len(t, w.wrote(""), 10)
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}

// Pairs whose time to go back is over stay, and the operator who wants all of them back is told which.
func TestRollbackOfWhatStillCan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, twoAccounts, watched, func(in *workflows.Input, _ *emulator.Scenario) {
		in.Playbook.Rollback.Within = migration.Duration(48 * time.Hour)
	})
	var answer *reply
	sign := func(dataflow string) {
		w.reconnect(w.flow("new", dataflow).Account)
		w.claim(w.flow("new", dataflow).Account)
	}
	w.at(hours(1), func() { sign("Holiday shoppers") })
	w.at(days(4), func() { sign("Newsletter readers") })
	w.at(days(5), func() { answer = w.ask(workflows.UpdateRollback, back("")) })
	w.at(days(6), func() {
		require.True(t, answer.done)
		require.ErrorContains(t, answer.err, `dataflow "Holiday shoppers"`)
		require.ErrorContains(t, answer.err, "could be rolled back until")
		require.Equal(t, "enabled disabled", w.sides("Newsletter readers"))
		require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"))
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}

// What was activated to the copy meanwhile is not lost by going back.
func TestRollbackCarriesAudiencesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() {
		w.add("new", "Loyal customers", "since-the-switch")
		answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Loyal customers").ID))
	})
	w.at(hours(3), func() {
		require.True(t, answer.done)
		require.NoError(t, answer.err)
		require.Equal(t, []string{"add-audience old Loyal customers since-the-switch", "enable old Loyal customers", "disable new Loyal customers"}, w.wrote("Loyal customers")[2:])
		carried := w.pair("Loyal customers").Carried
		require.Len(t, carried, 1)
		require.True(t, carried[0].Back)
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
}

// Going back is refused with the reason where it would lose changes, and nothing is toggled.
func TestRollbackThatWouldLoseChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		reason string
	}{
		"mappings":  {func(w *world) { w.remap("new", "Loyal customers") }, "going back would lose changes: the copy's mappings were changed"},
		"audiences": {func(w *world) { w.add("new", "Loyal customers", "extra") }, `add audience "extra" (extra); make them on the old dataflow too`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, watched, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Rollback.CarryBack = migration.Block })
			var answer *reply
			w.at(hours(1), func() { signedIn(w) })
			w.at(hours(2), func() {
				c.change(w)
				answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Loyal customers").ID))
			})
			w.at(hours(3), func() {
				require.True(t, answer.done)
				require.ErrorContains(t, answer.err, c.reason)
				require.Len(t, w.wrote("Loyal customers"), 2)
				require.Equal(t, "disabled enabled", w.sides("Loyal customers"))
				require.Equal(t, migration.Verified, w.pair("Loyal customers").Progress, "it stays switched")
				require.Contains(t, w.pair("Loyal customers").Note, "not rolled back: ")
				w.CancelWorkflow()
			})
			_, err := w.run()
			require.Error(t, err)
		})
	}
}

// A rollback is possible to the last second before the old API is closed, and to the last second of the playbook's span.
func TestEdgesOfRollback(t *testing.T) {
	t.Parallel()
	within := migration.Duration(14 * 24 * time.Hour)
	for name, c := range map[string]struct {
		edge   time.Time
		within migration.Duration
		reason string
	}{
		"shutdown": {shutdown, 0, "the old API is closed since 2024-01-19T08:00:00Z"},
		"within":   {hours(1).Add(within.Std()), within, "could be rolled back until 2023-12-04T13:00:00Z"},
	} {
		for _, offset := range []time.Duration{-time.Second, time.Second} {
			t.Run(name+offset.String(), func(t *testing.T) {
				t.Parallel()
				// The second account is never signed in to, which keeps the organization open past the shutdown.
				w := newWorld(t, nov20, twoAccounts, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Rollback.Within = c.within })
				w.at(hours(1), func() {
					w.reconnect(w.flow("new", "Holiday shoppers").Account)
					w.claim(w.flow("new", "Holiday shoppers").Account)
				})
				var answer *reply
				w.at(c.edge.Add(offset), func() {
					old := w.flow("old", "Holiday shoppers").ID
					if offset > 0 {
						require.True(t, w.pair("Holiday shoppers").RollbackUntil.IsZero())
						w.refused(workflows.UpdateRollback, c.reason, back(old))
						w.refused(workflows.UpdateRollback, c.reason, back(""))
						return
					}
					require.Equal(t, c.edge, w.pair("Holiday shoppers").RollbackUntil)
					answer = w.ask(workflows.UpdateRollback, back(old))
				})
				w.at(c.edge.Add(time.Hour), func() {
					want := "disabled enabled"
					if offset < 0 {
						require.True(t, answer.done)
						require.NoError(t, answer.err)
						want = "enabled disabled"
					}
					require.Equal(t, want, w.sides("Holiday shoppers"))
					w.CancelWorkflow()
				})
				_, err := w.run()
				require.Error(t, err)
			})
		}
	}
}

// twoAccounts gives the last dataflow an account of its own.
func twoAccounts(_ *workflows.Input, s *emulator.Scenario) {
	sb := &s.Organizations[0].Sandboxes[0]
	sb.Accounts = append(sb.Accounts, emulator.Account{Name: "Second"})
	sb.Dataflows[2].Account = "Second"
}

// A rollback that begins before the shutdown and cannot write until after it is not carried out any more.
func TestRollbackThatComesTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Rollback.Within = 0 })
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(shutdown.Add(-time.Minute), func() {
		_, err := w.emu.AddFault(emulator.Fault{Route: "GET /flows/{id}", Effect: emulator.EffectStatus, Status: 503, Times: 8})
		require.NoError(t, err)
		answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Holiday shoppers").ID))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.True(t, answer.done)
	require.ErrorContains(t, answer.err, "the old API is closed since")
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
}

func TestNothingToRollBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		w.refused(workflows.UpdateRollback, "nothing was switched yet, so there is nothing to roll back", back(""))
		signedIn(w)
	})
	_, err := w.run()
	require.NoError(t, err)
}

// onRollback calls f as an attempt to roll a pair back begins.
func onRollback(f func()) func(*activity.Info, context.Context, converter.EncodedValues) {
	return func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == "RollBackPair" {
			f()
		}
	}
}

// Beyond the point of no return a cancel does not stop half way: everything that was to go back is back, and that is the outcome.
func TestCancelDuringARollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	begun := 0
	w.SetOnActivityStartedListener(onRollback(func() {
		if begun++; begun == 1 {
			w.CancelWorkflow()
		}
	}))
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { answer = w.ask(workflows.UpdateRollback, back("")) })
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	require.Equal(t, 3, begun)
	for _, name := range shoppers {
		require.Equal(t, "enabled disabled", w.sides(name))
	}
	w.requireNoGap()
	require.True(t, answer.done)
	require.NoError(t, answer.err, "whoever asked is told that it is done")
	evidence := w.reports.evidence(t, "pinterest-v5", acme)
	require.Equal(t, migration.RolledBack, evidence.Status.Phase)
}

func TestCancelAfterARollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.ask(workflows.UpdateRollback, back("")) })
	w.at(hours(3), func() { w.CancelWorkflow() })
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	evidence := w.reports.evidence(t, "pinterest-v5", acme)
	require.Equal(t, migration.RolledBack, evidence.Status.Phase)
	require.Equal(t, "rolled back: campaign numbers dropped", evidence.Status.Deeds[len(evidence.Status.Deeds)-1].What)
}

// A rollback does not wait for the end of a cut-over: pairs under way end, no other begins, and what was switched goes back.
func TestRollbackDuringACutOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Width = 1 })
	var answer *reply
	switched := 0
	w.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == "SwitchPair" {
			if switched++; switched == 2 {
				answer = w.ask(workflows.UpdateRollback, back(""))
			}
		}
	})
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() {
		require.True(t, answer.done)
		require.NoError(t, answer.err)
		require.Equal(t, "enabled disabled", w.sides("Holiday shoppers"))
		require.Empty(t, w.wrote("Newsletter readers"), "what was not switched yet does not start")
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}

// One dataflow goes back before any other is switched.
func TestRollbackOfOneDataflowDuringACutOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Width = 1 })
	switched := 0
	w.SetOnActivityStartedListener(onSwitch(func(activities.SwitchInput) {
		if switched++; switched == 2 {
			w.ask(workflows.UpdateRollback, back(w.flow("old", "Holiday shoppers").ID))
		}
	}))
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() {
		require.Equal(t, []string{
			"enable new Loyal customers", "disable old Loyal customers", "enable old Holiday shoppers", "disable new Holiday shoppers",
			"enable new Newsletter readers", "disable old Newsletter readers",
		}, w.wrote("")[2:])
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}

// A switched pair that is held for what somebody did to it since can still be taken back.
func TestRollbackOfAHeldPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.edit("old", "Loyal customers", emulator.Edit{State: "enabled"}) })
	w.at(hours(30), func() {
		require.Equal(t, migration.Held, w.pair("Loyal customers").Progress)
		answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Loyal customers").ID))
	})
	w.at(hours(31), func() {
		require.True(t, answer.done)
		require.NoError(t, answer.err)
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"))
		require.Equal(t, migration.WentBack, w.pair("Loyal customers").Progress)
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
}

// What a vendor refuses ends the rollback with the reason, and the pair stays where it is.
func TestRollbackThatTheVendorRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() {
		_, err := w.emu.AddFault(emulator.Fault{Route: "POST /flows/{id}/action", Effect: emulator.EffectStatus, Status: 403, Times: 1})
		require.NoError(t, err)
		answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Loyal customers").ID))
	})
	w.at(hours(3), func() {
		require.True(t, answer.done)
		require.ErrorContains(t, answer.err, "not rolled back")
		require.Equal(t, "disabled enabled", w.sides("Loyal customers"))
		answer = w.ask(workflows.UpdateRollback, back(w.flow("old", "Loyal customers").ID))
	})
	w.at(hours(4), func() {
		require.NoError(t, answer.err)
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"))
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
}

// Whoever paused an organization can still have it taken back, and the pause stays.
func TestRollbackInAPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, watched)
	var answer *reply
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.update(workflows.UpdatePause, workflows.Pause{By: "first operator", Reason: "freeze"}) })
	w.at(hours(3), func() { answer = w.ask(workflows.UpdateRollback, back("")) })
	w.at(hours(4), func() {
		require.True(t, answer.done)
		require.NoError(t, answer.err)
		for _, name := range shoppers {
			require.Equal(t, "enabled disabled", w.sides(name))
		}
		require.Contains(t, w.status().Waits[0].What, "paused by first operator: freeze")
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}

// A sign-in that ended while everything was back on the old card is needed again before it is tried again.
func TestResumeLongAfterARollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, dailyWatch)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.ask(workflows.UpdateRollback, back("")) })
	w.at(days(40), func() { w.update(workflows.UpdateResume, workflows.Resume{By: "operator"}) })
	w.at(days(41), func() {
		require.Len(t, w.wrote(""), 12)
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		require.Contains(t, w.notices.text(migration.NoticeStart), "it is needed again")
		signedIn(w)
	})
	w.at(days(42), func() {
		w.requireSwitched()
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
}

// The way back is looked at before the way forward.
func TestNoWayBack(t *testing.T) {
	t.Parallel()
	for _, policy := range []migration.Policy{migration.Ask, migration.Ignore} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Rollback.NoWayBack = policy })
			w.at(hours(1), func() {
				require.NoError(t, w.emu.Expire(acme, "prod", w.flow("old", "Holiday shoppers").Account))
				signedIn(w)
			})
			if policy == migration.Ask {
				w.at(hours(2), func() {
					require.Equal(t, migration.NeedsAttention, w.status().Phase)
					require.Contains(t, w.status().Waits[0].What, "no way back: the sign-in of account")
					w.requireUntouched()
					for _, name := range shoppers {
						w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", name).ID, Answer: migration.AnswerAccept})
					}
				})
			}
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			drift := w.reports.evidence(t, "pinterest-v5", acme).Plan.Pairs[0].Drift
			require.Len(t, drift, 1)
			require.Equal(t, migration.NoWayBack, drift[0].Kind)
		})
	}
}
