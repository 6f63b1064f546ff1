package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// failure is why a channel did not deliver. It wraps nothing: what libraries and servers say may hold a secret or a whole answer.
type failure struct {
	text string
	down bool // the channel itself is at fault, so that the next notice would fare no better
}

func (f *failure) Error() string { return f.text }

// down is a failure that the next notice would meet too.
func down(format string, args ...any) error {
	return &failure{text: fmt.Sprintf(format, args...), down: true}
}

// refused is a failure of this notice alone.
func refused(format string, args ...any) error { return &failure{text: fmt.Sprintf(format, args...)} }

// PartialError says that a notice was delivered, though not to everyone: trying again would send it twice to the others.
type PartialError struct {
	Refused []string // addresses
	Why     string
}

func (e *PartialError) Error() string { return e.Why }

// ConfigError is one thing wrong in a channel's configuration; Field is its name in the channels file. Text never holds the value of a secret.
type ConfigError struct{ Field, Text string }

func (e *ConfigError) Error() string { return e.Field + " " + e.Text }

// ConfigErrors is everything wrong in a channel's configuration.
type ConfigErrors []*ConfigError

func (e ConfigErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

func (e *ConfigErrors) add(field, format string, args ...any) {
	*e = append(*e, &ConfigError{Field: field, Text: fmt.Sprintf(format, args...)})
}

// unreached says in plain words why a server gave no answer. It repeats nothing of err but its kind.
func unreached(ctx context.Context, err error) string {
	var (
		timeout   interface{ Timeout() bool }
		name      *net.DNSError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		plain     tls.RecordHeaderError
	)
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return "gives no answer in time: check that it is up and that no firewall stands between"
	case errors.As(err, &name):
		return "is not a known host: check its name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses the connection: check host and port, and that it is up"
	case errors.As(err, &hostname):
		return "shows the certificate of another host: check the host's name"
	case errors.As(err, &untrusted), errors.As(err, &authority):
		return "shows a certificate that is not trusted here: check the host and the machine's certificate authorities"
	case errors.As(err, &plain):
		return "does not speak TLS on this port: check the port"
	}
	return "broke the connection: check host and port, and the server's log"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
