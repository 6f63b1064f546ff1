package activities

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

var orders = []migration.Order{migration.EnableFirst, migration.DisableFirst}

// drifted is a pair whose old dataflow got two audiences and lost one since it was first seen.
func drifted(t *testing.T, order migration.Order, tweak ...func(*emulator.Scenario)) (*world, SwitchInput) {
	t.Helper()
	w := newWorld(t, append(tweak, alone)...)
	w.assess()
	old := w.flow("old", loyal)
	w.edit(old.ID, emulator.Edit{By: "customer", RemoveAudiences: []string{"Silver tier"}, AddAudiences: []emulator.Audience{
		{Name: "Bronze tier"}, {Name: "Visitors", Namespace: "aamSegments"},
	}})
	terms := carrying()
	terms.Order = order
	in := w.moving(terms, loyal)
	require.Len(t, in.Carry, 3)
	return w, in
}

// driftedWrites are the writes that carry a drifted pair over, each once.
func driftedWrites(order migration.Order) []string {
	carried := []string{"add-audience new", "add-audience new", "remove-audience new"}
	if order == migration.DisableFirst {
		return append(carried, "disable old", "enable new")
	}
	return append(carried, "enable new", "disable old")
}

func TestSwitchCarriesAudiencesBeforeItToggles(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			w, in := drifted(t, order)
			seen := w.look(in.Old, in.New, order)
			began := w.Emulator.Now()
			done := must[migration.Moved](w, "SwitchPair", in)
			seen.check(t)
			require.Zero(t, seen.stale())
			require.Equal(t, driftedWrites(order), seen.writes())
			require.True(t, done.Enabled.After(began))
			require.True(t, done.Disabled.After(began))
			require.Equal(t, order == migration.EnableFirst, done.Enabled.Before(done.Disabled))
			old, copied := w.flow("old", loyal), w.flow("new", loyal)
			require.Equal(t, []string{"disabled", "enabled"}, []string{old.State, copied.State})
			require.ElementsMatch(t, old.Audiences, copied.Audiences, "with everything that Adobe tells of them")
		})
	}
}

// Whichever vendor call is the last one before a worker dies, and whether its answer arrives or not, the next attempt makes the rest of the writes.
func TestSwitchGoesOnAfterAnyCall(t *testing.T) {
	t.Parallel()
	goesOn(t, "SwitchPair", drifted, func(in SwitchInput) (old, copied string) { return in.Old, in.New }, driftedWrites, "disabled", "enabled")
}

