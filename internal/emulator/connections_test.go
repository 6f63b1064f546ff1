package emulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

const month = 30 * 24 * time.Hour

// probe is the answer of /test for the new card's account.
func (b *bench) probe() any {
	b.t.Helper()
	return b.get("/connections/" + b.account("new").ID + "/test").object(b.t)["result"]
}

func TestAccountForm(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	fresh := b.get("/connections/" + b.account("new").ID).items(t)[0]
	require.Empty(t, text(fresh, "auth", "params", "authorizedDate"))
	require.Equal(t, "OAuth2", text(fresh, "auth", "specName"))
	require.Equal(t, b.State().Cards["new"].ID, text(fresh, "connectionSpec", "id"))

	b.advance(time.Hour)
	b.reconnect(emulator.Reconnection{By: "marketing"})
	again := b.get("/connections/" + b.account("new").ID).items(t)[0]
	require.NotEqual(t, fresh["etag"], again["etag"])
	require.InDelta(t, noon().Add(time.Hour).UnixMilli(), again["updatedAt"], 0)
	params := again["auth"].(map[string]any)["params"].(map[string]any)
	require.Equal(t, "2024-01-10", params["authorizedDate"])
	require.Equal(t, "****", params["accessToken"])
	expires, err := time.Parse(time.RFC3339Nano, params["expirationDate"].(string))
	require.NoError(t, err)
	require.Equal(t, noon().Add(time.Hour+month), expires)

	require.NoError(t, b.Configure(func(s *emulator.Settings) { s.HideExpiration = true }))
	require.NotContains(t, string(b.get("/connections/"+b.account("new").ID).body), "expirationDate")

	entry := b.last(emulator.KindEdit)
	require.Equal(t, "person:marketing", entry.Actor)
	require.Equal(t, "reconnect", entry.Op)
	require.Equal(t, "unauthenticated", entry.Before)
	require.Equal(t, "authenticated", entry.After)
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		how    emulator.Reconnection
		probe  bool
		status string
	}{
		{"as asked", emulator.Reconnection{}, true, "success"},
		{"right ad account", emulator.Reconnection{Advertiser: advertiser}, true, "success"},
		{"wrong ad account", emulator.Reconnection{Advertiser: "42"}, true, "failed"}, // the test knows no ad account
		{"missing scope", emulator.Reconnection{MissingScope: true}, false, "failed"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := small(t).login()
			require.Equal(t, false, b.probe())
			b.reconnect(tc.how)
			require.Equal(t, tc.probe, b.probe())
			id := b.flow("new", "Holiday shoppers").ID
			require.Equal(t, http.StatusOK, b.act(id, "enable").status, "enabling does not look at the account")
			runs := b.filtered("/runs", "flowId=="+id)
			require.Equal(t, tc.status, text(runs[0], "metrics", "statusSummary", "status"))
		})
	}
}

func TestLeaseEnds(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	b.reconnect(emulator.Reconnection{Lease: time.Hour})
	b.advance(time.Hour - time.Second)
	require.Equal(t, true, b.probe())
	require.True(t, b.account("new").Authenticated)
	b.advance(time.Second)
	require.Equal(t, false, b.probe())
	require.Equal(t, "expired", b.account("new").Condition)
	entry := b.last(emulator.KindState)
	require.Equal(t, "expire", entry.Op)
	require.Equal(t, "authenticated", entry.Before)
	require.Equal(t, "expired", entry.After)

	b.reconnect(emulator.Reconnection{})
	require.Equal(t, true, b.probe())
	out := b.control("/organizations/"+acme+"/sandboxes/prod/accounts/"+b.account("new").ID+"/expire", "")
	require.Equal(t, http.StatusOK, out.status, "%s", out.body)
	require.Equal(t, false, b.probe())
	require.Equal(t, "expire", b.last(emulator.KindState).Op)
}

