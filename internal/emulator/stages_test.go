package emulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// Before the new card is available no answer shows it, its dataflows or its accounts.
func TestNewCardAppears(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Stages.CardsAvailable = emulator.FromStart(30 * time.Second) }).login()
	newCard := b.State().Cards["new"]
	counts := func() []int {
		return []int{
			len(b.filtered("/flows")), len(b.filtered("/connections")), len(b.filtered("/targetConnections")),
			len(b.filtered("/connectionSpecs", "name=="+newCard.Name)), len(b.filtered("/flowSpecs", "id=="+newCard.FlowSpecID)),
		}
	}
	require.Equal(t, []int{5, 3, 5, 0, 0}, counts())
	require.Equal(t, http.StatusNotFound, b.get("/connectionSpecs/"+newCard.ID).status)
	require.False(t, b.State().CardsAvailable)

	old := b.flow("old", "Loyal customers")
	require.NoError(t, b.EditFlow(acme, "prod", old.ID, emulator.Edit{By: "marketing", RemoveAudiences: []string{"Gold tier"}}))
	b.advance(30*time.Second - 1)
	require.Equal(t, []int{5, 3, 5, 0, 0}, counts())
	b.advance(1)
	require.Equal(t, []int{8, 4, 8, 1, 1}, counts())

	copied := b.flow("new", "Loyal customers")
	require.Equal(t, old.ID, copied.Origin)
	require.Equal(t, "disabled", copied.State)
	require.Len(t, copied.Audiences, 1, "copied as it stood on the day")
	require.Equal(t, b.account("new").ID, copied.Account)
	require.Equal(t, b.account("old").ID, b.account("new").Origin)
	created := b.get("/flows/" + copied.ID).items(t)[0]["createdAt"]
	require.InDelta(t, noon().Add(30*time.Second).UnixMilli(), created, 0)

	require.NoError(t, b.EditFlow(acme, "prod", old.ID, emulator.Edit{AddAudiences: []emulator.Audience{{Name: "Late"}}}))
	require.Len(t, b.flow("new", "Loyal customers").Audiences, 1, "later changes are not carried over")
}

func TestStagesByHand(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Stages.CardsAvailable = emulator.FromStart(time.Hour) }).login()
	require.Equal(t, http.StatusOK, b.control("/stages", `{"cards_available":true}`).status)
	require.Len(t, b.filtered("/flows"), 8)
	b.advance(2 * time.Hour)
	require.Len(t, b.filtered("/flows"), 8, "the planned moment makes no second copies")
	require.Equal(t, http.StatusBadRequest, b.control("/stages", `{"cards_available":false}`).status)

	v4 := func() int { return b.must("GET", "/ads/v4/advertisers/1/audiences", "", nil).status }
	require.Equal(t, http.StatusOK, v4())
	require.Equal(t, http.StatusOK, b.control("/stages", `{"old_api_closed":true}`).status)
	require.Equal(t, http.StatusGone, v4())
	require.True(t, b.State().OldAPIClosed)
	require.Equal(t, http.StatusOK, b.control("/stages", `{"old_api_closed":false}`).status)
	require.Equal(t, http.StatusOK, v4())
}

func TestStagesInThePast(t *testing.T) {
	t.Parallel()
	day := time.Date(2023, time.November, 16, 0, 0, 0, 0, time.UTC)
	b := small(t, func(s *emulator.Scenario) {
		s.Stages.CardsAvailable = emulator.At(day)
		s.Stages.OldAPIClosed = emulator.At(day.AddDate(0, 0, 60))
		s.Start = emulator.At(day.AddDate(0, 0, 59))
	}).login()
	flow := b.get("/flows/" + b.flow("new", "Holiday shoppers").ID).items(t)[0]
	require.InDelta(t, day.UnixMilli(), flow["createdAt"], 0)
	require.False(t, b.State().OldAPIClosed)
	b.advance(24 * time.Hour)
	require.True(t, b.State().OldAPIClosed)
}

func TestInitialLedger(t *testing.T) {
	t.Parallel()
	b := small(t)
	cards := map[string]int{}
	for _, e := range b.entries(func(e emulator.Entry) bool { return e.Op == "initial" && e.Entity == "flow" }) {
		require.Equal(t, emulator.KindState, e.Kind)
		require.Equal(t, 1, e.ContentVersion)
		require.NotEmpty(t, e.Account)
		require.NotEmpty(t, e.After)
		require.Empty(t, e.Before)
		require.True(t, e.Applied)
		require.Equal(t, e.Card == "new", e.Origin != "")
		cards[e.Card]++
	}
	require.Equal(t, map[string]int{"old": 3, "new": 3, "other": 2}, cards)
}

func TestAdvanceGoesForwardOnly(t *testing.T) {
	t.Parallel()
	b := small(t)
	require.Equal(t, http.StatusOK, b.control("/clock", `{"advance":"1h30m"}`).status)
	require.Equal(t, noon().Add(90*time.Minute), b.Now())
	require.Error(t, b.Advance(-time.Second))
	require.Equal(t, http.StatusBadRequest, b.control("/clock", `{"advance":"yesterday"}`).status)
	require.Equal(t, http.StatusBadRequest, b.control("/clock", `{"forward":"1h"}`).status)
}

// What becomes due during one long step happens in order, each at its own moment.
func TestLongStepKeepsTheOrder(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) {
		s.Stages.CardsAvailable = emulator.FromStart(time.Hour)
		s.Stages.OldAPIClosed = emulator.FromStart(3 * time.Hour)
		s.Settings.Transition = 2 * time.Hour
	}).login()
	require.Equal(t, http.StatusOK, b.act(b.flow("old", "Holiday shoppers").ID, "disable").status)
	mark := b.last(emulator.KindWrite).Seq
	b.advance(24 * time.Hour)
	var got []string
	for _, e := range b.Ledger(mark) {
		if e.Op != "initial" {
			got = append(got, e.Op+" "+e.At.Sub(noon()).String())
		}
	}
	require.Equal(t, []string{"cards_available 1h0m0s", "disabled 2h0m0s", "old_api_closed 3h0m0s"}, got)
}

// A base clock that is set back stops the emulator's time until it has caught up; nothing is undone.
func TestBaseClockStepsBack(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{now: noon()}
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	b := startWith(t, scenario, emulator.Options{Clock: clock.Now}).login()
	clock.set(noon().Add(-time.Hour))
	require.Equal(t, noon(), b.Now())
	b.reconnect(emulator.Reconnection{})
	require.Equal(t, noon(), b.last(emulator.KindEdit).At)
	clock.set(noon().Add(time.Minute))
	require.Equal(t, noon().Add(time.Minute), b.Now())
}
