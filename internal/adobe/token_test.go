package adobe

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestTokenRequestHasTheFormIMSWants(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	forms := make(chan url.Values, 1)
	headers := make(chan http.Header, 1)
	f.token = func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		forms <- r.PostForm
		headers <- r.Header.Clone()
		if r.URL.RawQuery != "" || r.Method != http.MethodPost {
			t.Error("parameters belong in the body of a POST")
		}
		grant(w, firstToken, "86399")
	}
	_, err := f.sandbox(t).Accounts(t.Context(), "spec")
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"client-acme"}, "client_secret": {clientSecret},
		"scope": {"openid,AdobeID,read_organizations"},
	}, <-forms)
	h := <-headers
	require.Empty(t, h.Get("Authorization"))
	require.Contains(t, h.Get("User-Agent"), "cutover")
	require.NotEmpty(t, h.Get("X-Request-Id"))
}

func TestTokenIsKeptAndRenewedEarly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		expiresIn string
		keeps     time.Duration // the last second it is used
	}{
		"a day":               {"86399", 86399*time.Second - renewEarly},
		"as a string":         {`"86399"`, 86399*time.Second - renewEarly},
		"in milliseconds":     {"86399992", 86399992*time.Millisecond - renewEarly},
		"ten days in seconds": {"864000", 864000*time.Second - renewEarly},
		"short":               {"600", 300 * time.Second},
		"very short":          {"10", 5 * time.Second},
		"not told":            {"null", unknownLife / 2},
		"nothing":             {"0", unknownLife / 2},
		"senseless":           {"9007199254740991", unknownLife / 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			f := newFake(t, always(http.StatusOK, noItems))
			f.token = func(w http.ResponseWriter, _ *http.Request) { grant(w, firstToken, tc.expiresIn) }
			s := f.sandbox(t, func(c *Config) { c.Now = now.Now })
			ask := func() {
				_, err := s.Accounts(t.Context(), "spec")
				require.NoError(t, err)
			}
			ask()
			now.advance(tc.keeps - time.Millisecond)
			ask()
			require.Equal(t, 1, f.minted())
			now.advance(time.Millisecond)
			ask()
			require.Equal(t, 2, f.minted())
		})
	}
}

func TestEachCredentialHasItsOwnToken(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	c := f.client(t)
	same, organization, secret, scope := acme(), acme(), acme(), acme()
	same.Name = "called otherwise"
	organization.Organization = "other@AdobeOrg"
	secret.ClientSecret = "rotated"
	scope.Scopes = nil
	for _, cred := range []Credential{acme(), same, organization, secret, scope} {
		_, err := c.Sandbox(cred, "prod").Accounts(t.Context(), "spec")
		require.NoError(t, err)
	}
	require.Equal(t, 4, f.minted())
}

func TestOneTokenRequestAtATime(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	asked, release := make(chan struct{}, 8), make(chan struct{})
	f.token = func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		grant(w, firstToken, "86399")
	}
	s := f.sandbox(t)

	// The caller that asked first gives up; the request goes on for the others.
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := s.Accounts(ctx, "spec")
		gone <- err
	}()
	<-asked
	var group errgroup.Group
	for range 20 {
		group.Go(func() error {
			_, err := s.Accounts(t.Context(), "spec")
			return err
		})
	}
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	close(release)
	require.NoError(t, group.Wait())
	require.Equal(t, 1, f.minted())
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+firstToken {
			answerWith(w, http.StatusUnauthorized, `{"error_code":"401013","message":"Oauth token is not valid"}`)
			return
		}
		answerWith(w, http.StatusOK, `{"id":"flow-1","etag":"\"e\""}`)
	})
	s := f.sandbox(t)
	require.NoError(t, s.PatchDataflow(t.Context(), "flow-1", `"e"`, PatchOp{Op: OpReplace, Path: "/name", Value: "n"}))
	require.Equal(t, 2, f.minted())
	calls := f.seen()
	require.Len(t, calls, 2)
	require.Equal(t, calls[0].body, calls[1].body)
	require.NotEmpty(t, calls[1].body)

	require.NoError(t, s.Enable(t.Context(), "flow-1"))
	require.Equal(t, 2, f.minted(), "the renewed token is kept")
}

