package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/playbooks"
	"cutover/workflows"
)

// nov20 is a Monday after the cards came and before any reminder.
var nov20 = time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)

// The playbook's instants: ends of days in Los Angeles.
var (
	available = time.Date(2023, 11, 16, 8, 0, 0, 0, time.UTC)
	reauthBy  = time.Date(2023, 12, 16, 8, 0, 0, 0, time.UTC)
	shutdown  = time.Date(2024, 1, 19, 8, 0, 0, 0, time.UTC)
)

func TestOrganizationThatSignsInOnTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(36*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.AwaitingReauth, status.Phase)
		require.Equal(t, migration.Open, status.Stage)
		require.Len(t, status.Waits, 1)
		require.Equal(t, reauthBy, status.Waits[0].By)
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, workflows.Result{Outcome: migration.Migrated, Switched: 3, Evidence: result.Evidence}, result)
	w.requireSwitched()
	require.Equal(t, "start", w.notices.kinds(), "no reminder after the sign-in, quiet when done")
	require.Len(t, w.writes(), 6, "one enable and one disable per pair")
	evidence := w.reports.evidence(t, "pinterest-v5", acme)
	require.Equal(t, migration.Migrated, evidence.Status.Phase)
	require.Len(t, evidence.Status.Pairs, 3)
}

// The stage, the guarantee and the search attributes turn at the second the playbook says, and the migration completes on either side of it.
func TestEdgesOfTheTimeline(t *testing.T) {
	t.Parallel()
	for name, edge := range map[string]struct {
		at            time.Time
		before, after migration.Stage
	}{
		"re-authenticate by": {reauthBy, migration.Open, migration.AtRisk},
		"shutdown":           {shutdown, migration.AtRisk, migration.ShutDown},
	} {
		for _, offset := range []time.Duration{-time.Second, time.Second} {
			t.Run(name+" "+offset.String(), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, nov20)
				w.at(edge.at.Add(offset), func() {
					want := edge.before
					if offset > 0 {
						want = edge.after
					}
					status := w.status()
					require.Equal(t, want, status.Stage)
					require.Equal(t, want.Guarantee(), status.Guarantee)
					require.Contains(t, w.details(), "| Stage | "+string(want)+": ")
					w.reconnect(w.account("prod"))
					w.claim(w.account("prod"))
				})
				result, err := w.run()
				require.NoError(t, err)
				require.Equal(t, migration.Migrated, result.Outcome)
				w.requireSwitched()
			})
		}
	}
}

func TestWaitsForTheCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, available.Add(-48*time.Hour))
	w.at(available.Add(-time.Second), func() {
		status := w.status()
		require.Equal(t, migration.Scheduled, status.Stage)
		require.Equal(t, migration.Assessing, status.Phase)
		require.Equal(t, "Adobe", status.Waits[0].Who)
		w.refused(workflows.UpdateReauthCompleted, "not available before 2023-11-16T08:00:00Z", workflows.ReauthCompleted{Account: "x", By: "customer"})
		w.requireUntouched()
	})
	w.at(available.Add(time.Hour), func() {
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
}

func TestLadderOfRemindersAndDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	steps := []struct {
		at   time.Time
		want string // notices so far
	}{
		{reauthBy.AddDate(0, 0, -14).Add(-time.Second), "start"},
		{reauthBy.AddDate(0, 0, -14).Add(time.Second), "start reminder"},
		{reauthBy.AddDate(0, 0, -7).Add(-time.Second), "start reminder"},
		{reauthBy.AddDate(0, 0, -7).Add(time.Second), "start reminder reminder"},
		{reauthBy.Add(-time.Second), "start reminder reminder reminder reminder"},
		{reauthBy.Add(time.Second), "start reminder reminder reminder reminder deadline"},
		{shutdown.Add(time.Second), "start reminder reminder reminder reminder deadline reminder reminder reminder reminder deadline"},
		{shutdown.AddDate(0, 0, 7).Add(time.Second), "start reminder reminder reminder reminder deadline reminder reminder reminder reminder deadline reminder"},
	}
	for _, step := range steps {
		w.at(step.at, func() { require.Equal(t, step.want, w.notices.kinds(), "at %s", step.at) })
	}
	w.at(shutdown.AddDate(0, 0, 8), func() {
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome, "late is a stage, not a failure")
	w.requireSwitched()
}

func TestNotAffected(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*emulator.Scenario){
		"no dataflow":       func(s *emulator.Scenario) { s.Organizations[0].Sandboxes[0].Dataflows = nil },
		"set up afterwards": func(s *emulator.Scenario) { afterwards(s, available.Add(time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) { change(s) })
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.NotAffected, result.Outcome)
			require.NotEmpty(t, w.reports.evidence(t, "pinterest-v5", acme).Status.Reason)
			require.Empty(t, w.notices.kinds())
			w.requireUntouched()
		})
	}
}

