package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// A run that continues as new takes along every decision, claim and date: nothing is told twice, asked twice or forgotten.
func TestContinueAsNewLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		sb := &s.Organizations[0].Sandboxes[0]
		sb.Accounts = append(sb.Accounts, emulator.Account{Name: "Second"})
		sb.Dataflows[2].Account = "Second"
	})
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
	w.ExecuteWorkflow(workflows.MigrateOrganizationName, w.in)
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	require.Equal(t, workflows.MigrateOrganizationName, again.WorkflowType.Name)
	var in workflows.Input
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	require.NotNil(t, in.State)
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
