package migration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// The first pair goes alone, and the others go when its flow runs passed.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scene)
		want   string
	}{
		"the first alone":                        {func(*scene) {}, "o1"},
		"it is awaited":                          {func(s *scene) { s.progressOf(0, migration.Switched) }, ""},
		"it fails":                               {func(s *scene) { s.progressOf(0, migration.Switched); s.Pairs[0].Failing = true }, ""},
		"it says nothing in time":                {func(s *scene) { s.progressOf(0, migration.Switched); s.Pairs[0].Overdue = true }, ""},
		"it passed":                              {func(s *scene) { s.progressOf(0, migration.Verified) }, "o2 o3"},
		"it is held":                             {func(s *scene) { s.Pairs[0].Progress = migration.Held }, "o2"},
		"it stays off":                           {func(s *scene) { s.Pairs[0].Progress = migration.LeftOff }, "o2"},
		"it waits for a person":                  {func(s *scene) { s.Pairs[0].Account = "other" }, "o2"},
		"it was rolled back":                     {func(s *scene) { s.Pairs[0].Progress = migration.WentBack }, ""},
		"another was rolled back, it passed":     {func(s *scene) { s.progressOf(0, migration.Verified); s.Pairs[1].Progress = migration.WentBack }, "o3"},
		"somebody switched one before":           {func(s *scene) { s.progressOf(2, migration.Switched) }, ""},
		"nobody signed in":                       {func(s *scene) { s.Lapse("v5", "ended", look) }, ""},
		"nobody approved":                        {func(s *scene) { s.p.Approval = migration.OperatorApproval }, ""},
		"one passed, another is awaited":         {func(s *scene) { s.progressOf(0, migration.Verified); s.progressOf(1, migration.Switched) }, "o3"},
		"where the playbook wants none, at once": {func(s *scene) { s.p.CutOver.Canary = false; s.progressOf(0, migration.Switched) }, "o2 o3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := twoPairs()
			seen.Old, seen.New = append(seen.Old, old("o3", "Buyers")), append(seen.New, copied("n3", "Buyers"))
			s := &scene{planned(seen, pinterest()), acme(), pinterest(), look}
			s.p.CutOver.Canary = true
			c.change(s)
			var got []string
			for _, pair := range s.Due(s.p) {
				got = append(got, pair.Old)
			}
			require.Equal(t, c.want, strings.Join(got, " "))
			if c.want == "" {
				require.Equal(t, migration.StepWait, s.Next(s.o, s.p, s.now))
				for i := range s.Pairs {
					s.Pairs[i].Note = "why"
				}
				waits := s.Waits(s.o, s.p, s.now)
				require.NotEmpty(t, waits)
				for _, wait := range waits {
					spoken(t, wait)
				}
			}
		})
	}
}

// A canary whose disable-first switch stopped half way may be off on both sides: no other pair follows it there before a person has it tried again.
func TestNothingFollowsAHalfDoneCanary(t *testing.T) {
	t.Parallel()
	for order, due := range map[migration.Order]int{migration.DisableFirst: 0, migration.EnableFirst: 1} {
		s := ready()
		s.p.CutOver.Order, s.p.CutOver.Canary = order, true
		s.Follow(migration.MakePlan(twoPairs(), nil, s.Terms(s.p, s.now)), s.p)
		s.Begins(s.Pairs[0].Old)
		s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
		require.Len(t, s.Due(s.p), due, order)
		s.Resume("")
		require.Equal(t, s.Pairs[0].Old, s.Due(s.p)[0].Old, order)
	}
}

// A copy that fails goes back first, and then its person is told: a notice that cannot be sent must not keep the old dataflow off.
func TestRollbackComesBeforeItsNotice(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.Told = false
	require.Equal(t, migration.StepTell, s.Next(s.o, s.p, s.now))
	s.RollBack("", migration.Deed{At: s.now, By: migration.Itself, What: "flow runs fail"}, s.p)
	require.Equal(t, migration.StepGoBack, s.Next(s.o, s.p, s.now))
}

