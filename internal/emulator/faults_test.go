package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/emulator"
)

// fault activates a rule through the control path.
func (b *bench) fault(rule string) {
	b.t.Helper()
	out := b.control("/faults", rule)
	require.Equal(b.t, http.StatusOK, out.status, "%s", out.body)
}

const onAction = `"route":"POST /flows/{id}/action"`

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		has    string
	}{
		{429, `"429050"`}, {500, "1102-500"}, {503, "1103-503"}, {504, "1104-504"}, {412, "1404-412"}, {401, "401013"},
	} {
		t.Run(strconv.Itoa(tc.status), func(t *testing.T) {
			t.Parallel()
			b := small(t).login()
			id := b.flow("new", "Holiday shoppers").ID
			b.fault(fmt.Sprintf(`{"id":"f",%s,"effect":"status","status":%d,"retry_after":"7s","times":1}`, onAction, tc.status))
			out := b.act(id, "enable")
			require.Equal(t, tc.status, out.status)
			require.Contains(t, string(out.body), tc.has)
			require.Equal(t, "7", out.header.Get("Retry-After"))
			require.Equal(t, "disabled", b.flow("new", "Holiday shoppers").State)
			entry := b.last(emulator.KindWrite)
			require.False(t, entry.Applied)
			require.True(t, entry.Answered)
			require.Equal(t, "f", entry.Fault)
			require.Equal(t, http.StatusOK, b.act(id, "enable").status, "once only")
		})
	}
}

func TestFaultCuts(t *testing.T) {
	t.Parallel()
	for effect, want := range map[string]string{emulator.EffectCutBefore: "disabled", emulator.EffectCutAfter: "enabled"} {
		t.Run(effect, func(t *testing.T) {
			t.Parallel()
			b := small(t).login()
			id := b.flow("new", "Holiday shoppers").ID
			b.fault(fmt.Sprintf(`{%s,"effect":"%s","times":1}`, onAction, effect))
			_, err := b.send("POST", basePath+"/flows/"+id+"/action?op=enable", "", b.headers())
			require.Error(t, err, "no answer")
			require.Equal(t, want, b.flow("new", "Holiday shoppers").State)
			entry := b.last(emulator.KindWrite)
			require.Equal(t, want == "enabled", entry.Applied)
			require.False(t, entry.Answered)
			require.Equal(t, "fault-1", entry.Fault)
		})
	}
}

func TestFaultBodies(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	id := b.flow("new", "Holiday shoppers").ID
	b.fault(`{"id":"html","route":"GET /flows","effect":"html","status":200,"times":1}`)
	out := b.get("/flows")
	require.Equal(t, http.StatusOK, out.status)
	require.Contains(t, out.header.Get("Content-Type"), "text/html")
	b.fault(`{"id":"html502","route":"GET /flows","effect":"html","times":1}`)
	require.Equal(t, http.StatusBadGateway, b.get("/flows").status)

	b.fault(`{"id":"half","route":"GET /flows","effect":"truncated","times":1}`)
	out = b.get("/flows")
	require.Equal(t, http.StatusOK, out.status)
	require.False(t, json.Valid(out.body))

	b.fault(`{"id":"away","route":"GET /flows","effect":"redirect","location":"https://other.example/x","times":1}`)
	out = b.get("/flows")
	require.Equal(t, http.StatusFound, out.status)
	require.Equal(t, "https://other.example/x", out.header.Get("Location"))

	b.fault(`{"id":"late","route":"GET /flows","effect":"expired_token","times":1}`)
	out = b.get("/flows")
	require.Equal(t, http.StatusUnauthorized, out.status)
	require.Equal(t, "401013", out.object(t)["error_code"])

	b.fault(`{"id":"hide","route":"* /flows*","effect":"hide"}`)
	require.Empty(t, b.get("/flows").items(t))
	require.Equal(t, http.StatusNotFound, b.get("/flows/"+id).status)
	require.Equal(t, http.StatusOK, b.must("DELETE", "/_emulator/faults/hide", "", nil).status)
	require.Len(t, b.get("/flows").items(t), 8)
	require.Equal(t, http.StatusNotFound, b.must("DELETE", "/_emulator/faults/hide", "", nil).status)
}

