package migration_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// begun is the first case after its first look: affected, nobody told yet.
func begun(s migration.Snapshot, p migration.Playbook) *migration.State {
	state := &migration.State{Phase: migration.Assessing, Since: s.TakenAt, Milestone: s.TakenAt}
	state.Begin(assess(s, p), p)
	return state
}

// signedIn verifies an account.
func signedIn(s *migration.State, id string, when time.Time) {
	s.Learn(s.Account(id).Account, migration.Verdict{Verified: true, Reason: "authorized", LeaseEnd: when.Add(30 * day)}, when)
}

// planned is told, signed in and has a plan.
func planned(s migration.Snapshot, p migration.Playbook) *migration.State {
	state := begun(s, p)
	state.Told = true
	for _, account := range state.Pending() {
		signedIn(state, account.ID, s.TakenAt)
	}
	state.Follow(makePlan(s, p, nil), p)
	return state
}

func TestBegin(t *testing.T) {
	t.Parallel()
	t.Run("waits for a sign-in", func(t *testing.T) {
		t.Parallel()
		s := begun(twoPairs(), pinterest())
		require.True(t, s.Assessed)
		require.Len(t, s.Accounts, 1)
		require.Equal(t, migration.AccountState{Account: used("v5"), Since: assessed}, s.Accounts[0])
		require.Len(t, s.Pending(), 1)
		require.False(t, s.Replan, "there is nothing to plan yet")
	})
	t.Run("knows a sign-in that was made before", func(t *testing.T) {
		t.Parallel()
		look := twoPairs()
		look.Accounts[0].AuthorizedOn = at("2023-11-19T00:00:00Z")
		s := begun(look, pinterest())
		require.True(t, s.Accounts[0].Verified)
		require.Equal(t, assessed, s.Accounts[0].VerifiedAt)
		require.Equal(t, at("2023-12-19T00:00:00Z"), s.Accounts[0].LeaseEnd)
		require.Contains(t, s.Accounts[0].Note, "2023-11-19")
		require.Empty(t, s.Pending())
		require.True(t, s.Replan)
	})
	t.Run("plans when a copy runs already", func(t *testing.T) {
		t.Parallel()
		look := twoPairs()
		look.New[0].State = migration.Enabled
		require.True(t, begun(look, pinterest()).Replan)
	})
	t.Run("needs nobody where no sign-in is needed", func(t *testing.T) {
		t.Parallel()
		p := pinterest()
		p.Reauthentication.Needed = false
		s := begun(twoPairs(), p)
		require.Empty(t, s.Pending())
		require.True(t, s.Replan)
		require.Zero(t, s.NextLease(p), "what needs no sign-in does not end")
	})
	t.Run("plans when there is no account at all, so that somebody is asked", func(t *testing.T) {
		t.Parallel()
		look := twoPairs()
		look.New, look.Accounts = nil, nil
		require.True(t, begun(look, pinterest()).Replan)
	})
	t.Run("keeps how accounts were first seen at a second look", func(t *testing.T) {
		t.Parallel()
		s := begun(twoPairs(), pinterest())
		again := twoPairs()
		again.TakenAt = look
		again.Accounts[0].Etag = `"2"`
		again.New[1].Account = "unused"
		s.Begin(assess(again, pinterest()), pinterest())
		require.Equal(t, look, s.Assessment.At)
		require.Len(t, s.Accounts, 2)
		require.Equal(t, migration.AccountState{Account: used("v5"), Since: assessed}, s.Accounts[0], "a sign-in since then must show")
		require.Equal(t, look, s.Account("unused").Since)
	})
}