func TestWatching(t *testing.T) {
	t.Parallel()
	watched := func() *scene {
		s := switchedOver()
		s.p.Watch.Poll = migration.Duration(time.Hour)
		s.progress(migration.Verified)
		return s
	}
	for name, c := range map[string]struct {
		change func(*scene)
		step   migration.Step
		phase  migration.Phase
	}{
		"until the shutdown":             {func(*scene) {}, migration.StepWait, migration.Watching},
		"one second before it":           {func(s *scene) { s.now = shutdown.Add(-time.Second) }, migration.StepWait, migration.Watching},
		"no longer":                      {func(s *scene) { s.now = shutdown }, migration.StepFinish, ""},
		"not where the playbook says no": {func(s *scene) { s.p.Watch.Poll = 0 }, migration.StepFinish, ""},
		"nothing of what stays off":      {func(s *scene) { s.Pairs = nil }, migration.StepFinish, ""},
		"while paused":                   {func(s *scene) { s.pause() }, migration.StepWait, migration.Watching},
		"a change came":                  {func(s *scene) { s.Replan = true }, migration.StepPlan, ""},
		"somebody's sign-in ended":       {func(s *scene) { s.Lapse("v5", "ended", look) }, migration.StepWait, migration.AwaitingReauth},
		"and is not back at the end":     {func(s *scene) { s.Lapse("v5", "ended", look); s.now = shutdown.Add(day) }, migration.StepWait, migration.AwaitingReauth},
		"one is held meanwhile":          {func(s *scene) { s.Pairs[1].Progress, s.Pairs[1].Note, s.Pairs[1].Late = migration.Held, "drift", false }, migration.StepWait, migration.NeedsAttention},
		"one went back":                  {func(s *scene) { s.Pairs[1].Progress, s.Pairs[1].Note = migration.WentBack, "wrong" }, migration.StepWait, migration.NeedsAttention},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := watched()
			c.change(s)
			require.Equal(t, c.step, s.Next(s.o, s.p, s.now))
			if c.step != migration.StepWait {
				return
			}
			require.Equal(t, c.phase, s.WaitPhase(s.o, s.p, s.now))
			waits := s.Waits(s.o, s.p, s.now)
			require.NotEmpty(t, waits)
			for _, wait := range waits {
				spoken(t, wait)
			}
		})
	}
	s := watched()
	require.Equal(t, []migration.Wait{{migration.OnVendor, "Adobe", "the old API is closed; until then both cards are watched", s.Since, shutdown, ""}}, s.Waits(s.o, s.p, s.now))
}

// Where the shutdown passes between plan and switch, or is moved behind now, the plan is made again by what holds then.
func TestAPlanKnowsOnWhichSideOfTheShutdownItIs(t *testing.T) {
	t.Parallel()
	s := ready()
	plan := func() { s.Follow(migration.MakePlan(twoPairs(), nil, s.Terms(s.p, s.now)), s.p) }
	plan()
	require.Equal(t, migration.StepCutOver, s.Next(s.o, s.p, s.now))
	s.now = shutdown
	require.Equal(t, migration.StepPlan, s.Next(s.o, s.p, s.now))
	plan()
	require.True(t, s.Pairs[0].Late)
	require.Equal(t, migration.StepCutOver, s.Next(s.o, s.p, s.now), "once")
	s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
	require.Equal(t, migration.StepCutOver, s.Next(s.o, s.p, s.now))
	s.p.Timeline.Shutdown = shutdown.Add(30 * day)
	require.Equal(t, migration.StepPlan, s.Next(s.o, s.p, s.now), "the old card works again")
	plan()
	require.False(t, s.Pairs[0].Late)
	require.False(t, s.Pairs[1].Late)
	require.Equal(t, migration.Held, s.Pairs[0].Progress)
	require.Equal(t, migration.StepCutOver, s.Next(s.o, s.p, s.now))
	s.progress(migration.Verified)
	s.now = shutdown.Add(31 * day)
	require.Equal(t, migration.StepFinish, s.Next(s.o, s.p, s.now), "what is done needs no other plan")
}

// A disable-first switch that was cut off half way is finished, also after the shutdown, when only the copy matters.
func TestAHalfDoneSwitchIsFinishedAfterTheShutdown(t *testing.T) {
	t.Parallel()
	for late, want := range map[bool]migration.Action{false: migration.Switch, true: migration.Revive} {
		p := pinterest()
		p.CutOver.Order = migration.DisableFirst
		s := planned(twoPairs(), p)
		s.Begins("o1")
		half := twoPairs()
		half.Old[0].State = migration.Disabled
		terms := s.Terms(p, look)
		terms.Late = late
		s.Follow(migration.MakePlan(half, baseOf(twoPairs()), terms), p)
		require.Equal(t, migration.Ready, s.Pair("o1").Progress)
		require.Equal(t, want, s.Pair("o1").Action)
		require.Equal(t, migration.WriteEnable, migration.NextWrite(s.Plan.Order, migration.Disabled, migration.Disabled, s.Pair("o1").Action == migration.Revive))
	}
	s := planned(twoPairs(), pinterest())
	s.Begins("o1")
	half := twoPairs()
	half.Old[0].State = migration.Disabled
	s.Follow(makePlan(half, pinterest(), nil), pinterest())
	require.Equal(t, migration.LeftOff, s.Pair("o1").Progress, "enable-first never leaves both off: somebody did")
}
