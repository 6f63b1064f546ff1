package emulator_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

const (
	acme       = "1A2B3C4D5E6F@AdobeOrg"
	advertiser = "549755885175"
	basePath   = "/data/foundation/flowservice"
	scopes     = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
)

// fakeClock is a base clock that stands still until it is set.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// noon is the start of every test's clock.
func noon() time.Time { return time.Date(2024, time.January, 10, 12, 0, 0, 0, time.UTC) }

// bench is an emulator behind HTTP and a client that speaks for one organization.
type bench struct {
	*emulator.Emulator
	t      *testing.T
	url    string
	client *http.Client
	token  string
}

// start serves the scenario on a free port.
func start(t *testing.T, scenario emulator.Scenario) *bench {
	t.Helper()
	return startWith(t, scenario, emulator.Options{})
}

func startWith(t *testing.T, scenario emulator.Scenario, opts emulator.Options) *bench {
	t.Helper()
	clock := &fakeClock{now: noon()}
	if opts.Clock == nil {
		opts.Clock = clock.Now
	}
	e, err := emulator.New(scenario, opts)
	require.NoError(t, err)
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, e.Close())
	})
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &bench{Emulator: e, t: t, url: server.URL, client: client}
}

// in is the bench for a subtest.
func (b *bench) in(t *testing.T) *bench {
	t.Helper()
	other := *b
	other.t = t
	return &other
}

// small starts the embedded scenario after tweak has changed it.
func small(t *testing.T, tweak ...func(*emulator.Scenario)) *bench {
	t.Helper()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	for _, change := range tweak {
		change(&scenario)
	}
	return start(t, scenario)
}

// result is an answer, read whole.
type result struct {
	status int
	header http.Header
	body   []byte
}

// object decodes the answer's JSON object.
func (r result) object(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, json.Unmarshal(r.body, &out), "%s", r.body)
	return out
}

// items are the entities of a list or of a wrapped read.
func (r result) items(t *testing.T) []map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, "%s", r.body)
	var out struct {
		Items []map[string]any `json:"items"`
	}
	require.NoError(t, json.Unmarshal(r.body, &out), "%s", r.body)
	require.NotNil(t, out.Items)
	return out.Items
}

// send makes a request and reads the answer; an error means that there was none.
func (b *bench) send(method, target string, body string, header http.Header) (result, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+target, strings.NewReader(body))
	require.NoError(b.t, err)
	maps.Copy(req.Header, header)
	resp, err := b.client.Do(req)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return result{resp.StatusCode, resp.Header, text}, err
}

// must is send where an answer is expected.
func (b *bench) must(method, target, body string, header http.Header) result {
	b.t.Helper()
	out, err := b.send(method, target, body, header)
	require.NoError(b.t, err)
	return out
}

// mint asks IMS for a token.
func (b *bench) mint(id, secret string) result {
	b.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "scope": {scopes}}
	return b.must("POST", "/ims/token/v3", form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// login makes the bench speak for Acme from now on.
func (b *bench) login() *bench {
	b.t.Helper()
	out := b.mint("acme-client", "acme-secret")
	require.Equal(b.t, http.StatusOK, out.status, "%s", out.body)
	token, ok := out.object(b.t)["access_token"].(string)
	require.True(b.t, ok)
	b.token = token
	return b
}

// headers are what every Flow Service call of Acme carries.
func (b *bench) headers(extra ...string) http.Header {
	h := http.Header{
		"Authorization": {"Bearer " + b.token}, "X-Api-Key": {"acme-client"},
		"X-Gw-Ims-Org-Id": {acme}, "X-Sandbox-Name": {"prod"},
	}
	for i := 0; i+1 < len(extra); i += 2 {
		if extra[i+1] == "" {
			h.Del(extra[i])
			continue
		}
		h.Set(extra[i], extra[i+1])
	}
	return h
}

// get is a Flow Service read.
func (b *bench) get(path string, extra ...string) result {
	b.t.Helper()
	return b.must("GET", basePath+path, "", b.headers(extra...))
}

// filtered is a list with property filters.
func (b *bench) filtered(path string, properties ...string) []map[string]any {
	b.t.Helper()
	return b.get(path + "?" + url.Values{"property": properties, "limit": {"100"}}.Encode()).items(b.t)
}

// act is the action call, as documented: no body, no content type.
func (b *bench) act(id, op string, extra ...string) result {
	b.t.Helper()
	return b.must("POST", basePath+"/flows/"+id+"/action?op="+op, "", b.headers(extra...))
}

// patch is a PATCH with the etag given.
func (b *bench) patch(path, etag, ops string) result {
	b.t.Helper()
	return b.must("PATCH", basePath+path, ops, b.headers("Content-Type", "application/json", "If-Match", etag))
}

// control posts to the emulator's own paths.
func (b *bench) control(path, body string) result {
	b.t.Helper()
	return b.must("POST", "/_emulator"+path, body, nil)
}

// prod is Acme's sandbox as it is now.
func (b *bench) prod() *emulator.SandboxState {
	b.t.Helper()
	state := b.State()
	return state.Organization(acme).Sandbox("prod")
}

// flow is one of Acme's dataflows.
func (b *bench) flow(card, name string) *emulator.FlowState {
	b.t.Helper()
	f := b.prod().Flow(card, name)
	require.NotNil(b.t, f, "%s %s", card, name)
	return f
}

// account is Acme's one account on the card.
func (b *bench) account(card string) *emulator.AccountState {
	b.t.Helper()
	a := b.prod().Account(card, "Acme Pinterest")
	require.NotNil(b.t, a)
	return a
}

// reconnect plays the customer.
func (b *bench) reconnect(how emulator.Reconnection) {
	b.t.Helper()
	require.NoError(b.t, b.Reconnect(acme, "prod", b.account("new").ID, how))
}

// advance moves the emulator's clock.
func (b *bench) advance(d time.Duration) {
	b.t.Helper()
	require.NoError(b.t, b.Advance(d))
}

// entries are the ledger's entries that fit.
func (b *bench) entries(fits func(emulator.Entry) bool) []emulator.Entry {
	var out []emulator.Entry
	for _, entry := range b.Ledger(0) {
		if fits(entry) {
			out = append(out, entry)
		}
	}
	return out
}

// last is the newest entry of a kind.
func (b *bench) last(kind string) emulator.Entry {
	b.t.Helper()
	all := b.entries(func(e emulator.Entry) bool { return e.Kind == kind })
	require.NotEmpty(b.t, all, "no ledger entry of kind %s", kind)
	return all[len(all)-1]
}

func text(m map[string]any, path ...string) string {
	var v any = m
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[name]
	}
	s, _ := v.(string)
	return s
}
