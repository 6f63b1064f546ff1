package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// hourly lets the first run of a copy come with the next hour, and changes the copy of the canary, which is the first dataflow.
func hourly(change func(*emulator.Copy)) func(*workflows.Input, *emulator.Scenario) {
	return func(_ *workflows.Input, s *emulator.Scenario) {
		s.Settings.ImmediateRuns = false
		if change != nil {
			copied := &emulator.Copy{}
			change(copied)
			s.Organizations[0].Sandboxes[0].Dataflows[0].Copy = copied
		}
	}
}

func (w *world) requireOthersWait() {
	w.t.Helper()
	for _, name := range []string{"Loyal customers", "Newsletter readers"} {
		require.Equal(w.t, "enabled disabled", w.sides(name), name)
		require.Empty(w.t, w.wrote(name))
	}
}

// runs changes how the flow runs of a copy end.
func (w *world) runs(name, how string) {
	w.edit("new", name, emulator.Edit{Runs: &how})
}

func TestOthersWaitForTheCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil))
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(1).Add(59*time.Minute), func() {
		require.Equal(t, migration.Verifying, w.status().Phase)
		require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"))
		w.requireOthersWait()
		wait := w.status().Waits[0]
		require.Equal(t, []string{migration.OnVendor, "Adobe"}, []string{wait.On, wait.Who})
		require.Contains(t, wait.What, `first flow run of "Holiday shoppers"`)
		require.Equal(t, hours(7), wait.By)
	})
	w.at(hours(2).Add(11*time.Minute), func() {
		require.Equal(t, migration.Verified, w.pair("Holiday shoppers").Progress)
		require.EqualValues(t, 1000, w.pair("Holiday shoppers").Verdict.Expected)
		w.requireSwitched()
		require.Contains(t, w.details(), "delivered 1000 identities, the old dataflow about 1000 in as many")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, "start", w.notices.kinds())
}

func TestWithoutCanaryEverythingGoesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil), func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Canary = false })
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(1).Add(time.Minute), func() {
		w.requireSwitched()
		require.Equal(t, migration.Verifying, w.status().Phase)
	})
	_, err := w.run()
	require.NoError(t, err)
}

// A canary that fails goes back by itself, in the reverse order; the others never leave the old card, and a person has it tried again.
func TestCanaryThatFailsIsRolledBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*emulator.Copy)
		reason string
	}{
		"failed runs": {func(c *emulator.Copy) { c.Runs = emulator.RunsFail }, "the flow run failed: ACTIVATION_STREAM-0000-FAILED the destination did not accept the data"},
		"failed identities": {func(c *emulator.Copy) {
			half := 50
			c.Runs, c.Failed = emulator.RunsPartial, &half
		}, "500 of 1000 identities failed (50%); with the old dataflow it was 0%"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, hourly(c.change))
			w.at(hours(1), func() { signedIn(w) })
			w.at(hours(3), func() {
				status, pair := w.status(), w.pair("Holiday shoppers")
				require.Equal(t, migration.NeedsAttention, status.Phase)
				require.Equal(t, migration.WentBack, pair.Progress)
				require.Equal(t, []string{"enable new", "disable old", "enable old", "disable new"}, bare(w.wrote("Holiday shoppers"), "Holiday shoppers"))
				require.Equal(t, "enabled disabled", w.sides("Holiday shoppers"))
				w.requireOthersWait()
				wait := status.Waits[0]
				require.Equal(t, migration.OnOperator, wait.On)
				require.Contains(t, wait.What, `"Holiday shoppers" (`+pair.Old+`): rolled back by cutover: `+c.reason)
				require.Equal(t, "starter resume --by NAME --org "+acme, wait.Command)
				require.Contains(t, w.notices.text(migration.NoticeAttention), c.reason)
				require.Contains(t, w.details(), "**rolled back**")
				require.Len(t, pair.Toggled, 4)
				require.Contains(t, pair.Toggled[2].Note, "rolled back by cutover")
				w.runs("Holiday shoppers", emulator.RunsByRule)
				w.update(workflows.UpdateResume, workflows.Resume{By: "operator", Note: "the vendor mended it"})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
			w.requireNoGap()
			require.Equal(t, "start attention", w.notices.kinds())
		})
	}
}

