package notify

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// canary stands for every secret, and for what a server answers; no error may ever hold it.
const canary = "s3cr3t-canary-7d1f"

// letter is a mail as the server got it.
type letter struct {
	from string
	to   []string
	data []byte
	user string
}

// sink is a mail server on loopback. Its hooks return what it answers.
type sink struct {
	host string
	port int

	onMail func(from string) error
	onRcpt func(to string) error
	onData func(c *smtp.Conn) error
	login  *login // nil: no sign-in is offered

	mu      sync.Mutex
	letters []letter
}

type login struct{ username, password string }

// identity is a certificate for 127.0.0.1, and who trusts it.
func identity(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server.TLS.Certificates[0], pool
}

// start serves until the test ends: certificate makes it offer STARTTLS, implicit encrypts from the first byte.
func (s *sink) start(t *testing.T, certificate *tls.Certificate, implicit bool) *sink {
	t.Helper()
	server := smtp.NewServer(s)
	server.Domain = "sink.example"
	server.EnableSMTPUTF8 = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.host, s.port = at(listener)
	if certificate != nil {
		config := &tls.Config{Certificates: []tls.Certificate{*certificate}}
		if implicit {
			listener = tls.NewListener(listener, config)
		} else {
			server.TLSConfig = config
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

func at(listener net.Listener) (host string, port int) {
	address := listener.Addr().(*net.TCPAddr)
	return address.IP.String(), address.Port
}

func (s *sink) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &sinkSession{sink: s, conn: c}, nil
}

func (s *sink) received() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.letters)
}

type sinkSession struct {
	sink *sink
	conn *smtp.Conn
	now  letter
}

func (s *sinkSession) AuthMechanisms() []string {
	if s.sink.login == nil {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *sinkSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if *s.sink.login != (login{username, password}) {
			return &smtp.SMTPError{Code: 535, Message: "no " + canary + " here"}
		}
		s.now.user = username
		return nil
	}), nil
}

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.sink.login != nil && s.now.user == "" {
		return &smtp.SMTPError{Code: 530, Message: "sign in, " + canary}
	}
	s.now.from = from
	return call(s.sink.onMail, from)
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := call(s.sink.onRcpt, to); err != nil {
		return err
	}
	s.now.to = append(s.now.to, to)
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	if err := call(s.sink.onData, s.conn); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.data = data
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.letters = append(s.sink.letters, s.now)
	return nil
}

func (s *sinkSession) Reset()        { s.now = letter{user: s.now.user} }
func (s *sinkSession) Logout() error { return nil }

func call[T any](hook func(T) error, value T) error {
	if hook == nil {
		return nil
	}
	return hook(value)
}

// answer is an SMTP answer whose text nobody may repeat.
func answer(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "see https://mail.example/?token=" + canary}
}

// scripted is a server that says the lines, one per line it hears after the first, and then closes the connection, or says nothing more if hang.
func scripted(t *testing.T, hang bool, lines ...string) (host string, port int) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				heard := make([]byte, 4096)
				for i, line := range lines {
					if i > 0 {
						if _, err := conn.Read(heard); err != nil {
							return
						}
					}
					_, _ = io.WriteString(conn, line+"\r\n")
				}
				if hang {
					<-ended
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		close(ended)
		all.Wait()
	})
	return at(listener)
}

// read is a mail as a person's program shows it.
type read struct {
	header      mail.Header
	subject     string
	text, html  string
	contentType string
}

func open(t *testing.T, data []byte) read {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(data))
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	got := read{header: message.Header, subject: subject, contentType: kind}
	if kind == "text/plain" {
		require.Equal(t, "quoted-printable", message.Header.Get("Content-Transfer-Encoding"))
		text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
		require.NoError(t, err)
		got.text = lines(text)
		return got
	}
	parts := multipart.NewReader(message.Body, params["boundary"]) // decodes by itself
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return got
		}
		require.NoError(t, err)
		body, err := io.ReadAll(part)
		require.NoError(t, err)
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			got.html = lines(body)
		} else {
			got.text = lines(body)
		}
	}
}

// lines are as the notice had them.
func lines(data []byte) string { return strings.ReplaceAll(string(data), "\r\n", "\n") }
