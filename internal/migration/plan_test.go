package migration_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func TestMakePlan(t *testing.T) {
	t.Parallel()
	s := twoPairs()
	slices.Reverse(s.Old)
	plan := makePlan(s, pinterest(), nil)
	require.Equal(t, migration.EnableFirst, plan.Order)
	require.Equal(t, assessed, plan.MadeAt)
	require.Empty(t, plan.Questions)
	require.Len(t, plan.Pairs, 2)
	require.Equal(t, migration.Pair{
		Name: "Shoppers", Sandbox: "prod", Account: "v5", Old: "o1", New: "n1", Advertiser: "549", Action: migration.Switch,
		Fingerprint: migration.Fingerprint(s.Old[1], s.New[0]),
	}, plan.Pairs[0])
	require.Equal(t, "o2", plan.Pairs[1].Old)
	require.Len(t, plan.Hash, 16)
}

func TestMakePlanKeepsQuestionsAndWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	s := twoPairs()
	s.Old = append(s.Old, old("o3", "Gone"), old("o4", "Unwanted"))
	plan := makePlan(s, pinterest(), map[string]string{"o4": migration.LeaveOut})
	require.Len(t, plan.Pairs, 2)
	require.Equal(t, []string{"o4"}, plan.Left)
	require.Len(t, plan.Questions, 1)
	require.Equal(t, "o3", plan.Questions[0].Old)
}

func TestDriftHoldsAPairByPolicy(t *testing.T) {
	t.Parallel()
	s := twoPairs()
	s.Old[0].Audiences = audiences("a", "b", "c", "d")
	s.New[0].Audiences = audiences("a", "b", "z")
	s.New[1].Mappings.Fields = nil
	plan := makePlan(s, pinterest(), nil)
	require.Equal(t, `audience missing on the copy: "Audience c" (c); audience missing on the copy: "Audience d" (d)`, plan.Pairs[0].Hold)
	require.Len(t, plan.Pairs[0].Drift, 3, "what is ignored is noted all the same")
	require.Equal(t, "mapping differs: missing on the copy: email > pinterest_email", plan.Pairs[1].Hold)

	p := pinterest()
	p.Drift = migration.DriftPolicy{AudienceMissing: migration.Ignore, AudienceExtra: migration.Ignore, Mapping: migration.Ignore, Advertiser: migration.Ignore, Name: migration.Ignore}
	for _, pair := range makePlan(s, p, nil).Pairs {
		require.Empty(t, pair.Hold)
		require.NotEmpty(t, pair.Drift)
	}
}

// A pair that stays switched off needs no person for its content; a copy that runs does.
func TestDriftHoldsNothingThatStaysOff(t *testing.T) {
	t.Parallel()
	s := twoPairs()
	s.New[0].Audiences, s.New[1].Audiences = nil, nil
	s.Old[0].State, s.New[0].State = migration.Disabled, migration.Disabled
	s.Old[1].State, s.New[1].State = migration.Disabled, migration.Enabled
	plan := makePlan(s, pinterest(), nil)
	require.Equal(t, []migration.Action{migration.Leave, migration.Already}, []migration.Action{plan.Pairs[0].Action, plan.Pairs[1].Action})
	require.NotEmpty(t, plan.Pairs[0].Drift)
	require.Empty(t, plan.Pairs[0].Hold, "what stays off delivers to nobody")
	require.Contains(t, plan.Pairs[1].Hold, "audience missing", "what runs already lacks audiences now")
}

func TestActionFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, copied migration.DataflowState
		want        migration.Action
	}{
		{migration.Enabled, migration.Disabled, migration.Switch},
		{migration.Enabled, migration.Enabled, migration.Finish},
		{migration.Disabled, migration.Enabled, migration.Already},
		{migration.Disabled, migration.Disabled, migration.Leave},
		{"disabling", migration.Disabled, migration.Switch},
		{"disabling", "enabling", migration.Finish},
		{migration.Enabled, "enabling", migration.Finish},
		{migration.Disabled, "enabling", migration.Already},
		{migration.Disabled, "disabling", migration.Already},
		{"", migration.Disabled, migration.Switch},
		{migration.Gone, migration.Disabled, migration.Revive},
		{migration.Gone, migration.Enabled, migration.Already},
		{migration.Gone, "enabling", migration.Already},
	} {
		require.Equal(t, c.want, migration.ActionFor(c.old, c.copied), "%s and %s", c.old, c.copied)
	}
}

