package invariants

import (
	"fmt"
	"slices"
	"strings"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// strays finds writes that neither a plan nor a rollback asked for.
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
	case e.Entity == connection && e.Op == emulator.OpPatch:
		return w.strayRenewal(org, e)
	case e.Entity != flow:
		return "only dataflows are switched"
	}
	why := "the plan does not hold it"
	for _, pair := range org.Status.Pairs {
		if pair.Old != e.ID && pair.New != e.ID {
			continue
		}
		if pair.Sandbox != e.Sandbox {
			return fmt.Sprintf("it is planned in sandbox %s, not in %s", pair.Sandbox, e.Sandbox)
		}
		if why = w.strayOf(org, pair, e); why == "" {
			return ""
		}
	}
	return why
}

// strayRenewal tells why credentials that were written into an account are none that the worker got by a grant that it holds for it.
func (w *world) strayRenewal(org *Organization, e emulator.Entry) string {
	statuses := []migration.Status{org.Status}
	for _, sample := range w.Samples {
		if sample.Status.Organization == org.ID {
			statuses = append(statuses, sample.Status)
		}
	}
	for _, status := range statuses {
		if slices.ContainsFunc(status.Accounts, func(a migration.AccountState) bool {
			return status.ByGrant && a.ID == e.ID && a.Sandbox == e.Sandbox && !a.GrantedAt.IsZero() && !a.GrantedAt.After(e.At)
		}) {
			return ""
		}
	}
	return "no grant is held for this account, or the playbook does not let it be renewed by one"
}

// strayOf tells why a write on a side of the pair is none that its plan, its history or its rollback explains.
func (w *world) strayOf(org *Organization, pair migration.PairState, e emulator.Entry) string {
	switch back := e.ID == pair.Old; {
	case e.Op == enable && !back, e.Op == disable && back:
		if pair.Action == migration.Leave && !toggled(pair, e) {
			return "the plan leaves this pair switched off"
		}
	case e.Op == enable, e.Op == disable:
		asked := slices.ContainsFunc(org.Status.Deeds, func(d migration.Deed) bool { return asksBack(d, pair.Old) })
		if !asked && !slices.ContainsFunc(w.seen(org, pair), wentBack) {
			return "nothing tells of a rollback of this pair"
		}
	case e.Op == emulator.OpAddAudience, e.Op == emulator.OpRemoveAudience:
		remove := e.Op == emulator.OpRemoveAudience
		if !slices.ContainsFunc(w.seen(org, pair), func(p migration.PairState) bool { return carried(p, e.Detail, remove, back) }) {
			return "audience " + e.Detail + " is not among those that were carried over"
		}
	default:
		return "of a dataflow only its state and its audiences are changed"
	}
	return ""
}

// seen is the pair as the organization showed it at its end and at every moment before: a rollback or an audience that an interrupted attempt
// left behind may be in no later word.
func (w *world) seen(org *Organization, pair migration.PairState) []migration.PairState {
	all := []migration.PairState{pair}
	for _, sample := range w.Samples {
		if sample.Status.Organization != org.ID {
			continue
		}
		for _, p := range sample.Status.Pairs {
			if p.Old == pair.Old && p.New == pair.New {
				all = append(all, p)
			}
		}
	}
	return all
}

// asksBack tells whether the deed is a rollback of the old dataflow's pair or of all pairs.
func asksBack(d migration.Deed, old string) bool {
	return strings.HasPrefix(d.What, "rolled back: ") || strings.HasPrefix(d.What, "rolled back dataflow "+old+":")
}

// toggled tells whether the pair's history holds the write.
func toggled(pair migration.PairState, e emulator.Entry) bool {
	card, to := "new", migration.Enabled
	if e.ID == pair.Old {
		card = "old"
	}
	if e.Op == disable {
		to = migration.Disabled
	}
	return slices.ContainsFunc(pair.Toggled, func(t migration.Toggled) bool { return t.Card == card && t.To == to })
}

// wentBack tells whether the pair was rolled back or is about to be; it may have been switched again since.
func wentBack(pair migration.PairState) bool {
	tried := pair.Progress == migration.WentBack || pair.Back != nil || strings.HasPrefix(pair.Note, "not rolled back: ")
	return tried || slices.ContainsFunc(pair.Toggled, func(t migration.Toggled) bool {
		return t.Card == "old" && t.To == migration.Enabled || t.Card == "new" && t.To == migration.Disabled
	})
}

// carried tells whether the pair's history or its present plan changes the audience in this way on this side.
func carried(pair migration.PairState, audience string, remove, back bool) bool {
	done := slices.ContainsFunc(pair.Carried, func(c migration.Carried) bool {
		return c.Audience.ID == audience && c.Remove == remove && c.Back == back
	})
	return done || !back && slices.ContainsFunc(pair.Carry, func(c migration.Carry) bool { return c.Audience.ID == audience && c.Remove == remove })
}
