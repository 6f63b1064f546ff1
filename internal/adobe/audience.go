package adobe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Audience is an audience that a dataflow exports.
type Audience struct {
	// ID tells audiences apart: Adobe's own id of an external audience, else SelectorID.
	ID string
	// SelectorID is the id the dataflow holds: for an external audience, its origin's.
	SelectorID  string
	Name        string
	Description string
	// Namespace is the origin of an external audience, such as aamSegments; else empty.
	Namespace string
	// StartDate is the schedule's, as Adobe writes it; empty if it has none.
	StartDate string
}

const (
	typeAudience = "PLATFORM_SEGMENT"
	// How often a dataflow that changes under us is read again before the caller hears of it.
	maxConflicts = 3
)

// selector is where a dataflow holds an audience.
type selector struct {
	transformation int
	index          int
	audience       Audience
}

type wireTransform struct {
	Params wireParams `json:"params"`
}

type wireParams struct {
	Segments       *wireSelectors[wireSegment]                `json:"segmentSelectors"`
	Profiles       *wireSelectors[loose[wireProfileSelector]] `json:"profileSelectors"`
	ProfileMapping *wireProfileMapping                        `json:"profileMapping"`
}

type wireSelectors[T any] struct {
	Selectors []T `json:"selectors"`
}

type wireSegment struct {
	Type  text `json:"type"`
	Value struct {
		ID              text            `json:"id"`
		Name            text            `json:"name"`
		Description     text            `json:"description"`
		SystemSegmentID text            `json:"systemSegmentId"`
		Namespace       text            `json:"namespace"`
		Schedule        loose[schedule] `json:"schedule"`
	} `json:"value"`
}

type schedule struct {
	StartDate text `json:"startDate"`
}

func (w wireSegment) audience() Audience {
	return Audience{
		ID:          string(cmp.Or(w.Value.SystemSegmentID, w.Value.ID)),
		SelectorID:  string(w.Value.ID),
		Name:        string(w.Value.Name),
		Description: string(w.Value.Description),
		Namespace:   string(w.Value.Namespace),
		StartDate:   string(w.Value.Schedule.value.StartDate),
	}
}

func audienceSelectors(transforms []wireTransform) (found []selector, home int) {
	home = -1
	for t, transform := range transforms {
		if transform.Params.Segments == nil {
			continue
		}
		if home < 0 {
			home = t
		}
		for i, segment := range transform.Params.Segments.Selectors {
			if lower(segment.Type) == lower(typeAudience) {
				found = append(found, selector{transformation: t, index: i, audience: segment.audience()})
			}
		}
	}
	return found, home
}

func audiences(selectors []selector) []Audience {
	var all []Audience
	for _, s := range selectors {
		all = append(all, s.audience)
	}
	byID := func(a, b Audience) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortStableFunc(all, byID)
	return slices.CompactFunc(all, func(a, b Audience) bool { return a.ID == b.ID })
}

// AddAudience makes a dataflow export an audience and reads it back; one that is
// there already is left alone. If the dataflow changes in between it is read
// again, three times at most; then [ErrPrecondition] holds for the error. If Adobe
// accepts and does not show the audience yet, [ErrUnverified] holds.
func (s *Sandbox) AddAudience(ctx context.Context, id string, audience Audience) error {
	op := fmt.Sprintf("add audience %s to dataflow %s", audience.ID, id)
	if audience.ID == "" {
		return fmt.Errorf("adobe: %s: %s: the audience has no id", op, place(s.cred.Organization, s.name))
	}
	return s.edit(ctx, op, id, func(flow Dataflow) (PatchOp, int) {
		if len(holding(flow, audience.ID)) > 0 {
			return PatchOp{}, 0
		}
		return PatchOp{Op: OpAdd, Path: selectorsPath(flow.audienceHome) + "/-", Value: segmentValue(audience)}, 1
	})
}

// RemoveAudience makes a dataflow export an audience no more, in the manner of
// [Sandbox.AddAudience]. Only the audience's ID counts.
func (s *Sandbox) RemoveAudience(ctx context.Context, id string, audience Audience) error {
	op := fmt.Sprintf("remove audience %s from dataflow %s", audience.ID, id)
	if audience.ID == "" {
		return fmt.Errorf("adobe: %s: %s: the audience has no id", op, place(s.cred.Organization, s.name))
	}
	return s.edit(ctx, op, id, func(flow Dataflow) (PatchOp, int) {
		held := holding(flow, audience.ID)
		if len(held) == 0 {
			return PatchOp{}, 0
		}
		last := held[len(held)-1]
		path := fmt.Sprintf("%s/%d", selectorsPath(last.transformation), last.index)
		return PatchOp{Op: OpRemove, Path: path, Value: segmentValue(last.audience)}, len(held)
	})
}

// edit patches a dataflow, one operation at a time and each on a fresh reading,
// until next says that nothing is left. Adobe's meaning of several removals in one
// patch is not documented, so there is never more than one.
func (s *Sandbox) edit(ctx context.Context, op, id string, next func(Dataflow) (PatchOp, int)) error {
	conflicts, before := 0, -1
	for {
		flow, err := read[wireDataflow, Dataflow](ctx, s, op, "/flows", id)
		if err != nil {
			return err
		}
		patch, left := next(flow)
		switch {
		case left == 0:
			return nil
		case before >= 0 && left >= before:
			return fmt.Errorf("adobe: %s: %s: %w; try again shortly", op, place(s.cred.Organization, s.name), ErrUnverified)
		case flow.audienceHome < 0:
			return s.malformed(answer{op: op}, "transformations with segmentSelectors", flow.Transformations)
		}
		err = s.patch(ctx, op, "/flows", id, flow.Etag, []PatchOp{patch})
		switch {
		case err == nil:
			before = left
		case errors.Is(err, ErrPrecondition) && conflicts < maxConflicts:
			conflicts++
			before = -1
		default:
			return err
		}
	}
}

func holding(flow Dataflow, audienceID string) []selector {
	var held []selector
	for _, s := range flow.selectors {
		if s.audience.ID == audienceID {
			held = append(held, s)
		}
	}
	return held
}

func selectorsPath(transformation int) string {
	return fmt.Sprintf("/transformations/%d/params/segmentSelectors/selectors", transformation)
}

// segmentValue leaves out the times, which are the system's to set.
func segmentValue(a Audience) map[string]any {
	value := map[string]any{"id": cmp.Or(a.SelectorID, a.ID)}
	if a.SelectorID != "" && a.SelectorID != a.ID {
		value["systemSegmentId"] = a.ID
	}
	for name, field := range map[string]string{"name": a.Name, "description": a.Description, "namespace": a.Namespace} {
		if field != "" {
			value[name] = field
		}
	}
	if a.StartDate != "" {
		value["schedule"] = map[string]any{"startDate": a.StartDate}
	}
	return map[string]any{"type": typeAudience, "value": value}
}
