package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// twins are two dataflows that nothing tells apart, of which only the second was copied.
func twins() migration.Snapshot {
	s := twoPairs()
	s.Old = []migration.Dataflow{old("o1", "Shoppers"), old("o2", "Shoppers")}
	s.New = []migration.Dataflow{copied("n2", "Shoppers")}
	return s
}

func TestWhatPeopleDoLaterMakesNoTwinCertain(t *testing.T) {
	t.Parallel()
	p := pinterest()
	base := &migration.Base{Snapshot: twins()}
	require.Len(t, planFrom(twins(), base, p, migration.Terms{}).Questions, 2)

	edited := twins()
	edited.Old[1].Audiences = audiences("z")
	plan := planFrom(edited, base, p, migration.Terms{})
	require.Empty(t, plan.Pairs)
	require.Len(t, plan.Questions, 2, "audiences as first seen decide")

	base.Old[1].State = migration.Disabled
	gone := twins()
	gone.Old = gone.Old[:1]
	plan = planFrom(gone, base, p, migration.Terms{Late: true})
	require.Empty(t, plan.Pairs, "one that was off and is gone still claims its copy")
	require.Len(t, plan.Questions, 1)
	require.Equal(t, "o1", plan.Questions[0].Old)
}

func TestAQuestionOutlivesTheOldSide(t *testing.T) {
	t.Parallel()
	p := pinterest()
	base := &migration.Base{Snapshot: twoPairs()}
	moved := twoPairs()
	moved.Old[0].Advertiser = "550"
	state := planned(moved, p)
	terms := state.Terms(p, p.Timeline.Shutdown)
	require.Equal(t, []string{"o1"}, terms.Open)

	gone := twoPairs()
	gone.Old = nil
	plan := planFrom(gone, base, p, terms)
	require.Len(t, plan.Questions, 1)
	require.Equal(t, []string{"n1"}, plan.Questions[0].Candidates)
	terms.Choices = map[string]string{"o1": "n1"}
	require.Empty(t, planFrom(gone, base, p, terms).Questions, "a person has answered")
}

func TestAPairThatIsLeftOutKeepsItsHistory(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	now := twoPairs()
	now.New = now.New[1:]
	s.Follow(makePlan(now, s.p, nil), s.p)
	require.Equal(t, migration.Held, s.Pair("o1").Progress)
	s.Follow(makePlan(now, s.p, map[string]string{"o1": migration.LeaveOut}), s.p)
	pair := s.Pair("o1")
	require.Equal(t, migration.LeftOff, pair.Progress)
	require.Equal(t, "left out by a person", pair.Note)
	require.Len(t, pair.Toggled, 2)
}

func TestOnlyARunProvesASignIn(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.Lapse("v5", "it ended", s.now)
	s.Pair("o1").Failing = true
	s.Settle("o1", migration.AnswerAccept, "operator", s.now)
	require.Equal(t, migration.Verified, s.Pair("o1").Progress)
	require.False(t, s.Account("v5").Verified, "a person's word for a copy says nothing of its account")

	s.Account("v5").ExpiresAt = s.now.Add(time.Hour)
	s.Judge(migration.RunVerdict{Dataflow: "n2", Status: migration.RunSucceeded}, s.p, s.now)
	require.True(t, s.Account("v5").Verified)
	require.Equal(t, s.now.Add(time.Hour), s.Account("v5").LeaseEnd, "and it ends when Adobe says")

	s = switchedOver()
	s.Lapse("v5", "it ended", s.now)
	s.Account("v5").ExpiresAt = s.now.Add(-time.Hour)
	s.Judge(migration.RunVerdict{Dataflow: "n2", Status: migration.RunSucceeded}, s.p, s.now)
	require.False(t, s.Account("v5").Verified)
	require.Equal(t, migration.StepCheck, s.Next(s.o, s.p, s.now), "somebody signed in since it was read, so it is looked at")
}

