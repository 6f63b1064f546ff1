package invariants

import (
	"fmt"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// gaps finds moments at which a program left neither side of a pair delivering. What people switch off is theirs to answer for, and once the old
// API is closed an old dataflow delivers nothing, whatever its state: disabling it then opens no gap, and disabling the copy always does.
func gaps(w *world) []Violation {
	if w.Order == migration.DisableFirst {
		return nil // a gap is what that order chooses
	}
	var found []Violation
	state, mover := map[string]string{}, map[string]bool{} // by dataflow; mover: a program moved it last
	closed := false
	for _, e := range w.Ledger {
		closed = closedAfter(closed, e)
		if e.Entity != flow || !moves(e) {
			continue
		}
		original, copied, paired := w.sides(e.ID)
		on := func() bool {
			return state[original] == string(migration.Enabled) && !closed || state[copied] == string(migration.Enabled)
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

// closedAfter tells whether the old API is closed after the entry.
func closedAfter(closed bool, e emulator.Entry) bool {
	switch e.Op {
	case "old_api_closed":
		return true
	case "old_api_reopened":
		return false
	default:
		return closed
	}
}
