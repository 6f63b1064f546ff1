package migration

import (
	"slices"
	"strings"
	"time"
)

// Begins notes that a pair is about to be switched, so that what an interrupted switch left is told from what people did.
func (s *State) Begins(old string) {
	if pair := s.Pair(old); pair != nil {
		pair.Begun = true
	}
}

// Moved is how a pair was moved to a side. A zero instant means that the side was found as it should be: an attempt before, whose answer was lost,
// or a person did it.
type Moved struct {
	Enabled  time.Time `json:"enabled,omitzero"`
	Disabled time.Time `json:"disabled,omitzero"`
	Note     string    `json:"note,omitempty"`    // what could not be done and does not matter
	Carried  []Carry   `json:"carried,omitempty"` // back, by a rollback
	// Fingerprint is that of both sides after audiences were carried over, so that a watch does not take that for news.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// SwitchedOver takes in that a pair runs on the new card.
func (s *State) SwitchedOver(old string, m Moved, p Playbook, at time.Time) {
	pair := s.Pair(old)
	if pair == nil {
		return
	}
	if pair.Action == Switch || pair.Action == Revive {
		pair.toggled("new", Disabled, Enabled, m.Enabled, at, "")
	}
	if (pair.Action == Switch || pair.Action == Finish) && (!pair.Late || !m.Disabled.IsZero()) {
		pair.toggled("old", Enabled, Disabled, m.Disabled, at, "")
	}
	for _, c := range pair.Carry {
		s.carried(pair, Carried{At: at, Carry: c})
	}
	if m.Fingerprint != "" {
		pair.Fingerprint = m.Fingerprint
	}
	pair.Progress, pair.Note, pair.Stale, pair.Unanswered, pair.Begun, pair.Verdict = Switched, m.Note, 0, 0, false, nil
	pair.Failing, pair.Overdue = false, false
	switch {
	case !m.Enabled.IsZero():
		pair.SwitchedAt = m.Enabled
	case pair.SwitchedAt.IsZero():
		pair.SwitchedAt = at // an attempt before this one enabled it, or it ran all the time
	}
	if from := missedFrom(*pair, p); !from.IsZero() && from.Before(pair.SwitchedAt) && pair.Missed == nil {
		pair.Missed = &Window{From: from, To: pair.SwitchedAt}
	}
}

// missedFrom is since when a pair that is switched late delivered nothing: since the shutdown, or since a success of the old dataflow that is known
// to be later. A success of before does not say that it was the last. Where the copy ran already nothing is missed.
func missedFrom(pair PairState, p Playbook) time.Time {
	switch {
	case !pair.Late || pair.Action != Switch && pair.Action != Revive:
		return time.Time{}
	case pair.Delivered.After(p.Timeline.Shutdown):
		return pair.Delivered
	}
	return p.Timeline.Shutdown
}

// A pair that the vendor gave no answer about in this many bounds of an attempt is held.
const maxUnanswered = 12

// Unanswered takes in that a switch ran out of time without a verdict: the pair is tried again, and what happened meanwhile is seen to first. One that
// was asked for that often in vain needs a person; one that never began, because writes are stopped, does not.
func (s *State) Unanswered(old, why string, asked bool) {
	pair := s.Pair(old)
	if pair == nil {
		return
	}
	pair.Note = why
	if asked {
		pair.Unanswered++
	}
	if pair.Unanswered >= maxUnanswered {
		pair.Progress, pair.Unanswered = Held, 0
	}
}

// SwitchedBack takes in the toggles and audiences of a rollback that was done.
func (s *State) SwitchedBack(old string, m Moved, at time.Time) {
	pair := s.Pair(old)
	if pair == nil {
		return
	}
	why := ""
	if pair.Back != nil {
		why = "rolled back by " + pair.Back.By + ": " + pair.Back.What
	}
	for _, c := range m.Carried {
		s.carried(pair, Carried{At: at, Carry: c, Back: true})
	}
	if pair.SwitchedAt.IsZero() && !m.Enabled.IsZero() {
		pair.toggled("old", Enabled, Disabled, time.Time{}, m.Enabled, "") // by the switch that was left half way
	}
	if !pair.SwitchedAt.IsZero() || !m.Enabled.IsZero() {
		pair.toggled("old", Disabled, Enabled, m.Enabled, at, why)
	}
	if !pair.SwitchedAt.IsZero() || !m.Disabled.IsZero() {
		pair.toggled("new", Enabled, Disabled, m.Disabled, at, why)
	}
	s.WentBack(old)
	if m.Note != "" {
		pair.Note += "; " + m.Note
	}
}

// toggled notes a toggle, also one that was only seen done: what an interrupted attempt did must not be missing from the history.
func (p *PairState) toggled(card string, from, to DataflowState, made, seen time.Time, note string) {
	if made.IsZero() {
		made, note = seen, strings.TrimPrefix(note+"; seen done", "; ")
	}
	if len(p.Toggled) < maxToggled {
		p.Toggled = append(p.Toggled, Toggled{At: made, Card: card, From: from, To: to, Note: note})
	}
}

func (s *State) carried(pair *PairState, c Carried) {
	total := 0
	for _, p := range s.Pairs {
		total += len(p.Carried)
	}
	if total < maxCarried {
		pair.Carried = append(pair.Carried, c)
	}
}

// Missed is what a late dataflow did not deliver.
type Missed struct {
	Dataflow  string     `json:"dataflow"` // the old one's id
	Name      string     `json:"name"`
	From      time.Time  `json:"from"`
	To        time.Time  `json:"to,omitzero"`         // zero: it still does not
	Audiences []Audience `json:"audiences,omitempty"` // as far as they were read
}

// Undelivered lists what was not delivered, from when to when, per dataflow.
func (s *State) Undelivered() (list []Missed) {
	for _, pair := range s.Pairs {
		if pair.Missed != nil {
			list = append(list, Missed{Dataflow: pair.Old, Name: pair.Name, From: pair.Missed.From, To: pair.Missed.To})
		}
	}
	return list
}

// WithAudiences is the list with the audiences of each dataflow as it was first seen, when it was last known whole.
func WithAudiences(list []Missed, base *Base) []Missed {
	from := originsOf(base)
	list = slices.Clone(list)
	for i := range list {
		list[i].Audiences = from.old[list[i].Dataflow].Audiences
	}
	return list
}

// Disturbed tells whether a pair that was switched is not as its last plan saw it. A side between two states is looked at again later, and an old
// dataflow that was deleted after its switch is nobody's loss.
func Disturbed(flows map[string]Dataflow, old, copied, fingerprint string) bool {
	was, known := flows[old]
	is, listed := flows[copied]
	switch {
	case !listed:
		return true
	case !settled(is.State) || known && !settled(was.State):
		return false
	case is.State != Enabled || known && was.State != Disabled:
		return true
	case !known:
		return false
	}
	return Fingerprint(was, is) != fingerprint
}
