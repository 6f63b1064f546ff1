package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// switchedOver is an organization whose two pairs this migration switched, one day after the other.
func switchedOver() *scene {
	s := ready()
	s.SwitchedOver("o1", migration.Moved{Enabled: look, Disabled: look}, s.p, look)
	s.SwitchedOver("o2", migration.Moved{Enabled: look.Add(day), Disabled: look.Add(day)}, s.p, look.Add(day))
	s.now = look.Add(2 * day)
	return s
}

// halfDone leaves the switch of the first pair where it disabled the old dataflow and could not enable the copy.
func (s *scene) halfDone() {
	pair := &s.Pairs[0]
	pair.Progress, pair.Note, pair.Begun, pair.SwitchedAt, pair.Toggled = migration.Held, "the copy cannot be enabled", true, time.Time{}, nil
}

// A disable-first switch that failed half way leaves both sides off: the old one is enabled again, by a person's word or by itself.
func TestAHalfDoneSwitchGoesBack(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.p.CutOver.Order, s.p.Rollback = migration.DisableFirst, migration.Rollback{OnFailure: true, Within: days(1)[0]}
	s.halfDone()
	require.Equal(t, shutdown, migration.RollbackUntil(s.Pairs[0], s.p), "as long as the old card works")
	require.Equal(t, shutdown, s.Status(s.o, s.p, s.now).Pairs[0].RollbackUntil)
	s.FallBack("o1", "the copy cannot be enabled", s.p, s.now)
	require.Equal(t, &migration.Deed{At: s.now, By: migration.Itself, What: "the copy cannot be enabled"}, s.Pair("o1").Back)
	require.Equal(t, migration.StepGoBack, s.Next(s.o, s.p, s.now))
	back := s.now.Add(time.Minute)
	s.SwitchedBack("o1", migration.Moved{Enabled: back}, back)
	why := "rolled back by cutover: the copy cannot be enabled"
	require.Equal(t, migration.WentBack, s.Pair("o1").Progress)
	require.Equal(t, why, s.Pair("o1").Note)
	require.False(t, s.Pair("o1").Begun)
	require.Equal(t, []migration.Toggled{
		{At: back, Card: "old", From: migration.Enabled, To: migration.Disabled, Note: "seen done"},
		{At: back, Card: "old", From: migration.Disabled, To: migration.Enabled, Note: why},
	}, s.Pair("o1").Toggled, "only what was done")

	nothing := switchedOver()
	nothing.halfDone()
	nothing.RollBack("o1", migration.Deed{At: nothing.now, By: "operator", What: "wrong"}, nothing.p)
	nothing.SwitchedBack("o1", migration.Moved{}, nothing.now)
	require.Empty(t, nothing.Pair("o1").Toggled, "the switch wrote nothing")
	require.Equal(t, migration.WentBack, nothing.Pair("o1").Progress)
}

func TestFallBackAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scene){
		"the copy first":        func(s *scene) { s.p.CutOver.Order = migration.EnableFirst },
		"failures do not":       func(s *scene) { s.p.Rollback.OnFailure = false },
		"it was not begun":      func(s *scene) { s.Pairs[0].Begun = false },
		"it is switched":        func(s *scene) { s.progressOf(0, migration.Switched) },
		"the old API is closed": func(s *scene) { s.now = shutdown },
		"it was planned late":   func(s *scene) { s.Pairs[0].Late = true },
	} {
		s := switchedOver()
		s.p.CutOver.Order, s.p.Rollback.OnFailure = migration.DisableFirst, true
		s.halfDone()
		change(s)
		s.FallBack("o1", "why", s.p, s.now)
		s.FallBack("unknown", "why", s.p, s.now)
		require.Empty(t, s.GoingBack(), name)
	}
}

func TestRollbackUntil(t *testing.T) {
	t.Parallel()
	p := pinterest()
	pair := migration.PairState{SwitchedAt: look}
	require.Equal(t, shutdown, migration.RollbackUntil(pair, p), "until the shutdown where the playbook has no bound")
	p.Rollback.Within = days(14)[0]
	require.Equal(t, look.Add(14*day), migration.RollbackUntil(pair, p))
	pair.SwitchedAt = shutdown.Add(-day)
	require.Equal(t, shutdown, migration.RollbackUntil(pair, p), "never after it")
}

