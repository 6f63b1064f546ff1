package adobe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// The settled states of a dataflow. Between them a dataflow can be in others, such
// as enabling, disabling, updating or initializing.
const (
	StateEnabled  = "enabled"
	StateDisabled = "disabled"
)

// Dataflow is a flow of the destinations side.
type Dataflow struct {
	ID          string
	Name        string
	Description string
	// State is lower case: enabled, disabled, or one of those in between.
	State string
	// Etag holds its double quotes, as PatchDataflow wants it.
	Etag string
	// SpecID is the card: the connection spec of the target connection.
	SpecID string
	// AccountID is the base connection of the target connection.
	AccountID          string
	TargetConnectionID string
	FlowSpecID         string
	SandboxName        string
	CreatedAt          time.Time
	UpdatedAt          time.Time
	CreatedBy          string
	UpdatedBy          string
	// Audiences are sorted by id, each once.
	Audiences []Audience
	// Mappings are sorted by source and destination.
	Mappings    []Mapping
	MappingForm MappingForm
	// Transformations is what Adobe answered, for what the fields above do not tell.
	Transformations json.RawMessage

	selectors    []selector
	audienceHome int // the transformation that takes further audiences; -1 if none does
}

func (d Dataflow) id() string { return d.ID }

type wireDataflow struct {
	version

	ID                  text            `json:"id"`
	Name                text            `json:"name"`
	Description         text            `json:"description"`
	State               text            `json:"state"`
	FlowSpec            ref             `json:"flowSpec"`
	SandboxName         text            `json:"sandboxName"`
	CreatedAt           instant         `json:"createdAt"`
	UpdatedAt           instant         `json:"updatedAt"`
	CreatedBy           text            `json:"createdBy"`
	UpdatedBy           text            `json:"updatedBy"`
	TargetConnectionIDs []text          `json:"targetConnectionIds"`
	Inherited           inherited       `json:"inheritedAttributes"`
	Transformations     transformations `json:"transformations"`
}

// transformations are kept as answered beside what is read of them. What cannot be
// read is refused: an audience overlooked would be one too few at the destination.
type transformations struct {
	raw  json.RawMessage
	list []wireTransform
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *transformations) UnmarshalJSON(raw []byte) error {
	t.raw = slices.Clone(raw)
	if err := json.Unmarshal(raw, &t.list); err != nil {
		return err
	}
	found, _ := audienceSelectors(t.list)
	if slices.ContainsFunc(found, func(s selector) bool { return s.audience.ID == "" }) {
		return errors.New("an audience without an id")
	}
	return nil
}

type inherited struct {
	TargetConnections []inheritedTarget `json:"targetConnections"`
}

type inheritedTarget struct {
	ID             text `json:"id"`
	ConnectionSpec ref  `json:"connectionSpec"`
	BaseConnection ref  `json:"baseConnection"`
}

func (w wireDataflow) value() Dataflow {
	flow := Dataflow{
		ID:              string(w.ID),
		Name:            string(w.Name),
		Description:     string(w.Description),
		State:           lower(w.State),
		Etag:            w.etag(),
		FlowSpecID:      string(w.FlowSpec.ID),
		SandboxName:     string(w.SandboxName),
		CreatedAt:       w.CreatedAt.Time,
		UpdatedAt:       w.UpdatedAt.Time,
		CreatedBy:       string(w.CreatedBy),
		UpdatedBy:       string(w.UpdatedBy),
		Transformations: w.Transformations.raw,
	}
	if targets := w.Inherited.TargetConnections; len(targets) > 0 {
		flow.SpecID = string(targets[0].ConnectionSpec.ID)
		flow.AccountID = string(targets[0].BaseConnection.ID)
		flow.TargetConnectionID = string(targets[0].ID)
	}
	if flow.TargetConnectionID == "" && len(w.TargetConnectionIDs) > 0 {
		flow.TargetConnectionID = string(w.TargetConnectionIDs[0])
	}
	transforms := w.Transformations.list
	flow.selectors, flow.audienceHome = audienceSelectors(transforms)
	flow.Audiences = audiences(flow.selectors)
	flow.MappingForm, flow.Mappings = mappings(transforms)
	return flow
}

// Dataflows returns the dataflows of the given cards, from every page, each once,
// sorted by id. Dataflows hidden by access labels are missing without a sign.
func (s *Sandbox) Dataflows(ctx context.Context, specIDs ...string) ([]Dataflow, error) {
	const op = "list dataflows"
	filters, err := anyOf(op, "inheritedAttributes.targetConnections[].connectionSpec.id", specIDs)
	if err != nil {
		return nil, err
	}
	flows, err := list[wireDataflow, Dataflow](ctx, s, queries(op, "/flows", filters)...)
	if err != nil {
		return nil, err
	}
	return only(s, op, flows, "connectionSpec.id of the target connection", specIDs, func(d Dataflow) string { return d.SpecID })
}

// Dataflow reads one dataflow.
func (s *Sandbox) Dataflow(ctx context.Context, id string) (Dataflow, error) {
	return read[wireDataflow, Dataflow](ctx, s, "read dataflow "+id, "/flows", id)
}

// Enable asks Adobe to enable a dataflow. It does not wait for the state to change.
// A dataflow that is enabled already gives an error for which [ErrState] holds.
func (s *Sandbox) Enable(ctx context.Context, id string) error {
	return s.act(ctx, "enable", id)
}

// Disable asks Adobe to disable a dataflow, as [Sandbox.Enable] does the opposite.
func (s *Sandbox) Disable(ctx context.Context, id string) error {
	return s.act(ctx, "disable", id)
}

func (s *Sandbox) act(ctx context.Context, action, id string) error {
	op := action + " dataflow " + id
	if err := checkID(op, id); err != nil {
		return err
	}
	return s.write(ctx, id, request{
		op: op, method: http.MethodPost, path: "/flows/" + id + "/action", query: url.Values{"op": {action}},
	})
}
