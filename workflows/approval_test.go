package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

func (w *world) approve(by string) {
	w.t.Helper()
	w.update(workflows.UpdateApprove, workflows.Approve{By: by, Plan: w.status().PlanHash})
}

// Nothing changes before the plan is approved, and an approval of a plan that no longer holds is refused with what changed.
func TestApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	w.at(hours(1), func() {
		w.refused(workflows.UpdateApprove, "there is no plan to approve yet", workflows.Approve{By: "operator", Plan: "x"})
		signedIn(w)
	})
	var stale string
	w.at(hours(2), func() {
		status := w.status()
		stale = status.PlanHash
		require.Equal(t, migration.AwaitingApproval, status.Phase)
		require.Equal(t, "starter approve --by NAME --plan "+stale+" --org "+acme, status.Waits[0].Command)
		require.Contains(t, w.notices.text(migration.NoticeAttention), stale)
		w.requireUntouched()
		w.refused(workflows.UpdateApprove, "the plan is now "+stale+", not beef: no plan of this organization had that hash lately", workflows.Approve{By: "operator", Plan: "beef"})
		w.refused(workflows.UpdateApprove, "by is missing", workflows.Approve{Plan: stale})
		w.add("old", "Loyal customers", "new-year") // between looking at the plan and approving it
		w.approve("operator")
	})
	w.at(hours(3), func() {
		w.requireUntouched()
		status := w.status()
		require.NotEqual(t, stale, status.PlanHash)
		require.Equal(t, migration.AwaitingApproval, status.Phase, "an approval of another plan does not hold")
		require.Equal(t, "start attention attention", w.notices.kinds(), "the operator is told that it does not")
		w.refused(workflows.UpdateApprove, `dataflow "Loyal customers" (`+w.flow("old", "Loyal customers").ID+`) changed, now: switch, add audience "new-year" (new-year)`,
			workflows.Approve{By: "operator", Plan: stale})
		w.approve("operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	w.requireSwitched()
	consents := w.reports.evidence(t, "pinterest-v5", acme).Status.Consents
	require.Len(t, consents, 2)
	require.Equal(t, "operator", consents[1].By)
	require.Equal(t, hours(3), consents[1].At)
	require.NotEqual(t, stale, consents[1].Plan)
}

func twoPersons(in *workflows.Input, _ *emulator.Scenario) {
	in.Playbook.Approval = migration.TwoPersons
}

// It takes two people, and a name in other letters is not a second one.
func TestTwoPersonsApprove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, twoPersons)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() {
		require.Contains(t, w.status().Waits[0].What, "by 2 different people (so far: nobody)")
		w.approve("first operator")
	})
	w.at(hours(3), func() {
		w.requireUntouched()
		status := w.status()
		require.Equal(t, migration.AwaitingApproval, status.Phase)
		require.Contains(t, status.Waits[0].What, "so far: first operator")
		require.Equal(t, "start attention attention", w.notices.kinds(), "the second person is told")
		for _, same := range []string{"first operator", "First Operator", " first operator "} {
			w.refused(workflows.UpdateApprove, "approved the plan "+status.PlanHash+" already; it takes 2 different people", workflows.Approve{By: same, Plan: status.PlanHash})
		}
	})
	w.at(hours(4), func() {
		w.requireUntouched()
		w.approve("second operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	status := w.reports.evidence(t, "pinterest-v5", acme).Status
	var by []string
	for _, c := range status.Consents {
		by = append(by, c.By)
		require.Equal(t, status.Consents[0].Plan, c.Plan)
		require.Len(t, c.Pairs, 3)
	}
	require.Equal(t, []string{"first operator", "second operator"}, by)
}

// The first person's word does not hold for what changed before the second one's.
func TestTwoPersonsApproveTheSamePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, twoPersons)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.approve("first operator") })
	w.at(hours(3), func() {
		w.add("old", "Loyal customers", "new-year")
		w.approve("second operator")
	})
	w.at(hours(4), func() {
		w.requireUntouched()
		require.Equal(t, migration.AwaitingApproval, w.status().Phase)
		w.approve("second operator")
	})
	w.at(hours(5), func() {
		w.requireUntouched()
		w.approve("first operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// An approval holds pair by pair: what stays as it was planned needs no second one, however many plans are made meanwhile.
func TestApprovalIsKeptPerPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved, twoAccounts)
	w.at(hours(1), func() {
		w.reconnect(w.flow("new", "Holiday shoppers").Account)
		w.claim(w.flow("new", "Holiday shoppers").Account)
	})
	w.at(hours(2), func() { w.approve("operator") })
	w.at(hours(3), func() {
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		require.Equal(t, "disabled enabled", w.sides("Loyal customers"))
		w.refused(workflows.UpdateApprove, "waits for an approval", workflows.Approve{By: "operator", Plan: w.status().PlanHash})
		w.reconnect(w.flow("new", "Newsletter readers").Account)
		w.claim(w.flow("new", "Newsletter readers").Account)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, "start attention", w.notices.kinds(), "asked once")
}

// A pair that changed is asked about again; those that were approved and switched are not touched by that.
func TestChangedPairIsApprovedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved, twoAccounts)
	w.at(hours(1), func() {
		w.reconnect(w.flow("new", "Holiday shoppers").Account)
		w.claim(w.flow("new", "Holiday shoppers").Account)
	})
	w.at(hours(2), func() { w.approve("operator") })
	w.at(hours(3), func() {
		w.add("old", "Newsletter readers", "new-year")
		w.reconnect(w.flow("new", "Newsletter readers").Account)
		w.claim(w.flow("new", "Newsletter readers").Account)
	})
	w.at(hours(4), func() {
		require.Equal(t, migration.AwaitingApproval, w.status().Phase)
		require.Empty(t, w.wrote("Newsletter readers"))
		w.approve("operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Len(t, w.wrote(""), 7)
}

func TestCancelBetweenTwoApprovals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, twoPersons)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(2), func() { w.approve("first operator") })
	w.at(hours(3), func() { w.CancelWorkflow() })
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	w.requireUntouched()
	require.Len(t, w.reports.evidence(t, "pinterest-v5", acme).Status.Consents, 1)
}
