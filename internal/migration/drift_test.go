package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// onePair is an organization with one dataflow and its copy.
func onePair() migration.Snapshot {
	return migration.Snapshot{
		Old: []migration.Dataflow{old("o1", "Shoppers")}, New: []migration.Dataflow{copied("n1", "Shoppers")},
		Accounts: []migration.Account{account("v5")}, TakenAt: assessed,
	}
}

// baseOf is what was first seen of an organization: this.
func baseOf(s migration.Snapshot) *migration.Base { return &migration.Base{Snapshot: s} }

// Where a difference arose shows in what was first seen.
func TestThreeWayDrift(t *testing.T) {
	t.Parallel()
	type change = func(*migration.Snapshot)
	for name, c := range map[string]struct {
		first, later change
		without      string // kinds and items without a base
		with         string // and with it
	}{
		"parity": {without: "", with: ""},
		"added to the old one": {
			later:   func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a", "b", "c") },
			without: `audience missing on the copy "Audience c" (c)`,
			with:    `audience added to the old dataflow "Audience c" (c)`,
		},
		"removed from the old one": {
			later:   func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a") },
			without: `audience only on the copy "Audience b" (b)`,
			with:    `audience removed from the old dataflow "Audience b" (b)`,
		},
		"never copied": {
			first:   func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") },
			later:   func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") },
			without: `audience missing on the copy "Audience b" (b)`,
			with:    `audience missing on the copy "Audience b" (b)`,
		},
		"removed from the copy": {
			later:   func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") },
			without: `audience missing on the copy "Audience b" (b)`,
			with:    `audience missing on the copy "Audience b" (b)`,
		},
		"added to the copy": {
			later:   func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a", "b", "z") },
			without: `audience only on the copy "Audience z" (z)`,
			with:    `audience only on the copy "Audience z" (z)`,
		},
		"removed from the old one, then added to the copy by hand": {
			first:   func(s *migration.Snapshot) { s.New[0].Audiences = audiences("a") },
			later:   func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a") },
			without: `audience only on the copy "Audience b" (b)`,
			with:    `audience only on the copy "Audience b" (b)`,
		},
		"rescheduled on the old one": {
			later:   func(s *migration.Snapshot) { s.Old[0].Audiences[0].Start = "2023-12-01" },
			without: "",
			with:    `audience's schedule changed "Audience a" (a) starts 2023-12-01 in o1, at first `,
		},
		"rescheduled on the copy": {
			later:   func(s *migration.Snapshot) { s.New[0].Audiences[0].Start = "2023-12-01" },
			without: "",
			with:    `audience's schedule changed "Audience a" (a) starts 2023-12-01 in n1, at first `,
		},
		"copies start later from the first": {
			first:   func(s *migration.Snapshot) { s.New[0].Audiences[0].Start = "2023-11-16" },
			later:   func(s *migration.Snapshot) { s.New[0].Audiences[0].Start = "2023-11-16" },
			without: "", with: "",
		},
		"a mapping": {
			later:   func(s *migration.Snapshot) { s.Old[0].Mappings.Fields = nil },
			without: "mapping differs only on the copy: email > pinterest_email",
			with:    "mapping differs only on the copy: email > pinterest_email",
		},
		"the old one's mapping set": {
			first: func(s *migration.Snapshot) {
				s.Old[0].Mappings, s.New[0].Mappings = migration.Mappings{Set: "m1 v0"}, migration.Mappings{Set: "m2 v0"}
			},
			later: func(s *migration.Snapshot) {
				s.Old[0].Mappings, s.New[0].Mappings = migration.Mappings{Set: "m1 v1"}, migration.Mappings{Set: "m2 v0"}
			},
			without: "",
			with:    "mapping differs the old dataflow's set was m1 v0 and is m1 v1",
		},
		"the copy's mapping set": {
			first: func(s *migration.Snapshot) {
				s.Old[0].Mappings, s.New[0].Mappings = migration.Mappings{Set: "m1 v0"}, migration.Mappings{Set: "m2 v0"}
			},
			later: func(s *migration.Snapshot) {
				s.Old[0].Mappings, s.New[0].Mappings = migration.Mappings{Set: "m1 v0"}, migration.Mappings{Set: "m2 v1"}
			},
			without: "",
			with:    "mapping differs the copy's set was m2 v0 and is m2 v1",
		},
		"the same mapping sets": {
			first: func(s *migration.Snapshot) {
				s.Old[0].Mappings, s.New[0].Mappings = migration.Mappings{Set: "m1 v0"}, migration.Mappings{Set: "m2 v0"}
			},
			later: func(s *migration.Snapshot) {
				s.Old[0].Mappings, s.New[0].Mappings = migration.Mappings{Set: "m1 v0"}, migration.Mappings{Set: "m2 v0"}
			},
		},
		"advertiser and name": {
			later:   func(s *migration.Snapshot) { s.New[0].Advertiser, s.New[0].Name = "777", "Shoppers EU" },
			without: "another advertiser 549 is now 777, another name Shoppers is now Shoppers EU",
			with:    "another advertiser 549 is now 777, another name Shoppers is now Shoppers EU",
		},
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
			words := func(base *migration.Base) string {
				var list []string
				for _, d := range migration.Compare(later.Old[0], later.New[0], base) {
					list = append(list, string(d.Kind)+" "+d.Item)
				}
				return strings.Join(list, ", ")
			}
			require.Equal(t, c.without, words(nil))
			require.Equal(t, c.without, words(baseOf(migration.Snapshot{})), "a base that knows neither says nothing")
			require.Equal(t, c.with, words(baseOf(first)))
		})
	}
}

