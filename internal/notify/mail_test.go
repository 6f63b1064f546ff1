package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

func newMail(t *testing.T, c MailConfig) *Mail {
	t.Helper()
	if c.From == "" {
		c.From = "Cutover <cutover@acme.example>"
	}
	m, err := NewMail(c)
	require.NoError(t, err)
	return m
}

// plainMail sends to a sink in clear.
func plainMail(t *testing.T, s *sink) *Mail {
	t.Helper()
	s.start(t, nil, false)
	return newMail(t, MailConfig{Host: s.host, Port: s.port, TLS: TLSNone})
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestMailCarriesANotice(t *testing.T) {
	t.Parallel()
	certificate, roots := identity(t)
	s := (&sink{login: &login{"cutover", canary}}).start(t, &certificate, false)
	m := newMail(t, MailConfig{Host: s.host, Port: s.port, Username: "cutover", Password: NewSecret(canary), Roots: roots})
	n := notice("pinterest-v5/AAA@AdobeOrg/first")
	n.Subject = "請重新登入 Pinterest：您的資料流將於十二月十五日之後停止，請儘快處理這件事情"
	n.Text = "第一行\n.\n..\nSee https://acme.example/?a=b\n" + strings.Repeat("長", 400) + "\n"
	n.HTML = "<p>第一行 &amp; more</p>\n"
	require.NoError(t, m.Send(t.Context(), n))
	require.NoError(t, m.Send(t.Context(), n))

	letters := s.received()
	require.Len(t, letters, 2)
	require.Equal(t, "cutover@acme.example", letters[0].from)
	require.Equal(t, []string{"marketing@acme.example", "data@acme.example"}, letters[0].to)
	require.Equal(t, "cutover", letters[0].user)

	got := open(t, letters[0].data)
	require.Equal(t, n.Subject, got.subject)
	require.Equal(t, "multipart/alternative", got.contentType)
	require.Equal(t, n.Text, got.text)
	require.Equal(t, n.HTML, got.html)
	require.Equal(t, `"Cutover" <cutover@acme.example>`, got.header.Get("From"))
	to, err := got.header.AddressList("To")
	require.NoError(t, err)
	require.Equal(t, []*mail.Address{{Address: "marketing@acme.example"}, {Address: "data@acme.example"}}, to)
	require.Equal(t, "auto-generated", got.header.Get("Auto-Submitted"))
	date, err := got.header.Date()
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), date, time.Minute)
	require.Regexp(t, `^<[0-9a-f]{32}@acme\.example>$`, got.header.Get("Message-Id"))
	require.Equal(t, got.header.Get("Message-Id"), open(t, letters[1].data).header.Get("Message-Id"), "the same notice is the same message")
	for line := range strings.SplitSeq(string(letters[0].data), "\r\n") {
		require.LessOrEqual(t, len(line), 998, "RFC 5322, section 2.1.1")
	}

	n.Key = "another"
	require.NoError(t, m.Send(t.Context(), n))
	require.NotEqual(t, got.header.Get("Message-Id"), open(t, s.received()[2].data).header.Get("Message-Id"))
}

func TestMailWithoutHTMLIsPlainText(t *testing.T) {
	t.Parallel()
	s := &sink{}
	require.NoError(t, plainMail(t, s).Send(t.Context(), notice("k")))
	got := open(t, s.received()[0].data)
	require.Equal(t, "text/plain", got.contentType)
	require.Equal(t, "Two dataflows wait.\n", strings.TrimRight(got.text, "\n")+"\n")
}

func TestMailEncryptedFromTheStart(t *testing.T) {
	t.Parallel()
	certificate, roots := identity(t)
	s := (&sink{login: &login{"cutover", canary}}).start(t, &certificate, true)
	m := newMail(t, MailConfig{Host: s.host, Port: s.port, TLS: TLSImplicit, Username: "cutover", Password: NewSecret(canary), Roots: roots})
	require.NoError(t, m.Send(t.Context(), notice("k")))
	require.Equal(t, "cutover", s.received()[0].user)
}

