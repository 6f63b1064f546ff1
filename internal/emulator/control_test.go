package emulator_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

func TestLedgerOverHTTP(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	var page struct{ Entries []emulator.Entry }
	out := b.must("GET", "/_emulator/ledger", "", nil)
	require.NoError(t, json.Unmarshal(out.body, &page))
	require.Equal(t, b.Ledger(0), page.Entries)
	for i, e := range page.Entries {
		require.EqualValues(t, i+1, e.Seq)
	}
	mark := page.Entries[len(page.Entries)-1].Seq
	b.get("/flows")
	out = b.must("GET", "/_emulator/ledger?after="+strconv.FormatInt(mark, 10), "", nil)
	page.Entries = nil
	require.NoError(t, json.Unmarshal(out.body, &page))
	require.Len(t, page.Entries, 1)
	require.Equal(t, emulator.KindList, page.Entries[0].Kind)
	require.Equal(t, http.StatusBadRequest, b.must("GET", "/_emulator/ledger?after=x", "", nil).status)
	require.Empty(t, b.Ledger(1<<40))
	require.NotEmpty(t, b.Ledger(-1))
}

// The file has each entry as soon as it is in the ledger, without any closing.
func TestLedgerFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("from before\n"), 0o600))
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	b := startWith(t, scenario, emulator.Options{LedgerFile: path}).login()
	b.act(b.flow("new", "Holiday shoppers").ID, "enable")

	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	var got []emulator.Entry
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e emulator.Entry
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		got = append(got, e)
	}
	require.Equal(t, b.Ledger(0), got)
}

func TestLedgerFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		return // only some systems have a device that is always full
	}
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	e, err := emulator.New(scenario, emulator.Options{LedgerFile: full})
	require.NoError(t, err)
	require.NotEmpty(t, e.Ledger(0), "the ledger in memory goes on")
	require.ErrorContains(t, e.Close(), "write ledger entry 1")
}

func TestReadsMayStayOut(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.OmitReads = true }).login()
	before := len(b.Ledger(0))
	b.get("/flows")
	b.get("/flows/" + b.flow("old", "Holiday shoppers").ID)
	require.Len(t, b.Ledger(0), before)
	b.get("/flows/nope")
	b.act(b.flow("new", "Holiday shoppers").ID, "enable")
	require.Len(t, b.Ledger(0), before+2, "what was refused and what changed something stay in")
}

func TestSecretsHoldEverythingIssued(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations).login()
	tokens, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	values := map[string]string{}
	for _, s := range b.Secrets() {
		values[s.Value] = s.Kind
	}
	for value, kind := range map[string]string{
		"acme-secret": "client_secret", "globex-next": "client_secret", "pinterest-app-secret": "pinterest_client_secret",
		b.token: "ims_access_token", tokens.AccessToken: "pinterest_access_token", tokens.RefreshToken: "pinterest_refresh_token",
	} {
		require.Equal(t, kind, values[value])
	}
	require.Contains(t, string(b.must("GET", "/_emulator/secrets", "", nil).body), b.token)
	ledger := string(b.must("GET", "/_emulator/ledger", "", nil).body) + string(b.must("GET", "/", "", nil).body) +
		string(b.must("GET", "/_emulator/state", "", nil).body)
	for value := range values {
		require.NotContains(t, ledger, value, "ledger, console and state show no secret")
	}
}

func TestStateOverHTTP(t *testing.T) {
	t.Parallel()
	b := small(t)
	var state emulator.State
	require.NoError(t, json.Unmarshal(b.must("GET", "/_emulator/state", "", nil).body, &state))
	require.Equal(t, b.State(), state)
	require.Equal(t, acme, state.Organization("Acme").ID)
	var one emulator.State
	require.NoError(t, json.Unmarshal(b.must("GET", "/_emulator/state?organization="+acme, "", nil).body, &one))
	require.Equal(t, state, one)
	require.Equal(t, http.StatusNotFound, b.must("GET", "/_emulator/state?organization=x", "", nil).status)
	require.Nil(t, state.Organization("Nobody"))
	require.Contains(t, string(b.must("GET", "/_emulator/clock", "", nil).body), "2024-01-10T12:00:00Z")
}