func TestRefuseRollback(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scene)
		old    string
		want   string
	}{
		"one":                         {func(*scene) {}, "o1", ""},
		"all":                         {func(*scene) {}, "", ""},
		"half done":                   {func(s *scene) { s.halfDone() }, "o1", ""},
		"all, of which one half done": {func(s *scene) { s.halfDone(); s.Pairs[1].SwitchedAt = time.Time{} }, "", ""},
		"half done, at the shutdown":  {func(s *scene) { s.halfDone(); s.now = shutdown }, "o1", "the old API is closed since 2024-01-19T08:00:00Z: going back would lead to a card that delivers nothing"},
		"half done, done by somebody": {func(s *scene) { s.halfDone(); s.Pairs[0].Action = migration.Already }, "o1", `dataflow "Shoppers" (o1) is not switched: it is held`},
		"held before it was begun":    {func(s *scene) { s.halfDone(); s.Pairs[0].Begun = false }, "o1", `dataflow "Shoppers" (o1) is not switched: it is held`},
		"verified":                    {func(s *scene) { s.progress(migration.Verified) }, "o1", ""},
		"held since, for its drift":   {func(s *scene) { s.Pairs[0].Progress, s.Pairs[0].Hold = migration.Held, "drift" }, "o1", ""},
		"with audiences to carry":     {func(s *scene) { s.Pairs[0].Progress = migration.Ready }, "o1", ""},
		"unknown":                     {func(*scene) {}, "n1", `dataflow "n1" is not an old dataflow of this organization's plan; starter status lists them`},
		"before any plan":             {func(s *scene) { s.State = begun(twoPairs(), s.p) }, "", "nothing was switched yet, so there is nothing to roll back"},
		"nothing switched":            {func(s *scene) { s.State = planned(twoPairs(), s.p) }, "", "nothing was switched yet, so there is nothing to roll back"},
		"not this one":                {func(s *scene) { s.State = planned(twoPairs(), s.p) }, "o1", `dataflow "Shoppers" (o1) is not switched: it is ready`},
		"left off as a person wished": {func(s *scene) { s.Pairs[0].Progress = migration.LeftOff }, "o1", `dataflow "Shoppers" (o1) is not switched: it is left off`},
		"rolled back already":         {func(s *scene) { s.Pairs[0].Progress, s.Pairs[0].SwitchedAt = migration.WentBack, time.Time{} }, "o1", `dataflow "Shoppers" (o1) is not switched: it is rolled back`},
		"one second before":           {func(s *scene) { s.now = shutdown.Add(-time.Second) }, "", ""},
		"at the shutdown":             {func(s *scene) { s.now = shutdown }, "o1", "the old API is closed since 2024-01-19T08:00:00Z: going back would lead to a card that delivers nothing"},
		"all, at the shutdown":        {func(s *scene) { s.now = shutdown }, "", "the old API is closed since 2024-01-19T08:00:00Z: going back would lead to a card that delivers nothing"},
		"in the playbook's time":      {func(s *scene) { s.p.Rollback.Within, s.now = days(2)[0], look.Add(2*day-1) }, "o1", ""},
		"too late for the playbook": {
			func(s *scene) { s.p.Rollback.Within, s.now = days(2)[0], look.Add(2*day) }, "o1",
			`dataflow "Shoppers" (o1) was switched at 2023-11-25T10:00:00Z and could be rolled back until 2023-11-27T10:00:00Z`,
		},
		"all, one of them in time":  {func(s *scene) { s.p.Rollback.Within, s.now = days(2)[0], look.Add(2*day) }, "", ""},
		"its old side is gone":      {func(s *scene) { s.Pairs[0].Action = migration.Revive }, "o1", `dataflow "Shoppers" (o1) has no old side to go back to`},
		"switched late, then moved": {func(s *scene) { s.Pairs[0].Late = true }, "o1", `dataflow "Shoppers" (o1) has no old side to go back to`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := switchedOver()
			c.change(s)
			err := s.RefuseRollback(c.old, s.p, s.now)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
			s.RollBack(c.old, migration.Deed{At: s.now, By: "operator", What: "why"}, s.p)
			if c.old != "" {
				require.Empty(t, s.GoingBack(), "what is refused does not happen either")
			}
		})
	}
}

func TestRollBackGoesBackwards(t *testing.T) {
	t.Parallel()
	why := migration.Deed{At: look.Add(2 * day), By: "operator", What: "the report looks wrong"}
	s := switchedOver()
	s.RollBack("", why, s.p)
	going := s.GoingBack()
	require.Len(t, going, 2)
	require.Equal(t, []string{"o2", "o1"}, []string{going[0].Old, going[1].Old}, "the last switched first")
	require.Equal(t, why, *going[0].Back)
	require.Equal(t, migration.StepGoBack, s.Next(s.o, s.p, s.now))
	s.pause()
	require.Equal(t, migration.StepGoBack, s.Next(s.o, s.p, s.now), "a pause does not stop it half way")
	s.hold()
	s.Told = false
	require.Equal(t, migration.StepGoBack, s.Next(s.o, s.p, s.now), "nor does a problem")

	one := switchedOver()
	one.RollBack("o1", why, one.p)
	require.Len(t, one.GoingBack(), 1)
	require.Equal(t, "o1", one.GoingBack()[0].Old)
}

