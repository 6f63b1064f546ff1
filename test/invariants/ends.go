package invariants

import (
	"fmt"
	"maps"
	"slices"

	"cutover/internal/migration"
)

// losses finds organizations that did not come to the right end, at the engine or at the vendor.
func losses(w *world) []Violation {
	states := map[string]string{}
	for _, e := range w.Ledger {
		if e.Entity == flow && moves(e) {
			states[e.ID] = e.After
		}
	}
	var found []Violation
	for _, org := range w.Organizations {
		lost := func(format string, args ...any) {
			found = append(found, Violation{Invariant: NoLoss, Organization: org.ID, What: fmt.Sprintf(format, args...)})
		}
		switch {
		case !org.Ended:
			lost("its workflow has not ended: it is %s and should be %s", org.Status.Phase, org.Want.Outcome)
		case org.Status.Phase != org.Want.Outcome:
			lost("it ended %s and should have ended %s", org.Status.Phase, org.Want.Outcome)
		}
		for _, id := range slices.Sorted(maps.Keys(org.Want.Flows)) {
			if is, want := states[id], string(org.Want.Flows[id]); is != want {
				lost("dataflow %s is %q and should be %q", id, is, want)
			}
		}
	}
	if len(w.Organizations) == 0 {
		found = append(found, Violation{Invariant: NoLoss, What: "no organization was followed"})
	}
	return found
}

// silences finds moments at which an organization waited and did not say on whom, for what, since when, by when, and what that person types.
func silences(w *world) []Violation {
	var found []Violation
	sampled := map[string]bool{}
	for _, sample := range w.Samples {
		status := sample.Status
		sampled[status.Organization] = true
		silent := func(format string, args ...any) {
			when := sample.At.UTC().Format("15:04:05.0") + " " + string(status.Phase) + ": "
			found = append(found, Violation{Invariant: NoSilence, Organization: status.Organization, What: when + fmt.Sprintf(format, args...)})
		}
		if waiting(status) && len(status.Waits) == 0 {
			silent("waits and says for nothing")
		}
		for _, wait := range status.Waits {
			if wait.On == "" || wait.Who == "" || wait.What == "" || wait.Since.IsZero() || wait.By.IsZero() {
				silent("waits on %q (%q) for %q since %v by %v: one of them is missing", wait.On, wait.Who, wait.What, wait.Since, wait.By)
			}
			if wait.On != migration.OnVendor && wait.Command == "" {
				silent("waits on %s for %q and names no command", wait.Who, wait.What)
			}
		}
	}
	for _, org := range w.Organizations {
		if !sampled[org.ID] {
			found = append(found, Violation{Invariant: NoSilence, Organization: org.ID, What: "it never answered what it waits for"})
		}
	}
	return found
}

// waiting tells whether an organization in this phase stands still until somebody or something else moves.
func waiting(s migration.Status) bool {
	switch s.Phase {
	case migration.AwaitingReauth, migration.AwaitingApproval, migration.NeedsAttention, migration.Verifying, migration.Watching:
		return true
	case migration.Assessing:
		return s.Stage == migration.Scheduled
	case migration.Planning, migration.CuttingOver, migration.Migrated, migration.NotAffected, migration.RolledBack, migration.Cancelled:
	}
	return s.Paused && !s.Phase.Done()
}
