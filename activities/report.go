package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/migration"
)

// QueryEvidence is the query by which a report asks its workflow for everything it knows, so that the history does not hold it twice.
const QueryEvidence = "evidence"

// Evidence is the file about one organization that outlives Temporal's retention. Fields are only ever added.
type Evidence struct {
	Status  migration.Status `json:"status"`
	Plan    *migration.Plan  `json:"plan,omitempty"`
	Base    string           `json:"base,omitempty"` // where the snapshot of the first look is kept
	Written time.Time        `json:"written"`
}

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

// Report writes the evidence and returns where it is. Writing it again replaces it.
func (a *Activities) Report(ctx context.Context) (string, error) {
	defer keepAlive(ctx)()
	e, err := a.Ask(ctx)
	if err != nil {
		return "", mapError(ctx, "report", err)
	}
	e.Written = a.now()
	location, err := a.put(ctx, e.Status.Playbook, e.Status.Organization, "evidence", e)
	return location, mapError(ctx, "report on "+e.Status.Organization, err)
}

// put keeps a value about an organization as JSON.
func (a *Activities) put(ctx context.Context, playbook, organization, what string, value any) (string, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the %s of %s: %w", what, organization, err)
	}
	return a.Reports.Put(ctx, playbook+"/"+strings.ReplaceAll(organization, "@", "_at_")+"/"+what+".json", append(data, '\n'))
}
