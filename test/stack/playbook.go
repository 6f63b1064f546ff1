package stack

import (
	"fmt"
	"time"

	"cutover/internal/migration"
	"cutover/playbooks"
)

// Playbook is the real one for Pinterest, open today.
func Playbook() (migration.Playbook, error) {
	data, err := playbooks.FS.ReadFile("pinterest-v5.yaml")
	if err != nil {
		return migration.Playbook{}, fmt.Errorf("read the playbook: %w", err)
	}
	p, err := migration.ParsePlaybook("pinterest-v5.yaml", data, time.Now())
	now := time.Now().UTC().Truncate(time.Second)
	p.Timeline = migration.Timeline{Available: now.Add(-time.Minute), ReauthenticateBy: now.AddDate(0, 0, 29), Shutdown: now.AddDate(0, 0, 63)}
	return p, err
}

// PlainWork leaves of a playbook the work that the bars of the design were set for: all pairs switched at once, verified by a flow run that succeeded, and
// over when that is done.
func PlainWork(p migration.Playbook) migration.Playbook {
	p.CutOver.Canary, p.Watch = false, migration.Watch{}
	p.Verification = migration.Verification{Within: p.Verification.Within, Poll: p.Verification.Poll}
	return p
}
