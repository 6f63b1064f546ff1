package emulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

func TestPersonDeletesAFlow(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	for _, card := range []string{"new", "old"} {
		id := b.flow(card, "Holiday shoppers").ID
		out := b.control("/organizations/"+acme+"/sandboxes/prod/flows/"+id+"/delete", `{"by":"marketing"}`)
		require.Equal(t, http.StatusOK, out.status, "%s", out.body)
		refusal(t, b.get("/flows/"+id), 404, "1439-404")
		require.Nil(t, b.prod().Flow(card, "Holiday shoppers"))
		entry := b.last(emulator.KindEdit)
		require.Equal(t, "person:marketing", entry.Actor)
		require.Equal(t, []string{"flow", id, "delete", "deleted", card}, []string{entry.Entity, entry.ID, entry.Op, entry.After, entry.Card})
		require.NotEmpty(t, entry.Before)
		require.True(t, entry.Applied)
	}
	require.Len(t, b.filtered("/flows"), 6)
	require.Len(t, b.filtered("/targetConnections"), 6)
	require.ErrorIs(t, b.DeleteFlow(acme, "prod", "nope", "marketing"), emulator.ErrNoSuch)
}

// What a person deleted before the copies were made has no copy.
func TestDeletedBeforeItWasCopied(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Stages.CardsAvailable = emulator.FromStart(time.Hour) })
	require.NoError(t, b.DeleteFlow(acme, "prod", b.flow("old", "Holiday shoppers").ID, "marketing"))
	b.advance(time.Hour)
	require.Nil(t, b.prod().Flow("new", "Holiday shoppers"))
	require.NotNil(t, b.prod().Flow("new", "Loyal customers"))
}

// After the cut-over a person turns the old dataflow on again, through the same states as everybody.
func TestPersonEnablesTheOldFlowAgain(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.Transition = time.Second }).login()
	newID, oldID := b.flow("new", "Holiday shoppers").ID, b.flow("old", "Holiday shoppers").ID
	require.Equal(t, http.StatusOK, b.act(newID, "enable").status)
	require.Equal(t, http.StatusOK, b.act(oldID, "disable").status)
	b.advance(time.Minute)
	require.NoError(t, b.EditFlow(acme, "prod", oldID, emulator.Edit{By: "agency", State: "enabled"}))
	b.advance(time.Minute)
	require.Equal(t, "enabled", b.get("/flows/" + oldID).items(t)[0]["state"])
	var moves []string
	for _, e := range b.entries(func(e emulator.Entry) bool { return e.ID == oldID && e.At.After(noon().Add(30*time.Second)) }) {
		if e.Before != e.After {
			moves = append(moves, e.Actor+" "+e.Op+" "+e.Before+">"+e.After)
		}
	}
	require.Equal(t, []string{"person:agency enable disabled>enabling", "system enabled enabling>enabled"}, moves)
}
