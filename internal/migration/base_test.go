package migration_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func drawBase(t *rapid.T, label string) migration.Base {
	b := migration.Base{Snapshot: migration.Snapshot{Old: drawDataflows(t, "o", 3, false), New: drawDataflows(t, "n", 3, true), TakenAt: assessed}}
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"v5", "v5-2", "v5-3"}), 0, 3, rapid.ID).Draw(t, label+" accounts") {
		b.Accounts = append(b.Accounts, with(account(id), func(a *migration.Account) { a.Etag = label }))
	}
	if rapid.Bool().Draw(t, label+" measured") {
		b.Baselines = map[string]migration.Baseline{}
		for _, d := range b.Old {
			runs := rapid.Int64Range(0, 2).Draw(t, label+" runs")
			b.Baselines[d.ID] = migration.Baseline{Runs: runs, Activated: runs * rapid.Int64Range(0, 9).Draw(t, label+" activated")}
		}
	}
	return b
}

// The first look counts, what it did not see is added, and merging again changes nothing.
func TestMergeKeepsTheFirstLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, later := drawBase(t, "first"), drawBase(t, "later")
		before, err := json.Marshal(first)
		require.NoError(t, err)
		all := first.Merge(later)
		require.Equal(t, all, all.Merge(later), "idempotent")
		require.Equal(t, all, all.Merge(first))
		after, err := json.Marshal(first)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "the earlier base is not written to")
		for _, lists := range [][3][]migration.Dataflow{{first.Old, later.Old, all.Old}, {first.New, later.New, all.New}} {
			require.Equal(t, lists[0], lists[2][:len(lists[0])], "the first look counts")
			for _, d := range lists[1] {
				require.Contains(t, ids(lists[2]), d.ID)
			}
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids(lists[2])))), len(lists[2]), "each once")
		}
		for id, b := range first.Baselines {
			if b.Runs > 0 {
				require.Equal(t, b, all.Baselines[id])
			} else if l, ok := later.Baselines[id]; ok {
				require.Equal(t, l, all.Baselines[id], "a look at which nothing ran tells nothing")
			}
		}
		require.Equal(t, assessed, all.TakenAt)
	})
	require.Equal(t, look, migration.Base{}.Merge(migration.Base{Snapshot: migration.Snapshot{TakenAt: look}}).TakenAt)
}

func TestWithGone(t *testing.T) {
	t.Parallel()
	now := onePair()
	require.Equal(t, now, now.WithGone(nil))
	first := onePair()
	first.Old = append(first.Old, old("o2", "Gone"), with(old("o3", "Off"), state(migration.Disabled)))
	got := now.WithGone(baseOf(first))
	require.Equal(t, []string{"o1", "o2"}, ids(got.Old))
	require.Equal(t, migration.Gone, got.Old[1].State)
	require.Equal(t, migration.Enabled, got.Old[0].State, "what is listed is as it is")
	require.Equal(t, []string{"o1"}, ids(now.Old), "the reading itself stays")
	require.Equal(t, migration.Enabled, first.Old[1].State)
	require.Equal(t, got, got.WithGone(baseOf(first)))
}

// An organization whose old card is closed is known by what was seen of it.
func TestAssessLateByTheBase(t *testing.T) {
	t.Parallel()
	now := twoPairs()
	now.Old = nil
	require.False(t, assess(now, pinterest()).Affected)
	a := assess(now.WithGone(baseOf(twoPairs())), pinterest())
	require.True(t, a.Affected)
	require.Equal(t, 2, a.Listed)
}
