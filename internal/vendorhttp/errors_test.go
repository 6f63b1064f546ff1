package vendorhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTransportCauseNamesNoURL(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	failed := fmt.Errorf("oauth2: %w", &url.Error{Op: "Post", URL: "https://api.example?code=CANARY", Err: cause})
	require.True(t, IsTransport(failed))
	require.Equal(t, cause, TransportCause(failed))

	require.False(t, IsTransport(cause))
	require.Equal(t, cause, TransportCause(cause))
}

func TestTimedOut(t *testing.T) {
	t.Parallel()
	require.True(t, TimedOut(fmt.Errorf("own rate limit: %w", context.DeadlineExceeded)))
	require.True(t, TimedOut(&url.Error{Err: os.ErrDeadlineExceeded}), "a network error that timed out")
	require.False(t, TimedOut(context.Canceled))
	require.False(t, TimedOut(errors.New("connection reset")))
}

func TestTemporary(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{
		400: false, 401: false, 404: false, 408: true, 412: false, 429: true, 500: true, 501: false, 502: true, 503: true, 504: true,
	} {
		require.Equal(t, want, Temporary(status), status)
	}
}

func TestRedirectMessageNamesTheHostAlone(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"https://login.example/CANARY?token=CANARY": "redirected to login.example",
		"/CANARY":          "redirected",
		"":                 "redirected",
		"https://CANARY\b": "redirected",
	} {
		require.Equal(t, want, RedirectMessage(http.Header{"Location": {location}}))
	}
	for status, want := range map[int]bool{200: false, 299: false, 300: true, 302: true, 308: true, 399: true, 400: false} {
		require.Equal(t, want, IsRedirect(status), status)
	}
}
