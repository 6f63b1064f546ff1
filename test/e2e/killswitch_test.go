package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"cutover/test/e2e/world"
	"cutover/test/stack"
	"cutover/workflows"
)

// One command of Temporal's own holds everything that would change something at the vendor, and another lets go again.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	for _, server := range servers(t) {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			killSwitch(t, world.Options{Production: server == production})
		})
	}
}

const (
	development = "development"
	production  = "production"
	// envProduction has tests run on the server that an operator runs, too; unset, that is left to `make test-production`.
	envProduction = "CUTOVER_TEST_PRODUCTION"
)

func servers(t *testing.T) []string {
	t.Helper()
	if os.Getenv(envProduction) == "" {
		return []string{development}
	}
	require.NoError(t, stack.Production())
	return []string{development, production}
}

func killSwitch(t *testing.T, o world.Options) {
	t.Helper()
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	o.Organizations = []world.Organization{acme}
	w := world.New(t, o)
	limit(t, w, "0")
	w.Type(t, "start", "--all")
	signIn(t, w, acme)
	world.Await(t, "a switch that is due", func(ctx context.Context) (*workflowpb.PendingActivityInfo, error) { return pendingSwitch(ctx, w, acme) },
		func(pending *workflowpb.PendingActivityInfo) bool { return pending != nil })
	require.Never(t, func() bool {
		writes, err := w.Writes(t.Context(), acme)
		return err != nil || len(writes) > 0
	}, held, 100*time.Millisecond, "nothing is changed while the switch stands")
	pending, err := pendingSwitch(t.Context(), w, acme)
	require.NoError(t, err)
	require.Equal(t, enumspb.PENDING_ACTIVITY_STATE_SCHEDULED, pending.GetState())
	require.EqualValues(t, 1, pending.GetAttempt(), "no attempt was begun")

	limit(t, w, "default")
	w.Migrated(t, acme)
	w.SwitchedOnce(t, acme)
}

// held is how long the switch is watched to hold: a switch that is let through takes a tenth of it.
const held = 3 * time.Second

// limit sets how many writes are begun per second.
func limit(t *testing.T, w *world.World, perSecond string) {
	t.Helper()
	w.CLI(t, "task-queue", "config", "set", "--task-queue", workflows.WritesTaskQueue, "--task-queue-type", "activity",
		"--queue-rps-limit", perSecond, "--queue-rps-limit-reason", "rehearsal")
}

// pendingSwitch is the activity that carries a pair over, or nil while there is none.
func pendingSwitch(ctx context.Context, w *world.World, o world.Organization) (*workflowpb.PendingActivityInfo, error) {
	described, err := w.Client.DescribeWorkflowExecution(ctx, w.WorkflowID(o), "")
	if err != nil {
		return nil, err
	}
	for _, pending := range described.GetPendingActivities() {
		if pending.GetActivityType().GetName() == "SwitchPair" {
			return pending, nil
		}
	}
	return nil, nil
}