func TestLearn(t *testing.T) {
	t.Parallel()
	good := migration.Verdict{Verified: true, Reason: "authorized on 2023-11-24", LeaseEnd: look.Add(29 * day)}
	now := with(account("v5"), func(a *migration.Account) { a.Etag, a.AuthorizedOn = `"2"`, at("2023-11-24T00:00:00Z") })

	s := begun(twoPairs(), pinterest())
	s.Account("v5").ClaimedBy = "operator"
	require.False(t, s.Learn(now, migration.Verdict{Reason: "not yet"}, look))
	require.Equal(t, "not yet", s.Account("v5").Note)
	require.Empty(t, s.Account("v5").ClaimedBy, "the word is answered")
	require.False(t, s.Account("v5").Verified)
	require.False(t, s.Replan)
	require.Equal(t, account("v5").AuthorizedOn, s.Account("v5").AuthorizedOn, "what is no sign-in stays the base")

	require.True(t, s.Learn(now, good, look))
	got := s.Account("v5")
	require.Equal(t, []any{true, look, good.LeaseEnd, good.Reason}, []any{got.Verified, got.VerifiedAt, got.LeaseEnd, got.Note})
	require.True(t, s.Replan)

	s.Replan = false
	require.False(t, s.Learn(now, good, look.Add(day)), "it was known")
	require.Equal(t, look, s.Account("v5").VerifiedAt)
	require.False(t, s.Learn(account("other"), good, look), "nobody's account")
	require.False(t, s.Replan)
}

func TestLapse(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Lapse("v5", "Adobe refused it", look)
	got := s.Account("v5")
	require.False(t, got.Verified)
	require.Zero(t, got.VerifiedAt)
	require.Zero(t, got.LeaseEnd)
	require.Equal(t, look, got.Since)
	require.Equal(t, "Adobe refused it", got.Note)
	require.Empty(t, s.Due(pinterest()))
	s.Lapse("nobody's", "why", look)
	require.Len(t, s.Accounts, 1)
}

func TestLeases(t *testing.T) {
	t.Parallel()
	end := assessed.Add(30 * day)
	for name, c := range map[string]struct {
		progress migration.Progress
		now      time.Time
		lapses   bool
	}{
		"one second before":          {migration.Ready, end.Add(-time.Second), false},
		"at its end":                 {migration.Ready, end, true},
		"one second after":           {migration.Ready, end.Add(time.Second), true},
		"while a pair is held":       {migration.Held, end, true},
		"when all are switched":      {migration.Switched, end, false},
		"when all are verified":      {migration.Verified, end.Add(day), false},
		"when all stay switched off": {migration.LeftOff, end, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := planned(twoPairs(), pinterest())
			for i := range s.Pairs {
				s.Pairs[i].Progress = c.progress
			}
			open := c.progress == migration.Ready || c.progress == migration.Held
			require.Equal(t, open, s.NextLease(pinterest()).Equal(end), "a lease matters while work depends on it")
			lapsed := s.LapseEnded(pinterest(), c.now)
			if !c.lapses {
				require.Empty(t, lapsed)
				require.True(t, s.Accounts[0].Verified)
				return
			}
			require.Equal(t, []string{"v5"}, lapsed)
			require.False(t, s.Accounts[0].Verified)
			require.Contains(t, s.Accounts[0].Note, migration.Instant(end))
			require.Equal(t, c.now, s.Accounts[0].Since)
			require.Zero(t, s.NextLease(pinterest()))
			require.Empty(t, s.LapseEnded(pinterest(), c.now), "once")
		})
	}
}

func TestTheNextLeaseIsTheFirstToEnd(t *testing.T) {
	t.Parallel()
	s := migration.State{Accounts: []migration.AccountState{
		{Account: account("a"), Verified: true, LeaseEnd: at("2024-02-01T00:00:00Z")},
		{Account: account("b"), Verified: true, LeaseEnd: at("2024-01-01T00:00:00Z")},
		{Account: account("c"), Verified: true},
		{Account: account("d"), LeaseEnd: at("2023-01-01T00:00:00Z")},
	}}
	require.Equal(t, at("2024-01-01T00:00:00Z"), s.NextLease(pinterest()), "without a plan all of them matter")
	require.Equal(t, []string{"b"}, s.LapseEnded(pinterest(), at("2024-01-15T00:00:00Z")), "other accounts go on")
}

