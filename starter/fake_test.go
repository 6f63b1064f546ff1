package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"cutover/internal/migration"
	"cutover/workflows"
)

const (
	acme   = "1A2B3C4D5E6F7A8B@AdobeOrg"
	globex = "6F5E4D3C2B1A9C8D@AdobeOrg"
)

var noon = time.Date(2023, 12, 1, 12, 0, 0, 0, time.UTC)

const exampleManifest = "../organizations.example.yaml"

// fake is a Temporal server as starter sees it.
type fake struct {
	mu        sync.Mutex
	workflows map[string]*fakeWorkflow
	polled    bool
	down      error // of every request
	startErr  map[string]error
	plans     []planning // answers to previews, in order
	previews  []workflows.PlanInput
	starts    []client.StartWorkflowOptions
	signals   []any
	cancelled []string
	queries   []string     // of lists
	asked     atomic.Int64 // queries and updates
	pageOf    int          // executions per page
	terminal  bool         // whoever asks sits at one
	width     int          // of standard output, if that is a terminal
	limit     *taskqueuepb.RateLimitConfig
	updates   []*workflowservice.UpdateTaskQueueConfigRequest
	hidden    error // of whatever is about a queue's configuration
}

type planning struct {
	plan migration.Plan
	err  error
}

// fakeWorkflow is one workflow there.
type fakeWorkflow struct {
	state      enumspb.WorkflowExecutionStatus
	attributes map[string]any
	result     workflows.Result
	status     *migration.Status
	update     func(name string, arg any) (any, error)
	updateErr  error // of the request, not of the update
	between    int   // so many updates meet it between two runs
	pending    []*workflowpb.PendingActivityInfo
}

func (f *fake) find(id string) (*fakeWorkflow, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, f.down
	}
	if w, ok := f.workflows[id]; ok {
		return w, nil
	}
	return nil, serviceerror.NewNotFound("workflow not found for ID: " + id)
}

func (f *fake) running(id string) (*fakeWorkflow, error) {
	w, err := f.find(id)
	if err == nil && w.state != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, serviceerror.NewNotFound("workflow execution already completed")
	}
	return w, err
}

func (f *fake) ExecuteWorkflow(_ context.Context, options client.StartWorkflowOptions, name any, args ...any) (client.WorkflowRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == workflows.PlanOrganizationName {
		f.previews = append(f.previews, args[0].(workflows.PlanInput))
		next := f.plans[0]
		f.plans = f.plans[1:]
		return fakeRun{id: options.ID, value: next.plan, err: next.err}, nil
	}
	f.starts = append(f.starts, options)
	if err := f.startErr[options.ID]; err != nil {
		return nil, err
	}
	if _, ok := f.workflows[options.ID]; ok {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("already started", "", "run-1")
	}
	f.workflows[options.ID] = &fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	return fakeRun{id: options.ID}, nil
}

func (f *fake) GetWorkflow(_ context.Context, id, _ string) client.WorkflowRun {
	w, err := f.find(id)
	if err != nil {
		return fakeRun{id: id, err: err}
	}
	return fakeRun{id: id, value: w.result}
}

func (f *fake) SignalWorkflow(_ context.Context, id, _, name string, arg any) error {
	if _, err := f.running(id); err != nil {
		return err
	}
	f.signals = append(f.signals, name, arg)
	return nil
}

func (f *fake) CancelWorkflow(_ context.Context, id, run string) error {
	if _, err := f.find(id); err != nil { // it takes a request for one that has ended, as the real one does
		return err
	}
	f.cancelled = append(f.cancelled, id+" "+run)
	return nil
}

func (f *fake) QueryWorkflow(_ context.Context, id, _, query string, _ ...any) (converter.EncodedValue, error) {
	w, err := f.find(id)
	if err != nil {
		return nil, err
	}
	f.asked.Add(1)
	if w.status == nil {
		return nil, serviceerror.NewDeadlineExceeded("context deadline exceeded")
	}
	return value(w.status), nil
}

func value(v any) converter.EncodedValue {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(v)
	if err != nil {
		panic(err)
	}
	return client.NewValue(payloads)
}

