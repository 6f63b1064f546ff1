package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cutover/internal/migration"
)

// planAnswer is a plan with everything that a person who approves it must know. Nothing was changed to make it.
type planAnswer struct {
	Organization string             `json:"organization"`
	Name         string             `json:"name"`
	Playbook     string             `json:"playbook"`
	Choices      map[string]string  `json:"choices,omitempty"` // answers given to the running migration, taken over
	Toggles      []migration.Toggle `json:"toggles"`           // every vendor write, in order within each pair
	Plan         migration.Plan     `json:"plan"`
	// CurrentHash is the hash of the plan the running migration follows; empty without one.
	CurrentHash string           `json:"current_hash,omitempty"`
	Paused      bool             `json:"paused"`
	Late        bool             `json:"late"` // made after the shutdown: the old side counts for nothing
	Pace        planPace         `json:"pace"`
	Approval    planApproval     `json:"approval"`
	Rollback    planRollback     `json:"rollback"`
	Standing    []planStanding   `json:"standing"` // of each pair, in the plan's order
	Waits       []migration.Wait `json:"waits"`    // what must happen first
}

// planPace is how many pairs are switched at a time.
type planPace struct {
	First  string `json:"first,omitempty"` // old dataflow that is switched first and alone; empty: one was already
	Canary bool   `json:"canary"`          // the others wait until the first one's flow runs pass
	Width  int    `json:"width"`           // at a time after that
}

// planApproval is who must agree, and who did.
type planApproval struct {
	Policy   migration.Approval  `json:"policy"`
	Needs    int                 `json:"needs"` // different people
	Open     bool                `json:"open"`  // somebody must still agree
	Consents []migration.Consent `json:"consents"`
}

// planRollback is whether and until when a switched pair can go back.
type planRollback struct {
	Possible  bool               `json:"possible"`
	Until     time.Time          `json:"until"`            // never later
	Within    migration.Duration `json:"within,omitempty"` // of a pair's switch; 0: until the shutdown
	OnFailure bool               `json:"on_failure"`       // by itself, when a copy's flow runs fail
}

// planStanding is how a pair stands with this plan.
type planStanding struct {
	Old           string             `json:"old"`
	Progress      migration.Progress `json:"progress"`
	Note          string             `json:"note,omitempty"`
	Command       string             `json:"command,omitempty"` // that lets it go on
	RollbackUntil time.Time          `json:"rollback_until,omitzero"`
}

// preview puts the plan into the organization as it stands, so that what it waits for is decided by the code that will act on it. Current is how
// the running migration stands, nil without one.
func preview(o migration.Organization, playbook migration.Playbook, plan migration.Plan, current *migration.Status, now time.Time) planAnswer {
	state := migration.State{Phase: migration.Planning, Since: plan.MadeAt, Assessed: true, AcceptListed: true}
	answer := planAnswer{Organization: o.ID, Name: o.Name, Playbook: playbook.Name, Toggles: []migration.Toggle{}, Plan: plan, Standing: []planStanding{}}
	if current != nil {
		state.Accounts, state.Pairs, state.Consents = current.Accounts, current.Pairs, current.Consents
		answer.Choices, answer.CurrentHash, answer.Paused = current.Choices, current.PlanHash, current.Paused
		if !current.Timeline.Shutdown.IsZero() {
			playbook.Timeline = current.Timeline // its dates may have been moved
		}
	}
	state.Follow(plan, playbook)
	status := state.Status(o, playbook, now)
	for _, pair := range plan.Pairs {
		answer.Toggles = append(answer.Toggles, pair.Toggles(plan.Order)...)
	}
	for _, pair := range status.Pairs {
		answer.Standing = append(answer.Standing, planStanding{
			Old: pair.Old, Progress: pair.Progress, Note: pair.Note, Command: release(pair, o, playbook, now), RollbackUntil: pair.RollbackUntil,
		})
	}
	answer.Waits, answer.Late = status.Waits, status.Terms.Late
	answer.Pace = planPace{First: firstOf(state), Canary: playbook.CutOver.Canary, Width: playbook.CutOver.Width}
	answer.Approval = planApproval{playbook.Approval, playbook.Approval.Needs(), state.NeedsApproval(playbook), status.Consents}
	shutdown, rollback := playbook.Timeline.Shutdown, playbook.Rollback
	answer.Rollback = planRollback{Possible: now.Before(shutdown), Until: shutdown, Within: rollback.Within, OnFailure: rollback.OnFailure}
	return answer
}

// release is the command that lets a pair go on that waits for an operator, as the domain says of the pair alone; empty for others.
func release(pair migration.PairState, o migration.Organization, playbook migration.Playbook, now time.Time) string {
	if pair.Progress == migration.Ready {
		return ""
	}
	alone := migration.State{Assessed: true, AcceptListed: true, Plan: &migration.Plan{}, Pairs: []migration.PairState{pair}}
	for _, wait := range alone.Waits(o, playbook, now) {
		if wait.On == migration.OnOperator {
			return wait.Command
		}
	}
	return ""
}

