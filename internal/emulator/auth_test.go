package emulator_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

const globex = "9F8E7D6C5B4A@AdobeOrg"

// twoOrganizations is the small scenario with a second organization beside it.
func twoOrganizations(s *emulator.Scenario) {
	s.Organizations = append(s.Organizations, emulator.Organization{
		ID: globex, Name: "Globex", ClientID: "globex-client", ClientSecret: "globex-secret", SecondSecret: "globex-next",
		Sandboxes: []emulator.Sandbox{{Name: "prod", Dataflows: []emulator.Dataflow{{Name: "Spring", Advertiser: "1"}}}, {Name: "emea"}},
	})
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations)
	out := b.mint("acme-client", "acme-secret")
	require.Equal(t, http.StatusOK, out.status)
	body := out.object(t)
	require.Equal(t, "bearer", body["token_type"])
	require.InDelta(t, 86399, body["expires_in"], 0)
	require.NotContains(t, body, "refresh_token")
	require.Equal(t, http.StatusOK, b.mint("globex-client", "globex-next").status, "either secret during a rotation")

	cases := []struct {
		name          string
		form          url.Values
		code, details string
	}{
		{"wrong secret", url.Values{"client_secret": {"no"}}, "invalid_client", "invalid client_secret parameter"},
		{"another's secret", url.Values{"client_secret": {"globex-secret"}}, "invalid_client", "invalid client_secret parameter"},
		{"wrong client", url.Values{"client_id": {"no"}}, "invalid_client", "invalid client_id parameter"},
		{"no scope", url.Values{"scope": {""}}, "invalid_request", "scope is missing"},
		{"foreign scope", url.Values{"scope": {"openid,root"}}, "invalid_scope", "a scope is not allowed for this client"},
		{"space between scopes", url.Values{"scope": {"openid session"}}, "invalid_scope", "a scope is not allowed for this client"},
		{"no grant", url.Values{"grant_type": {""}}, "invalid_request", "grant_type is missing"},
		{"other grant", url.Values{"grant_type": {"password"}}, "unsupported_grant_type", "only client_credentials is supported"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := b.in(t)
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme-client"}, "client_secret": {"acme-secret"}, "scope": {scopes}}
			maps.Copy(form, tc.form)
			out := b.must("POST", "/ims/token/v3", form.Encode(), nil)
			require.Equal(t, http.StatusBadRequest, out.status)
			require.Equal(t, map[string]any{"error": tc.code, "error_description": tc.details}, out.object(t))
		})
	}
}

func TestTokenParametersInTheQuery(t *testing.T) {
	t.Parallel()
	b := small(t)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme-client"}, "client_secret": {"acme-secret"}, "scope": {scopes}}
	require.Equal(t, http.StatusOK, b.must("POST", "/ims/token/v3?"+form.Encode(), "", nil).status)
}

func TestGateway(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations).login()
	cases := []struct {
		name   string
		change []string
		status int
		code   string
		kind   string
	}{
		{"no token", []string{"Authorization", ""}, 403, "403010", emulator.KindRefused},
		{"unknown token", []string{"Authorization", "Bearer nonsense"}, 401, "401013", emulator.KindRefused},
		{"another scheme", []string{"Authorization", "Basic nonsense"}, 401, "401013", emulator.KindRefused},
		{"no api key", []string{"X-Api-Key", ""}, 403, "403000", emulator.KindRefused},
		{"unknown api key", []string{"X-Api-Key", "nobody"}, 403, "403003", emulator.KindRefused},
		{"another's api key", []string{"X-Api-Key", "globex-client"}, 403, "403003", emulator.KindCross},
		{"no organization", []string{"X-Gw-Ims-Org-Id", ""}, 400, "400003", emulator.KindRefused},
		{"another's organization", []string{"X-Gw-Ims-Org-Id", globex}, 403, "403025", emulator.KindCross},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := b.in(t)
			id := "test-" + tc.name
			out := b.get("/flows", append(tc.change, "X-Request-Id", id)...)
			require.Equal(t, tc.status, out.status)
			body := out.object(t)
			require.Equal(t, tc.code, body["error_code"])
			require.NotEmpty(t, body["message"])
			require.Equal(t, id, out.header.Get("X-Request-Id"))
			entries := b.entries(func(e emulator.Entry) bool { return e.RequestID == id })
			require.Len(t, entries, 1)
			require.Equal(t, tc.kind, entries[0].Kind)
			require.False(t, entries[0].Applied)
			require.Equal(t, tc.status, entries[0].Status)
		})
	}
}

