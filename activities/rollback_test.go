package activities

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// grown is a switched pair whose copy got two audiences and lost one since.
func grown(t *testing.T, order migration.Order, tweak ...func(*emulator.Scenario)) (*world, RollBackInput) {
	t.Helper()
	w := newWorld(t, append(tweak, alone)...)
	w.assess()
	in := w.switched(order, loyal)
	w.edit(in.New, emulator.Edit{By: "customer", RemoveAudiences: []string{"Silver tier"}, AddAudiences: []emulator.Audience{
		{Name: "Bronze tier"}, {Name: "Visitors", Namespace: "aamSegments"},
	}})
	return w, in
}

// grownWrites are the writes that carry a grown pair back, each once, in the reverse order of its switch.
func grownWrites(order migration.Order) []string {
	carried := []string{"add-audience old", "add-audience old", "remove-audience old"}
	if order == migration.DisableFirst {
		return append(carried, "disable new", "enable old")
	}
	return append(carried, "enable old", "disable new")
}

func TestRollBackCarriesBackBeforeItToggles(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			w, in := grown(t, order)
			seen := w.look(in.Old, in.New, order)
			done := must[migration.Moved](w, "RollBackPair", in)
			seen.check(t)
			require.Zero(t, seen.stale())
			require.Equal(t, grownWrites(order), seen.writes())
			require.Equal(t, []string{"enabled", "disabled"}, []string{w.state(in.Old), w.state(in.New)})
			require.ElementsMatch(t, w.flow("new", loyal).Audiences, w.flow("old", loyal).Audiences, "with everything that Adobe tells of them")
			require.Len(t, done.Carried, 3)
			require.Equal(t, order == migration.EnableFirst, done.Enabled.Before(done.Disabled))

			again := must[migration.Moved](w, "RollBackPair", in)
			require.Equal(t, migration.Moved{}, again)
			require.Len(t, seen.writes(), len(grownWrites(order)))
		})
	}
}

func TestRollBackGoesOnAfterAnyCall(t *testing.T) {
	t.Parallel()
	goesOn(t, "RollBackPair", grown, func(in RollBackInput) (old, copied string) { return in.Old, in.New }, grownWrites, "enabled", "disabled")
}

func TestRollBackFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string
		after time.Duration
	}{
		"cut before":   {emulator.Fault{Effect: emulator.EffectCutBefore}, Unavailable, 0},
		"cut after":    {emulator.Fault{Effect: emulator.EffectCutAfter}, Unavailable, 0},
		"throttled":    {emulator.Fault{Effect: emulator.EffectStatus, Status: 429, RetryAfter: time.Hour}, RateLimited, time.Hour},
		"unavailable":  {emulator.Fault{Effect: emulator.EffectStatus, Status: 503}, Unavailable, 0},
		"refused":      {emulator.Fault{Effect: emulator.EffectStatus, Status: 400}, Refused, 0},
		"changed once": {emulator.Fault{Effect: emulator.EffectStaleEtag, Times: 1}, "", 0},
	} {
		for _, route := range []string{"PATCH /flows/{id}", "POST /flows/{id}/action"} {
			for call := range 2 {
				t.Run(fmt.Sprintf("%s %s %d", name, route, call+1), func(t *testing.T) {
					t.Parallel()
					w, in := grown(t, migration.EnableFirst)
					seen := w.look(in.Old, in.New, in.Order)
					fault := c.fault
					fault.Route, fault.After = route, call
					mend := w.fault(fault)
					_, err := do[migration.Moved](w, "RollBackPair", in)
					seen.check(t)
					if c.want != "" {
						after := c.after
						if strings.HasPrefix(name, "cut") && strings.HasPrefix(route, "POST") {
							after = lookAgain // the pair may stand between its sides
						}
						require.Equal(t, after, failed(t, err, c.want).NextRetryDelay())
						mend()
						_, err = do[migration.Moved](w, "RollBackPair", in)
					}
					require.NoError(t, err)
					seen.check(t)
					seen.moved(t, grownWrites(in.Order), "enabled", "disabled")
				})
			}
		}
	}
}

// What would lose changes, or leads nowhere, is refused for good and nothing of it is written.
func TestRollBackRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*testing.T, *world, *RollBackInput)
		says   string
	}{
		"audiences that the playbook wants to see first": {func(_ *testing.T, _ *world, in *RollBackInput) { in.CarryBack = migration.Block }, `"Bronze tier"`},
		"after the shutdown": {func(t *testing.T, w *world, _ *RollBackInput) {
			t.Helper()
			require.NoError(t, w.Advance(shutdown.Sub(w.Emulator.Now())))
		}, "closed since 2024-01-19"},
		"a deleted old dataflow": {func(t *testing.T, w *world, in *RollBackInput) {
			t.Helper()
			require.NoError(t, w.DeleteFlow(acme, prod, in.Old, "customer"))
		}, "nothing to go back to"},
		"changed mappings": {func(t *testing.T, w *world, in *RollBackInput) {
			t.Helper()
			sandbox, err := w.sandbox(w.who, prod)
			require.NoError(t, err)
			flow, err := sandbox.Dataflow(t.Context(), in.New)
			require.NoError(t, err)
			path := "/transformations/0/params/profileSelectors/selectors/2"
			require.NoError(t, sandbox.PatchDataflow(t.Context(), in.New, flow.Etag, adobe.PatchOp{Op: adobe.OpRemove, Path: path}))
		}, "mappings were changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := grown(t, migration.EnableFirst)
			c.change(t, w, &in)
			seen := w.look(in.Old, in.New, in.Order)
			_, err := do[migration.Moved](w, "RollBackPair", in)
			failure := failed(t, err, RollbackRefused)
			require.True(t, failure.NonRetryable())
			require.Contains(t, failure.Message(), c.says)
			require.Empty(t, seen.writes())
		})
	}
	t.Run("the last moment before the shutdown is in time", func(t *testing.T) {
		t.Parallel()
		w, in := grown(t, migration.EnableFirst)
		in.Shutdown = w.Emulator.Now().Add(time.Millisecond)
		must[migration.Moved](w, "RollBackPair", in)
		require.Equal(t, "enabled", w.state(in.Old))
	})
	t.Run("a block has nothing against a copy that is as it was", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.assess()
		in := w.switched(migration.EnableFirst, loyal)
		in.CarryBack = migration.Block
		done := must[migration.Moved](w, "RollBackPair", in)
		require.Empty(t, done.Carried)
	})
}

