package adobe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"cutover/internal/vendorhttp"
)

const (
	headerRequestID = "x-request-id"
	headerSandbox   = "x-sandbox-name"
	headerOrg       = "x-gw-ims-org-id"
	headerAPIKey    = "x-api-key"
)

// request is one call of Flow Service.
type request struct {
	op     string
	method string
	path   string // below the flow service
	query  url.Values
	etag   string
	body   []byte
	hide   []string // values no error may repeat, besides the credential's own
}

// answer is a successful answer and what is needed to report that it makes no sense.
type answer struct {
	op        string
	body      []byte
	requestID string
	secrets   []string
}

// send makes the call, renewing a refused token once.
func (s *Sandbox) send(ctx context.Context, r request) (answer, error) {
	if s.name == "" || s.cred.Organization == "" || s.cred.ClientID == "" {
		return answer{}, fmt.Errorf("adobe: %s: %s: sandbox name, organization and client id must not be empty", r.op, s.cred)
	}
	token, err := s.client.tokens.get(ctx, s.cred)
	if err != nil {
		return answer{}, err
	}
	got, err := s.attempt(ctx, r, token)
	if !errors.Is(err, ErrUnauthorized) {
		return got, err
	}
	s.client.tokens.drop(s.cred, token)
	if token, err = s.client.tokens.get(ctx, s.cred); err != nil {
		return answer{}, err
	}
	return s.attempt(ctx, r, token)
}

func (s *Sandbox) attempt(ctx context.Context, r request, token string) (answer, error) {
	if err := s.client.pace(ctx); err != nil {
		return answer{}, s.transportError(r, err)
	}
	if r.method != http.MethodGet && s.client.gate != nil {
		if err := s.client.gate(ctx); err != nil { // no transport error: it is known that nothing was sent
			return answer{}, fmt.Errorf("adobe: %s: %s: not sent: %w", r.op, place(s.cred.Organization, s.name), err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.client.timeout)
	defer cancel()

	req, err := s.newRequest(ctx, r, token)
	if err != nil {
		return answer{}, err
	}
	secrets := append([]string{token, s.cred.ClientSecret}, r.hide...)
	started := time.Now()
	resp, err := s.client.http.Do(req)
	if err != nil {
		return answer{}, s.transportError(r, vendorhttp.TransportCause(err, secrets...))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := vendorhttp.ReadBody(resp.Body)
	if err != nil {
		return answer{}, s.transportError(r, vendorhttp.TransportCause(err, secrets...))
	}

	got := answer{
		op:        r.op,
		body:      body,
		requestID: req.Header.Get(headerRequestID),
		secrets:   secrets,
	}
	if id := resp.Header.Get(headerRequestID); id != "" {
		got.requestID = vendorhttp.Show(id, vendorhttp.MaxCode, secrets...)
	}
	s.client.log.Debug("adobe request",
		zap.String("operation", r.op), zap.String("method", r.method), zap.String("path", r.path),
		zap.String("organization", s.cred.Organization), zap.String("sandbox", s.name),
		zap.Int("status", resp.StatusCode), zap.String("request_id", got.requestID), zap.Duration("took", time.Since(started)))

	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return answer{}, s.refusal(r, resp, got)
	case len(body) > vendorhttp.MaxBody:
		return answer{}, &longError{s.malformed(got, "an answer of at most 16 MiB", body)}
	default:
		return got, nil
	}
}

func (s *Sandbox) newRequest(ctx context.Context, r request, token string) (*http.Request, error) {
	target := *s.client.flow
	target.Path += r.path
	target.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, s.transportError(r, errors.New("the request cannot be built"))
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set(headerAPIKey, s.cred.ClientID)
	req.Header.Set(headerOrg, s.cred.Organization)
	req.Header.Set(headerSandbox, s.name)
	req.Header.Set(headerRequestID, uuid.NewString())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.etag != "" {
		req.Header.Set("If-Match", r.etag)
	}
	return req, nil
}

func (s *Sandbox) transportError(r request, cause error) error {
	return &TransportError{
		Op: r.op, Organization: s.cred.Organization, Sandbox: s.name, Method: r.method, Path: r.path, Err: cause,
	}
}

func (s *Sandbox) malformed(got answer, want string, fragment []byte) error {
	token, _ := s.client.tokens.cached(s.cred.key()) // a fragment of an earlier answer comes without what was sent for it
	secrets := append([]string{token, s.cred.ClientSecret}, got.secrets...)
	return &MalformedError{
		Op: got.op, Organization: s.cred.Organization, Sandbox: s.name, Want: want,
		Got: vendorhttp.Show(string(fragment), vendorhttp.MaxMessage, secrets...), RequestID: got.requestID,
	}
}

// idPattern holds for every id Adobe gives out and keeps a path inside its resource.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func checkID(op, id string) error {
	if !idPattern.MatchString(id) {
		return fmt.Errorf("adobe: %s: %q is not an id (letters, digits, - and _)", op, vendorhttp.Clip(id, vendorhttp.MaxCode))
	}
	return nil
}
