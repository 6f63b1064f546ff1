package migration

import (
	"fmt"
	"slices"
	"time"
)

// Assessment is the first look at an organization: whether it is affected and why, and the accounts people must sign in to.
type Assessment struct {
	Affected bool      `json:"affected"`
	Reason   string    `json:"reason"`
	Listed   int       `json:"listed"`             // old-card dataflows in all sandboxes
	Names    []string  `json:"names,omitempty"`    // of the first few, for people to recognize what it is about
	Accounts []Account `json:"accounts,omitempty"` // new-card accounts that dataflows use
	Running  int       `json:"running,omitempty"`  // copies that somebody enabled already
	At       time.Time `json:"at"`
}

// A notice names this many dataflows.
const namedDataflows = 20

// Assess decides who is affected: an organization that had dataflows on the old card set up before the new card was available. The reason is
// stated either way.
func Assess(s Snapshot, old Card, available time.Time) Assessment {
	a := Assessment{Listed: len(s.Old), At: s.TakenAt}
	before := 0
	for _, d := range s.Old {
		if d.Created.Before(available) {
			before++
		}
	}
	since := Instant(available)
	switch {
	case before > 0:
		a.Affected = true
		a.Reason = fmt.Sprintf("%s on %s set up before %s", count(before, "dataflow"), old.Label(), since)
	case len(s.Old) > 0:
		a.Reason = fmt.Sprintf("no dataflow on %s was set up before %s (%d later)", old.Label(), since, len(s.Old))
	default:
		a.Reason = "no dataflow on " + old.Label() + orphans(s.New)
	}
	if !a.Affected {
		return a
	}
	for _, d := range slices.SortedFunc(slices.Values(s.Old), byID) {
		if len(a.Names) < namedDataflows {
			a.Names = append(a.Names, d.Name)
		}
	}
	used := map[string]bool{}
	for _, d := range s.New {
		used[d.Account] = true
		if d.State == Enabled {
			a.Running++
		}
	}
	for _, account := range s.Accounts {
		if used[account.ID] {
			a.Accounts = append(a.Accounts, s.reaching(account))
		}
	}
	return a
}

// reaching adds to an account which ad accounts its dataflows export to: whoever signs in must have access to them.
func (s Snapshot) reaching(account Account) Account {
	var ids []string
	for _, d := range s.New {
		if d.Account == account.ID && d.Advertiser != "" {
			ids = append(ids, d.Advertiser)
		}
	}
	account.Advertisers = sorted(ids)
	return account
}

// orphans says that disabled dataflows of the new card may be copies whose originals are gone. Nothing ties them to anything, so a person decides.
func orphans(list []Dataflow) string {
	off := 0
	for _, d := range list {
		if d.State == Disabled {
			off++
		}
	}
	if off == 0 {
		return ""
	}
	return fmt.Sprintf("; %s of the new card disabled, perhaps copies whose originals are gone: enable in Adobe what is wanted", count(off, "dataflow"))
}

// Short tells by how many dataflows the listing falls short of what the operator expects.
func (a Assessment) Short(o Organization) int { return max(0, o.ExpectedDataflows-a.Listed) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