func (f *fake) UpdateWorkflow(_ context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	w, err := f.running(options.WorkflowID)
	if err != nil {
		return nil, err
	}
	f.asked.Add(1)
	if w.between > 0 {
		w.between--
		return nil, serviceerror.NewWorkflowNotReady("between two runs")
	}
	if w.updateErr != nil {
		return nil, w.updateErr
	}
	result, err := w.update(options.UpdateName, options.Args[0])
	return fakeHandle{fakeRun{id: options.WorkflowID, value: result, err: err}}, nil
}

func (f *fake) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	w, err := f.find(id)
	if err != nil {
		return nil, err
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: w.info(id, "run-1", noon), PendingActivities: w.pending}, nil
}

func (w *fakeWorkflow) info(id, run string, started time.Time) *workflowpb.WorkflowExecutionInfo {
	fields := map[string]*commonpb.Payload{}
	for name, v := range w.attributes {
		payload, err := converter.GetDefaultDataConverter().ToPayload(v)
		if err != nil {
			panic(err)
		}
		fields[name] = payload
	}
	return &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: run}, Status: w.state, StartTime: timestamppb.New(started),
		SearchAttributes: &commonpb.SearchAttributes{IndexedFields: fields},
	}
}

func (f *fake) DescribeTaskQueue(_ context.Context, name string, _ enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	if f.down != nil {
		return nil, f.down
	}
	answer := &workflowservice.DescribeTaskQueueResponse{}
	if f.polled && name == workflows.TaskQueue {
		answer.Pollers = []*taskqueuepb.PollerInfo{{Identity: "worker", LastAccessTime: timestamppb.New(noon)}}
	}
	return answer, nil
}

func (f *fake) ListWorkflow(_ context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if f.down != nil {
		return nil, f.down
	}
	f.queries = append(f.queries, request.GetQuery())
	var ids []string
	for id := range f.workflows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	from := len(request.GetNextPageToken())
	to := min(from+max(f.pageOf, 1), len(ids))
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, id := range ids[from:to] {
		answer.Executions = append(answer.Executions, f.workflows[id].info(id, "run-1", noon))
		// An earlier run of the same organization that failed; it must not be listed beside the newest.
		failed := &fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED}
		answer.Executions = append(answer.Executions, failed.info(id, "run-0", noon.Add(-time.Hour)))
	}
	if to < len(ids) {
		answer.NextPageToken = bytes.Repeat([]byte{1}, to)
	}
	return answer, nil
}

func (f *fake) Close() {}

func (f *fake) WorkflowService() workflowservice.WorkflowServiceClient { return fakeService{fake: f} }

// fakeService is what of the server's own API is used: the configuration of the writes' queue.
type fakeService struct {
	workflowservice.WorkflowServiceClient

	fake *fake
}

func (s fakeService) DescribeTaskQueue(
	_ context.Context, in *workflowservice.DescribeTaskQueueRequest, _ ...grpc.CallOption,
) (*workflowservice.DescribeTaskQueueResponse, error) {
	if err := cmp.Or(s.fake.hidden, s.fake.down); err != nil {
		return nil, err
	}
	answer := &workflowservice.DescribeTaskQueueResponse{}
	if in.GetReportConfig() && in.GetNamespace() == "default" && in.GetTaskQueue().GetName() == workflows.WritesTaskQueue && in.GetTaskQueueType() == enumspb.TASK_QUEUE_TYPE_ACTIVITY {
		answer.Config = &taskqueuepb.TaskQueueConfig{QueueRateLimit: s.fake.limit}
	}
	return answer, nil
}

