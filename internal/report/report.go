// Package report puts what is known of one organization into files that outlive Temporal's retention: JSON for programs, a page for people.
package report

import (
	"encoding/json"
	"fmt"
	"time"

	"cutover/internal/migration"
)

// Evidence is everything about one organization. Fields are only ever added.
type Evidence struct {
	Status  migration.Status   `json:"status"`
	Plan    *migration.Plan    `json:"plan,omitempty"`
	Missed  []migration.Missed `json:"missed,omitempty"` // what a late organization did not deliver
	Base    string             `json:"base,omitempty"`   // where the snapshot of the first look is kept
	Title   string             `json:"title,omitempty"`  // the playbook's
	Guide   string             `json:"guide,omitempty"`  // the playbook's link to more about it
	Written time.Time          `json:"written"`
}

// JSON is the evidence for programs, whole.
func (e Evidence) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the evidence of %s: %w", e.Status.Organization, err)
	}
	return append(data, '\n'), nil
}
