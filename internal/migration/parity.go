package migration

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"
)

// DriftKind is a kind of difference between an old dataflow and its copy.
type DriftKind string

// The kinds; a playbook has a policy for each.
const (
	AudienceAdded   DriftKind = "audience added to the old dataflow"
	AudienceRemoved DriftKind = "audience removed from the old dataflow"
	AudienceMissing DriftKind = "audience missing on the copy"
	AudienceExtra   DriftKind = "audience only on the copy"
	AudienceChanged DriftKind = "audience's schedule changed"
	MappingDiffers  DriftKind = "mapping differs"
	AdvertiserOther DriftKind = "another advertiser"
	NameDiffers     DriftKind = "another name"
	StateChanged    DriftKind = "switched by somebody"
	OldMissing      DriftKind = "old dataflow not listed"
	NoWayBack       DriftKind = "no way back"
)

// Drift is one difference and what the playbook does about it.
type Drift struct {
	Kind   DriftKind `json:"kind"`
	Item   string    `json:"item"`
	Policy Policy    `json:"policy,omitempty"`

	audience Audience // of the kinds that can be carried over
}

// Carry is a change of one audience of a copy that makes it follow its old dataflow, or of an old dataflow that makes it follow its copy back.
type Carry struct {
	Audience Audience `json:"audience"`
	Remove   bool     `json:"remove,omitempty"`
}

func (c Carry) String() string {
	if c.Remove {
		return "remove audience " + c.Audience.String()
	}
	return "add audience " + c.Audience.String()
}

// Base is what was first seen of an organization: what later changes are told from, and what a late organization is carried over by.
type Base struct {
	Snapshot
	Baselines map[string]Baseline `json:"baselines,omitempty"` // by old dataflow
	OldCard   string              `json:"old_card,omitempty"`  // its connection spec id, for when Adobe's catalog has it no more
	NewCard   string              `json:"new_card,omitempty"`
}

// Merge adds what a later look saw and the base does not know; of what it knows the first look counts.
func (b Base) Merge(later Base) Base {
	b.Old, b.New = merged(b.Old, later.Old), merged(b.New, later.New)
	b.OldCard, b.NewCard = cmp.Or(b.OldCard, later.OldCard), cmp.Or(b.NewCard, later.NewCard)
	for _, account := range later.Accounts {
		if !slices.ContainsFunc(b.Accounts, func(a Account) bool { return a.ID == account.ID }) {
			b.Accounts = append(slices.Clip(b.Accounts), account)
		}
	}
	b.Baselines = maps.Clone(b.Baselines)
	if b.Baselines == nil {
		b.Baselines = map[string]Baseline{}
	}
	for id, baseline := range later.Baselines {
		if known, ok := b.Baselines[id]; !ok || known.Runs == 0 {
			b.Baselines[id] = baseline
		}
	}
	if b.TakenAt.IsZero() {
		b.TakenAt = later.TakenAt
	}
	return b
}

func merged(first, later []Dataflow) []Dataflow {
	known := byIDs(first)
	for _, d := range later {
		if _, ok := known[d.ID]; !ok {
			first = append(slices.Clip(first), d)
		}
	}
	return first
}

func byIDs(list []Dataflow) map[string]Dataflow {
	index := make(map[string]Dataflow, len(list))
	for _, d := range list {
		index[d.ID] = d
	}
	return index
}

// WithGone is the snapshot with the old dataflows that the base knows and that are not listed any more, in the state Gone.
func (s Snapshot) WithGone(base *Base) Snapshot {
	if base == nil {
		return s
	}
	listed := byIDs(s.Old)
	for _, d := range base.Old {
		if _, ok := listed[d.ID]; !ok && d.State != Disabled { // what was off and is gone needs nothing
			d.State = Gone
			s.Old = append(slices.Clip(s.Old), d)
		}
	}
	return s
}

// origins is a base as comparisons look it up. The zero value knows nothing.
type origins struct {
	old, copied map[string]Dataflow
	at          time.Time
}

func originsOf(base *Base) origins {
	if base == nil {
		return origins{}
	}
	return origins{byIDs(base.Old), byIDs(base.New), base.TakenAt}
}

// asFirstSeen are the dataflows with the audiences that they had when they were first seen: those tell which copy was made of which dataflow, and what
// people did since then does not.
func asFirstSeen(list []Dataflow, seen map[string]Dataflow) []Dataflow {
	list = slices.Clone(list)
	for i, d := range list {
		if was, ok := seen[d.ID]; ok {
			list[i].Audiences = was.Audiences
		}
	}
	return list
}

// certain tells of a match whether it was one already when its sides were first seen. What fitted several then does not fit one now because somebody
// changed a name or an advertiser; only what fitted nothing at all may have come to fit.
func (o origins) certain(before, after []Dataflow, choices map[string]string) func(Match) bool {
	first := func(list []Dataflow, seen map[string]Dataflow) []Dataflow {
		list = slices.Clone(list)
		for i, d := range list {
			if was, ok := seen[d.ID]; ok {
				list[i] = was
			}
		}
		return list
	}
	before, after = first(before, o.old), first(after, o.copied)
	matches, _, _ := PairUp(before, after, choices)
	copyOf, originalOf := map[string]string{}, map[string]string{}
	for _, m := range matches {
		copyOf[m.Old.ID], originalOf[m.New.ID] = m.New.ID, m.Old.ID
	}
	free := slices.DeleteFunc(slices.Clone(after), func(n Dataflow) bool { return originalOf[n.ID] != "" })
	olds := byIDs(before)
	return func(m Match) bool {
		switch {
		case choices[m.Old.ID] != "", copyOf[m.Old.ID] == m.New.ID:
			return true
		case copyOf[m.Old.ID] != "", originalOf[m.New.ID] != "":
			return false
		}
		return len(likely(olds[m.Old.ID], free)) == 0
	}
}

