package activities

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/adobe"
	"cutover/internal/engine"
	"cutover/internal/notify"
)

func TestMapError(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string, after time.Duration) error {
		return fmt.Errorf("wrapped: %w", &adobe.Error{Op: "enable dataflow f", Organization: "A@AdobeOrg", Status: status, Code: code, RequestID: "r-1", RetryAfter: after})
	}
	for name, c := range map[string]struct {
		err       error
		kind      string
		permanent bool
		after     time.Duration
	}{
		"too many requests":           {answer(429, "429050", 0), RateLimited, false, 0},
		"too many requests, told":     {answer(429, "429050", 90*time.Second), RateLimited, false, 90 * time.Second},
		"internal":                    {answer(500, "FLOW-1102-500", 0), Unavailable, false, 0},
		"unavailable, told":           {answer(503, "FLOW-1103-503", 7*time.Second), Unavailable, false, 7 * time.Second},
		"gateway timeout":             {answer(504, "", 0), Unavailable, false, 0},
		"request timeout":             {answer(408, "", 0), Unavailable, false, 0},
		"own token refused twice":     {answer(401, "401013", 0), TokenRefused, false, 0},
		"changed since read":          {answer(412, "FLOW-1404-412", 0), PlanStale, true, 0},
		"bad request":                 {answer(400, "FLOW-1440-400", 0), Refused, true, 0},
		"forbidden":                   {answer(403, "403025", 0), Refused, true, 0},
		"not found or hidden":         {answer(404, "FLOW-1439-404", 0), Refused, true, 0},
		"unprocessable":               {answer(422, "", 0), Refused, true, 0},
		"a redirect is not followed":  {answer(302, "redirect", 0), Refused, true, 0},
		"malformed":                   {&adobe.MalformedError{Op: "list dataflows", Want: "JSON", Got: "<html>"}, Malformed, true, 0},
		"wrong client secret":         {&adobe.TokenError{Credential: "acme", Code: "invalid_client", Status: 400}, CredentialRefused, true, 0},
		"token endpoint refuses with": {&adobe.TokenError{Credential: "acme", Code: "invalid_client", Status: 401}, CredentialRefused, true, 0},
		"token endpoint is down":      {&adobe.TokenError{Credential: "acme", Status: 502}, Unavailable, false, 0},
		"token endpoint is busy":      {&adobe.TokenError{Credential: "acme", Status: 429, RetryAfter: time.Minute}, RateLimited, false, time.Minute},
		"connection cut":              {&adobe.TransportError{Err: &net.OpError{Op: "read", Err: errors.New("reset")}}, Unavailable, false, 0},
		"a write's answer lost":       {lostAnswer{&adobe.TransportError{Err: &net.OpError{Op: "read", Err: errors.New("reset")}}}, Unavailable, false, time.Second},
		"writes are stopped":          {fmt.Errorf("adobe: enable: %w", &engine.GateError{Limit: engine.QueueLimit{Set: true}}), Stopped, false, time.Second},
		"whether they are, not known": {fmt.Errorf("adobe: enable: %w", &engine.GateError{Cause: context.DeadlineExceeded}), Unavailable, false, time.Second},
		"timeout":                     {context.DeadlineExceeded, Unavailable, false, 0},
		"no channel took it":          {&notify.UndeliveredError{Kind: "start", Organization: "A@AdobeOrg"}, NoticeUndelivered, false, 0},
		"card missing":                {cardMissing{"(New) Pinterest", "A@AdobeOrg"}, Misconfigured, true, 0},
		"anything else":               {errors.New("disk full"), Unavailable, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *temporal.ApplicationError
			require.ErrorAs(t, mapError(t.Context(), "switch", c.err), &got)
			require.Equal(t, c.kind, got.Type())
			require.Equal(t, c.permanent, got.NonRetryable())
			require.Equal(t, c.after, got.NextRetryDelay())
			require.Contains(t, got.Message(), "switch")
			require.NoError(t, got.Unwrap(), "causes would travel to history whole")
		})
	}
	require.NoError(t, mapError(t.Context(), "switch", nil))

	typed := permanent("stale", PlanStale)
	require.Equal(t, typed, mapError(t.Context(), "switch", typed), "what is typed stays so")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, mapError(ended, "switch", errors.New("cut short")), context.Canceled)
}

func TestNotYetIsBenign(t *testing.T) {
	t.Parallel()
	var got *temporal.ApplicationError
	require.ErrorAs(t, notYet("nothing", time.Hour), &got)
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, got.Category())
	require.False(t, got.NonRetryable())
	require.Equal(t, time.Hour, got.NextRetryDelay())
}
