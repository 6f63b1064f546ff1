package activities

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// sides is what the ledger must bear out of a pair's move, whatever went wrong in it.
type sides struct {
	w           *world
	old, copied string
	order       migration.Order
	since       int64 // sequence number of the last entry before the move
}

// look begins to look at a pair whose sides are in the states a move begins with.
func (w *world) look(old, copied string, order migration.Order) sides {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patches = nil
	entries := w.Ledger(0)
	return sides{w, old, copied, order, entries[len(entries)-1].Seq}
}

// check holds that neither or never both sides ran, by the order, that no audience is doubled, and that each PATCH had one operation.
func (s sides) check(t *testing.T) {
	t.Helper()
	running := map[string]bool{}
	for _, e := range s.w.Ledger(0) {
		if e.Entity != "flow" || e.ID != s.old && e.ID != s.copied || !e.Applied {
			continue
		}
		if e.After != "" {
			running[e.ID] = e.After == "enabled" || e.After == "disabling"
		}
		if e.Seq <= s.since {
			continue
		}
		if s.order == migration.EnableFirst {
			require.True(t, running[s.old] || running[s.copied], "neither side runs after %s of %s", e.Op, e.Card)
		} else {
			require.False(t, running[s.old] && running[s.copied], "both sides run after %s of %s", e.Op, e.Card)
		}
	}
	for _, id := range []string{s.old, s.copied} {
		names := s.w.audiences(id)
		require.Len(t, slices.Compact(slices.Clone(names)), len(names), "an audience is doubled: %s", names)
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, p := range s.w.patches {
		require.Equal(t, 1, p.ops, "operations in one PATCH of %s", p.path)
	}
}

// writes are the changes that were made through the API since then: operation and card.
func (s sides) writes() (list []string) {
	for _, e := range s.w.Ledger(s.since) {
		if e.Kind == emulator.KindWrite && e.Applied {
			list = append(list, e.Op+" "+e.Card)
		}
	}
	return list
}

// stale counts writes that were refused because their etag was not the current one.
func (s sides) stale() (n int) {
	for _, e := range s.w.Ledger(s.since) {
		if e.Kind == emulator.KindWrite && e.Status == 412 {
			n++
		}
	}
	return n
}

// calls counts the vendor calls since then.
func (s sides) calls() (n int) {
	for _, e := range s.w.Ledger(s.since) {
		switch e.Kind {
		case emulator.KindRead, emulator.KindList, emulator.KindWrite:
			n++
		}
	}
	return n
}

func (w *world) state(id string) string {
	for _, f := range w.flows() {
		if f.ID == id {
			return f.State
		}
	}
	return ""
}

// audiences are the names of a dataflow's audiences, sorted, each as often as it is listed.
func (w *world) audiences(id string) (names []string) {
	for _, f := range w.flows() {
		if f.ID == id {
			for _, a := range f.Audiences {
				names = append(names, a.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (w *world) flows() []emulator.FlowState { return w.State().Organizations[0].Sandboxes[0].Flows }

// moved checks that a pair came to its other side by these writes, both sides with the same audiences.
func (s sides) moved(t *testing.T, writes []string, old, copied string) {
	t.Helper()
	require.Equal(t, writes, s.writes())
	require.Equal(t, []string{old, copied}, []string{s.w.state(s.old), s.w.state(s.copied)})
	require.Equal(t, s.w.audiences(s.old), s.w.audiences(s.copied))
}

// goesOn has the activity of that name die at any of its calls, in either order, with and without the last answer: the next attempt makes the rest of
// the writes.
func goesOn[In any](
	t *testing.T, name string, begin func(*testing.T, migration.Order, ...func(*emulator.Scenario)) (*world, In), pair func(In) (old, copied string),
	writes func(migration.Order) []string, old, copied string,
) {
	t.Helper()
	for _, order := range orders {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answer lost %t", order, lost), func(t *testing.T) {
				t.Parallel()
				survives(t, lost, func(t *testing.T) (*world, sides, func() error) {
					t.Helper()
					w, in := begin(t, order, slow)
					was, is := pair(in)
					return w, w.look(was, is, order), func() error {
						_, err := do[migration.Moved](w, name, in)
						return err
					}
				}, func(t *testing.T, _ *world, seen sides) {
					t.Helper()
					seen.moved(t, writes(order), old, copied)
				})
			})
		}
	}
}

// survives has an activity die after each of its vendor calls, or while it waits for that call's answer, and begin again.
func survives(t *testing.T, lost bool, begin func(*testing.T) (*world, sides, func() error), check func(*testing.T, *world, sides)) {
	t.Helper()
	for call := 1; ; call++ {
		w, seen, attempt := begin(t)
		mend := w.crash(call, lost)
		err := attempt()
		mend()
		seen.check(t)
		died := err != nil
		if died {
			failed(t, err, Unavailable)
			require.NoError(t, attempt(), "after call %d", call)
		}
		seen.check(t)
		require.Zero(t, seen.stale(), "after call %d", call)
		check(t, w, seen)
		if !died {
			require.Greater(t, call, 5, "nothing was cut short")
			return
		}
	}
}

// crash lets so many vendor calls through and none after them, until the func that is returned. With lost, the last one's answer does not arrive.
func (w *world) crash(call int, lost bool) (mend func()) {
	w.t.Helper()
	if !lost {
		return w.fault(emulator.Fault{Route: "*", Effect: emulator.EffectCutBefore, After: call})
	}
	answer := w.fault(emulator.Fault{Route: "*", Effect: emulator.EffectCutAfter, After: call - 1, Times: 1})
	rest := w.fault(emulator.Fault{Route: "*", Effect: emulator.EffectCutBefore, After: call - 1})
	return func() {
		answer()
		rest()
	}
}