func TestFollow(t *testing.T) {
	t.Parallel()
	t.Run("puts each pair where its action says", func(t *testing.T) {
		t.Parallel()
		look := migration.Snapshot{TakenAt: assessed, Accounts: []migration.Account{account("v5")}}
		for i, states := range [][2]migration.DataflowState{{migration.Enabled, migration.Disabled}, {migration.Enabled, migration.Enabled}, {migration.Disabled, migration.Enabled}, {migration.Disabled, migration.Disabled}, {migration.Enabled, migration.Disabled}} {
			name := string(rune('A' + i))
			look.Old = append(look.Old, with(old("o"+name, name), func(d *migration.Dataflow) { d.State = states[0] }))
			look.New = append(look.New, with(copied("n"+name, name), func(d *migration.Dataflow) { d.State = states[1] }))
		}
		look.Old[4].Audiences = audiences("a", "b", "c")
		s := planned(look, pinterest())
		var got []migration.Progress
		for _, pair := range s.Pairs {
			got = append(got, pair.Progress)
		}
		require.Equal(t, []migration.Progress{migration.Ready, migration.Ready, migration.Switched, migration.LeftOff, migration.Held}, got)
		require.Equal(t, assessed, s.Pairs[2].SwitchedAt)
		require.Contains(t, s.Pairs[4].Note, "Audience c")
		require.False(t, s.Replan)
		require.Equal(t, "nB", s.Pair("oB").New)
		require.Nil(t, s.Pair("nB"))
	})
	t.Run("keeps what was switched and verified", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		s.Pairs[0].Progress, s.Pairs[0].SwitchedAt, s.Pairs[0].Failing, s.Pairs[0].Note = migration.Switched, look, true, "it failed"
		s.Pairs[1].Progress, s.Pairs[1].SwitchedAt = migration.Verified, look.Add(time.Hour)
		was := append([]migration.PairState(nil), s.Pairs...)
		seen := twoPairs()
		for i := range seen.Old {
			seen.Old[i].State, seen.New[i].State = migration.Disabled, migration.Enabled
			seen.New[i].Audiences = audiences("a", "b", "x")
		}
		plan := makePlan(seen, pinterest(), nil)
		s.Follow(plan, pinterest())
		for i := range was {
			was[i].Pair = plan.Pairs[i]
		}
		require.Equal(t, was, s.Pairs, "and knows how the two sides look now")
	})
	t.Run("switches again what somebody switched back", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		s.Pairs[0].Progress, s.Pairs[0].SwitchedAt = migration.Switched, look
		s.Follow(makePlan(twoPairs(), pinterest(), nil), pinterest())
		require.Equal(t, migration.Ready, s.Pairs[0].Progress)
		require.Equal(t, []string{"o1"}, s.SwitchedPairs(), "that it was switched before is not forgotten")
	})
	t.Run("takes another copy as another pair", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		s.Pairs[0].Progress, s.Pairs[0].Stale = migration.Verified, 2
		s.Follow(makePlan(twoPairs(), pinterest(), map[string]string{"o1": "n2", "o2": "n1"}), pinterest())
		require.Equal(t, migration.Ready, s.Pairs[0].Progress)
		require.Zero(t, s.Pairs[0].Stale)
	})
	t.Run("releases a pair whose drift was settled", func(t *testing.T) {
		t.Parallel()
		seen := twoPairs()
		seen.Old[0].Audiences = audiences("a", "b", "c")
		s := planned(seen, pinterest())
		require.Equal(t, migration.Held, s.Pairs[0].Progress)
		s.Follow(makePlan(seen, pinterest(), nil), pinterest())
		require.Equal(t, migration.Held, s.Pairs[0].Progress)
		seen.New[0].Audiences = seen.Old[0].Audiences
		s.Follow(makePlan(seen, pinterest(), nil), pinterest())
		require.Equal(t, migration.Ready, s.Pairs[0].Progress)
		require.Empty(t, s.Pairs[0].Note)
	})
	t.Run("keeps what a person must look at, whatever else is planned", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "the vendor refused: 403"
		s.Follow(makePlan(twoPairs(), pinterest(), nil), pinterest())
		require.Equal(t, migration.Held, s.Pairs[0].Progress)
		require.Equal(t, "the vendor refused: 403", s.Pairs[0].Note)
		s.Resume("")
		s.Follow(makePlan(twoPairs(), pinterest(), nil), pinterest())
		require.Equal(t, migration.Ready, s.Pairs[0].Progress, "a person acted")
	})
	t.Run("does not leave off what the switch itself disabled", func(t *testing.T) {
		t.Parallel()
		p := pinterest()
		p.CutOver.Order = migration.DisableFirst
		s := planned(twoPairs(), p)
		s.Begins("o1")
		half := twoPairs()
		half.Old[0].State = migration.Disabled // and then enabling the copy failed
		s.Follow(makePlan(half, p, nil), p)
		require.NotEqual(t, migration.LeftOff, s.Pairs[0].Progress)
		require.Equal(t, migration.WriteEnable, migration.NextWrite(migration.DisableFirst, half.Old[0].State, half.New[0].State, false))
		s.Follow(makePlan(half, p, nil), p)
		require.NotEqual(t, migration.LeftOff, s.Pairs[0].Progress, "nor when it is planned once more")
	})
	t.Run("leaves off what the organization switched off", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		off := twoPairs()
		off.Old[0].State = migration.Disabled
		s.Follow(makePlan(off, pinterest(), nil), pinterest())
		require.Equal(t, migration.LeftOff, s.Pairs[0].Progress)
	})
	t.Run("meets accounts it did not know", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		seen := twoPairs()
		seen.New[1].Account = "unused"
		seen.TakenAt = look
		s.Follow(makePlan(seen, pinterest(), nil), pinterest())
		require.NotNil(t, s.Account("unused"))
		require.False(t, s.Account("unused").Verified)
		require.Equal(t, look, s.Account("unused").Since)
		require.Len(t, s.Due(pinterest()), 1, "only the pair whose account is verified")
	})
	t.Run("counts changes in a row", func(t *testing.T) {
		t.Parallel()
		s := planned(twoPairs(), pinterest())
		for i := range 2 {
			s.PlanBroke(s.Pair("o1"), "the copy n1 changed")
			require.True(t, s.Replan)
			require.Equal(t, i+1, s.Pair("o1").Stale)
			s.Follow(makePlan(twoPairs(), pinterest(), nil), pinterest())
			require.Equal(t, migration.Ready, s.Pair("o1").Progress)
		}
		s.PlanBroke(s.Pair("o1"), "the copy n1 changed")
		require.False(t, s.Replan, "a person is asked instead")
		require.Equal(t, migration.Held, s.Pair("o1").Progress)
		require.Equal(t, "the copy n1 changed; it changed under 3 plans in a row", s.Pair("o1").Note)
		require.Zero(t, s.Pair("o1").Stale)
		require.Equal(t, migration.Ready, s.Pair("o2").Progress)
	})
}

