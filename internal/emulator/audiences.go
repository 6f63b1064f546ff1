package emulator

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// transformation is the one member of a flow's transformations. Params keep whatever a caller wrote.
type transformation struct {
	Name   string                     `json:"name"`
	Params map[string]json.RawMessage `json:"params"`
}

// selectors is a list of audiences or mappings.
type selectors struct {
	Selectors []selector `json:"selectors"`
}

type selector struct {
	Type  string                     `json:"type"`
	Value map[string]json.RawMessage `json:"value"`
}

// text is a string member of the selector's value, empty if absent.
func (s selector) text(key string) string {
	var out string
	if raw, ok := s.Value[key]; !ok || json.Unmarshal(raw, &out) != nil {
		return ""
	}
	return out
}

func (s selector) set(key, value string) { s.Value[key] = quoted(value) }

// quoted is the string as JSON.
func quoted(s string) json.RawMessage { return mustJSON(s) }

// mustJSON is for values built here, which always marshal.
func mustJSON(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		panic("emulator: marshal: " + err.Error())
	}
	return out
}

// newTransformations builds what a flow to Pinterest carries.
func newTransformations(audiences []Audience, form string, at time.Time) json.RawMessage {
	list := selectors{Selectors: []selector{}}
	for _, audience := range audiences {
		list.Selectors = append(list.Selectors, newSelector(audience, at))
	}
	params := map[string]json.RawMessage{"segmentSelectors": mustJSON(list)}
	if form == "" {
		form = MappingSelectors
	}
	maps.Copy(params, mappings[form])
	return mustJSON([]transformation{{Name: "GeneralTransform", Params: params}})
}

func newSelector(audience Audience, at time.Time) selector {
	s := selector{Type: "PLATFORM_SEGMENT", Value: map[string]json.RawMessage{}}
	s.set("id", audience.ID)
	s.set("name", audience.Name)
	if audience.Namespace != "" {
		s.set("systemSegmentId", stableID("system segment", audience.ID))
		s.set("namespace", audience.Namespace)
	}
	s.stamp(at, at)
	return s
}

// stamp writes the times the system sets: strings of epoch seconds.
func (s selector) stamp(created, updated time.Time) {
	s.set("createTime", strconv.FormatInt(created.Unix(), 10))
	s.set("updateTime", strconv.FormatInt(updated.Unix(), 10))
}

// mappings are the two forms of one mapping: e-mail and the two advertising ids go to Pinterest's one target field.
var mappings = map[string]map[string]json.RawMessage{ //nolint:gochecknoglobals // constant, and costly to build for each flow
	MappingSelectors: selectorMapping(),
	MappingSet:       setMapping(),
}

func setMapping() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"profileMapping":   mustJSON(map[string]any{"mappingId": stableID("mapping set"), "mappingVersion": 0}),
		"mandatoryFields":  mustJSON([]string{}),
		"primaryFields":    primaryFields(),
		"identityMapping":  mustJSON(map[string]any{"pinterest_audience": []string{"Email", "GAID", "IDFA"}}),
		"attributeMapping": mustJSON(map[string]any{}),
	}
}

func selectorMapping() map[string]json.RawMessage {
	var list []map[string]any
	for _, namespace := range []string{"Email", "GAID", "IDFA"} {
		list = append(list, map[string]any{
			"type": "JSON_PATH",
			"value": map[string]any{
				"path": "identityMap." + namespace, "operator": "EXISTS",
				"identity": map[string]string{"namespace": namespace},
				"mapping": map[string]any{
					"sourceType": "text/x.schema-path", "source": "identityMap." + namespace,
					"destination": "pinterest_audience", "identity": true, "primaryIdentity": namespace == "Email",
					"functionVersion": 0, "sourceAttribute": "identityMap." + namespace,
					"destinationXdmPath": "identityMap.pinterest_audience",
				},
			},
		})
	}
	return map[string]json.RawMessage{
		"profileSelectors": mustJSON(map[string]any{
			"selectors": list, "mandatoryFields": []string{}, "primaryFields": primaryFields(),
		}),
	}
}

func primaryFields() json.RawMessage {
	return mustJSON([]any{map[string]string{"fieldType": "IDENTITY", "identityNamespace": "Email"}})
}

// decode reads the flow's transformation and its audiences; both are empty when the flow has none.
func (f *flow) decode() ([]transformation, selectors) {
	var all []transformation
	var list selectors
	if json.Unmarshal(f.transformations, &all) == nil && len(all) > 0 {
		if raw, ok := all[0].Params["segmentSelectors"]; ok && json.Unmarshal(raw, &list) != nil {
			list = selectors{}
		}
	}
	return all, list
}

// audiences lists what the flow exports. The list is shared and must not be changed.
func (f *flow) audiences() []Audience {
	if len(f.transformations) == 0 {
		return nil
	}
	// Transformations are replaced as a whole and never changed in place.
	if first := &f.transformations[0]; f.exported.of != first {
		f.exported.of, f.exported.list = first, f.readAudiences()
	}
	return f.exported.list
}

func (f *flow) readAudiences() []Audience {
	_, list := f.decode()
	out := make([]Audience, 0, len(list.Selectors))
	for _, s := range list.Selectors {
		out = append(out, Audience{Name: s.text("name"), ID: s.text("id"), Namespace: s.text("namespace")})
	}
	return out
}

// editAudiences lets change work on the audiences and stores what it returns.
func (f *flow) editAudiences(change func([]selector) []selector) {
	all, list := f.decode()
	if len(all) == 0 {
		all = []transformation{{Name: "GeneralTransform", Params: map[string]json.RawMessage{}}}
	}
	list.Selectors = change(list.Selectors)
	if list.Selectors == nil {
		list.Selectors = []selector{}
	}
	all[0].Params["segmentSelectors"] = mustJSON(list)
	f.transformations = mustJSON(all)
}

// stampNew gives the system's times to every audience that was not there before, or not like this.
func (f *flow) stampNew(before []selector, at time.Time) {
	f.editAudiences(func(now []selector) []selector {
		for _, s := range now {
			created := at
			i := slices.IndexFunc(before, func(b selector) bool { return b.text("id") == s.text("id") })
			if i >= 0 {
				if string(mustJSON(before[i])) == string(mustJSON(s)) {
					continue
				}
				if seconds, err := strconv.ParseInt(before[i].text("createTime"), 10, 64); err == nil {
					created = time.Unix(seconds, 0)
				}
			}
			if s.Value != nil {
				s.stamp(created, at)
			}
		}
		return now
	})
}
