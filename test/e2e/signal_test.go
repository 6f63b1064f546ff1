package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/test/e2e/world"
	"cutover/workflows"
)

// The signal is sent with Temporal's own command, as plain JSON, while no worker runs.
func TestSignalWaitsForWorker(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}})
	w.Type(t, "start", "--all")
	account := w.Waits(t, acme, 1)[0]
	require.NoError(t, w.Worker.Stop())
	w.SignIn(t, acme, account)
	w.CLI(t, "workflow", "signal", "--workflow-id", w.WorkflowID(acme), "--name", workflows.SignalReauthCompleted,
		"--input", fmt.Sprintf(`{"account": %q, "by": "marketing"}`, account))
	w.StartWorker(t, "late")
	w.Migrated(t, acme)
	w.SwitchedOnce(t, acme)
	require.Equal(t, []string{"marketing re-authenticated account " + account}, deeds(w.Status(t, acme)))
}
