package migration

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"
)

// Action is what a pair needs, by the states of its two sides.
type Action string

// The actions.
const (
	Switch  Action = "switch"             // old runs, copy does not: enable the copy, disable the old
	Finish  Action = "disable the old"    // both run: somebody enabled the copy already
	Revive  Action = "enable the copy"    // neither runs, or the old is gone, and the copy must take over
	Already Action = "already switched"   // the copy runs, the old does not: only verify
	Leave   Action = "leave switched off" // neither runs: the organization had it switched off, so it stays off
)

// Pair is an old dataflow and its copy in a plan. The fingerprint is what the plan relies on: a pair whose sides no longer have it is stale
// and not switched.
type Pair struct {
	Name          string    `json:"name"`
	Sandbox       string    `json:"sandbox"`
	Account       string    `json:"account"` // the copy's, which must be verified
	Old           string    `json:"old"`
	New           string    `json:"new"`
	Fingerprint   string    `json:"fingerprint"`              // of both sides; of the copy alone where the old one is gone or the plan is late
	Advertiser    string    `json:"advertiser,omitempty"`     // the copy's
	OldAdvertiser string    `json:"old_advertiser,omitempty"` // where it is another one
	Action        Action    `json:"action"`
	Drift         []Drift   `json:"drift,omitempty"`
	Carry         []Carry   `json:"carry,omitempty"`    // to the copy, before it is enabled
	Hold          string    `json:"hold,omitempty"`     // why a person must act before this pair moves
	Delivered     time.Time `json:"delivered,omitzero"` // the old dataflow's last success, where it has stopped
	Late          bool      `json:"late,omitempty"`     // planned after the shutdown: the old side counts for nothing
}

// Plan is what will be done for an organization, as an immutable value. Approvals name its hash.
type Plan struct {
	Hash      string     `json:"hash"`
	Order     Order      `json:"order"`
	Pairs     []Pair     `json:"pairs,omitempty"`
	Questions []Question `json:"questions,omitempty"`
	Left      []string   `json:"left,omitempty"`     // old dataflow ids that a person chose to leave out
	Accounts  []Account  `json:"accounts,omitempty"` // of the copies in it
	MadeAt    time.Time  `json:"made_at"`
}

// Terms are what a plan is made by: the playbook's rules, what people answered, and what was done already.
type Terms struct {
	Order     Order                 `json:"order"`
	Drift     DriftPolicy           `json:"drift"`
	NoWayBack Policy                `json:"no_way_back,omitempty"`
	Choices   map[string]string     `json:"choices,omitempty"`  // old dataflow to its copy, or LeaveOut
	Settled   map[string]Settlement `json:"settled,omitempty"`  // by old dataflow
	Switched  []string              `json:"switched,omitempty"` // old dataflows that were switched before this plan
	Asked     []string              `json:"asked,omitempty"`    // old dataflows that are held for their drift
	Open      []string              `json:"open,omitempty"`     // old dataflows whose copy is asked about
	Waiting   []string              `json:"waiting,omitempty"`  // old dataflows that are still to be switched
	Late      bool                  `json:"late,omitempty"`     // after the shutdown
}

// Terms are what the organization's next plan is made by.
func (s *State) Terms(p Playbook, now time.Time) Terms {
	terms := Terms{
		Order: p.CutOver.Order, Drift: p.Drift, NoWayBack: p.Rollback.NoWayBack, Choices: s.Choices, Settled: s.Settled,
		Switched: s.SwitchedPairs(), Late: !now.Before(p.Timeline.Shutdown),
	}
	for _, pair := range s.Pairs {
		if pair.SwitchedAt.IsZero() && pair.Progress != LeftOff {
			terms.Waiting = append(terms.Waiting, pair.Old)
		}
		if pair.Progress == Held && pair.Hold != "" {
			terms.Asked = append(terms.Asked, pair.Old)
		}
	}
	if s.Plan != nil {
		for _, q := range s.Plan.Questions {
			terms.Open = append(terms.Open, q.Old)
		}
	}
	if len(terms.Switched) > 0 {
		terms.Choices = maps.Clone(s.Choices)
		for _, pair := range s.Pairs {
			if _, chosen := s.Choices[pair.Old]; !chosen && !pair.SwitchedAt.IsZero() {
				if terms.Choices == nil {
					terms.Choices = map[string]string{}
				}
				terms.Choices[pair.Old] = pair.New // whatever somebody renames: what was switched together stays together
			}
		}
	}
	return terms
}

