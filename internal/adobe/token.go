package adobe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"cutover/internal/vendorhttp"
)

const (
	// Tokens live about a day; renewing this early keeps one from ending inside a long listing.
	renewEarly = 500 * time.Second
	// The old exchange gave milliseconds: nothing lives longer than this in seconds.
	longestLife = 10 * 24 * time.Hour
	// For an answer that does not say how long the token lives.
	unknownLife = 5 * time.Minute
)

// tokens holds one access token per credential and asks for each once at a time.
type tokens struct {
	client *Client
	url    string
	group  singleflight.Group

	mu    sync.Mutex
	cache map[string]token
}

type token struct {
	value   string
	renewAt time.Time
}

func newTokens(client *Client, url string) *tokens {
	return &tokens{client: client, url: url, cache: make(map[string]token)}
}

// get returns a token that is not due for renewal. A caller whose context ends
// leaves the request to the others that wait for it.
func (t *tokens) get(ctx context.Context, cred Credential) (string, error) {
	key := cred.key()
	if value, ok := t.cached(key); ok {
		return value, nil
	}
	granted := t.group.DoChan(key, func() (any, error) {
		if value, ok := t.cached(key); ok {
			return value, nil
		}
		fresh, err := t.request(context.WithoutCancel(ctx), cred)
		if err != nil {
			return "", err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.cache[key] = fresh
		return fresh.value, nil
	})
	select {
	case <-ctx.Done():
		return "", t.transportError(cred, ctx.Err())
	case result := <-granted:
		value, _ := result.Val.(string)
		return value, result.Err
	}
}

func (t *tokens) cached(key string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	held, ok := t.cache[key]
	return held.value, ok && t.client.now().Before(held.renewAt)
}

// drop forgets a refused token, unless it was renewed meanwhile.
func (t *tokens) drop(cred Credential, refused string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := cred.key(); t.cache[key].value == refused {
		delete(t.cache, key)
	}
}

func (t *tokens) request(ctx context.Context, cred Credential) (token, error) {
	if err := t.client.pace(ctx); err != nil {
		return token{}, t.transportError(cred, err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.client.timeout)
	defer cancel()

	seen := &vendorhttp.TokenTransport{
		Base: t.client.http.Transport, UserAgent: userAgent, IDHeader: headerRequestID, RequestID: uuid.NewString(),
		Secrets: []string{cred.ClientSecret},
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, vendorhttp.NewHTTPClient(seen))
	cfg := clientcredentials.Config{
		ClientID:     cred.ClientID,
		ClientSecret: cred.ClientSecret,
		TokenURL:     t.url,
		AuthStyle:    oauth2.AuthStyleInParams,
	}
	if len(cred.Scopes) > 0 {
		// IMS wants commas; the library would join several with spaces.
		cfg.Scopes = []string{strings.Join(cred.Scopes, ",")}
	}

	asked, started := t.client.now(), time.Now()
	granted, err := cfg.Token(ctx)
	t.client.log.Debug("adobe token request",
		zap.String("credential", cred.Name), zap.String("organization", cred.Organization),
		zap.Int("status", seen.Status), zap.String("request_id", seen.RequestID), zap.Duration("took", time.Since(started)))
	if err != nil {
		return token{}, t.refusal(cred, err, seen.RequestID)
	}
	life := lifetime(granted.Extra("expires_in"))
	return token{value: granted.AccessToken, renewAt: asked.Add(life - min(renewEarly, life/2))}, nil
}

// lifetime reads expires_in: seconds, or milliseconds when no token lives that many seconds.
func lifetime(expiresIn any) time.Duration {
	var n float64
	switch v := expiresIn.(type) {
	case float64:
		n = v
	case string:
		n, _ = strconv.ParseFloat(v, 64)
	case json.Number:
		n, _ = v.Float64()
	}
	if n > longestLife.Seconds() {
		n /= 1000
	}
	if n <= 0 || n > longestLife.Seconds() {
		return unknownLife
	}
	return time.Duration(n * float64(time.Second))
}

// refusal replaces the library's error, whose text can hold the raw body.
func (t *tokens) refusal(cred Credential, err error, requestID string) error {
	if retrieve, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return &TokenError{
			Credential:   cred.Name,
			Organization: cred.Organization,
			Code:         tokenErrorCode(retrieve),
			Status:       retrieve.Response.StatusCode,
			RequestID:    requestID,
			RetryAfter:   retryAfter(retrieve.Response.Header, t.client.now()),
		}
	}
	if vendorhttp.IsTransport(err) {
		return t.transportError(cred, vendorhttp.TransportCause(err, cred.ClientSecret))
	}
	return &MalformedError{
		Op:           opToken,
		Organization: cred.Organization,
		Want:         "a JSON object with access_token and expires_in",
		Got:          "(not shown: a token answer can hold a secret)",
		RequestID:    requestID,
	}
}

func (t *tokens) transportError(cred Credential, cause error) error {
	return &TransportError{Op: opToken, Organization: cred.Organization, Method: http.MethodPost, Path: tokenPath, Err: cause}
}

const opToken = "get an access token"

var errorCodePattern = regexp.MustCompile(`^[a-z_]{1,40}$`)

func tokenErrorCode(err *oauth2.RetrieveError) string {
	switch {
	case errorCodePattern.MatchString(err.ErrorCode):
		return err.ErrorCode
	case vendorhttp.IsRedirect(err.Response.StatusCode):
		return codeRedirect
	default:
		return ""
	}
}