func TestResume(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Paused = &migration.Deed{At: look, By: "operator", What: "a freeze"}
	s.Raise(migration.Problem{What: "one", Holds: true})
	s.Raise(migration.Problem{What: "two", Holds: true})
	s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
	s.Pairs[1].Progress = migration.Verified
	s.Resume("")
	require.Nil(t, s.Paused)
	require.Nil(t, s.Holding())
	require.Len(t, s.Problems, 2, "what happened stays on record")
	require.Equal(t, migration.Ready, s.Pairs[0].Progress)
	require.Empty(t, s.Pairs[0].Note)
	require.Equal(t, migration.Verified, s.Pairs[1].Progress)
	require.True(t, s.Replan, "everything is looked at again")
}

// What a person rolled back by its name is tried again by its name, and releasing one pair releases nothing else.
func TestResumeOfOnePair(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	why := migration.Deed{At: s.now, By: "operator", What: "wrong"}
	s.RollBack("o1", why, s.p)
	s.SwitchedBack("o1", migration.Moved{Enabled: s.now, Disabled: s.now}, s.now)
	s.Pair("o2").Progress, s.Pair("o2").Note = migration.Held, "refused"
	require.Equal(t, "starter resume --by NAME --old o1 --org "+s.o.ID, s.Waits(s.o, s.p, s.now)[0].Command)
	require.Equal(t, "starter resume --by NAME --org "+s.o.ID, s.Waits(s.o, s.p, s.now)[1].Command)
	s.Resume("")
	require.Equal(t, migration.WentBack, s.Pair("o1").Progress, "it was meant to stay")
	require.Equal(t, migration.Ready, s.Pair("o2").Progress)

	s.pause()
	s.hold()
	s.Pair("o2").Progress, s.Replan = migration.Held, false
	require.NoError(t, s.RefuseResume("o1"))
	s.Resume("o1")
	require.Equal(t, migration.Ready, s.Pair("o1").Progress)
	require.Equal(t, migration.Held, s.Pair("o2").Progress)
	require.NotNil(t, s.Paused)
	require.NotNil(t, s.Holding())
	require.True(t, s.Replan)
	require.EqualError(t, s.RefuseResume("o1"), `dataflow "Shoppers" (o1) is not held or rolled back: it is ready`)
	require.EqualError(t, s.RefuseResume("n1"), `dataflow "n1" is not an old dataflow of this organization's plan; starter status lists them`)
	require.NoError(t, s.RefuseResume(""))

	all := switchedOver()
	all.RollBack("", why, all.p)
	all.SwitchedBack("o1", migration.Moved{Enabled: all.now}, all.now)
	all.Resume("")
	require.Equal(t, migration.Ready, all.Pair("o1").Progress, "what went back with all comes again with all")
	stays := switchedOver()
	stays.RollBack("o1", why, stays.p)
	stays.CannotGoBack("o1", "it would lose changes")
	require.False(t, stays.Pair("o1").Apart)
}

