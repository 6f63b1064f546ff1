package main

import (
	"context"
	"fmt"
	"io"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/proto"

	"cutover/activities"
	"cutover/internal/migration"
	"cutover/workflows"
)

// How many activities wait for their next attempt: for a person the poll and the next reminder, for the shutdown the watch.
const (
	forAPerson     = 2
	forTheShutdown = 1
)

const lookEvery = 50 * time.Millisecond

// await looks at the organization until what it says, and how many of its activities wait, is what is wanted.
func (w *world) await(ctx context.Context, wanted func(s migration.Status, parked int) bool) (status migration.Status, err error) {
	for ; ctx.Err() == nil; time.Sleep(lookEvery) {
		value, err := w.temporal.QueryWorkflow(ctx, w.run.GetID(), w.run.GetRunID(), workflows.QueryStatus)
		if err != nil {
			return status, fmt.Errorf("ask for the status: %w", err)
		}
		var status migration.Status
		if err := value.Get(&status); err != nil {
			return status, fmt.Errorf("read the status: %w", err)
		}
		attempts, err := w.waiting(ctx)
		if err != nil {
			return status, err
		}
		if wanted(status, len(attempts)) {
			return status, nil
		}
	}
	return status, ctx.Err()
}

// waiting are the activities whose last answer was that it is too early, with the number of the attempt that comes next.
func (w *world) waiting(ctx context.Context) (map[string]int, error) {
	described, err := w.temporal.DescribeWorkflowExecution(ctx, w.run.GetID(), w.run.GetRunID())
	if err != nil {
		return nil, fmt.Errorf("describe the workflow: %w", err)
	}
	attempts := map[string]int{}
	for _, a := range described.GetPendingActivities() {
		if a.GetLastFailure().GetApplicationFailureInfo().GetType() == activities.NotYet {
			attempts[a.GetActivityType().GetName()] = int(a.GetAttempt())
		}
	}
	return attempts, nil
}

// spent is what the organization has cost so far.
func (w *world) spent(ctx context.Context, trace io.Writer) (c cost, err error) {
	c.actions = w.meter.actions()
	fmt.Fprintf(trace, "actions attempts %d, heartbeats %d, queries %d\n", w.meter.attempts.Load(), w.meter.heartbeats.Load(), w.meter.queries.Load())
	events := w.temporal.GetWorkflowHistory(ctx, w.run.GetID(), w.run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return c, fmt.Errorf("read the history: %w", err)
		}
		c.events++
		c.bytes += proto.Size(event)
		action := ""
		if billed(event.GetEventType()) {
			c.actions++
			action = ", an action"
		}
		fmt.Fprintf(trace, "event %d %s %d bytes%s\n", event.GetEventId(), event.GetEventType(), proto.Size(event), action)
	}
	for _, entry := range w.vendors.Ledger(0) {
		switch entry.Kind {
		case "token", "read", "list", "write":
			c.calls++
			fmt.Fprintf(trace, "call %s %s %s %s\n", entry.Kind, entry.Entity, entry.Op, entry.ID)
		}
	}
	return c, nil
}

// billed tells which events are an action at Temporal Cloud (docs.temporal.io/evaluate/cloud/actions). Attempts at activities are counted on the wire, since a
// history shows one for all retries and none for a poll that was called off. Markers come from side effects and versions, which are not used.
func billed(event enumspb.EventType) bool {
	switch event {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, enumspb.EVENT_TYPE_MARKER_RECORDED:
		return true
	default:
		return false
	}
}