// Compare lists what differs between an old dataflow and its copy. Empty means parity. Changes on the old card after the copy was made are not
// carried over by Adobe, and this is where they show: base tells on which side a difference arose. Mapping sets with different references say
// nothing and are not called a difference.
func Compare(old, copied Dataflow, base *Base) []Drift { return originsOf(base).compare(old, copied) }

func (o origins) compare(old, copied Dataflow) []Drift {
	var drift []Drift
	note := func(kind DriftKind, item string) { drift = append(drift, Drift{Kind: kind, Item: item}) }
	first, known := o.old[old.ID]
	firstCopy, copyKnown := o.copied[copied.ID]
	had, copyHad := startsOf(first.Audiences), startsOf(firstCopy.Audiences)
	for _, a := range missing(old.Audiences, copied.Audiences) {
		kind := AudienceMissing
		if _, ever := had[a.ID]; known && !ever {
			kind = AudienceAdded
		}
		drift = append(drift, Drift{Kind: kind, Item: a.String(), audience: a})
	}
	for _, a := range missing(copied.Audiences, old.Audiences) {
		kind := AudienceExtra
		_, ever := had[a.ID]
		if _, copiedWith := copyHad[a.ID]; ever && (copiedWith || !copyKnown) { // a copy that the base does not know is taken to have held it
			kind = AudienceRemoved
		}
		drift = append(drift, Drift{Kind: kind, Item: a.String(), audience: a})
	}
	for _, side := range []struct {
		now   Dataflow
		first map[string]string
	}{{old, had}, {copied, copyHad}} {
		for _, a := range side.now.Audiences {
			if was, ever := side.first[a.ID]; ever && was != a.Start {
				note(AudienceChanged, a.String()+" starts "+a.Start+" in "+side.now.ID+", at first "+was)
			}
		}
	}
	if old.Mappings.Set == "" && copied.Mappings.Set == "" {
		was, is := sorted(old.Mappings.Fields), sorted(copied.Mappings.Fields)
		for _, field := range was {
			if _, there := slices.BinarySearch(is, field); !there {
				note(MappingDiffers, "missing on the copy: "+field)
			}
		}
		for _, field := range is {
			if _, there := slices.BinarySearch(was, field); !there {
				note(MappingDiffers, "only on the copy: "+field)
			}
		}
	} else {
		if known && first.Mappings.Set != old.Mappings.Set {
			note(MappingDiffers, "the old dataflow's set was "+first.Mappings.Set+" and is "+old.Mappings.Set)
		}
		if copyKnown && firstCopy.Mappings.Set != copied.Mappings.Set {
			note(MappingDiffers, "the copy's set was "+firstCopy.Mappings.Set+" and is "+copied.Mappings.Set)
		}
	}
	if old.Advertiser != copied.Advertiser && old.State != Gone {
		note(AdvertiserOther, old.Advertiser+" is now "+copied.Advertiser)
	}
	if old.Name != copied.Name {
		note(NameDiffers, old.Name+" is now "+copied.Name)
	}
	// The vendor lists in any order; the plan's hash must not depend on it.
	slices.SortFunc(drift, func(a, b Drift) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Item, b.Item))
	})
	return drift
}

// startsOf are the starts of the audiences' schedules by id: a look-up, since lists have a thousand audiences and an organization hundreds of lists.
func startsOf(audiences []Audience) map[string]string {
	starts := make(map[string]string, len(audiences))
	for _, a := range audiences {
		if _, twice := starts[a.ID]; !twice {
			starts[a.ID] = a.Start
		}
	}
	return starts
}

func holds(audiences []Audience, id string) bool {
	return slices.ContainsFunc(audiences, func(a Audience) bool { return a.ID == id })
}

// Of is the policy for a kind of drift.
func (p DriftPolicy) Of(kind DriftKind) Policy {
	policy := map[DriftKind]Policy{
		AudienceAdded: p.AudienceAdded, AudienceRemoved: p.AudienceRemoved, AudienceMissing: p.AudienceMissing, AudienceExtra: p.AudienceExtra,
		AudienceChanged: p.AudienceChanged, MappingDiffers: p.Mapping, AdvertiserOther: p.Advertiser, NameDiffers: p.Name,
		StateChanged: p.State, OldMissing: p.OldGone,
	}[kind]
	return cmp.Or(policy, Ask)
}

// CanCarry tells whether a difference of this kind can be carried over by the worker.
func (k DriftKind) CanCarry() bool {
	return k == AudienceAdded || k == AudienceRemoved || k == AudienceMissing || k == StateChanged || k == OldMissing
}

// driftDigest identifies a list of differences, so that an answer to one list is never taken for an answer to another.
func driftDigest(drift []Drift) string {
	h := sha256.New()
	for _, d := range drift {
		write(h, string(d.Kind), d.Item)
	}
	return digest(h)
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

// Undo is the dataflow as it was before these changes of audiences, however many of them were made already: what a plan relied on.
func Undo(d Dataflow, changes []Carry) Dataflow {
	d.Audiences = slices.Clone(d.Audiences)
	for _, c := range changes {
		d.Audiences = slices.DeleteFunc(d.Audiences, func(a Audience) bool { return a.ID == c.Audience.ID })
		if c.Remove {
			d.Audiences = append(d.Audiences, c.Audience)
		}
	}
	return d
}

// Outstanding are the changes that the dataflow does not show yet.
func Outstanding(d Dataflow, changes []Carry) []Carry {
	return slices.DeleteFunc(slices.Clone(changes), func(c Carry) bool { return holds(d.Audiences, c.Audience.ID) != c.Remove })
}