func TestResumeWithoutAPlan(t *testing.T) {
	t.Parallel()
	s := begun(twoPairs(), pinterest())
	s.Resume("")
	require.False(t, s.Replan, "nobody is signed in yet")
	signedIn(s, "v5", look)
	s.Raise(migration.Problem{At: look, What: "could not plan", Holds: true})
	s.Resume("")
	require.True(t, s.Replan, "the plan that failed is still wanted")
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	var s migration.State
	for i := range 270 {
		s.Record(migration.Deed{What: strconv.Itoa(i)})
		s.Raise(migration.Problem{What: strconv.Itoa(i)})
	}
	require.Len(t, s.Deeds, 200)
	require.Equal(t, "70", s.Deeds[0].What)
	require.Equal(t, "269", s.Deeds[199].What)
	require.Len(t, s.Problems, 20)
	require.Equal(t, "250", s.Problems[0].What)
	require.Equal(t, "269", s.Problems[19].What)
}

func TestAHoldOutlastsWhateverIsRaisedLater(t *testing.T) {
	t.Parallel()
	var s migration.State
	s.Raise(migration.Problem{What: "the hold", Holds: true})
	for i := range 100 {
		s.Raise(migration.Problem{What: strconv.Itoa(i)})
		require.NotNil(t, s.Holding(), "after %d more", i+1)
		require.LessOrEqual(t, len(s.Problems), 20)
	}
	require.Equal(t, "the hold", s.Holding().What)
	require.Equal(t, "99", s.Problems[19].What)
	for i := range 100 {
		s.Raise(migration.Problem{What: fmt.Sprint("hold ", i), Holds: true})
		require.LessOrEqual(t, len(s.Problems), 20)
	}
	require.Equal(t, "hold 99", s.Holding().What, "the newest")
}

