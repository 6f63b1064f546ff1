package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func TestAssess(t *testing.T) {
	t.Parallel()
	created := func(offsets ...int) []migration.Dataflow {
		var out []migration.Dataflow
		for i, seconds := range offsets {
			out = append(out, with(old(string(rune('a'+i)), "Shoppers"), func(d *migration.Dataflow) {
				d.Created = at("2023-11-16T08:00:00Z").Add(time.Duration(seconds) * time.Second)
			}))
		}
		return out
	}
	const hours = 3600
	for name, c := range map[string]struct {
		old      []migration.Dataflow
		affected bool
		reason   string
	}{
		"none":                 {nil, false, "no dataflow on (Deprecating) Pinterest"},
		"long before":          {created(-100 * 24 * hours), true, "1 dataflow on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z"},
		"one second before":    {created(-1), true, "1 dataflow on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z"},
		"at that moment":       {created(0), false, "no dataflow on (Deprecating) Pinterest was set up before 2023-11-16T08:00:00Z (1 later)"},
		"one second after":     {created(1), false, "no dataflow on (Deprecating) Pinterest was set up before 2023-11-16T08:00:00Z (1 later)"},
		"several after":        {created(1, 2, 0), false, "no dataflow on (Deprecating) Pinterest was set up before 2023-11-16T08:00:00Z (3 later)"},
		"some before":          {created(1, -1, 2, -2), true, "2 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z"},
		"one before is enough": {created(1, 2, -1), true, "1 dataflow on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := assess(migration.Snapshot{Old: c.old, TakenAt: assessed}, pinterest())
			require.Equal(t, c.affected, a.Affected)
			require.Equal(t, c.reason, a.Reason)
			require.Equal(t, len(c.old), a.Listed)
			require.Equal(t, assessed, a.At)
			if !c.affected {
				require.Empty(t, a.Names)
				require.Empty(t, a.Accounts)
				return
			}
			require.Len(t, a.Names, len(c.old), "every old dataflow moves, those set up later too")
		})
	}
}

// Switched-off dataflows count: the page asks when they were set up, not whether they run.
func TestAssessLooksAtNoState(t *testing.T) {
	t.Parallel()
	a := assess(migration.Snapshot{Old: []migration.Dataflow{with(old("o1", "Shoppers"), func(d *migration.Dataflow) { d.State = migration.Disabled })}}, pinterest())
	require.True(t, a.Affected)
}

func TestAssessFindsAccountsAndRunningCopies(t *testing.T) {
	t.Parallel()
	s := twoPairs()
	s.Old[0], s.Old[1] = s.Old[1], s.Old[0]
	s.New[1].State = migration.Enabled
	a := assess(s, pinterest())
	require.Equal(t, []migration.Account{used("v5")}, a.Accounts, "an account without a dataflow is nobody's to sign in to")
	require.Equal(t, 1, a.Running)
	require.Equal(t, []string{"Shoppers", "Visitors"}, a.Names, "sorted by their ids")
}

func TestAssessNamesACardByItsSpec(t *testing.T) {
	t.Parallel()
	p := pinterest()
	p.Old = migration.Card{SpecID: "spec-1"}
	require.Equal(t, "no dataflow on spec-1", assess(migration.Snapshot{}, p).Reason)
}

func TestShortListing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expected, listed, short int }{{0, 0, 0}, {0, 5, 0}, {3, 3, 0}, {3, 2, 1}, {3, 0, 3}, {3, 4, 0}} {
		o := with(acme(), func(o *migration.Organization) { o.ExpectedDataflows = c.expected })
		require.Equal(t, c.short, migration.Assessment{Listed: c.listed}.Short(o), "%+v", c)
	}
}

func TestAssessProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := migration.Snapshot{Old: drawDataflows(t, "o", 6, false), New: drawDataflows(t, "n", 6, true), Accounts: []migration.Account{account("v5"), account("v5-2"), account("x")}, TakenAt: assessed}
		a := assess(s, pinterest())
		before := false
		for _, d := range s.Old {
			before = before || d.Created.Before(available)
		}
		require.Equal(t, before, a.Affected)
		require.NotEmpty(t, a.Reason)
		require.Equal(t, len(s.Old), a.Listed)
		again := s
		again.Old, again.New = shuffled(t, s.Old), shuffled(t, s.New)
		require.Equal(t, a, assess(again, pinterest()), "the order of a listing means nothing")
		for _, account := range a.Accounts {
			require.NotEqual(t, "x", account.ID)
		}
	})
}

// Copies without originals are named: whoever comes late must not take "not affected" for "nothing to do".
func TestAssessNamesCopiesWithoutOriginals(t *testing.T) {
	t.Parallel()
	p := pinterest()
	s := migration.Snapshot{New: []migration.Dataflow{{ID: "n1", State: migration.Disabled}, {ID: "n2", State: migration.Disabled}, {ID: "n3", State: migration.Enabled}}}
	a := migration.Assess(s, p.Old, p.Timeline.Available)
	require.False(t, a.Affected)
	require.Contains(t, a.Reason, "2 dataflows of the new card disabled")
}
