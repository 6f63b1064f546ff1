package pinterest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	// DefaultURL is the host of Pinterest's API.
	DefaultURL = "https://api.pinterest.com"
	// DefaultWebURL is the host where people sign in.
	DefaultWebURL = "https://www.pinterest.com"
)

const (
	defaultTimeout  = 30 * time.Second
	userAgent       = "cutover-pinterest/1"
	idleConnections = 16
)

// Config says where Pinterest is. URLs are absolute and use https, since
// credentials travel there; http is accepted for loopback hosts.
type Config struct {
	// URL is where the API is, without the version.
	URL string
	// WebURL is where people sign in. Empty is DefaultWebURL for DefaultURL, else URL:
	// a server that stands in for the API has the consent page too.
	WebURL string
	// AllowPlainHTTP accepts http for every host: for rehearsals with made-up credentials only.
	AllowPlainHTTP bool
	// Timeout bounds one request including its answer; 0 is 30 seconds.
	Timeout time.Duration
	// Logger gets one debug line per request, without bodies; nil logs nothing.
	Logger *zap.Logger
	// Now is the clock of token lifetimes and Retry-After dates; nil is time.Now.
	Now func() time.Time
	// Transport carries the requests; nil is a transport of the client's own.
	Transport http.RoundTripper
}

// Client calls Pinterest for any number of apps and tokens. It is safe for concurrent use.
type Client struct {
	api     *url.URL
	web     *url.URL
	http    *http.Client
	log     *zap.Logger
	now     func() time.Time
	timeout time.Duration
}

// New checks the configuration and returns a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	api, err := parseBase("URL", cfg.URL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, err
	}
	webURL := cfg.WebURL
	switch {
	case webURL != "":
	case strings.TrimSuffix(cfg.URL, "/") == DefaultURL:
		webURL = DefaultWebURL
	default:
		webURL = cfg.URL
	}
	web, err := parseBase("WebURL", webURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("pinterest: Timeout must not be negative")
	}

	c := &Client{
		api:     api.JoinPath("/v5"),
		web:     web,
		http:    &http.Client{Transport: cfg.Transport, CheckRedirect: keepRedirect},
		log:     cfg.Logger,
		now:     cfg.Now,
		timeout: cfg.Timeout,
	}
	if c.http.Transport == nil {
		c.http.Transport = newTransport()
	}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	return c, nil
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

// keepRedirect hands a redirect back as the answer, so that credentials never follow it.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// parseBase never quotes the value: a URL can hold a password.
func parseBase(name, value string, allowPlain bool) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Host == "":
		return nil, fmt.Errorf("pinterest: %s must be an absolute URL such as %s", name, DefaultURL)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("pinterest: %s must not hold a user, a query or a fragment", name)
	case u.Scheme == "https", u.Scheme == "http" && (allowPlain || isLoopback(u.Hostname())):
		return u.JoinPath("/"), nil
	default:
		return nil, fmt.Errorf("pinterest: %s must use https (http only for a loopback host)", name)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}