// bare is a list of writes without the dataflow's name.
func bare(wrote []string, name string) []string {
	list := make([]string, len(wrote))
	for i, words := range wrote {
		list[i] = words[:len(words)-len(name)-1]
	}
	return list
}

// A pair after the canary that fails goes back alone.
func TestLaterPairThatFailsIsRolledBackAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil), func(_ *workflows.Input, s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Dataflows[1].Copy = &emulator.Copy{Runs: emulator.RunsFail}
	})
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(5), func() {
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"))
		require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"))
		require.Equal(t, migration.Verified, w.pair("Newsletter readers").Progress)
		w.runs("Loyal customers", emulator.RunsByRule)
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// Where the playbook rolls nothing back by itself, a failure holds, and the person chooses.
func TestFailureWithoutRollback(t *testing.T) {
	t.Parallel()
	for _, choice := range []string{workflows.UpdateSettle, workflows.UpdateRollback, "recovers"} {
		t.Run(choice, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, hourly(func(c *emulator.Copy) { c.Runs = emulator.RunsFail }), func(in *workflows.Input, _ *emulator.Scenario) {
				in.Playbook.Rollback.OnFailure = false
			})
			w.at(hours(1), func() { signedIn(w) })
			w.at(hours(10), func() {
				status, old := w.status(), w.flow("old", "Holiday shoppers").ID
				require.Equal(t, migration.NeedsAttention, status.Phase)
				require.Contains(t, status.Waits[0].What, "the flow run failed")
				require.Equal(t, "starter rollback --by NAME --reason WHY --old "+old+" --org "+acme, status.Waits[0].Command)
				w.requireOthersWait()
				switch choice {
				case workflows.UpdateSettle:
					w.update(choice, workflows.Settle{By: "operator", Old: old, Answer: migration.AnswerAccept})
				case workflows.UpdateRollback:
					w.update(choice, workflows.Rollback{By: "operator", Reason: "it fails", Old: old})
				default:
					w.runs("Holiday shoppers", emulator.RunsByRule)
				}
			})
			if choice == workflows.UpdateRollback {
				w.at(hours(11), func() {
					require.Equal(t, "enabled disabled", w.sides("Holiday shoppers"))
					w.runs("Holiday shoppers", emulator.RunsByRule)
					w.update(workflows.UpdateResume, workflows.Resume{By: "operator", Old: w.flow("old", "Holiday shoppers").ID})
				})
			}
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
			w.requireNoGap()
		})
	}
}

