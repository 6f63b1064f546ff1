package notify

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// ChatConfig is a room in a chat, or whatever else a service URL leads to.
type ChatConfig struct {
	// URL is a service URL of the shoutrrr library: slack://, teams://, discord://, telegram://, googlechat://, generic:// and others
	// (https://shoutrrr.nickfedor.com/services/overview/). It holds a token.
	URL Secret
}

const (
	// maxChat is what every chat takes in one message, in bytes (Telegram: 4096).
	maxChat = 3500
	// maxOpen bounds the calls that wait for an answer: the library cannot end them, the chat's server or a broken connection does.
	maxOpen = 8
)

// Chat writes notices into a chat. A chat knows no idempotency key, so that a notice that is sent twice stands there twice.
type Chat struct {
	url     Secret
	service string // such as slack
	open    chan struct{}
}

// NewChat returns the channel. Its errors are ConfigErrors; no server is asked.
func NewChat(c ChatConfig) (*Chat, error) {
	var wrong ConfigErrors
	var known router.ServiceRouter
	service, u, err := known.ExtractServiceName(c.URL.reveal())
	service = strings.ToLower(service)
	switch {
	case err != nil || !slices.Contains(known.ListServices(), service):
		wrong.add("url", "must be a service URL such as slack://hook:TOKEN@webhook or generic://HOST/PATH")
	case service == "smtp":
		wrong.add("url", "leads to a mail server: mail is a channel of its own")
	case service == "logger":
		wrong.add("url", "leads to nobody")
	case inClear(u) && !isLoopback(u.Hostname()):
		wrong.add("url", "must not turn encryption off (except to this machine): it holds a token")
	case service != "matrix": // signs in when it is located
		if _, err := known.Locate(c.URL.reveal()); err != nil {
			wrong.add("url", "is not complete for %s: see the service's page in the shoutrrr documentation", service)
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return &Chat{url: c.URL, service: service, open: make(chan struct{}, maxOpen)}, nil
}

// inClear tells whether a service URL turns encryption or the check of certificates off. Its settings are spelled in any case.
func inClear(u *url.URL) bool {
	if strings.HasSuffix(u.Scheme, "+http") {
		return true
	}
	for key, values := range u.Query() {
		value := strings.ToLower(values[len(values)-1])
		switch strings.ToLower(key) {
		case "scheme":
			if value == "http" {
				return true
			}
		case "disabletls", "disabletlsverification", "insecureskipverify", "skiptlsverify":
			if !slices.Contains([]string{"no", "false", "0", "off"}, value) {
				return true
			}
		}
	}
	return false
}

// Name implements [Channel].
func (*Chat) Name() string { return "chat" }

// Send implements [Channel]: subject and text as one message, shortened to what a chat takes.
func (c *Chat) Send(ctx context.Context, n Notice) error {
	select {
	case c.open <- struct{}{}:
	case <-ctx.Done():
		return down("%s leaves %d earlier messages without an answer: check the service", c.service, maxOpen)
	}
	result := make(chan error, 1)
	go func() {
		defer func() { <-c.open }()
		result <- c.send(shorten(n.Subject + "\n\n" + n.Text))
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return down("%s %s", c.service, unreached(ctx, ctx.Err()))
	}
}

var errPanic = errors.New("panic")

// send speaks to the service. What the library returns quotes URLs and answers, so that only an HTTP status in it is repeated.
func (c *Chat) send(text string) (err error) {
	defer func() {
		if recover() != nil { // a stranger's code must not end the worker
			err = c.explain(errPanic)
		}
	}()
	var services router.ServiceRouter
	service, err := services.Locate(c.url.reveal()) // anew each time: services keep state without a lock
	if err != nil {
		return c.explain(err)
	}
	return c.explain(service.Send(text, &types.Params{}))
}

var statusForm = regexp.MustCompile(`\b([1-5]\d\d) ([A-Z][A-Za-z' -]+)`)

func (c *Chat) explain(err error) error {
	if err == nil {
		return nil
	}
	for _, match := range statusForm.FindAllStringSubmatch(err.Error(), -1) {
		code, _ := strconv.Atoi(match[1])
		if text := http.StatusText(code); code >= 300 && text != "" && strings.HasPrefix(match[2], text) {
			return judge(c.service, code)
		}
	}
	return down("%s cannot be reached or does not take the message: check the service URL, its token and the room", c.service)
}

// shorten cuts what a chat would refuse as too long.
func shorten(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxChat {
		return text
	}
	const more = "\n[shortened]"
	cut := maxChat - len(more)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}