func TestSwitchFaults(t *testing.T) {
	t.Parallel()
	const edit, act = "PATCH /flows/{id}", "POST /flows/{id}/action"
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string // of the first attempt; empty: it succeeds
		after time.Duration
	}{
		"edit cut before":       {emulator.Fault{Route: edit, Effect: emulator.EffectCutBefore}, Unavailable, 0},
		"edit cut after":        {emulator.Fault{Route: edit, Effect: emulator.EffectCutAfter}, Unavailable, 0},
		"edit changed under it": {emulator.Fault{Route: edit, Effect: emulator.EffectStaleEtag, Times: 3}, "", 0},
		"edit always changed":   {emulator.Fault{Route: edit, Effect: emulator.EffectStaleEtag}, PlanStale, 0},
		"read before edit old":  {emulator.Fault{Route: "GET /flows/{id}", Effect: emulator.EffectStaleEtag, After: 3, Times: 1}, "", 0},
		"edit throttled": {
			emulator.Fault{Route: edit, Effect: emulator.EffectStatus, Status: 429, RetryAfter: 90 * time.Second}, RateLimited, 90 * time.Second,
		},
		"edit unavailable":      {emulator.Fault{Route: edit, Effect: emulator.EffectStatus, Status: 503, RetryAfter: time.Minute}, Unavailable, time.Minute},
		"edit refused":          {emulator.Fault{Route: edit, Effect: emulator.EffectStatus, Status: 400}, Refused, 0},
		"edit half answered":    {emulator.Fault{Route: edit, Effect: emulator.EffectTruncated}, Malformed, 0},
		"action cut before":     {emulator.Fault{Route: act, Effect: emulator.EffectCutBefore}, Unavailable, time.Second},
		"action cut after":      {emulator.Fault{Route: act, Effect: emulator.EffectCutAfter}, Unavailable, time.Second},
		"2nd action cut before": {emulator.Fault{Route: act, Effect: emulator.EffectCutBefore, After: 1}, Unavailable, time.Second},
		"2nd action cut after":  {emulator.Fault{Route: act, Effect: emulator.EffectCutAfter, After: 1}, Unavailable, time.Second},
		"action throttled": {
			emulator.Fault{Route: act, Effect: emulator.EffectStatus, Status: 429, RetryAfter: 90 * time.Second}, RateLimited, 90 * time.Second,
		},
		"action throttled, no word when": {
			emulator.Fault{Route: act, Effect: emulator.EffectStatus, Status: 429, After: 1}, RateLimited, 0,
		},
		"action unavailable":  {emulator.Fault{Route: act, Effect: emulator.EffectStatus, Status: 500}, Unavailable, 0},
		"2nd action timeout":  {emulator.Fault{Route: act, Effect: emulator.EffectStatus, Status: 504, After: 1}, Unavailable, 0},
		"action forbidden":    {emulator.Fault{Route: act, Effect: emulator.EffectStatus, Status: 403}, Refused, 0},
		"token renewed":       {emulator.Fault{Route: act, Effect: emulator.EffectExpiredToken, Times: 1}, "", 0},
		"token refused":       {emulator.Fault{Route: act, Effect: emulator.EffectExpiredToken}, TokenRefused, 0},
		"slow action":         {emulator.Fault{Route: act, Effect: emulator.EffectTransition, Delay: 20 * time.Second}, "", 0},
		"action never ending": {emulator.Fault{Route: act, Effect: emulator.EffectTransition, Delay: time.Hour, Times: 1}, Unavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := drifted(t, migration.EnableFirst)
			seen := w.look(in.Old, in.New, in.Order)
			mend := w.fault(c.fault)
			_, err := do[migration.Moved](w, "SwitchPair", in)
			seen.check(t)
			if c.want != "" {
				failure := failed(t, err, c.want)
				require.Equal(t, c.after, failure.NextRetryDelay())
				mend()
				require.NoError(t, w.Advance(time.Hour))
				_, err = do[migration.Moved](w, "SwitchPair", in)
			}
			require.NoError(t, err)
			seen.check(t)
			seen.moved(t, driftedWrites(in.Order), "disabled", "enabled")
		})
	}
}

// What changed since the plan is not switched, and nothing of it is written.
func TestSwitchRefusesAStalePlan(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, SwitchInput){
		"audience added to the old":     func(w *world, in SwitchInput) { w.add(in.Old, "Late comers") },
		"audience added to the copy":    func(w *world, in SwitchInput) { w.add(in.New, "Late comers") },
		"audience removed from the old": func(w *world, in SwitchInput) { w.edit(in.Old, emulator.Edit{RemoveAudiences: []string{"Gold tier"}}) },
		"old renamed":                   func(w *world, in SwitchInput) { w.edit(in.Old, emulator.Edit{Name: "Other"}) },
		"copy renamed":                  func(w *world, in SwitchInput) { w.edit(in.New, emulator.Edit{Name: "Other"}) },
		"old to another advertiser":     func(w *world, in SwitchInput) { w.edit(in.Old, emulator.Edit{Advertiser: "1"}) },
		"copy to another advertiser":    func(w *world, in SwitchInput) { w.edit(in.New, emulator.Edit{Advertiser: "1"}) },
		"old deleted":                   func(w *world, in SwitchInput) { require.NoError(w.t, w.DeleteFlow(acme, prod, in.Old, "customer")) },
		"copy deleted":                  func(w *world, in SwitchInput) { require.NoError(w.t, w.DeleteFlow(acme, prod, in.New, "customer")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := drifted(t, migration.EnableFirst)
			change(w, in)
			seen := w.look(in.Old, in.New, in.Order)
			_, err := do[migration.Moved](w, "SwitchPair", in)
			require.True(t, failed(t, err, PlanStale).NonRetryable())
			require.Empty(t, seen.writes())
		})
	}
}

