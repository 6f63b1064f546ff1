package workflows

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/migration"
)

// Task queues. What changes something at a vendor has a queue of its own, so that the queue's rate limit is a live throttle and zero is the
// kill switch.
const (
	TaskQueue       = "cutover"
	WritesTaskQueue = activities.WritesTaskQueue
)

// Names that clients use. They are frozen by the histories and scripts that hold them.
const (
	MigrateOrganizationName = "MigrateOrganization"
	PlanOrganizationName    = "PlanOrganization"
	KeepGrantsName          = "KeepGrants"

	SignalReauthCompleted = "reauth-completed"       // ReauthCompleted; works with no worker up, and in bulk
	UpdateReauthCompleted = "reauth-completed"       // ReauthCompleted to AccountAnswer: its twin that answers at once
	UpdateApprove         = "approve"                // Approve
	UpdatePause           = "pause"                  // Pause
	UpdateResume          = "resume"                 // Resume
	UpdatePair            = "pair"                   // Choose
	UpdateSettle          = "settle"                 // Settle
	UpdateRollback        = "rollback"               // Rollback
	UpdateReschedule      = "reschedule"             // Reschedule
	QueryStatus           = "status"                 // migration.Status
	QueryPlan             = "plan"                   // *migration.Plan, nil before there is one
	QueryEvidence         = activities.QueryEvidence // activities.Evidence
)

// WorkflowID is the id of an organization's workflow. One id per playbook and organization means that a second start is refused, not doubled.
func WorkflowID(playbook, organization string) string {
	return "cutover/" + playbook + "/" + organization
}

// Input starts MigrateOrganization. State is set by continue-as-new only.
type Input struct {
	Organization migration.Organization `json:"organization"`
	Playbook     migration.Playbook     `json:"playbook"`
	State        *migration.State       `json:"state,omitempty"`
}

// Result is how a migration ended.
type Result struct {
	Outcome  migration.Phase `json:"outcome"`
	Switched int             `json:"switched,omitempty"`  // dataflows that run on the new card
	LeftOff  int             `json:"left_off,omitempty"`  // dataflows that were switched off before and stay so
	LeftOut  int             `json:"left_out,omitempty"`  // dataflows that a person left out
	WentBack int             `json:"went_back,omitempty"` // dataflows that were rolled back and run on the old card
	Evidence string          `json:"evidence,omitempty"`
}

// PlanInput starts PlanOrganization, which reads and plans and changes nothing.
type PlanInput struct {
	Organization migration.Organization `json:"organization"`
	Playbook     migration.Playbook     `json:"playbook"`
	Terms        *migration.Terms       `json:"terms,omitempty"` // of the running workflow; nil: it was not started
}

func (in PlanInput) terms(now time.Time) migration.Terms {
	if in.Terms != nil {
		return *in.Terms
	}
	return (&migration.State{}).Terms(in.Playbook, now)
}

// ReauthCompleted says that somebody signed in again for an account. It is a claim: the account itself is looked at.
type ReauthCompleted struct {
	Account string `json:"account"`
	By      string `json:"by"`
	Note    string `json:"note,omitempty"`
}

// AccountAnswer is what a look at a claimed account showed.
type AccountAnswer struct {
	Account  string `json:"account"`
	Verified bool   `json:"verified"`
	Reason   string `json:"reason"`
}

// Approve agrees to the plan with this hash.
type Approve struct {
	By   string `json:"by"`
	Plan string `json:"plan"`
}

// Pause stops planning and changing until Resume.
type Pause struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Resume ends a pause and looks again at whatever was held, or releases the one pair of Old.
type Resume struct {
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
	Old  string `json:"old,omitempty"`
	// AcceptListed says that the listed dataflows are all there are, although more were expected.
	AcceptListed bool `json:"accept_listed,omitempty"`
}

// Choose answers a question of the plan: New is the copy of Old, or migration.LeaveOut.
type Choose struct {
	By  string `json:"by"`
	Old string `json:"old"`
	New string `json:"new"`
}

