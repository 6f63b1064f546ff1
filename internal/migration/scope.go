package migration

import (
	"fmt"
	"slices"
	"time"
)

// Assessment is the first look at an organization: whether it is affected and why, the accounts people must sign in to, and the old dataflows
// as they were, the base against which later changes are seen.
type Assessment struct {
	Affected bool       `json:"affected"`
	Reason   string     `json:"reason"`
	Listed   int        `json:"listed"` // old-card dataflows in all sandboxes
	Base     []Dataflow `json:"base,omitempty"`
	Accounts []Account  `json:"accounts,omitempty"` // new-card accounts that dataflows use
	Running  int        `json:"running,omitempty"`  // copies that somebody enabled already
	At       time.Time  `json:"at"`
}

// Assess decides who is affected: an organization that had dataflows on the old card set up before the new card was available. The reason is
// stated either way.
func Assess(s Snapshot, p Playbook) Assessment {
	a := Assessment{Listed: len(s.Old), At: s.TakenAt}
	before := 0
	for _, d := range s.Old {
		if d.Created.Before(p.Timeline.Available) {
			before++
		}
	}
	since := Instant(p.Timeline.Available)
	switch {
	case before > 0:
		a.Affected = true
		a.Reason = fmt.Sprintf("%s on %s set up before %s", count(before, "dataflow"), p.Old.Label(), since)
	case len(s.Old) > 0:
		a.Reason = fmt.Sprintf("no dataflow on %s was set up before %s (%d later)", p.Old.Label(), since, len(s.Old))
	default:
		a.Reason = "no dataflow on " + p.Old.Label()
	}
	if !a.Affected {
		return a
	}
	a.Base = slices.SortedFunc(slices.Values(s.Old), byID)
	used := map[string]bool{}
	for _, d := range s.New {
		used[d.Account] = true
		if d.State == Enabled {
			a.Running++
		}
	}
	for _, account := range s.Accounts {
		if used[account.ID] {
			a.Accounts = append(a.Accounts, account)
		}
	}
	return a
}

// Short tells by how many dataflows the listing falls short of what the operator expects.
func (a Assessment) Short(o Organization) int { return max(0, o.ExpectedDataflows-a.Listed) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