func TestFaultsOnTheOtherVendors(t *testing.T) {
	t.Parallel()
	b := small(t)
	b.fault(`{"route":"POST /ims/token/v3","effect":"status","status":503,"times":1}`)
	out := b.mint("acme-client", "acme-secret")
	require.Equal(t, http.StatusServiceUnavailable, out.status)
	require.NotEmpty(t, out.object(t)["error"])

	tokens, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	for status, code := range map[int]float64{429: 8, 503: 4197, 401: 2, 500: 500} {
		b.fault(fmt.Sprintf(`{"route":"GET /v5/user_account","effect":"status","status":%d,"times":1}`, status))
		out = b.must("GET", "/v5/user_account", "", http.Header{"Authorization": {"Bearer " + tokens.AccessToken}})
		require.Equal(t, status, out.status)
		require.InDelta(t, code, out.object(t)["code"], 0)
	}
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	id := b.flow("new", "Holiday shoppers").ID
	b.fault(`{` + onAction + `,"effect":"delay","delay":"50ms","times":1}`)
	begin := time.Now()
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	require.GreaterOrEqual(t, time.Since(begin), 50*time.Millisecond)

	// A caller that gives up does not take the write back.
	b.fault(`{` + onAction + `,"effect":"delay","delay":"1h","times":1}`)
	b.client.Timeout = 50 * time.Millisecond
	_, err := b.send("POST", basePath+"/flows/"+id+"/action?op=disable", "", b.headers())
	require.Error(t, err)
	require.Eventually(t, func() bool { return b.flow("new", "Holiday shoppers").State == "disabled" }, 5*time.Second, 5*time.Millisecond)
	require.False(t, b.last(emulator.KindWrite).Answered)
}

func TestFaultStaleEtag(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	path := "/flows/" + b.flow("new", "Holiday shoppers").ID
	rename := `[{"op":"replace","path":"/name","value":"x"}]`
	b.fault(`{"route":"GET /flows/{id}","effect":"stale_etag","times":1}`)
	stale := text(b.get(path).items(t)[0], "etag")
	require.NotEqual(t, stale, text(b.get(path).items(t)[0], "etag"))
	require.Equal(t, http.StatusPreconditionFailed, b.patch(path, stale, rename).status)

	etag := text(b.get(path).items(t)[0], "etag")
	b.fault(`{"route":"PATCH /flows/{id}","effect":"stale_etag","times":1}`)
	require.Equal(t, http.StatusPreconditionFailed, b.patch(path, etag, rename).status, "changed between read and write")
	require.Equal(t, http.StatusOK, b.patch(path, text(b.get(path).items(t)[0], "etag"), rename).status)
}

func TestFaultTransition(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	id := b.flow("new", "Holiday shoppers").ID
	b.fault(`{` + onAction + `,"effect":"transition","delay":"30s","times":1}`)
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	require.Equal(t, "enabling", b.flow("new", "Holiday shoppers").State)
	b.advance(30 * time.Second)
	require.Equal(t, "enabled", b.flow("new", "Holiday shoppers").State)
}

func TestFaultDuplicatePage(t *testing.T) {
	t.Parallel()
	b := start(t, crowded(t, 25)).login()
	b.fault(`{"route":"GET /flows","effect":"duplicate_page","after":1,"times":1}`)
	pages := b.pagesOf(t, url.Values{"limit": {"10"}})
	require.Equal(t, pages[0][9], pages[1][0], "the last of a page comes again on the next")
	seen := map[string]bool{}
	total := 0
	for _, page := range pages {
		for _, name := range page {
			seen[name] = true
			total++
		}
	}
	require.Len(t, seen, 25, "nothing is lost")
	require.Equal(t, 26, total)
}