// A renewed lease is not ended by the plan made for the old one.
func TestRenewedLeaseOutlivesTheOldOne(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	b.reconnect(emulator.Reconnection{Lease: time.Hour})
	b.advance(time.Minute)
	b.reconnect(emulator.Reconnection{Lease: 2 * time.Hour})
	b.advance(time.Hour)
	require.Equal(t, "reconnect", b.last(emulator.KindEdit).Op)
	require.NotEqual(t, "expire", b.last(emulator.KindState).Op)
	require.Equal(t, true, b.probe())
}

func TestProbeSwitches(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	for _, tc := range []struct {
		probe  string
		status int
	}{{"404", 404}, {"501", 501}, {"true", 200}} {
		require.NoError(t, b.Configure(func(s *emulator.Settings) { s.Probe = tc.probe }))
		out := b.get("/connections/" + b.account("new").ID + "/test")
		require.Equal(t, tc.status, out.status)
		if tc.status == http.StatusOK {
			require.Equal(t, true, out.object(t)["result"], "whatever the account is")
		}
	}
	require.Equal(t, http.StatusNotFound, b.get("/connections/nope/test").status)
}

func TestPatchAccount(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	path := "/connections/" + b.account("new").ID
	etag := func() string { return text(b.get(path).items(t)[0], "etag") }
	refusal(t, b.patch(path, "", `[{"op":"replace","path":"/name","value":"x"}]`), 400, "1403-400")
	require.Equal(t, http.StatusPreconditionFailed, b.patch(path, `"x"`, `[{"op":"replace","path":"/name","value":"x"}]`).status)
	refusal(t, b.patch(path, etag(), `[{"op":"replace","path":"/connectionSpec","value":{}}]`), 400, "1455-400")
	refusal(t, b.patch(path, etag(), `[{"op":"replace","path":"/auth/specName","value":"Basic"}]`), 400, "1415-400")

	require.Equal(t, http.StatusOK, b.patch(path, etag(), `[{"op":"add","path":"/description","value":"by hand"}]`).status)
	require.Equal(t, "by hand", text(b.get(path).items(t)[0], "description"))
	require.Equal(t, "unauthenticated", b.account("new").Condition)

	tokens, err := b.GrantPinterest(acme, "ads:read", "ads:write")
	require.NoError(t, err)
	give := `[{"op":"replace","path":"/auth/params","value":{"accessToken":"` + tokens.AccessToken + `"}}]`
	require.Equal(t, http.StatusOK, b.patch(path, etag(), give).status)
	require.Equal(t, false, b.probe(), "a token of another application is no substitute for Reconnect OAuth")
	require.NoError(t, b.Configure(func(s *emulator.Settings) { s.PatchedGrants = true }))
	require.Equal(t, http.StatusOK, b.patch(path, etag(), give).status)
	require.Equal(t, true, b.probe())
	require.NotContains(t, string(b.get(path).body), tokens.AccessToken)
	entry := b.last(emulator.KindWrite)
	require.Equal(t, "unauthenticated", entry.Before)
	require.Equal(t, "authenticated", entry.After)
}

// A person's token for one organization that is written into another's account is seen for what it is, and works nowhere.
func TestPatchAccountWithAnothersToken(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations).login()
	require.NoError(t, b.Configure(func(s *emulator.Settings) { s.PatchedGrants = true }))
	tokens, err := b.GrantPinterest(globex)
	require.NoError(t, err)
	path := "/connections/" + b.account("new").ID
	etag := text(b.get(path).items(t)[0], "etag")
	b.patch(path, etag, `[{"op":"replace","path":"/auth/params","value":{"accessToken":"`+tokens.AccessToken+`"}}]`)
	require.Equal(t, "unauthenticated", b.account("new").Condition)
	crossed := b.entries(func(e emulator.Entry) bool { return e.Kind == emulator.KindCross })
	require.Len(t, crossed, 1)
	require.Equal(t, "the Pinterest token of "+globex+" was written into an account of "+acme, crossed[0].Detail)
}