// drifted is a pair with one difference of each kind that a playbook has a policy for, and what it says.
var drifted = map[migration.DriftKind]func(*migration.Snapshot, *migration.Terms){
	migration.AudienceAdded:   func(s *migration.Snapshot, _ *migration.Terms) { s.Old[0].Audiences = audiences("a", "b", "c") },
	migration.AudienceRemoved: func(s *migration.Snapshot, _ *migration.Terms) { s.Old[0].Audiences = audiences("a") },
	migration.AudienceMissing: func(s *migration.Snapshot, _ *migration.Terms) { s.New[0].Audiences = audiences("a") },
	migration.AudienceExtra:   func(s *migration.Snapshot, _ *migration.Terms) { s.New[0].Audiences = audiences("a", "b", "z") },
	migration.AudienceChanged: func(s *migration.Snapshot, _ *migration.Terms) { s.New[0].Audiences[0].Start = "2023-12-01" },
	migration.MappingDiffers:  func(s *migration.Snapshot, _ *migration.Terms) { s.New[0].Mappings.Fields = nil },
	migration.AdvertiserOther: func(s *migration.Snapshot, t *migration.Terms) {
		s.New[0].Advertiser, t.Choices = "777", map[string]string{"o1": "n1"}
	},
	migration.NameDiffers: func(s *migration.Snapshot, t *migration.Terms) {
		s.New[0].Name, t.Choices = "Shoppers EU", map[string]string{"o1": "n1"}
	},
	migration.StateChanged: func(s *migration.Snapshot, _ *migration.Terms) { s.Old[0].State = migration.Disabled },
	migration.OldMissing:   func(s *migration.Snapshot, _ *migration.Terms) { s.Old = nil },
}

// every is one policy for every kind.
func every(p migration.Policy) migration.DriftPolicy {
	return migration.DriftPolicy{
		AudienceAdded: p, AudienceRemoved: p, AudienceMissing: p, AudienceExtra: p, AudienceChanged: p, Mapping: p, Advertiser: p, Name: p, State: p, OldGone: p,
	}
}