func TestToggles(t *testing.T) {
	t.Parallel()
	enable, disable := migration.Toggle{"Shoppers", "enable", "n1", "new"}, migration.Toggle{"Shoppers", "disable", "o1", "old"}
	for _, c := range []struct {
		action migration.Action
		hold   string
		order  migration.Order
		want   []migration.Toggle
	}{
		{migration.Switch, "", migration.EnableFirst, []migration.Toggle{enable, disable}},
		{migration.Switch, "", migration.DisableFirst, []migration.Toggle{disable, enable}},
		{migration.Finish, "", migration.EnableFirst, []migration.Toggle{disable}},
		{migration.Finish, "", migration.DisableFirst, []migration.Toggle{disable}},
		{migration.Already, "", migration.EnableFirst, nil},
		{migration.Leave, "", migration.EnableFirst, nil},
		{migration.Leave, "", migration.DisableFirst, nil},
		{migration.Switch, "an audience is missing", migration.EnableFirst, nil},
		{migration.Finish, "an audience is missing", migration.DisableFirst, nil},
	} {
		pair := migration.Pair{Name: "Shoppers", Old: "o1", New: "n1", Action: c.action, Hold: c.hold}
		require.Equal(t, c.want, pair.Toggles(c.order), "%s %q %s", c.action, c.hold, c.order)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash := func(s migration.Snapshot, p migration.Playbook, choices map[string]string) string {
		return makePlan(s, p, choices).Hash
	}
	plain := hash(twoPairs(), pinterest(), nil)

	same := map[string]func(*migration.Snapshot, *migration.Playbook){
		"read later": func(s *migration.Snapshot, _ *migration.Playbook) { s.TakenAt = s.TakenAt.Add(time.Hour) },
		"listed backwards": func(s *migration.Snapshot, _ *migration.Playbook) {
			slices.Reverse(s.Old)
			slices.Reverse(s.New)
			slices.Reverse(s.Accounts)
		},
		"a new dataflow alone": func(s *migration.Snapshot, _ *migration.Playbook) { s.New = append(s.New, copied("n9", "Other")) },
		"another width":        func(_ *migration.Snapshot, p *migration.Playbook) { p.CutOver.Width = 9 },
		"moved dates":          func(_ *migration.Snapshot, p *migration.Playbook) { p.Timeline.Shutdown = p.Timeline.Shutdown.Add(day) },
		"another account etag": func(s *migration.Snapshot, _ *migration.Playbook) { s.Accounts[0].Etag = `"2"` },
	}
	for name, change := range same {
		s, p := twoPairs(), pinterest()
		change(&s, &p)
		require.Equal(t, plain, hash(s, p, nil), name)
	}

	other := map[string]func(*migration.Snapshot, *migration.Playbook){
		"another order":            func(_ *migration.Snapshot, p *migration.Playbook) { p.CutOver.Order = migration.DisableFirst },
		"the old one switched off": func(s *migration.Snapshot, _ *migration.Playbook) { s.Old[0].State = migration.Disabled },
		"the copy switched on":     func(s *migration.Snapshot, _ *migration.Playbook) { s.New[0].State = migration.Enabled },
		"one more pair": func(s *migration.Snapshot, _ *migration.Playbook) {
			s.Old, s.New = append(s.Old, old("o3", "C")), append(s.New, copied("n3", "C"))
		},
		"one pair less":   func(s *migration.Snapshot, _ *migration.Playbook) { s.Old = s.Old[:1] },
		"one more to ask": func(s *migration.Snapshot, _ *migration.Playbook) { s.Old = append(s.Old, old("o3", "C")) },
	}
	for name, change := range other {
		s, p := twoPairs(), pinterest()
		change(&s, &p)
		require.NotEqual(t, plain, hash(s, p, nil), name)
	}
	require.NotEqual(t, plain, hash(twoPairs(), pinterest(), map[string]string{"o1": migration.LeaveOut}))
	require.NotEqual(t, plain, hash(twoPairs(), pinterest(), map[string]string{"o1": "n2", "o2": "n1"}))

	moved := twoPairs()
	moved.Old[0].Advertiser, moved.New[0].Advertiser = "777", "777"
	require.NotEqual(t, plain, hash(moved, pinterest(), nil), "whose ad account it is, though no read of a dataflow shows it")
	leftOut := twoPairs()
	leftOut.Old = append(leftOut.Old, old("o3", "C"))
	require.NotEqual(t, plain, hash(leftOut, pinterest(), map[string]string{"o3": migration.LeaveOut}), "what is left out is agreed to as well")

	drifted := twoPairs()
	drifted.Old[0].Audiences = audiences("a", "b", "c")
	lenient := pinterest()
	lenient.Drift.AudienceMissing = migration.Ignore
	require.NotEqual(t, hash(drifted, pinterest(), nil), hash(drifted, lenient, nil), "an approval of a pair that is held is none of one that moves")
}

// The hash is a matter of content: whatever order the vendor lists things in, and whenever it was asked, approvals hold.
func TestHashProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := migration.Snapshot{Old: drawDataflows(t, "o", 6, false), New: drawDataflows(t, "n", 6, true), TakenAt: assessed}
		choices := drawChoices(t, s.Old, s.New)
		again := migration.Snapshot{Old: shuffled(t, s.Old), New: shuffled(t, s.New), TakenAt: assessed.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "later")))}
		for _, list := range [][]migration.Dataflow{again.Old, again.New} {
			for i := range list {
				list[i].Audiences = shuffled(t, append(slices.Clone(list[i].Audiences), list[i].Audiences...))
			}
		}
		one, two := makePlan(s, pinterest(), choices), makePlan(again, pinterest(), choices)
		require.Equal(t, one.Hash, two.Hash)
		two.MadeAt = one.MadeAt
		require.Equal(t, one, two, "and so is everything else of a plan")
		require.True(t, slices.IsSortedFunc(one.Pairs, func(a, b migration.Pair) int { return strings.Compare(a.Sandbox+"/"+a.Old, b.Sandbox+"/"+b.Old) }))
	})
}