func TestFaultSelection(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations).login()
	b.fault(`{"id":"third","route":"GET /flows","effect":"status","status":500,"after":2,"times":2,"organization":"` + acme + `"}`)
	b.fault(`{"id":"theirs","route":"*","effect":"status","status":503,"organization":"` + globex + `"}`)
	var got []int
	for range 6 {
		got = append(got, b.get("/flows").status)
	}
	require.Equal(t, []int{200, 200, 500, 500, 200, 200}, got)
	require.Equal(t, http.StatusOK, b.get("/connections").status)
	require.Equal(t, http.StatusServiceUnavailable, b.mint("globex-client", "globex-secret").status)
	require.Len(t, b.Faults(), 2)
}

func TestFaultPerOrganization(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations)
	b.fault(`{"route":"POST /ims/token/v3","effect":"status","status":500,"times":1,"per_organization":true}`)
	for _, client := range []string{"acme", "globex"} {
		require.Equal(t, http.StatusInternalServerError, b.mint(client+"-client", client+"-secret").status)
		require.Equal(t, http.StatusOK, b.mint(client+"-client", client+"-secret").status)
	}
}

// luck draws a fault of probability 0.5 for each organization's calls, in the order given.
func luck(t *testing.T, seed int64, order []string) map[string][]int {
	t.Helper()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	twoOrganizations(&scenario)
	scenario.Faults = []emulator.Fault{{Effect: emulator.EffectStatus, Status: 500, Probability: 0.5}}
	b := startWith(t, scenario, emulator.Options{Seed: seed})
	out := map[string][]int{}
	for _, client := range order {
		out[client] = append(out[client], b.mint(client+"-client", client+"-secret").status)
	}
	return out
}

func TestProbabilityIsDeterministicWhateverTheOrder(t *testing.T) {
	t.Parallel()
	want := luck(t, 1, []string{
		"acme", "acme", "acme", "acme", "acme", "acme", "acme", "acme", "acme", "acme",
		"globex", "globex", "globex", "globex", "globex", "globex", "globex", "globex", "globex", "globex",
	})
	require.Contains(t, want["acme"], 200)
	require.Contains(t, want["acme"], 500)
	require.NotEqual(t, want["acme"], want["globex"])
	rapid.Check(t, func(rt *rapid.T) {
		order := rapid.Permutation([]string{"acme", "acme", "acme", "acme", "globex", "globex", "globex", "globex"}).Draw(rt, "order")
		got := luck(t, 1, order)
		require.Equal(rt, want["acme"][:4], got["acme"])
		require.Equal(rt, want["globex"][:4], got["globex"])
	})
	require.NotEqual(t, want, luck(t, 2, []string{
		"acme", "acme", "acme", "acme", "acme", "acme", "acme", "acme", "acme", "acme",
		"globex", "globex", "globex", "globex", "globex", "globex", "globex", "globex", "globex", "globex",
	}))
}

func TestFaultRulesRefused(t *testing.T) {
	t.Parallel()
	b := small(t)
	b.fault(`{"id":"there","effect":"hide"}`)
	for _, rule := range []string{
		`{"effect":"explode"}`, `{"effect":"status"}`, `{"effect":"status","status":200}`, `{"effect":"hide","probability":2}`,
		`{"effect":"hide","route":"nonsense"}`, `{"effect":"delay","delay":"soon"}`, `{"effect":"hide","id":"there"}`,
		`{"effect":"hide","unknown":1}`, `nonsense`,
	} {
		out := b.control("/faults", rule)
		require.Equal(t, http.StatusBadRequest, out.status, rule)
		require.NotEmpty(t, out.object(t)["error"])
	}
}

func TestFaultReadsItsOwnJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := emulator.Fault{
			ID: "f", Route: "GET /flows", Effect: emulator.EffectDelay,
			Times: rapid.IntRange(0, 9).Draw(t, "times"), After: rapid.IntRange(0, 9).Draw(t, "after"),
			Delay:      time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "delay")),
			RetryAfter: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "retry")),
		}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got emulator.Fault
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, want, got)
	})
}
