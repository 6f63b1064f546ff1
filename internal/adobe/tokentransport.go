package adobe

import (
	"bytes"
	"io"
	"net/http"

	"github.com/google/uuid"
)

// tokenTransport carries token requests for the oauth2 library: it adds our
// headers and reads the answer itself, so that a connection lost half-way stays a
// network error instead of an unreadable answer.
type tokenTransport struct {
	base      http.RoundTripper
	requestID string
	status    int // 0 if there was no answer
}

// RoundTrip implements [http.RoundTripper].
func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.requestID = uuid.NewString()
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set(headerRequestID, t.requestID)

	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if id := resp.Header.Get(headerRequestID); id != "" {
		t.requestID = clip(id, maxCode)
	}
	t.status = resp.StatusCode
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
