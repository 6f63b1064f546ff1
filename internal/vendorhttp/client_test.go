package vendorhttp

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseBase(t *testing.T) {
	t.Parallel()
	const example = "https://api.example"
	for name, tc := range map[string]struct {
		value      string
		allowPlain bool
		want       string
	}{
		"https":               {value: example},
		"loopback, IPv4":      {value: "http://127.0.0.1:8480"},
		"loopback, IPv6":      {value: "http://[::1]:8480"},
		"loopback by name":    {value: "http://LOCALHOST:1/"},
		"none":                {want: "TheURL must be an absolute URL such as " + example},
		"relative":            {value: "/ims", want: "absolute"},
		"unreadable":          {value: "https://CANARY\x7f", want: "absolute"},
		"plain http":          {value: "http://api.example", want: "TheURL must use https"},
		"plain http allowed":  {value: "http://api.example", allowPlain: true},
		"allowed is http":     {value: "ftp://api.example", allowPlain: true, want: "https"},
		"allowed, a password": {value: "http://me:CANARY@api.example", allowPlain: true, want: "user"},
		"loopback look-alike": {value: "http://localhost.example", want: "https"},
		"other scheme":        {value: "ftp://127.0.0.1", want: "https"},
		"password":            {value: "https://me:CANARY@api.example", want: "user"},
		"query":               {value: "https://api.example?key=CANARY", want: "query"},
		"fragment":            {value: "https://api.example#CANARY", want: "fragment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, err := ParseBase("TheURL", tc.value, example, tc.allowPlain)
			if tc.want == "" {
				require.NoError(t, err)
				require.Equal(t, "/", base.Path)
				return
			}
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "CANARY")
		})
	}
}

func TestARedirectIsTheAnswer(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/{$}", http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := NewHTTPClient(nil)
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	resp, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusTemporaryRedirect, resp.StatusCode)
}

func TestEachClientHasATransportOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := NewHTTPClient(nil), NewHTTPClient(nil)
	require.NotSame(t, one.Transport, other.Transport)
	require.NotSame(t, http.DefaultTransport, one.Transport)
	given := &http.Transport{}
	require.Same(t, given, NewHTTPClient(given).Transport)
}
