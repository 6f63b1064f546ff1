package migration

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// RollbackUntil is when a switched pair can be rolled back no more: the playbook's span after its switch, and never later than the shutdown.
func RollbackUntil(pair PairState, p Playbook) time.Time {
	until := p.Timeline.Shutdown
	if pair.SwitchedAt.IsZero() {
		return until // it was left half way
	}
	if within := p.Rollback.Within.Std(); within > 0 && pair.SwitchedAt.Add(within).Before(until) {
		until = pair.SwitchedAt.Add(within)
	}
	return until
}

// halfDone tells whether a switch of the pair began and stopped for good, so that a side may be off that should run.
func (p PairState) halfDone() bool {
	return p.Begun && p.Progress == Held && p.SwitchedAt.IsZero() && (p.Action == Switch || p.Action == Finish)
}

// refuseBack tells why a pair cannot be rolled back at the instant now; nil if it can.
func refuseBack(pair PairState, p Playbook, now time.Time) error {
	switch until := RollbackUntil(pair, p); {
	case pair.SwitchedAt.IsZero() && !pair.halfDone() || pair.Progress == LeftOff:
		return fmt.Errorf("dataflow %q (%s) is not switched: it is %s", pair.Name, pair.Old, pair.Progress)
	case pair.Action == Already && len(pair.Toggled) == 0:
		return fmt.Errorf("dataflow %q (%s) ran on the new card already: it was not switched by this migration, so there is nothing to take back", pair.Name, pair.Old)
	case !now.Before(p.Timeline.Shutdown):
		return fmt.Errorf("the old API is closed since %s: going back would lead to a card that delivers nothing", Instant(p.Timeline.Shutdown))
	case pair.Late || pair.Action == Revive:
		return fmt.Errorf("dataflow %q (%s) has no old side to go back to", pair.Name, pair.Old)
	case !now.Before(until):
		return fmt.Errorf("dataflow %q (%s) was switched at %s and could be rolled back until %s", pair.Name, pair.Old, Instant(pair.SwitchedAt), Instant(until))
	}
	return nil
}

// RefuseRollback tells why an organization, or the one pair of the old dataflow old, cannot be rolled back now; nil if it can.
func (s *State) RefuseRollback(old string, p Playbook, now time.Time) error {
	if old != "" {
		pair := s.Pair(old)
		if pair == nil {
			return fmt.Errorf("dataflow %q is not an old dataflow of this organization's plan; starter status lists them", old)
		}
		return refuseBack(*pair, p, now)
	}
	var refusals []error
	for _, pair := range s.Pairs {
		if pair.SwitchedAt.IsZero() && !pair.halfDone() {
			continue
		}
		err := refuseBack(pair, p, now)
		if err == nil {
			return nil
		}
		refusals = append(refusals, err)
	}
	if len(refusals) == 0 {
		return errors.New("nothing was switched yet, so there is nothing to roll back")
	}
	return refusals[0]
}

// RollBack asks for every pair that can go back, or for one, to go back.
func (s *State) RollBack(old string, why Deed, p Playbook) {
	for i := range s.Pairs {
		if pair := &s.Pairs[i]; (old == "" || pair.Old == old) && refuseBack(*pair, p, why.At) == nil {
			pair.Back, pair.Apart = &why, old != ""
		}
	}
}

// FallBack has a pair go back by itself whose disable-first switch failed half way, so that both sides may be off, where the playbook lets failures go
// back. Any other pair stays where it is.
func (s *State) FallBack(old, why string, p Playbook, at time.Time) {
	pair := s.Pair(old)
	if pair == nil || !p.Rollback.OnFailure || p.CutOver.Order != DisableFirst || !pair.halfDone() || refuseBack(*pair, p, at) != nil {
		return
	}
	pair.Back = &Deed{At: at, By: Itself, What: why}
}

// GoingBack are the pairs that must be rolled back, the last switched first.
func (s *State) GoingBack() (pairs []PairState) {
	for _, pair := range slices.Backward(s.Pairs) {
		if pair.Back != nil {
			pairs = append(pairs, pair)
		}
	}
	slices.SortStableFunc(pairs, func(a, b PairState) int { return b.SwitchedAt.Compare(a.SwitchedAt) })
	return pairs
}

// WentBack takes in that a pair runs on the old card again. Where it went back by itself and its account waits for a person, it is tried again after
// that sign-in; else a person must have it tried again.
func (s *State) WentBack(old string) {
	pair := s.Pair(old)
	if pair == nil || pair.Back == nil {
		return
	}
	why := *pair.Back
	pair.Back, pair.SwitchedAt, pair.Begun, pair.Failing, pair.Overdue = nil, time.Time{}, false, false, false
	pair.Progress, pair.Note = WentBack, "rolled back by "+why.By+": "+why.What
	if account := s.Account(pair.Account); why.By == Itself && account != nil && !account.Verified {
		pair.Progress, s.Replan = Ready, true
	}
}

// WasBack tells whether the pair was switched and rolled back before.
func (p PairState) WasBack() bool {
	return slices.ContainsFunc(p.Toggled, func(t Toggled) bool { return t.Card == "new" && t.To == Disabled })
}

// AllWentBack tells whether something was rolled back and nothing runs on the new card by this migration's doing.
func (s *State) AllWentBack() bool {
	return len(s.SwitchedPairs()) == 0 && slices.ContainsFunc(s.Pairs, func(p PairState) bool { return p.Progress == WentBack }) &&
		!slices.ContainsFunc(s.Pairs, func(p PairState) bool { return p.Begun }) // nor was left half way
}

// CannotGoBack takes in that a rollback failed for good. The pair stays where it is, and a person is told why.
func (s *State) CannotGoBack(old, why string) {
	if pair := s.Pair(old); pair != nil {
		pair.Back, pair.Apart, pair.Note = nil, false, "not rolled back: "+why
	}
}

// CarryBack compares a copy with its old dataflow before a rollback: what must be done to the old dataflow so that nothing is lost, and what would
// be lost all the same. Only what was done to the copy since it was first seen counts: how it differed from the start was never the old dataflow's.
func CarryBack(old, copied Dataflow, base *Base) (changes []Carry, lost []string) {
	from := originsOf(base)
	first, known := from.copied[copied.ID]
	had := startsOf(first.Audiences)
	for _, a := range missing(copied.Audiences, old.Audiences) {
		if _, ever := had[a.ID]; !ever {
			changes = append(changes, Carry{Audience: a})
		}
	}
	if !known {
		return changes, nil
	}
	for _, a := range missing(old.Audiences, copied.Audiences) {
		if _, ever := had[a.ID]; ever {
			changes = append(changes, Carry{Audience: a, Remove: true})
		}
	}
	if !slices.Equal(sorted(first.Mappings.Fields), sorted(copied.Mappings.Fields)) || first.Mappings.Set != copied.Mappings.Set {
		lost = append(lost, "the copy's mappings were changed")
	}
	return changes, lost
}