func TestJudge(t *testing.T) {
	t.Parallel()
	switched := func() *migration.State {
		s := planned(twoPairs(), pinterest())
		s.Pairs[0].Progress, s.Pairs[0].SwitchedAt = migration.Switched, assessed
		s.Replan = false
		return s
	}
	t.Run("a run that failed", func(t *testing.T) {
		t.Parallel()
		s := switched()
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "the flow run failed"}, pinterest(), look)
		require.Equal(t, migration.Switched, s.Pairs[0].Progress)
		require.True(t, s.Pairs[0].Failing)
		require.Equal(t, "the flow run failed", s.Pairs[0].Note)
		require.True(t, s.AnyHeld())
	})
	t.Run("none in time", func(t *testing.T) {
		t.Parallel()
		s := switched()
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunPending, Reason: "none yet", Overdue: true}, pinterest(), look)
		require.Equal(t, migration.Switched, s.Pairs[0].Progress)
		require.True(t, s.Pairs[0].Overdue)
		require.True(t, s.AnyHeld())
	})
	t.Run("one that succeeded after all", func(t *testing.T) {
		t.Parallel()
		s := switched()
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "the flow run failed", Overdue: true}, pinterest(), look)
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunSucceeded}, pinterest(), look)
		require.Equal(t, migration.Verified, s.Pairs[0].Progress)
		require.False(t, s.Pairs[0].Failing)
		require.False(t, s.Pairs[0].Overdue)
		require.Empty(t, s.Pairs[0].Note)
		require.False(t, s.AnyHeld())
		require.False(t, s.Replan)
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "late"}, pinterest(), look)
		require.Equal(t, migration.Verified, s.Pairs[0].Progress, "an answer that comes too late")
		require.False(t, s.Pairs[0].Failing)
	})
	t.Run("a working copy proves its account", func(t *testing.T) {
		t.Parallel()
		s := switched()
		s.Lapse("v5", "it ended", look)
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunSucceeded}, pinterest(), look)
		require.True(t, s.Account("v5").Verified)
		require.Equal(t, look, s.Account("v5").VerifiedAt)
		require.Contains(t, s.Account("v5").Note, "n1")
		require.True(t, s.Replan)
	})
	t.Run("which lasts as long as a sign-in does, or as Adobe says", func(t *testing.T) {
		t.Parallel()
		for expires, want := range map[time.Time]time.Time{{}: look.Add(30 * day), look.Add(day): look.Add(day), look: {}} {
			s := switched()
			s.Lapse("v5", "it ended", assessed)
			s.Account("v5").ExpiresAt = expires
			s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunSucceeded}, pinterest(), look)
			require.Equal(t, want, s.Account("v5").LeaseEnd)
		}
	})
	t.Run("a person's word proves no account", func(t *testing.T) {
		t.Parallel()
		s := switched()
		s.Lapse("v5", "it ended", look)
		s.Settle("o1", migration.AnswerAccept, "operator", look)
		require.Equal(t, migration.Verified, s.Pairs[0].Progress)
		require.False(t, s.Account("v5").Verified)
	})
	t.Run("of a pair that is not switched, or of none", func(t *testing.T) {
		t.Parallel()
		s, was := switched(), switched()
		s.Judge(migration.RunVerdict{Dataflow: "n2", Status: migration.RunSucceeded}, pinterest(), look)
		s.Judge(migration.RunVerdict{Dataflow: "n9", Status: migration.RunFailed}, pinterest(), look)
		require.Equal(t, was, s)
	})
}

// What the operator was told is kept, so that only what is new is told again; a pause tells nobody.
func TestAttention(t *testing.T) {
	t.Parallel()
	s := ready()
	told, news := s.Attention(s.o, s.p, s.now)
	require.Empty(t, told)
	require.False(t, news)
	s.Paused = &migration.Deed{At: look.Add(time.Second), By: "operator", What: "a freeze"}
	_, news = s.Attention(s.o, s.p, s.now)
	require.False(t, news, "whoever paused knows")
	s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
	told, news = s.Attention(s.o, s.p, s.now)
	require.True(t, news)
	require.Len(t, told, 1)
	s.Attended = told
	again, news := s.Attention(s.o, s.p, s.now.Add(day))
	require.Equal(t, told, again)
	require.False(t, news)
	s.Pairs[1].Progress, s.Pairs[1].Note = migration.Held, "refused"
	told, news = s.Attention(s.o, s.p, s.now)
	require.True(t, news)
	require.Len(t, told, 2)
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	var s migration.State
	for i := range 150 {
		s.Delivered(migration.Notice{Kind: migration.NoticeReminder, Key: strconv.Itoa(i), To: []string{"a@acme.example"}}, look)
	}
	require.Len(t, s.Notices, 100)
	require.Equal(t, migration.Sent{At: look, Kind: migration.NoticeReminder, To: []string{"a@acme.example"}, Key: "149"}, s.Notices[99])
}

func TestEnter(t *testing.T) {
	t.Parallel()
	s := migration.State{Phase: migration.Assessing, Since: assessed}
	s.Enter(migration.Assessing, look)
	require.Equal(t, assessed, s.Since, "it is there already")
	s.Enter(migration.Planning, look)
	require.Equal(t, migration.Planning, s.Phase)
	require.Equal(t, look, s.Since)
}

