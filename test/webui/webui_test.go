package webui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/workflows"
)

// An operator follows a migration in Temporal's Web UI alone: who waits, for what, on whom and until when; and says there that somebody signed in.
func TestOperatorInTheWebUI(t *testing.T) {
	t.Parallel()
	path := chromium(t)
	acme := world.Company("Acme", "Retargeting", "Newsletter", "Lookalikes")
	globex := world.Company("Globex", "Spring sale", "Loyalty")
	initech := world.Company("Initech") // nothing to migrate
	w := world.New(t, world.Options{
		UI: true, Organizations: []world.Organization{acme, globex, initech},
	})
	w.Type(t, "start", "--all")
	w.Waits(t, acme, 1)
	account := w.Waits(t, globex, 1)[0]
	result, err := w.Result(t, initech)
	require.NoError(t, err)
	require.Equal(t, migration.NotAffected, result.Outcome)

	browser := open(t, path)
	browser.fleet(t, w, `CutoverPhase="AwaitingReauth"`)
	browser.list(t, "Workflow ID", w.WorkflowID(acme), w.WorkflowID(globex))
	browser.columns(t, []string{"Run ID", "Type", "Start", "End"}, []string{"CutoverPhase", "CutoverWaitingOn", "CutoverOpen", "CutoverDeadline"})
	browser.list(t, "CutoverPhase", string(migration.AwaitingReauth), string(migration.AwaitingReauth))
	browser.list(t, "CutoverOpen", "2", "3")

	browser.organization(t, w, globex)
	deadline := migration.Instant(w.Status(t, globex).DeadlineAt)
	details := browser.says(t, "Globex: AwaitingReauth")
	require.Contains(t, details, "Globex: Pinterest v4 to v5")                                                            // the summary, which needs no worker
	require.Contains(t, details, "marketing@globex.example")                                                              // on whom
	require.Contains(t, details, "Reconnect OAuth of account")                                                            // for what
	require.Contains(t, details, account)                                                                                 // of which one
	require.Contains(t, details, "Next deadline\t"+deadline)                                                              // until when
	require.Contains(t, details, "starter signal reauth-completed --org "+globex.ID()+" --account "+account+" --by NAME") // and what to type then
	browser.picture(t, "webui-organization.png")

	w.SignIn(t, globex, account)
	browser.signal(t, workflows.ReauthCompleted{Account: account, By: "operator"})
	w.Migrated(t, globex)
	w.SwitchedOnce(t, globex)
	browser.reload(t)
	browser.says(t, "Globex: Migrated")

	browser.fleet(t, w, `WorkflowType="MigrateOrganization"`)
	browser.list(t, "CutoverPhase", string(migration.AwaitingReauth), string(migration.Migrated), string(migration.NotAffected))
	browser.widen(t)
	browser.picture(t, "webui-list.png")
}

// What happens after the switch is told there too: a watch, until when one may still go back, and what to type once one has.
func TestWatchAndRollbackInTheWebUI(t *testing.T) {
	t.Parallel()
	path := chromium(t)
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	w := world.New(t, world.Options{UI: true, Organizations: []world.Organization{acme}, Rules: "watch: {poll: 1s}\n"})
	w.Type(t, "start", "--all")
	account := w.Waits(t, acme, 1)[0]
	w.SignIn(t, acme, account)
	w.Type(t, "signal", "reauth-completed", "--org", acme.ID(), "--account", account, "--by", "customer")
	w.Until(t, acme, "is watched", func(s migration.Status) bool { return s.Phase == migration.Watching })

	browser := open(t, path)
	browser.organization(t, w, acme)
	details := browser.says(t, "Acme: Watching")
	require.Contains(t, details, "both cards are watched")
	require.Contains(t, details, "can be rolled back until "+migration.Instant(w.Status(t, acme).Timeline.Shutdown))

	w.Type(t, "rollback", "--org", acme.ID(), "--by", "operator", "--reason", "the campaign is over")
	browser.reload(t)
	details = browser.says(t, "Acme: NeedsAttention", string(migration.WentBack))
	require.Contains(t, details, "rolled back by operator: the campaign is over")
	require.Contains(t, details, "starter resume --by NAME --org "+acme.ID())
	require.NotContains(t, details, "can be rolled back until")
}