// Answer is what a person decides about a pair that is held for its drift.
type Answer string

// AnswerCarry does to the copy what was done to the old dataflow; AnswerAccept goes on in spite of the difference.
const (
	AnswerCarry  Answer = "carry"
	AnswerAccept Answer = "accept"
)

// Settlement is a person's answer to one list of differences. It does not hold for another list.
type Settlement struct {
	Answer Answer `json:"answer"`
	Drift  string `json:"drift"` // digest of the list
}

// Settle is a person's answer to the pair as it is planned now.
func (p Pair) Settle(answer Answer) Settlement { return Settlement{answer, driftDigest(p.Drift)} }

// MakePlan decides what to do for the organization in the snapshot, compared with what was first seen of it (nil: nothing). It is the only place
// a plan comes from: starter plan and the workflow print and follow the same value.
func MakePlan(s Snapshot, base *Base, terms Terms) Plan {
	s = terms.withGone(s, base)
	from := originsOf(base)
	now := byIDs(slices.Concat(s.Old, s.New))
	known := s.Old
	if base != nil {
		known = merged(known, base.Old) // one that was off and is gone needs nothing, and still its copy must not pass for another one's
	}
	matches, questions, left := PairUp(asFirstSeen(known, from.old), asFirstSeen(s.New, from.copied), terms.Choices)
	certain := from.certain(known, s.New, terms.Choices)
	matches = slices.DeleteFunc(matches, func(m Match) bool {
		if !certain(m) {
			questions = append(questions, Question{
				Old: m.Old.ID, Name: m.Old.Name, Sandbox: m.Old.Sandbox, Candidates: []string{m.New.ID}, Why: "it fits only since somebody changed a name or an advertiser",
			})
		}
		return !certain(m)
	})
	forgotten := func(id string) bool { _, known := now[id]; return !known }
	matches = slices.DeleteFunc(matches, func(m Match) bool { return forgotten(m.Old.ID) })
	questions = slices.DeleteFunc(questions, func(q Question) bool { return forgotten(q.Old) })
	matches = slices.DeleteFunc(matches, func(m Match) bool {
		// That it is gone does not make certain what was not: how it was first seen is not how it was at last.
		open := now[m.Old.ID].State == Gone && slices.Contains(terms.Open, m.Old.ID) && terms.Choices[m.Old.ID] == ""
		if open {
			questions = append(questions, Question{
				Old: m.Old.ID, Name: m.Old.Name, Sandbox: m.Old.Sandbox, Candidates: []string{m.New.ID}, Why: "it was asked about before it was gone",
			})
		}
		return open
	})
	left = slices.DeleteFunc(left, func(d Dataflow) bool { return forgotten(d.ID) })
	lost, out := terms.lost(now)
	plan := Plan{Order: terms.Order, Questions: append(questions, lost...), MadeAt: s.TakenAt}
	if terms.Late {
		plan.Order = EnableFirst // the old side may refuse everything: the copy must not wait for it
	}
	for _, d := range left {
		plan.Left = append(plan.Left, d.ID)
	}
	plan.Left = append(plan.Left, out...)
	room := maxDifferences
	for _, m := range matches {
		m = Match{now[m.Old.ID], now[m.New.ID]}
		pair := terms.pair(m, from)
		if way := wayBack(pair, m.Old, s); way != nil && !terms.Late {
			way.Policy = cmp.Or(terms.NoWayBack, Ask)
			pair.Drift = append(pair.Drift, *way)
		}
		if terms.Late && base != nil {
			pair.Delivered = base.Baselines[pair.Old].Last
		}
		terms.decide(&pair)
		size := func() int { return len(pair.Drift) + len(pair.Carry) }
		if size() > room && pair.Hold == "" { // an answer is to the whole list of differences; here nothing is asked
			pair.Drift = slices.DeleteFunc(pair.Drift, func(d Drift) bool { return d.Policy == Ignore })
		}
		if size() > room {
			pair.Drift, pair.Carry, pair.Hold = nil, nil, "too many differences in one organization to plan them at once; compare the two cards in Adobe"
		}
		room -= size()
		plan.Pairs = append(plan.Pairs, pair)
	}
	for _, account := range s.Accounts {
		if slices.ContainsFunc(plan.Pairs, func(p Pair) bool { return p.Account == account.ID }) {
			plan.Accounts = append(plan.Accounts, s.reaching(account))
		}
	}
	slices.SortFunc(plan.Pairs, func(a, b Pair) int { return strings.Compare(a.Sandbox+"\x00"+a.Old, b.Sandbox+"\x00"+b.Old) })
	plan.Hash = plan.hash()
	return plan
}