func driftedPlan(t *testing.T, kind migration.DriftKind, terms migration.Terms) migration.Pair {
	t.Helper()
	s := onePair()
	drifted[kind](&s, &terms)
	plan := migration.MakePlan(s, baseOf(onePair()), terms)
	require.Len(t, plan.Pairs, 1, kind)
	require.Len(t, plan.Pairs[0].Drift, 1, kind)
	require.Equal(t, kind, plan.Pairs[0].Drift[0].Kind)
	return plan.Pairs[0]
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	c := migration.Audience{ID: "c", Name: "Audience c"}
	b := migration.Audience{ID: "b", Name: "Audience b"}
	carried := map[migration.DriftKind][]migration.Carry{
		migration.AudienceAdded: {{Audience: c}}, migration.AudienceRemoved: {{Audience: b, Remove: true}}, migration.AudienceMissing: {{Audience: b}},
	}
	for kind := range drifted {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			for _, policy := range []migration.Policy{migration.Ask, migration.Block, ""} {
				pair := driftedPlan(t, kind, migration.Terms{Order: migration.EnableFirst, Drift: every(policy)})
				require.Equal(t, string(kind)+": "+pair.Drift[0].Item, pair.Hold, "%q", policy)
				require.Empty(t, pair.Carry)
				require.Empty(t, pair.Toggles(migration.EnableFirst), "nothing is done to what is held")
				if policy != "" {
					require.Equal(t, policy, pair.Drift[0].Policy)
				}
			}
			ignored := driftedPlan(t, kind, migration.Terms{Drift: every(migration.Ignore)})
			require.Empty(t, ignored.Hold)
			require.Empty(t, ignored.Carry)
			require.Equal(t, migration.Ignore, ignored.Drift[0].Policy, "noted all the same")
			state := kind == migration.StateChanged || kind == migration.OldMissing
			require.Equal(t, map[bool]migration.Action{false: migration.Switch, true: migration.Leave}[state], ignored.Action)
			if !kind.CanCarry() {
				return
			}
			pair := driftedPlan(t, kind, migration.Terms{Drift: every(migration.CarryOver)})
			require.Empty(t, pair.Hold)
			require.Equal(t, carried[kind], pair.Carry)
			require.True(t, pair.Moves())
			require.Equal(t, map[bool]migration.Action{false: migration.Switch, true: migration.Revive}[state], pair.Action)
		})
	}
}

// An answer settles the list of differences it was given about, as far as the playbook lets a person decide.
func TestSettlements(t *testing.T) {
	t.Parallel()
	for kind := range drifted {
		ask := migration.Terms{Drift: every(migration.Ask)}
		asked := driftedPlan(t, kind, ask)
		for _, answer := range []migration.Answer{migration.AnswerAccept, migration.AnswerCarry} {
			ask.Settled = map[string]migration.Settlement{"o1": asked.Settle(answer)}
			policy := migration.Ignore
			if answer == migration.AnswerCarry && kind.CanCarry() {
				policy = migration.CarryOver
			}
			settled := driftedPlan(t, kind, ask)
			require.Equal(t, driftedPlan(t, kind, migration.Terms{Drift: every(policy)}), settled, "%s of %s is as if the playbook said %s", answer, kind, policy)
			require.Equal(t, asked.Settle(answer), settled.Settle(answer), "the answer is to the same list afterwards")
			blocked := driftedPlan(t, kind, migration.Terms{Drift: every(migration.Block), Settled: ask.Settled})
			require.NotEmpty(t, blocked.Hold, "no answer opens what the playbook blocks")
		}
	}
	s := onePair()
	s.Old[0].Audiences = audiences("a", "b", "c")
	answer := makePlan(s, pinterest(), nil).Pairs[0].Settle(migration.AnswerAccept)
	terms := migration.Terms{Settled: map[string]migration.Settlement{"o1": answer}}
	require.Empty(t, planFrom(s, nil, pinterest(), terms).Pairs[0].Hold)
	s.Old[0].Audiences = audiences("a", "b", "c", "d")
	require.Contains(t, planFrom(s, nil, pinterest(), terms).Pairs[0].Hold, "Audience c", "another list is asked again, all of it")
}

