package migration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mark is what is kept of a plan that was replaced, so that a late approval of it can be answered with what changed.
type Mark struct {
	Hash  string            `json:"hash"`
	Pairs map[string]string `json:"pairs"` // digest by old dataflow
}

// A person who approves reads a plan that is minutes old, not days.
const maxMarks = 3

// mark keeps what the current plan was, before another replaces it.
func (s *State) mark(next Plan, p Playbook) {
	if p.Approval.Needs() == 0 || s.Plan == nil || s.Plan.Hash == next.Hash {
		return
	}
	s.Marks = append(s.Marks, Mark{s.Plan.Hash, digests(*s.Plan)})
	s.Marks = s.Marks[max(0, len(s.Marks)-maxMarks):]
}

func digests(p Plan) map[string]string {
	pairs := make(map[string]string, len(p.Pairs))
	for _, pair := range p.Pairs {
		pairs[pair.Old] = pair.digest()
	}
	return pairs
}

// Approve is one person's word that everything the current plan does may be done. It replaces what that person said before.
func (s *State) Approve(by string, at time.Time) {
	consent := Consent{At: at, By: by, Plan: s.Plan.Hash}
	for _, pair := range s.Pairs {
		if pair.Progress == Ready {
			consent.Pairs = append(consent.Pairs, pair.digest())
		}
	}
	for i := range s.Consents {
		if samePerson(s.Consents[i].By, by) {
			s.Consents[i].Pairs = nil // it is kept for the record
		}
	}
	s.Consents = append(s.Consents, consent)
	s.Consents = s.Consents[max(0, len(s.Consents)-maxConsents):]
}

// consenting are the people who agreed to a pair as it is planned now.
func (s *State) consenting(pair Pair) (by []string) {
	digest := pair.digest()
	for _, c := range s.Consents {
		if slices.Contains(c.Pairs, digest) && !slices.ContainsFunc(by, func(other string) bool { return samePerson(other, c.By) }) {
			by = append(by, c.By)
		}
	}
	return by
}

// A name in other letters is no second person.
func samePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// NeedsApproval tells whether somebody must approve the current plan before anything is changed.
func (s *State) NeedsApproval(p Playbook) bool {
	return p.Approval.Needs() > 0 && slices.ContainsFunc(s.Pairs, func(pair PairState) bool {
		return pair.Progress == Ready && len(s.consenting(pair.Pair)) < p.Approval.Needs()
	})
}

// RefuseApproval tells why a person cannot approve the plan with this hash now; nil if they can.
func (s *State) RefuseApproval(by, hash string, p Playbook) error {
	switch {
	case s.Plan == nil:
		return errors.New("there is no plan to approve yet")
	case hash != s.Plan.Hash:
		return fmt.Errorf("the plan is now %s, not %s: %s; look at it with starter plan, then approve that one", s.Plan.Hash, hash, s.difference(hash))
	case !s.NeedsApproval(p):
		return fmt.Errorf("nothing of the plan %s waits for an approval", hash)
	}
	for _, pair := range s.Pairs {
		if pair.Progress == Ready && !slices.ContainsFunc(s.consenting(pair.Pair), func(other string) bool { return samePerson(other, by) }) {
			return nil
		}
	}
	return fmt.Errorf("%s approved the plan %s already; it takes %d different people", by, hash, p.Approval.Needs())
}

// A difference names this many dataflows.
const namedDifferences = 10

// difference says what changed between an earlier plan and the current one.
func (s *State) difference(hash string) string {
	i := slices.IndexFunc(s.Marks, func(m Mark) bool { return m.Hash == hash })
	if i < 0 {
		return "no plan of this organization had that hash lately"
	}
	was := s.Marks[i].Pairs
	var changed []string
	for _, pair := range s.Plan.Pairs {
		before, known := was[pair.Old]
		switch {
		case !known:
			changed = append(changed, fmt.Sprintf("dataflow %q (%s) is new in it", pair.Name, pair.Old))
		case before != pair.digest():
			changed = append(changed, fmt.Sprintf("dataflow %q (%s) changed, now: %s", pair.Name, pair.Old, pair.summary()))
		}
	}
	for _, old := range sortedKeys(was) {
		if !slices.ContainsFunc(s.Plan.Pairs, func(p Pair) bool { return p.Old == old }) {
			changed = append(changed, "dataflow "+old+" is not in it any more")
		}
	}
	if len(changed) == 0 {
		return "only what is held or asked changed"
	}
	if more := len(changed) - namedDifferences; more > 0 {
		changed = append(changed[:namedDifferences], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(changed, "; ")
}

// summary is the pair's part in the plan in a few words.
func (p Pair) summary() string {
	words := []string{string(p.Action)}
	for _, c := range p.Carry {
		words = append(words, c.String())
	}
	if p.Hold != "" {
		words = append(words, "held: "+p.Hold)
	}
	return strings.Join(words, ", ")
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	//workflowcheck:ignore (the keys are sorted before anyone sees them)
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
