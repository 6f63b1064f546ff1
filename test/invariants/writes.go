package invariants

import (
	"fmt"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// guesses finds ambiguous dataflows that were switched before a person settled them, and copies enabled for the wrong original.
func guesses(w *world) []Violation {
	asked := map[string][]question{}
	for i := range w.Organizations {
		org := &w.Organizations[i]
		for _, q := range org.Questions {
			settled := settledAt(org.Status.Deeds, q)
			for _, id := range append([]string{q.Old}, q.Candidates...) {
				asked[id] = append(asked[id], question{q.Old, settled})
			}
		}
	}
	var found []Violation
	for _, e := range w.Ledger {
		if !clientWrite(e) || e.Entity != flow {
			continue
		}
		for _, q := range asked[e.ID] {
			if q.settled.IsZero() || e.At.Before(q.settled) {
				found = append(found, at(NoGuess, e, fmt.Sprintf("%s of %s although which copy belongs to %s was not settled by a person", e.Op, e.ID, q.old)))
			}
		}
		if org := w.organizations[e.Organization]; org != nil && e.Op == enable {
			for _, pair := range org.Status.Pairs {
				if pair.New == e.ID && w.origin[e.ID] != pair.Old {
					found = append(found, at(NoGuess, e, fmt.Sprintf("%s was enabled for %s and is the copy of %q", e.ID, pair.Old, w.origin[e.ID])))
				}
			}
		}
	}
	return found
}

type question struct {
	old     string
	settled time.Time // zero: never
}

// settledAt is when a person first settled a question, by an answer to it or by one that gave away its candidates.
func settledAt(deeds []migration.Deed, q migration.Question) time.Time {
	for _, deed := range deeds {
		if !strings.HasPrefix(deed.What, "chose ") {
			continue
		}
		for _, id := range append([]string{q.Old}, q.Candidates...) {
			if strings.Contains(deed.What, id) {
				return deed.At
			}
		}
	}
	return time.Time{}
}

// early finds copies that were enabled while nobody was signed in to their account. An old dataflow that is enabled by a rollback ran before, and
// its account is not what anybody is asked for.
func early(w *world) []Violation {
	accounts := map[string]string{}
	var found []Violation
	for _, e := range w.Ledger {
		if e.Entity == connection && moves(e) {
			accounts[e.ID] = e.After
		}
		if clientWrite(e) && e.Entity == flow && e.Op == enable && !w.isOriginal(e.ID) && accounts[e.Account] != signedIn {
			found = append(found, at(NoEarly, e, fmt.Sprintf("%s was enabled while its account %s was %s", e.ID, e.Account, accounts[e.Account])))
		}
	}
	return found
}

// crosses finds credentials that went with another organization's id.
func crosses(w *world) []Violation {
	var found []Violation
	for _, e := range w.Ledger {
		if e.Kind == emulator.KindCross {
			found = append(found, at(NoCross, e, e.Detail))
		}
	}
	if len(w.Ledger) == 0 {
		found = append(found, Violation{Invariant: NoCross, What: "the ledger is empty: nothing was checked"})
	}
	return found
}