// Carrying audiences takes a while: what people do meanwhile is seen before anything is toggled.
func TestSwitchLooksAgainAfterItCarried(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, SwitchInput){
		"audience added to the old":  func(w *world, in SwitchInput) { w.add(in.Old, "Late comers") },
		"audience added to the copy": func(w *world, in SwitchInput) { w.add(in.New, "Late comers") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := drifted(t, migration.EnableFirst)
			seen := w.look(in.Old, in.New, in.Order)
			w.meanwhile(http.MethodPatch, in.New, func() { change(w, in) })
			_, err := do[migration.Moved](w, "SwitchPair", in)
			failed(t, err, PlanStale)
			seen.check(t)
			require.Equal(t, []string{"enabled", "disabled"}, []string{w.state(in.Old), w.state(in.New)})
		})
	}
	t.Run("what was carried is taken away again", func(t *testing.T) {
		t.Parallel()
		w, in := drifted(t, migration.EnableFirst)
		seen := w.look(in.Old, in.New, in.Order)
		var patches atomic.Int64
		w.front(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch && patches.Add(1) == 3 {
				w.edit(in.New, emulator.Edit{By: "customer", RemoveAudiences: []string{"Bronze tier"}})
			}
			return false
		})
		must[migration.Moved](w, "SwitchPair", in)
		seen.check(t)
		require.Equal(t, w.audiences(in.Old), w.audiences(in.New))
	})
}

// An edit that meets a dataflow between two states is made when it has settled.
func TestSwitchWaitsToEditADataflowBetweenStates(t *testing.T) {
	t.Parallel()
	w, in := drifted(t, migration.EnableFirst, func(s *emulator.Scenario) { s.Settings.Transition = time.Minute })
	w.edit(in.New, emulator.Edit{By: "customer", State: "enabled"})
	seen := w.look(in.Old, in.New, in.Order)
	_, err := do[migration.Moved](w, "SwitchPair", in)
	require.False(t, failed(t, err, Unavailable).NonRetryable())
	require.Empty(t, seen.writes())
	require.NoError(t, w.Advance(time.Minute))
	must[migration.Moved](w, "SwitchPair", in)
	require.Equal(t, w.audiences(in.Old), w.audiences(in.New))
	require.Equal(t, "disabled", w.state(in.Old))
}

// What the vendor accepts and does not show is not taken for done.
func TestSwitchBelievesWhatItReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		writes []string
	}{
		"audience": {http.MethodPatch, nil},
		"toggle":   {http.MethodPost, driftedWrites(migration.EnableFirst)[:3]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := drifted(t, migration.EnableFirst)
			w.front(func(out http.ResponseWriter, r *http.Request) bool {
				if r.Method != c.method || !strings.Contains(r.URL.Path, in.New) {
					return false
				}
				out.WriteHeader(http.StatusAccepted)
				return true
			})
			seen := w.look(in.Old, in.New, in.Order)
			_, err := do[migration.Moved](w, "SwitchPair", in)
			require.False(t, failed(t, err, Unavailable).NonRetryable())
			require.Equal(t, c.writes, seen.writes())
		})
	}
}

// A vendor that goes on refusing a toggle for the sake of the state is asked once per attempt, and the pair is held with its words.
func TestToggleThatIsRefusedForItsStateIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.moving(carrying(), loyal)
	var writes atomic.Int64
	w.front(func(out http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/action") {
			return false
		}
		writes.Add(1)
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(http.StatusBadRequest)
		_, _ = out.Write([]byte(`{"type":"https://ns.adobe.com/aep/errors/FLOW-1422-400","title":"not allowed","status":400}`))
		return true
	})
	_, err := do[migration.Moved](w, "SwitchPair", in)
	failure := failed(t, err, Refused)
	require.True(t, failure.NonRetryable())
	require.Contains(t, failure.Message(), "FLOW-1422-400")
	require.EqualValues(t, 1, writes.Load())
}

// Somebody is faster: the refusal says that the copy stands where it should.
func TestToggleThatSomebodyElseMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.moving(carrying(), loyal)
	w.meanwhile(http.MethodPost, in.New+"/action", func() { w.edit(in.New, emulator.Edit{By: "customer", State: "enabled"}) })
	seen := w.look(in.Old, in.New, in.Order)
	must[migration.Moved](w, "SwitchPair", in)
	seen.check(t)
	require.Equal(t, []string{"disable old"}, seen.writes())
	require.Equal(t, "enabled", w.state(in.New))
}

func TestSwitchWithAnEndedSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.moving(carrying(), loyal)
	in.LeaseEnd = w.Emulator.Now()
	seen := w.look(in.Old, in.New, in.Order)
	_, err := do[migration.Moved](w, "SwitchPair", in)
	require.True(t, failed(t, err, ReauthRequired).NonRetryable())
	require.Zero(t, seen.calls())
	in.LeaseEnd = in.LeaseEnd.Add(time.Second)
	must[migration.Moved](w, "SwitchPair", in)
}

