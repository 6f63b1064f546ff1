package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/notify"
	"cutover/test/invariants"
)

// found is everything that a play left behind.
type found struct {
	facts   invariants.Facts
	status  map[string]migration.Status // the last one of each organization
	notices []notify.Notice
	missed  map[string][]migration.Missed // by organization, as its evidence says
	events  map[string]int64
}

// any tells whether a ledger entry of the organization is such a one.
func (f found) any(o *organization, such func(emulator.Entry) bool) bool {
	return f.first(o, such) >= 0
}

// first is the place in the ledger of the organization's first entry that is such a one, or -1.
func (f found) first(o *organization, such func(emulator.Entry) bool) int {
	return slices.IndexFunc(f.facts.Ledger, func(e emulator.Entry) bool { return e.Organization == o.ID && such(e) })
}

// gather collects what the invariants are checked against, from everything that still runs and everything that was written.
func (p *play) gather(ctx context.Context, w *watched) (found, error) {
	f := found{status: map[string]migration.Status{}, events: w.events}
	f.facts.Order, f.facts.Samples = migration.EnableFirst, w.samples
	var err error
	if f.facts.Ledger, err = p.vendor.Ledger(ctx, 0); err != nil {
		return f, fmt.Errorf("read the ledger: %w", err)
	}
	for _, o := range p.organizations {
		if last := o.latest.Load(); last != nil {
			f.status[o.ID] = *last
		}
		f.facts.Organizations = append(f.facts.Organizations, invariants.Organization{
			ID: o.ID, Ended: w.ended[o.ID], Status: f.status[o.ID], Questions: w.questions[o.ID],
			Want: invariants.Want{Outcome: o.outcome, Flows: o.want(f.facts.Ledger)},
		})
	}
	secrets, err := p.vendor.Secrets(ctx)
	if err != nil {
		return f, fmt.Errorf("read the vendors' secrets: %w", err)
	}
	for _, s := range secrets {
		f.facts.Secrets = append(f.facts.Secrets, invariants.Secret{What: s.Kind + " of " + s.Organization, Value: s.Value})
	}
	for _, o := range p.organizations {
		f.facts.Secrets = append(f.facts.Secrets, invariants.Secret{What: "credential " + o.client.Name, Value: o.client.ClientSecret})
	}
	kept, err := p.kept()
	if err != nil {
		return f, err
	}
	told, err := p.told(ctx)
	if err != nil {
		return f, err
	}
	f.facts.Texts = slices.Concat(kept, told)
	if f.notices, err = p.notices(); err != nil {
		return f, err
	}
	f.missed, err = p.missed()
	return f, err
}

// want is how the organization's dataflows must stand at the end: each that ran on the old card runs on the new one, but those that stay.
func (o *organization) want(ledger []emulator.Entry) map[string]migration.DataflowState {
	names := map[string]bool{}
	for _, sandbox := range o.sandboxes {
		for _, flow := range sandbox.Dataflows {
			names[flow.Name] = slices.Contains(o.stays, flow.Name)
		}
	}
	want := map[string]migration.DataflowState{}
	first := map[string]string{}
	for _, e := range ledger {
		if e.Organization != o.ID || e.Entity != "flow" || e.Op != "initial" || first[e.ID] != "" {
			continue
		}
		first[e.ID] = e.After
		want[e.ID] = migration.DataflowState(e.After)
	}
	if o.outcome == migration.NotAffected {
		return want
	}
	stays := map[string]bool{} // originals, by id
	if status := o.latest.Load(); status != nil {
		for _, pair := range status.Pairs {
			stays[pair.Old] = names[pair.Name]
		}
	}
	for _, e := range ledger {
		if e.Organization == o.ID && e.Entity == "flow" && e.Op == "initial" && e.Origin != "" && first[e.Origin] == string(migration.Enabled) && !stays[e.Origin] {
			want[e.Origin], want[e.ID] = migration.Disabled, migration.Enabled
			if o.deleted {
				want[e.Origin] = "deleted"
			}
		}
	}
	return want
}

