package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/workflows"
)

// The server is asked, as by the Web UI, for organizations by each of the search attributes.
func TestSearchAttributesFindAnOrganization(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	birch := world.Company("Birch", "Spring sale")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme, birch}})
	forbidden, err := w.Vendor.AddFault(t.Context(), emulator.Fault{
		Organization: birch.ID(), Route: "GET /flows", Effect: emulator.EffectStatus, Status: http.StatusForbidden,
	})
	require.NoError(t, err)
	w.Type(t, "start", "--all")
	w.Waits(t, acme, 1)
	w.Until(t, birch, "needs attention", func(s migration.Status) bool { return s.Phase == migration.NeedsAttention })

	waiting := map[string]migration.Phase{acme.ID(): migration.AwaitingReauth}
	stuck := map[string]migration.Phase{birch.ID(): migration.NeedsAttention}
	both := map[string]migration.Phase{acme.ID(): migration.AwaitingReauth, birch.ID(): migration.NeedsAttention}
	found(t, w, `CutoverOrganization="`+acme.ID()+`"`, waiting)
	found(t, w, `CutoverPlaybook="`+w.Playbook.Name+`"`, both)
	found(t, w, `CutoverPhase="AwaitingReauth"`, waiting)
	found(t, w, `CutoverStage="Open"`, both)
	deadline := w.Status(t, acme).DeadlineAt
	found(t, w, `CutoverDeadline<"`+migration.Instant(deadline)+`"`, nil)
	found(t, w, `CutoverDeadline<"`+migration.Instant(deadline.Add(time.Second))+`"`, both)
	found(t, w, `CutoverWaitingOn="`+migration.OnOrganization+`"`, waiting)
	found(t, w, `CutoverWaitingOn="`+migration.OnOperator+`"`, stuck)
	found(t, w, `CutoverOpen=2`, waiting)
	found(t, w, `CutoverErrorType="`+activities.Refused+`"`, stuck)

	require.NoError(t, w.Vendor.RemoveFault(t.Context(), forbidden.ID))
	w.Type(t, "resume", "--org", birch.ID(), "--by", "operator")
	signIn(t, w, birch)
	w.Migrated(t, birch)
	found(t, w, `CutoverPhase="Migrated" AND CutoverOpen=0`, map[string]migration.Phase{birch.ID(): migration.Migrated})
	found(t, w, `CutoverErrorType IS NOT NULL`, nil)
	found(t, w, `CutoverWaitingOn IS NOT NULL`, waiting)
	found(t, w, `CutoverPhase="AwaitingReauth"`, waiting)
}

// found waits until a query finds exactly these organizations, each in its phase.
func found(t *testing.T, w *world.World, query string, want map[string]migration.Phase) {
	t.Helper()
	world.Await(t, query, func(ctx context.Context) (map[string]migration.Phase, error) {
		answer, err := w.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		all := map[string]migration.Phase{}
		for _, execution := range answer.GetExecutions() {
			fields := execution.GetSearchAttributes().GetIndexedFields()
			var organization string
			var phase migration.Phase
			read := converter.GetDefaultDataConverter()
			require.NoError(t, read.FromPayload(fields[workflows.AttributeOrganization.GetName()], &organization))
			require.NoError(t, read.FromPayload(fields[workflows.AttributePhase.GetName()], &phase))
			all[organization] = phase
		}
		return all, err
	}, func(all map[string]migration.Phase) bool {
		if len(all) != len(want) {
			return false
		}
		for organization, phase := range want {
			if all[organization] != phase {
				return false
			}
		}
		return true
	})
}