func TestPhaseDone(t *testing.T) {
	t.Parallel()
	for _, phase := range []migration.Phase{migration.Migrated, migration.NotAffected, migration.RolledBack, migration.Cancelled} {
		require.True(t, phase.Done(), phase)
	}
	for _, phase := range []migration.Phase{"", migration.Assessing, migration.AwaitingReauth, migration.Planning, migration.AwaitingApproval, migration.CuttingOver, migration.Verifying, migration.Watching, migration.NeedsAttention} {
		require.False(t, phase.Done(), phase)
	}
}

// A state goes through continue-as-new as JSON, so nothing of it may be lost there: every field, those that come later too.
func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	moment := rapid.Map(rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "never") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "second"), rapid.Int64Range(0, 999999999).Draw(t, "nanosecond")).UTC()
	}), func(t time.Time) any { return t })
	states := rapid.MakeCustom[migration.State](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[time.Time](): moment}})
	rapid.Check(t, func(t *rapid.T) {
		s := states.Draw(t, "state")
		emptyToNil(reflect.ValueOf(&s))
		data, err := json.Marshal(s)
		require.NoError(t, err)
		var back migration.State
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, s, back)
	})
}

// emptyToNil makes every empty list and map under v nil: JSON leaves them out, and to the state they are the same.
func emptyToNil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			emptyToNil(v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				emptyToNil(field)
			}
		}
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 && v.CanSet() {
			v.SetZero()
		}
		if v.Kind() == reflect.Slice {
			for i := range v.Len() {
				emptyToNil(v.Index(i))
			}
		}
	default:
	}
}

// What was switched is followed to its end, even when its old dataflow is no longer listed or no longer pairs by itself.
func TestFollowLosesNoSwitchedPair(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*migration.Snapshot){
		"the old dataflow was deleted": func(s *migration.Snapshot) { s.Old = s.Old[1:] },
		"the old dataflow was renamed": func(s *migration.Snapshot) { s.Old[0].Name = "Retired" },
		"the copy was renamed":         func(s *migration.Snapshot) { s.New[0].Name = "Shoppers 2024" },
	} {
		for _, progress := range []migration.Progress{migration.Switched, migration.Verified} {
			t.Run(name+", "+string(progress), func(t *testing.T) {
				t.Parallel()
				s := planned(twoPairs(), pinterest())
				s.Pairs[0].Progress, s.Pairs[0].SwitchedAt = progress, look
				seen := twoPairs()
				seen.Old[0].State, seen.New[0].State = migration.Disabled, migration.Enabled
				change(&seen)
				s.Follow(migration.MakePlan(seen, nil, s.Terms(pinterest(), look)), pinterest())
				require.NotNil(t, s.Pair("o1"), "it is followed")
				require.Equal(t, progress, s.Pair("o1").Progress)
				require.Equal(t, look, s.Pair("o1").SwitchedAt)
				require.Empty(t, s.Plan.Questions, "nobody is asked about what is done")
				require.Len(t, s.Pairs, 2)
			})
		}
	}
}

// A person may leave a switched dataflow out once its copy is gone for good.
func TestASwitchedPairCanBeLeftOut(t *testing.T) {
	t.Parallel()
	s, p := planned(twoPairs(), pinterest()), pinterest()
	s.SwitchedOver("o1", migration.Moved{Enabled: look}, p, look)
	seen := twoPairs()
	seen.Old[0].State, seen.New = migration.Disabled, seen.New[1:]
	plan := func() { s.Follow(migration.MakePlan(seen, baseOf(twoPairs()), s.Terms(p, look)), p) }
	plan()
	require.Equal(t, migration.Held, s.Pair("o1").Progress)
	require.Contains(t, s.Pair("o1").Note, "its copy n1 is not listed any more")
	require.Len(t, s.Plan.Questions, 1)
	s.Choices = map[string]string{"o1": migration.LeaveOut}
	plan()
	require.Equal(t, migration.LeftOff, s.Pair("o1").Progress, "what was done with it stays on record")
	require.Len(t, s.Pair("o1").Toggled, 2)
	require.Equal(t, []string{"o1"}, s.Plan.Left)
	require.Empty(t, s.Plan.Questions)
}