func TestNothingIsTakenBackThatWasNotSwitched(t *testing.T) {
	t.Parallel()
	p := pinterest()
	running := twoPairs()
	for i := range running.Old {
		running.Old[i].State, running.New[i].State = migration.Disabled, migration.Enabled
	}
	state := planned(running, p)
	require.ErrorContains(t, state.RefuseRollback("o1", p, look), "was not switched by this migration")
	require.Error(t, state.RefuseRollback("", p, look))
}

func TestTheWatchSaysWhatItWaitsForToItsLastMoment(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.p.Watch.Poll = days(1)[0]
	for i := range s.Pairs {
		s.Pairs[i].Progress = migration.Verified
	}
	s.Enter(migration.Watching, s.now)
	require.Len(t, s.Waits(s.o, s.p, s.p.Timeline.Shutdown), 1)
}

func TestAnAcceptedPairIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := switchedOver()
	s.Pair("o1").Overdue = true
	s.Settle("o1", migration.AnswerAccept, "operator", s.now)
	require.Equal(t, migration.StepPlan, s.Next(s.o, s.p, s.now), "nobody watched it meanwhile")
	gone := twoPairs()
	gone.New = gone.New[1:]
	s.Follow(makePlan(gone, s.p, nil), s.p)
	require.Equal(t, migration.Held, s.Pair("o1").Progress)
}

func TestALateOldSideThatStaysEnabledIsNoNews(t *testing.T) {
	t.Parallel()
	both := twoPairs()
	both.New[0].State = migration.Enabled
	terms := migration.Terms{Late: true, Switched: []string{"o1"}}
	pair := planFrom(both, nil, pinterest(), terms).Pairs[0]
	require.Equal(t, migration.Already, pair.Action)
	require.Empty(t, pair.Drift)
}

func TestAnOldSideThatWasEnabledLaterIsMissedWhenItIsGone(t *testing.T) {
	t.Parallel()
	p := pinterest()
	base := &migration.Base{Snapshot: twoPairs()}
	base.Old[0].State = migration.Disabled
	state := planned(twoPairs(), p) // somebody enabled it since
	gone := twoPairs()
	gone.Old = nil
	late := state.Terms(p, p.Timeline.Shutdown)
	require.Len(t, planFrom(gone, base, p, late).Pairs, 2)
	late.Waiting = nil
	require.Len(t, planFrom(gone, base, p, late).Pairs, 1, "one that was off all the time needs nothing")
}

// Two twins of which only one was copied to their advertiser: whose copy it is was never certain, and does not become so because a customer edits one.
func TestTwinsStayAQuestionWhenOneIsEdited(t *testing.T) {
	t.Parallel()
	flow := func(id, advertiser string) migration.Dataflow {
		return migration.Dataflow{ID: id, Name: "Sale", Sandbox: "prod", Account: "a", Advertiser: advertiser, State: migration.Enabled}
	}
	base := &migration.Base{Snapshot: migration.Snapshot{
		Old: []migration.Dataflow{flow("o1", "549"), flow("o2", "549")}, New: []migration.Dataflow{flow("n1", "500"), flow("n2", "549")}, TakenAt: look,
	}}
	now := base.Snapshot
	now.Old = []migration.Dataflow{flow("o1", "549"), flow("o2", "777")}
	plan := migration.MakePlan(now, base, migration.Terms{Order: migration.EnableFirst})
	require.Empty(t, plan.Pairs)
	require.Len(t, plan.Questions, 2)
	plan = migration.MakePlan(now, base, migration.Terms{Order: migration.EnableFirst, Choices: map[string]string{"o2": "n2", "o1": "n1"}})
	require.Len(t, plan.Pairs, 2, "a person's answer is enough")

	renamed := base.Snapshot
	base.New = []migration.Dataflow{flow("n2", "549")}
	base.New[0].Name = "Readers"
	base.Old = base.Old[1:]
	renamed.Old, renamed.New = []migration.Dataflow{flow("o2", "549")}, []migration.Dataflow{flow("n2", "549")}
	require.Len(t, migration.MakePlan(renamed, base, migration.Terms{Order: migration.EnableFirst}).Pairs, 1, "what fitted nothing at first may come to fit")
}
