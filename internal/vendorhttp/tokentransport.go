package vendorhttp

import (
	"bytes"
	"io"
	"net/http"
)

// TokenTransport carries one token request for the oauth2 library: it adds our
// headers and reads the answer itself, so that a connection lost half-way stays a
// network error instead of an unreadable answer.
type TokenTransport struct {
	// Base sends the request.
	Base http.RoundTripper
	// UserAgent says who asks.
	UserAgent string
	// IDHeader is the header of the vendor's request ids.
	IDHeader string
	// Secrets are what the request id of an answer may not repeat.
	Secrets []string
	// RequestID goes with the request unless it is empty; the answer's own id replaces it.
	RequestID string
	// Status is the answer's; 0 if there was none.
	Status int
}

// RoundTrip implements [http.RoundTripper].
func (t *TokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", t.UserAgent)
	if t.RequestID != "" {
		r.Header.Set(t.IDHeader, t.RequestID)
	}

	resp, err := t.Base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := ReadBody(resp.Body)
	if err != nil {
		return nil, err
	}
	if id := resp.Header.Get(t.IDHeader); id != "" {
		t.RequestID = Show(id, MaxCode, t.Secrets...)
	}
	t.Status = resp.StatusCode
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