func TestASecondRefusalIsReturned(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusUnauthorized, `{"type":"https://ns.adobe.com/aep/errors/FLOW-2000-401","status":401}`))
	err := f.sandbox(t).Enable(t.Context(), "flow-1")
	require.ErrorIs(t, err, ErrUnauthorized)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "FLOW-2000-401", refused.Code)
	require.Len(t, f.seen(), 2)
	require.Equal(t, 2, f.minted())
}

// Two requests carry the old token; the slower one is refused after the faster one
// has brought a new token, which must survive.
func TestALateRefusalDoesNotDropANewerToken(t *testing.T) {
	t.Parallel()
	var old atomic.Int64
	arrived, renewed := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+firstToken {
			answerWith(w, http.StatusOK, noItems)
			return
		}
		if old.Add(1) == 1 {
			close(arrived)
			<-renewed
		}
		answerWith(w, http.StatusUnauthorized, `{"error_code":"401013"}`)
	})
	s := f.sandbox(t)
	slow := make(chan error, 1)
	go func() {
		_, err := s.Accounts(t.Context(), "spec")
		slow <- err
	}()
	<-arrived
	_, err := s.Accounts(t.Context(), "spec")
	require.NoError(t, err)
	require.Equal(t, 2, f.minted())
	close(renewed)
	require.NoError(t, <-slow)
	require.Equal(t, 2, f.minted())
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status    int
		body      string
		header    map[string]string
		code      string
		temporary bool
		wait      time.Duration
		advice    string
	}{
		"wrong secret": {
			status: 400, body: `{"error":"invalid_client","error_description":"invalid client_secret parameter CANARY"}`,
			code: "invalid_client", advice: "correct the client id and client secret",
		},
		"wrong scope":       {status: 400, body: `{"error":"invalid_scope","error_description":"CANARY"}`, code: "invalid_scope", advice: "scopes"},
		"error with 200":    {status: 200, body: `{"error":"invalid_client"}`, code: "invalid_client", advice: "client secret"},
		"code that is text": {status: 400, body: `{"error":"Secret CANARY is wrong"}`, advice: "developer console"},
		"throttled":         {status: 429, body: `{}`, header: map[string]string{"Retry-After": "7"}, temporary: true, wait: 7 * time.Second, advice: "after 7s"},
		"outage":            {status: 503, body: "<html>CANARY", temporary: true, advice: "later"},
		"refused":           {status: 403, body: "CANARY", advice: "developer console"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, always(http.StatusOK, noItems))
			f.token = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", "ims-request")
				for name, value := range tc.header {
					w.Header().Set(name, value)
				}
				answerWith(w, tc.status, tc.body)
			}
			_, err := f.sandbox(t).Accounts(t.Context(), "spec")
			var refused *TokenError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, TokenError{
				Credential: "acme", Organization: testOrg, Code: tc.code, Status: tc.status, RequestID: "ims-request", RetryAfter: tc.wait,
			}, *refused)
			require.Equal(t, tc.temporary, refused.Temporary())
			require.ErrorContains(t, err, tc.advice)
			require.ErrorContains(t, err, `credential "acme" of organization `+testOrg)
			requireNoSecret(t, err.Error())
			require.Empty(t, f.seen())
		})
	}
}

func TestMalformedTokenAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"HTML":        "<html>CANARY</html>",
		"truncated":   `{"access_token":"CANARY`,
		"no token":    `{"token_type":"bearer","refresh_token":"CANARY"}`,
		"wrong types": `{"access_token":"CANARY","expires_in":"CANARY"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, always(http.StatusOK, noItems))
			f.token = always(http.StatusOK, body)
			_, err := f.sandbox(t).Accounts(t.Context(), "spec")
			var malformed *MalformedError
			require.ErrorAs(t, err, &malformed)
			require.Contains(t, malformed.Want, "access_token")
			requireNoSecret(t, err.Error())
			require.True(t, strings.HasPrefix(err.Error(), "adobe: get an access token: organization "+testOrg))
		})
	}
}

func TestAFailedTokenRequestIsForgotten(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	var asked atomic.Int64
	f.token = func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			answerWith(w, http.StatusServiceUnavailable, "")
			return
		}
		grant(w, firstToken, "86399")
	}
	s := f.sandbox(t)
	_, err := s.Accounts(t.Context(), "spec")
	require.Error(t, err)
	_, err = s.Accounts(t.Context(), "spec")
	require.NoError(t, err)
}
