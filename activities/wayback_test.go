package activities

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// all has a person toggle every dataflow of a card.
func (w *world) all(card, state string) {
	w.t.Helper()
	for _, f := range w.flows() {
		if f.Card == card && f.State != state {
			w.edit(f.ID, emulator.Edit{By: "customer", State: state})
		}
	}
}

const refusedAccount = `{"result":false}`

// The account of the old dataflows is tested once per plan that switches them off, and never where nobody asks for the way back.
func TestPlanProbesTheWayBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world, *migration.Terms)
		calls  int64
		held   bool
	}{
		"by default":           {func(*world, *migration.Terms) {}, 1, true},
		"where it is asked":    {func(_ *world, terms *migration.Terms) { terms.NoWayBack = migration.Ask }, 1, true},
		"where it is ignored":  {func(_ *world, terms *migration.Terms) { terms.NoWayBack = migration.Ignore }, 0, false},
		"after the shutdown":   {func(_ *world, terms *migration.Terms) { terms.Late = true }, 0, false},
		"where both run":       {func(w *world, _ *migration.Terms) { w.all("new", "enabled") }, 1, true},
		"where nothing is off": {func(w *world, _ *migration.Terms) { w.all("old", "disabled") }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			terms := carrying()
			terms.Drift.State = migration.Ignore
			c.change(w, &terms)
			account := w.flow("old", loyal).Account
			calls := w.answers(http.MethodGet, account+"/test", http.StatusOK, refusedAccount)
			plan := must[migration.Plan](w, "Plan", PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: terms})
			require.Equal(t, c.calls, calls.Load())
			require.Len(t, plan.Pairs, 3)
			for _, pair := range plan.Pairs {
				kinds := []migration.DriftKind{}
				for _, d := range pair.Drift {
					kinds = append(kinds, d.Kind)
				}
				require.Equal(t, c.held, pair.Hold != "", pair.Hold)
				if c.held {
					require.Contains(t, kinds, migration.NoWayBack)
					require.Contains(t, pair.Hold, account)
				} else {
					require.NotContains(t, kinds, migration.NoWayBack)
				}
			}
		})
	}
}

// The test is a hint: what it does not say holds nothing, and a vendor that cannot make it does not keep a plan from being made.
func TestPlanProbeThatSaysNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status        int
		body          string
		first, second string
	}{
		"passed":       {http.StatusOK, `{"result":true}`, "", ""},
		"no result":    {http.StatusOK, "{}", "", ""},
		"no such test": {http.StatusNotImplemented, "{}", "", ""},
		"forbidden":    {http.StatusForbidden, "{}", "", ""},
		"gone":         {http.StatusGone, "{}", "", ""},
		"unavailable":  {http.StatusServiceUnavailable, "{}", Unavailable, ""},
		"cut":          {0, "", Unavailable, ""},
		"throttled":    {http.StatusTooManyRequests, "{}", RateLimited, RateLimited},
		"unauthorized": {http.StatusUnauthorized, "{}", TokenRefused, TokenRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answers(http.MethodGet, w.flow("old", loyal).Account+"/test", c.status, c.body)
			in := PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: carrying()}
			for attempt, want := range []string{c.first, c.second} {
				plan, err := poll[migration.Plan](w, "Plan", in, int32(attempt+1))
				if want != "" {
					failed(t, err, want)
					continue
				}
				require.NoError(t, err)
				for _, pair := range plan.Pairs {
					require.Empty(t, pair.Hold)
				}
			}
		})
	}
}
