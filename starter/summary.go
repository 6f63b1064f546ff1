package main

import (
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"cutover/workflows"
)

// summary is how an organization stands by its search attributes, which need no worker.
type summary struct {
	Organization string    `json:"organization"`
	Name         string    `json:"name"` // from the manifest, else empty
	Playbook     string    `json:"playbook"`
	Execution    string    `json:"execution"` // not started, running, completed, failed, cancelled, terminated, timed out
	Phase        string    `json:"phase"`
	Stage        string    `json:"stage"`
	Deadline     time.Time `json:"deadline,omitzero"`
	WaitingOn    string    `json:"waiting_on"`
	Open         int64     `json:"open"` // dataflows still to be settled
	ErrorType    string    `json:"error_type"`
	WorkflowID   string    `json:"workflow_id"`
	RunID        string    `json:"run_id"`
	URL          string    `json:"url"`
	started      time.Time
}

const notStarted = "not started"

func summarize(info *workflowpb.WorkflowExecutionInfo) summary {
	fields := info.GetSearchAttributes().GetIndexedFields()
	s := summary{
		Organization: attribute[string](fields, workflows.AttributeOrganization.GetName()),
		Playbook:     attribute[string](fields, workflows.AttributePlaybook.GetName()),
		Execution:    executionStatus(info.GetStatus()),
		Phase:        attribute[string](fields, workflows.AttributePhase.GetName()),
		Stage:        attribute[string](fields, workflows.AttributeStage.GetName()),
		Deadline:     attribute[time.Time](fields, workflows.AttributeDeadline.GetName()),
		WaitingOn:    attribute[string](fields, workflows.AttributeWaitingOn.GetName()),
		Open:         attribute[int64](fields, workflows.AttributeOpen.GetName()),
		ErrorType:    attribute[string](fields, workflows.AttributeErrorType.GetName()),
		WorkflowID:   info.GetExecution().GetWorkflowId(),
		RunID:        info.GetExecution().GetRunId(),
		started:      info.GetStartTime().AsTime(),
	}
	s.Deadline = s.Deadline.UTC()
	if s.Organization == "" { // somebody unset it; the id still tells
		s.Organization = s.WorkflowID[strings.LastIndex(s.WorkflowID, "/")+1:]
	}
	return s
}

// attribute is the zero value for one that is not set or that somebody set to another type.
func attribute[T any](fields map[string]*commonpb.Payload, name string) (value T) {
	if payload, ok := fields[name]; ok {
		if err := converter.GetDefaultDataConverter().FromPayload(payload, &value); err != nil {
			var zero T
			return zero
		}
	}
	return value
}

// executionStatus is Temporal's word for how a workflow stands, as people write it.
func executionStatus(status enumspb.WorkflowExecutionStatus) string {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "cancelled"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "timed out"
	case enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return "continued"
	default:
		return strings.ToLower(status.String())
	}
}