// Settle answers what is asked about a pair: what to do about its drift, or, with migration.AnswerAccept, that its flow runs are good enough.
type Settle struct {
	By     string           `json:"by"`
	Old    string           `json:"old"`
	Answer migration.Answer `json:"answer"`
}

// Rollback takes switched pairs back to the old card: all of them, after which nothing more is switched until Resume, or the one of Old.
type Rollback struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Old    string `json:"old,omitempty"`
}

// Reschedule moves this organization's deadlines. A zero instant leaves that one as it is.
type Reschedule struct {
	By               string    `json:"by"`
	Reason           string    `json:"reason"`
	ReauthenticateBy time.Time `json:"reauthenticate_by,omitzero"`
	Shutdown         time.Time `json:"shutdown,omitzero"`
}

// Search attributes answer "who is late" and "who is stuck" in the Web UI. They are never encrypted: no names of people, no secrets.
var (
	AttributeOrganization = temporal.NewSearchAttributeKeyKeyword("CutoverOrganization")
	AttributePlaybook     = temporal.NewSearchAttributeKeyKeyword("CutoverPlaybook")
	AttributePhase        = temporal.NewSearchAttributeKeyKeyword("CutoverPhase")
	AttributeStage        = temporal.NewSearchAttributeKeyKeyword("CutoverStage")
	AttributeDeadline     = temporal.NewSearchAttributeKeyTime("CutoverDeadline")
	AttributeWaitingOn    = temporal.NewSearchAttributeKeyKeyword("CutoverWaitingOn")
	AttributeOpen         = temporal.NewSearchAttributeKeyInt64("CutoverOpen")
	AttributeErrorType    = temporal.NewSearchAttributeKeyKeyword("CutoverErrorType")
)

// SearchAttributes is the one list that the dev server, the compose file, the tests and the worker's start-up check share.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	list := map[string]enumspb.IndexedValueType{}
	for _, key := range []temporal.SearchAttributeKey{
		AttributeOrganization, AttributePlaybook, AttributePhase, AttributeStage,
		AttributeDeadline, AttributeWaitingOn, AttributeOpen, AttributeErrorType,
	} {
		list[key.GetName()] = key.GetValueType()
	}
	return list
}

// StartOptions are the options to start an organization with. A running or finished workflow of the same id makes the start fail with
// serviceerror.WorkflowExecutionAlreadyStarted; one that failed or was cancelled or terminated may be started again.
func StartOptions(in Input, now time.Time) client.StartWorkflowOptions {
	stage := in.Playbook.Timeline.Stage(now)
	_, deadline := in.Playbook.Timeline.Deadline(now)
	if deadline.IsZero() {
		deadline = in.Playbook.Timeline.Shutdown
	}
	return client.StartWorkflowOptions{
		ID:                                       WorkflowID(in.Playbook.Name, in.Organization.ID),
		TaskQueue:                                TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            in.Organization.Name + ": " + in.Playbook.Title,
		StaticDetails:                            staticDetails(in),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			AttributeOrganization.ValueSet(in.Organization.ID),
			AttributePlaybook.ValueSet(in.Playbook.Name),
			AttributePhase.ValueSet(string(migration.Assessing)),
			AttributeStage.ValueSet(string(stage)),
			AttributeDeadline.ValueSet(deadline),
		),
	}
}

// GrantsID is the id of the one workflow that keeps the grants that are held.
const GrantsID = "cutover-grants"

// GrantsOptions are the options to start KeepGrants with. Every worker starts it; all of them share one.
func GrantsOptions() client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       GrantsID,
		TaskQueue:                TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "keeps the grants that are held: renews each ahead of its end",
	}
}

// PlanOptions are the options to run PlanOrganization with. Concurrent previews share one run.
func PlanOptions(in PlanInput) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       "cutover-plan/" + in.Playbook.Name + "/" + in.Organization.ID,
		TaskQueue:                TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowExecutionTimeout: planTimeout,
		StaticSummary:            in.Organization.Name + ": plan preview, changes nothing",
	}
}