func TestSandboxes(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations).login()
	require.Len(t, b.get("/flows", "X-Sandbox-Name", "").items(t), 8, "without the header it is prod")
	out := b.get("/flows", "X-Sandbox-Name", "emea")
	require.Equal(t, http.StatusNotFound, out.status, "a sandbox of another organization does not exist here")
	require.Contains(t, text(out.object(t), "type"), "2100-404")

	state := b.State()
	foreign := state.Organization(globex).Sandbox("prod").Flow("old", "Spring")
	require.Equal(t, http.StatusNotFound, b.get("/flows/"+foreign.ID).status)
	require.Equal(t, http.StatusNotFound, b.act(foreign.ID, "disable").status)
}

func TestContentTypeOfBodies(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	id := b.flow("old", "Holiday shoppers").ID
	out := b.must("PATCH", basePath+"/flows/"+id, `[]`, b.headers("If-Match", "x"))
	require.Equal(t, http.StatusBadRequest, out.status)
	require.NotEmpty(t, out.object(t)["detail"])
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.TokenLifetime = time.Minute }).login()
	b.advance(59 * time.Second)
	require.Equal(t, http.StatusOK, b.get("/flows").status)
	b.advance(time.Second)
	require.Equal(t, http.StatusUnauthorized, b.get("/flows").status)

	b.login()
	require.Equal(t, http.StatusOK, b.get("/flows").status)
	require.NoError(t, b.ExpireTokens("acme-client"))
	require.Equal(t, http.StatusUnauthorized, b.get("/flows").status)
	require.ErrorIs(t, b.ExpireTokens("nobody"), emulator.ErrNoSuch)
}

func TestMintLimit(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.MintLimit, s.Settings.RetryAfter = 2, 30*time.Second })
	require.Equal(t, http.StatusOK, b.mint("acme-client", "acme-secret").status)
	require.Equal(t, http.StatusOK, b.mint("acme-client", "acme-secret").status)
	out := b.mint("acme-client", "acme-secret")
	require.Equal(t, http.StatusTooManyRequests, out.status)
	require.Equal(t, "30", out.header.Get("Retry-After"))
	b.advance(time.Hour)
	require.Equal(t, http.StatusOK, b.mint("acme-client", "acme-secret").status)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	require.Equal(t, http.StatusOK, b.control("/settings", `{"requests_per_second":2}`).status)
	require.Equal(t, http.StatusOK, b.get("/flows").status)
	require.Equal(t, http.StatusOK, b.get("/flows").status)
	out := b.get("/flows")
	require.Equal(t, http.StatusTooManyRequests, out.status)
	require.Equal(t, "429050", out.object(t)["error_code"])
	require.Empty(t, out.header.Get("Retry-After"), "undocumented, so absent unless set")
	require.Equal(t, emulator.KindRefused, b.last(emulator.KindRefused).Kind)

	require.Equal(t, http.StatusOK, b.control("/settings", `{"retry_after":"1500ms"}`).status)
	require.Equal(t, "2", b.get("/flows").header.Get("Retry-After"))
	b.advance(time.Second)
	require.Equal(t, http.StatusOK, b.get("/flows").status)
}

func TestLatency(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) {
		s.Settings.RouteLatency = []emulator.RouteLatency{{Route: "GET /flows/{id}", Latency: 60 * time.Millisecond}}
	}).login()
	id := b.flow("old", "Holiday shoppers").ID
	begin := time.Now()
	require.Equal(t, http.StatusOK, b.get("/flows/"+id).status)
	require.GreaterOrEqual(t, time.Since(begin), 60*time.Millisecond)
}

func TestTotalRateLimit(t *testing.T) {
	t.Parallel()
	b := small(t, twoOrganizations)
	require.Equal(t, http.StatusOK, b.control("/settings", `{"total_requests_per_second":2}`).status)
	require.Equal(t, http.StatusOK, b.mint("acme-client", "acme-secret").status)
	require.Equal(t, http.StatusOK, b.mint("globex-client", "globex-secret").status)
	require.Equal(t, http.StatusTooManyRequests, b.mint("acme-client", "acme-secret").status)
	b.advance(500 * time.Millisecond)
	require.Equal(t, http.StatusOK, b.mint("acme-client", "acme-secret").status)
}
