package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

func TestFlowForm(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	want := b.flow("new", "Holiday shoppers")
	account := b.account("new")
	items := b.get("/flows/" + want.ID).items(t)
	require.Len(t, items, 1, "single reads are wrapped")
	f := items[0]

	require.Equal(t, f["etag"], f["version"])
	groups := regexp.MustCompile(`^"[0-9a-f]{8}-0000-0200-0000-([0-9a-f]{8})0000"$`).FindStringSubmatch(text(f, "etag"))
	require.NotNil(t, groups, "%v", f["etag"])
	second, err := strconv.ParseInt(groups[1], 16, 64)
	require.NoError(t, err)
	require.InDelta(t, f["updatedAt"], float64(second*1000), 0)
	require.Equal(t, acme, f["imsOrgId"])
	require.Equal(t, "prod", f["sandboxName"])
	require.Equal(t, "/runs?property=flowId=="+want.ID, f["runs"])

	attributes := f["inheritedAttributes"].(map[string]any)
	require.Equal(t, map[string]any{"isDestinationFlow": true}, attributes["properties"])
	target := attributes["targetConnections"].([]any)[0].(map[string]any)
	require.Equal(t, b.State().Cards["new"].ID, text(target, "connectionSpec", "id"))
	require.Equal(t, account.ID, text(target, "baseConnection", "id"))
	source := attributes["sourceConnections"].([]any)[0].(map[string]any)
	require.Equal(t, "ProfileFragments", text(source, "typeInfo", "type"))

	params := f["transformations"].([]any)[0].(map[string]any)["params"].(map[string]any)
	audience := params["segmentSelectors"].(map[string]any)["selectors"].([]any)[0].(map[string]any)
	require.Equal(t, "PLATFORM_SEGMENT", audience["type"])
	require.Equal(t, "Cart abandoners", text(audience, "value", "name"))
	require.Regexp(t, `^\d+$`, text(audience, "value", "createTime"))
	require.Contains(t, params, "profileSelectors")
	require.NotContains(t, string(b.get("/flows/"+want.ID).body), want.Origin, "no answer ties a copy to its original")

	set := b.get("/flows/" + b.flow("old", "Newsletter readers").ID).items(t)[0]
	params = set["transformations"].([]any)[0].(map[string]any)["params"].(map[string]any)
	require.Contains(t, params, "profileMapping")
	require.Contains(t, params, "identityMapping")
	require.NotContains(t, params, "profileSelectors")
}

func TestUnknownFlow(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	out := b.get("/flows/nope")
	require.Equal(t, http.StatusNotFound, out.status)
	body := out.object(t)
	require.Contains(t, text(body, "type"), "FLOW-1439-404")
	require.Equal(t, "nope", text(body, "report", "id"))
	require.Equal(t, "flows", text(body, "report", "type"))
	require.Equal(t, http.StatusNotFound, b.get("/nowhere").status)
}

// refusal checks the code of a full error body.
func refusal(t *testing.T, out result, status int, code string) {
	t.Helper()
	require.Equal(t, status, out.status, "%s", out.body)
	require.Equal(t, "https://ns.adobe.com/aep/errors/FLOW-"+code, text(out.object(t), "type"))
}

func TestAction(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	id := b.flow("new", "Holiday shoppers").ID
	etag := text(b.get("/flows/" + id).items(t)[0], "etag")

	refusal(t, b.act(id, "disable"), 400, "1422-400")
	refusal(t, b.act(id, "explode"), 400, "1422-400")
	refusal(t, b.act(id, "enable&subOp=PROGRESS"), 400, "1436-400")
	refusal(t, b.act("nope", "enable"), 404, "1439-404")
	require.Equal(t, http.StatusPreconditionFailed, b.act(id, "enable", "If-Match", `"stale"`).status)

	out := b.act(id, "ENABLE", "If-Match", etag)
	require.Equal(t, http.StatusOK, out.status)
	require.Equal(t, id, out.object(t)["id"])
	require.NotEqual(t, etag, out.object(t)["etag"])
	require.Equal(t, b.get("/flows/" + id).items(t)[0]["etag"], out.object(t)["etag"])
	refusal(t, b.act(id, "enable"), 400, "1422-400")

	require.NoError(t, b.Configure(func(s *emulator.Settings) { s.SameStateAccepted = true }))
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	entry := b.last(emulator.KindWrite)
	require.Equal(t, "enabled", entry.Before)
	require.Equal(t, "enabled", entry.After)
	require.False(t, entry.Applied)
}

