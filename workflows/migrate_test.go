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
	evidence := w.reports.data["pinterest-v5/1A2B3C4D5E6F_at_AdobeOrg/evidence.json"]
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

func TestStartedAfterTheShutdown(t *testing.T) {
	t.Parallel()
	start := shutdown.AddDate(0, 2, 0)
	w := newWorld(t, start, func(in *workflows.Input, s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Accounts[0].Authorized = emulator.At(available)
	})
	w.at(start.Add(time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.ShutDown, status.Stage)
		require.Equal(t, shutdown, status.Waits[0].By, "overdue since")
		w.reconnect(w.account("prod"))
		w.claim(w.account("prod"))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
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
			require.NotEmpty(t, w.reports.data["pinterest-v5/1A2B3C4D5E6F_at_AdobeOrg/evidence.json"].Status.Reason)
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
		require.Len(t, w.status().Problems, 7)
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
	w.at(nov20.Add(3*time.Hour), func() {
		require.Equal(t, migration.Verifying.Done(), w.status().Phase.Done())
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
			require.Equal(t, migration.Cancelled, w.reports.data["pinterest-v5/1A2B3C4D5E6F_at_AdobeOrg/evidence.json"].Status.Phase)
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

func TestApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	w.at(nov20.Add(time.Hour), func() {
		w.refused(workflows.UpdateApprove, "there is no plan to approve yet", workflows.Approve{By: "operator", Plan: "x"})
		signedIn(w)
	})
	var stale string
	w.at(nov20.Add(2*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.AwaitingApproval, status.Phase)
		require.Contains(t, status.Waits[0].Command, "approve --by NAME --plan "+status.PlanHash)
		w.requireUntouched()
		w.refused(workflows.UpdateApprove, "the plan is now "+status.PlanHash, workflows.Approve{By: "operator", Plan: "beef"})
		// Somebody edits a dataflow between looking at the plan and approving it.
		stale = status.PlanHash
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("old", "Loyal customers").ID, emulator.Edit{By: "customer", Description: "", Name: "Loyal customers 2"}))
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("new", "Loyal customers").ID, emulator.Edit{By: "customer", Name: "Loyal customers 2"}))
		w.update(workflows.UpdateApprove, workflows.Approve{By: "operator", Plan: stale})
	})
	w.at(nov20.Add(3*time.Hour), func() {
		w.requireUntouched()
		status := w.status()
		require.NotEqual(t, stale, status.PlanHash)
		require.Equal(t, migration.AwaitingApproval, status.Phase, "an approval of another plan does not hold")
		w.update(workflows.UpdateApprove, workflows.Approve{By: "operator", Plan: status.PlanHash})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	w.requireSwitched()
}

func TestDriftIsHeldUntilSettled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	extra := emulator.Audience{Name: "New year", ID: "aud-new-year"}
	w.at(nov20.Add(time.Hour), func() {
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("old", "Loyal customers").ID, emulator.Edit{By: "customer", AddAudiences: []emulator.Audience{extra}}))
		signedIn(w)
	})
	w.at(nov20.Add(2*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "audience missing on the copy")
		require.Equal(t, "disabled", w.flow("new", "Loyal customers").State)
		require.Equal(t, "enabled", w.flow("old", "Loyal customers").State, "a held pair runs on the old card")
		require.Equal(t, "enabled", w.flow("new", "Holiday shoppers").State, "the others go on")
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("new", "Loyal customers").ID, emulator.Edit{By: "customer", AddAudiences: []emulator.Audience{extra}}))
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
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

func TestLeaseThatEndsBeforeTheWorkIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	w.at(nov20.Add(time.Hour), func() { signedIn(w) })
	w.at(nov20.Add(24*time.Hour), func() { require.Equal(t, migration.AwaitingApproval, w.status().Phase) })
	w.at(nov20.Add(31*24*time.Hour), func() {
		status := w.status()
		require.False(t, status.Accounts[0].Verified)
		require.Contains(t, status.Accounts[0].Note, "it is needed again")
		require.Equal(t, "start attention deadline start attention", w.notices.kinds(), "the person is told again")
		w.update(workflows.UpdateApprove, workflows.Approve{By: "operator", Plan: status.PlanHash})
	})
	w.at(nov20.Add(32*24*time.Hour), func() {
		w.requireUntouched()
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	w.requireSwitched()
}

func TestFailedFirstRunHoldsAndRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		s.Settings.ImmediateRuns = false
		s.Organizations[0].Sandboxes[0].Dataflows[0].Copy = &emulator.Copy{Runs: emulator.RunsFail}
	})
	w.at(nov20.Add(time.Hour), func() { signedIn(w) })
	w.at(nov20.Add(10*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "the flow run failed")
		byRule := emulator.RunsByRule
		require.NoError(t, w.emu.EditFlow(acme, "prod", w.flow("new", "Holiday shoppers").ID, emulator.Edit{By: "system", Runs: &byRule}))
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched, "a later run that succeeds settles it")
}

func TestFirstRunOverdueIsInconclusiveAndHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, s *emulator.Scenario) {
		s.Settings.ImmediateRuns = false
		s.Organizations[0].Sandboxes[0].Dataflows[0].Copy = &emulator.Copy{Runs: emulator.RunsStall}
	})
	w.at(nov20.Add(time.Hour), func() { signedIn(w) })
	w.at(nov20.Add(10*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "no finished flow run yet within 3h")
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
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
