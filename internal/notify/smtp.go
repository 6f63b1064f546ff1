package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// session is one connection to the server.
type session struct {
	*smtp.Client

	ctx     context.Context // a session lives no longer than the call that opened it
	mail    *Mail
	release func() bool
}

// dial connects, encrypts and signs in. The connection ends with ctx, wherever it stands.
func (m *Mail) dial(ctx context.Context) (*session, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", m.address())
	if err != nil {
		return nil, m.explain(ctx, "", err)
	}
	raw := conn
	release := context.AfterFunc(ctx, func() { _ = raw.Close() })
	if m.config.TLS == TLSImplicit {
		conn = tls.Client(conn, m.tls())
	}
	client, err := smtp.NewClient(conn, m.config.Host)
	if err != nil {
		release()
		_ = raw.Close()
		return nil, m.explain(ctx, "", err)
	}
	s := &session{Client: client, ctx: ctx, mail: m, release: release}
	if err := s.open(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (m *Mail) tls() *tls.Config {
	return &tls.Config{ServerName: m.config.Host, RootCAs: m.config.Roots, MinVersion: tls.VersionTLS12}
}

func (s *session) open() error {
	m := s.mail
	if err := s.Hello(ownName()); err != nil {
		return m.explain(s.ctx, "the greeting", err)
	}
	if m.config.TLS == TLSStart {
		if offered, _ := s.Extension("STARTTLS"); !offered {
			return down("%s offers no STARTTLS: set tls to tls if its port is encrypted from the start, or use another port", m.address())
		}
		if err := s.StartTLS(m.tls()); err != nil {
			return m.explain(s.ctx, "STARTTLS", err)
		}
	}
	if m.config.Username == "" {
		return nil
	}
	auth, err := s.auth()
	if err != nil {
		return err
	}
	if err := s.Auth(auth); err != nil {
		return m.explain(s.ctx, "the username or password", err)
	}
	return nil
}

// ownName is what this machine calls itself; servers only write it down.
func ownName() string {
	if name, err := os.Hostname(); err == nil && hostForm.MatchString(name) {
		return name
	}
	return "localhost"
}

func (s *session) auth() (smtp.Auth, error) {
	c := s.mail.config
	_, mechanisms := s.Extension("AUTH")
	offered := strings.Fields(mechanisms)
	switch {
	case slices.Contains(offered, "SCRAM-SHA-256"):
		return smtp.ScramSHA256Auth(c.Username, c.Password.reveal()), nil
	case slices.Contains(offered, "PLAIN"):
		return smtp.PlainAuth("", c.Username, c.Password.reveal(), c.Host, false), nil
	case slices.Contains(offered, "LOGIN"):
		return smtp.LoginAuth(c.Username, c.Password.reveal(), c.Host, false), nil
	}
	return nil, down("%s offers no sign-in that is known here (SCRAM-SHA-256, PLAIN, LOGIN): check port and tls, or leave username out", s.mail.address())
}

// goodbye is how long to wait for the server's: the mail is accepted already.
const goodbye = time.Second

func (s *session) close() {
	_ = s.UpdateDeadline(goodbye)
	_ = s.Quit()
	s.release()
	_ = s.Close()
}

// send carries the mail to everyone whom the server takes.
func (s *session) send(to []string, message []byte, turnedAway *rejections) error {
	m := s.mail
	if err := s.Mail("<" + m.from.Address + ">"); err != nil {
		return m.explain(s.ctx, "the sender "+m.from.Address, err)
	}
	accepted := 0
	for _, address := range to {
		err := s.Rcpt("<" + address + ">")
		answer, ok := errors.AsType[*textproto.Error](err)
		switch {
		case err == nil:
			accepted++
		case ok && answer.Code != codeClosing:
			turnedAway.add(address, "is refused (code "+strconv.Itoa(answer.Code)+")")
		default:
			return m.explain(s.ctx, "the recipient", err)
		}
	}
	if accepted == 0 {
		return turnedAway.all(m.address())
	}
	w, err := s.Data()
	if err == nil {
		_, err = w.Write(message)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return m.explain(s.ctx, "the mail", err)
	}
	return turnedAway.some(m.address())
}
