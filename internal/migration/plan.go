package migration

import (
	"crypto/sha256"
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
	Already Action = "already switched"   // the copy runs, the old does not: only verify
	Leave   Action = "leave switched off" // neither runs: the organization had it switched off, so it stays off
)

// Pair is an old dataflow and its copy in a plan. The fingerprint is what the plan relies on: a pair whose sides no longer have it is stale
// and not switched.
type Pair struct {
	Name        string  `json:"name"`
	Sandbox     string  `json:"sandbox"`
	Account     string  `json:"account"` // the copy's, which must be verified
	Old         string  `json:"old"`
	New         string  `json:"new"`
	Fingerprint string  `json:"fingerprint"`          // of both sides
	Advertiser  string  `json:"advertiser,omitempty"` // the copy's
	Action      Action  `json:"action"`
	Drift       []Drift `json:"drift,omitempty"`
	Hold        string  `json:"hold,omitempty"` // why a person must act before this pair moves
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

// MakePlan decides what to do for the organization in the snapshot. It is the only place a plan comes from: starter plan and the workflow
// print and follow the same value.
func MakePlan(s Snapshot, order Order, drift DriftPolicy, choices map[string]string) Plan {
	matches, questions, left := PairUp(s.Old, s.New, choices)
	plan := Plan{Order: order, Questions: questions, MadeAt: s.TakenAt}
	for _, d := range left {
		plan.Left = append(plan.Left, d.ID)
	}
	for _, m := range matches {
		plan.Pairs = append(plan.Pairs, pair(m, drift))
	}
	for _, account := range s.Accounts {
		if slices.ContainsFunc(plan.Pairs, func(p Pair) bool { return p.Account == account.ID }) {
			plan.Accounts = append(plan.Accounts, account)
		}
	}
	slices.SortFunc(plan.Pairs, func(a, b Pair) int { return strings.Compare(a.Sandbox+"\x00"+a.Old, b.Sandbox+"\x00"+b.Old) })
	plan.Hash = plan.hash()
	return plan
}

func pair(m Match, policy DriftPolicy) Pair {
	pair := Pair{
		Name: m.Old.Name, Sandbox: m.Old.Sandbox, Account: m.New.Account, Old: m.Old.ID, New: m.New.ID, Advertiser: m.New.Advertiser,
		Fingerprint: Fingerprint(m.Old, m.New),
		Action:      ActionFor(m.Old.State, m.New.State), Drift: Compare(m.Old, m.New),
	}
	if pair.Action == Leave || pair.Action == Already {
		return pair // nothing will be toggled, so nothing needs to be held
	}
	var asked []string
	for _, d := range pair.Drift {
		if policy.Of(d.Kind) == Ask {
			asked = append(asked, string(d.Kind)+": "+d.Item)
		}
	}
	if len(asked) > 0 {
		pair.Hold = strings.Join(asked, "; ")
	}
	return pair
}

// ActionFor is the action for a pair whose sides are in these states. A transitional state counts as enabled: the vendor is moving, and to
// leave the old side running is the safe reading.
func ActionFor(old, copied DataflowState) Action {
	switch oldOff, newOff := old == Disabled, copied == Disabled; {
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
	write(h, p.Sandbox, p.Old, p.New, p.Fingerprint, p.Advertiser, string(p.Action))
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
	Op       string `json:"op"` // enable or disable
	Dataflow string `json:"dataflow"`
	Card     string `json:"card"` // old or new
}

// Toggles are the writes of one pair in their order.
func (p Pair) Toggles(order Order) []Toggle {
	enable := Toggle{p.Name, "enable", p.New, "new"}
	disable := Toggle{p.Name, "disable", p.Old, "old"}
	switch {
	case p.Hold != "":
		return nil
	case p.Action == Finish:
		return []Toggle{disable}
	case p.Action == Switch && order == DisableFirst:
		return []Toggle{disable, enable}
	case p.Action == Switch:
		return []Toggle{enable, disable}
	}
	return nil
}

// Write is the next thing to do for a pair whose sides are in given states.
type Write string

// The writes. WriteWait means a side is between two states; WriteRefuse means somebody switched both sides off, which no plan asked for.
const (
	WriteEnable  Write = "enable the copy"
	WriteDisable Write = "disable the old"
	WriteDone    Write = "done"
	WriteWait    Write = "wait"
	WriteRefuse  Write = "refuse"
)

// NextWrite decides the next write of a pair from what both sides show now. It depends on nothing else, so that an attempt that follows a
// crash or a lost answer goes on where the vendor stands.
func NextWrite(order Order, old, copied DataflowState) Write {
	switch {
	case !settled(old) || !settled(copied):
		return WriteWait
	case old == Disabled && copied == Enabled:
		return WriteDone
	case old == Enabled && copied == Enabled:
		return WriteDisable
	case order == DisableFirst && old == Enabled:
		return WriteDisable
	case order == DisableFirst, old == Enabled:
		return WriteEnable
	default:
		return WriteRefuse
	}
}

func settled(s DataflowState) bool { return s == Enabled || s == Disabled }
