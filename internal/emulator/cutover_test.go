package emulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// A whole cutover of one dataflow, as a client would do it over plain HTTP.
func TestCutoverOverHTTP(t *testing.T) {
	t.Parallel()
	b := small(t).login()

	specs := b.filtered("/connectionSpecs", "name==(Deprecating) Pinterest,(New) Pinterest")
	require.Len(t, specs, 2)
	card := map[string]string{}
	for _, s := range specs {
		card[text(s, "name")] = text(s, "id")
	}
	const ofCard = "inheritedAttributes.targetConnections[].connectionSpec.id=="
	olds := b.filtered("/flows", ofCard+card["(Deprecating) Pinterest"])
	news := b.filtered("/flows", ofCard+card["(New) Pinterest"])
	require.Len(t, olds, 3)
	require.Len(t, news, 3)
	for _, f := range olds {
		require.Equal(t, "enabled", f["state"])
	}
	for _, f := range news {
		require.Equal(t, "disabled", f["state"])
	}

	accounts := b.filtered("/connections", "connectionSpec.id=="+card["(New) Pinterest"])
	require.Len(t, accounts, 1)
	id := text(accounts[0], "id")
	require.Equal(t, map[string]any{"result": false}, b.get("/connections/"+id+"/test").object(t))

	out := b.control("/organizations/"+acme+"/sandboxes/prod/accounts/"+id+"/reconnect", `{"by":"marketing"}`)
	require.Equal(t, http.StatusOK, out.status, "%s", out.body)
	require.Equal(t, map[string]any{"result": true}, b.get("/connections/"+id+"/test").object(t))
	after := b.get("/connections/" + id).items(t)[0]
	require.NotEqual(t, accounts[0]["etag"], after["etag"])
	require.Equal(t, "2024-01-10", text(after, "auth", "params", "authorizedDate"))

	targets := b.filtered("/targetConnections", "connectionSpec.id=="+card["(New) Pinterest"])
	require.Len(t, targets, 3)
	require.Equal(t, advertiser, text(targets[0], "params", "advertiser_id"))

	newFlow, oldFlow := b.flow("new", "Holiday shoppers"), b.flow("old", "Holiday shoppers")
	require.Equal(t, oldFlow.ID, newFlow.Origin)
	require.Equal(t, http.StatusOK, b.act(newFlow.ID, "enable").status)
	require.Equal(t, "enabled", b.get("/flows/" + newFlow.ID).items(t)[0]["state"])
	require.Equal(t, http.StatusOK, b.act(oldFlow.ID, "disable").status)
	require.Equal(t, "disabled", b.flow("old", "Holiday shoppers").State)

	b.advance(time.Minute)
	runs := b.filtered("/runs", "flowId=="+newFlow.ID)
	require.NotEmpty(t, runs)

	var changes []string
	for _, e := range b.entries(func(e emulator.Entry) bool { return e.Kind == emulator.KindWrite }) {
		require.True(t, e.Applied)
		require.True(t, e.Answered)
		changes = append(changes, e.Card+" "+e.Op+" "+e.Before+">"+e.After)
	}
	require.Equal(t, []string{"new enable disabled>enabled", "old disable enabled>disabled"}, changes)
}