func TestSwitchedBack(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.Pairs[0].Failing, s.Pairs[0].Note = true, "it failed"
	s.RollBack("", migration.Deed{At: s.now, By: "operator", What: "wrong"}, s.p)
	back := s.now.Add(time.Minute)
	added := migration.Carry{Audience: migration.Audience{ID: "z"}}
	s.SwitchedBack("o2", migration.Moved{Enabled: back, Disabled: back.Add(time.Second), Carried: []migration.Carry{added}}, back)
	pair := s.Pair("o2")
	require.Equal(t, migration.WentBack, pair.Progress)
	require.True(t, pair.WasBack())
	require.False(t, s.Pair("o1").WasBack())
	require.Equal(t, "rolled back by operator: wrong", pair.Note)
	require.Zero(t, pair.SwitchedAt)
	require.Nil(t, pair.Back)
	require.Equal(t, []migration.Toggled{
		{At: look.Add(day), Card: "new", From: migration.Disabled, To: migration.Enabled},
		{At: look.Add(day), Card: "old", From: migration.Enabled, To: migration.Disabled},
		{At: back, Card: "old", From: migration.Disabled, To: migration.Enabled, Note: "rolled back by operator: wrong"},
		{At: back.Add(time.Second), Card: "new", From: migration.Enabled, To: migration.Disabled, Note: "rolled back by operator: wrong"},
	}, pair.Toggled, "every toggle, with before and after")
	require.Equal(t, []migration.Carried{{At: back, Carry: added, Back: true}}, pair.Carried)
	require.False(t, s.AllWentBack(), "one still runs on the new card")
	s.SwitchedBack("o1", migration.Moved{Disabled: back}, back)
	require.False(t, s.Pair("o1").Failing)
	require.Len(t, s.Pair("o1").Toggled, 4)
	require.Equal(t, migration.Toggled{back, "old", migration.Disabled, migration.Enabled, "rolled back by operator: wrong; seen done"}, s.Pair("o1").Toggled[2], "an attempt before enabled it")
	require.True(t, s.AllWentBack())
	s.Pair("o1").Begun = true
	require.False(t, s.AllWentBack(), "a switch that was left half way is not back")
	s.Pair("o1").Begun = false
	require.Empty(t, s.GoingBack())
	require.Empty(t, s.Due(s.p), "it is not switched again by itself")
	require.True(t, s.AnyHeld())

	waits := s.Waits(s.o, s.p, s.now)
	require.Len(t, waits, 2)
	for _, wait := range waits {
		spoken(t, wait)
		require.Contains(t, wait.What, "rolled back by operator: wrong")
		require.Contains(t, wait.Command, "starter resume")
	}
	require.Equal(t, migration.NeedsAttention, s.WaitPhase(s.o, s.p, s.now))

	s.Follow(migration.MakePlan(twoPairs(), nil, s.Terms(s.p, s.now)), s.p)
	require.Equal(t, migration.WentBack, s.Pair("o1").Progress, "a new plan does not try it again either")
	s.Resume("")
	s.Follow(migration.MakePlan(twoPairs(), nil, s.Terms(s.p, s.now)), s.p)
	require.Len(t, s.Due(s.p), 2, "a person does")
	require.False(t, s.AllWentBack())

	s.SwitchedBack("unknown", migration.Moved{}, back)
	s.SwitchedBack("o1", migration.Moved{Enabled: back}, back)
	require.Equal(t, migration.Ready, s.Pair("o1").Progress, "nobody asked for it any more")
}

