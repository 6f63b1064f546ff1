package main

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// shape is what a history asks of the engine, by what the server recorded. Workflow tasks are no part of it: how many there are depends on which of two
// things at once comes first.
type shape struct {
	activities, completed, cancelled int
	timers, signals, attributes      int
}

func (s shape) String() string {
	return fmt.Sprintf("%d activities (%d completed, %d cancelled), %d timers, %d signals, %d changes of search attributes",
		s.activities, s.completed, s.cancelled, s.timers, s.signals, s.attributes)
}

func (s *shape) see(kind enumspb.EventType) {
	switch kind { //nolint:exhaustive // everything else follows from these, or makes no command
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		s.activities++
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		s.completed++
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		s.cancelled++
	case enumspb.EVENT_TYPE_TIMER_STARTED:
		s.timers++
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		s.signals++
	case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		s.attributes++
	}
}

// recorded is a history: its shape, and the workflow tasks that it took.
type recorded struct {
	shape

	tasks int
}

func readHistory(ctx context.Context, c client.Client, id string) (r recorded, err error) {
	events := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return r, fmt.Errorf("read the history of %s: %w", id, err)
		}
		r.see(event.GetEventType())
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			r.tasks++
		}
	}
	return r, nil
}
