package migration

import (
	"fmt"
	"slices"
	"time"
)

// Phase is where an organization stands.
type Phase string

// The phases. Outcomes are phases too: an organization that reached one is done.
const (
	Assessing        Phase = "Assessing"
	AwaitingReauth   Phase = "AwaitingReauth"
	Planning         Phase = "Planning"
	AwaitingApproval Phase = "AwaitingApproval"
	CuttingOver      Phase = "CuttingOver"
	Verifying        Phase = "Verifying"
	NeedsAttention   Phase = "NeedsAttention" // holds until a person acts, then goes on
	Migrated         Phase = "Migrated"
	NotAffected      Phase = "NotAffected"
	Cancelled        Phase = "Cancelled"
)

// Done tells whether p is an outcome.
func (p Phase) Done() bool { return p == Migrated || p == NotAffected || p == Cancelled }

// Progress is where one pair stands.
type Progress string

// The steps of a pair.
const (
	Ready    Progress = "ready"    // as soon as its account is verified and the plan approved
	Held     Progress = "held"     // until a person acts
	Switched Progress = "switched" // the copy runs, the old does not; its first flow run is awaited
	Verified Progress = "verified"
	LeftOff  Progress = "left off"
)

// PairState is a pair of the current plan and how far it got.
type PairState struct {
	Pair
	Progress   Progress  `json:"progress"`
	Note       string    `json:"note,omitempty"`
	SwitchedAt time.Time `json:"switched_at,omitzero"`
	Failing    bool      `json:"failing,omitempty"` // its flow runs fail
	Overdue    bool      `json:"overdue,omitempty"` // no flow run within the playbook's bound
	Stale      int       `json:"stale,omitempty"`   // how often in a row it changed under its plan
}

