package e2e

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/workflows"
)

// claim is somebody's word that an account was signed in to.
func claim(t *testing.T, w *world.World, o world.Organization, account, by string) {
	t.Helper()
	require.NoError(t, w.Client.SignalWorkflow(t.Context(), w.WorkflowID(o), "", workflows.SignalReauthCompleted,
		workflows.ReauthCompleted{Account: account, By: by}))
}

// signIn has the only account of an organization signed in to, and says so.
func signIn(t *testing.T, w *world.World, o world.Organization) {
	t.Helper()
	account := w.Waits(t, o, 1)[0]
	w.SignIn(t, o, account)
	claim(t, w, o, account, "marketing")
}

// update sends an operator's word and waits for the answer. What the server could not hand over because the run ended under it is sent again.
func update(t *testing.T, w *world.World, o world.Organization, name string, argument any) {
	t.Helper()
	world.Await(t, "update "+name, func(ctx context.Context) (struct{}, error) {
		handle, err := w.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: w.WorkflowID(o), UpdateName: name, Args: []any{argument}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(ctx, nil)
		}
		if _, again := errors.AsType[*serviceerror.WorkflowNotReady](err); again {
			return struct{}{}, err
		}
		require.NoError(t, err)
		return struct{}{}, nil
	}, func(struct{}) bool { return true })
}

// slowSecondWrite has an organization's second write, which is the first pair's "old off", take long enough to act in between.
func slowSecondWrite(o world.Organization) emulator.Fault {
	return emulator.Fault{
		Organization: o.ID(), Route: "POST /flows/{id}/action", After: 1, Times: 1, Effect: emulator.EffectDelay, Delay: inBetween,
	}
}

// midSwitch waits until the first pair's copy was switched on, and its old dataflow not yet off.
func midSwitch(t *testing.T, w *world.World, o world.Organization) {
	t.Helper()
	world.Await(t, "the first copy to be switched on", func(ctx context.Context) ([]emulator.Entry, error) { return w.Writes(ctx, o) },
		func(writes []emulator.Entry) bool { return len(writes) == 1 && writes[0].Op == "enable" })
}

// stillMidSwitch makes sure that whatever was done since midSwitch was done in time.
func stillMidSwitch(t *testing.T, w *world.World, o world.Organization) {
	t.Helper()
	writes, err := w.Writes(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, writes, 1, "the machine was too slow to act in mid-switch")
}

// history is one run's.
func history(t *testing.T, w *world.World, o world.Organization, run string) []*historypb.HistoryEvent {
	t.Helper()
	var all []*historypb.HistoryEvent
	events := w.Client.GetWorkflowHistory(t.Context(), w.WorkflowID(o), run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		all = append(all, event)
	}
	return all
}

// runs are the ids of an organization's runs, each the next one's beginning.
func runs(t *testing.T, w *world.World, o world.Organization) []string {
	t.Helper()
	described, err := w.Client.DescribeWorkflowExecution(t.Context(), w.WorkflowID(o), "")
	require.NoError(t, err)
	var ids []string
	for run := described.GetWorkflowExecutionInfo().GetFirstRunId(); run != ""; {
		ids = append(ids, run)
		events := history(t, w, o, run)
		run = events[len(events)-1].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	}
	return ids
}

// deeds are who did what, sorted.
func deeds(s migration.Status) []string {
	var all []string
	for _, d := range s.Deeds {
		all = append(all, d.By+" "+d.What)
	}
	slices.Sort(all)
	return all
}

// watchEverySecond keeps an organization under way after its last dataflow was verified.
const watchEverySecond = "watch: {poll: 1s}\n"

// watched waits until everything runs on the new card and is watched.
func watched(t *testing.T, w *world.World, o world.Organization) migration.Status {
	t.Helper()
	return w.Until(t, o, "is watched", func(s migration.Status) bool { return s.Phase == migration.Watching })
}

// applied are the writes that changed something.
func applied(writes []emulator.Entry) []emulator.Entry {
	return slices.DeleteFunc(writes, func(e emulator.Entry) bool { return !e.Applied })
}

// states checks in what state every dataflow of each card is.
func states(t *testing.T, w *world.World, o world.Organization, want map[string]string) {
	t.Helper()
	state, err := w.Vendor.State(t.Context())
	require.NoError(t, err)
	seen := 0
	for _, flow := range state.Organization(o.ID()).Sandbox(world.Sandbox).Flows {
		if want[flow.Card] != "" {
			seen++
			require.Equal(t, want[flow.Card], flow.State, "%s of the %s card", flow.Name, flow.Card)
		}
	}
	require.Equal(t, 2*len(o.Dataflows), seen)
}

// dataflow is the only dataflow of an organization on a card.
func dataflow(t *testing.T, w *world.World, o world.Organization, card string) emulator.FlowState {
	t.Helper()
	state, err := w.Vendor.State(t.Context())
	require.NoError(t, err)
	var found []emulator.FlowState
	for _, flow := range state.Organization(o.ID()).Sandbox(world.Sandbox).Flows {
		if flow.Card == card {
			found = append(found, flow)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}
