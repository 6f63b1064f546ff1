package pinterest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

const granted = `{"access_token":"` + accessToken + `","token_type":"bearer","expires_in":2592000,"scope":"ads:read,user_accounts:read",
	"response_type":"refresh_token","refresh_token":"pinr_CANARY_NEW","refresh_token_expires_in":5184000,"refresh_token_expires_at":1}`

func TestRefresh(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, granted))
	got, err := f.client(t).Refresh(t.Context(), acme(), refreshToken)
	require.NoError(t, err)
	require.Equal(t, Grant{
		AccessToken: accessToken, RefreshToken: "pinr_CANARY_NEW",
		ExpiresAt: noon().Add(30 * 24 * time.Hour), RefreshExpiresAt: noon().Add(60 * 24 * time.Hour),
		Scopes: []string{"ads:read", "user_accounts:read"},
	}, got)

	call := f.seen()[0]
	require.Equal(t, "POST /v5/oauth/token", call.method+" "+call.path)
	require.Empty(t, call.query)
	require.Equal(t, map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}, call.form)
	basic := http.Request{Header: call.header}
	id, secret, ok := basic.BasicAuth()
	require.True(t, ok)
	require.Equal(t, "1480000", id)
	require.Equal(t, url.QueryEscape(clientSecret), secret, "RFC 6749 wants it form-encoded")
	require.Contains(t, call.header.Get("User-Agent"), "cutover")
}

func TestRefreshWithoutANewRefreshTokenKeepsTheOld(t *testing.T) {
	t.Parallel()
	for _, field := range []string{``, `,"refresh_token":null`, `,"refresh_token":""`} {
		f := newFake(t, always(http.StatusOK, `{"access_token":"`+accessToken+`","token_type":"bearer","expires_in":"2592000"`+field+`}`))
		got, err := f.client(t).Refresh(t.Context(), acme(), refreshToken)
		require.NoError(t, err)
		require.Equal(t, Grant{AccessToken: accessToken, RefreshToken: refreshToken, ExpiresAt: noon().Add(30 * 24 * time.Hour)},
			Grant{AccessToken: got.AccessToken, RefreshToken: got.RefreshToken, ExpiresAt: got.ExpiresAt, RefreshExpiresAt: got.RefreshExpiresAt})
		require.Empty(t, got.Scopes)
	}
}

func TestRefreshTokenLifetimes(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]time.Time{
		`"refresh_token_expires_in":60`:                                  noon().Add(time.Minute),
		`"refresh_token_expires_in":"60"`:                                noon().Add(time.Minute),
		`"refresh_token_expires_at":1700000000`:                          time.Unix(1700000000, 0).UTC(),
		`"refresh_token_expires_in":0,"refresh_token_expires_at":"junk"`: {},
		`"refresh_token_expires_in":-5`:                                  {},
		`"refresh_token_expires_in":1e300`:                               {},
		`"refresh_token_expires_in":{"x":1}`:                             {},
		`"other":1`:                                                      {},
	} {
		f := newFake(t, always(http.StatusOK, `{"access_token":"`+accessToken+`","refresh_token":"r",`+fields+`}`))
		got, err := f.client(t).Refresh(t.Context(), acme(), refreshToken)
		require.NoError(t, err, fields)
		require.Equal(t, want, got.RefreshExpiresAt, fields)
		require.True(t, got.ExpiresAt.IsZero())
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, granted))
	c := f.client(t)
	got, err := c.Exchange(t.Context(), acme(), "code-CANARY", "https://ops.example/callback", "verifier-CANARY")
	require.NoError(t, err)
	require.Equal(t, accessToken, got.AccessToken)
	_, err = c.Exchange(t.Context(), acme(), "code-CANARY", "https://ops.example/callback", "")
	require.NoError(t, err)
	form := map[string][]string{
		"grant_type": {"authorization_code"}, "code": {"code-CANARY"}, "redirect_uri": {"https://ops.example/callback"},
		"continuous_refresh": {"true"}, "code_verifier": {"verifier-CANARY"},
	}
	require.Equal(t, form, f.seen()[0].form)
	delete(form, "code_verifier")
	require.Equal(t, form, f.seen()[1].form)
}

func TestNothingIsSentWithoutAToken(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, granted))
	c := f.client(t)
	_, refresh := c.Refresh(t.Context(), acme(), "")
	_, exchange := c.Exchange(t.Context(), acme(), "", "https://ops.example", "")
	_, audiences := c.Audiences(t.Context(), "", "549755885175")
	_, user := c.UserAccount(t.Context(), "")
	_, accounts := c.AdAccounts(t.Context(), "")
	for _, err := range []error{refresh, exchange, audiences, user, accounts} {
		require.Error(t, err)
		requireNoSecret(t, err.Error())
	}
	require.Empty(t, f.seen())
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cfg  Config
		want string
	}{
		{Config{URL: DefaultURL}, "https://www.pinterest.com/oauth/"},
		{Config{URL: DefaultURL + "/"}, "https://www.pinterest.com/oauth/"},
		{Config{URL: "http://127.0.0.1:8480"}, "http://127.0.0.1:8480/oauth/"},
		{Config{URL: DefaultURL, WebURL: "https://sign-in.example"}, "https://sign-in.example/oauth/"},
	} {
		c, err := New(tc.cfg)
		require.NoError(t, err)
		u, err := url.Parse(c.AuthorizeURL(acme(), "https://ops.example/callback", "state-1", "challenge-1", "ads:read", "user_accounts:read"))
		require.NoError(t, err)
		require.Equal(t, url.Values{
			"client_id": {"1480000"}, "redirect_uri": {"https://ops.example/callback"}, "response_type": {"code"}, "state": {"state-1"},
			"scope": {"ads:read,user_accounts:read"}, "code_challenge": {"challenge-1"}, "code_challenge_method": {"S256"},
		}, u.Query())
		u.RawQuery = ""
		require.Equal(t, tc.want, u.String())

		u, err = url.Parse(c.AuthorizeURL(acme(), "https://ops.example/callback", "state-1", ""))
		require.NoError(t, err)
		require.NotContains(t, u.Query(), "code_challenge_method")
		require.NotContains(t, u.Query(), "scope")
	}
}

func TestTokenEndpointErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		is     error
		code   int
		advice string
	}{
		"invalid grant":          {401, `{"code":283,"message":"The authorization grant is invalid ` + refreshToken + `"}`, ErrInvalidGrant, 283, "consent again"},
		"code as text":           {401, `{"code":"283","message":"x"}`, ErrInvalidGrant, 283, "consent again"},
		"invalid grant, 400":     {400, `{"code":283,"message":"x"}`, ErrInvalidGrant, 283, "consent again"},
		"as RFC 6749 says":       {400, `{"error":"invalid_grant"}`, ErrInvalidGrant, 0, "consent again"},
		"a gateway's 401":        {401, `<html>`, ErrUnauthorized, 0, "client secret"},
		"401 of another code":    {401, `{"code":3,"message":"x"}`, ErrUnauthorized, 3, "client secret"},
		"wrong app":              {401, `{"code":2,"message":"Authentication failed"}`, ErrUnauthorized, 2, "client secret"},
		"wrong app, as RFC 6749": {401, `{"error":"invalid_client"}`, ErrUnauthorized, 0, "client secret"},
		"bad request":            {400, `{"code":1,"message":"Missing ` + clientSecret + `"}`, nil, 1, "correct the request"},
		"outage":                 {503, `{"code":4197,"message":"ramped down"}`, nil, 4197, "later"},
		"redirect":               {302, ``, nil, 0, "not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://evil.example/")
				answerWith(w, tc.status, tc.body)
			})
			_, err := f.client(t).Refresh(t.Context(), acme(), refreshToken)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tc.status, refused.Status)
			require.Equal(t, tc.code, refused.Code)
			require.Equal(t, "rid-1", refused.RequestID)
			require.ErrorContains(t, err, "pinterest: refresh grant: POST /oauth/token")
			require.ErrorContains(t, err, tc.advice)
			for _, target := range []error{ErrInvalidGrant, ErrUnauthorized} {
				if errors.Is(tc.is, target) {
					require.ErrorIs(t, err, target)
				} else {
					require.NotErrorIs(t, err, target)
				}
			}
			requireNoSecret(t, err.Error())
			require.Len(t, f.seen(), 1)
		})
	}
}

func TestMalformedTokenAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`<html>CANARY`, `{"access_token":"CANARY`, `{"refresh_token":"CANARY"}`, `[]`, ``} {
		_, err := newFake(t, always(http.StatusOK, body)).client(t).Refresh(t.Context(), acme(), refreshToken)
		var malformed *MalformedError
		require.ErrorAs(t, err, &malformed, body)
		require.Equal(t, "rid-1", malformed.RequestID)
		requireNoSecret(t, err.Error())
	}
}

func TestATokenAnswerThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"access_token":"CANARY`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFake(t, serve).client(t).Refresh(t.Context(), acme(), refreshToken)
			var transport *TransportError
			require.ErrorAs(t, err, &transport)
			requireNoSecret(t, err.Error())
		})
	}
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := f.client(t, func(c *Config) { c.Timeout = 20 * time.Millisecond }).Refresh(t.Context(), acme(), refreshToken)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var transport *TransportError
	require.ErrorAs(t, err, &transport)
	require.True(t, transport.Timeout())
}

func TestGrantAndAppRedactThemselves(t *testing.T) {
	t.Parallel()
	grant := Grant{AccessToken: accessToken, RefreshToken: refreshToken, ExpiresAt: noon(), Scopes: []string{"ads:read"}}
	for _, v := range []any{grant, &grant, []Grant{grant}, map[string]Grant{"a": grant}, acme(), struct{ App App }{acme()}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			requireNoSecret(t, fmt.Sprintf(verb, v))
		}
		requireNoSecret(t, asJSON(t, v))
	}
	require.Equal(t, "pinterest grant (access token until 2023-11-16T12:00:00Z, refresh token until unknown)", grant.String())
	require.Equal(t, "pinterest app 1480000", acme().GoString())

	var out bytes.Buffer
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zapcore.DebugLevel)).Info("x", zap.Any("grant", grant), zap.Any("app", acme()))
	require.NotEmpty(t, out.String())
	requireNoSecret(t, out.String())
}

func TestLogsNameTheRequestAndNoSecret(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	f := newFake(t, always(http.StatusOK, granted))
	c := f.client(t, func(c *Config) { c.Logger = zap.New(core) })
	_, err := c.Refresh(t.Context(), acme(), refreshToken)
	require.NoError(t, err)
	_, err = c.Audiences(t.Context(), accessToken, "1")
	require.Error(t, err)
	require.Equal(t, 2, logs.Len())
	for _, entry := range logs.All() {
		require.Equal(t, "rid-1", entry.ContextMap()["request_id"])
		requireNoSecret(t, fmt.Sprint(entry.Message, entry.ContextMap()))
	}
}
