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
	Watching         Phase = "Watching"       // every dataflow is verified; both cards are looked at until the shutdown
	NeedsAttention   Phase = "NeedsAttention" // holds until a person acts, then goes on
	Migrated         Phase = "Migrated"
	NotAffected      Phase = "NotAffected"
	RolledBack       Phase = "RolledBack" // cancelled when everything that was switched is back on the old card
	Cancelled        Phase = "Cancelled"
)

// Done tells whether p is an outcome.
func (p Phase) Done() bool {
	return p == Migrated || p == NotAffected || p == RolledBack || p == Cancelled
}

// Progress is where one pair stands.
type Progress string

// The steps of a pair.
const (
	Ready    Progress = "ready"    // as soon as its account is verified and the plan approved
	Held     Progress = "held"     // until a person acts
	Switched Progress = "switched" // the copy runs, the old does not; its first flow run is awaited
	Verified Progress = "verified"
	LeftOff  Progress = "left off"
	WentBack Progress = "rolled back" // the old runs again, the copy does not, until a person has it tried again
)

// PairState is a pair of the current plan and how far it got.
type PairState struct {
	Pair
	Progress   Progress  `json:"progress"`
	Note       string    `json:"note,omitempty"`
	SwitchedAt time.Time `json:"switched_at,omitzero"`
	Failing    bool      `json:"failing,omitempty"`    // its flow runs fail
	Overdue    bool      `json:"overdue,omitempty"`    // its flow runs say nothing either way within the playbook's bound
	Stale      int       `json:"stale,omitempty"`      // how often in a row it changed under its plan
	Begun      bool      `json:"begun,omitempty"`      // a switch was begun and has not ended well
	Unanswered int       `json:"unanswered,omitempty"` // how often in a row a switch ran out of time

	Verdict *RunVerdict `json:"verdict,omitempty"` // the last one about its flow runs
	Back    *Deed       `json:"back,omitempty"`    // who wants it rolled back, and why, until that is done
	Apart   bool        `json:"apart,omitempty"`   // a person rolled back this one alone: it is tried again by its name alone
	Toggled []Toggled   `json:"toggled,omitempty"` // every toggle that was made, with before and after
	Carried []Carried   `json:"carried,omitempty"` // every audience that was carried over or back
	Missed  *Window     `json:"missed,omitempty"`  // in which neither side delivered

	RollbackUntil time.Time `json:"rollback_until,omitzero"` // filled in by Status alone
}

// Toggled is a toggle that was made.
type Toggled struct {
	At   time.Time     `json:"at"`
	Card string        `json:"card"` // old or new
	From DataflowState `json:"from"`
	To   DataflowState `json:"to"`
	Note string        `json:"note,omitempty"`
}

// Carried is a change of an audience that was made and seen.
type Carried struct {
	At time.Time `json:"at"`
	Carry
	Back bool `json:"back,omitempty"` // to the old dataflow, before a rollback
}

// Window is a span of time.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"` // zero: it is still open
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
	RenewSince time.Time `json:"renew_since,omitzero"` // it is asked for again, because it ends soon
	TriedAt    time.Time `json:"tried_at,omitzero"`    // the grant given then was tried, and did not renew it
	ByGrant    bool      `json:"by_grant,omitempty"`   // the worker itself renewed it, by the grant it holds
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

// Consent is one person's word that a plan may be carried out. It holds pair by pair, as long as a pair stays as it was planned.
type Consent struct {
	At    time.Time `json:"at"`
	By    string    `json:"by"`
	Plan  string    `json:"plan"`            // its hash
	Pairs []string  `json:"pairs,omitempty"` // digests of what was agreed to
}

// Sent is a notice that was delivered.
type Sent struct {
	At   time.Time  `json:"at"`
	Kind NoticeKind `json:"kind"`
	To   []string   `json:"to,omitempty"` // empty: the operator
	Key  string     `json:"key"`
}

