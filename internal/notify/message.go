package notify

import (
	"bytes"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// message is the notice as a mail. Its Message-ID follows from the key, so that a mail server or a reader drops a second copy; programs
// that answer mail leave it alone (RFC 3834, section 5).
func (m *Mail) message(n Notice, to []string) ([]byte, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	if err := msg.To(to...); err != nil {
		return nil, refused("cannot write to these recipients: check the contacts")
	}
	_, domain, _ := strings.Cut(m.from.Address, "@")
	msg.SetMessageIDWithValue(token(n.Key) + "@" + domain)
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.Subject(strings.Join(strings.Fields(n.Subject), " ")) // one line: a subject never makes a header of its own
	msg.SetBodyString(mail.TypeTextPlain, n.Text)
	if n.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, n.HTML)
	}
	var out bytes.Buffer
	if _, err := msg.WriteTo(&out); err != nil {
		return nil, refused("cannot be written as a mail: check its recipients and its text")
	}
	return out.Bytes(), nil
}