// A pair of which nothing runs is taken over only where the plan says so.
func TestRevive(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*world, string){
		"disabled": func(w *world, old string) { w.edit(old, emulator.Edit{By: "customer", State: "disabled"}) },
		"deleted":  func(w *world, old string) { require.NoError(w.t, w.DeleteFlow(acme, prod, old, "customer")) },
	} {
		for _, order := range orders {
			t.Run(name+" "+string(order), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.assess()
				stop(w, w.flow("old", loyal).ID)
				terms := carrying()
				terms.Order = order
				in := w.moving(terms, loyal)
				require.True(t, in.Revive)
				seen := w.look(in.Old, in.New, order)
				if name == "deleted" || order == migration.EnableFirst { // else it looks as a switch that was cut short
					unasked := in
					unasked.Revive = false
					_, err := do[migration.Moved](w, "SwitchPair", unasked)
					failed(t, err, PlanStale)
					require.Empty(t, seen.writes())
				}
				done := must[migration.Moved](w, "SwitchPair", in)
				require.False(t, done.Enabled.IsZero())
				require.True(t, done.Disabled.IsZero())
				require.Equal(t, []string{"enable new"}, seen.writes())
			})
		}
	}
}

// After the shutdown the old side is disabled if that goes, and that it does not go is no failure.
func TestSwitchLate(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		for setting, c := range map[string]struct {
			state, note string
		}{
			emulator.OldKept:    {"disabled", ""},
			emulator.OldRefused: {"enabled", "FLOW-1101-410"},
			emulator.OldGone:    {"enabled", ""},
		} {
			t.Run(string(order)+" "+setting, func(t *testing.T) {
				t.Parallel()
				w, in := late(t, order, setting)
				require.Equal(t, setting == emulator.OldGone, in.Revive)
				seen := w.look(in.Old, in.New, migration.EnableFirst)
				done := must[migration.Moved](w, "SwitchPair", in)
				require.Equal(t, "enabled", w.state(in.New))
				require.Equal(t, c.state, w.state(in.Old))
				require.Equal(t, c.note != "", done.Note != "", done.Note)
				require.Contains(t, done.Note, c.note)
				require.Equal(t, c.state == "disabled", !done.Disabled.IsZero())
				require.False(t, done.Enabled.IsZero())
				require.Equal(t, "enable new", seen.writes()[0])
				again := must[migration.Moved](w, "SwitchPair", in)
				require.True(t, again.Enabled.IsZero())
			})
		}
	}
}

// late is a pair that is planned after the shutdown.
func late(t *testing.T, order migration.Order, setting string) (*world, SwitchInput) {
	t.Helper()
	w := newWorld(t, func(s *emulator.Scenario) {
		s.Settings.OldDataflows = setting
		s.Stages.OldAPIClosed = emulator.At(shutdown)
	})
	w.assess()
	require.NoError(t, w.Advance(shutdown.Sub(noon)))
	terms := carrying()
	terms.Order, terms.Late = order, true
	return w, w.moving(terms, loyal)
}

// A pair is not called done because the vendor was busy for a moment.
func TestSwitchLateTriesAgainWhatMayPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string
	}{
		"throttled": {emulator.Fault{Effect: emulator.EffectStatus, Status: 429, RetryAfter: time.Minute}, RateLimited},
		"cut":       {emulator.Fault{Effect: emulator.EffectCutBefore}, Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := late(t, migration.EnableFirst, emulator.OldKept)
			c.fault.Route, c.fault.After = "POST /flows/{id}/action", 1
			mend := w.fault(c.fault)
			_, err := do[migration.Moved](w, "SwitchPair", in)
			failed(t, err, c.want)
			mend()
			done := must[migration.Moved](w, "SwitchPair", in)
			require.Empty(t, done.Note)
			require.Equal(t, "disabled", w.state(in.Old))
		})
	}
	t.Run("an internal error of a closed API is a note", func(t *testing.T) {
		t.Parallel()
		w, in := late(t, migration.EnableFirst, emulator.OldKept)
		w.fault(emulator.Fault{Route: "POST /flows/{id}/action", After: 1, Effect: emulator.EffectStatus, Status: 500})
		done := must[migration.Moved](w, "SwitchPair", in)
		require.Contains(t, done.Note, "status 500")
		require.True(t, done.Disabled.IsZero())
		require.LessOrEqual(t, len(done.Note), maxNote+100)
	})
	t.Run("a copy that cannot be enabled is no note", func(t *testing.T) {
		t.Parallel()
		w, in := late(t, migration.EnableFirst, emulator.OldRefused)
		w.fault(emulator.Fault{Route: "POST /flows/{id}/action", Effect: emulator.EffectStatus, Status: 403})
		_, err := do[migration.Moved](w, "SwitchPair", in)
		failed(t, err, Refused)
	})
}

