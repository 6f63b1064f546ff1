package migration_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

func TestSwitchedOver(t *testing.T) {
	t.Parallel()
	enabled, disabled, now := look, look.Add(2*time.Second), look.Add(time.Minute)
	carry := []migration.Carry{{Audience: migration.Audience{ID: "c"}}}
	s := planned(twoPairs(), pinterest())
	pair := s.Pair("o1")
	pair.Carry, pair.Stale, pair.Failing, pair.Overdue, pair.Verdict = carry, 2, true, true, &migration.RunVerdict{}
	s.Begins("o1")
	require.True(t, pair.Begun)
	s.SwitchedOver("o1", migration.Moved{Enabled: enabled, Disabled: disabled, Note: "noted"}, pinterest(), now)
	require.Equal(t, migration.PairState{
		Pair: pair.Pair, Progress: migration.Switched, Note: "noted", SwitchedAt: enabled,
		Toggled: []migration.Toggled{{enabled, "new", migration.Disabled, migration.Enabled, ""}, {disabled, "old", migration.Enabled, migration.Disabled, ""}},
		Carried: []migration.Carried{{At: now, Carry: carry[0]}},
	}, *pair)

	s.SwitchedOver("o2", migration.Moved{Disabled: disabled}, pinterest(), now)
	require.Equal(t, now, s.Pair("o2").SwitchedAt, "an attempt before enabled it")
	require.Equal(t, []migration.Toggled{{now, "new", migration.Disabled, migration.Enabled, "seen done"}, {disabled, "old", migration.Enabled, migration.Disabled, ""}},
		s.Pair("o2").Toggled, "and no toggle is missing")

	s.Pair("o2").Carry = carry
	s.SwitchedOver("o2", migration.Moved{}, pinterest(), now.Add(day))
	require.Equal(t, now, s.Pair("o2").SwitchedAt, "an audience carried over later moves no switch")
	require.Len(t, s.Pair("o2").Carried, 1)
	s.Begins("unknown")
	s.SwitchedOver("unknown", migration.Moved{}, pinterest(), now)
	require.Len(t, s.Pairs, 2)

	for i := range 2100 {
		s.Pair("o1").Carry = []migration.Carry{{Audience: migration.Audience{ID: strconv.Itoa(i)}}}
		s.SwitchedOver("o1", migration.Moved{Enabled: enabled, Disabled: disabled}, pinterest(), now)
	}
	require.Len(t, s.Pair("o1").Toggled, 50)
	require.Len(t, s.Pair("o1").Carried, 1999, "with that of the other pair the organization's bound")
}

func TestWhatALatePairMissed(t *testing.T) {
	t.Parallel()
	now := shutdown.Add(3 * day)
	for name, c := range map[string]struct {
		change func(*migration.PairState)
		want   *migration.Window
	}{
		"in time":                          {func(p *migration.PairState) { p.Late = false }, nil},
		"since the shutdown":               {func(*migration.PairState) {}, &migration.Window{shutdown, now}},
		"a success long before is no last": {func(p *migration.PairState) { p.Delivered = assessed }, &migration.Window{shutdown, now}},
		"since a success after it":         {func(p *migration.PairState) { p.Delivered = shutdown.Add(day) }, &migration.Window{shutdown.Add(day), now}},
		"the old one is gone":              {func(p *migration.PairState) { p.Action = migration.Revive }, &migration.Window{shutdown, now}},
		"the copy ran already":             {func(p *migration.PairState) { p.Action = migration.Finish }, nil},
		"audiences alone":                  {func(p *migration.PairState) { p.Action = migration.Already }, nil},
		"it is written down once":          {func(p *migration.PairState) { p.Missed = &migration.Window{assessed, look} }, &migration.Window{assessed, look}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := planned(twoPairs(), pinterest())
			pair := s.Pair("o1")
			pair.Late = true
			c.change(pair)
			s.SwitchedOver("o1", migration.Moved{Enabled: now}, pinterest(), now.Add(time.Minute))
			require.Equal(t, c.want, pair.Missed)
			if c.want == nil {
				require.Empty(t, s.Undelivered())
				return
			}
			missed := migration.Missed{Dataflow: "o1", Name: "Shoppers", From: c.want.From, To: c.want.To}
			require.Equal(t, []migration.Missed{missed}, s.Undelivered())
			first := onePair()
			list := s.Undelivered()
			missed.Audiences = first.Old[0].Audiences
			require.Equal(t, []migration.Missed{missed}, migration.WithAudiences(list, baseOf(first)), "as it was first seen")
			require.Empty(t, list[0].Audiences)
			require.Equal(t, list, migration.WithAudiences(list, nil))
		})
	}
}