func TestDifferencesAreBounded(t *testing.T) {
	t.Parallel()
	many := func(n int) []migration.Audience {
		list := make([]migration.Audience, n)
		for i := range list {
			list[i] = migration.Audience{ID: fmt.Sprintf("x%04d", i)}
		}
		return list
	}
	carry := migration.Terms{Drift: every(migration.CarryOver)}
	plan := func(n int, terms migration.Terms) migration.Pair {
		s := onePair()
		s.Old[0].Audiences = many(n)
		s.New[0].Audiences = nil
		return migration.MakePlan(s, baseOf(s), terms).Pairs[0]
	}
	hundred := plan(100, carry)
	require.Empty(t, hundred.Hold)
	require.Len(t, hundred.Carry, 100)
	more := plan(101, carry)
	require.Len(t, more.Drift, 101)
	require.Equal(t, "and 1 more difference: too many to carry over at once", more.Drift[100].Item)
	require.Equal(t, "audience missing on the copy: and 1 more difference: too many to carry over at once", more.Hold)
	require.Contains(t, plan(1000, carry).Hold, "and 900 more differences")
	answered := carry
	answered.Settled = map[string]migration.Settlement{"o1": more.Settle(migration.AnswerAccept)}
	require.NotEmpty(t, plan(101, answered).Hold, "what was not shown cannot be agreed to")

	ignored := plan(1000, migration.Terms{Drift: every(migration.Ignore)})
	require.Empty(t, ignored.Hold, "what is ignored holds nothing, however much it is")
	require.Equal(t, migration.Switch, ignored.Action)
	require.Len(t, ignored.Drift, 101)
	require.Equal(t, migration.Drift{Kind: migration.AudienceMissing, Item: "and 900 more differences", Policy: migration.Ignore}, seen(ignored.Drift)[100])
	mixed := onePair()
	mixed.Old[0].Audiences, mixed.New[0].Audiences, mixed.New[0].Mappings.Fields = nil, many(150), nil
	pair := planFrom(mixed, baseOf(mixed), pinterest(), migration.Terms{}).Pairs[0]
	require.Equal(t, "mapping differs: missing on the copy: email > pinterest_email", pair.Hold, "what matters is seen among many that do not")

	off := onePair()
	off.Old[0].Audiences, off.Old[0].State = many(1000), migration.Disabled
	left := migration.MakePlan(off, baseOf(off), carry).Pairs[0]
	require.Equal(t, migration.Leave, left.Action)
	require.Empty(t, left.Hold, "content does not matter to what stays off")
	require.LessOrEqual(t, len(left.Drift), 101)

	whole := migration.Snapshot{TakenAt: assessed}
	for i := range 30 {
		whole.Old = append(whole.Old, with(old(fmt.Sprintf("o%02d", i), fmt.Sprint("D", i)), func(d *migration.Dataflow) { d.Audiences = many(50) }))
		whole.New = append(whole.New, with(copied(fmt.Sprintf("n%02d", i), fmt.Sprint("D", i)), func(d *migration.Dataflow) { d.Audiences = nil }))
	}
	total, held := 0, 0
	for _, pair := range migration.MakePlan(whole, baseOf(whole), carry).Pairs {
		total += len(pair.Drift) + len(pair.Carry)
		if pair.Hold != "" {
			held++
			require.Contains(t, pair.Hold, "too many differences in one organization")
		}
	}
	require.Equal(t, 2000, total)
	require.Equal(t, 10, held, "the others go on")
	for i := range whole.Old {
		whole.Old[i].Audiences = many(100)
	}
	total = 0
	for _, pair := range migration.MakePlan(whole, baseOf(whole), migration.Terms{Drift: every(migration.Ignore)}).Pairs {
		require.Empty(t, pair.Hold)
		total += len(pair.Drift)
	}
	require.LessOrEqual(t, total, 2000, "differences that are ignored give way")
}