func TestMailForTheOperator(t *testing.T) {
	t.Parallel()
	s := (&sink{}).start(t, nil, false)
	n := notice("k")
	n.To = nil
	m := newMail(t, MailConfig{Host: s.host, Port: s.port, TLS: TLSNone, Operators: []string{"operations@acme.example"}})
	require.NoError(t, m.Send(t.Context(), n))
	require.Equal(t, []string{"operations@acme.example"}, s.received()[0].to)
	require.EqualError(t, newMail(t, MailConfig{Host: s.host, Port: s.port, TLS: TLSNone}).Send(t.Context(), n),
		"has nobody to write to: give operator_contacts")
}

func TestNothingOfANoticeBecomesAHeader(t *testing.T) {
	t.Parallel()
	s := &sink{}
	m := plainMail(t, s)
	n := notice("k\r\nBcc: somebody@else.example")
	n.Subject = "hello\r\nBcc: somebody@else.example\n\nbody"
	n.Kind, n.Organization = "a\r\nBcc: x@else.example", "b\r\nBcc: x@else.example"
	n.Text = "\r\nBcc: somebody@else.example\r\n.\r\nRCPT TO:<somebody@else.example>\r\n"
	n.To = []string{"marketing@acme.example", "a@acme.example>\r\nRCPT TO:<somebody@else.example", "Someone <b@acme.example>, c@acme.example"}
	err := m.Send(t.Context(), n)
	partial, ok := errors.AsType[*PartialError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, n.To[1:], partial.Refused)
	require.NotContains(t, err.Error(), "\n", "a fault stays on its line")

	letters := s.received()
	require.Len(t, letters, 1)
	require.Equal(t, []string{"marketing@acme.example"}, letters[0].to)
	got := open(t, letters[0].data)
	require.Equal(t, "hello Bcc: somebody@else.example body", got.subject)
	names := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	require.Len(t, got.header, len(names), "%v", got.header)
	for _, name := range names {
		require.Len(t, got.header[name], 1, name)
	}
	require.Equal(t, lines([]byte(n.Text)), got.text)
}

func TestMailToSomeOfTheRecipients(t *testing.T) {
	t.Parallel()
	s := &sink{onRcpt: func(to string) error {
		if to == "data@acme.example" {
			return answer(550)
		}
		return nil
	}}
	m := plainMail(t, s)
	err := m.Send(t.Context(), notice("k"))
	partial, ok := errors.AsType[*PartialError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, []string{"data@acme.example"}, partial.Refused)
	require.EqualError(t, err, m.address()+` delivers to the others, but "data@acme.example" is refused (code 550): check the contacts`)
	require.Equal(t, []string{"marketing@acme.example"}, s.received()[0].to)

	n := notice("k2")
	n.To = []string{"data@acme.example", "nonsense"}
	err = m.Send(t.Context(), n)
	require.EqualError(t, err, m.address()+` takes no recipient: "nonsense" is not an e-mail address, "data@acme.example" is refused (code 550): check the contacts`)
	require.False(t, isDown(t, err), "other organizations get their mail")
	n.To = []string{"nonsense"}
	require.ErrorContains(t, m.Send(t.Context(), n), `takes no recipient: "nonsense" is not an e-mail address`)
	require.Len(t, s.received(), 1)
}

func isDown(t *testing.T, err error) bool {
	t.Helper()
	f, ok := errors.AsType[*failure](err)
	require.True(t, ok, "%v", err)
	return f.down
}