func TestTransition(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.Transition = 5 * time.Second }).login()
	id := b.flow("new", "Holiday shoppers").ID
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	require.Equal(t, "enabling", b.get("/flows/" + id).items(t)[0]["state"])
	refusal(t, b.act(id, "disable"), 400, "1421-400")
	etag := text(b.get("/flows/" + id).items(t)[0], "etag")
	refusal(t, b.patch("/flows/"+id, etag, `[{"op":"replace","path":"/name","value":"x"}]`), 400, "1420-400")
	b.advance(5 * time.Second)
	require.Equal(t, "enabled", b.get("/flows/" + id).items(t)[0]["state"])

	entry := b.last(emulator.KindState)
	require.Equal(t, "system", entry.Actor)
	require.Equal(t, "enabling", entry.Before)
	require.Equal(t, "enabled", entry.After)
	require.Equal(t, noon().Add(5*time.Second), entry.At, "entered at its own moment")

	require.Equal(t, http.StatusOK, b.act(id, "disable").status)
	require.Equal(t, "disabling", b.flow("new", "Holiday shoppers").State)
}

func TestPatch(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	flow := b.flow("new", "Loyal customers")
	path := "/flows/" + flow.ID
	read := func() map[string]any { return b.get(path).items(t)[0] }
	etag := func() string { return text(read(), "etag") }
	const selectors = "/transformations/0/params/segmentSelectors/selectors/"
	add := fmt.Sprintf(`[{"op":"ADD","path":"%s-","value":{"type":"PLATFORM_SEGMENT","value":{"id":"new-one"}}}]`, selectors)

	refusal(t, b.patch(path, "", add), 400, "1403-400")
	unquoted, err := strconv.Unquote(etag())
	require.NoError(t, err)
	out := b.patch(path, unquoted, add)
	require.Equal(t, http.StatusPreconditionFailed, out.status)
	require.Contains(t, out.object(t)["errorDetails"], etag(), "names the current version")
	require.Contains(t, out.object(t)["errorMessage"], "1404-412")

	before := etag()
	out = b.patch(path, before, add)
	require.Equal(t, http.StatusOK, out.status, "%s", out.body)
	require.Equal(t, etag(), out.object(t)["etag"])
	require.NotEqual(t, before, etag())
	require.Equal(t, http.StatusPreconditionFailed, b.patch(path, before, add).status, "a second PATCH from the same read")
	now := b.flow("new", "Loyal customers")
	require.Len(t, now.Audiences, 3)
	require.Equal(t, flow.ContentVersion+1, now.ContentVersion)
	require.Contains(t, string(mustEncode(t, read()["transformations"])), `"createTime":"`+strconv.FormatInt(noon().Unix(), 10)+`"`)
	require.Equal(t, "update", text(read(), "lastOperation", "operation"))

	remove := fmt.Sprintf(`[{"op":"remove","path":"%s0","value":{"type":"PLATFORM_SEGMENT","value":{"id":"stub"}}}]`, selectors)
	require.Equal(t, http.StatusOK, b.patch(path, etag(), remove).status)
	require.Equal(t, "Silver tier", b.flow("new", "Loyal customers").Audiences[0].Name)

	cases := []struct{ body, code string }{
		{"", "1405-400"},
		{"[]", "1405-400"},
		{"{}", "1434-400"},
		{`[{"op":"move","from":"/name","path":"/description"}]`, "1434-400"},
		{`[{"op":"test","path":"/name","value":"x"}]`, "1434-400"},
		{`[{"op":"add","value":1}]`, "1455-400"},
		{`[{"op":"add","path":"/name"}]`, "1455-400"},
		{`[{"op":"replace","path":"/transformations/9/params","value":{}}]`, "1455-400"},
		{`[{"op":"remove","path":"` + selectors + `9"}]`, "1455-400"},
		{`[{"op":"remove","path":"` + selectors + `-1"}]`, "1455-400"},
		{`[{"op":"replace","path":"/state","value":"enabled"}]`, "1456-400"},
		{`[{"op":"add","path":"/id","value":"x"}]`, "1455-400"},
		{`[{"op":"add","path":"/auth","value":{}}]`, "1455-400"},
	}
	for _, tc := range cases {
		version := b.flow("new", "Loyal customers").ContentVersion
		refusal(t, b.patch(path, etag(), tc.body), 400, tc.code)
		require.Equal(t, version, b.flow("new", "Loyal customers").ContentVersion)
	}
}

