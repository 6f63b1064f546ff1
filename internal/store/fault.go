package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
)

// fault is what went wrong at a bucket, in words without secrets. It does not lead on to the library's error, which may quote a signed URL or
// an answer.
type fault struct {
	text  string
	cause error // nil, or that of the context
	ours  bool  // trying again does not help
}

func (f *fault) Error() string { return f.text }

// Unwrap is the context's error, if that ended it.
func (f *fault) Unwrap() error { return f.cause }

// Misconfigured tells whether an operator has to change something before it can work.
func (f *fault) Misconfigured() bool { return f.ours }

var plainCode = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// noBucket are the codes for a bucket that is not there.
var noBucket = []string{"NoSuchBucket", "ContainerNotFound"}

func faultOf(err error) error {
	if err == nil {
		return nil
	}
	code, status := answerOf(err)
	if !plainCode.MatchString(code) {
		code = http.StatusText(status)
	}
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden
	switch {
	case withoutCredentials(err):
		return &fault{text: "no credentials are found", ours: true}
	case slices.Contains(noBucket, code):
		return &fault{text: "there is no such bucket", ours: true}
	case status != 0:
		return &fault{text: fmt.Sprintf("it answers %s (%d)", code, status), ours: refused}
	case errors.Is(err, context.Canceled):
		return &fault{text: "cancelled", cause: context.Canceled}
	}
	f := &fault{text: "no usable answer"}
	if errors.Is(err, context.DeadlineExceeded) {
		f.text, f.cause = "no answer in time", context.DeadlineExceeded
	}
	// These name hosts and addresses only.
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		f.text = dns.Error()
	} else if op, ok := errors.AsType[*net.OpError](err); ok {
		f.text = op.Error()
	} else if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		f.text = certificate.Error()
	}
	return f
}

// missing tells whether err says that there is no such report, rather than no such bucket or host.
func missing(err error) bool {
	code, status := answerOf(err)
	return status == http.StatusNotFound && !slices.Contains(noBucket, code)
}