// A switched pair of which neither side is listed is asked about once, is no news at every look, and can be left out.
func TestBothSidesOfASwitchedPairGone(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]*migration.Base{
		"the base knows neither": baseOf(migration.Snapshot{}), "without a base": nil, "it was off at first": baseOf(with(twoPairs(), func(s *migration.Snapshot) { s.Old[0].State = migration.Disabled })),
	} {
		s := switchedOver()
		s.progress(migration.Verified)
		s.p.Watch.Poll = migration.Duration(time.Hour)
		gone := twoPairs()
		gone.Old, gone.New = gone.Old[1:], gone.New[1:]
		gone.Old[0].State, gone.New[0].State = migration.Disabled, migration.Enabled
		plan := func() { s.Follow(migration.MakePlan(gone, base, s.Terms(s.p, s.now)), s.p) }
		for range 2 {
			plan()
			require.Equal(t, migration.Held, s.Pair("o1").Progress, name)
			require.Contains(t, s.Pair("o1").Note, "its copy n1 is not listed any more", name)
			require.Len(t, s.Plan.Questions, 1, name)
			s.Resume("")
		}
		s.Choices = map[string]string{"o1": migration.LeaveOut}
		for range 2 {
			plan()
			require.Equal(t, migration.LeftOff, s.Pair("o1").Progress, name)
			require.Len(t, s.Pair("o1").Toggled, 2, name)
			require.Empty(t, s.Plan.Questions, name)
		}
		require.Equal(t, migration.Verified, s.Pair("o2").Progress, name)
	}
}

// What was done with one copy stays on record when a person chooses another.
func TestAnotherCopyIsChosen(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	seen := twoPairs()
	seen.New[0].ID, seen.Old[0].State, seen.Old[1].State, seen.New[1].State = "n3", migration.Disabled, migration.Disabled, migration.Enabled
	s.Follow(migration.MakePlan(seen, baseOf(twoPairs()), s.Terms(s.p, s.now)), s.p)
	require.Equal(t, []string{"n3"}, s.Plan.Questions[0].Candidates)
	s.Choices = map[string]string{"o1": "n3"}
	s.Follow(migration.MakePlan(seen, baseOf(twoPairs()), s.Terms(s.p, s.now)), s.p)
	require.Equal(t, "n3", s.Pair("o1").New)
	require.Len(t, s.Pair("o1").Toggled, 2)
}

func TestClaim(t *testing.T) {
	t.Parallel()
	var s migration.State
	s.Claim(migration.Claim{Account: "a", By: "operator"})
	s.Claim(migration.Claim{Account: "b", By: "operator"})
	s.Claim(migration.Claim{Account: "a", By: "customer"})
	require.Equal(t, []migration.Claim{{Account: "b", By: "operator"}, {Account: "a", By: "customer"}}, s.Claims, "of one account the last word counts")
	for i := range 500 {
		s.Claim(migration.Claim{Account: strconv.Itoa(i)})
		require.LessOrEqual(t, len(s.Claims), 200)
	}
	require.Equal(t, "499", s.Claims[199].Account)
}

// A channel that fails with every reminder must not push out what else a person should know.
func TestTheSameProblemIsKeptOnce(t *testing.T) {
	t.Parallel()
	s := &migration.State{}
	s.Raise(migration.Problem{At: assessed, What: "something else"})
	for i := range 50 {
		s.Raise(migration.Problem{At: assessed.Add(time.Duration(i) * time.Hour), What: "channel mail failed", Type: "ChannelFailed"})
	}
	require.Equal(t, []migration.Problem{
		{At: assessed, What: "something else"}, {At: assessed.Add(49 * time.Hour), What: "channel mail failed", Type: "ChannelFailed"},
	}, s.Problems)
	s.Raise(migration.Problem{What: "something else", Holds: true})
	s.Raise(migration.Problem{What: "something else"})
	require.Len(t, s.Problems, 3, "what holds stays until somebody resumes")
	require.NotNil(t, s.Holding())
}
