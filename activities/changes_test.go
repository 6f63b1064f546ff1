package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// watching is two switched pairs, as the plan after their switch saw them, and how they are watched.
func watching(t *testing.T, tweak ...func(*emulator.Scenario)) (*world, ChangesInput) {
	t.Helper()
	w := newWorld(t, tweak...)
	w.assess()
	in := ChangesInput{Who: w.who, Cards: w.cards, Poll: migration.Duration(time.Hour), Until: shutdown}
	for _, name := range []string{loyal, holiday} {
		w.switched(migration.EnableFirst, name)
	}
	plan := w.plan(carrying())
	for _, name := range []string{loyal, holiday} {
		pair := w.pair(plan, name)
		in.Pairs = append(in.Pairs, Watched{Old: pair.Old, New: pair.New, Fingerprint: pair.Fingerprint})
	}
	return w, in
}

func TestAwaitChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world, Watched)
		news   bool
	}{
		"nothing":                    {func(*world, Watched) {}, false},
		"old enabled again":          {func(w *world, p Watched) { w.edit(p.Old, emulator.Edit{By: "customer", State: "enabled"}) }, true},
		"copy disabled":              {func(w *world, p Watched) { w.edit(p.New, emulator.Edit{By: "customer", State: "disabled"}) }, true},
		"audience added to the old":  {func(w *world, p Watched) { w.add(p.Old, "Late comers") }, true},
		"audience added to the copy": {func(w *world, p Watched) { w.add(p.New, "Late comers") }, true},
		"audience taken away":        {func(w *world, p Watched) { w.edit(p.New, emulator.Edit{RemoveAudiences: []string{"Gold tier"}}) }, true},
		"copy renamed":               {func(w *world, p Watched) { w.edit(p.New, emulator.Edit{Name: "Other"}) }, true},
		"old deleted":                {func(w *world, p Watched) { require.NoError(w.t, w.DeleteFlow(acme, prod, p.Old, "customer")) }, false},
		"copy deleted":               {func(w *world, p Watched) { require.NoError(w.t, w.DeleteFlow(acme, prod, p.New, "customer")) }, true},
		"old between two states": {func(w *world, p Watched) {
			require.NoError(w.t, w.Configure(func(s *emulator.Settings) { s.Transition = time.Hour }))
			w.edit(p.Old, emulator.Edit{By: "customer", State: "enabled"})
		}, false},
		"copy between two states": {func(w *world, p Watched) {
			require.NoError(w.t, w.Configure(func(s *emulator.Settings) { s.Transition = time.Hour }))
			w.edit(p.New, emulator.Edit{By: "customer", State: "disabled"})
		}, false},
		"its runs go otherwise": {func(w *world, p Watched) { w.edit(p.New, emulator.Edit{Profiles: new(1)}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := watching(t)
			c.change(w, in.Pairs[0])
			changed, err := poll[[]string](w, "AwaitChanges", in, 2)
			if c.news {
				require.NoError(t, err)
				require.Equal(t, []string{in.Pairs[0].Old}, changed)
				return
			}
			wait := failed(t, err, NotYet)
			require.Equal(t, temporal.ApplicationErrorCategoryBenign, wait.Category())
			require.Equal(t, in.Poll.Std(), wait.NextRetryDelay())
		})
	}
}

// What was between two states is news when it has settled.
func TestAwaitChangesAfterATransition(t *testing.T) {
	t.Parallel()
	w, in := watching(t, slow)
	w.edit(in.Pairs[1].Old, emulator.Edit{By: "customer", State: "enabled"})
	require.NoError(t, w.Advance(time.Minute))
	changed, err := poll[[]string](w, "AwaitChanges", in, 2)
	require.NoError(t, err)
	require.Equal(t, []string{in.Pairs[1].Old}, changed)
}

func TestAwaitChangesEndsWithTheOldAPI(t *testing.T) {
	t.Parallel()
	w, in := watching(t)
	w.add(in.Pairs[0].Old, "Late comers")
	for attempt, of := range []func(*world, string, any, int32) ([]string, error){
		func(w *world, name string, in any, _ int32) ([]string, error) { return do[[]string](w, name, in) }, poll[[]string],
	} {
		near := in
		near.Until = w.Emulator.Now().Add(20 * time.Minute)
		near.Pairs = in.Pairs[1:]
		_, err := of(w, "AwaitChanges", near, 2)
		left := failed(t, err, NotYet).NextRetryDelay()
		require.LessOrEqual(t, left, 20*time.Minute, "attempt %d", attempt+1)
		require.Greater(t, left, 19*time.Minute)
	}
	in.Until = w.Emulator.Now()
	changed, err := poll[[]string](w, "AwaitChanges", in, 2)
	require.NoError(t, err)
	require.Empty(t, changed)
}

// A worker whose clock is ahead takes the old API for closed when the server does not: it is asked again after a second, and not at once.
func TestAwaitChangesIsNotAskedInAHotLoop(t *testing.T) {
	t.Parallel()
	w, in := watching(t)
	for _, left := range []time.Duration{-time.Hour, 0, time.Millisecond} {
		in.Until = w.Emulator.Now().Add(left)
		_, err := do[[]string](w, "AwaitChanges", in)
		require.Equal(t, time.Second, failed(t, err, NotYet).NextRetryDelay(), "%s left", left)
	}
}

// Each look costs one call per sandbox, and the first attempt costs none: whoever schedules it has just planned.
func TestAwaitChangesCalls(t *testing.T) {
	t.Parallel()
	w, in := watching(t, func(s *emulator.Scenario) {
		second := s.Organizations[0].Sandboxes[0]
		second.Name = "emea"
		s.Organizations[0].Sandboxes = append(s.Organizations[0].Sandboxes, second)
	})
	in.Who.Sandboxes = append(in.Who.Sandboxes, "emea")
	for attempts, calls := range []int{0, 2, 4, 6} {
		seen := w.look(in.Pairs[0].Old, in.Pairs[0].New, migration.EnableFirst)
		_, err := poll[[]string](w, "AwaitChanges", in, int32(attempts+1))
		failed(t, err, NotYet)
		require.Equal(t, calls, seen.calls())
	}
}

func TestAwaitChangesFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string
	}{
		"unavailable": {emulator.Fault{Effect: emulator.EffectStatus, Status: 503}, Unavailable},
		"throttled":   {emulator.Fault{Effect: emulator.EffectStatus, Status: 429}, RateLimited},
		"cut":         {emulator.Fault{Effect: emulator.EffectCutBefore}, Unavailable},
		"no JSON":     {emulator.Fault{Effect: emulator.EffectHTML, Status: 200}, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := watching(t)
			c.fault.Route = "GET /flows"
			w.fault(c.fault)
			_, err := poll[[]string](w, "AwaitChanges", in, 2)
			failed(t, err, c.want)
		})
	}
}
