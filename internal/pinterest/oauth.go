package pinterest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/oauth2"

	"cutover/internal/vendorhttp"
)

const (
	opRefresh  = "refresh grant"
	opExchange = "exchange authorization code"
	tokenPath  = "/oauth/token"
)

// AuthorizeURL returns the page where a person consents. state comes back with the
// code; challenge is the S256 challenge of a verifier, or empty.
func (c *Client) AuthorizeURL(app App, redirectURL, state, challenge string, scopes ...string) string {
	var opts []oauth2.AuthCodeOption
	if challenge != "" {
		opts = append(opts,
			oauth2.SetAuthURLParam("code_challenge", challenge), oauth2.SetAuthURLParam("code_challenge_method", "S256"))
	}
	cfg := c.oauth(app)
	cfg.RedirectURL = redirectURL
	if len(scopes) > 0 {
		// Pinterest wants commas; the library would join several with spaces.
		cfg.Scopes = []string{strings.Join(scopes, ",")}
	}
	return cfg.AuthCodeURL(state, opts...)
}

// Exchange turns the code of a consent into a grant. redirectURL is the one of
// AuthorizeURL; verifier is the one of its challenge, or empty. A code that is
// used, too old or not this app's gives an error for which [ErrInvalidGrant] holds.
func (c *Client) Exchange(ctx context.Context, app App, code, redirectURL, verifier string) (Grant, error) {
	if code == "" {
		return Grant{}, fmt.Errorf("pinterest: %s: %s: no code", opExchange, app)
	}
	// Older apps get refresh tokens that live on only when they ask for them.
	opts := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("continuous_refresh", "true")}
	if verifier != "" {
		opts = append(opts, oauth2.VerifierOption(verifier))
	}
	cfg := c.oauth(app)
	cfg.RedirectURL = redirectURL
	return c.grant(ctx, opExchange, app.secrets(code, verifier), func(ctx context.Context) (*oauth2.Token, error) {
		return cfg.Exchange(ctx, code, opts...)
	})
}

// Refresh renews a grant. Pinterest may replace the refresh token, and the old one
// is then dead: store the returned grant before using it. When the answer brings
// no refresh token the given one stays. If it is no longer good, [ErrInvalidGrant]
// holds for the error and a person must consent again.
func (c *Client) Refresh(ctx context.Context, app App, refreshToken string) (Grant, error) {
	if refreshToken == "" {
		return Grant{}, fmt.Errorf("pinterest: %s: %s: no refresh token", opRefresh, app)
	}
	return c.grant(ctx, opRefresh, app.secrets(refreshToken), func(ctx context.Context) (*oauth2.Token, error) {
		return c.oauth(app).TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	})
}

func (c *Client) oauth(app App) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     app.ClientID,
		ClientSecret: app.ClientSecret,
		Endpoint: oauth2.Endpoint{
			AuthURL:   c.web.JoinPath("/oauth/").String(),
			TokenURL:  c.api.JoinPath(tokenPath).String(),
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

func (c *Client) grant(ctx context.Context, op string, secrets []string, ask func(context.Context) (*oauth2.Token, error)) (Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	seen := &vendorhttp.TokenTransport{Base: c.http.Transport, UserAgent: userAgent, IDHeader: headerRequestID, Secrets: secrets}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, vendorhttp.NewHTTPClient(seen))

	asked, started := c.now(), time.Now()
	token, err := ask(ctx)
	c.log.Debug("pinterest token request",
		zap.String("operation", op), zap.Int("status", seen.Status), zap.String("request_id", seen.RequestID), zap.Duration("took", time.Since(started)))
	if err != nil {
		return Grant{}, c.tokenRefusal(op, err, seen.RequestID, secrets)
	}
	return Grant{
		AccessToken:      token.AccessToken,
		RefreshToken:     token.RefreshToken,
		ExpiresAt:        after(asked, seconds(token.Extra("expires_in"))),
		RefreshExpiresAt: refreshExpiry(asked, token),
		Scopes:           scopes(token.Extra("scope")),
	}, nil
}

func (c *Client) tokenRefusal(op string, err error, requestID string, secrets []string) error {
	call := call{op: op, method: http.MethodPost, path: tokenPath, secrets: secrets}
	if retrieve, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return c.refusal(call, retrieve.Response, retrieve.Body, requestID)
	}
	if vendorhttp.IsTransport(err) {
		return call.transportError(err)
	}
	return &MalformedError{
		Op: op, Want: "a JSON object with access_token and expires_in",
		Got: "(not shown: a token answer can hold a secret)", RequestID: requestID,
	}
}

// refreshExpiry prefers the lifetime over the instant, whose unit is not documented.
func refreshExpiry(asked time.Time, token *oauth2.Token) time.Time {
	if life := seconds(token.Extra("refresh_token_expires_in")); life > 0 {
		return after(asked, life)
	}
	if at := seconds(token.Extra("refresh_token_expires_at")); at > 0 {
		return time.Unix(at, 0).UTC()
	}
	return time.Time{}
}

func after(start time.Time, life int64) time.Time {
	if life <= 0 {
		return time.Time{}
	}
	return start.Add(time.Duration(life) * time.Second)
}

// seconds reads a number however it is spelled; 0 for anything senseless.
func seconds(value any) int64 {
	const longest = 1 << 33 // beyond the year 2200, as an epoch second and as a lifetime
	var n float64
	switch v := value.(type) {
	case float64:
		n = v
	case json.Number:
		n, _ = v.Float64()
	case string:
		n, _ = strconv.ParseFloat(v, 64)
	}
	if n < 0 || n > longest {
		return 0
	}
	return int64(n)
}

func scopes(value any) []string {
	spelled, _ := value.(string)
	return strings.FieldsFunc(spelled, func(r rune) bool { return r == ',' || r == ' ' })
}
