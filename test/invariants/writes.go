package invariants

import (
	"fmt"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// gaps finds moments at which a program left neither side of a pair enabled. What people switch off is theirs to answer for.
func gaps(w *world) []Violation {
	if w.Order == migration.DisableFirst {
		return nil // a gap is what that order chooses
	}
	var found []Violation
	state, mover := map[string]string{}, map[string]bool{} // by dataflow; mover: a program moved it last
	for _, e := range w.Ledger {
		if e.Entity != flow || !moves(e) {
			continue
		}
		original, copied, paired := w.sides(e.ID)
		on := func() bool {
			return state[original] == string(migration.Enabled) || state[copied] == string(migration.Enabled)
		}
		was := on()
		state[e.ID] = e.After
		if e.Kind != emulator.KindState { // the vendor finishes what somebody else began
			mover[e.ID] = byClient(e)
		}
		if paired && mover[e.ID] && was && !on() {
			found = append(found, at(NoGap, e, fmt.Sprintf("%s of %s left the pair %s, %s with neither side enabled", e.Op, e.ID, original, copied)))
		}
	}
	return found
}

// strays finds writes that no plan asked for.
func strays(w *world) []Violation {
	var found []Violation
	for _, e := range w.Ledger {
		if !clientWrite(e) {
			continue
		}
		if why := w.stray(e); why != "" {
			found = append(found, at(NoStray, e, fmt.Sprintf("%s of %s %s: %s", e.Op, e.Entity, e.ID, why)))
		}
	}
	return found
}

func (w *world) stray(e emulator.Entry) string {
	org := w.organizations[e.Organization]
	switch {
	case org == nil:
		return "the organization is not part of the run"
	case org.Want.Outcome == migration.NotAffected:
		return "the organization is not affected"
	case e.Entity != flow:
		return "only dataflows are switched"
	}
	for _, pair := range org.Status.Pairs {
		planned := e.Op == enable && pair.New == e.ID || e.Op == disable && pair.Old == e.ID
		switch {
		case !planned:
		case pair.Sandbox != e.Sandbox:
			return fmt.Sprintf("it is planned in sandbox %s, not in %s", pair.Sandbox, e.Sandbox)
		case pair.Action == migration.Leave:
			return "the plan leaves this pair switched off"
		default:
			return ""
		}
	}
	return "the plan does not hold it"
}

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

// stale finds writes by a program that had not seen both sides of the pair as they are: listed, which the plan rests on, and then read singly.
func stale(w *world) []Violation {
	type seen struct{ client, flow string }
	current := map[string]int{}       // content version by dataflow
	listed := map[seen]map[int]bool{} // versions that a list served
	confirmed := map[seen]int{}       // the version that a single read served last, if a list had served it before
	var found []Violation
	for _, e := range w.Ledger {
		if e.Entity != flow {
			continue
		}
		switch {
		case e.Kind == emulator.KindList && e.Answered:
			for _, s := range e.Served {
				key := seen{e.Actor, s.ID}
				if listed[key] == nil {
					listed[key] = map[int]bool{}
				}
				listed[key][s.ContentVersion] = true
			}
		case e.Kind == emulator.KindRead && e.Applied && e.Answered:
			key := seen{e.Actor, e.ID}
			delete(confirmed, key)
			if listed[key][e.ContentVersion] {
				confirmed[key] = e.ContentVersion
			}
		case clientWrite(e):
			original, copied, _ := w.sides(e.ID)
			for _, side := range []string{original, copied} {
				if side != "" && confirmed[seen{e.Actor, side}] != current[side] {
					found = append(found, at(NoStale, e, fmt.Sprintf("%s of %s without a list and then a read of %s since its last change (version %d)",
						e.Op, e.ID, side, current[side])))
				}
			}
		}
		if moves(e) && e.ContentVersion > 0 {
			current[e.ID] = e.ContentVersion
		}
	}
	return found
}

// early finds copies that were enabled while nobody was signed in to their account.
func early(w *world) []Violation {
	accounts := map[string]string{}
	var found []Violation
	for _, e := range w.Ledger {
		if e.Entity == connection && moves(e) {
			accounts[e.ID] = e.After
		}
		if clientWrite(e) && e.Entity == flow && e.Op == enable && accounts[e.Account] != signedIn {
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
