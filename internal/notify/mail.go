package notify

import (
	"context"
	"crypto/x509"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// How a mail server is reached.
const (
	TLSStart    = "starttls" // in clear, then encrypted before anything is said; without it nothing is sent
	TLSImplicit = "tls"      // encrypted from the first byte
	TLSNone     = "none"     // in clear, for rehearsals on this machine
)

// MailConfig is a mail server that takes mail for others.
type MailConfig struct {
	Host      string
	Port      int            // 0: 587 for starttls, 465 for tls, 25 for none
	TLS       string         // empty: starttls
	From      string         // an address, with or without a name
	Username  string         // empty: the server wants no sign-in
	Password  Secret         // with a username
	Operators []string       // who gets what is for the operator
	Roots     *x509.CertPool // who may vouch for the server; nil: whom the machine trusts
}

// Mail sends notices by e-mail, in plain text and, where a notice has it, HTML. Every mail of a notice has the same Message-ID.
type Mail struct {
	config MailConfig
	from   *mail.Address
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// NewMail returns the channel. Its errors are ConfigErrors; no server is asked.
func NewMail(c MailConfig) (*Mail, error) {
	var wrong ConfigErrors
	if c.TLS == "" {
		c.TLS = TLSStart
	}
	port, known := map[string]int{TLSStart: 587, TLSImplicit: 465, TLSNone: 25}[c.TLS]
	if !known {
		wrong.add("tls", "must be starttls, tls or none")
	}
	if c.Port == 0 {
		c.Port = port
	}
	if c.Port < 0 || c.Port > 65535 {
		wrong.add("port", "must be between 1 and 65535")
	}
	if !hostForm.MatchString(c.Host) && net.ParseIP(c.Host) == nil {
		wrong.add("host", "must be the mail server's name or address, such as smtp.acme.example; the port has a key of its own")
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		wrong.add("from", "must be an e-mail address such as cutover@acme.example")
	}
	if c.TLS == TLSNone && !isLoopback(c.Host) {
		wrong.add("tls", "may be none on this machine only: mail names organizations and people")
	}
	password := c.Password.reveal()
	switch {
	case c.Username == "" && password != "":
		wrong.add("username", "is missing although there is a password")
	case c.Username != "" && password == "":
		wrong.add("password", "is missing although there is a username")
	case c.Username != "" && c.TLS == TLSNone:
		wrong.add("username", "is never sent in clear: set tls to starttls or tls")
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return &Mail{config: c, from: from}, nil
}

// plainAddress tells whether s is an address and nothing else, so that it can stand in a command and in a header.
func plainAddress(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s && !strings.ContainsAny(s, "\r\n<>")
}

// Name implements [Channel].
func (*Mail) Name() string { return "mail" }

func (m *Mail) address() string { return net.JoinHostPort(m.config.Host, strconv.Itoa(m.config.Port)) }

// Send implements [Channel]. Of several recipients those whom the server takes get the mail; it is an error only for the others then, a
// *PartialError.
func (m *Mail) Send(ctx context.Context, n Notice) error {
	to := n.To
	if len(to) == 0 {
		to = m.config.Operators
	}
	if len(to) == 0 {
		return refused("has nobody to write to: give operator_contacts")
	}
	var turnedAway rejections
	valid := slices.DeleteFunc(slices.Clone(to), func(address string) bool {
		if !plainAddress(address) {
			turnedAway.add(address, "is not an e-mail address")
			return true
		}
		return false
	})
	if len(valid) == 0 {
		return turnedAway.all(m.address())
	}
	message, err := m.message(n, valid)
	if err != nil {
		return err
	}
	session, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer session.close()
	return session.send(valid, message, &turnedAway)
}
