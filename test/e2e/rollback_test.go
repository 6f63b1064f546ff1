package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/workflows"
)

// The worker is killed while a pair that goes back has both of its sides on, and the operator waits for the answer all the while. A customer's word
// that comes meanwhile is not lost.
func TestKillInMidRollback(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}, Rules: watchEverySecond})
	w.Type(t, "start", "--all")
	signIn(t, w, acme)
	account := watched(t, w, acme).Accounts[0].ID
	w.SwitchedOnce(t, acme)
	_, err := w.Vendor.AddFault(t.Context(), slowSecondWrite(acme))
	require.NoError(t, err)

	asked, err := w.Client.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: w.WorkflowID(acme), UpdateName: workflows.UpdateRollback, WaitForStage: client.WorkflowUpdateStageAccepted,
		Args: []any{workflows.Rollback{By: "operator", Reason: "the campaign is over"}},
	})
	require.NoError(t, err)
	switched := 2 * len(acme.Dataflows) // writes
	world.Await(t, "the first old dataflow to be on again", func(ctx context.Context) ([]emulator.Entry, error) { return w.Writes(ctx, acme) },
		func(writes []emulator.Entry) bool { return len(writes) == switched+1 })
	require.NoError(t, w.Worker.Kill())
	claim(t, w, acme, account, "marketing")
	require.NoError(t, w.Worker.Start(t.Context()))

	var answer migration.Status
	require.NoError(t, asked.Get(t.Context(), &answer), "the operator is answered by the worker that came after")
	for _, pair := range answer.Pairs {
		require.Equal(t, migration.WentBack, pair.Progress, pair.Name)
	}
	w.Until(t, acme, "remembers what the customer said", func(s migration.Status) bool {
		return len(s.Deeds) == 3 && s.Deeds[2].By == "marketing"
	})
	writes, err := w.Writes(t.Context(), acme)
	require.NoError(t, err)
	require.Len(t, applied(writes), 2*switched, "each side was moved back once")
	states(t, w, acme, map[string]string{"old": "enabled", "new": "disabled"})
}
