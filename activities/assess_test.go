package activities

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// kept is what lies among the reports under that name.
func kept[T any](w *world, file string) T {
	w.t.Helper()
	data, err := os.ReadFile(w.path(file))
	require.NoError(w.t, err)
	var value T
	require.NoError(w.t, json.Unmarshal(data, &value))
	return value
}

func (w *world) path(file string) string { return filepath.Join(w.reports, fileName(book, acme, file)) }

// ids are those of dataflows, sorted.
func ids(flows []migration.Dataflow) (list []string) {
	for _, d := range flows {
		list = append(list, d.ID)
	}
	slices.Sort(list)
	return list
}

func audienceNames(flows []migration.Dataflow, id string) (list []string) {
	for _, d := range flows {
		for _, a := range d.Audiences {
			if d.ID == id {
				list = append(list, a.Name)
			}
		}
	}
	slices.Sort(list)
	return list
}

func TestAssessKeepsTheBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Advance(2*time.Hour))
	require.True(t, w.assess().Affected)
	base := kept[migration.Base](w, baseFile)
	require.Len(t, base.Old, 3)
	require.Len(t, base.New, 3)
	require.Len(t, base.Accounts, 1)
	require.Len(t, base.OldAccounts, 1)
	require.Equal(t, ids(base.Old), slices.Sorted(maps.Keys(base.Baselines)))
	for _, b := range base.Baselines {
		require.Positive(t, b.Runs)
		require.Equal(t, 1000*b.Runs, b.Activated)
		require.False(t, b.Last.IsZero())
	}
}

// What was seen first counts; what comes up later is added.
func TestAssessMergesIntoTheBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, late := w.flow("old", loyal).ID, w.flow("old", holiday).ID
	require.NoError(t, w.Hide(acme, prod, late, true))
	w.assess()
	first := kept[migration.Base](w, baseFile)
	require.NotContains(t, ids(first.Old), late)

	w.add(old, "Bronze tier")
	require.NoError(t, w.Hide(acme, prod, late, false))
	require.NoError(t, w.Advance(time.Hour))
	w.assess()
	base := kept[migration.Base](w, baseFile)
	require.Equal(t, first.TakenAt, base.TakenAt)
	require.Equal(t, []string{"Gold tier", "Silver tier"}, audienceNames(base.Old, old))
	require.Equal(t, first.Baselines[old], base.Baselines[old])
	require.Contains(t, ids(base.Old), late)
	require.Positive(t, base.Baselines[late].Runs)
}

// An organization of which nothing is left is known by what was first seen of it.
func TestAssessWhenEverythingIsGone(t *testing.T) {
	t.Parallel()
	gone := func(s *emulator.Scenario) {
		s.Settings.OldDataflows = emulator.OldGone
		s.Stages.OldAPIClosed = emulator.At(shutdown)
	}
	w := newWorld(t, gone)
	w.assess()
	first := kept[migration.Base](w, baseFile)
	require.NoError(t, w.Advance(shutdown.Sub(noon)))
	again := w.assess()
	require.True(t, again.Affected)
	require.Equal(t, 3, again.Listed)
	base := kept[migration.Base](w, baseFile)
	require.Equal(t, first.Old, base.Old)
	require.Equal(t, first.Baselines, base.Baselines)

	stranger := newWorld(t, gone)
	require.NoError(t, stranger.Advance(shutdown.Sub(noon)))
	require.False(t, stranger.assess().Affected)
	require.NoFileExists(t, stranger.path(baseFile), "of whom nothing was seen, nothing is kept")
}

// Going on without the base would take every later change for an old one.
func TestUnreadableBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assess()
	broken := []byte(`{"old": [`)
	require.NoError(t, os.WriteFile(w.path(baseFile), broken, 0o600))
	for name, in := range map[string]any{
		"Assess": AssessInput{Who: w.who, Cards: w.cards, Playbook: book, Available: available},
		"Plan":   PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: carrying(), Measured: true},
	} {
		_, err := do[any](w, name, in)
		failure := failed(t, err, Misconfigured)
		require.True(t, failure.NonRetryable())
		require.Contains(t, failure.Message(), fileName(book, acme, baseFile))
		data, err := os.ReadFile(w.path(baseFile))
		require.NoError(t, err)
		require.Equal(t, broken, data, "nothing is overwritten")
		require.NoFileExists(t, w.path(baselineFile))
	}
}