// AccountState is an account people must sign in to and how far that got.
type AccountState struct {
	Account
	Verified   bool      `json:"verified"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	LeaseEnd   time.Time `json:"lease_end,omitzero"`
	Since      time.Time `json:"since,omitzero"`       // waited for since
	Note       string    `json:"note,omitempty"`       // the last answer about it
	ClaimedBy  string    `json:"claimed_by,omitempty"` // whose word is not answered yet
}

// label is how people recognize the account.
func (a AccountState) label() string {
	return fmt.Sprintf("%q (%s) in sandbox %s", a.Name, a.ID, a.Sandbox)
}

// Claim is somebody's word that an account was re-authenticated. It is verified, never trusted.
type Claim struct {
	Account string `json:"account"`
	By      string `json:"by"`
	Note    string `json:"note,omitempty"`
}

// Deed is something a person did to an organization's migration.
type Deed struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
}

// Problem is something a person should know of or settle.
type Problem struct {
	At    time.Time `json:"at"`
	What  string    `json:"what"`
	Type  string    `json:"type,omitempty"`  // error type, for search
	Holds bool      `json:"holds,omitempty"` // nothing goes on until an operator resumes
}

// Bounds keep a state small whatever people and vendors do.
const (
	maxProblems = 20
	maxDeeds    = 50
	maxClaims   = 200
)

// State is everything an organization's workflow knows. It is a value that travels through continue-as-new whole.
type State struct {
	Phase      Phase             `json:"phase"`
	Since      time.Time         `json:"since"` // when the phase began
	Assessment Assessment        `json:"assessment"`
	Assessed   bool              `json:"assessed"`
	Told       bool              `json:"told"` // the first notice was delivered
	Accounts   []AccountState    `json:"accounts,omitempty"`
	Pairs      []PairState       `json:"pairs,omitempty"`
	Plan       *Plan             `json:"plan,omitempty"`
	Choices    map[string]string `json:"choices,omitempty"`
	Approved   []string          `json:"approved,omitempty"` // what of a plan was approved, pair by pair
	Claims     []Claim           `json:"claims,omitempty"`   // not yet checked
	Paused     *Deed             `json:"paused,omitempty"`
	Problems   []Problem         `json:"problems,omitempty"`
	Deeds      []Deed            `json:"deeds,omitempty"`
	Milestone  time.Time         `json:"milestone"` // the last one that was dealt with
	Replan     bool              `json:"replan,omitempty"`
	// AcceptListed is an operator's word that the listing is complete although it is shorter than expected.
	AcceptListed bool `json:"accept_listed,omitempty"`
}

// Begin takes over the first look at an organization.
func (s *State) Begin(a Assessment, p Playbook) {
	s.Assessment, s.Assessed = a, true
	// After a second look, accounts that were seen before keep how they were first seen: a sign-in since then must show.
	s.meet(a.Accounts, p, a.At)
	s.Replan = a.Running > 0 || len(s.Pending()) < len(s.Accounts) || len(s.Accounts) == 0
}

// meet takes in accounts that are seen for the first time, and tells whether a person is needed for one.
func (s *State) meet(accounts []Account, p Playbook, at time.Time) (pending bool) {
	for _, account := range accounts {
		if s.Account(account.ID) != nil {
			continue
		}
		state := AccountState{Account: account, Since: at}
		switch v := FirstLook(account, at, p.Reauthentication.Lease); {
		case !p.Reauthentication.Needed:
			state.Verified, state.VerifiedAt, state.Note = true, at, "this migration needs no new sign-in"
		case v.Verified:
			state.Verified, state.VerifiedAt, state.LeaseEnd, state.Note = true, at, v.LeaseEnd, v.Reason
		}
		s.Accounts = append(s.Accounts, state)
		pending = pending || !state.Verified
	}
	return pending
}

// Account is the state of the account id, or nil.
func (s *State) Account(id string) *AccountState {
	if i := slices.IndexFunc(s.Accounts, func(a AccountState) bool { return a.ID == id }); i >= 0 {
		return &s.Accounts[i]
	}
	return nil
}

// Pair is the state of the pair of the old dataflow id, or nil.
func (s *State) Pair(old string) *PairState {
	if i := slices.IndexFunc(s.Pairs, func(p PairState) bool { return p.Old == old }); i >= 0 {
		return &s.Pairs[i]
	}
	return nil
}

// Pending are the accounts that still need a person.
func (s *State) Pending() []AccountState {
	return slices.DeleteFunc(slices.Clone(s.Accounts), func(a AccountState) bool { return a.Verified })
}

// Unverified are the switched pairs whose first flow run is awaited.
func (s *State) Unverified() []PairState {
	return slices.DeleteFunc(slices.Clone(s.Pairs), func(p PairState) bool { return p.Progress != Switched })
}

// Learn takes over what a look at an account showed and tells whether it is verified by it.
func (s *State) Learn(now Account, v Verdict, at time.Time) bool {
	account := s.Account(now.ID)
	if account == nil || account.Verified {
		return false
	}
	account.Note, account.ClaimedBy = v.Reason, ""
	if !v.Verified {
		if now.Name != account.Name {
			account.Name, account.Etag = now.Name, now.Etag // a rename must not hide the sign-in that follows
		}
		return false
	}
	account.Etag, account.Name, account.AuthorizedOn, account.ExpiresAt = now.Etag, now.Name, now.AuthorizedOn, now.ExpiresAt // a later sign-in is told from this one
	account.Verified, account.VerifiedAt, account.LeaseEnd = true, at, v.LeaseEnd
	s.Replan = true
	return true
}

// Lapse returns an account to waiting, because its authorization ended or never was.
func (s *State) Lapse(id, why string, at time.Time) {
	if account := s.Account(id); account != nil {
		account.Verified, account.VerifiedAt, account.LeaseEnd = false, time.Time{}, time.Time{}
		account.Since, account.Note, account.ClaimedBy = at, why, ""
		account.Created = at // no sign-in from before counts any more
	}
}

// LapseEnded lapses every verified account whose lease is over while work on it is open.
func (s *State) LapseEnded(now time.Time) (lapsed []string) {
	for _, account := range s.Accounts {
		if account.Verified && !account.LeaseEnd.IsZero() && !account.LeaseEnd.After(now) && s.opens(account.ID) {
			s.Lapse(account.ID, "the sign-in ended at "+Instant(account.LeaseEnd)+"; it is needed again", now)
			lapsed = append(lapsed, account.ID)
		}
	}
	return lapsed
}

// LeaseEnd is when the first lease ends that open work depends on; zero if none does.
func (s *State) LeaseEnd() (end time.Time) {
	for _, account := range s.Accounts {
		if account.Verified && !account.LeaseEnd.IsZero() && s.opens(account.ID) && (end.IsZero() || account.LeaseEnd.Before(end)) {
			end = account.LeaseEnd
		}
	}
	return end
}

// opens tells whether pairs of the account still have to be switched.
func (s *State) opens(account string) bool {
	return s.Plan == nil || slices.ContainsFunc(s.Pairs, func(p PairState) bool {
		return p.Account == account && (p.Progress == Ready || p.Progress == Held)
	})
}

// Follow takes over a plan. What was switched stays as it is, and what is held for a reason of its own stays held; the rest stands where the
// new plan puts it.
func (s *State) Follow(plan Plan, p Playbook) {
	if s.meet(plan.Accounts, p, plan.MadeAt) {
		s.Told = false // people are told of accounts that came up later
	}
	was := s.Pairs
	s.Plan, s.Pairs, s.Replan = &plan, nil, false
	for _, pair := range plan.Pairs {
		state := PairState{Pair: pair, Progress: Ready}
		if i := slices.IndexFunc(was, func(p PairState) bool { return p.Old == pair.Old && p.New == pair.New }); i >= 0 {
			if was[i].Progress == Verified || was[i].Progress == Switched && pair.Action == Already {
				s.Pairs = append(s.Pairs, was[i])
				continue
			}
			state.Stale = was[i].Stale
			if was[i].Progress == Held && was[i].Hold == "" {
				state.Progress, state.Note = Held, was[i].Note
			}
			if plan.Order == DisableFirst && was[i].Action == Switch && pair.Action == Leave {
				state.Action = Switch // its old side was disabled by the switch itself, which then failed: it is finished, not left off
			}
		}
		switch {
		case state.Action == Leave:
			state.Progress = LeftOff
		case state.Action == Already:
			state.Progress, state.SwitchedAt = Switched, plan.MadeAt
		case pair.Hold != "":
			state.Progress, state.Note = Held, pair.Hold
		case state.Progress == Ready && s.Account(pair.Account) == nil:
			state.Progress, state.Note = Held, "its account "+pair.Account+" is not listed; an access label may hide it from the credential"
		}
		s.Pairs = append(s.Pairs, state)
	}
	s.keepSwitched(was)
}

// keepSwitched keeps pairs that were switched although a plan does not know them any more, because somebody deleted or renamed a side since.
func (s *State) keepSwitched(was []PairState) {
	for _, pair := range was {
		if (pair.Progress == Switched || pair.Progress == Verified) && s.Pair(pair.Old) == nil {
			s.Pairs = append(s.Pairs, pair)
			s.Plan.Questions = slices.DeleteFunc(slices.Clone(s.Plan.Questions), func(q Question) bool { return q.Old == pair.Old })
		}
	}
}

// A pair that changes under this many plans in a row is held: somebody is at work on it, or the vendor's readings disagree.
const maxStale = 3

// PlanBroke notes that a pair changed since its plan, and asks for a new plan, or for a person when that keeps happening.
func (s *State) PlanBroke(pair *PairState, why string) {
	pair.Stale++
	if pair.Stale >= maxStale {
		pair.Progress, pair.Note, pair.Stale = Held, why+"; it changed under "+count(maxStale, "plan")+" in a row", 0
		return
	}
	s.Replan = true
}

// Approve agrees to everything that the current plan would do. It holds for each pair as long as that pair stays as it was planned.
func (s *State) Approve() {
	s.Approved = nil
	for _, pair := range s.Pairs {
		if pair.Progress == Ready {
			s.Approved = append(s.Approved, pair.digest())
		}
	}
}

// Resume releases what was held, after a person said that the cause is gone: everything is looked at again.
func (s *State) Resume() {
	s.Paused = nil
	for i := range s.Problems {
		s.Problems[i].Holds = false
	}
	for i := range s.Pairs {
		if s.Pairs[i].Progress == Held {
			s.Pairs[i].Progress, s.Pairs[i].Note = Ready, ""
		}
	}
	s.Replan = s.Replan || s.Plan != nil
}

// Raise records a problem; the oldest ones that hold nothing give way.
func (s *State) Raise(p Problem) {
	s.Problems = append(s.Problems, p)
	if len(s.Problems) > maxProblems {
		oldest := max(0, slices.IndexFunc(s.Problems, func(p Problem) bool { return !p.Holds }))
		s.Problems = slices.Delete(s.Problems, oldest, oldest+1)
	}
}

// Claim notes somebody's word about an account; of one account the last word counts.
func (s *State) Claim(c Claim) {
	s.Claims = slices.DeleteFunc(s.Claims, func(old Claim) bool { return old.Account == c.Account })
	s.Claims = append(s.Claims, c)
	s.Claims = s.Claims[max(0, len(s.Claims)-maxClaims):]
}

// Record records a deed; the oldest ones give way.
func (s *State) Record(d Deed) {
	s.Deeds = append(s.Deeds, d)
	s.Deeds = s.Deeds[max(0, len(s.Deeds)-maxDeeds):]
}

// Holding is the newest problem that holds the whole organization, or nil.
func (s *State) Holding() *Problem {
	for i := len(s.Problems) - 1; i >= 0; i-- {
		if s.Problems[i].Holds {
			return &s.Problems[i]
		}
	}
	return nil
}

// Judge takes over what flow runs say about a switched pair. A working copy also proves its account.
func (s *State) Judge(v RunVerdict, at time.Time) {
	i := slices.IndexFunc(s.Pairs, func(p PairState) bool { return p.New == v.Dataflow && p.Progress == Switched })
	if i < 0 {
		return
	}
	pair := &s.Pairs[i]
	pair.Note, pair.Failing, pair.Overdue = v.Reason, v.Status == RunFailed, v.Overdue
	if v.Status != RunSucceeded {
		return
	}
	pair.Progress = Verified
	if account := s.Account(pair.Account); account != nil && !account.Verified {
		account.Verified, account.VerifiedAt, account.Note = true, at, "its dataflow "+pair.New+" runs"
		s.Replan = true
	}
}
