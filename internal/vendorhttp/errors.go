package vendorhttp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
)

// IsTransport tells whether a request failed before its answer was there.
func IsTransport(err error) bool {
	_, ok := errors.AsType[*url.Error](err)
	return ok
}

// TransportCause takes the URL, with its query, out of a failed request's error. The library quotes an answer that is no HTTP: what is quoted loses the
// given secrets and whatever else looks like one.
func TransportCause(err error, secrets ...string) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if shown := Show(err.Error(), MaxMessage, secrets...); shown != err.Error() {
		return &shownError{shown: shown, cause: err}
	}
	return err
}

// shownError is an error in other words. It does not unwrap: whoever writes a chain of causes down would write the first words too.
type shownError struct {
	shown string
	cause error
}

func (e *shownError) Error() string        { return e.shown }
func (e *shownError) Is(target error) bool { return errors.Is(e.cause, target) }
func (e *shownError) As(target any) bool   { return errors.As(e.cause, target) }

// TimedOut tells whether a call without an answer failed because it took too long.
func TimedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &network) && network.Timeout())
}

// Temporary tells whether a call refused with this status can succeed later: 408, 429 and 5xx except 501.
func Temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		(status >= 500 && status != http.StatusNotImplemented)
}

// IsRedirect tells whether the status sends the caller elsewhere.
func IsRedirect(status int) bool { return status >= 300 && status <= 399 }

// RedirectMessage says where an answer redirects to. It names the host alone: path and query can hold a secret.
func RedirectMessage(h http.Header, secrets ...string) string {
	target, err := url.Parse(h.Get("Location"))
	if err != nil || target.Host == "" {
		return "redirected"
	}
	return Show("redirected to "+target.Host, MaxMessage, secrets...)
}