func mustEncode(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return out
}

func TestEtagSettlesAfterAPatch(t *testing.T) {
	t.Parallel()
	rename := `[{"op":"replace","path":"/name","value":"Renamed"}]`
	for _, tc := range []struct {
		setting time.Duration
		moves   bool
	}{{0, true}, {-1, false}} {
		b := small(t, func(s *emulator.Scenario) { s.Settings.EtagSettles = tc.setting }).login()
		path := "/flows/" + b.flow("new", "Loyal customers").ID
		etag := func() string { return text(b.get(path).items(t)[0], "etag") }
		out := b.patch(path, etag(), rename)
		require.Equal(t, http.StatusOK, out.status)
		returned := out.object(t)["etag"]
		b.advance(time.Second)
		if tc.moves {
			require.NotEqual(t, returned, etag())
			require.Equal(t, "settle", b.last(emulator.KindState).Op)
		} else {
			require.Equal(t, returned, etag())
		}
		version := b.flow("new", "Renamed").ContentVersion
		require.Equal(t, 2, version, "settling changes no content")
	}
}

func TestPatchMayAnswerWithoutBody(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.PatchAccepted = true }).login()
	path := "/flows/" + b.flow("new", "Loyal customers").ID
	out := b.patch(path, text(b.get(path).items(t)[0], "etag"), `[{"op":"add","path":"/description","value":"x"}]`)
	require.Equal(t, http.StatusAccepted, out.status)
	require.Empty(t, out.body)
}

func TestAccessLabels(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	id := b.flow("old", "Holiday shoppers").ID
	out := b.control("/organizations/"+acme+"/sandboxes/prod/flows/"+id+"/hidden", `{"hidden":true}`)
	require.Equal(t, http.StatusOK, out.status)
	require.Len(t, b.filtered("/flows"), 7)
	refusal(t, b.get("/flows/"+id), 404, "1439-404")
	refusal(t, b.act(id, "disable"), 403, "2120-403")
	refusal(t, b.patch("/flows/"+id, `"x"`, `[]`), 403, "2120-403")
	refusal(t, b.must("DELETE", basePath+"/flows/"+id, "", b.headers()), 403, "2120-403")
	require.Empty(t, b.filtered("/runs", "flowId=="+id))
	require.True(t, b.flow("old", "Holiday shoppers").Hidden)
	require.NoError(t, b.Hide(acme, "prod", id, false))
	require.Len(t, b.filtered("/flows"), 8)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	account := b.account("old").ID
	remove := func(path string) result { return b.must("DELETE", basePath+path, "", b.headers()) }
	refusal(t, remove("/connections/"+account), 400, "1418-400")
	for _, name := range []string{"Holiday shoppers", "Loyal customers", "Newsletter readers"} {
		id := b.flow("old", name).ID
		out := remove("/flows/" + id)
		require.Equal(t, http.StatusAccepted, out.status)
		require.Empty(t, out.body)
		refusal(t, b.get("/flows/"+id), 404, "1439-404")
		require.Equal(t, "deleted", b.last(emulator.KindWrite).After)
	}
	require.Equal(t, http.StatusAccepted, remove("/connections/"+account).status)
	require.Equal(t, http.StatusNotFound, b.get("/connections/"+account).status)
}
