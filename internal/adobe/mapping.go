package adobe

import (
	"cmp"
	"slices"
	"strings"
)

// MappingForm says how a dataflow holds its mappings.
type MappingForm string

// The forms of mappings. Dataflows of different forms cannot be compared.
const (
	// MappingNone is a dataflow without mappings.
	MappingNone MappingForm = "none"
	// MappingSelectors lists every mapping in the dataflow itself.
	MappingSelectors MappingForm = "selectors"
	// MappingSet names a mapping set kept elsewhere: only its id and version are known.
	MappingSet MappingForm = "set"
	// MappingUnknown is a form that is not documented.
	MappingUnknown MappingForm = "unknown"
)

// Mapping is one field or identity that a dataflow exports, or a whole mapping set.
type Mapping struct {
	// Source is the profile's field or identity.
	Source string
	// Destination is the destination's field; empty if the source's name is kept.
	Destination string
	// Namespace is the identity namespace of the source; empty for attributes.
	Namespace string
	// SetID and SetVersion name a mapping set; everything else is then empty.
	SetID      string
	SetVersion string
}

type wireProfileSelector struct {
	Value struct {
		Path     text             `json:"path"`
		Identity loose[namespace] `json:"identity"`
		Mapping  loose[wireField] `json:"mapping"`
	} `json:"value"`
}

type namespace struct {
	Namespace text `json:"namespace"`
}

type wireField struct {
	Source             text `json:"source"`
	Destination        text `json:"destination"`
	SourceAttribute    text `json:"sourceAttribute"`
	DestinationXDMPath text `json:"destinationXdmPath"`
}

func (w wireProfileSelector) mapping() Mapping {
	field := w.Value.Mapping.value
	return Mapping{
		Source:      string(cmp.Or(field.Source, field.SourceAttribute, w.Value.Path)),
		Destination: string(cmp.Or(field.Destination, field.DestinationXDMPath)),
		Namespace:   string(w.Value.Identity.value.Namespace),
	}
}

type wireProfileMapping struct {
	MappingID      text `json:"mappingId"`
	MappingVersion text `json:"mappingVersion"`
}

func mappings(transforms []wireTransform) (MappingForm, []Mapping) {
	form := MappingNone
	var all []Mapping
	for _, transform := range transforms {
		found, some := transform.Params.mappings()
		switch {
		case found == MappingNone:
			continue
		case form != MappingNone && form != found:
			return MappingUnknown, nil
		}
		form, all = found, append(all, some...)
	}
	slices.SortFunc(all, func(a, b Mapping) int {
		return cmp.Or(
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.SetID, b.SetID), cmp.Compare(a.SetVersion, b.SetVersion),
		)
	})
	if form == MappingUnknown {
		return form, nil
	}
	return form, slices.Compact(all)
}

func (p wireParams) mappings() (MappingForm, []Mapping) {
	switch {
	case p.Profiles != nil && p.ProfileMapping != nil:
		return MappingUnknown, nil
	case p.ProfileMapping != nil:
		if p.ProfileMapping.MappingID == "" {
			return MappingUnknown, nil
		}
		return MappingSet, []Mapping{{
			SetID: string(p.ProfileMapping.MappingID), SetVersion: string(p.ProfileMapping.MappingVersion),
		}}
	case p.Profiles == nil || len(p.Profiles.Selectors) == 0:
		return MappingNone, nil
	}
	var all []Mapping
	for _, selector := range p.Profiles.Selectors {
		m := selector.value.mapping()
		if m.Source == "" {
			return MappingUnknown, nil
		}
		all = append(all, m)
	}
	return MappingSelectors, all
}

func lower(t text) string { return strings.ToLower(string(t)) }
