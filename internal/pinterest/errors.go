package pinterest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cutover/internal/vendorhttp"
)

// What [errors.Is] tells of an [Error].
var (
	// ErrInvalidGrant says that a refresh token or an authorization code is no longer good: a person must consent again.
	ErrInvalidGrant = errors.New("grant is no longer valid")
	// ErrUnauthorized says that the access token, or the app's own credential, was refused (401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrNotFound says that the ad account does not exist or is not visible to the token (404).
	ErrNotFound = errors.New("not found")
	// ErrSpamBlocked says that Pinterest takes the calls for spam (429): waiting for the rate limit does not help.
	ErrSpamBlocked = errors.New("blocked as spam")
)

// Pinterest's own codes that mean more than their status.
const (
	codeInvalidGrant = 283
	// The longest quota is a day's.
	longestWait = 24 * time.Hour
)

// Error is an answer that refuses a call.
type Error struct {
	Op     string
	Method string
	// Path is below the API's version, such as /oauth/token.
	Path   string
	Status int
	// Code is Pinterest's; 0 if none was given.
	Code int
	// Message is Pinterest's, redacted and at most 200 bytes.
	Message   string
	RequestID string
	// RetryAfter is how long to wait for the quota; 0 if Pinterest does not say.
	RetryAfter time.Duration

	invalidGrant bool
	spam         bool
}

// Error says what failed, why and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pinterest: %s: %s %s: status %d", e.Op, e.Method, e.Path, e.Status)
	if e.Code != 0 {
		fmt.Fprintf(&b, " (code %d)", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	fmt.Fprintf(&b, "; %s", e.advice())
	return b.String()
}

// Is tells which of the package's sentinels the answer stands for.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalidGrant:
		return e.invalidGrant
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized && !e.invalidGrant
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrSpamBlocked:
		return e.spam
	default:
		return false
	}
}

// Temporary tells whether the same call can succeed later: 408, 429 and 5xx except 501.
func (e *Error) Temporary() bool { return vendorhttp.Temporary(e.Status) }

func (e *Error) advice() string {
	switch {
	case vendorhttp.IsRedirect(e.Status):
		return "redirects are not followed: correct the configured URL"
	case e.invalidGrant:
		return "a person must consent again at Pinterest"
	case e.Status == http.StatusUnauthorized && e.Path == tokenPath:
		return "correct the app's client id and client secret"
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return "renew the grant; if it is fresh, check its scopes and the person's role in the ad account"
	case e.spam:
		return "stop calling and ask Pinterest with the request id"
	case e.RetryAfter > 0:
		return "try again after " + e.RetryAfter.String()
	case e.Temporary():
		return "try again later"
	default:
		return "correct the request or ask Pinterest with the request id"
	}
}

// MalformedError is an answer that cannot be understood: no JSON, cut off, of a
// wrong type, or without what the call is about.
type MalformedError struct {
	Op string
	// Want says what was expected.
	Want string
	// Got is the beginning of the answer, redacted, at most 200 bytes.
	Got       string
	RequestID string
}

// Error says what was expected and what came.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("pinterest: %s: malformed answer: want %s, got %q [request %s]; check the configured URL and what stands between it and here",
		e.Op, e.Want, e.Got, e.RequestID)
}

// TransportError is a call that got no whole answer. It unwraps to the cause, so
// [errors.Is] finds context errors and [errors.As] finds a [net.Error]. A refresh
// that ends so may have replaced the refresh token all the same.
type TransportError struct {
	Op     string
	Method string
	Path   string
	Err    error
}

// Error says what was tried and why there is no answer.
func (e *TransportError) Error() string {
	return fmt.Sprintf("pinterest: %s: %s %s: no answer: %v; try again", e.Op, e.Method, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// Timeout tells whether the answer took too long.
func (e *TransportError) Timeout() bool { return vendorhttp.TimedOut(e.Err) }

// refusal reads Pinterest's error body and, at the token endpoint, OAuth's.
func (c *Client) refusal(r call, resp *http.Response, raw []byte, requestID string) error {
	e := &Error{Op: r.op, Method: r.method, Path: r.path, Status: resp.StatusCode, RequestID: requestID}
	if vendorhttp.IsRedirect(resp.StatusCode) {
		e.Message = vendorhttp.RedirectMessage(resp.Header, r.secrets...)
		return e
	}
	var body struct {
		Code          text `json:"code"`
		Message       text `json:"message"`
		MessageDetail text `json:"message_detail"`
		OAuthError    text `json:"error"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		e.Message = "the answer is no JSON object"
	} else {
		e.Code, _ = strconv.Atoi(string(body.Code))
		e.Message = vendorhttp.Show(string(cmp.Or(body.Message, body.MessageDetail, body.OAuthError)), vendorhttp.MaxMessage, r.secrets...)
	}
	switch {
	case r.path == tokenPath:
		// Nothing else says so: a gateway in between answers 401 too, and a person must not be asked for that.
		e.invalidGrant = e.Code == codeInvalidGrant || body.OAuthError == "invalid_grant"
	case resp.StatusCode == http.StatusTooManyRequests:
		said := strings.ToLower(string(body.Message + " " + body.MessageDetail))
		e.spam = strings.Contains(said, "spam")
	}
	if !e.spam {
		e.RetryAfter = retryAfter(resp, c.now())
	}
	return e
}

// retryAfter reads the standard header if there is one and else, for a used-up
// quota, Pinterest's own, which counts seconds. A wait of over a day is not sane.
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	spelled := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if spelled == "" && resp.StatusCode == http.StatusTooManyRequests {
		spelled = strings.TrimSpace(resp.Header.Get("X-Ratelimit-Reset"))
	}
	var wait time.Duration
	if n, err := strconv.ParseFloat(spelled, 64); err == nil && n > 0 && n <= longestWait.Seconds() {
		wait = time.Duration(n * float64(time.Second))
	} else if date, err := http.ParseTime(spelled); err == nil {
		wait = date.Sub(now)
	}
	if wait < 0 || wait > longestWait {
		return 0
	}
	return wait
}
