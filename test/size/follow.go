package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"google.golang.org/protobuf/proto"

	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/workflows"
)

const (
	lookEvery = 500 * time.Millisecond
	// queryMetadata is the engine's own query for what its Web UI shows of a workflow.
	queryMetadata = "__temporal_workflow_metadata"
)

// follower looks at the organization all the while, as operators do.
type follower struct {
	*world

	id      string
	last    migration.Status
	samples []invariants.Sample // where the phase or what is waited for changed
	details int                 // bytes of the longest details
	bytes   int                 // of the longest status
}

// until looks until the organization says something.
func (f *follower) until(ctx context.Context, what string, said func(migration.Status) bool) (migration.Status, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := f.look(ctx); err != nil {
			return f.last, err
		}
		if said(f.last) {
			return f.last, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return f.last, fmt.Errorf("waited until it %s; last it was %s, %d problems: %w", what, f.last.Phase, len(f.last.Problems), context.Cause(ctx))
		}
	}
}

// look asks for the status and for what the Web UI shows.
func (f *follower) look(ctx context.Context) error {
	value, err := f.temporal.QueryWorkflow(ctx, f.id, "", workflows.QueryStatus)
	if err != nil {
		return fmt.Errorf("ask for the status: %w", err)
	}
	var status migration.Status
	if err := value.Get(&status); err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	raw, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("encode the status: %w", err)
	}
	f.bytes = max(f.bytes, len(raw))
	value, err = f.temporal.QueryWorkflow(ctx, f.id, "", queryMetadata)
	if err != nil {
		return fmt.Errorf("ask for the details: %w", err)
	}
	var shown sdk.WorkflowMetadata
	if err := value.Get(&shown); err != nil {
		return fmt.Errorf("read the details: %w", err)
	}
	f.details = max(f.details, len(shown.GetCurrentDetails()))
	if f.last.Phase != status.Phase || len(f.last.Waits) != len(status.Waits) {
		// A status is long; its pairs are in the last one.
		sample := status
		sample.Pairs = nil
		f.samples = append(f.samples, invariants.Sample{At: time.Now(), Status: sample})
	}
	f.last = status
	return nil
}

// history is one run's.
type history struct {
	events, bytes int
	data          []byte
}

// histories are those of all runs of a workflow.
func (w *world) histories(ctx context.Context, id string) ([]history, error) {
	described, err := w.temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return nil, fmt.Errorf("describe the workflow: %w", err)
	}
	var all []history
	for run := described.GetWorkflowExecutionInfo().GetFirstRunId(); run != ""; {
		var h history
		events := w.temporal.GetWorkflowHistory(ctx, id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		run = ""
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return nil, fmt.Errorf("read the history: %w", err)
			}
			data, err := proto.Marshal(event)
			if err != nil {
				return nil, fmt.Errorf("encode the history: %w", err)
			}
			h.events++
			h.bytes += len(data)
			h.data = append(h.data, data...)
			run = event.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
		}
		all = append(all, h)
	}
	return all, nil
}
