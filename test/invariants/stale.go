package invariants

import (
	"fmt"

	"cutover/internal/emulator"
)

// stale finds writes by a program that had not seen both sides of the pair as they are: listed, which the plan rests on, and then read singly.
// A rollback rests on no plan, so for its writes the single reads are enough.
func stale(w *world) []Violation {
	k := knowledge{world: w, current: map[string]int{}, absent: map[string]bool{}, listed: map[version]bool{}, read: map[sight]int{}}
	var found []Violation
	for _, e := range w.Ledger {
		k.closed = closedAfter(k.closed, e)
		if e.Entity != flow {
			continue
		}
		switch {
		case e.Kind == emulator.KindList && e.Answered:
			for _, s := range e.Served {
				k.listed[version{sight{e.Actor, s.ID}, s.ContentVersion}] = true
			}
		case e.Kind == emulator.KindRead && e.Applied && e.Answered:
			k.read[sight{e.Actor, e.ID}] = e.ContentVersion
		case clientWrite(e):
			found = append(found, k.unseen(e)...)
			k.own(e)
		}
		k.follow(e)
	}
	return found
}

// sight is a dataflow as a client sees it; version is one content version of it.
type (
	sight   struct{ client, flow string }
	version struct {
		sight

		content int
	}
)

// knowledge is what the vendor holds at a moment and what its callers have seen of it.
type knowledge struct {
	*world

	current map[string]int   // content version by dataflow
	absent  map[string]bool  // deleted, or hidden by an access label: nobody can read it
	closed  bool             // the old API is: what stands on it counts for nothing
	listed  map[version]bool // served by a list, or made by the client itself from such a version
	read    map[sight]int    // the version that the last single read served
}

// unseen are the sides of the pair that the client of the write had not seen as they are.
func (k *knowledge) unseen(e emulator.Entry) []Violation {
	var found []Violation
	original, copied, paired := k.sides(e.ID)
	back := paired && (e.ID == original && e.Op != disable || e.ID == copied && e.Op == disable)
	for _, side := range []string{original, copied} {
		if side == "" || k.absent[side] || side == original && k.closed {
			continue
		}
		switch seen := (sight{e.Actor, side}); {
		case k.read[seen] != k.current[side]:
			found = append(found, at(NoStale, e, fmt.Sprintf("%s of %s without a read of %s since its last change (version %d)", e.Op, e.ID, side, k.current[side])))
		case !back && !k.listed[version{seen, k.current[side]}]:
			found = append(found, at(NoStale, e, fmt.Sprintf("%s of %s although no list served version %d of %s", e.Op, e.ID, k.current[side], side)))
		}
	}
	return found
}

// own takes in that a client knows what its own change made of a version it knew.
func (k *knowledge) own(e emulator.Entry) {
	seen := sight{e.Actor, e.ID}
	if k.read[seen] == k.current[e.ID] && k.listed[version{seen, k.current[e.ID]}] {
		k.listed[version{seen, e.ContentVersion}] = true
	}
}

// follow takes in what the entry changed at the vendor.
func (k *knowledge) follow(e emulator.Entry) {
	if !moves(e) {
		return
	}
	if e.ContentVersion > 0 {
		k.current[e.ID] = e.ContentVersion
	}
	switch {
	case e.After == "deleted", e.Op == "hide":
		k.absent[e.ID] = true
	case e.Op == "show":
		delete(k.absent, e.ID)
	}
}
