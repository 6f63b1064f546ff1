package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cutover/internal/migration"
)

// Evidence is the file about one organization that outlives Temporal's retention. Fields are only ever added.
type Evidence struct {
	Status  migration.Status `json:"status"`
	Plan    *migration.Plan  `json:"plan,omitempty"`
	Written time.Time        `json:"written"`
}

// Report writes the evidence and returns where it is. Writing it again replaces it.
func (a *Activities) Report(ctx context.Context, e Evidence) (string, error) {
	e.Written = a.Now().UTC()
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return "", mapError(ctx, "report", fmt.Errorf("encode evidence of %s: %w", e.Status.Organization, err))
	}
	name := e.Status.Playbook + "/" + strings.ReplaceAll(e.Status.Organization, "@", "_at_") + ".json"
	location, err := a.Reports.Put(ctx, name, append(data, '\n'))
	return location, mapError(ctx, "report on "+e.Status.Organization, err)
}
