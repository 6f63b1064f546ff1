package vendorhttp

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// roundTrip is a transport that is one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTokenTransportSendsAndKeepsTheRequestID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ ours, answered, want string }{
		"ours":             {"sent", "", "sent"},
		"theirs":           {"sent", "rid-1", "rid-1"},
		"theirs alone":     {"", "rid-1", "rid-1"},
		"none":             {"", "", ""},
		"theirs, too long": {"", strings.Repeat("r", 100), strings.Repeat("r", MaxCode)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got http.Header
			seen := &TokenTransport{UserAgent: "cutover/1", IDHeader: "X-Rid", RequestID: tc.ours}
			seen.Base = roundTrip(func(r *http.Request) (*http.Response, error) {
				got = r.Header
				return &http.Response{
					StatusCode: http.StatusTeapot, Header: http.Header{"X-Rid": {tc.answered}}, Body: io.NopCloser(strings.NewReader("{}")),
				}, nil
			})
			resp, err := seen.RoundTrip(tokenRequest(t))
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, "{}", string(body))
			require.Equal(t, http.StatusTeapot, seen.Status)
			require.Equal(t, tc.want, seen.RequestID)
			require.Equal(t, tc.ours, got.Get("X-Rid"))
			require.Equal(t, tc.ours != "", got.Values("X-Rid") != nil, "no empty header is sent")
			require.Equal(t, "cutover/1", got.Get("User-Agent"))
			require.Equal(t, "application/json", got.Get("Accept"))
		})
	}
}

func TestAnAnswerLostHalfWayIsNoAnswer(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection reset")
	seen := &TokenTransport{Base: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(iotest.ErrReader(lost))}, nil
	})}
	resp, err := seen.RoundTrip(tokenRequest(t))
	if resp != nil {
		require.NoError(t, resp.Body.Close())
	}
	require.ErrorIs(t, err, lost)
	require.Zero(t, seen.Status)
}

func tokenRequest(t *testing.T) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example/token", http.NoBody)
	require.NoError(t, err)
	return request
}
