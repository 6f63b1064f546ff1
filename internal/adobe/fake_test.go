package adobe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientSecret = "p8e-CANARY/secret+value"
	firstToken   = "token-CANARY-1"
	testOrg      = "1A2B3C4D5E6F@AdobeOrg"
	testSandbox  = "emea"
)

func acme() Credential {
	return Credential{
		Name: "acme", Organization: testOrg, ClientID: "client-acme", ClientSecret: clientSecret,
		Scopes: []string{"openid", "AdobeID", "read_organizations"},
	}
}

// seen is one request as the fake met it.
type seen struct {
	method string
	path   string // below the flow service
	query  map[string][]string
	header http.Header
	body   string
}

// fake is IMS and Flow Service in one small server.
type fake struct {
	*httptest.Server

	token http.HandlerFunc // nil grants token-CANARY-1, -2 and so on for a day
	serve http.HandlerFunc

	mu     sync.Mutex
	tokens int
	calls  []seen
}

func (f *fake) handle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == tokenPath {
		f.mu.Lock()
		f.tokens++
		n := f.tokens
		f.mu.Unlock()
		if f.token != nil {
			f.token(w, r)
			return
		}
		grant(w, fmt.Sprintf("token-CANARY-%d", n), "86399")
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.URL.Path = strings.TrimPrefix(r.URL.Path, flowPath)
	f.mu.Lock()
	f.calls = append(f.calls, seen{
		method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header.Clone(), body: string(body),
	})
	f.mu.Unlock()
	f.serve(w, r)
}

func (f *fake) seen() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seen(nil), f.calls...)
}

func (f *fake) minted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens
}

func grant(w http.ResponseWriter, token, expiresIn string) {
	answerWith(w, http.StatusOK, `{"access_token":"`+token+`","token_type":"bearer","expires_in":`+expiresIn+`}`)
}

func answerWith(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func always(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answerWith(w, status, body) }
}

func newFake(t *testing.T, serve http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{serve: serve}
	f.Server = httptest.NewServer(http.HandlerFunc(f.handle))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := Config{IMSURL: f.URL, PlatformURL: f.URL, Transport: transport}
	for _, apply := range change {
		apply(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

func (f *fake) sandbox(t *testing.T, change ...func(*Config)) *Sandbox {
	t.Helper()
	return f.client(t, change...).Sandbox(acme(), testSandbox)
}

// signedIn puts a token into the cache, so that the next request is the first.
func (s *Sandbox) signedIn() *Sandbox {
	s.client.tokens.mu.Lock()
	defer s.client.tokens.mu.Unlock()
	s.client.tokens.cache[s.cred.key()] = token{value: firstToken, renewAt: time.Now().Add(time.Hour)}
	return s
}

// clock is a clock that stands until it is told to go on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2023, 11, 16, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

func requireNoSecret(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.NotContains(t, text, "CANARY")
	}
}