func TestTargetConnections(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	flow := b.get("/flows/" + b.flow("new", "Holiday shoppers").ID).items(t)[0]
	id := flow["targetConnectionIds"].([]any)[0].(string)
	path := "/targetConnections/" + id
	read := func() map[string]any { return b.get(path).items(t)[0] }
	require.Equal(t, advertiser, text(read(), "params", "advertiser_id"))
	require.Equal(t, b.account("new").ID, text(read(), "baseConnectionId"))
	require.Equal(t, b.account("new").ID, text(read(), "inheritedAttributes", "baseConnection", "id"))

	change := `[{"op":"replace","path":"/params","value":{"advertiser_id":"77"}}]`
	refusal(t, b.patch(path, "", change), 400, "1403-400")
	etag := text(read(), "etag")
	require.Equal(t, http.StatusOK, b.patch(path, etag, change).status)
	require.Equal(t, "77", b.flow("new", "Holiday shoppers").Advertiser)
	require.Equal(t, http.StatusPreconditionFailed, b.patch(path, etag, change).status)
	refusal(t, b.patch(path, text(read(), "etag"), `[{"op":"replace","path":"/params","value":3}]`), 400, "1455-400")
	require.Equal(t, http.StatusNotFound, b.get("/targetConnections/nope").status)
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	cards := b.State().Cards
	one := b.get("/connectionSpecs/" + cards["old"].ID).items(t)
	require.Equal(t, "(Deprecating) Pinterest", text(one[0], "name"))
	require.Equal(t, http.StatusNotFound, b.get("/connectionSpecs/nope").status)
	var found string
	for _, s := range b.filtered("/flowSpecs") {
		if s["targetConnectionSpecIds"].([]any)[0] == cards["new"].ID {
			found = text(s, "id")
		}
	}
	require.Equal(t, cards["new"].FlowSpecID, found)
	require.Len(t, b.filtered("/connectionSpecs", "attributes.isDestination==true"), 4)
}

// An account that no dataflow uses is tested by its own authentication alone.
func TestProbeWithoutDataflows(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Organizations[0].Sandboxes[0].Dataflows = nil }).login()
	require.Equal(t, false, b.probe())
	b.reconnect(emulator.Reconnection{})
	require.Equal(t, true, b.probe())
	b.reconnect(emulator.Reconnection{MissingScope: true})
	require.Equal(t, false, b.probe())
}

// The way back is tried on the old card's account like the way forward on the new one's.
func TestOldAccount(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Accounts[0].Expires = emulator.FromStart(time.Hour)
	}).login()
	id := b.account("old").ID
	probe := func() any { return b.get("/connections/" + id + "/test").object(t)["result"] }
	listed := b.filtered("/connections", "connectionSpec.id=="+b.State().Cards["old"].ID)
	require.Len(t, listed, 1)
	require.Equal(t, "enabled", listed[0]["state"])
	require.Equal(t, noon().Add(time.Hour).Format(time.RFC3339), text(listed[0], "auth", "params", "expirationDate"))
	require.Equal(t, true, probe())
	b.advance(time.Hour)
	require.Equal(t, false, probe(), "over by itself")
	require.NoError(t, b.Reconnect(acme, "prod", id, emulator.Reconnection{By: "customer"}))
	require.Equal(t, true, probe())
	require.NoError(t, b.Expire(acme, "prod", id))
	require.Equal(t, false, probe())
	require.Equal(t, "expired", b.account("old").Condition)
	require.NoError(t, b.Reconnect(acme, "prod", id, emulator.Reconnection{By: "customer"}))
	closed := true
	require.NoError(t, b.SetStages(emulator.StageSwitch{OldAPIClosed: &closed}))
	require.Equal(t, false, probe(), "nothing is left that could accept it")
}