// A copy that failed for the sake of its account is tried again after the next sign-in, and only then.
func TestABlamedPairIsTriedAgainAfterTheSignIn(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.p.Rollback.OnFailure = true
	s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "the flow run failed: advertiser 549 is not yours"}, s.p, s.now)
	s.SwitchedBack("o1", migration.Moved{Enabled: s.now, Disabled: s.now}, s.now)
	require.Equal(t, migration.Ready, s.Pair("o1").Progress)
	require.Contains(t, s.Pair("o1").Note, "rolled back by cutover: the flow run failed")
	require.Empty(t, s.Due(s.p))
	require.Equal(t, migration.StepTell, s.Next(s.o, s.p, s.now))
	s.Told = true
	seen := twoPairs()
	seen.Old[1].State, seen.New[1].State = migration.Disabled, migration.Enabled
	s.Follow(migration.MakePlan(seen, nil, s.Terms(s.p, s.now)), s.p)
	require.Equal(t, migration.StepWait, s.Next(s.o, s.p, s.now))
	waits := s.Waits(s.o, s.p, s.now)
	require.Equal(t, migration.OnOrganization, waits[0].On)
	signedIn(s.State, "v5", s.now)
	s.Follow(migration.MakePlan(seen, nil, s.Terms(s.p, s.now)), s.p)
	require.Len(t, s.Due(s.p), 1)

	quota := switchedOver()
	quota.p.Rollback.OnFailure = true
	quota.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "quota"}, quota.p, quota.now)
	quota.SwitchedBack("o1", migration.Moved{Enabled: quota.now}, quota.now)
	require.Equal(t, migration.WentBack, quota.Pair("o1").Progress, "where nothing says what to do differently a person must")
	byPerson := switchedOver()
	byPerson.RollBack("o1", migration.Deed{By: "operator", What: "the token is not ours", At: byPerson.now}, byPerson.p)
	byPerson.SwitchedBack("o1", migration.Moved{}, byPerson.now)
	require.Equal(t, migration.WentBack, byPerson.Pair("o1").Progress, "a person's words blame nobody")
	require.True(t, byPerson.Account("v5").Verified)
}

func TestCannotGoBack(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.Pairs[0].Failing = true
	s.RollBack("o1", migration.Deed{At: s.now, By: migration.Itself, What: "quota"}, s.p)
	s.CannotGoBack("o1", "going back would lose changes")
	require.Empty(t, s.GoingBack())
	require.Equal(t, migration.Switched, s.Pair("o1").Progress)
	require.Equal(t, "not rolled back: going back would lose changes", s.Pair("o1").Note)
	waits := s.Waits(s.o, s.p, s.now)
	spoken(t, waits[0])
	require.Contains(t, waits[0].What, "going back would lose changes")
	require.Equal(t, migration.OnOperator, waits[0].On)
	s.CannotGoBack("unknown", "why")
}

func TestCarryBack(t *testing.T) {
	t.Parallel()
	add := func(id string) migration.Carry { return migration.Carry{Audience: audiences(id)[0]} }
	remove := func(id string) migration.Carry { return migration.Carry{Audience: audiences(id)[0], Remove: true} }
	for name, c := range map[string]struct {
		first, later func(*migration.Snapshot)
		base         bool
		want         []migration.Carry
		lost         []string
	}{
		"nothing":               {base: true},
		"added to the copy":     {later: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a", "b", "z") }, base: true, want: []migration.Carry{add("z")}},
		"removed from the copy": {later: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") }, base: true, want: []migration.Carry{remove("b")}},
		"added and removed":     {later: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a", "z") }, base: true, want: []migration.Carry{add("z"), remove("b")}},
		"added to both": {later: func(s *migration.Snapshot) {
			s.New[0].Audiences, s.Old[0].Audiences = audiences("a", "b", "z"), audiences("a", "b", "z")
		}, base: true},
		"removed from both":            {later: func(s *migration.Snapshot) { s.New[0].Audiences, s.Old[0].Audiences = audiences("a"), audiences("a") }, base: true},
		"more from the start":          {first: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a", "b", "z") }, later: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a", "b", "z") }, base: true},
		"less from the start":          {first: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") }, later: func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") }, base: true},
		"without a base":               {later: func(s *migration.Snapshot) { s.New[0].Audiences, s.New[0].Mappings.Fields = audiences("a", "z"), nil }, want: []migration.Carry{add("z")}},
		"the copy's fields changed":    {later: func(s *migration.Snapshot) { s.New[0].Mappings.Fields = nil }, base: true, lost: []string{"the copy's mappings were changed"}},
		"the copy's set changed":       {later: func(s *migration.Snapshot) { s.New[0].Mappings.Set = "m2" }, base: true, lost: []string{"the copy's mappings were changed"}},
		"the fields in another order":  {first: func(s *migration.Snapshot) { s.New[0].Mappings.Fields = []string{"p", "q"} }, later: func(s *migration.Snapshot) { s.New[0].Mappings.Fields = []string{"q", "p"} }, base: true},
		"the old one's fields changed": {later: func(s *migration.Snapshot) { s.Old[0].Mappings.Fields = nil }, base: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, later := onePair(), onePair()
			if c.first != nil {
				c.first(&first)
			}
			if c.later != nil {
				c.later(&later)
			}
			var base *migration.Base
			if c.base {
				base = baseOf(first)
			}
			changes, lost := migration.CarryBack(later.Old[0], later.New[0], base)
			require.Equal(t, c.want, changes)
			require.Equal(t, c.lost, lost)
		})
	}
}
