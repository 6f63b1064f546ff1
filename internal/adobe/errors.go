package adobe

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cutover/internal/vendorhttp"
)

// What [errors.Is] tells of an [Error].
var (
	// ErrPrecondition says that the entity changed since it was read (412): read it again.
	ErrPrecondition = errors.New("changed since it was read")
	// ErrNotFound says that the entity does not exist in the sandbox or is hidden by access labels (404).
	ErrNotFound = errors.New("not found")
	// ErrGone says that Adobe no longer offers the entity or the change for good (410): nothing brings it back.
	ErrGone = errors.New("gone")
	// ErrState says that the entity's state does not allow the action: it may be in the wished state already, or on its way (FLOW-1420, 1421, 1422 and 1456 to 1458).
	ErrState = errors.New("not possible in this state")
	// ErrUnauthorized says that the access token or its organization was refused (401).
	ErrUnauthorized = errors.New("unauthorized")
)

// ErrUnverified says that Adobe accepted a change that reading back does not show
// yet. Doing it again is safe: what is there already is not done twice.
var ErrUnverified = errors.New("accepted but not visible yet")

const codeRedirect = "redirect"

// Error is an answer that refuses a call.
type Error struct {
	// Op says what was tried, on which entity, such as "enable dataflow 1234".
	Op           string
	Organization string
	Sandbox      string
	Method       string
	// Path is below the flow service, such as /flows/1234/action.
	Path   string
	Status int
	// Code is Adobe's, such as FLOW-1422-400 or 403025; "redirect" for a redirect; empty if none was given.
	Code string
	// Message is Adobe's, redacted and at most 200 bytes.
	Message   string
	RequestID string
	// RetryAfter is how long Adobe asks to wait; 0 if it does not say.
	RetryAfter time.Duration
}

// Error says what failed, where, why and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "adobe: %s: organization %s, sandbox %s: %s %s: status %d", e.Op, e.Organization, e.Sandbox, e.Method, e.Path, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
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
	case ErrPrecondition:
		return e.Status == http.StatusPreconditionFailed
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrGone:
		return e.Status == http.StatusGone
	case ErrState:
		return stateCodes[e.flowCode()]
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	default:
		return false
	}
}

// Temporary tells whether the same call can succeed later: 408, 429 and 5xx except 501.
func (e *Error) Temporary() bool { return vendorhttp.Temporary(e.Status) }

var stateCodes = map[string]bool{"1420": true, "1421": true, "1422": true, "1456": true, "1457": true, "1458": true}

// flowCode is the number inside FLOW-<number>-<status>.
func (e *Error) flowCode() string {
	number, _, _ := strings.Cut(strings.TrimPrefix(e.Code, "FLOW-"), "-")
	return number
}

func (e *Error) advice() string {
	switch {
	case e.Code == codeRedirect:
		return "redirects are not followed: correct the configured URL"
	case errors.Is(e, ErrPrecondition):
		return "read it again and decide anew"
	case errors.Is(e, ErrState):
		return "read its state again; if it is changing, wait until it settles"
	case errors.Is(e, ErrNotFound):
		return "check the id, the sandbox and the access labels of the credential's role"
	case errors.Is(e, ErrGone):
		return "leave it: the destination is closed and does not come back"
	case errors.Is(e, ErrUnauthorized):
		return "check that the credential belongs to this organization and has its product profile"
	case e.Status == http.StatusForbidden:
		return "give the credential's product profile and role the missing permission"
	case e.RetryAfter > 0:
		return "try again after " + e.RetryAfter.String()
	case e.Temporary():
		return "try again later"
	default:
		return "correct the request or ask Adobe with the request id"
	}
}

// MalformedError is an answer that cannot be understood: no JSON, cut off, of a
// wrong type, or without what the call is about.
type MalformedError struct {
	Op           string
	Organization string
	// Sandbox is empty for token requests.
	Sandbox string
	// Want says what was expected.
	Want string
	// Got is the beginning of the answer, redacted, at most 200 bytes.
	Got       string
	RequestID string
}

// Error says what was expected and what came.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("adobe: %s: %s: malformed answer: want %s, got %q [request %s]; check the configured URL and what stands between it and here",
		e.Op, place(e.Organization, e.Sandbox), e.Want, e.Got, e.RequestID)
}

// longError marks an answer that was too long to be read, so that it can be asked for in smaller pieces.
type longError struct{ error }

// Unwrap returns what the caller is told.
func (e *longError) Unwrap() error { return e.error }

func tooLong(err error) bool {
	_, long := errors.AsType[*longError](err)
	return long
}

// TokenError is a refused token request. It never holds what IMS wrote except the code.
type TokenError struct {
	// Credential is the credential's name.
	Credential   string
	Organization string
	// Code is IMS's, such as invalid_client or invalid_scope; "redirect" for a redirect; empty if none was given.
	Code       string
	Status     int
	RequestID  string
	RetryAfter time.Duration
}

// Error says which credential was refused and what to do.
func (e *TokenError) Error() string {
	code := e.Code
	if code == "" {
		code = "no error code"
	}
	return fmt.Sprintf("adobe: %s: credential %q of organization %s: status %d (%s) [request %s]; %s",
		opToken, e.Credential, e.Organization, e.Status, code, e.RequestID, e.advice())
}

// Temporary tells whether the same request can succeed later: 408, 429 and 5xx except 501.
func (e *TokenError) Temporary() bool { return vendorhttp.Temporary(e.Status) }

func (e *TokenError) advice() string {
	switch {
	case e.Code == "invalid_client":
		return "correct the client id and client secret of this credential"
	case e.Code == "invalid_scope":
		return "correct the scopes of this credential: its developer console project lists the valid ones"
	case e.Code == codeRedirect:
		return "redirects are not followed: correct the configured URL"
	case e.RetryAfter > 0:
		return "try again after " + e.RetryAfter.String()
	case e.Temporary():
		return "try again later"
	default:
		return "check this credential in its developer console project"
	}
}

// TransportError is a call that got no whole answer. A write may have happened:
// read before doing it again. It unwraps to the cause, so [errors.Is] finds
// context errors and [errors.As] finds a [net.Error].
type TransportError struct {
	Op           string
	Organization string
	// Sandbox is empty for token requests.
	Sandbox string
	Method  string
	Path    string
	Err     error
}

// Error says what was tried and why there is no answer.
func (e *TransportError) Error() string {
	return fmt.Sprintf("adobe: %s: %s: %s %s: no answer: %v; read the state again before repeating a change",
		e.Op, place(e.Organization, e.Sandbox), e.Method, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// Timeout tells whether the answer took too long.
func (e *TransportError) Timeout() bool { return vendorhttp.TimedOut(e.Err) }

func place(organization, sandbox string) string {
	if sandbox == "" {
		return "organization " + organization
	}
	return "organization " + organization + ", sandbox " + sandbox
}