// firstOf is the pair that is switched alone: the first one that is due, else the first that waits for a sign-in. None is, once one was switched.
func firstOf(state migration.State) string {
	if len(state.SwitchedPairs()) > 0 {
		return ""
	}
	ready := func(signedIn bool) int {
		return slices.IndexFunc(state.Pairs, func(p migration.PairState) bool {
			account := state.Account(p.Account)
			return p.Progress == migration.Ready && account != nil && (account.Verified || !signedIn)
		})
	}
	for _, signedIn := range []bool{true, false} {
		if i := ready(signedIn); i >= 0 {
			return state.Pairs[i].Old
		}
	}
	return ""
}

// signIns are what people of the organization must do first.
func (p planAnswer) signIns() []migration.Wait {
	return slices.DeleteFunc(slices.Clone(p.Waits), func(w migration.Wait) bool { return w.On != migration.OnOrganization })
}

// of is how the plan's pair with this old dataflow stands.
func (p planAnswer) of(old string) planStanding {
	i := slices.IndexFunc(p.Standing, func(s planStanding) bool { return s.Old == old })
	return p.Standing[i] // each pair of a plan has one
}

// facts are the plan's terms in words.
func (p planAnswer) facts() [][2]string {
	facts := [][2]string{{"Order", p.order()}, {"Pace", p.pace()}, {"Approval", p.approval()}, {"Rollback", p.rollback()}}
	if p.Late {
		facts = append(facts, [2]string{"Late", "the old API is closed since " + instant(p.Rollback.Until) + ": old dataflows count for nothing"})
	}
	if p.Paused {
		facts = append(facts, [2]string{"Paused", "nothing is changed until starter resume"})
	}
	return facts
}

func (p planAnswer) order() string {
	if p.Plan.Order == migration.DisableFirst {
		return "disable-first: each old dataflow is disabled before its copy is enabled"
	}
	return "enable-first: each copy is enabled, and seen enabled, before its old dataflow is disabled"
}

func (p planAnswer) pace() string {
	then := fmt.Sprintf("%d at a time", p.Pace.Width)
	stands := func(progress migration.Progress) bool {
		return slices.ContainsFunc(p.Standing, func(s planStanding) bool { return s.Progress == progress })
	}
	switch {
	case p.Pace.First == "" && p.Pace.Canary && stands(migration.Switched) && !stands(migration.Verified):
		return then + ", when the flow runs of what was switched first pass"
	case p.Pace.First == "":
		return then
	}
	first := fmt.Sprintf("first %s alone", p.name(p.Pace.First))
	if p.Pace.Canary {
		return first + " as canary, the others when its flow runs pass, " + then
	}
	return first + ", then " + then
}

func (p planAnswer) name(old string) string {
	for _, pair := range p.Plan.Pairs {
		if pair.Old == old {
			return fmt.Sprintf("%q (%s)", pair.Name, old)
		}
	}
	return old
}

func (p planAnswer) approval() string {
	if p.Approval.Needs == 0 {
		return "none needed"
	}
	needed := "by one person"
	if p.Approval.Needs > 1 {
		needed = fmt.Sprintf("by %d different people", p.Approval.Needs)
	}
	if !p.Approval.Open {
		return needed + ": nothing waits for it"
	}
	return needed + ": open"
}

func (p planAnswer) rollback() string {
	if !p.Rollback.Possible {
		return "not possible: the old API is closed since " + instant(p.Rollback.Until)
	}
	text := "possible until " + instant(p.Rollback.Until)
	if p.Rollback.Within > 0 {
		text = fmt.Sprintf("possible for %s after a dataflow's switch, until %s at the latest", p.Rollback.Within, instant(p.Rollback.Until))
	}
	if p.Rollback.OnFailure {
		text += "; by itself if a copy's flow runs fail"
	}
	return text
}

// holds says of which plan a person's approval was, and whether it counts.
func (p planAnswer) holds(c migration.Consent) string {
	switch {
	case len(c.Pairs) == 0:
		return c.Plan + ", replaced since"
	case c.Plan == p.Plan.Hash:
		return c.Plan + ", this plan"
	}
	return c.Plan + ", an earlier plan: holds for dataflows that are planned as they were"
}

// writes are the pair's vendor writes in words, in their order.
func (p planAnswer) writes(pair migration.Pair) (list []string) {
	for _, toggle := range pair.Toggles(p.Plan.Order) {
		side := map[string]string{"new": "the copy", "old": "the old dataflow"}[toggle.Card]
		switch {
		case strings.HasPrefix(toggle.Op, "add "):
			side = "to " + side
		case strings.HasPrefix(toggle.Op, "remove "):
			side = "from " + side
		}
		list = append(list, toggle.Op+" "+side)
	}
	return list
}