func TestDisturbed(t *testing.T) {
	t.Parallel()
	const on, off = migration.Enabled, migration.Disabled
	for name, c := range map[string]struct {
		change func(map[string]migration.Dataflow)
		want   bool
	}{
		"as it was":                 {func(map[string]migration.Dataflow) {}, false},
		"the old one enabled again": {func(f map[string]migration.Dataflow) { f["o1"] = with(f["o1"], state(on)) }, true},
		"the copy disabled":         {func(f map[string]migration.Dataflow) { f["n1"] = with(f["n1"], state(off)) }, true},
		"switched back": {func(f map[string]migration.Dataflow) {
			f["o1"], f["n1"] = with(f["o1"], state(on)), with(f["n1"], state(off))
		}, true},
		"the old one is being enabled":      {func(f map[string]migration.Dataflow) { f["o1"] = with(f["o1"], state("enabling")) }, false},
		"the copy is being updated":         {func(f map[string]migration.Dataflow) { f["n1"] = with(f["n1"], state("updating")) }, false},
		"an audience on the old one":        {func(f map[string]migration.Dataflow) { f["o1"] = with(f["o1"], exports("a", "b", "c")) }, true},
		"an audience on the copy":           {func(f map[string]migration.Dataflow) { f["n1"] = with(f["n1"], exports("a", "b", "c")) }, true},
		"the same audiences in other order": {func(f map[string]migration.Dataflow) { f["n1"] = with(f["n1"], exports("b", "a")) }, false},
		"the old one deleted":               {func(f map[string]migration.Dataflow) { delete(f, "o1") }, false},
		"the old one deleted, copy off":     {func(f map[string]migration.Dataflow) { delete(f, "o1"); f["n1"] = with(f["n1"], state(off)) }, true},
		"the copy deleted":                  {func(f map[string]migration.Dataflow) { delete(f, "n1") }, true},
		"others":                            {func(f map[string]migration.Dataflow) { f["o9"] = old("o9", "Other") }, false},
	} {
		flows := map[string]migration.Dataflow{"o1": with(old("o1", "Shoppers"), state(off)), "n1": with(copied("n1", "Shoppers"), state(on))}
		fingerprint := migration.Fingerprint(flows["o1"], flows["n1"])
		c.change(flows)
		require.Equal(t, c.want, migration.Disturbed(flows, "o1", "n1", fingerprint), name)
	}
}

func state(s migration.DataflowState) func(*migration.Dataflow) {
	return func(d *migration.Dataflow) { d.State = s }
}

func exports(ids ...string) func(*migration.Dataflow) {
	return func(d *migration.Dataflow) { d.Audiences = audiences(ids...) }
}

// Whatever the watch reports is settled by one more plan, or asks a person: the same reading is no news again.
func TestWhatIsWatchedComesToRest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*migration.Snapshot)
		policy migration.Policy
		want   migration.Progress
	}{
		"an audience on the copy":         {func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a", "b", "z") }, migration.Ignore, migration.Verified},
		"an audience on the wrong card":   {func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a", "b", "c") }, migration.CarryOver, migration.Ready},
		"one that is asked about":         {func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a", "b", "c") }, migration.Ask, migration.Held},
		"the old one enabled again":       {func(s *migration.Snapshot) { s.Old[0].State = migration.Enabled }, migration.CarryOver, migration.Ready},
		"that is asked about":             {func(s *migration.Snapshot) { s.Old[0].State = migration.Enabled }, migration.Ask, migration.Held},
		"that is as it should be":         {func(s *migration.Snapshot) { s.Old[0].State = migration.Enabled }, migration.Ignore, migration.LeftOff},
		"the copy disabled":               {func(s *migration.Snapshot) { s.New[0].State = migration.Disabled }, migration.CarryOver, migration.Ready},
		"the copy disabled, and so be it": {func(s *migration.Snapshot) { s.New[0].State = migration.Disabled }, migration.Ignore, migration.LeftOff},
		"switched back, and so be it":     {func(s *migration.Snapshot) { s.Old[0].State, s.New[0].State = migration.Enabled, migration.Disabled }, migration.Ignore, migration.LeftOff},
		"the copy renamed":                {func(s *migration.Snapshot) { s.New[0].Name = "Another" }, migration.Ignore, migration.Verified},
		"the copy deleted":                {func(s *migration.Snapshot) { s.New = s.New[1:] }, migration.Ignore, migration.Held},
		"the old one deleted":             {func(s *migration.Snapshot) { s.Old = s.Old[1:] }, migration.Ask, migration.Verified},
		"both renamed":                    {func(s *migration.Snapshot) { s.Old[0].Name, s.New[0].Name = "X", "Y" }, migration.Ignore, migration.Verified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := switchedOver()
			s.p.Watch.Poll, s.p.Drift = migration.Duration(time.Hour), every(c.policy)
			for _, copied := range []string{"n1", "n2"} {
				s.Judge(migration.RunVerdict{Dataflow: copied, Status: migration.RunSucceeded}, s.p, s.now)
			}
			require.True(t, s.Watches(s.p, s.now))
			seen := twoPairs()
			base := baseOf(twoPairs())
			for i := range seen.Old {
				seen.Old[i].State, seen.New[i].State = migration.Disabled, migration.Enabled
			}
			c.change(&seen)
			for range 2 {
				s.Follow(migration.MakePlan(seen, base, s.Terms(s.p, s.now)), s.p)
				require.Equal(t, c.want, s.Pair("o1").Progress)
				require.Equal(t, migration.Verified, s.Pair("o2").Progress)
				require.NotZero(t, s.Pair("o1").SwitchedAt, "that it was switched is not forgotten")
			}
			flows := map[string]migration.Dataflow{}
			for _, d := range append(seen.Old, seen.New...) {
				flows[d.ID] = d
			}
			if c.want == migration.Verified {
				require.False(t, migration.Disturbed(flows, "o1", "n1", s.Pair("o1").Fingerprint), "it is no news any more")
			}
			if c.want == migration.Held {
				require.Equal(t, migration.StepWait, s.Next(s.o, s.p, s.now))
				require.Equal(t, migration.OnOperator, s.Waits(s.o, s.p, s.now)[0].On)
			}
		})
	}
}

// What a rollback could not do is said where people look.
func TestRollbackKeepsItsNote(t *testing.T) {
	t.Parallel()
	s := &migration.State{Pairs: []migration.PairState{{
		Pair: migration.Pair{Old: "o1", New: "n1"}, Progress: migration.Switched, SwitchedAt: look, Back: &migration.Deed{By: "operator", What: "wrong"},
	}}}
	s.SwitchedBack("o1", migration.Moved{Enabled: look, Note: "the copy is not there any more"}, look)
	require.Equal(t, "rolled back by operator: wrong; the copy is not there any more", s.Pair("o1").Note)
}