// withGone is the snapshot with what is not listed any more. One that was off when it was first seen is missed all the same where something was done
// about it since, or is to be done: somebody enabled it.
func (t Terms) withGone(s Snapshot, base *Base) Snapshot {
	s = s.WithGone(base)
	if base == nil {
		return s
	}
	listed := byIDs(s.Old)
	for _, d := range base.Old {
		_, here := listed[d.ID]
		if !here && (slices.Contains(t.Switched, d.ID) || slices.Contains(t.Waiting, d.ID) || slices.Contains(t.Open, d.ID)) {
			d.State = Gone
			s.Old = append(slices.Clip(s.Old), d)
		}
	}
	return s
}

// lost are the switched dataflows of which neither side is listed: a question about each, unless a person has left it out.
func (t Terms) lost(now map[string]Dataflow) (questions []Question, out []string) {
	for _, old := range t.Switched {
		copied := t.Choices[old]
		_, known := now[old]
		_, runs := now[copied]
		switch {
		case known || runs:
		case copied == LeaveOut:
			out = append(out, old)
		default:
			questions = append(questions, Question{Old: old, Name: old, Why: "neither it nor its copy " + copied + " is listed"})
		}
	}
	return questions, out
}

// Bounds keep a plan small enough for a history, and a person able to read it.
const (
	maxDrift       = 100  // differences of one pair that matter, and as many that do not
	maxDifferences = 2000 // of one organization
)

// pair compares the two sides and names everything that a policy applies to.
func (t Terms) pair(m Match, from origins) Pair {
	pair := Pair{
		Name: m.Old.Name, Sandbox: m.Old.Sandbox, Account: m.New.Account, Old: m.Old.ID, New: m.New.ID, Advertiser: m.New.Advertiser,
		Fingerprint: Fingerprint(m.Old, m.New), Action: ActionFor(m.Old.State, m.New.State), Drift: from.compare(m.Old, m.New), Late: t.Late,
	}
	if t.Late && pair.Action == Finish && slices.Contains(t.Switched, m.Old.ID) {
		pair.Action = Already // the old side would not be disabled, and delivers nothing
	}
	if m.Old.Advertiser != m.New.Advertiser {
		pair.OldAdvertiser = m.Old.Advertiser
	}
	if m.Old.State == Gone || t.Late {
		pair.Fingerprint = Fingerprint(Dataflow{}, m.New)
	}
	for i := range pair.Drift {
		pair.Drift[i].Policy = t.Drift.Of(pair.Drift[i].Kind)
	}
	if len(pair.Drift) > maxDrift {
		pair.Drift = bounded(pair.Drift)
	}
	if what := t.stateChange(pair, m, from); what != "" {
		pair.Drift = append(pair.Drift, Drift{Kind: StateChanged, Item: what, Policy: t.Drift.Of(StateChanged)})
	}
	if m.Old.State == Gone && pair.Action == Revive {
		policy := t.Drift.Of(OldMissing)
		if t.Late && !slices.Contains(t.Asked, m.Old.ID) {
			policy = CarryOver // the vendor took the old side away, as it said, and no question with it
		}
		what := "seen at " + Instant(from.at) + "; it was deleted, or an access label hides it"
		pair.Drift = append(pair.Drift, Drift{Kind: OldMissing, Item: what, Policy: policy})
	}
	return pair
}