// What would be carried over is written first, and the copy is not enabled before it is complete.
func TestTogglesWithCarry(t *testing.T) {
	t.Parallel()
	carry := []migration.Carry{{Audience: migration.Audience{ID: "c", Name: "Buyers"}}, {Audience: migration.Audience{ID: "b"}, Remove: true}}
	ops := func(action migration.Action, order migration.Order, changes []migration.Carry) (list []string) {
		for _, toggle := range (migration.Pair{Name: "Shoppers", Old: "o1", New: "n1", Action: action, Carry: changes}).Toggles(order) {
			require.Equal(t, "Shoppers", toggle.Pair)
			list = append(list, toggle.Op+" "+toggle.Dataflow+" "+toggle.Card)
		}
		return list
	}
	add, remove := `add audience "Buyers" (c) n1 new`, "remove audience b n1 new"
	enable, disable := "enable n1 new", "disable o1 old"
	require.Equal(t, []string{add, remove, enable, disable}, ops(migration.Switch, migration.EnableFirst, carry))
	require.Equal(t, []string{add, remove, disable, enable}, ops(migration.Switch, migration.DisableFirst, carry))
	require.Equal(t, []string{add, remove, disable}, ops(migration.Finish, migration.EnableFirst, carry))
	require.Equal(t, []string{add, remove}, ops(migration.Already, migration.EnableFirst, carry))
	require.Equal(t, []string{add, remove, enable}, ops(migration.Revive, migration.DisableFirst, carry))
	require.Equal(t, []string{enable}, ops(migration.Revive, migration.EnableFirst, nil))
}

func TestMoves(t *testing.T) {
	t.Parallel()
	for action, moves := range map[migration.Action]bool{migration.Switch: true, migration.Finish: true, migration.Revive: true, migration.Already: false, migration.Leave: false} {
		require.Equal(t, moves, migration.Pair{Action: action}.Moves(), action)
	}
	require.True(t, migration.Pair{Action: migration.Already, Carry: []migration.Carry{{}}}.Moves())
}

func TestGoneOldDataflows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, copied migration.DataflowState
		late          bool
		want          migration.Action
		hold          string
	}{
		"deleted before the shutdown":            {migration.Enabled, migration.Disabled, false, migration.Revive, "old dataflow not listed: seen at 2023-11-20T10:00:00Z; it was deleted, or an access label hides it"},
		"deleted, the copy runs":                 {migration.Enabled, migration.Enabled, false, migration.Already, ""},
		"taken away by the shutdown":             {migration.Enabled, migration.Disabled, true, migration.Revive, ""},
		"taken away by the shutdown, copy runs":  {migration.Enabled, migration.Enabled, true, migration.Already, ""},
		"in between two states when it was seen": {"enabling", migration.Disabled, true, migration.Revive, ""},
		"the copy is between two states":         {migration.Enabled, "enabling", true, migration.Already, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, now := onePair(), onePair()
			first.Old[0].State = c.first
			now.Old, now.New[0].State = nil, c.copied
			pair := planFrom(now, baseOf(first), pinterest(), migration.Terms{Late: c.late}).Pairs[0]
			require.Equal(t, c.want, pair.Action)
			require.Equal(t, c.hold, pair.Hold)
			require.Equal(t, "o1", pair.Old)
			require.Equal(t, migration.Fingerprint(migration.Dataflow{}, now.New[0]), pair.Fingerprint, "only the copy can be relied on")
		})
	}
	t.Run("what was off and is gone needs nothing", func(t *testing.T) {
		t.Parallel()
		first, now := onePair(), onePair()
		first.Old[0].State, now.Old = migration.Disabled, nil
		require.Empty(t, makePlanWith(now, baseOf(first)).Pairs)
		require.Empty(t, makePlanWith(now, baseOf(first)).Questions)
	})
	t.Run("its content is compared as it was first seen", func(t *testing.T) {
		t.Parallel()
		first, now := onePair(), onePair()
		now.Old, now.New[0].Audiences = nil, audiences("a")
		pair := planFrom(now, baseOf(first), pinterest(), migration.Terms{Late: true}).Pairs[0]
		require.Contains(t, pair.Hold, `audience missing on the copy: "Audience b" (b)`)
	})
	t.Run("nobody knows of it without a base", func(t *testing.T) {
		t.Parallel()
		now := onePair()
		now.Old = nil
		require.Empty(t, makePlanWith(now, nil).Pairs)
	})
}