func TestEdit(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	old := b.flow("old", "Loyal customers")
	path := "/organizations/" + acme + "/sandboxes/prod/flows/" + old.ID + "/edit"
	etag := b.get("/flows/" + old.ID).items(t)[0]["etag"]
	out := b.control(path, `{"by":"marketing","name":"Loyal people","description":"d","advertiser":"9",`+
		`"add_audiences":[{"name":"Bronze tier"}],"remove_audiences":["Gold tier","`+old.Audiences[1].ID+`"]}`)
	require.Equal(t, http.StatusOK, out.status, "%s", out.body)
	now := b.flow("old", "Loyal people")
	require.Equal(t, "9", now.Advertiser)
	require.Len(t, now.Audiences, 1)
	require.Equal(t, "Bronze tier", now.Audiences[0].Name)
	require.Equal(t, old.ContentVersion+1, now.ContentVersion)
	require.NotEqual(t, etag, b.get("/flows/" + old.ID).items(t)[0]["etag"])
	entry := b.last(emulator.KindEdit)
	require.Equal(t, "person:marketing", entry.Actor)
	require.Equal(t, now.ContentVersion, entry.ContentVersion)
	require.Equal(t, entry.Before, entry.After)

	require.Equal(t, http.StatusOK, b.control(path, `{"by":"marketing","state":"disabled"}`).status)
	entry = b.last(emulator.KindEdit)
	require.Equal(t, "disable", entry.Op)
	require.Equal(t, []string{"enabled", "disabled"}, []string{entry.Before, entry.After})
	require.Equal(t, now.ContentVersion, b.flow("old", "Loyal people").ContentVersion, "a state is no content")

	count := len(b.Ledger(0))
	require.Equal(t, http.StatusOK, b.control(path, `{"state":"disabled","name":"Loyal people","profiles":5,"runs":"fail"}`).status)
	require.Len(t, b.Ledger(0), count, "nothing a person changed")
	require.Equal(t, http.StatusBadRequest, b.control(path, `{"state":"paused"}`).status)
	require.Equal(t, http.StatusBadRequest, b.control(path, `{"stat":"disabled"}`).status)
}

func TestControlNamesWhatItDoesNotHave(t *testing.T) {
	t.Parallel()
	b := small(t)
	for _, path := range []string{
		"/organizations/x/sandboxes/prod/accounts/y/reconnect",
		"/organizations/" + acme + "/sandboxes/x/accounts/y/reconnect",
		"/organizations/" + acme + "/sandboxes/prod/accounts/y/expire",
		"/organizations/" + acme + "/sandboxes/prod/flows/y/edit",
		"/organizations/" + acme + "/sandboxes/prod/flows/y/hidden",
		"/tokens/expire", "/pinterest/grants", "/pinterest/revoke",
	} {
		out := b.control(path, "{}")
		require.Equal(t, http.StatusNotFound, out.status, path)
		require.Contains(t, out.object(t)["error"], "no such")
	}
}

func TestCrossSiteFormsAreRefused(t *testing.T) {
	t.Parallel()
	b := small(t)
	for _, path := range []string{"/_emulator/clock", "/console/clock", "/oauth/"} {
		out := b.must("POST", path, "advance=1h", http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"},
		})
		require.Equal(t, http.StatusForbidden, out.status, path)
	}
	require.Equal(t, noon(), b.Now())
}

func TestConfigureChecks(t *testing.T) {
	t.Parallel()
	b := small(t)
	require.Error(t, b.Configure(func(s *emulator.Settings) { s.Probe = "sometimes" }))
	require.NoError(t, b.Configure(func(s *emulator.Settings) { s.Lease = time.Hour }))
	b.reconnect(emulator.Reconnection{})
	require.Equal(t, noon().Add(time.Hour), b.account("new").Expires)
}

func TestSettingsOverHTTP(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	out := b.control("/settings", `{"transition":"5s","same_state_accepted":true,"route_latency":[{"route":"GET /runs","latency":"1ms"}]}`)
	require.Equal(t, http.StatusOK, out.status, "%s", out.body)
	id := b.flow("new", "Holiday shoppers").ID
	require.Equal(t, http.StatusOK, b.act(id, "disable").status)
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	require.Equal(t, "enabling", b.flow("new", "Holiday shoppers").State)
	require.Equal(t, http.StatusOK, b.control("/settings", `{"lease":"1h"}`).status)
	b.advance(5 * time.Second)
	require.Equal(t, http.StatusOK, b.act(id, "disable").status)
	require.Equal(t, "disabling", b.flow("new", "Holiday shoppers").State, "what is not named stays")
	for _, bad := range []string{`{"speed":1}`, `{"lease":"long"}`, `{"probe":"maybe"}`, `nonsense`, ``} {
		require.Equal(t, http.StatusBadRequest, b.control("/settings", bad).status, bad)
	}
}