// kept are the files that outlive a run: logs, what commands printed, notices, reports, and the engine's database.
func (p *play) kept() ([]invariants.Text, error) {
	var texts []invariants.Text
	add := func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read what was kept: %w", err)
		}
		name, err := filepath.Rel(p.dir, path)
		texts = append(texts, invariants.Text{Where: name, Data: data})
		return err
	}
	for _, path := range []string{p.worker.Log, p.commandLog(), p.temporal.Log, p.temporal.Database} {
		if err := add(path); err != nil {
			return nil, err
		}
	}
	// What was written last stands in the log beside the database.
	if err := add(p.temporal.Database + "-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, dir := range []string{p.worker.Notices, p.worker.Reports} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return add(path)
		})
		if err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// queryMetadata is the engine's own query for what its Web UI shows of a workflow.
const queryMetadata = "__temporal_workflow_metadata"

// told is what the engine tells whoever may look: every workflow's history, memo, search attributes and details.
func (p *play) told(ctx context.Context) ([]invariants.Text, error) {
	var texts []invariants.Text
	add := func(where string, message proto.Message) error {
		raw, err := proto.Marshal(message)
		if err != nil {
			return fmt.Errorf("encode %s: %w", where, err)
		}
		text, err := protojson.Marshal(message)
		if err != nil {
			return fmt.Errorf("encode %s: %w", where, err)
		}
		texts = append(texts, invariants.Text{Where: where, Data: raw}, invariants.Text{Where: where + " as JSON", Data: text})
		return nil
	}
	executions, err := p.executions(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range executions {
		described, err := p.engine.DescribeWorkflowExecution(ctx, e.GetWorkflowId(), e.GetRunId())
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", e.GetWorkflowId(), err)
		}
		if err := add("the description of "+e.GetWorkflowId(), described); err != nil {
			return nil, err
		}
		events := p.engine.GetWorkflowHistory(ctx, e.GetWorkflowId(), e.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return nil, fmt.Errorf("read the history of %s: %w", e.GetWorkflowId(), err)
			}
			if err := add(fmt.Sprintf("event %d of %s", event.GetEventId(), e.GetWorkflowId()), event); err != nil {
				return nil, err
			}
		}
		metadata, err := p.engine.QueryWorkflow(ctx, e.GetWorkflowId(), e.GetRunId(), queryMetadata)
		if err != nil {
			return nil, fmt.Errorf("query the details of %s: %w", e.GetWorkflowId(), err)
		}
		var shown sdk.WorkflowMetadata
		if err := metadata.Get(&shown); err != nil {
			return nil, fmt.Errorf("read the details of %s: %w", e.GetWorkflowId(), err)
		}
		if err := add("the details of "+e.GetWorkflowId(), &shown); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// executions are all runs of all workflows.
func (p *play) executions(ctx context.Context) ([]*common.WorkflowExecution, error) {
	var all []*common.WorkflowExecution
	var page []byte
	for {
		answer, err := p.engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: p.temporal.Namespace, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("list workflows: %w", err)
		}
		for _, e := range answer.GetExecutions() {
			all = append(all, e.GetExecution())
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	if len(all) < len(p.organizations) {
		return nil, fmt.Errorf("the engine lists %d workflows and %d were started", len(all), len(p.organizations))
	}
	return all, nil
}

// notices are the notices that were delivered.
func (p *play) notices() ([]notify.Notice, error) {
	entries, err := os.ReadDir(p.worker.Notices)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	var all []notify.Notice
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(p.worker.Notices, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read notices: %w", err)
		}
		var notice notify.Notice
		if err := json.Unmarshal(data, &notice); err != nil {
			return nil, fmt.Errorf("read notice %s: %w", entry.Name(), err)
		}
		all = append(all, notice)
	}
	return all, nil
}

// missed is what each organization's evidence says was not delivered.
func (p *play) missed() (map[string][]migration.Missed, error) {
	all := map[string][]migration.Missed{}
	for _, o := range p.organizations {
		path := filepath.Join(p.worker.Reports, o.playbookName(), strings.ReplaceAll(o.ID, "@", "_at_"), "evidence.json")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has not ended, which is found out elsewhere
		}
		if err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		var evidence struct {
			Missed []migration.Missed `json:"missed"`
		}
		if err := json.Unmarshal(data, &evidence); err != nil {
			return nil, fmt.Errorf("read the evidence of %s: %w", o.ID, err)
		}
		all[o.ID] = evidence.Missed
	}
	return all, nil
}