// bounded shortens a long list of differences: of those that are ignored the rest is counted, of the others more than can be shown hold the pair.
func bounded(drift []Drift) (list []Drift) {
	ignored := func(d Drift) bool { return d.Policy == Ignore }
	matters := slices.DeleteFunc(slices.Clone(drift), ignored)
	ignoredOnes := slices.DeleteFunc(slices.Clone(drift), func(d Drift) bool { return !ignored(d) })
	for _, part := range [][]Drift{matters, ignoredOnes} {
		more := len(part) - maxDrift
		if more <= 0 {
			list = append(list, part...)
			continue
		}
		rest := Drift{Kind: part[maxDrift].Kind, Item: "and " + count(more, "more difference"), Policy: Block}
		switch part[maxDrift].Policy {
		case Ignore:
			rest.Policy = Ignore
		case CarryOver:
			rest.Item += ": too many to carry over at once"
		case Ask, Block:
		}
		list = append(append(list, part[:maxDrift]...), rest)
	}
	return list
}

// stateChange says what somebody switched that neither the base nor this migration explains.
func (t Terms) stateChange(pair Pair, m Match, from origins) string {
	first, known := from.old[m.Old.ID]
	switch done := slices.Contains(t.Switched, m.Old.ID); {
	case done && pair.Action == Finish:
		return "the old dataflow was enabled again: both run"
	case done && pair.Action == Switch:
		return "the old dataflow was enabled again and its copy disabled"
	case done && pair.Action == Leave:
		return "the copy was disabled: neither runs"
	case !done && pair.Action == Leave && known && first.State == Enabled:
		return "the old dataflow was enabled at first and is disabled now: neither runs"
	}
	return ""
}

// wayBack tells why the old side could not be enabled again, as far as Adobe shows it; nil if nothing speaks against it.
func wayBack(pair Pair, old Dataflow, s Snapshot) *Drift {
	if pair.Action != Switch && pair.Action != Finish {
		return nil
	}
	i := slices.IndexFunc(s.OldAccounts, func(a Account) bool { return a.ID == old.Account })
	switch {
	case i < 0:
		return nil
	case s.OldAccounts[i].State == Disabled:
		return &Drift{Kind: NoWayBack, Item: "account " + old.Account + " of the old dataflow is disabled"}
	case !s.OldAccounts[i].ExpiresAt.IsZero() && !s.OldAccounts[i].ExpiresAt.After(s.TakenAt):
		return &Drift{Kind: NoWayBack, Item: "the sign-in of account " + old.Account + " of the old dataflow ended at " + Instant(s.OldAccounts[i].ExpiresAt)}
	case s.OldAccounts[i].Failing:
		return &Drift{Kind: NoWayBack, Item: "Adobe's test of account " + old.Account + " of the old dataflow fails"}
	}
	return nil
}

// decide settles what each difference means for the pair: carried over, held for a person, or gone past.
func (t Terms) decide(pair *Pair) {
	answer, answered := t.Settled[pair.Old]
	answered = answered && answer.Drift == driftDigest(pair.Drift)
	open := false // whether it stays off is not settled
	for i := range pair.Drift {
		d := &pair.Drift[i]
		if answered && d.Policy == Ask {
			d.Policy = Ignore
			if answer.Answer == AnswerCarry && d.Kind.CanCarry() {
				d.Policy = CarryOver
			}
		}
		if d.Kind == StateChanged || d.Kind == OldMissing {
			open = open || d.Policy.holds()
			if !d.Policy.holds() {
				pair.Action = pair.Action.after(d.Policy)
			}
		}
	}
	if pair.Action == Leave && !open {
		return // of a pair that stays off, nothing else matters
	}
	var held []string
	for _, d := range pair.Drift {
		switch {
		case d.Policy.holds():
			held = append(held, string(d.Kind)+": "+d.Item)
		case d.Policy == CarryOver && d.Kind != StateChanged && d.Kind != OldMissing:
			pair.Carry = append(pair.Carry, Carry{Audience: d.audience, Remove: d.Kind == AudienceRemoved})
		}
	}
	pair.Hold = strings.Join(held, "; ")
}

