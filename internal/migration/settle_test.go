package migration_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// heldFor is the first pair held for drift of these kinds, all asked about.
func heldFor(kinds ...migration.DriftKind) *scene {
	s := ready()
	pair := &s.Pairs[0]
	pair.Progress, pair.Hold, pair.Note = migration.Held, "drift", "drift"
	for _, kind := range kinds {
		pair.Drift = append(pair.Drift, migration.Drift{Kind: kind, Item: "x", Policy: migration.Ask})
	}
	return s
}

func TestRefuseSettle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scene  func() *scene
		old    string
		answer migration.Answer
		want   string
	}{
		"carry what was added": {func() *scene { return heldFor(migration.AudienceAdded) }, "o1", migration.AnswerCarry, ""},
		"accept it":            {func() *scene { return heldFor(migration.AudienceAdded) }, "o1", migration.AnswerAccept, ""},
		"an unknown dataflow":  {func() *scene { return heldFor(migration.AudienceAdded) }, "n1", migration.AnswerAccept, `dataflow "n1" is not an old dataflow of this organization's plan; starter status lists them`},
		"an unknown answer":    {func() *scene { return heldFor(migration.AudienceAdded) }, "o1", "yes", `answer "yes" is unknown; use carry or accept`},
		"nothing is asked":     {ready, "o1", migration.AnswerAccept, `nothing is asked about dataflow "Shoppers" (o1): it is ready`},
		"held for another reason": {func() *scene {
			s := ready()
			s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
			return s
		}, "o1", migration.AnswerAccept, `nothing is asked about dataflow "Shoppers" (o1): it is held (refused)`},
		"what the playbook blocks": {func() *scene {
			s := heldFor(migration.AdvertiserOther)
			s.Pairs[0].Drift[0].Policy = migration.Block
			return s
		}, "o1", migration.AnswerAccept, `nothing is asked about dataflow "Shoppers" (o1): it is held (drift)`},
		"blocked beside asked": {func() *scene {
			s := heldFor(migration.AdvertiserOther, migration.AudienceAdded)
			s.Pairs[0].Drift[0].Policy = migration.Block
			return s
		}, "o1", migration.AnswerAccept, `nothing is asked about dataflow "Shoppers" (o1): it is held (drift)`},
		"a mapping cannot be carried": {func() *scene { return heldFor(migration.AudienceAdded, migration.MappingDiffers) }, "o1", migration.AnswerCarry, `dataflow "Shoppers" (o1): mapping differs (x) cannot be carried over; change it in Adobe and resume, or accept it`},
		"but accepted":                {func() *scene { return heldFor(migration.AudienceAdded, migration.MappingDiffers) }, "o1", migration.AnswerAccept, ""},
		"flow runs that fail":         {func() *scene { s := ready(); s.progressOf(0, migration.Switched); s.Pairs[0].Failing = true; return s }, "o1", migration.AnswerAccept, ""},
		"flow runs that say nothing":  {func() *scene { s := ready(); s.progressOf(0, migration.Switched); s.Pairs[0].Overdue = true; return s }, "o1", migration.AnswerAccept, ""},
		"flow runs are not carried":   {func() *scene { s := ready(); s.progressOf(0, migration.Switched); s.Pairs[0].Overdue = true; return s }, "o1", migration.AnswerCarry, `dataflow "Shoppers" (o1) waits for its flow runs to be judged; only accept applies`},
		"flow runs still awaited":     {func() *scene { s := ready(); s.progressOf(0, migration.Switched); return s }, "o1", migration.AnswerAccept, `nothing is asked about dataflow "Shoppers" (o1): it is switched`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.scene().RefuseSettle(c.old, c.answer)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}

// The command that a wait names is one that is not refused.
func TestTheCommandOfAWaitApplies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scene   *scene
		command string
	}{
		"asked":                 {heldFor(migration.AudienceAdded), "settle --by NAME --old o1 --answer carry|accept"},
		"refused by the vendor": {func() *scene { s := ready(); s.Pairs[0].Progress = migration.Held; return s }(), "resume --by NAME"},
		"blocked": {func() *scene {
			s := heldFor(migration.AdvertiserOther)
			s.Pairs[0].Drift[0].Policy = migration.Block
			return s
		}(), "resume --by NAME"},
		"rolled back": {func() *scene { s := ready(); s.Pairs[0].Progress = migration.WentBack; return s }(), "resume --by NAME"},
		"failing":     {func() *scene { s := ready(); s.progressOf(0, migration.Switched); s.Pairs[0].Failing = true; return s }(), "rollback --by NAME --reason WHY --old o1"},
		"failing, too late to go back": {func() *scene {
			s := ready()
			s.progressOf(0, migration.Switched)
			s.Pairs[0].Failing, s.now = true, shutdown
			return s
		}(), "settle --by NAME --old o1 --answer accept"},
		"overdue": {func() *scene { s := ready(); s.progressOf(0, migration.Switched); s.Pairs[0].Overdue = true; return s }(), "settle --by NAME --old o1 --answer accept"},
	} {
		c.scene.Pairs[0].Note = "why"
		waits := c.scene.Waits(c.scene.o, c.scene.p, c.scene.now)
		require.NotEmpty(t, waits, name)
		spoken(t, waits[0])
		require.Equal(t, "starter "+c.command+" --org 1A2B3C4D5E6F@AdobeOrg", waits[0].Command, name)
		require.Equal(t, migration.NeedsAttention, c.scene.WaitPhase(c.scene.o, c.scene.p, c.scene.now), name)
		require.True(t, c.scene.AnyHeld(), name)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	t.Run("drift", func(t *testing.T) {
		t.Parallel()
		p := pinterest()
		seen := twoPairs()
		seen.Old[0].Audiences = audiences("a", "b", "c")
		s := planned(seen, p)
		require.NoError(t, s.RefuseSettle("o1", migration.AnswerCarry))
		s.Settle("o1", migration.AnswerCarry, "operator", look)
		require.True(t, s.Replan)
		require.Equal(t, migration.Held, s.Pair("o1").Progress, "until the next plan")
		s.Follow(migration.MakePlan(seen, nil, s.Terms(p, look)), p)
		require.Equal(t, migration.Ready, s.Pair("o1").Progress)
		require.Equal(t, []migration.Carry{{Audience: audiences("c")[0]}}, s.Pair("o1").Carry)
		require.Error(t, s.RefuseSettle("o1", migration.AnswerAccept))
	})
	t.Run("flow runs", func(t *testing.T) {
		t.Parallel()
		s := switchedOver()
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunPending, Reason: "too few to tell", Overdue: true}, s.p, s.now)
		s.Settle("o1", migration.AnswerAccept, "operator", s.now)
		require.Equal(t, migration.Verified, s.Pair("o1").Progress)
		require.False(t, s.Pair("o1").Overdue)
		require.Equal(t, "accepted by operator (too few to tell)", s.Pair("o1").Note)
		require.False(t, s.AnyHeld())
	})
}

// What is held for a reason of its own is not released because a drift came and went.
func TestDriftDoesNotReleaseWhatIsHeldForItself(t *testing.T) {
	t.Parallel()
	s, p := planned(twoPairs(), pinterest()), pinterest()
	s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "the vendor refused: 403"
	drift := twoPairs()
	drift.Old[0].Audiences = audiences("a", "b", "c")
	s.Follow(makePlan(drift, p, nil), p)
	require.Error(t, s.RefuseSettle("o1", migration.AnswerAccept), "that would not release it")
	s.Follow(makePlan(twoPairs(), p, nil), p)
	require.Equal(t, migration.Held, s.Pair("o1").Progress)
	require.Equal(t, "the vendor refused: 403", s.Pair("o1").Note)
}
