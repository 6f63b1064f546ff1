package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"

	"cutover/internal/engine"
	"cutover/workflows"
)

// temporal is the part of client.Client that starter uses.
type temporal interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	GetWorkflow(ctx context.Context, workflowID, runID string) client.WorkflowRun
	SignalWorkflow(ctx context.Context, workflowID, runID, signalName string, arg any) error
	CancelWorkflow(ctx context.Context, workflowID, runID string) error
	QueryWorkflow(ctx context.Context, workflowID, runID, queryType string, args ...any) (converter.EncodedValue, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	DescribeTaskQueue(ctx context.Context, taskQueue string, kind enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error)
	ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
	WorkflowService() workflowservice.WorkflowServiceClient
	Close()
}

var _ temporal = client.Client(nil)

// connection is Temporal as one command sees it.
type connection struct {
	temporal
	namespace string
	web       string // base URL of the Web UI
	keys      bool   // CUTOVER_CODEC_KEYS is given
	data      converter.DataConverter
	now       func() time.Time
}

// requestTimeout bounds one question to the server; a server that is well answers in milliseconds.
const requestTimeout = 10 * time.Second

func (a *app) dial(ctx context.Context) (connection, error) {
	// A command for a person says what failed in one line: the SDK's own log would repeat it.
	options, err := engine.ClientOptions(a.env, zap.NewNop())
	if err != nil {
		return connection{}, usage("%w", err)
	}
	options.Identity = engine.Identity("cutover-starter")
	sealer, err := a.sealer(ctx)
	if err != nil {
		return connection{}, usage("%w", err)
	}
	options = engine.Encrypted(options, sealer)
	connected, err := engine.Connect(ctx, options)
	if err != nil {
		return connection{}, fail(kindUnreachable, "%w", err)
	}
	web := a.env.Getenv("CUTOVER_WEB_URL")
	if web == "" {
		web = engine.DefaultWebURL
	}
	return connection{
		temporal: connected, namespace: options.Namespace, web: web, keys: sealer != nil, data: options.DataConverter, now: a.now,
	}, nil
}

func (c connection) link(workflowID, runID string) string {
	return engine.WebURL(c.web, c.namespace, workflowID, runID)
}

// polled tells whether a worker polls the workflows' task queue.
func (c connection) polled(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	identities, err := engine.Pollers(ctx, c, engine.Queue{Name: workflows.TaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_WORKFLOW}, c.now())
	return len(identities) > 0, err
}

// needWorker fails when nothing would answer, instead of letting a person wait for it.
func (c connection) needWorker(ctx context.Context) error {
	polled, err := c.polled(ctx)
	if err != nil {
		return fail(kindFailed, "%w", err)
	}
	if !polled {
		return fail(kindNoWorker, "no worker polls task queue %s in namespace %s: start one (run: worker) and try again", workflows.TaskQueue, c.namespace)
	}
	return nil
}

// standing is what Temporal itself knows of an organization's workflow, with or without a worker.
type standing struct {
	runID   string
	running bool
	ended   string   // how it ended, such as Migrated or terminated
	locked  bool     // it is encrypted, and not with the keys that are given
	held    []string // where a stop of all writes left what was under way
	summary summary
}

// stand describes the workflow. Its error for one that was never started has kindNotStarted.
func (c connection) stand(ctx context.Context, t target) (standing, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	described, err := c.DescribeWorkflowExecution(ctx, t.workflowID, "")
	if err != nil {
		if notFound(err) {
			return standing{}, fail(kindNotStarted, "%s has no workflow for playbook %s: start it with: %s", t.organization, t.playbook, t.command("start"))
		}
		return standing{}, fail(kindFailed, "describe the workflow of %s: %w", t.organization, err)
	}
	info := described.GetWorkflowExecutionInfo()
	s := standing{
		runID: info.GetExecution().GetRunId(), summary: summarize(info),
		locked: c.locked(described.GetExecutionConfig().GetUserMetadata().GetSummary()), held: c.held(described.GetPendingActivities()),
	}
	s.running = info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	if !s.running {
		s.ended = c.outcome(ctx, t.workflowID, s.runID, info.GetStatus())
	}
	return s, nil
}

// outcome reads the result, which needs no worker; a workflow that did not complete has its status for an outcome.
func (c connection) outcome(ctx context.Context, workflowID, runID string, status enumspb.WorkflowExecutionStatus) string {
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		var result workflows.Result
		if err := c.GetWorkflow(ctx, workflowID, runID).Get(ctx, &result); err == nil && result.Outcome != "" {
			return string(result.Outcome)
		}
	}
	return executionStatus(status)
}

// unfound explains why the server knows no running workflow: it was never started, or it has ended.
func (c connection) unfound(ctx context.Context, t target) error {
	s, err := c.stand(ctx, t)
	switch {
	case err != nil:
		return err
	case s.running:
		return fail(kindFailed, "the workflow of %s changed its run meanwhile: try again", t.organization)
	}
	if s.locked {
		return fail(kindFinished, "the migration of %s has already finished (%s); to know how it went: %w", t.organization, s.ended, c.needKeys())
	}
	return fail(kindFinished, "the migration of %s has already finished (%s)", t.organization, s.ended)
}

// explain turns the error of a request about a target into one that says what to do.
func (c connection) explain(ctx context.Context, t target, doing string, err error) error {
	switch {
	case notFound(err):
		return c.unfound(ctx, t)
	case engine.IsSealed(err):
		err = c.needKeys()
	}
	return fail(kindFailed, "%s of %s: %w", doing, t.organization, err)
}

// lacking explains a refusal of the namespace's search attributes; other errors stay as they are.
func (c connection) lacking(err error) error {
	refused, ok := errors.AsType[*serviceerror.InvalidArgument](err)
	if !ok || !strings.Contains(refused.Message, "search attribute") {
		return err
	}
	return fmt.Errorf("namespace %s: search attributes are missing or of another type: create them (starter search-attributes lists them): %w", c.namespace, err)
}

func notFound(err error) bool {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	return missing
}

// late tells whether an error means that nobody answered in time.
func late(err error) bool {
	var deadline *serviceerror.DeadlineExceeded
	var waited *client.WorkflowUpdateServiceTimeoutOrCanceledError
	return errors.As(err, &deadline) || errors.As(err, &waited) || errors.Is(err, context.DeadlineExceeded)
}

// with connects, runs do and disconnects.
func (a *app) with(ctx context.Context, do func(connection) error) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := do(c); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: %w", err)
		}
		return err
	}
	return nil
}