func TestNextWrite(t *testing.T) {
	t.Parallel()
	type sides struct{ old, copied migration.DataflowState }
	want := map[migration.Order]map[sides]migration.Write{
		migration.EnableFirst: {
			{migration.Enabled, migration.Disabled}:  migration.WriteEnable,
			{migration.Enabled, migration.Enabled}:   migration.WriteDisable,
			{migration.Disabled, migration.Enabled}:  migration.WriteDone,
			{migration.Disabled, migration.Disabled}: migration.WriteRefuse,
		},
		migration.DisableFirst: {
			{migration.Enabled, migration.Disabled}:  migration.WriteDisable,
			{migration.Enabled, migration.Enabled}:   migration.WriteDisable,
			{migration.Disabled, migration.Enabled}:  migration.WriteDone,
			{migration.Disabled, migration.Disabled}: migration.WriteEnable,
		},
	}
	states := []migration.DataflowState{migration.Enabled, migration.Disabled, "enabling", "disabling", "updating", "inProgress", "pending", ""}
	for order, table := range want {
		for _, a := range states {
			for _, b := range states {
				expected, lasting := table[sides{a, b}]
				if !lasting {
					expected = migration.WriteWait
				}
				require.Equal(t, expected, migration.NextWrite(order, a, b, false), "%s: old %q, copy %q", order, a, b)
			}
		}
	}
}