// What says nothing either way holds the others, and says what it waits for; a person's word or a later run releases it.
func TestInconclusiveCanaryHolds(t *testing.T) {
	t.Parallel()
	few, fewer := 100, 5
	for name, c := range map[string]struct {
		change func(*emulator.Copy)
		reason string
	}{
		"no run":      {func(c *emulator.Copy) { c.Runs = emulator.RunsNone }, "no finished flow run yet within 6h of its switch"},
		"unfinished":  {func(c *emulator.Copy) { c.Runs = emulator.RunsStall }, "no finished flow run yet within 6h of its switch"},
		"empty":       {func(c *emulator.Copy) { c.Runs = emulator.RunsEmpty }, "0 of at least 100 identities so far: too few to tell"},
		"few counted": {func(c *emulator.Copy) { c.Profiles = &few }, "600 identities delivered in 6 runs; the old dataflow delivered about 6000 in as many"},
		"few at all":  {func(c *emulator.Copy) { c.Profiles = &fewer }, "30 of at least 100 identities so far: too few to tell"},
	} {
		for _, released := range []string{"by a person", "by a later run"} {
			t.Run(name+", released "+released, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, nov20, hourly(c.change))
				w.at(hours(1), func() { signedIn(w) })
				w.at(hours(6).Add(30*time.Minute), func() { require.Equal(t, migration.Verifying, w.status().Phase) })
				w.at(hours(7).Add(30*time.Minute), func() {
					status, old := w.status(), w.flow("old", "Holiday shoppers").ID
					require.Equal(t, migration.NeedsAttention, status.Phase)
					require.Contains(t, status.Waits[0].What, c.reason)
					require.Equal(t, "starter settle --by NAME --old "+old+" --answer accept --org "+acme, status.Waits[0].Command)
					require.Contains(t, w.notices.text(migration.NoticeAttention), c.reason)
					require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"), "it is not taken for a failure")
					w.requireOthersWait()
					w.refused(workflows.UpdateSettle, "only accept applies", workflows.Settle{By: "operator", Old: old, Answer: migration.AnswerCarry})
					if released == "by a person" {
						w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: old, Answer: migration.AnswerAccept})
						return
					}
					many, byRule := 1000, emulator.RunsByRule
					w.edit("new", "Holiday shoppers", emulator.Edit{Runs: &byRule, Profiles: &many})
				})
				result, err := w.run()
				require.NoError(t, err)
				require.Equal(t, 3, result.Switched)
				w.requireSwitched()
				require.Equal(t, "start attention", w.notices.kinds())
				if released == "by a person" {
					require.Contains(t, w.reports.evidence(t, "pinterest-v5", acme).Status.Pairs[0].Note, "accepted by operator")
				}
			})
		}
	}
}

// An audience that is small on the old card too is judged by its own measure: the copy passes once it delivered as much as the old dataflow in a day.
func TestSmallAudienceIsJudgedByItsOwnMeasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil), func(_ *workflows.Input, s *emulator.Scenario) {
		three := 3
		s.Organizations[0].Sandboxes[0].Dataflows[0].Profiles = &three
	})
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(20), func() {
		require.Contains(t, w.status().Waits[0].What, "18 of at least 72 identities so far: too few to tell", "as it was within the bound")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.WithinDuration(t, hours(26), w.Now(), 2*time.Hour)
}

// Without a sample in the playbook a run that succeeded is enough.
func TestWithoutASampleARunIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(func(c *emulator.Copy) { c.Runs = emulator.RunsEmpty }), func(in *workflows.Input, _ *emulator.Scenario) {
		in.Playbook.Verification.Sample, in.Playbook.Verification.AtLeast, in.Playbook.Verification.MoreFailed = 0, 0, 0
	})
	w.at(hours(1), func() { signedIn(w) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.WithinDuration(t, hours(3), w.Now(), time.Hour)
}

// A sign-in that looks right and is not shows in the canary's runs: it goes back, the person is told what to do differently, and no operator is needed.
func TestSignInToBlame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		how         emulator.Reconnection
		probe       string
		instruction string
	}{
		"wrong ad account": {
			how: emulator.Reconnection{Advertiser: "1"}, probe: "honest",
			instruction: "the sign-in does not reach the dataflow's ad account: sign in as a user who has access to it",
		},
		"permission left out": {
			how: emulator.Reconnection{MissingScope: true}, probe: "501",
			instruction: "the sign-in lacks a permission: sign in again and accept every permission that is asked for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, hourly(nil), func(_ *workflows.Input, s *emulator.Scenario) { s.Settings.Probe = c.probe })
			w.at(hours(1), func() {
				w.signIn(w.account("prod"), c.how)
				w.claim(w.account("prod"))
			})
			w.at(hours(3), func() {
				status := w.status()
				require.Equal(t, migration.AwaitingReauth, status.Phase)
				require.Equal(t, migration.OnOrganization, status.Waits[0].On)
				require.Equal(t, c.instruction, status.Accounts[0].Note)
				require.Equal(t, "start start", w.notices.kinds())
				require.Contains(t, w.notices.text(migration.NoticeStart), c.instruction)
				require.Contains(t, w.details(), c.instruction)
				require.Equal(t, "enabled disabled", w.sides("Holiday shoppers"))
				w.requireOthersWait()
			})
			w.at(hours(30), func() { // on another day, which is what Adobe shows of a sign-in
				require.Len(t, w.wrote(""), 4, "it is not tried again with the same sign-in")
				w.reconnect(w.account("prod"))
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
			w.requireNoGap()
			for _, deed := range w.reports.evidence(t, "pinterest-v5", acme).Status.Deeds {
				require.Equal(t, "customer", deed.By, "no operator was needed")
			}
		})
	}
}

