package stack

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"cutover/workflows"
)

// EndWatch is the operator who moves the shutdown of an organization near, so that what is watched until then ends.
func EndWatch(ctx context.Context, c client.Client, workflowID string) error {
	now := time.Now().UTC()
	moved, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: workflows.UpdateReschedule, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{workflows.Reschedule{By: "operator", Reason: "everything is done", ReauthenticateBy: now.Add(time.Second), Shutdown: now.Add(2 * time.Second)}},
	})
	if err == nil {
		err = moved.Get(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("move the shutdown: %w", err)
	}
	return nil
}
