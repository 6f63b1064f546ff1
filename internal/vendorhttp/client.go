package vendorhttp

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Many organizations talk to one host at once: two idle connections, the library's default, would redial all the time.
const idleConnections = 64

// NewHTTPClient returns a client that hands a redirect back as the answer, so that
// credentials never follow it. A nil transport is one of the client's own. The
// client has no timeout: each call's context does.
func NewHTTPClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = newTransport()
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport() http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return &http.Transport{MaxIdleConnsPerHost: idleConnections}
	}
	own := base.Clone()
	own.MaxIdleConnsPerHost = idleConnections
	return own
}

// ParseBase reads the configured URL of a host that credentials travel to: absolute,
// without user, query or fragment, and https, or http when the host is loopback or
// allowPlain is set. Its errors name the setting and an example and never quote the
// value: a URL can hold a password.
func ParseBase(name, value, example string, allowPlain bool) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Host == "":
		return nil, fmt.Errorf("%s must be an absolute URL such as %s", name, example)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("%s must not hold a user, a query or a fragment", name)
	case u.Scheme == "https", u.Scheme == "http" && (allowPlain || isLoopback(u.Hostname())):
		return u.JoinPath("/"), nil
	default:
		return nil, fmt.Errorf("%s must use https (http only for a loopback host)", name)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}