// One account is to blame: all of its dataflows go back and none of another account, which is not asked for again.
func TestSignInToBlameForSeveralDataflows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil), twoAccounts, func(_ *workflows.Input, s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Dataflows[1].Account = "Second"
	})
	w.at(hours(1), func() {
		w.signInOf("Holiday shoppers")
		w.signIn(w.flow("new", "Loyal customers").Account, emulator.Reconnection{Advertiser: "1"})
		w.claim(w.flow("new", "Loyal customers").Account)
	})
	w.at(hours(5), func() {
		status := w.status()
		require.Equal(t, migration.AwaitingReauth, status.Phase)
		require.Len(t, status.Waits, 1)
		require.Contains(t, status.Waits[0].What, `"Second"`)
		require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"))
		w.requireOthersBack()
		w.signInOf("Loyal customers")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
	w.requireNoGap()
	require.Equal(t, "start start", w.notices.kinds())
}

func (w *world) requireOthersBack() {
	w.t.Helper()
	for _, name := range []string{"Loyal customers", "Newsletter readers"} {
		require.Equal(w.t, "enabled disabled", w.sides(name), name)
		require.Equal(w.t, []string{"enable new", "disable old", "enable old", "disable new"}, bare(w.wrote(name), name))
	}
}

// The same day is enough when the person says so.
func TestRightSignInOnTheSameDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil))
	w.at(hours(1), func() {
		w.signIn(w.account("prod"), emulator.Reconnection{Advertiser: "1"})
		w.claim(w.account("prod"))
	})
	w.at(hours(3), func() { signedIn(w) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.WithinDuration(t, hours(5), w.Now(), 2*time.Hour)
}

// A sign-in that Adobe's own test refuses is told apart before anything is switched.
func TestPermissionLeftOutIsToldBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		w.signIn(w.account("prod"), emulator.Reconnection{MissingScope: true})
		w.claim(w.account("prod"))
	})
	w.at(hours(2), func() {
		w.requireUntouched()
		require.Equal(t, "start refused", w.notices.kinds())
		require.Contains(t, w.notices.text(migration.NoticeRefused), "sign in again to the end and accept every permission that is asked for")
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

func TestCancelWhileRunsAreJudged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		runs  string
		after int
		phase migration.Phase
	}{
		"canary":       {emulator.RunsByRule, 90, migration.Verifying},
		"inconclusive": {emulator.RunsNone, 450, migration.NeedsAttention},
		"rolled back":  {emulator.RunsFail, 180, migration.NeedsAttention},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, hourly(func(copied *emulator.Copy) { copied.Runs = c.runs }))
			w.at(hours(1), func() { signedIn(w) })
			at := nov20.Add(time.Duration(c.after) * time.Minute)
			w.at(at, func() {
				require.Equal(t, c.phase, w.status().Phase)
				w.CancelWorkflow()
			})
			_, err := w.run()
			require.True(t, temporal.IsCanceledError(err), "%v", err)
			w.requireOthersWait()
			want := migration.Cancelled
			if c.runs == emulator.RunsFail {
				want = migration.RolledBack
			}
			require.Equal(t, want, w.reports.evidence(t, "pinterest-v5", acme).Status.Phase)
			require.WithinDuration(t, at, w.Now(), time.Minute)
			require.NotEqual(t, w.flow("old", "Holiday shoppers").State, w.flow("new", "Holiday shoppers").State, fmt.Sprint("exactly one side runs: ", name))
		})
	}
}
