package e2e

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
)

// inBetween is how long a pair stays in mid-switch: enough to act in, also on a busy machine.
const inBetween = 6 * time.Second

// A migration is given up while the first of two pairs has both of its sides on.
func TestCancelInMidSwitch(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}})
	_, err := w.Vendor.AddFault(t.Context(), slowSecondWrite(acme))
	require.NoError(t, err)
	w.Type(t, "start", "--all")
	signIn(t, w, acme)
	midSwitch(t, w, acme)
	require.NoError(t, w.Client.CancelWorkflow(t.Context(), w.WorkflowID(acme), ""))
	stillMidSwitch(t, w, acme)

	_, err = w.Result(t, acme)
	var cancelled *temporal.CanceledError
	require.ErrorAs(t, err, &cancelled)
	described, err := w.Client.DescribeWorkflowExecution(t.Context(), w.WorkflowID(acme), "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, described.GetWorkflowExecutionInfo().GetStatus())

	writes, err := w.Writes(t.Context(), acme)
	require.NoError(t, err)
	require.Len(t, writes, 2, "the pair under way ends on the new side, and the other one is left alone")
	require.Equal(t, "disable", writes[1].Op)
	require.Equal(t, writes[0].Origin, writes[1].ID)
	require.True(t, writes[0].Applied && writes[1].Applied)

	data, err := os.ReadFile(w.Report(acme))
	require.NoError(t, err)
	var evidence activities.Evidence
	require.NoError(t, json.Unmarshal(data, &evidence))
	require.Equal(t, migration.Cancelled, evidence.Status.Phase)
	progress := map[migration.Progress]int{}
	for _, pair := range evidence.Status.Pairs {
		progress[pair.Progress]++
	}
	require.Equal(t, map[migration.Progress]int{migration.Switched: 1, migration.Ready: 1}, progress)
}