func afterwards(s *emulator.Scenario, at time.Time) {
	for i := range s.Organizations[0].Sandboxes[0].Dataflows {
		s.Organizations[0].Sandboxes[0].Dataflows[i].Created = emulator.At(at)
		s.Organizations[0].Sandboxes[0].Dataflows[i].Copy = &emulator.Copy{None: true}
	}
}

func TestSignalLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(24*time.Hour), func() { w.reconnect(w.account("prod")) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome, "polling notices")
	require.WithinDuration(t, nov20.Add(24*time.Hour), w.writes()[0].At, 6*time.Hour, "within one poll")
}

func TestSignalFalse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(24*time.Hour), func() { w.claim(w.account("prod")) })
	w.at(nov20.Add(25*time.Hour), func() {
		w.requireUntouched()
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		require.Equal(t, "start refused", w.notices.kinds(), "the person is told")
		require.Contains(t, w.details(), "Adobe's test of the account fails: it is not signed in")
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
}

func TestSignalsThatDoNotApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, available.Add(-time.Hour))
	w.at(available.Add(-30*time.Minute), func() { w.claim("early-bird") }) // before the card exists
	w.at(nov20, func() {
		w.claim("stranger")
		w.SignalWorkflow(workflows.SignalReauthCompleted, "not an object")
		w.SignalWorkflow(workflows.SignalReauthCompleted, map[string]any{"account": 7})
		w.SignalWorkflow(workflows.SignalReauthCompleted, map[string]any{"account": w.account("prod")})
		w.SignalWorkflow(workflows.SignalReauthCompleted, map[string]any{"account": "a", "by": "b", "pasword": "hunter2"})
		w.SignalWorkflow("reauth-complete", map[string]any{"account": w.account("prod"), "by": "customer"})
	})
	w.at(nov20.Add(time.Hour), func() {
		text := w.details()
		require.Contains(t, text, "account early-bird is not one of this organization")
		require.Contains(t, text, "account stranger is not one of this organization")
		require.Contains(t, text, "it is not a JSON object")
		require.Contains(t, text, "by is missing: say who did it")
		require.NotContains(t, text, "hunter2")
		require.Contains(t, text, `a signal "reauth-complete" came, which means nothing here`)
		require.Len(t, w.status().Problems, 5, "what comes again is kept once")
		require.Equal(t, migration.AwaitingReauth, w.status().Phase, "nothing is lost")
		w.requireUntouched()
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
		w.claim(w.account("prod")) // twice does no harm
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	require.Len(t, w.writes(), 6)
}

func TestUpdateTwinAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	var answers []workflows.AccountAnswer
	ask := func() {
		w.UpdateWorkflow(workflows.UpdateReauthCompleted, "", &answer{t: t, into: &answers}, workflows.ReauthCompleted{Account: w.account("prod"), By: "customer"})
	}
	w.at(nov20.Add(time.Hour), ask)
	w.at(nov20.Add(2*time.Hour), func() {
		w.reconnect(w.account("prod"))
		ask()
	})
	_, err := w.run()
	require.NoError(t, err)
	require.Len(t, answers, 2)
	require.False(t, answers[0].Verified)
	require.Equal(t, "Adobe's test of the account fails: it is not signed in", answers[0].Reason)
	require.True(t, answers[1].Verified)
}

func TestSeveralAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		sb := &s.Organizations[0].Sandboxes[0]
		sb.Accounts = append(sb.Accounts, emulator.Account{Name: "Second"})
		sb.Dataflows[2].Account = "Second"
	})
	accounts := func() (ids []string) {
		for _, a := range w.status().Accounts {
			ids = append(ids, a.ID)
		}
		return ids
	}
	w.at(nov20.Add(time.Hour), func() {
		require.Len(t, accounts(), 2)
		first := w.flow("new", "Holiday shoppers").Account
		w.reconnect(first)
		w.claim(first)
	})
	w.at(nov20.Add(2*time.Hour), func() {
		require.Equal(t, "enabled", w.flow("new", "Holiday shoppers").State, "one sign-in releases all dataflows of its account")
		require.Equal(t, "enabled", w.flow("new", "Loyal customers").State)
		require.Equal(t, "disabled", w.flow("new", "Newsletter readers").State, "and no other")
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		w.reconnect(w.flow("new", "Newsletter readers").Account) // noticed by polling
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
}

func TestSeveralSandboxes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, s *emulator.Scenario) {
		in.Organization.Sandboxes = []string{"prod", "emea"}
		s.Organizations[0].Sandboxes = append(s.Organizations[0].Sandboxes, emulator.Sandbox{
			Name:      "emea",
			Dataflows: []emulator.Dataflow{{Name: "Holiday shoppers", Advertiser: "1", Audiences: []emulator.Audience{{Name: "Gift buyers"}}}},
		})
	})
	w.at(nov20.Add(time.Hour), func() {
		for _, sb := range []string{"prod", "emea"} {
			w.reconnect(w.account(sb))
			w.claim(w.account(sb))
		}
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 4, result.Switched)
	w.requireSwitched()
}

func TestAmbiguousPairIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		flows := s.Organizations[0].Sandboxes[0].Dataflows
		flows[1].Name, flows[1].Audiences = flows[0].Name, flows[0].Audiences // two that nothing tells apart
	})
	w.at(nov20.Add(time.Hour), func() {
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	w.at(nov20.Add(2*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Len(t, w.writes(), 2, "the pair that is certain goes on")
		require.Equal(t, "start attention", w.notices.kinds())
		var plan *migration.Plan
		value, err := w.QueryWorkflow(workflows.QueryPlan)
		require.NoError(t, err)
		require.NoError(t, value.Get(&plan))
		require.Len(t, plan.Questions, 2)
		q := plan.Questions[0]
		w.refused(workflows.UpdatePair, "nothing is asked about", workflows.Choose{By: "operator", Old: "other", New: q.Candidates[0]})
		w.refused(workflows.UpdatePair, "cannot be the copy", workflows.Choose{By: "operator", Old: q.Old, New: "other"})
		w.update(workflows.UpdatePair, workflows.Choose{By: "operator", Old: q.Old, New: q.Candidates[0]})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched, "one answer settles the other question too")
	w.requireSwitched()
}

func TestHiddenDataflows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, s *emulator.Scenario) {
		in.Organization.ExpectedDataflows = 3
		s.Organizations[0].Sandboxes[0].Dataflows[2].Labels = []string{"core/C12"}
		s.Organizations[0].Sandboxes[0].Dataflows[2].Copy = &emulator.Copy{Labels: []string{"core/C12"}}
	})
	w.at(nov20.Add(time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "3 dataflows expected, 2 listed")
		w.requireUntouched()
		for _, card := range []string{"old", "new"} {
			require.NoError(t, w.emu.Hide(acme, "prod", w.flow(card, "Newsletter readers").ID, false))
		}
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator", Note: "label given"})
	})
	w.at(nov20.Add(2*time.Hour), func() {
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

func TestHiddenDataflowsAcceptedAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Organization.ExpectedDataflows = 4 })
	w.at(nov20.Add(time.Hour), func() {
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator", AcceptListed: true})
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(time.Hour), func() {
		w.refused(workflows.UpdateResume, "nothing is paused or held", workflows.Resume{By: "operator"})
		w.refused(workflows.UpdatePause, "by is missing", workflows.Pause{Reason: "campaign freeze"})
		w.refused(workflows.UpdatePause, "reason is missing", workflows.Pause{By: "operator"})
		w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "campaign freeze"})
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	w.at(reauthBy.Add(-time.Hour), func() {
		w.requireUntouched()
		status := w.status()
		require.True(t, status.Paused)
		require.True(t, status.Accounts[0].Verified, "looking goes on")
		require.Equal(t, migration.OnOperator, status.Waits[0].On)
		require.Contains(t, status.Waits[0].What, "campaign freeze")
		require.Equal(t, "start", w.notices.kinds(), "nobody is reminded during a pause")
		w.refused(workflows.UpdatePause, "paused already by operator", workflows.Pause{By: "another", Reason: "me too"})
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	w.requireSwitched()
}

func TestReschedule(t *testing.T) {
	t.Parallel()
	later := shutdown.AddDate(0, 1, 0)
	w := newWorld(t, nov20)
	w.at(reauthBy.Add(time.Hour), func() {
		require.Equal(t, migration.AtRisk, w.status().Stage)
		w.refused(workflows.UpdateReschedule, "give reauthenticate_by, shutdown or both", workflows.Reschedule{By: "operator", Reason: "vendor"})
		w.refused(workflows.UpdateReschedule, "must be later than", workflows.Reschedule{By: "operator", Reason: "vendor", ReauthenticateBy: later.AddDate(1, 0, 0)})
		w.update(workflows.UpdateReschedule, workflows.Reschedule{By: "operator", Reason: "the vendor moved it", ReauthenticateBy: reauthBy.AddDate(0, 0, 20), Shutdown: later})
	})
	w.at(reauthBy.Add(2*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.Open, status.Stage, "a moved deadline gives the guarantee back")
		require.Equal(t, reauthBy.AddDate(0, 0, 20), status.DeadlineAt)
		require.Contains(t, w.notices.kinds(), "deadline rescheduled", "a correction goes out")
	})
	w.at(shutdown.Add(time.Hour), func() {
		require.Equal(t, migration.AtRisk, w.status().Stage, "the old shutdown means nothing any more")
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
}

func TestCancelAtEveryWait(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]struct {
		start  time.Time
		change func(*workflows.Input, *emulator.Scenario)
		before func(*world) // brings the organization into the wait
		phase  migration.Phase
	}{
		"for the card":   {start: available.Add(-48 * time.Hour), phase: migration.Assessing},
		"for a sign-in":  {start: nov20, phase: migration.AwaitingReauth},
		"for an answer":  {start: nov20, phase: migration.NeedsAttention, change: renamedCopies, before: signedIn},
		"for approval":   {start: nov20, phase: migration.AwaitingApproval, change: approved, before: signedIn},
		"for a flow run": {start: nov20, phase: migration.Verifying, change: noRuns, before: signedIn},
		"in a pause": {start: nov20, phase: migration.AwaitingReauth, before: func(w *world) {
			w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "freeze"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, wait.start, func(in *workflows.Input, s *emulator.Scenario) {
				if wait.change != nil {
					wait.change(in, s)
				}
			})
			if wait.before != nil {
				w.at(wait.start.Add(time.Hour), func() { wait.before(w) })
			}
			w.at(wait.start.Add(2*time.Hour), func() {
				require.Equal(t, wait.phase, w.status().Phase)
				w.CancelWorkflow()
			})
			_, err := w.run()
			require.True(t, temporal.IsCanceledError(err), "%v", err)
			for _, copied := range w.flows("new") {
				old := w.flow("old", copied.Name)
				require.NotEqual(t, old.State, copied.State, "%s: exactly one side runs", old.Name)
			}
			require.Equal(t, migration.Cancelled, w.reports.evidence(t, "pinterest-v5", acme).Status.Phase)
			require.WithinDuration(t, wait.start.Add(2*time.Hour), w.Now(), time.Minute, "a cancel does not wait")
		})
	}
}

func signedIn(w *world) {
	w.reconnect(w.account("prod"))
	w.claim(w.account("prod"))
}

func renamedCopies(_ *workflows.Input, s *emulator.Scenario) {
	for i := range s.Organizations[0].Sandboxes[0].Dataflows {
		d := &s.Organizations[0].Sandboxes[0].Dataflows[i]
		d.Name = "Same"
		d.Audiences = nil
	}
}

func approved(in *workflows.Input, _ *emulator.Scenario) {
	in.Playbook.Approval = migration.OperatorApproval
}

func noRuns(_ *workflows.Input, s *emulator.Scenario) {
	s.Settings.ImmediateRuns = false
	for i := range s.Organizations[0].Sandboxes[0].Dataflows {
		s.Organizations[0].Sandboxes[0].Dataflows[i].Runs = emulator.RunsNone
	}
}

func TestSwitchedOffStaysOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Dataflows[1].State = "disabled"
	})
	w.at(nov20.Add(time.Hour), func() { signedIn(w) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 2, result.Switched)
	require.Equal(t, 1, result.LeftOff)
	require.Equal(t, "disabled", w.flow("new", "Loyal customers").State, "what the organization had switched off is not switched on")
}

func TestCustomerSwitchedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(time.Hour), func() {
		w.reconnect(w.account("prod"))
		for _, f := range w.flows("new") {
			require.NoError(t, w.emu.EditFlow(acme, "prod", f.ID, emulator.Edit{By: "customer", State: "enabled"}))
		}
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("old", "Loyal customers").ID, emulator.Edit{By: "customer", State: "disabled"}))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
	for _, write := range w.writes() {
		require.Equal(t, "disable", write.Op, "what is done already is not done again")
	}
}

// An operator's word while a notice is being delivered is not missed.
func TestWordDuringANotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Organization.ExpectedDataflows = 4 })
	w.notices.on = func(kind string) {
		if kind == string(migration.NoticeAttention) {
			w.update(workflows.UpdateResume, workflows.Resume{By: "operator", AcceptListed: true})
		}
	}
	w.at(nov20.Add(time.Hour), func() {
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// Signing in between a first look that was held and the second one shows.
func TestSignInBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, available.Add(time.Minute), func(in *workflows.Input, _ *emulator.Scenario) { in.Organization.ExpectedDataflows = 4 })
	w.at(available.Add(time.Hour), func() {
		w.reconnect(w.account("prod"))
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	w.at(available.Add(2*time.Hour), func() {
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator", AcceptListed: true})
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.WithinDuration(t, available.Add(2*time.Hour), w.Now(), time.Hour)
}

// Somebody signed in on the day the copies were made, before the first look: nothing changes any more, and the claim must do.
func TestSignedInBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, available.Add(-time.Minute))
	w.at(available.Add(-time.Second), func() {
		_ = w.emu.Advance(2 * time.Second) // the vendor's clock is a little ahead
		w.reconnect(w.account("prod"))
	})
	w.at(available.Add(time.Hour), func() { w.claim(w.account("prod")) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.WithinDuration(t, available.Add(time.Hour), w.Now(), time.Hour)
}

// A dataflow that Adobe did not copy is asked about; once its copy exists, a resume finds it.
func TestCopyThatCameLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Dataflows[2].Copy = &emulator.Copy{Name: "Readers"}
	})
	w.at(nov20.Add(time.Hour), func() { signedIn(w) })
	w.at(nov20.Add(2*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, `which dataflow is the copy of "Newsletter readers"`)
		require.Contains(t, status.Waits[0].Command, w.flow("new", "Readers").ID+"|none", "a renamed copy is proposed, never assumed")
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("new", "Readers").ID, emulator.Edit{By: "customer", Name: "Newsletter readers"}))
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// Whole calendars, with everything the playbook has: on time, at risk, after the shutdown.
func TestWholeCalendars(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signIn  time.Time
		stage   migration.Stage
		notices string
		ends    time.Time
		missed  int
	}{
		"on time": {days(10), migration.Open, "start", shutdown, 0},
		"at risk": {reauthBy.AddDate(0, 0, 2), migration.AtRisk, "start reminder reminder reminder reminder deadline", shutdown, 0},
		"after the shutdown": {
			shutdown.AddDate(0, 0, 2), migration.ShutDown,
			"start reminder reminder reminder reminder deadline reminder reminder reminder reminder deadline undelivered", shutdown.AddDate(0, 0, 2), 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, available.Add(-48*time.Hour), watched, hourly(nil))
			w.at(c.signIn, func() {
				require.Equal(t, c.stage, w.status().Stage)
				signedIn(w)
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
			require.Equal(t, c.notices, w.notices.kinds())
			require.WithinDuration(t, c.ends, w.Now(), 4*time.Hour)
			evidence := w.reports.evidence(t, "pinterest-v5", acme)
			require.Len(t, evidence.Missed, c.missed)
			require.Len(t, evidence.Status.Notices, len(strings.Fields(c.notices)))
		})
	}
}