func makePlanWith(s migration.Snapshot, base *migration.Base) migration.Plan {
	return planFrom(s, base, pinterest(), migration.Terms{})
}

func TestLatePlans(t *testing.T) {
	t.Parallel()
	s := onePair()
	base := baseOf(onePair())
	last := shutdown.Add(-day)
	base.Baselines = map[string]migration.Baseline{"o1": {Runs: 1, Last: last}}
	disableFirst := with(pinterest(), func(p *migration.Playbook) { p.CutOver.Order = migration.DisableFirst })
	plan := planFrom(s, base, disableFirst, migration.Terms{Late: true})
	pair := plan.Pairs[0]
	require.True(t, pair.Late)
	require.Equal(t, migration.EnableFirst, plan.Order, "the copy does not wait for an old side that refuses")
	require.Equal(t, migration.Switch, pair.Action)
	require.Equal(t, last, pair.Delivered)
	require.Equal(t, migration.Fingerprint(migration.Dataflow{}, s.New[0]), pair.Fingerprint)
	edited := onePair()
	edited.Old[0].Target = "another"
	require.Equal(t, plan.Hash, planFrom(edited, base, disableFirst, migration.Terms{Late: true}).Hash, "nothing of the old side is relied on")
	require.Zero(t, planFrom(s, base, pinterest(), migration.Terms{}).Pairs[0].Delivered)
	require.NotEqual(t, plan.Hash, planFrom(s, base, disableFirst, migration.Terms{}).Hash)

	off := onePair()
	off.Old[0].State = migration.Disabled
	require.Contains(t, planFrom(off, base, pinterest(), migration.Terms{Late: true}).Pairs[0].Hold, "enabled at first and is disabled now")
}

func TestTerms(t *testing.T) {
	t.Parallel()
	s, p := planned(twoPairs(), pinterest()), pinterest()
	p.Rollback.NoWayBack = migration.Ignore
	require.Equal(t, migration.Terms{Order: migration.EnableFirst, Drift: p.Drift, NoWayBack: migration.Ignore, Waiting: []string{"o1", "o2"}}, s.Terms(p, shutdown.Add(-1)))
	require.True(t, s.Terms(p, shutdown).Late)
	s.SwitchedOver("o2", migration.Moved{Enabled: look}, p, look)
	terms := s.Terms(p, look)
	require.Equal(t, []string{"o2"}, terms.Switched)
	require.Equal(t, map[string]string{"o2": "n2"}, terms.Choices, "what was switched together stays together")
	require.Empty(t, s.Choices, "nobody chose that")
	s.Choices = map[string]string{"o2": migration.LeaveOut}
	require.Equal(t, s.Choices, s.Terms(p, look).Choices, "a person's answer wins")
}

