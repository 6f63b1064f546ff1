package adobe

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// The hosts of Adobe's production services.
const (
	DefaultIMSURL      = "https://ims-na1.adobelogin.com"
	DefaultPlatformURL = "https://platform.adobe.io"
)

const (
	defaultTimeout = 30 * time.Second
	userAgent      = "cutover-adobe/1"
	tokenPath      = "/ims/token/v3"
	flowPath       = "/data/foundation/flowservice"
	// Many organizations talk to one host at once: two idle connections, the library's default, would redial all the time.
	idleConnections = 64
)

// Config says where Adobe is. Both URLs are absolute and use https, since
// credentials travel there; http is accepted for loopback hosts.
type Config struct {
	IMSURL      string
	PlatformURL string
	// AllowPlainHTTP accepts http for every host: for rehearsals with made-up credentials only.
	AllowPlainHTTP bool
	// RequestsPerSecond paces all requests of the client together; 0 is unlimited.
	RequestsPerSecond float64
	// Timeout bounds one request including its answer; 0 is 30 seconds.
	Timeout time.Duration
	// Logger gets one debug line per request, without bodies; nil logs nothing.
	Logger *zap.Logger
	// Now is the clock of token lifetimes and Retry-After dates; nil is time.Now.
	Now func() time.Time
	// Transport carries the requests; nil is a transport of the client's own.
	Transport http.RoundTripper
}

// Client calls Adobe for any number of credentials. It is safe for concurrent use.
type Client struct {
	flow    *url.URL
	http    *http.Client
	limiter *rate.Limiter
	log     *zap.Logger
	now     func() time.Time
	timeout time.Duration
	tokens  *tokens
}

// New checks the configuration and returns a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	ims, err := parseBase("IMSURL", cfg.IMSURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, err
	}
	platform, err := parseBase("PlatformURL", cfg.PlatformURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, err
	}
	if cfg.RequestsPerSecond < 0 || cfg.Timeout < 0 {
		return nil, errors.New("adobe: RequestsPerSecond and Timeout must not be negative")
	}

	c := &Client{
		flow:    platform.JoinPath(flowPath),
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
	if cfg.RequestsPerSecond > 0 {
		// A burst of one: a released backlog is spread evenly instead of arriving at once.
		c.limiter = rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), 1)
	}
	c.tokens = newTokens(c, ims.JoinPath(tokenPath).String())
	return c, nil
}

// Sandbox returns the named sandbox of the credential's organization. Nothing is
// sent: a sandbox that does not exist shows itself in the first call's error.
func (c *Client) Sandbox(cred Credential, sandbox string) *Sandbox {
	return &Sandbox{client: c, cred: cred, name: sandbox}
}

// Sandbox is one sandbox of one organization. It is safe for concurrent use.
type Sandbox struct {
	client *Client
	cred   Credential
	name   string
}

// Organization returns the id of the organization the sandbox belongs to.
func (s *Sandbox) Organization() string { return s.cred.Organization }

// Name returns the sandbox's name.
func (s *Sandbox) Name() string { return s.name }

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
		return nil, fmt.Errorf("adobe: %s must be an absolute URL such as %s", name, DefaultPlatformURL)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("adobe: %s must not hold a user, a query or a fragment", name)
	case u.Scheme == "https", u.Scheme == "http" && (allowPlain || isLoopback(u.Hostname())):
		return u.JoinPath("/"), nil
	default:
		return nil, fmt.Errorf("adobe: %s must use https (http only for a loopback host)", name)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}