// What a copy had more from the start is not the old dataflow's.
func TestRollBackLeavesWhatTheCopyHadFromTheStart(t *testing.T) {
	t.Parallel()
	extra := func(s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Dataflows[1].Copy = &emulator.Copy{
			Audiences: []emulator.Audience{{Name: "Gold tier"}, {Name: "Silver tier"}, {Name: "Only here"}},
		}
	}
	w := newWorld(t, extra)
	w.assess()
	in := w.switched(migration.EnableFirst, loyal)
	require.Empty(t, must[migration.Moved](w, "RollBackPair", in).Carried)
	require.NotContains(t, w.audiences(in.Old), "Only here")

	blind := newWorld(t, extra) // without a base, nothing tells: rather one too many than one lost
	in = blind.switched(migration.EnableFirst, loyal)
	require.Len(t, must[migration.Moved](blind, "RollBackPair", in).Carried, 1)
	require.Contains(t, blind.audiences(in.Old), "Only here")
}

// To go back without knowing what was first seen would be to guess.
func TestRollBackWithAnUnreadableBase(t *testing.T) {
	t.Parallel()
	w, in := grown(t, migration.EnableFirst)
	require.NoError(t, os.WriteFile(filepath.Join(w.reports, fileName(book, acme, baseFile)), []byte("{"), 0o600))
	seen := w.look(in.Old, in.New, in.Order)
	_, err := do[migration.Moved](w, "RollBackPair", in)
	failed(t, err, Misconfigured)
	require.Empty(t, seen.writes())
}

// Whoever disabled a failing copy did half of the way back.
func TestRollBackOfACopyThatIsOff(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.assess()
			in := w.switched(order, loyal)
			w.edit(in.New, emulator.Edit{By: "customer", State: "disabled"})
			seen := w.look(in.Old, in.New, order)
			must[migration.Moved](w, "RollBackPair", in)
			require.Equal(t, []string{"enable old"}, seen.writes())
		})
	}
}

// A copy that was deleted delivers nothing and shows nothing to carry back: its old dataflow runs again as it is.
func TestRollBackOfACopyThatIsGone(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		for _, policy := range []migration.Policy{migration.CarryOver, migration.Block} {
			t.Run(string(order)+" "+string(policy), func(t *testing.T) {
				t.Parallel()
				w, in := grown(t, order)
				in.CarryBack = policy
				had := w.audiences(in.Old)
				require.NoError(t, w.DeleteFlow(acme, prod, in.New, "customer"))
				seen := w.look(in.Old, in.New, order)
				done := must[migration.Moved](w, "RollBackPair", in)
				require.Equal(t, []string{"enable old"}, seen.writes())
				require.Equal(t, "enabled", w.state(in.Old))
				require.Equal(t, had, w.audiences(in.Old))
				require.Contains(t, done.Note, "could not be carried back")
				require.False(t, done.Enabled.IsZero())

				again := must[migration.Moved](w, "RollBackPair", in)
				require.Equal(t, migration.Moved{Note: done.Note}, again, "an answer that was lost is given again")
			})
		}
	}
}

// People at work during the way back lose nothing, and what they did already is not done twice.
func TestRollBackMeetsPeople(t *testing.T) {
	t.Parallel()
	t.Run("who toggle", func(t *testing.T) {
		t.Parallel()
		w, in := grown(t, migration.EnableFirst)
		w.meanwhile(http.MethodPost, in.Old+"/action", func() { w.edit(in.Old, emulator.Edit{By: "customer", State: "enabled"}) })
		seen := w.look(in.Old, in.New, in.Order)
		must[migration.Moved](w, "RollBackPair", in)
		seen.check(t)
		writes := grownWrites(in.Order)
		require.Equal(t, append(writes[:3:3], writes[4]), seen.writes())
	})
	t.Run("who add audiences", func(t *testing.T) {
		t.Parallel()
		w, in := grown(t, migration.EnableFirst)
		w.meanwhile(http.MethodPatch, in.Old, func() { w.add(in.New, "Late comers") })
		seen := w.look(in.Old, in.New, in.Order)
		done := must[migration.Moved](w, "RollBackPair", in)
		seen.check(t)
		require.Len(t, done.Carried, 4)
		require.Contains(t, w.audiences(in.Old), "Late comers")
		require.Equal(t, w.audiences(in.New), w.audiences(in.Old))
	})
}