func TestWayBack(t *testing.T) {
	t.Parallel()
	failing := migration.Drift{Kind: migration.NoWayBack, Item: "Adobe's test of account v4 of the old dataflow fails"}
	ended := migration.Drift{Kind: migration.NoWayBack, Item: "the sign-in of account v4 of the old dataflow ended at 2023-11-20T10:00:00Z"}
	disabled := migration.Drift{Kind: migration.NoWayBack, Item: "account v4 of the old dataflow is disabled"}
	for name, c := range map[string]struct {
		change func(*migration.Snapshot)
		want   []migration.Drift
	}{
		"nothing speaks against it":   {func(*migration.Snapshot) {}, nil},
		"its account is not listed":   {func(s *migration.Snapshot) { s.OldAccounts = nil }, nil},
		"another account is disabled": {func(s *migration.Snapshot) { s.OldAccounts[0].ID, s.OldAccounts[0].State = "v4-2", migration.Disabled }, nil},
		"its account is disabled":     {func(s *migration.Snapshot) { s.OldAccounts[0].State = migration.Disabled }, []migration.Drift{disabled}},
		"Adobe's test of it fails":    {func(s *migration.Snapshot) { s.OldAccounts[0].Failing = true }, []migration.Drift{failing}},
		"its sign-in ends later":      {func(s *migration.Snapshot) { s.OldAccounts[0].ExpiresAt = assessed.Add(1) }, nil},
		"its sign-in has ended":       {func(s *migration.Snapshot) { s.OldAccounts[0].ExpiresAt = assessed }, []migration.Drift{ended}},
		"both run":                    {func(s *migration.Snapshot) { s.OldAccounts[0].ExpiresAt, s.New[0].State = assessed, migration.Enabled }, []migration.Drift{ended}},
		"it is switched off already":  {func(s *migration.Snapshot) { s.OldAccounts[0].ExpiresAt, s.Old[0].State = assessed, migration.Disabled }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onePair()
			s.OldAccounts = []migration.Account{{ID: "v4", State: migration.Enabled}}
			c.change(&s)
			require.Equal(t, c.want, seen(with(makePlanWith(s, nil).Pairs[0], func(p *migration.Pair) {
				for i := range p.Drift {
					require.Equal(t, migration.Ask, p.Drift[i].Policy)
					p.Drift[i].Policy = ""
				}
			}).Drift))
			require.Equal(t, c.want == nil, makePlanWith(s, nil).Pairs[0].Hold == "")
			p := pinterest()
			p.Rollback.NoWayBack = migration.Ignore
			require.Empty(t, planFrom(s, nil, p, migration.Terms{}).Pairs[0].Hold)
			require.Empty(t, planFrom(s, nil, pinterest(), migration.Terms{Late: true}).Pairs[0].Drift, "late there is no way back anyway")
		})
	}
}

// What people switch is told from what this migration switched.
func TestStateChanges(t *testing.T) {
	t.Parallel()
	const on, off = migration.Enabled, migration.Disabled
	for name, c := range map[string]struct {
		first, old, copied migration.DataflowState
		done               bool
		item               string
		carried, ignored   migration.Action
	}{
		"untouched":                          {on, on, off, false, "", migration.Switch, migration.Switch},
		"the copy was enabled":               {on, on, on, false, "", migration.Finish, migration.Finish},
		"it was off from the start":          {off, off, off, false, "", migration.Leave, migration.Leave},
		"the old one was disabled":           {on, off, off, false, "the old dataflow was enabled at first and is disabled now: neither runs", migration.Revive, migration.Leave},
		"somebody switched it":               {on, off, on, false, "", migration.Already, migration.Already},
		"done":                               {on, off, on, true, "", migration.Already, migration.Already},
		"done, the old one enabled again":    {on, on, on, true, "the old dataflow was enabled again: both run", migration.Finish, migration.Leave},
		"done, and switched back":            {on, on, off, true, "the old dataflow was enabled again and its copy disabled", migration.Switch, migration.Leave},
		"done, the copy disabled":            {on, off, off, true, "the copy was disabled: neither runs", migration.Revive, migration.Leave},
		"done, the copy between two states":  {on, off, "disabling", true, "", migration.Already, migration.Already},
		"done, the old one is being enabled": {on, "enabling", on, true, "the old dataflow was enabled again: both run", migration.Finish, migration.Leave},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, now := onePair(), onePair()
			first.Old[0].State, now.Old[0].State, now.New[0].State = c.first, c.old, c.copied
			plan := func(policy migration.Policy) migration.Pair {
				terms := migration.Terms{Drift: every(policy)}
				if c.done {
					terms.Switched = []string{"o1"}
				}
				return migration.MakePlan(now, baseOf(first), terms).Pairs[0]
			}
			require.Equal(t, c.carried, plan(migration.CarryOver).Action)
			require.Equal(t, c.ignored, plan(migration.Ignore).Action)
			if c.item == "" {
				require.Empty(t, plan(migration.Ask).Drift)
				return
			}
			require.Equal(t, "switched by somebody: "+c.item, plan(migration.Ask).Hold)
			require.Empty(t, plan(migration.CarryOver).Hold)
		})
	}
}

