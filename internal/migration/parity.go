package migration

import (
	"cmp"
	"slices"
	"strings"
)

// DriftKind is a kind of difference between an old dataflow and its copy.
type DriftKind string

// The kinds; a playbook has a policy for each.
const (
	AudienceMissing DriftKind = "audience missing on the copy"
	AudienceExtra   DriftKind = "audience only on the copy"
	MappingDiffers  DriftKind = "mapping differs"
	AdvertiserOther DriftKind = "another advertiser"
	NameDiffers     DriftKind = "another name"
)

// Drift is one difference.
type Drift struct {
	Kind DriftKind `json:"kind"`
	Item string    `json:"item"`
}

// Compare lists what differs between an old dataflow and its copy. Empty means parity. Changes on the old card after the copy was made are not
// carried over by Adobe, and this is where they show. Mapping sets with different references say nothing and are not called a difference.
func Compare(old, copied Dataflow) []Drift {
	var drift []Drift
	for _, a := range missing(old.Audiences, copied.Audiences) {
		drift = append(drift, Drift{AudienceMissing, a.String()})
	}
	for _, a := range missing(copied.Audiences, old.Audiences) {
		drift = append(drift, Drift{AudienceExtra, a.String()})
	}
	if old.Mappings.Set == "" && copied.Mappings.Set == "" {
		was, is := sorted(old.Mappings.Fields), sorted(copied.Mappings.Fields)
		for _, field := range was {
			if !slices.Contains(is, field) {
				drift = append(drift, Drift{MappingDiffers, "missing on the copy: " + field})
			}
		}
		for _, field := range is {
			if !slices.Contains(was, field) {
				drift = append(drift, Drift{MappingDiffers, "only on the copy: " + field})
			}
		}
	}
	if old.Advertiser != copied.Advertiser {
		drift = append(drift, Drift{AdvertiserOther, old.Advertiser + " is now " + copied.Advertiser})
	}
	if old.Name != copied.Name {
		drift = append(drift, Drift{NameDiffers, old.Name + " is now " + copied.Name})
	}
	// The vendor lists in any order; the plan's hash must not depend on it.
	slices.SortFunc(drift, func(a, b Drift) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Item, b.Item))
	})
	return drift
}

// Of is the policy for a kind of drift.
func (p DriftPolicy) Of(kind DriftKind) Policy {
	switch kind {
	case AudienceMissing:
		return p.AudienceMissing
	case AudienceExtra:
		return p.AudienceExtra
	case MappingDiffers:
		return p.Mapping
	case AdvertiserOther:
		return p.Advertiser
	case NameDiffers:
		return p.Name
	}
	return Ask
}

// missing are the audiences of a that b lacks, each once, in a's order.
func missing(a, b []Audience) []Audience {
	seen := map[string]bool{}
	for _, audience := range b {
		seen[audience.ID] = true
	}
	var out []Audience
	for _, audience := range a {
		if !seen[audience.ID] {
			seen[audience.ID] = true
			out = append(out, audience)
		}
	}
	return out
}
