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
	StepRenew   Step = "renew"        // accounts whose grant the worker holds
	StepTell    Step = "tell"         // the first notice
	StepCheck   Step = "check claims" // accounts somebody says were re-authenticated
	StepPlan    Step = "plan"
	StepCutOver Step = "cut over"
	StepGoBack  Step = "roll back"
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
	case len(s.GoingBack()) > 0:
		return StepGoBack // also during a pause, and before a notice, which may take its time: whoever pauses wants things safe
	case !held && len(s.Renewable(p)) > 0:
		return StepRenew // before anybody is told: where a grant is held no person is needed
	case !s.Told && !held:
		return StepTell
	case len(s.Claims) > 0:
		return StepCheck
	case held:
		return StepWait
	case s.Replan, s.overtaken(p, now):
		return StepPlan
	case len(s.Due(p)) > 0:
		return StepCutOver
	case s.settled() && !s.Watches(p, now) && !s.stranded():
		return StepFinish
	}
	return StepWait
}

// Due are the pairs that may be switched now: ready, approved if the playbook wants it, their account verified. While the canary, the first of an
// organization that is switched, is not verified, it is the only one; once it was rolled back or stopped half way, nothing is due until a person has
// it tried again.
func (s *State) Due(p Playbook) []Pair {
	if s.NeedsApproval(p) {
		return nil
	}
	var due []Pair
	canary, passed := false, false
	for _, pair := range s.Pairs {
		halfDone := pair.Progress == Held && pair.Begun && p.CutOver.Order == DisableFirst // off on both sides, perhaps
		canary = canary || pair.Progress == Switched || pair.Progress == WentBack || halfDone
		passed = passed || pair.Progress == Verified
		if account := s.Account(pair.Account); pair.Progress == Ready && account != nil && account.Verified {
			due = append(due, pair.Pair)
		}
	}
	switch {
	case !p.CutOver.Canary || passed || len(due) == 0:
		return due
	case canary:
		return nil
	}
	return due[:1]
}

// overtaken tells whether the shutdown came after the plan, or was moved behind it: from the shutdown on the old side counts for nothing.
func (s *State) overtaken(p Playbook, now time.Time) bool {
	late := !now.Before(p.Timeline.Shutdown)
	return slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		return (p.Progress == Ready || p.Progress == Held) && p.Late != late && s.planned(p.Old)
	})
}

// planned tells whether the current plan has the pair of this old dataflow.
func (s *State) planned(old string) bool {
	return slices.ContainsFunc(s.Plan.Pairs, func(p Pair) bool { return p.Old == old })
}

// Watches tells whether both cards are looked at until the shutdown: the playbook says so, a pair is verified, and what is open waits for people.
func (s *State) Watches(p Playbook, now time.Time) bool {
	verified, underWay := false, len(s.Due(p)) > 0
	for _, pair := range s.Pairs {
		verified = verified || pair.Progress == Verified
		underWay = underWay || pair.Progress == Switched && !pair.Failing && !pair.Overdue
	}
	return p.Watch.Poll > 0 && now.Before(p.Timeline.Shutdown) && verified && !underWay
}

// stranded tells whether a switched pair's account has lost its sign-in: what runs on it has stopped.
func (s *State) stranded() bool {
	return slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		account := s.Account(p.Account)
		return p.Progress == Verified && account != nil && !account.Verified
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
			choices, why := strings.Join(append(slices.Clone(q.Candidates), LeaveOut), "|"), q.Why
			if q.More > 0 {
				why += fmt.Sprintf(" (and %d more that are not named)", q.More)
			}
			waits = append(waits, operator(fmt.Sprintf("which dataflow is the copy of %q (%s): %s", q.Name, q.Old, why), s.Plan.MadeAt,
				fmt.Sprintf("pair --by NAME --old %s --new %s", q.Old, choices)))
		}
	}
	for _, pair := range s.Pairs {
		switch {
		case pair.Progress == Held, pair.Progress == WentBack:
			waits = append(waits, operator(fmt.Sprintf("dataflow %q (%s): %s", pair.Name, pair.Old, pair.Note), s.Plan.MadeAt, pair.release()))
		case pair.Progress == Switched && (pair.Failing || pair.Overdue):
			waits = append(waits, operator(fmt.Sprintf("dataflow %q (%s): %s", pair.Name, pair.New, pair.Note), pair.SwitchedAt, pair.judgement(p, now)))
		}
	}
	if s.NeedsApproval(p) {
		what := "the plan " + s.Plan.Hash + " is approved"
		if needs := p.Approval.Needs(); needs > 1 {
			what += fmt.Sprintf(" by %d different people (so far: %s)", needs, s.agreed())
		}
		waits = append(waits, operator(what, s.Plan.MadeAt, "approve --by NAME --plan "+s.Plan.Hash))
	}
	for _, account := range s.Asked() {
		wait := Wait{
			OnOrganization, who(o), "Reconnect OAuth of account " + account.label(),
			account.Since, by, fmt.Sprintf("starter signal reauth-completed --org %s --account %s --by NAME", o.ID, account.ID),
		}
		if account.Verified {
			wait.What, wait.Since, wait.By = wait.What+" again: its sign-in ends then", account.RenewSince, account.LeaseEnd
		}
		waits = append(waits, wait)
	}
	for _, pair := range s.Unverified() {
		if !pair.Failing && !pair.Overdue {
			waits = append(waits, Wait{
				OnVendor, "Adobe", fmt.Sprintf("first flow run of %q (%s)", pair.Name, pair.New), pair.SwitchedAt,
				pair.SwitchedAt.Add(p.Verification.Within.Std()), "",
			})
		}
	}
	if len(waits) == 0 && (s.Watches(p, now) || s.Phase == Watching) { // the last look notices the shutdown, a moment later
		waits = append(waits, Wait{OnVendor, "Adobe", "the old API is closed; until then both cards are watched", s.Since, p.Timeline.Shutdown, ""})
	}
	return waits
}

