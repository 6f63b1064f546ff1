package pinterest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientSecret = "app-CANARY/secret+value"
	accessToken  = "pina_CANARY_ACCESS_TOKEN_0001"
	refreshToken = "pinr_CANARY_REFRESH_TOKEN_001"
)

func acme() App { return App{ClientID: "1480000", ClientSecret: clientSecret} }

// seen is one request as the fake met it.
type seen struct {
	method string
	path   string
	query  map[string][]string
	form   map[string][]string
	header http.Header
}

type fake struct {
	*httptest.Server

	mu    sync.Mutex
	calls []seen
}

func newFake(t *testing.T, serve http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.mu.Lock()
		f.calls = append(f.calls, seen{r.Method, r.URL.Path, r.URL.Query(), r.PostForm, r.Header.Clone()})
		f.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) seen() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seen(nil), f.calls...)
}

func (f *fake) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := Config{URL: f.URL, Transport: transport, Now: noon}
	for _, apply := range change {
		apply(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

func noon() time.Time { return time.Date(2023, 11, 16, 12, 0, 0, 0, time.UTC) }

func answerWith(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Pinterest-Rid", "rid-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func always(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answerWith(w, status, body) }
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