// A copy that somebody's word revives goes live, so everything else about it counts then.
func TestARevivalIsComparedToo(t *testing.T) {
	t.Parallel()
	first, now := onePair(), onePair()
	now.Old[0].State, now.New[0].Advertiser, now.Old[0].Audiences = migration.Disabled, "777", audiences("a", "b", "c")
	plan := func(p migration.DriftPolicy, settled map[string]migration.Settlement) migration.Pair {
		return migration.MakePlan(now, baseOf(first), migration.Terms{Drift: p, Choices: map[string]string{"o1": "n1"}, Settled: settled}).Pairs[0]
	}
	policy := every(migration.CarryOver)
	policy.Advertiser = migration.Block
	revived := plan(policy, nil)
	require.Equal(t, migration.Revive, revived.Action)
	require.Equal(t, "another advertiser: 549 is now 777", revived.Hold)
	policy.Advertiser = migration.Ignore
	revived = plan(policy, nil)
	require.Empty(t, revived.Hold)
	require.Equal(t, []migration.Carry{{Audience: audiences("c")[0]}}, revived.Carry)

	policy.Advertiser, policy.State = migration.Ask, migration.Ask
	asked := plan(policy, nil)
	require.Contains(t, asked.Hold, "another advertiser")
	require.Contains(t, asked.Hold, "switched by somebody")
	accepted := plan(policy, map[string]migration.Settlement{"o1": asked.Settle(migration.AnswerAccept)})
	require.Equal(t, migration.Leave, accepted.Action)
	require.Empty(t, accepted.Hold)
	require.Empty(t, accepted.Carry, "what stays off needs nothing")
	policy.State = migration.Ignore
	require.Empty(t, plan(policy, nil).Hold)
}

// However many of the changes were made when an attempt died, the copy is known for what the plan relied on, and what is left to do is known too.
func TestUndoKnowsEveryHalfDoneCarry(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		was := copied("n1", "Shoppers")
		was.Audiences = audiences(rapid.SliceOfNDistinct(name, 0, 5, rapid.ID).Draw(t, "audiences")...)
		var changes []migration.Carry
		for _, id := range rapid.SliceOfNDistinct(name, 0, 5, rapid.ID).Draw(t, "changed") {
			changes = append(changes, migration.Carry{Audience: migration.Audience{ID: id}, Remove: slices.ContainsFunc(was.Audiences, func(a migration.Audience) bool { return a.ID == id })})
		}
		done := shuffled(t, changes)[:rapid.IntRange(0, len(changes)).Draw(t, "done")]
		is := was
		is.Audiences = follow(was.Audiences, done)
		before := slices.Clone(is.Audiences)

		fingerprint := func(d migration.Dataflow) string { return migration.Fingerprint(old("o1", "Shoppers"), d) }
		require.Equal(t, fingerprint(was), fingerprint(migration.Undo(is, changes)))
		require.Equal(t, before, is.Audiences, "the reading itself stays")
		left := migration.Outstanding(is, changes)
		require.Len(t, left, len(changes)-len(done))
		for _, c := range left {
			require.NotContains(t, done, c)
		}
		is.Audiences = follow(is.Audiences, left)
		require.Empty(t, migration.Outstanding(is, changes))
		require.Equal(t, fingerprint(was), fingerprint(migration.Undo(is, changes)))
		if len(changes) > 0 {
			require.NotEqual(t, fingerprint(was), fingerprint(is), "what was carried shows")
		}
		stranger := is
		stranger.Audiences = append(slices.Clone(is.Audiences), migration.Audience{ID: "somebody else's"})
		require.NotEqual(t, fingerprint(was), fingerprint(migration.Undo(stranger, changes)), "what somebody else changed shows")
	})
}
