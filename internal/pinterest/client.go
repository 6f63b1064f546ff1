package pinterest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"cutover/internal/vendorhttp"
)

const (
	// DefaultURL is the host of Pinterest's API.
	DefaultURL = "https://api.pinterest.com"
	// DefaultWebURL is the host where people sign in.
	DefaultWebURL = "https://www.pinterest.com"
)

const (
	defaultTimeout = 30 * time.Second
	userAgent      = "cutover-pinterest/1"
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
	api, err := vendorhttp.ParseBase("URL", cfg.URL, DefaultURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("pinterest: %w", err)
	}
	webURL := cfg.WebURL
	switch {
	case webURL != "":
	case strings.TrimSuffix(cfg.URL, "/") == DefaultURL:
		webURL = DefaultWebURL
	default:
		webURL = cfg.URL
	}
	web, err := vendorhttp.ParseBase("WebURL", webURL, DefaultURL, cfg.AllowPlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("pinterest: %w", err)
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("pinterest: Timeout must not be negative")
	}

	c := &Client{
		api:     api.JoinPath("/v5"),
		web:     web,
		http:    vendorhttp.NewHTTPClient(cfg.Transport),
		log:     cmp.Or(cfg.Logger, zap.NewNop()),
		now:     cfg.Now,
		timeout: cmp.Or(cfg.Timeout, defaultTimeout),
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}