// Deadlines that are moved earlier hold from then on: the ladder, the stage, the end.
func TestDeadlinesMovedEarlier(t *testing.T) {
	t.Parallel()
	soon, sooner := days(20), days(11)
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		w.update(workflows.UpdateReschedule, workflows.Reschedule{By: "operator", Reason: "the vendor is early", ReauthenticateBy: sooner, Shutdown: soon})
	})
	w.at(sooner.Add(-time.Second), func() {
		require.Equal(t, migration.Open, w.status().Stage)
		require.Equal(t, "start rescheduled reminder reminder reminder", w.notices.kinds(), "7, 3 and 1 days before")
	})
	w.at(sooner.Add(time.Second), func() {
		require.Equal(t, migration.AtRisk, w.status().Stage)
		require.Contains(t, w.notices.text(migration.NoticeDeadline), "passed a deadline")
	})
	w.at(soon.Add(time.Second), func() {
		require.Equal(t, migration.ShutDown, w.status().Stage)
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	evidence := w.reports.evidence(t, "pinterest-v5", acme)
	require.Equal(t, []time.Time{soon, soon.Add(time.Second)}, []time.Time{evidence.Missed[0].From, evidence.Missed[0].To})
}

// The watch ends with the old API, whenever that is.
func TestShutdownMovedDuringTheWatch(t *testing.T) {
	t.Parallel()
	for name, moved := range map[string]time.Time{"earlier": reauthBy.AddDate(0, 0, 5), "later": shutdown.AddDate(0, 0, 20), "behind now": hours(48)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, watched)
			w.at(hours(1), func() { signedIn(w) })
			w.at(days(4), func() {
				require.Equal(t, migration.Watching, w.status().Phase)
				how := workflows.Reschedule{By: "operator", Reason: "the vendor moved it", Shutdown: moved}
				if moved.Before(reauthBy) {
					how.ReauthenticateBy = hours(24)
				}
				w.update(workflows.UpdateReschedule, how)
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, migration.Migrated, result.Outcome)
			want := moved
			if want.Before(days(4)) {
				want = days(4)
			}
			require.WithinDuration(t, want, w.Now(), time.Minute)
			require.Empty(t, w.reports.evidence(t, "pinterest-v5", acme).Missed)
			require.Len(t, w.writes(), 6)
		})
	}
}

// A shutdown that is moved behind now makes what is held late, and one that is moved ahead again takes that back.
func TestShutdownMovedWhileAPairIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	move := func(reauthenticateBy, shutdown time.Time) {
		w.update(workflows.UpdateReschedule, workflows.Reschedule{By: "operator", Reason: "the vendor moved it", ReauthenticateBy: reauthenticateBy, Shutdown: shutdown})
	}
	w.at(hours(1), func() {
		w.remap("old", "Loyal customers")
		signedIn(w)
	})
	w.at(hours(20), func() {
		require.False(t, w.pair("Loyal customers").Late)
		move(hours(10), hours(19))
	})
	w.at(hours(21), func() {
		require.Equal(t, migration.ShutDown, w.status().Stage)
		require.True(t, w.pair("Loyal customers").Late)
		require.Equal(t, migration.Held, w.pair("Loyal customers").Progress)
		w.refused(workflows.UpdateRollback, "the old API is closed", back(""))
		move(reauthBy, shutdown)
	})
	w.at(hours(22), func() {
		require.Equal(t, migration.Open, w.status().Stage)
		require.False(t, w.pair("Loyal customers").Late)
		w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: migration.AnswerAccept})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
	require.Empty(t, w.reports.evidence(t, "pinterest-v5", acme).Missed)
}

// A cancel or a pause in the middle of a cut-over lets the pair under way end and starts no other.
func TestStopsInTheMiddleOfACutOver(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*world){
		"cancel": func(w *world) { w.CancelWorkflow() },
		"pause":  func(w *world) { w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "freeze"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Width = 1 })
			begun := 0
			w.SetOnActivityStartedListener(onSwitch(func(activities.SwitchInput) {
				if begun++; begun == 2 {
					stop(w)
				}
			}))
			w.at(hours(1), func() { signedIn(w) })
			stopped := func() {
				require.Equal(t, []string{"disabled enabled", "disabled enabled", "enabled disabled"}, []string{w.sides(shoppers[0]), w.sides(shoppers[1]), w.sides(shoppers[2])})
				require.Empty(t, w.wrote(shoppers[2]))
			}
			if name == "cancel" {
				_, err := w.run()
				require.True(t, temporal.IsCanceledError(err))
				stopped()
				return
			}
			w.at(days(3), func() {
				stopped()
				w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
		})
	}
}