// holds tells whether a difference with this policy holds its pair.
func (p Policy) holds() bool { return p == Ask || p == Block }

// after is the action once a change of state is carried over or gone past.
func (a Action) after(policy Policy) Action {
	switch {
	case policy == Ignore:
		return Leave // as somebody left it
	case a == Leave:
		return Revive
	}
	return a
}

// ActionFor is the action for a pair whose sides are in these states. A transitional state counts as enabled: the vendor is moving, and to
// leave the old side running is the safe reading.
func ActionFor(old, copied DataflowState) Action {
	switch oldOff, newOff := old == Disabled || old == Gone, copied == Disabled; {
	case old == Gone && newOff:
		return Revive
	case oldOff && newOff:
		return Leave
	case oldOff:
		return Already
	case newOff:
		return Switch
	default:
		return Finish
	}
}

// digest identifies what would be done with a pair.
func (p Pair) digest() string {
	h := sha256.New()
	write(h, p.Sandbox, p.Old, p.New, p.Fingerprint, p.Advertiser, p.OldAdvertiser, string(p.Action))
	for _, c := range p.Carry {
		write(h, c.String())
	}
	return digest(h)
}

func (p Plan) hash() string {
	h := sha256.New()
	write(h, "plan", string(p.Order))
	for _, pair := range p.Pairs {
		write(h, pair.digest(), pair.Hold)
	}
	for _, q := range p.Questions {
		write(h, "question", q.Old)
	}
	write(h, p.Left...)
	return digest(h)
}

// Toggle is one vendor write of a plan, for people to read.
type Toggle struct {
	Pair     string `json:"pair"`
	Op       string `json:"op"` // enable, disable, or what is carried over
	Dataflow string `json:"dataflow"`
	Card     string `json:"card"` // old or new
}

// Toggles are the writes of one pair in their order.
func (p Pair) Toggles(order Order) []Toggle {
	if p.Hold != "" {
		return nil
	}
	var writes []Toggle
	for _, c := range p.Carry {
		writes = append(writes, Toggle{p.Name, c.String(), p.New, "new"})
	}
	enable := Toggle{p.Name, "enable", p.New, "new"}
	disable := Toggle{p.Name, "disable", p.Old, "old"}
	switch {
	case p.Action == Finish:
		return append(writes, disable)
	case p.Action == Revive:
		return append(writes, enable)
	case p.Action == Switch && order == DisableFirst:
		return append(writes, disable, enable)
	case p.Action == Switch:
		return append(writes, enable, disable)
	}
	return writes
}

// Moves tells whether the plan changes anything of the pair.
func (p Pair) Moves() bool {
	return p.Action == Switch || p.Action == Finish || p.Action == Revive || len(p.Carry) > 0
}

// Write is the next thing to do for a pair whose sides are in given states.
type Write string

// The writes. WriteWait means a side is between two states; WriteRefuse means somebody switched both sides off, which no plan asked for.
const (
	WriteEnable  Write = "enable"
	WriteDisable Write = "disable"
	WriteDone    Write = "done"
	WriteWait    Write = "wait"
	WriteRefuse  Write = "refuse"
)

// NextWrite decides the next write of a pair that moves from one side to the other, from what both show now. It depends on nothing else, so that
// an attempt that follows a crash or a lost answer goes on where the vendor stands. Forward it moves from the old dataflow to the copy, a rollback
// from the copy to the old one. With revive the other side is known to be off or gone.
func NextWrite(order Order, from, to DataflowState, revive bool) Write {
	off := from == Disabled || from == Gone
	switch {
	case !settled(from) || !settled(to):
		return WriteWait
	case off && to == Enabled:
		return WriteDone
	case from == Enabled && to == Enabled:
		return WriteDisable
	case off && revive:
		return WriteEnable
	case order == DisableFirst && from == Enabled:
		return WriteDisable
	case order == DisableFirst && from == Disabled, from == Enabled:
		return WriteEnable
	default:
		return WriteRefuse
	}
}

func settled(s DataflowState) bool { return s == Enabled || s == Disabled || s == Gone }