func (s fakeService) UpdateTaskQueueConfig(
	_ context.Context, in *workflowservice.UpdateTaskQueueConfigRequest, _ ...grpc.CallOption,
) (*workflowservice.UpdateTaskQueueConfigResponse, error) {
	if err := cmp.Or(s.fake.hidden, s.fake.down); err != nil {
		return nil, err
	}
	s.fake.updates = append(s.fake.updates, in)
	s.fake.limit = &taskqueuepb.RateLimitConfig{
		RateLimit: in.GetUpdateQueueRateLimit().GetRateLimit(),
		Metadata: &taskqueuepb.ConfigMetadata{
			Reason: in.GetUpdateQueueRateLimit().GetReason(), UpdateIdentity: in.GetIdentity(), UpdateTime: timestamppb.New(noon),
		},
	}
	return &workflowservice.UpdateTaskQueueConfigResponse{Config: &taskqueuepb.TaskQueueConfig{QueueRateLimit: s.fake.limit}}, nil
}

// fakeRun is a run or a query's answer with a fixed value.
type fakeRun struct {
	id    string
	value any
	err   error
}

func (r fakeRun) GetID() string                  { return r.id }
func (r fakeRun) GetRunID() string               { return "run-1" }
func (r fakeRun) GetFirstExecutionRunID() string { return "run-1" }
func (r fakeRun) Get(_ context.Context, into any) error {
	if r.err != nil {
		return r.err
	}
	return value(r.value).Get(into)
}

func (r fakeRun) GetWithOptions(ctx context.Context, into any, _ client.WorkflowRunGetOptions) error {
	return r.Get(ctx, into)
}

type fakeHandle struct{ fakeRun }

func (h fakeHandle) WorkflowID() string { return h.id }
func (h fakeHandle) RunID() string      { return "run-1" }
func (h fakeHandle) UpdateID() string   { return "update-1" }

// reply is what a command said.
type reply struct {
	code           int
	stdout, stderr string
}

// ask runs a command against the server.
func (f *fake) ask(t *testing.T, args ...string) reply {
	t.Helper()
	if f.workflows == nil {
		f.workflows = map[string]*fakeWorkflow{}
	}
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, terminal: f.terminal, now: func() time.Time { return noon }}
	a.connect = func(context.Context) (connection, error) {
		return connection{temporal: f, namespace: "default", web: "http://localhost:8233", now: a.now}, nil
	}
	if f.width > 0 {
		a.stdout = screen{&stdout, f.width}
	}
	code := a.run(t.Context(), args)
	return reply{code, stdout.String(), stderr.String()}
}

// offline runs a command that must not need a server.
func offline(t *testing.T, args ...string) reply {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, now: func() time.Time { return noon }}
	a.connect = func(context.Context) (connection, error) {
		return connection{}, errors.New("it asked for a connection")
	}
	code := a.run(t.Context(), args)
	return reply{code, stdout.String(), stderr.String()}
}

func withManifestFlag(args ...string) []string { return append(args, "--manifest", exampleManifest) }

// golden compares with testdata/NAME; CUTOVER_UPDATE_GOLDEN=1 rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("CUTOVER_UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, path)
}

// bothFormats compares the command's table and its JSON with testdata/NAME.txt and NAME.json.
func (f *fake) bothFormats(t *testing.T, name string, code int, args ...string) (table, json reply) {
	t.Helper()
	table = f.ask(t, args...)
	require.Equal(t, code, table.code, table.stderr)
	golden(t, name+".txt", table.stdout)
	json = f.ask(t, append(args, "-o", "json")...)
	require.Equal(t, code, json.code, json.stderr)
	golden(t, name+".json", json.stdout)
	require.Equal(t, table.stderr, json.stderr)
	return table, json
}

func id(organization string) string { return workflows.WorkflowID("pinterest-v5", organization) }

func attributesOf(organization string, phase migration.Phase, waitingOn string, open int64) map[string]any {
	return map[string]any{
		workflows.AttributeOrganization.GetName(): organization, workflows.AttributePlaybook.GetName(): "pinterest-v5",
		workflows.AttributePhase.GetName(): string(phase), workflows.AttributeStage.GetName(): string(migration.Open),
		workflows.AttributeDeadline.GetName():  time.Date(2023, 12, 16, 8, 0, 0, 0, time.UTC),
		workflows.AttributeWaitingOn.GetName(): waitingOn, workflows.AttributeOpen.GetName(): open,
	}
}

var _ temporal = (*fake)(nil)

var errFull = fmt.Errorf("resource exhausted: %s", strings.Repeat("x", 3))
