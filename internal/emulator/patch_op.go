package emulator

import (
	"encoding/json"
	"slices"
)

// Operations of the ledger for a PATCH of a flow; OpPatch is every other one.
const (
	OpPatch          = "patch"
	OpAddAudience    = "add-audience"    // one audience came and nothing else changed; Detail holds its id
	OpRemoveAudience = "remove-audience" // one audience went and nothing else changed; Detail holds its id
)

// nameEdit has the ledger tell an audience that comes or goes from every other change of the flow's transformations.
func (c *call) nameEdit(f *flow, transformations json.RawMessage) {
	_, before := f.decode()
	changed := flow{transformations: transformations}
	_, after := changed.decode()
	came, went := missing(after.Selectors, before.Selectors), missing(before.Selectors, after.Selectors)
	switch {
	case string(f.withoutAudiences()) != string(changed.withoutAudiences()):
	case len(came) == 1 && len(went) == 0:
		c.entry.Op, c.entry.Detail = OpAddAudience, came[0].identity()
	case len(went) == 1 && len(came) == 0:
		c.entry.Op, c.entry.Detail = OpRemoveAudience, went[0].identity()
	}
}

// missing lists what is in a and not in b, each as often as it is lacking.
func missing(a, b []selector) []selector {
	rest := slices.Clone(b)
	var lacking []selector
	for _, s := range a {
		if i := slices.IndexFunc(rest, func(r selector) bool { return string(mustJSON(r)) == string(mustJSON(s)) }); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		lacking = append(lacking, s)
	}
	return lacking
}

// withoutAudiences is all of the flow's transformations but the audiences.
func (f *flow) withoutAudiences() json.RawMessage {
	all, _ := f.decode()
	for _, t := range all {
		delete(t.Params, "segmentSelectors")
	}
	return mustJSON(all)
}

// identity is what tells audiences apart: Adobe's own id of an external audience, else its only one.
func (s selector) identity() string { return or(s.text("systemSegmentId"), s.text("id")) }
