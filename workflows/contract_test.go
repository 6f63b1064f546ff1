package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/migration"
	"cutover/workflows"
)

// names collects what is registered.
type names struct {
	worker.WorkflowRegistry
	worker.ActivityRegistry
	list []string
}

func (n *names) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	n.list = append(n.list, o.Name)
}

func (n *names) RegisterActivityWithOptions(_ any, o activity.RegisterOptions) {
	n.list = append(n.list, o.Name)
}

// Histories of running workflows hold these names: none may change or go.
func TestNamesAreFrozen(t *testing.T) {
	t.Parallel()
	var flows, reads, writes names
	workflows.Register(&flows)
	new(activities.Activities).Register(&reads)
	new(activities.Activities).RegisterWrites(&writes)
	slices.Sort(reads.list)
	slices.Sort(writes.list)
	require.Equal(t, []string{"MigrateOrganization", "KeepGrants", "PlanOrganization"}, flows.list)
	require.Equal(t, []string{"Assess", "AwaitAccounts", "AwaitChanges", "AwaitRuns", "CheckAccounts", "Notify", "Plan", "RenewGrants", "Report"}, reads.list)
	require.Equal(t, []string{"RenewAccount", "RollBackPair", "SwitchPair"}, writes.list, "what changes something at a vendor runs where the kill switch reaches it")
	require.Equal(t, "cutover", workflows.TaskQueue)
	require.Equal(t, "cutover-writes", workflows.WritesTaskQueue)
	require.Equal(t, "cutover-grants", workflows.GrantsID)
	require.Equal(t, "cutover/pinterest-v5/A@AdobeOrg", workflows.WorkflowID("pinterest-v5", "A@AdobeOrg"))
}

func TestStartOptions(t *testing.T) {
	t.Parallel()
	in := workflows.Input{Organization: migration.Organization{ID: acme, Name: "Acme", Sandboxes: []string{"prod"}}, Playbook: pinterest(t, nov20)}
	o := workflows.StartOptions(in, nov20)
	require.True(t, o.WorkflowExecutionErrorWhenAlreadyStarted, "a second start is refused and not taken for the first")
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, o.WorkflowIDConflictPolicy)
	require.Equal(t, "Acme: Pinterest v4 to v5", o.StaticSummary)
	require.Contains(t, o.StaticDetails, "shutdown 2024-01-19T08:00:00Z")
	stage, _ := o.TypedSearchAttributes.GetKeyword(workflows.AttributeStage)
	require.Equal(t, "Open", stage)
	late := workflows.StartOptions(in, shutdown.AddDate(1, 0, 0))
	deadline, ok := late.TypedSearchAttributes.GetTime(workflows.AttributeDeadline)
	require.True(t, ok)
	require.Equal(t, shutdown, deadline, "the deadline a late organization missed")
	for name, kind := range workflows.SearchAttributes() {
		require.True(t, strings.HasPrefix(name, "Cutover"), name)
		require.NotEqual(t, enumspb.INDEXED_VALUE_TYPE_UNSPECIFIED, kind)
	}
}

// What an operator sees of a waiting organization, to the letter.
func TestDetailsOfAWaitingOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(time.Hour), func() {
		account := w.account("prod")
		require.Equal(t, strings.ReplaceAll(`## Acme: AwaitingReauth

| | |
|---|---|
| Organization | '1A2B3C4D5E6F@AdobeOrg' |
| Stage | Open: the old card works |
| Next deadline | 2023-12-16T08:00:00Z: re-authenticate |
| Affected | 3 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z |

### Waiting for

| On | For | Since | By |
|---|---|---|---|
| marketing@acme.example | Reconnect OAuth of account "Acme Pinterest" (ACCOUNT) in sandbox prod | 2023-11-20T12:00:00Z | 2023-12-16T08:00:00Z |

Then type:

'''
starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account ACCOUNT --by NAME
'''

### Accounts

| Account | Sandbox | Signed in | Lasts until | Last answer |
|---|---|---|---|---|
| Acme Pinterest 'ACCOUNT' | prod | no |  |  |
`, "'", "`"), strings.ReplaceAll(w.details(), account, "ACCOUNT"))
		signedIn(w)
	})
	_, err := w.run()
	require.NoError(t, err)
}

// Words of people and vendors cannot break out of the table or load anything.
func TestDetailsKeepWordsInTheirCells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(nov20.Add(time.Hour), func() {
		w.update(workflows.UpdatePause, workflows.Pause{By: "op|erator", Reason: "a | b\n## heading <img src=x> `code` " + strings.Repeat("long ", 90)})
	})
	w.at(nov20.Add(2*time.Hour), func() {
		text := w.details()
		require.NotContains(t, text, "\n## heading")
		require.NotContains(t, text, "<img")
		require.Contains(t, text, `a \| b ## heading`)
		require.Less(t, len(text), 20_000)
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
}