// Where the other side is known to be off or gone, only the copy is enabled, and what somebody enabled meanwhile is switched off as ever.
func TestNextWriteOfARevival(t *testing.T) {
	t.Parallel()
	for _, order := range []migration.Order{migration.EnableFirst, migration.DisableFirst} {
		for _, from := range []migration.DataflowState{migration.Disabled, migration.Gone} {
			require.Equal(t, migration.WriteEnable, migration.NextWrite(order, from, migration.Disabled, true))
			require.Equal(t, migration.WriteDone, migration.NextWrite(order, from, migration.Enabled, true))
			require.Equal(t, migration.WriteDone, migration.NextWrite(order, from, migration.Enabled, false))
			require.Equal(t, migration.WriteWait, migration.NextWrite(order, from, "enabling", true))
		}
		require.Equal(t, migration.WriteDisable, migration.NextWrite(order, migration.Enabled, migration.Enabled, true))
		require.Equal(t, migration.WriteRefuse, migration.NextWrite(order, migration.Gone, migration.Disabled, false), "no plan asked for that")
	}
	require.Equal(t, migration.WriteEnable, migration.NextWrite(migration.EnableFirst, migration.Enabled, migration.Disabled, true))
	require.Equal(t, migration.WriteDisable, migration.NextWrite(migration.DisableFirst, migration.Enabled, migration.Disabled, true))
}

// vendor is a model of two dataflows whose switching takes a while. A side that is between two states exports nothing, which is the worst case.
type vendor struct{ old, copied migration.DataflowState }

func settledState(t *rapid.T, s migration.DataflowState) migration.DataflowState {
	next := settle(s)
	if next == s || rapid.Bool().Draw(t, "still under way") {
		return s
	}
	return next
}

// follow does one step of a switch: reads both sides and does what NextWrite says. Attempts that crash or lose an answer are only more steps.
func (v *vendor) follow(t *rapid.T, order migration.Order) migration.Write {
	write := migration.NextWrite(order, v.old, v.copied, false)
	slow := rapid.Bool().Draw(t, "slow")
	switch write {
	case migration.WriteEnable:
		if v.copied = migration.Enabled; slow {
			v.copied = "enabling"
		}
	case migration.WriteDisable:
		if v.old = migration.Disabled; slow {
			v.old = "disabling"
		}
	case migration.WriteWait:
		v.old, v.copied = settledState(t, v.old), settledState(t, v.copied)
	case migration.WriteDone, migration.WriteRefuse:
	}
	return write
}

func drawVendor(t *rapid.T) vendor {
	state := rapid.SampledFrom([]migration.DataflowState{migration.Enabled, migration.Disabled, "enabling", "disabling"})
	return vendor{state.Draw(t, "old"), state.Draw(t, "copy")}
}

func TestNoGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVendor(t)
		began := v
		gap := func() bool { return v.old != migration.Enabled && v.copied != migration.Enabled }
		open := gap() // nothing ran before we came
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			v.follow(t, migration.EnableFirst)
			open = open && gap()
			require.False(t, gap() && !open, "began %+v, now %+v", began, v)
		}
	})
}

func TestNoDoubleSendUnderDisableFirst(t *testing.T) {
	t.Parallel()
	on := func(s migration.DataflowState) bool { return s != migration.Disabled && s != "disabling" }
	rapid.Check(t, func(t *rapid.T) {
		v := drawVendor(t)
		double := on(v.old) && on(v.copied)
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			v.follow(t, migration.DisableFirst)
			double = double && on(v.old) && on(v.copied)
			require.False(t, on(v.old) && on(v.copied) && !double, "%+v", v)
		}
	})
}

// A switch comes to an end from every start, done unless there is nothing to carry over.
func TestSwitchesEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.SampledFrom([]migration.Order{migration.EnableFirst, migration.DisableFirst}).Draw(t, "order")
		v := drawVendor(t)
		off := func(s migration.DataflowState) bool { return s == migration.Disabled || s == "disabling" }
		refused := order == migration.EnableFirst && off(v.old) && off(v.copied)
		for range 12 {
			v.old, v.copied = settle(v.old), settle(v.copied)
			if write := v.follow(t, order); write == migration.WriteDone || write == migration.WriteRefuse {
				require.Equal(t, refused, write == migration.WriteRefuse)
				return
			}
		}
		t.Fatalf("no end from %+v", v)
	})
}

// settle is where a state ends up.
func settle(s migration.DataflowState) migration.DataflowState {
	switch s {
	case "enabling", "updating":
		return migration.Enabled
	case "disabling":
		return migration.Disabled
	default:
		return s
	}
}