func TestMailThatTheServerDoesNotTake(t *testing.T) {
	t.Parallel()
	every := func(code int) func(string) error { return func(string) error { return answer(code) } }
	data := func(code int) func(*smtp.Conn) error { return func(*smtp.Conn) error { return answer(code) } }
	for name, c := range map[string]struct {
		sink *sink
		want string
		down bool
	}{
		"sender refused":     {&sink{onMail: every(553)}, "refuses the sender cutover@acme.example (code 553): check it", true},
		"sender deferred":    {&sink{onMail: every(451)}, "does not take the sender cutover@acme.example now (code 451): it is tried again", true},
		"sign-in wanted":     {&sink{login: &login{"a", "b"}}, "wants a sign-in first (code 530): set username and password", true},
		"no recipient taken": {&sink{onRcpt: every(550)}, `takes no recipient: "marketing@acme.example" is refused (code 550), "data@acme.example" is`, false},
		"greylisted":         {&sink{onRcpt: every(450)}, `"marketing@acme.example" is refused (code 450)`, false},
		"too large":          {&sink{onData: data(552)}, "does not take the mail (code 552): ask who runs the server about its size and spam rules", false},
		"spam":               {&sink{onData: data(554)}, "does not take the mail (code 554)", false},
		"disk full":          {&sink{onData: data(452)}, "does not take the mail now (code 452): it is tried again", true},
		"cut in the middle":  {&sink{onData: func(c *smtp.Conn) error { return c.Conn().Close() }}, "broke the connection: check host and port", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := plainMail(t, c.sink)
			err := m.Send(t.Context(), notice("k"))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, m.address())
			require.NotContains(t, err.Error(), canary)
			require.Equal(t, c.down, isDown(t, err))
			require.Empty(t, c.sink.received())
		})
	}
}

func TestMailServersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		tls   string
		want  string
	}{
		"closes":           {nil, TLSNone, "broke the connection"},
		"turns away":       {[]string{"554 go away " + canary}, TLSNone, "takes no mail now (code 554): check that it is the right server"},
		"busy":             {[]string{"421 " + canary}, TLSNone, "takes no mail now (code 421)"},
		"not SMTP":         {[]string{"HTTP/1.1 400 " + canary}, TLSNone, "broke the connection"},
		"no EHLO":          {[]string{"220 hi", "502 " + canary, "502 " + canary}, TLSNone, "refuses the greeting (code 502)"},
		"no STARTTLS":      {[]string{"220 hi", "250 hello"}, TLSStart, "offers no STARTTLS: set tls to tls"},
		"STARTTLS fails":   {[]string{"220 hi", "250-hello\r\n250 STARTTLS", "454 " + canary}, TLSStart, "does not take STARTTLS now (code 454)"},
		"STARTTLS is none": {[]string{"220 hi", "250-hello\r\n250 STARTTLS", "220 go", canary}, TLSStart, "does not speak TLS on this port: check the port"},
		"no TLS":           {[]string{"220 " + canary}, TLSImplicit, "does not speak TLS on this port: check the port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, port := scripted(t, false, c.lines...)
			m := newMail(t, MailConfig{Host: host, Port: port, TLS: c.tls})
			err := m.Send(t.Context(), notice("k"))
			require.ErrorContains(t, err, m.address()+" "+c.want)
			require.NotContains(t, err.Error(), canary)
			require.True(t, isDown(t, err))
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		host, port := at(listener)
		require.NoError(t, listener.Close())
		err = newMail(t, MailConfig{Host: host, Port: port, TLS: TLSNone}).Send(t.Context(), notice("k"))
		require.ErrorContains(t, err, "refuses the connection: check host and port, and that it is up")
	})
}

func TestMailServersThatHang(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"at once":            nil,
		"after the greeting": {"220 hi"},
		"after the hello":    {"220 hi", "250 hello"},
		"after the sender":   {"220 hi", "250 hello", "250 ok"},
		"before the receipt": {"220 hi", "250 hello", "250 ok", "250 ok", "250 ok", "354 go"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, port := scripted(t, true, lines...)
			started := time.Now()
			err := newMail(t, MailConfig{Host: host, Port: port, TLS: TLSNone}).Send(within(t, 200*time.Millisecond), notice("k"))
			require.ErrorContains(t, err, "gives no answer in time")
			require.Less(t, time.Since(started), 5*time.Second)
		})
	}
	t.Run("after the receipt", func(t *testing.T) {
		t.Parallel()
		host, port := scripted(t, true, "220 hi", "250 hello", "250 ok", "250 ok", "250 ok", "354 go", "250 taken")
		require.NoError(t, newMail(t, MailConfig{Host: host, Port: port, TLS: TLSNone}).Send(t.Context(), notice("k")),
			"what is taken is delivered, whether the server says goodbye or not")
	})
}