// Bounds keep a state small whatever people and vendors do.
const (
	maxProblems = 20
	maxDeeds    = 200
	maxClaims   = 200
	maxConsents = 20
	maxSent     = 100
	maxToggled  = 50   // of one pair
	maxCarried  = 2000 // of one organization
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
	Consents   []Consent         `json:"consents,omitempty"`
	Marks      []Mark            `json:"marks,omitempty"` // of plans before the current one, where plans are approved
	Notices    []Sent            `json:"notices,omitempty"`
	Claims     []Claim           `json:"claims,omitempty"` // not yet checked
	Paused     *Deed             `json:"paused,omitempty"`
	Problems   []Problem         `json:"problems,omitempty"`
	Deeds      []Deed            `json:"deeds,omitempty"`
	Milestone  time.Time         `json:"milestone"` // the last one that was dealt with
	Replan     bool              `json:"replan,omitempty"`
	Attended   []string          `json:"attended,omitempty"` // digests of what the operator was told to act on
	// Settled are a person's answers to drift, by old dataflow.
	Settled map[string]Settlement `json:"settled,omitempty"`
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
	if account != nil {
		account.GrantedAt = now.GrantedAt
	}
	switch {
	case account == nil, account.Verified && account.RenewSince.IsZero():
		return false
	case account.Verified && !v.Verified:
		account.Note, account.ClaimedBy = v.Reason, "" // what was verified holds until its lease ends
		return false
	case account.Verified && !v.LeaseEnd.IsZero() && !v.LeaseEnd.After(account.LeaseEnd):
		account.Etag, account.Name = now.Etag, now.Name // whatever changed was no sign-in
		account.Note, account.ClaimedBy = "nothing shows a new sign-in: it still ends at "+Instant(account.LeaseEnd), ""
		return false
	}
	account.RenewSince, account.ByGrant = time.Time{}, false
	account.Note, account.ClaimedBy = v.Reason, ""
	if !v.Verified {
		if now.Name != account.Name || account.Etag == "" {
			account.Name, account.Etag = now.Name, now.Etag // a rename, or a write of our own, must not hide the sign-in that follows
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
		account.RenewSince, account.TriedAt = time.Time{}, time.Time{}
		account.Created = at // no sign-in from before counts any more
	}
}

// LapseEnded lapses every verified account whose lease is over while something depends on it.
func (s *State) LapseEnded(p Playbook, now time.Time) (lapsed []string) {
	for _, account := range s.leased(p) {
		if !account.LeaseEnd.After(now) {
			s.Lapse(account.ID, "the sign-in ended at "+Instant(account.LeaseEnd)+"; it is needed again", now)
			lapsed = append(lapsed, account.ID)
		}
	}
	return lapsed
}

// AskAgain marks every account whose lease ends soon while something depends on it, and returns those that were not marked before.
func (s *State) AskAgain(p Playbook, now time.Time) (asked []string) {
	for _, account := range s.leased(p) {
		if at := account.askAgainAt(p); account.RenewSince.IsZero() && at.Before(account.LeaseEnd) && !now.Before(at) {
			again := s.Account(account.ID)
			again.RenewSince, again.TriedAt = now, time.Time{}
			asked = append(asked, account.ID)
		}
	}
	return asked
}

// NextLease is when the next lease must be asked for again or ends; zero if nothing depends on one.
func (s *State) NextLease(p Playbook) (next time.Time) {
	for _, account := range s.leased(p) {
		at := account.LeaseEnd
		if account.RenewSince.IsZero() {
			at = account.askAgainAt(p)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// askAgainAt is when a lease is asked for again, or its end where the playbook does not. One that the worker itself got is not asked for before half of it
// is over: where the vendor grants less than the playbook believes, it would be renewed at once, and again.
func (a AccountState) askAgainAt(p Playbook) time.Time {
	at := a.LeaseEnd.Add(-p.Reauthentication.RenewBefore.Std())
	if half := a.VerifiedAt.Add(a.LeaseEnd.Sub(a.VerifiedAt) / 2); a.ByGrant && at.Before(half) {
		return half
	}
	return at
}

// leased are the verified accounts with a lease that something depends on: a pair that still has to be switched, one whose flow runs do not pass, or
// one that is watched.
func (s *State) leased(p Playbook) []AccountState {
	watched := p.Watch.Poll > 0
	return slices.DeleteFunc(slices.Clone(s.Accounts), func(a AccountState) bool {
		return !a.Verified || a.LeaseEnd.IsZero() || s.Plan != nil && !slices.ContainsFunc(s.Pairs, func(p PairState) bool {
			return p.Account == a.ID && (p.Progress == Ready || p.Progress == Held || watched && p.Progress == Verified || p.Progress == Switched && (p.Failing || p.Overdue))
		})
	})
}

// Asked are the accounts a person is asked to sign in to: those that wait, and those whose sign-in ends soon.
func (s *State) Asked() []AccountState {
	return slices.DeleteFunc(slices.Clone(s.Accounts), func(a AccountState) bool { return a.Verified && a.RenewSince.IsZero() })
}

// Follow takes over a plan. What was switched stays as it is unless the plan moves or holds it again, and what is held for a reason of its own stays
// held; the rest stands where the new plan puts it.
func (s *State) Follow(plan Plan, p Playbook) {
	if s.meet(plan.Accounts, p, plan.MadeAt) {
		s.Told = false // people are told of accounts that came up later
	}
	s.mark(plan, p)
	was := s.Pairs
	s.Plan, s.Pairs, s.Replan = &plan, nil, false
	for _, pair := range plan.Pairs {
		state := PairState{Progress: Ready}
		if i := slices.IndexFunc(was, func(p PairState) bool { return p.Old == pair.Old && p.New == pair.New }); i >= 0 {
			state = was[i]
		} else if i := slices.IndexFunc(was, func(p PairState) bool { return p.Old == pair.Old }); i >= 0 {
			state.Toggled, state.Carried, state.Missed = was[i].Toggled, was[i].Carried, was[i].Missed // another copy; what was done stays on record
		}
		s.Pairs = append(s.Pairs, s.place(state, pair, p.CutOver.Order, plan.MadeAt))
	}
	s.keepSwitched(was)
}

// place decides where a pair stands under a new plan.
func (s *State) place(state PairState, pair Pair, order Order, at time.Time) PairState {
	heldForItself := state.Progress == Held && state.Hold == ""
	state.Pair = pair
	if order == DisableFirst && state.Begun && pair.Action == Leave {
		state.Action, state.Hold = Switch, "" // its old side was disabled by the switch itself, which then failed: it is finished, not left off
		if pair.Late {
			state.Action = Revive
		}
	}
	switch {
	case state.Progress == WentBack:
	case heldForItself:
		state.Hold = "" // a reason that comes and goes must not release it
	case state.Hold != "":
		state.Progress, state.Note = Held, state.Hold
	case state.Action == Leave:
		state.Progress, state.Note = LeftOff, ""
	case !state.SwitchedAt.IsZero() && !state.Moves():
		if state.Progress != Verified {
			state.Progress = Switched
		}
	case !state.Moves():
		state.Progress, state.SwitchedAt, state.Note = Switched, at, ""
	case s.Account(pair.Account) == nil:
		state.Progress, state.Note = Held, "its account "+pair.Account+" is not listed; an access label may hide it from the credential"
	default:
		state.Progress, state.Note = Ready, ""
	}
	return state
}

// keepSwitched keeps pairs that were moved and that a plan does not know any more, for their history. An old dataflow that was deleted after its
// switch is nobody's loss; where the copy is not listed the plan asks about it, and the pair is held until a person finds out why, or leaves the
// dataflow out.
func (s *State) keepSwitched(was []PairState) {
	for _, pair := range was {
		asked := slices.ContainsFunc(s.Plan.Questions, func(q Question) bool { return q.Old == pair.Old })
		switch moved := !pair.SwitchedAt.IsZero() || len(pair.Toggled) > 0 || pair.Begun; {
		case !moved, s.Pair(pair.Old) != nil:
			continue
		case slices.Contains(s.Plan.Left, pair.Old):
			pair.Progress, pair.Note, pair.SwitchedAt, pair.Back = LeftOff, "left out by a person", time.Time{}, nil
		case asked:
			pair.Progress, pair.Note = Held, "its copy "+pair.New+" is not listed any more: it was deleted, or an access label hides it"
		case pair.SwitchedAt.IsZero() && pair.Progress != LeftOff:
			continue
		}
		s.Pairs = append(s.Pairs, pair)
	}
}

// SwitchedPairs are the old dataflows of the pairs that were switched, in the plan's order.
func (s *State) SwitchedPairs() (olds []string) {
	for _, pair := range s.Pairs {
		if !pair.SwitchedAt.IsZero() {
			olds = append(olds, pair.Old)
		}
	}
	return olds
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

// Resume releases what was held, after a person said that the cause is gone: everything is looked at again. With an old dataflow it releases that pair
// alone; without, all but the pairs that a person rolled back one by one.
func (s *State) Resume(old string) {
	for i := range s.Pairs {
		p := &s.Pairs[i]
		if released := p.Old == old || old == "" && !p.Apart; released && (p.Progress == Held || p.Progress == WentBack) {
			p.Progress, p.Note, p.Failing, p.Overdue, p.Apart = Ready, "", false, false, false
		}
	}
	s.Replan = s.Replan || s.Plan != nil
	if old != "" {
		return
	}
	s.Paused = nil
	for i := range s.Problems {
		s.Problems[i].Holds = false
	}
}

// RefuseResume tells why the pair of the old dataflow old cannot be released by itself; nil if it can. Without an old dataflow it refuses nothing.
func (s *State) RefuseResume(old string) error {
	if old == "" {
		return nil
	}
	switch pair := s.Pair(old); {
	case pair == nil:
		return fmt.Errorf("dataflow %q is not an old dataflow of this organization's plan; starter status lists them", old)
	case pair.Progress != Held && pair.Progress != WentBack:
		return fmt.Errorf("dataflow %q (%s) is not held or rolled back: it is %s", pair.Name, old, pair.Progress)
	}
	return nil
}

// Raise records a problem; the oldest ones that hold nothing give way, and so does the same one from before.
func (s *State) Raise(p Problem) {
	s.Problems = slices.DeleteFunc(s.Problems, func(old Problem) bool {
		return !old.Holds && old.Type == p.Type && old.What == p.What && !p.Holds
	})
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

// Delivered records a notice; the oldest ones give way.
func (s *State) Delivered(n Notice, at time.Time) {
	s.Notices = append(s.Notices, Sent{At: at, Kind: n.Kind, To: n.To, Key: n.Key})
	s.Notices = s.Notices[max(0, len(s.Notices)-maxSent):]
}

// Judge takes over what flow runs say about a switched pair. A working copy also proves its account, and one that fails for the sake of its sign-in
// returns the account to its person. A copy that fails goes back by itself where the playbook says so and the way back is open.
func (s *State) Judge(v RunVerdict, p Playbook, at time.Time) {
	i := slices.IndexFunc(s.Pairs, func(p PairState) bool { return p.New == v.Dataflow && p.Progress == Switched })
	if i < 0 {
		return
	}
	pair := &s.Pairs[i]
	v.At = at
	if v.Reason != "" || pair.Failing || pair.Overdue {
		pair.Note = v.Reason // else what its switch left to say stays
	}
	pair.Verdict, pair.Failing, pair.Overdue = &v, v.Status == RunFailed, v.Overdue
	switch {
	case v.Status == RunSucceeded:
		pair.pass()
		s.prove(*pair, p.Reauthentication.Lease, at)
	case pair.Failing:
		if instruction, account := Blame(v.Reason); account && p.Reauthentication.Needed && s.Account(pair.Account) != nil {
			byGrant := s.Account(pair.Account).ByGrant
			s.Lapse(pair.Account, instruction, at)
			if byGrant {
				s.GrantTried(pair.Account, instruction) // the same grant would lead to the same end, and again
			}
			s.Told = false // the person is told, with what to do differently
		}
		if p.Rollback.OnFailure && len(pair.Toggled) > 0 && refuseBack(*pair, p, at) == nil {
			pair.Back = &Deed{At: at, By: Itself, What: v.Reason}
		}
	}
}

// Itself is who acts where no person did.
const Itself = "cutover"

func (p *PairState) pass() { p.Progress, p.Failing, p.Overdue = Verified, false, false }

// prove takes in that an account works, since a dataflow on it runs.
func (s *State) prove(pair PairState, lease Duration, at time.Time) {
	account := s.Account(pair.Account)
	if account == nil || account.Verified {
		return
	}
	end := leaseEnd(account.Account, at, lease)
	if !end.IsZero() && !end.After(at) {
		s.Claim(Claim{Account: account.ID, By: Itself, Note: "its dataflow " + pair.New + " runs"}) // it was signed in to since it was read: until when is to be seen
		return
	}
	account.Verified, account.VerifiedAt, account.LeaseEnd, account.Note = true, at, end, "its dataflow "+pair.New+" runs"
	s.Replan = true
}
