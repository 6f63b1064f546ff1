package migration

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Step is what an organization's workflow does next.
type Step string

// The steps.
const (
	StepAssess  Step = "assess"
	StepTell    Step = "tell"         // the first notice
	StepCheck   Step = "check claims" // accounts somebody says were re-authenticated
	StepPlan    Step = "plan"
	StepCutOver Step = "cut over"
	StepWait    Step = "wait"
	StepFinish  Step = "finish"
)

// Next decides the next step. A pause and a problem that holds stop everything that plans or changes; looking at accounts goes on.
func (s *State) Next(o Organization, p Playbook, now time.Time) Step {
	held := s.Paused != nil || s.Holding() != nil
	switch {
	case !s.Assessed:
		if held || now.Before(p.Timeline.Available) {
			return StepWait
		}
		return StepAssess
	case !s.Assessment.Affected && !s.Short(o):
		return StepFinish
	case s.Short(o):
		return StepWait
	case !s.Told && !held:
		return StepTell
	case len(s.Claims) > 0:
		return StepCheck
	case held:
		return StepWait
	case s.Replan:
		return StepPlan
	case len(s.Due(p)) > 0:
		return StepCutOver
	case s.settled():
		return StepFinish
	}
	return StepWait
}

// Due are the pairs that may be switched now: ready, approved if the playbook wants it, their account verified.
func (s *State) Due(p Playbook) []Pair {
	if s.NeedsApproval(p) {
		return nil
	}
	var due []Pair
	for _, pair := range s.Pairs {
		if account := s.Account(pair.Account); pair.Progress == Ready && account != nil && account.Verified {
			due = append(due, pair.Pair)
		}
	}
	return due
}

// NeedsApproval tells whether somebody must approve the current plan before anything is changed.
func (s *State) NeedsApproval(p Playbook) bool {
	return p.Approval == OperatorApproval && slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		return p.Progress == Ready && !slices.Contains(s.Approved, p.digest())
	})
}

// Short tells whether fewer dataflows are listed than the operator expects, and nobody said that this is right.
func (s *State) Short(o Organization) bool { return !s.AcceptListed && s.Assessment.Short(o) > 0 }

func (s *State) settled() bool {
	return s.Plan != nil && len(s.Plan.Questions) == 0 && !slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		return p.Progress != Verified && p.Progress != LeftOff
	})
}

// Who a wait is on.
const (
	OnOrganization = "organization"
	OnOperator     = "operator"
	OnVendor       = "vendor"
)

// Wait is something an organization waits for: on whom, for what, since when, by when, and what that person types.
type Wait struct {
	On      string    `json:"on"`
	Who     string    `json:"who"`
	What    string    `json:"what"`
	Since   time.Time `json:"since"`
	By      time.Time `json:"by"`
	Command string    `json:"command,omitempty"`
}

// Waits lists everything an organization waits for, what an operator must do first. Nothing waits in silence: each has all of its fields.
func (s *State) Waits(o Organization, p Playbook, now time.Time) []Wait {
	if s.Phase.Done() {
		return nil
	}
	_, by := p.Timeline.Deadline(now)
	if by.IsZero() {
		by = p.Timeline.Shutdown // overdue since
	}
	operator := func(what string, since time.Time, command string) Wait {
		return Wait{OnOperator, "operator", what, since, by, fmt.Sprintf("starter %s --org %s", command, o.ID)}
	}
	var waits []Wait
	if s.Paused != nil {
		waits = append(waits, operator("paused by "+s.Paused.By+": "+s.Paused.What, s.Paused.At, "resume --by NAME"))
	}
	if problem := s.Holding(); problem != nil {
		waits = append(waits, operator(problem.What, problem.At, "resume --by NAME"))
	}
	if !s.Assessed {
		if now.Before(p.Timeline.Available) {
			waits = append(waits, Wait{OnVendor, "Adobe", "the new card is available", s.Since, p.Timeline.Available, ""})
		}
		return waits
	}
	if s.Short(o) {
		waits = append(waits, operator(fmt.Sprintf("%d dataflows expected, %d listed: an access label may hide some from the credential; give its role the label, then resume (with --accept-listed if the list is right)",
			o.ExpectedDataflows, s.Assessment.Listed), s.Assessment.At, "resume --by NAME"))
		return waits
	}
	if s.Plan != nil {
		for _, q := range s.Plan.Questions {
			choices := strings.Join(append(slices.Clone(q.Candidates), LeaveOut), "|")
			waits = append(waits, operator(fmt.Sprintf("which dataflow is the copy of %q (%s): %s", q.Name, q.Old, q.Why), s.Plan.MadeAt,
				fmt.Sprintf("pair --by NAME --old %s --new %s", q.Old, choices)))
		}
	}
	for _, pair := range s.Pairs {
		switch {
		case pair.Progress == Held:
			waits = append(waits, operator(fmt.Sprintf("dataflow %q (%s): %s", pair.Name, pair.Old, pair.Note), s.Plan.MadeAt, "resume --by NAME"))
		case pair.Progress == Switched && (pair.Failing || pair.Overdue):
			waits = append(waits, operator(fmt.Sprintf("dataflow %q (%s): %s", pair.Name, pair.New, pair.Note), pair.SwitchedAt, "status"))
		}
	}
	if s.NeedsApproval(p) {
		waits = append(waits, operator("the plan "+s.Plan.Hash+" is approved", s.Plan.MadeAt, "approve --by NAME --plan "+s.Plan.Hash))
	}
	for _, account := range s.Pending() {
		waits = append(waits, Wait{
			OnOrganization, who(o), "Reconnect OAuth of account " + account.label(),
			account.Since, by, fmt.Sprintf("starter signal reauth-completed --org %s --account %s --by NAME", o.ID, account.ID),
		})
	}
	for _, pair := range s.Unverified() {
		if !pair.Failing && !pair.Overdue {
			waits = append(waits, Wait{
				OnVendor, "Adobe", fmt.Sprintf("first flow run of %q (%s)", pair.Name, pair.New), pair.SwitchedAt,
				pair.SwitchedAt.Add(p.Verification.Within.Std()), "",
			})
		}
	}
	return waits
}

func who(o Organization) string {
	if len(o.Contacts) > 0 {
		return strings.Join(o.Contacts, ", ")
	}
	return o.Name
}

// WaitPhase is the phase of an organization that waits: what an operator must settle comes first.
func (s *State) WaitPhase(o Organization, p Playbook, now time.Time) Phase {
	waits := slices.DeleteFunc(s.Waits(o, p, now), func(w Wait) bool { return s.Paused != nil && w.On == OnOperator && w.Since.Equal(s.Paused.At) })
	on := func(who string) bool { return slices.ContainsFunc(waits, func(w Wait) bool { return w.On == who }) }
	switch {
	case on(OnOperator) && s.NeedsApproval(p) && len(s.Plan.Questions) == 0 && s.Holding() == nil && !s.AnyHeld():
		return AwaitingApproval
	case on(OnOperator):
		return NeedsAttention
	case !s.Assessed:
		return Assessing
	case on(OnOrganization):
		return AwaitingReauth
	case len(s.Unverified()) > 0:
		return Verifying
	}
	return s.Phase
}

// AnyHeld tells whether a pair waits for an operator.
func (s *State) AnyHeld() bool {
	return slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		return p.Progress == Held || p.Progress == Switched && (p.Failing || p.Overdue)
	})
}

// Enter moves to a phase and notes since when.
func (s *State) Enter(phase Phase, now time.Time) {
	if s.Phase != phase {
		s.Phase, s.Since = phase, now
	}
}