func TestMailTrustsNoStranger(t *testing.T) {
	t.Parallel()
	certificate, roots := identity(t)
	for name, c := range map[string]struct {
		config MailConfig
		want   string
	}{
		"unknown authority": {MailConfig{}, "shows a certificate that is not trusted here"},
		"another host":      {MailConfig{Host: "localhost", Roots: roots}, "shows the certificate of another host"},
		"wrong password":    {MailConfig{Roots: roots, Password: NewSecret("not-" + canary)}, "refuses the username or password (code 535): check it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := (&sink{login: &login{"cutover", canary}}).start(t, &certificate, false)
			if c.config.Host == "" {
				c.config.Host = s.host
			}
			if c.config.Password.value == nil {
				c.config.Password = NewSecret(canary)
			}
			c.config.Port, c.config.Username = s.port, "cutover"
			err := newMail(t, c.config).Send(t.Context(), notice("k"))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), canary)
			require.True(t, isDown(t, err))
			require.Empty(t, s.received())
		})
	}
	t.Run("no sign-in offered", func(t *testing.T) {
		t.Parallel()
		s := (&sink{}).start(t, &certificate, false)
		err := newMail(t, MailConfig{Host: s.host, Port: s.port, Roots: roots, Username: "cutover", Password: NewSecret(canary)}).Send(t.Context(), notice("k"))
		require.ErrorContains(t, err, "offers no sign-in that is known here")
	})
}

func TestMailConfigFaults(t *testing.T) {
	t.Parallel()
	good := MailConfig{Host: "smtp.acme.example", From: "cutover@acme.example"}
	m, err := NewMail(good)
	require.NoError(t, err)
	require.Equal(t, "smtp.acme.example:587", m.address())
	good.TLS = TLSImplicit
	m, err = NewMail(good)
	require.NoError(t, err)
	require.Equal(t, "smtp.acme.example:465", m.address())

	_, err = NewMail(MailConfig{Host: "smtp://acme.example", Port: -1, TLS: "ssl", From: "nobody", Password: NewSecret(canary)})
	wrong, ok := errors.AsType[ConfigErrors](err)
	require.True(t, ok)
	fields := make([]string, len(wrong))
	for i, one := range wrong {
		fields[i] = one.Field
	}
	require.Equal(t, []string{"tls", "port", "host", "from", "username"}, fields)
	require.NotContains(t, err.Error(), canary)
	for want, c := range map[string]MailConfig{
		"tls may be none on this machine only":     {Host: "smtp.acme.example", TLS: TLSNone},
		"username is never sent in clear":          {Host: "127.0.0.1", TLS: TLSNone, Username: "a", Password: NewSecret(canary)},
		"password is missing although there is":    {Host: "smtp.acme.example", Username: "a"},
		"host must be the mail server's name":      {Host: "smtp.acme.example:587"},
		"from must be an e-mail address such as":   {Host: "smtp.acme.example", From: "a@acme.example\r\nBcc: b@else.example"},
		"port must be between 1 and 65535":         {Host: "smtp.acme.example", Port: 70000},
		"username is missing although there is a ": {Host: "smtp.acme.example", Password: NewSecret(canary)},
	} {
		if c.From == "" {
			c.From = "cutover@acme.example"
		}
		_, err := NewMail(c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), canary)
	}
}

// What cannot be met on loopback.
func TestUnreachedInWords(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"is not a known host: check its name":     &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: canary, IsNotFound: true}},
		"gives no answer in time":                 &net.OpError{Op: "dial", Err: context.DeadlineExceeded},
		"shows a certificate that is not trusted": &tls.CertificateVerificationError{Err: errors.New(canary)},
		"broke the connection":                    errors.New(canary),
	} {
		got := unreached(t.Context(), err)
		require.Contains(t, got, want)
		require.NotContains(t, got, canary)
	}
}
