// Package workflows sequences a migration: which activity when, what is waited for, and what operators see and may say meanwhile. What is
// decided, and why, is in internal/migration.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register registers every workflow under its frozen name: with the worker, the tests and the replayer alike.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(MigrateOrganization, workflow.RegisterOptions{Name: MigrateOrganizationName})
	r.RegisterWorkflowWithOptions(KeepGrants, workflow.RegisterOptions{Name: KeepGrantsName})
	r.RegisterWorkflowWithOptions(PlanOrganization, workflow.RegisterOptions{Name: PlanOrganizationName})
}
