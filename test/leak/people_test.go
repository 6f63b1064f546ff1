package leak

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"cutover/test/invariants"
)

// mailbox is a mail server on loopback that takes what is sent with the right password, over an encrypted connection.
type mailbox struct {
	port     int
	trust    []byte // its certificate, in PEM
	password string

	mu      sync.Mutex
	letters []string
}

func newMailbox(t *testing.T, password string) *mailbox {
	t.Helper()
	m := &mailbox{password: password}
	server := smtp.NewServer(m)
	server.Domain, server.EnableSMTPUTF8 = "mail.acme.example", true
	identity := httptest.NewTLSServer(nil) // its certificate is for this machine
	identity.Close()
	server.TLSConfig = &tls.Config{Certificates: identity.TLS.Certificates, MinVersion: tls.VersionTLS12}
	m.trust = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: identity.Certificate().Raw})
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	m.port = listener.Addr().(*net.TCPAddr).Port
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return m
}

func (m *mailbox) texts() []invariants.Text {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]invariants.Text, len(m.letters))
	for i, letter := range m.letters {
		all[i] = invariants.Text{Where: "mail " + strconv.Itoa(i+1), Data: []byte(letter)}
	}
	return all
}

// plain undoes the line breaks of quoted-printable, so that what was broken is found.
func plain(letter string) string {
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(letter)
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{mailbox: m}, nil }

type session struct {
	*mailbox

	known bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		if password != s.password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (*session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*session) Reset()                               {}
func (*session) Logout() error                        { return nil }

func (s *session) Data(r io.Reader) error {
	letter, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, plain(string(letter)))
	return err
}

// careless is a server that refuses whatever comes and repeats it in its answer.
func careless(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(body))
	}))
	t.Cleanup(server.Close)
	return server
}
