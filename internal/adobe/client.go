package adobe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"cutover/internal/vendorhttp"
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
	// BeforeWrite is asked right before every request that changes something, when the client's own rate allows it; its error keeps the request from
	// being sent and is wrapped. Tokens, reads and Adobe's test of an account change nothing. nil: whatever is asked for is sent.
	BeforeWrite func(ctx context.Context) error
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
	turn    chan struct{} // held by the one ordinary request that waits for the limiter
	log     *zap.Logger
	now     func() time.Time
	timeout time.Duration
	tokens  *tokens
	gate    func(ctx context.Context) error // nil: none
}

// New checks the configuration and returns a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	ims, err := vendorhttp.ParseBase("IMSURL", cfg.IMSURL, DefaultPlatformURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("adobe: %w", err)
	}
	platform, err := vendorhttp.ParseBase("PlatformURL", cfg.PlatformURL, DefaultPlatformURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("adobe: %w", err)
	}
	if cfg.RequestsPerSecond < 0 || cfg.Timeout < 0 {
		return nil, errors.New("adobe: RequestsPerSecond and Timeout must not be negative")
	}

	c := &Client{
		flow:    platform.JoinPath(flowPath),
		http:    vendorhttp.NewHTTPClient(cfg.Transport),
		log:     cmp.Or(cfg.Logger, zap.NewNop()),
		now:     cfg.Now,
		timeout: cmp.Or(cfg.Timeout, defaultTimeout),
		gate:    cfg.BeforeWrite,
		turn:    make(chan struct{}, 1),
	}
	if c.now == nil {
		c.now = time.Now
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
