// Package texts collects everything that a run leaves behind and that somebody may read: what the engine tells and what lies in files. Whoever looks for
// secrets looks there.
package texts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"cutover/test/invariants"
)

// OfFiles reads files, and all files in folders. Of a SQLite database it also reads the log beside it, which has what was written last. Texts are named by
// their paths below dir.
func OfFiles(dir string, paths ...string) ([]invariants.Text, error) {
	var all []invariants.Text
	add := func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read what was kept: %w", err)
		}
		name, err := filepath.Rel(dir, path)
		all = append(all, invariants.Text{Where: name, Data: data})
		return err
	}
	for _, path := range paths {
		err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return add(path)
		})
		if err != nil {
			return nil, err
		}
		if err := add(path + "-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return all, nil
}

// queryMetadata is the engine's own query for what its Web UI shows of a workflow.
const queryMetadata = "__temporal_workflow_metadata"

// OfEngine is what the engine tells whoever may look: the descriptions of runs with memo and search attributes, every event of their histories, and the
// details that the Web UI shows.
func OfEngine(ctx context.Context, c client.Client, runs []*common.WorkflowExecution) ([]invariants.Text, error) {
	var all []invariants.Text
	add := func(where string, message proto.Message) error {
		raw, err := proto.Marshal(message)
		if err != nil {
			return fmt.Errorf("encode %s: %w", where, err)
		}
		text, err := protojson.Marshal(message)
		if err != nil {
			return fmt.Errorf("encode %s: %w", where, err)
		}
		all = append(all, invariants.Text{Where: where, Data: raw}, invariants.Text{Where: where + " as JSON", Data: text})
		return nil
	}
	for _, run := range runs {
		id := run.GetWorkflowId()
		described, err := c.DescribeWorkflowExecution(ctx, id, run.GetRunId())
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", id, err)
		}
		if err := add("the description of "+id, described); err != nil {
			return nil, err
		}
		events := c.GetWorkflowHistory(ctx, id, run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return nil, fmt.Errorf("read the history of %s: %w", id, err)
			}
			if err := add(fmt.Sprintf("event %d of %s", event.GetEventId(), id), event); err != nil {
				return nil, err
			}
		}
		metadata, err := c.QueryWorkflow(ctx, id, run.GetRunId(), queryMetadata)
		if err != nil {
			return nil, fmt.Errorf("query the details of %s: %w", id, err)
		}
		var shown sdk.WorkflowMetadata
		if err := metadata.Get(&shown); err != nil {
			return nil, fmt.Errorf("read the details of %s: %w", id, err)
		}
		if err := add("the details of "+id, &shown); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Runs are all runs of all workflows.
func Runs(ctx context.Context, c client.Client, namespace string) ([]*common.WorkflowExecution, error) {
	var all []*common.WorkflowExecution
	var page []byte
	for {
		answer, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("list workflows: %w", err)
		}
		for _, e := range answer.GetExecutions() {
			all = append(all, e.GetExecution())
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return all, nil
		}
	}
}
