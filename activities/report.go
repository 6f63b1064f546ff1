package activities

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/activity"

	"cutover/internal/migration"
	"cutover/internal/report"
)

// QueryEvidence is the query by which a report asks its workflow for everything it knows, so that the history does not hold it twice.
const QueryEvidence = "evidence"

// Evidence is what that query answers.
type Evidence = report.Evidence

// AskWorkflow asks the workflow that the activity works for.
func AskWorkflow(ctx context.Context) (Evidence, error) {
	var e Evidence
	workflow := activity.GetInfo(ctx).WorkflowExecution
	value, err := activity.GetClient(ctx).QueryWorkflow(ctx, workflow.ID, workflow.RunID, QueryEvidence)
	if err != nil {
		return e, fmt.Errorf("ask workflow %s for its evidence: %w", workflow.ID, err)
	}
	if err := value.Get(&e); err != nil {
		return e, fmt.Errorf("read the evidence of workflow %s: %w", workflow.ID, err)
	}
	return e, nil
}

// Report writes the evidence, as JSON for programs and beside it as a page for people, and returns where the JSON is. Writing it again replaces it.
func (a *Activities) Report(ctx context.Context) (string, error) {
	defer keepAlive(ctx)()
	e, err := a.Ask(ctx)
	if err != nil {
		return "", mapError(ctx, "report", err)
	}
	e.Written = a.now()
	base, err := a.base(ctx, e.Status.Playbook, e.Status.Organization)
	if err != nil {
		return "", mapError(ctx, "report", err)
	}
	e.Missed = migration.WithAudiences(e.Missed, base)
	location, err := a.write(ctx, e)
	return location, mapError(ctx, "report on "+e.Status.Organization, err)
}

func (a *Activities) write(ctx context.Context, e Evidence) (string, error) {
	page, err := e.HTML()
	if err != nil {
		return "", err
	}
	if _, err := a.Reports.Put(ctx, fileName(e.Status.Playbook, e.Status.Organization, "evidence.html"), page); err != nil {
		return "", err
	}
	data, err := e.JSON()
	if err != nil {
		return "", err
	}
	return a.Reports.Put(ctx, fileName(e.Status.Playbook, e.Status.Organization, "evidence.json"), data)
}
