package migration

import (
	"maps"
	"slices"
	"time"
)

// Status is what an operator sees of one organization: the answer to the query status and the object that starter prints. Fields are only
// ever added.
type Status struct {
	Organization string            `json:"organization"`
	Name         string            `json:"name"`
	Playbook     string            `json:"playbook"`
	Phase        Phase             `json:"phase"`
	Since        time.Time         `json:"since"`
	Timeline     Timeline          `json:"timeline"`
	Stage        Stage             `json:"stage"`
	Guarantee    string            `json:"guarantee"`
	Deadline     string            `json:"deadline,omitempty"` // what is due next
	DeadlineAt   time.Time         `json:"deadline_at,omitzero"`
	Paused       bool              `json:"paused"`
	Reason       string            `json:"reason,omitempty"` // why the organization is affected or not
	PlanHash     string            `json:"plan_hash,omitempty"`
	Waits        []Wait            `json:"waits"`
	Accounts     []AccountState    `json:"accounts"`
	Pairs        []PairState       `json:"pairs"`
	Choices      map[string]string `json:"choices"` // answers to questions: old dataflow id to its copy's, or LeaveOut
	Terms        Terms             `json:"terms"`   // what the next plan is made by
	Problems     []Problem         `json:"problems"`
	Deeds        []Deed            `json:"deeds"`
	Consents     []Consent         `json:"consents"`
	Notices      []Sent            `json:"notices"`
	Title        string            `json:"title"`              // the playbook's
	Zone         string            `json:"zone"`               // in which deadlines are days
	Dataflows    []string          `json:"dataflows"`          // names of the first few that are affected
	Listed       int               `json:"listed"`             // how many are affected
	ByGrant      bool              `json:"by_grant,omitempty"` // a grant alone renews an account: Playbook.Reauthentication.ByGrant
	Links        Links             `json:"links,omitzero"`
}

// Status describes the organization at the instant now.
func (s *State) Status(o Organization, p Playbook, now time.Time) Status {
	status := Status{
		Organization: o.ID, Name: o.Name, Playbook: p.Name, Phase: s.Phase, Since: s.Since,
		Timeline: p.Timeline, Terms: s.Terms(p, now), ByGrant: p.Reauthentication.ByGrant, Links: p.Links,
		Title: p.Title, Zone: p.Zone, Dataflows: orEmpty(s.Assessment.Names), Listed: s.Assessment.Listed,
		Choices: maps.Clone(s.Choices), Paused: s.Paused != nil, Reason: s.Assessment.Reason,
		Waits: orEmpty(s.Waits(o, p, now)), Accounts: orEmpty(s.Accounts), Pairs: orEmpty(s.Pairs),
		Problems: orEmpty(s.Problems), Deeds: orEmpty(s.Deeds), Consents: orEmpty(s.Consents), Notices: orEmpty(s.Notices),
	}
	status.Pairs = slices.Clone(status.Pairs)
	for i, pair := range status.Pairs {
		if refuseBack(pair, p, now) == nil {
			status.Pairs[i].RollbackUntil = RollbackUntil(pair, p)
		}
	}
	status.At(now)
	if status.Choices == nil {
		status.Choices = map[string]string{}
	}
	if s.Plan != nil {
		status.PlanHash = s.Plan.Hash
	}
	return status
}

// At sets what depends on the clock alone. A workflow that waits on the vendor has no timer for a deadline and answers with the time of its last
// step; whoever asks knows what time it is.
func (s *Status) At(now time.Time) {
	s.Stage = s.Timeline.Stage(now)
	s.Guarantee = s.Stage.Guarantee()
	s.Deadline, s.DeadlineAt = s.Timeline.Deadline(now)
	s.Terms.Late = !now.Before(s.Timeline.Shutdown)
}

// Open counts the dataflows that are still to be settled.
func (s *State) Open() int {
	if s.Plan == nil {
		return s.Assessment.Listed
	}
	open := len(s.Plan.Questions)
	for _, pair := range s.Pairs {
		if pair.Progress != Verified && pair.Progress != LeftOff {
			open++
		}
	}
	return open
}

// orEmpty keeps null out of JSON, so that programs can range over every list.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
