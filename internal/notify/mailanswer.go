package notify

import (
	"context"
	"errors"
	"net/textproto"
	"strconv"
	"strings"
)

// codeClosing is the answer of a server that closes the connection, whatever it was asked (RFC 5321, section 3.8).
const codeClosing = 421

// explain puts an error in words. what is the thing that the server was given; only the code of its answer is repeated (RFC 5321, section 4.2.3;
// RFC 4954, section 6).
func (m *Mail) explain(ctx context.Context, what string, err error) error {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok || ctx.Err() != nil {
		return down("%s %s", m.address(), unreached(ctx, err))
	}
	code := " (code " + strconv.Itoa(answer.Code) + ")"
	switch {
	case answer.Code == 530:
		return down("%s wants a sign-in first%s: set username and password", m.address(), code)
	case what == "": // instead of a greeting
		return down("%s takes no mail now%s: check that it is the right server and that this machine may use it", m.address(), code)
	case answer.Code < 500:
		return down("%s does not take %s now%s: it is tried again; if that lasts, ask who runs the server", m.address(), what, code)
	case what == "the mail":
		return refused("%s does not take the mail%s: ask who runs the server about its size and spam rules", m.address(), code)
	}
	return down("%s refuses %s%s: check it", m.address(), what, code)
}

// rejections are the recipients who do not get a mail.
type rejections struct{ addresses, texts []string }

func (r *rejections) add(address, why string) {
	r.addresses = append(r.addresses, address)
	r.texts = append(r.texts, strconv.Quote(address)+" "+why)
}

const checkContacts = ": check the contacts"

// all is the failure of a mail that nobody gets.
func (r *rejections) all(server string) error {
	return refused("%s takes no recipient: %s%s", server, strings.Join(r.texts, ", "), checkContacts)
}

// some is nil if everyone gets the mail.
func (r *rejections) some(server string) error {
	if len(r.addresses) == 0 {
		return nil
	}
	return &PartialError{Refused: r.addresses, Why: server + " delivers to the others, but " + strings.Join(r.texts, ", ") + checkContacts}
}
