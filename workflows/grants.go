package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"cutover/internal/migration"
)

// grantsPoll is how often grants are looked at. They last for weeks and are renewed days ahead.
const grantsPoll = migration.Duration(time.Hour)

// KeepGrants renews the grants that are held, as long as there are workers. One activity does it for ever: its retries write no history, and the Web UI
// shows its last answer, which says how the grants stand.
func KeepGrants(ctx workflow.Context) error {
	return workflow.ExecuteActivity(waiting(ctx, "renew grants ahead of their end", grantsPoll), do.RenewGrants).Get(ctx, nil)
}