// s3 is the world of the second playbook, which no line of Go knows: other cards, nobody signs in, disable-first, an operator approves.
func s3(t *testing.T, start time.Time) func(*workflows.Input, *emulator.Scenario) {
	t.Helper()
	data, err := playbooks.FS.ReadFile("amazon-s3.yaml")
	require.NoError(t, err)
	p, err := migration.ParsePlaybook("amazon-s3.yaml", data, start)
	require.NoError(t, err)
	p.Watch.Poll = migration.Duration(24 * time.Hour)
	return func(in *workflows.Input, s *emulator.Scenario) {
		in.Playbook = p
		reauth := false
		s.Cards = emulator.Cards{
			Reauth: &reauth, Auth: emulator.AuthAccessKey,
			Old: emulator.Card{Name: p.Old.Label(), ID: p.Old.SpecID}, New: emulator.Card{Name: p.New.Label(), ID: p.New.SpecID},
		}
		s.Stages = emulator.Stages{CardsAvailable: emulator.At(p.Timeline.Available), OldAPIClosed: emulator.At(p.Timeline.Shutdown)}
		sb := &s.Organizations[0].Sandboxes[0]
		sb.Accounts = nil
		sb.Dataflows = nil
		for i, name := range shoppers {
			sb.Dataflows = append(sb.Dataflows, emulator.Dataflow{
				Name: name, ID: fmt.Sprintf("00000000-0000-5000-8000-%012d", i+1), Audiences: []emulator.Audience{{Name: name}},
				Created: emulator.At(p.Timeline.Available.AddDate(0, -6, 0)), Params: emulator.Params{"bucketName": "exports", "path": "daily"},
			})
		}
	}
}

func TestSecondPlaybook(t *testing.T) {
	t.Parallel()
	start := time.Date(2023, 6, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, start, s3(t, start))
	w.at(start.Add(time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.AwaitingApproval, status.Phase, "nobody has to sign in")
		require.Equal(t, "shutdown of the old API", status.Deadline)
		w.requireUntouched()
		w.approve("operator")
	})
	w.at(start.Add(2*time.Hour), func() {
		w.requireSwitched()
		require.Equal(t, migration.Watching, w.status().Phase)
		w.edit("old", "Loyal customers", emulator.Edit{State: "enabled"})
	})
	w.at(start.AddDate(0, 0, 2), func() {
		require.Contains(t, w.status().Waits[0].What, "both run")
		w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: migration.AnswerCarry})
	})
	w.at(start.AddDate(0, 0, 3), func() {
		if w.status().Phase == migration.AwaitingApproval {
			w.approve("operator")
		}
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	w.requireSwitched()
	require.Equal(t, []string{"disable old", "enable new"}, bare(w.wrote("Holiday shoppers"), "Holiday shoppers"))
	require.Equal(t, []string{"disable old", "enable new", "disable old"}, bare(w.wrote("Loyal customers"), "Loyal customers"))
	require.NotContains(t, w.notices.kinds(), "start")
	require.WithinDuration(t, time.Date(2023, 7, 27, 7, 0, 0, 0, time.UTC), w.Now(), time.Minute)
	require.Equal(t, migration.Migrated, w.reports.evidence(t, "amazon-s3", acme).Status.Phase)
}

// With disable-first a crash between the two sides is finished, not left off, and a canary that fails goes back.
func TestSecondPlaybookRollsBack(t *testing.T) {
	t.Parallel()
	start := time.Date(2023, 6, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, start, s3(t, start), hourly(func(c *emulator.Copy) { c.Runs = emulator.RunsFail }), func(_ *workflows.Input, s *emulator.Scenario) {
		s.Faults = []emulator.Fault{{Route: "POST /flows/{id}/action", Effect: emulator.EffectCutAfter, Times: 1}}
	})
	w.at(start.Add(time.Hour), func() { w.approve("operator") })
	w.at(start.Add(4*time.Hour), func() {
		require.Equal(t, migration.NeedsAttention, w.status().Phase)
		require.Equal(t, []string{"disable old", "enable new", "disable new", "enable old"}, bare(w.wrote("Holiday shoppers"), "Holiday shoppers"))
		w.requireOthersWait()
		w.runs("Holiday shoppers", emulator.RunsByRule)
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
}

// After the shutdown the old side may refuse, so that the copy is enabled first whatever the playbook's order.
func TestSecondPlaybookAfterTheShutdown(t *testing.T) {
	t.Parallel()
	start := time.Date(2023, 9, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, start, s3(t, start), oldSide(emulator.OldRefused))
	w.at(start.Add(time.Hour), func() {
		require.Equal(t, migration.AwaitingApproval, w.status().Phase)
		w.approve("operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Len(t, w.reports.evidence(t, "amazon-s3", acme).Missed, 3)
	require.Equal(t, []string{"enable new"}, bare(w.wrote("Holiday shoppers"), "Holiday shoppers"))
}