// An organization is not called assessed while what was seen of it is not kept.
func TestAssessNeedsItsBaseKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, os.WriteFile(filepath.Join(w.reports, book), nil, 0o600)) // stands where the folder must be
	_, err := do[migration.Assessment](w, "Assess", AssessInput{Who: w.who, Cards: w.cards, Playbook: book, Available: available})
	require.False(t, failed(t, err, Unavailable).NonRetryable())
}

// Without a base, nothing tells on which side a difference arose.
func TestPlanWithoutABase(t *testing.T) {
	t.Parallel()
	kinds := func(w *world) []migration.DriftKind {
		w.add(w.flow("old", loyal).ID, "Bronze tier")
		var list []migration.DriftKind
		for _, d := range w.pair(w.plan(carrying()), loyal).Drift {
			list = append(list, d.Kind)
		}
		return list
	}
	blind, w := newWorld(t), newWorld(t)
	require.Equal(t, []migration.DriftKind{migration.AudienceMissing}, kinds(blind))
	w.assess()
	require.Equal(t, []migration.DriftKind{migration.AudienceAdded}, kinds(w))
}

// A plan keeps by copy what the old dataflow delivers, until the copy is switched.
func TestPlanKeepsBaselines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assess()
	unmeasured := PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: carrying()}
	must[migration.Plan](w, "Plan", unmeasured)
	require.NoFileExists(t, w.path(baselineFile))

	loyalCopy, holidayCopy := w.flow("new", loyal).ID, w.flow("new", holiday).ID
	plan := w.plan(carrying())
	first := kept[map[string]migration.Baseline](w, baselineFile)
	require.Len(t, first, len(plan.Pairs))
	require.Equal(t, 1000*first[loyalCopy].Runs, first[loyalCopy].Activated)
	require.Positive(t, first[loyalCopy].Runs)

	w.switched(migration.EnableFirst, loyal)
	require.NoError(t, w.Advance(3*time.Hour))
	w.plan(carrying())
	again := kept[map[string]migration.Baseline](w, baselineFile)
	require.Equal(t, first[loyalCopy], again[loyalCopy], "what is switched is measured no more")
	require.True(t, again[holidayCopy].Last.After(first[holidayCopy].Last), "what is not yet is measured afresh")
}

// An old dataflow that delivers no more is measured by what it did when it was first seen.
func TestPlanFallsBackToTheBaseline(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*world, string){
		"no runs any more": func(w *world, old string) {
			w.edit(old, emulator.Edit{Runs: new(emulator.RunsNone)})
		},
		"disabled": func(w *world, old string) { w.edit(old, emulator.Edit{By: "customer", State: "disabled"}) },
		"deleted":  func(w *world, old string) { require.NoError(w.t, w.DeleteFlow(acme, prod, old, "customer")) },
		"switched by the customer": func(w *world, old string) {
			w.edit(w.flow("new", loyal).ID, emulator.Edit{By: "customer", State: "enabled"})
			w.edit(old, emulator.Edit{By: "customer", State: "disabled"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			old, copied := w.flow("old", loyal).ID, w.flow("new", loyal).ID
			w.assess()
			stop(w, old)
			require.NoError(t, w.Advance(2*baselinePeriod))
			w.plan(carrying())
			base, baselines := kept[migration.Base](w, baseFile), kept[map[string]migration.Baseline](w, baselineFile)
			require.Positive(t, baselines[copied].Runs)
			require.Equal(t, base.Baselines[old], baselines[copied])
		})
	}
}

// Accounts that the workflow knows already need no room in its history.
func TestPlanLeavesKnownAccountsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: carrying()}
	accounts := must[migration.Plan](w, "Plan", in).Accounts
	require.Len(t, accounts, 1)
	in.Known = []string{accounts[0].ID}
	again := must[migration.Plan](w, "Plan", in)
	require.Empty(t, again.Accounts)
	require.Equal(t, accounts[0].ID, again.Pairs[0].Account)
}