// release is the command that lets a held pair go on.
func (p PairState) release() string {
	switch {
	case !p.asks() && p.Apart:
		return "resume --by NAME --old " + p.Old
	case !p.asks():
		return "resume --by NAME"
	case p.fixed() != nil:
		return fmt.Sprintf("settle --by NAME --old %s --answer %s", p.Old, AnswerAccept)
	}
	return fmt.Sprintf("settle --by NAME --old %s --answer %s|%s", p.Old, AnswerCarry, AnswerAccept)
}

// fixed is a difference that is asked about and that the worker cannot carry over; nil if there is none.
func (p PairState) fixed() *Drift {
	if i := slices.IndexFunc(p.Drift, func(d Drift) bool { return d.Policy == Ask && !d.Kind.CanCarry() }); i >= 0 {
		return &p.Drift[i]
	}
	return nil
}

// asks tells whether a person's answer can release the pair.
func (p PairState) asks() bool {
	has := func(policy Policy) bool {
		return slices.ContainsFunc(p.Drift, func(d Drift) bool { return d.Policy == policy })
	}
	return p.Progress == Held && p.Hold != "" && has(Ask) && !has(Block)
}

// judgement is the command for a pair whose flow runs do not pass.
func (p PairState) judgement(book Playbook, now time.Time) string {
	if p.Failing && refuseBack(p, book, now) == nil {
		return "rollback --by NAME --reason WHY --old " + p.Old
	}
	return fmt.Sprintf("settle --by NAME --old %s --answer %s", p.Old, AnswerAccept)
}

// RefuseSettle tells why a person's answer about a pair does not apply; nil if it does.
func (s *State) RefuseSettle(old string, answer Answer) error {
	pair := s.Pair(old)
	switch {
	case pair == nil:
		return fmt.Errorf("dataflow %q is not an old dataflow of this organization's plan; starter status lists them", old)
	case answer != AnswerCarry && answer != AnswerAccept:
		return fmt.Errorf("answer %q is unknown; use %s or %s", answer, AnswerCarry, AnswerAccept)
	case pair.Progress == Switched && (pair.Failing || pair.Overdue):
		if answer == AnswerCarry {
			return fmt.Errorf("dataflow %q (%s) waits for its flow runs to be judged; only %s applies", pair.Name, old, AnswerAccept)
		}
		return nil
	case !pair.asks():
		return fmt.Errorf("nothing is asked about dataflow %q (%s): it is %s%s", pair.Name, old, pair.Progress, because(pair.Note))
	}
	if d := pair.fixed(); d != nil && answer == AnswerCarry {
		return fmt.Errorf("dataflow %q (%s): %s (%s) cannot be carried over; change it in Adobe and resume, or accept it", pair.Name, old, d.Kind, d.Item)
	}
	return nil
}

func because(note string) string {
	if note == "" {
		return ""
	}
	return " (" + note + ")"
}

// Settle takes over a person's answer about a pair: what to do about its drift, or that its flow runs are good enough.
func (s *State) Settle(old string, answer Answer, by string, at time.Time) {
	pair := s.Pair(old)
	if pair.Progress == Switched {
		pair.Note = "accepted by " + by + because(pair.Note)
		pair.pass()     // which proves nothing of its account
		s.Replan = true // nobody looked at what people did to it while it was not watched
		return
	}
	if s.Settled == nil {
		s.Settled = map[string]Settlement{}
	}
	s.Settled[old] = pair.Settle(answer)
	s.Replan = true
}

// agreed are the people who agreed to the current plan so far.
func (s *State) agreed() string {
	var by []string
	for _, c := range s.Consents {
		if c.Plan == s.Plan.Hash && len(c.Pairs) > 0 {
			by = append(by, c.By)
		}
	}
	if len(by) == 0 {
		return "nobody"
	}
	return strings.Join(by, ", ")
}

func who(o Organization) string {
	if len(o.Contacts) > 0 {
		return strings.Join(o.Contacts, ", ")
	}
	return o.Name
}

// Attention are digests of what an operator must act on, and whether some of it is new to the operator.
func (s *State) Attention(o Organization, p Playbook, now time.Time) (told []string, news bool) {
	for _, w := range s.Waits(o, p, now) {
		if w.On == OnOperator && !s.pausing(w) {
			is := textDigest(w.What)
			told, news = append(told, is), news || !slices.Contains(s.Attended, is)
		}
	}
	return told, news
}

// pausing tells whether the wait is for the end of a pause, of which whoever paused needs no news.
func (s *State) pausing(w Wait) bool {
	return s.Paused != nil && w.On == OnOperator && w.Since.Equal(s.Paused.At)
}

// WaitPhase is the phase of an organization that waits: what an operator must settle comes first.
func (s *State) WaitPhase(o Organization, p Playbook, now time.Time) Phase {
	waits := slices.DeleteFunc(s.Waits(o, p, now), s.pausing)
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
	case s.Watches(p, now):
		return Watching
	}
	return s.Phase
}

// AnyHeld tells whether a pair waits for an operator.
func (s *State) AnyHeld() bool {
	return slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		return p.Progress == Held || p.Progress == WentBack || p.Progress == Switched && (p.Failing || p.Overdue)
	})
}

// Enter moves to a phase and notes since when.
func (s *State) Enter(phase Phase, now time.Time) {
	if s.Phase != phase {
		s.Phase, s.Since = phase, now
	}
}