// An old dataflow that cannot be read after the shutdown does not keep its copy off.
func TestSwitchLateWithoutTheOldSide(t *testing.T) {
	t.Parallel()
	const page = "<html>"
	for name, c := range map[string]struct {
		status int
		body   string
		first  string // failure of the first attempt; empty: it succeeds
		second string
	}{
		"refused":      {http.StatusForbidden, "{}", "", ""},
		"bad request":  {http.StatusBadRequest, "{}", "", ""},
		"not found":    {http.StatusNotFound, "{}", "", ""},
		"gone":         {http.StatusGone, "{}", "", ""},
		"no JSON":      {http.StatusOK, page, "", ""},
		"broken":       {http.StatusInternalServerError, page, Unavailable, ""},
		"too slow":     {http.StatusRequestTimeout, "{}", Unavailable, ""},
		"cut":          {0, "", Unavailable, ""},
		"throttled":    {http.StatusTooManyRequests, "{}", RateLimited, RateLimited},
		"unauthorized": {http.StatusUnauthorized, "{}", TokenRefused, TokenRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := late(t, migration.EnableFirst, emulator.OldRefused)
			w.answers(http.MethodGet, in.Old, c.status, c.body)
			var done migration.Moved
			for attempt, want := range []string{c.first, c.second} {
				moved, err := poll[migration.Moved](w, "SwitchPair", in, int32(attempt+1))
				if want != "" {
					failed(t, err, want)
					require.Equal(t, "disabled", w.state(in.New))
					continue
				}
				require.NoError(t, err)
				require.Equal(t, "enabled", w.state(in.New))
				done = moved
			}
			require.Equal(t, c.second == "", done.Note != "")
			require.True(t, done.Disabled.IsZero())
		})
	}
	t.Run("before the shutdown it does", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		in := w.moving(carrying(), loyal)
		w.answers(http.MethodGet, in.Old, http.StatusForbidden, "{}")
		_, err := poll[migration.Moved](w, "SwitchPair", in, 2)
		failed(t, err, Refused)
		require.Equal(t, "disabled", w.state(in.New))
	})
	t.Run("what was planned is carried over all the same", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.assess()
		w.add(w.flow("old", loyal).ID, "Late comers")
		terms := carrying()
		terms.Late = true
		in := w.moving(terms, loyal)
		w.answers(http.MethodGet, in.Old, http.StatusForbidden, "{}")
		must[migration.Moved](w, "SwitchPair", in)
		require.Contains(t, w.audiences(in.New), "Late comers")
		require.Equal(t, "enabled", w.state(in.New))
	})
	t.Run("beside a copy that is between two states", func(t *testing.T) {
		t.Parallel()
		w, in := late(t, migration.EnableFirst, emulator.OldRefused)
		require.NoError(t, w.Configure(func(s *emulator.Settings) { s.Transition = 10 * time.Second }))
		w.edit(in.New, emulator.Edit{By: "customer", State: "enabled"})
		reads := w.answers(http.MethodGet, in.Old, http.StatusForbidden, "{}")
		require.NotEmpty(t, must[migration.Moved](w, "SwitchPair", in).Note)
		require.Greater(t, reads.Load(), int64(1))
		require.Equal(t, "enabled", w.state(in.New))
	})
}

// An old dataflow that is stuck between two states after the shutdown does not keep its copy waiting.
func TestSwitchLateBesideAnOldSideThatIsStuck(t *testing.T) {
	t.Parallel()
	w, in := late(t, migration.EnableFirst, emulator.OldKept)
	require.NoError(t, w.Configure(func(s *emulator.Settings) { s.Transition = 30 * 24 * time.Hour }))
	require.NoError(t, w.EditFlow(acme, prod, in.Old, emulator.Edit{By: "customer", State: "disabled"}))
	require.NoError(t, w.Configure(func(s *emulator.Settings) { s.Transition = 0 }))
	require.Equal(t, "disabling", w.state(in.Old))
	done := must[migration.Moved](w, "SwitchPair", in)
	require.Equal(t, "enabled", w.state(in.New))
	require.NotEmpty(t, done.Note)
}
