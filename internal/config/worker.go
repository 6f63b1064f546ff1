package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutover/internal/adobe"
	"cutover/internal/engine"
	"cutover/internal/pinterest"
)

// Names of the worker's environment variables.
const (
	EnvCredentials   = "CUTOVER_CREDENTIALS"      // path of credentials.yaml
	EnvAdobeIMSURL   = "CUTOVER_ADOBE_IMS_URL"    // where tokens come from
	EnvAdobeURL      = "CUTOVER_ADOBE_URL"        // Experience Platform
	EnvPinterestURL  = "CUTOVER_PINTEREST_URL"    // Pinterest's v5 API
	EnvAllowPlain    = "CUTOVER_ALLOW_PLAIN_HTTP" // 1 lets credentials travel by http to any host: rehearsals only
	EnvAdobeRPS      = "CUTOVER_ADOBE_RPS"        // requests per second to Adobe, all organizations together
	EnvHealthAddress = "CUTOVER_HEALTH_ADDRESS"   // where /livez and /readyz listen
	EnvNotices       = "CUTOVER_NOTICES"          // directory, or path of a channels file
	EnvReports       = "CUTOVER_REPORTS"          // directory, or URL of a bucket
	EnvLogFormat     = "CUTOVER_LOG_FORMAT"       // json or console
	EnvLogLevel      = "CUTOVER_LOG_LEVEL"        // debug, info, warn or error

	EnvStoreURL        = "CUTOVER_STORE_URL"         // sqlite:PATH or postgres://...
	EnvStoreKeys       = "CUTOVER_STORE_KEYS"        // path of the keys file that seals what is secret in the store
	EnvStoreKMS        = "CUTOVER_STORE_KMS"         // URL of the KMS key that the keys file is sealed with; empty: none
	EnvPinterestApp    = "CUTOVER_PINTEREST_APP"     // path of pinterest-app.yaml; empty: no grants are held
	EnvPinterestWebURL = "CUTOVER_PINTEREST_WEB_URL" // where people consent, if that is not where the API says
	EnvPortalURL       = "CUTOVER_PORTAL_URL"        // where people reach the reconnect page; empty: notices hold no link
	EnvPortalAddress   = "CUTOVER_PORTAL_ADDRESS"    // where the reconnect page listens
	EnvLinkLifetime    = "CUTOVER_LINK_LIFETIME"     // of the links in notices
	EnvCodecAddress    = "CUTOVER_CODEC_ADDRESS"     // where the codec endpoint listens; empty: there is none
	EnvCodecOrigins    = "CUTOVER_CODEC_ORIGINS"     // of Web UIs that may ask the codec endpoint, comma-separated
	EnvCodecToken      = "CUTOVER_CODEC_TOKEN"       // path of the file with the token that the codec endpoint asks for
)

const (
	defaultCredentials   = "credentials.yaml"
	defaultHealthAddress = "127.0.0.1:8081"
	defaultNotices       = "./notices"
	defaultReports       = "./reports"
	defaultLogLevel      = "info"
	defaultStoreURL      = "sqlite:cutover.db"
	defaultStoreKeys     = "cutover-keys.json"
	// Adobe publishes no rate. This many serve hundreds of organizations within minutes and leave room for other users of the API.
	defaultAdobeRPS = 40
	// People read mail after a weekend, and a link that is lost opens nothing for long.
	defaultLinkLifetime = 72 * time.Hour
	minLinkLifetime     = 10 * time.Minute
	maxLinkLifetime     = 30 * 24 * time.Hour
)

// Worker is the worker's configuration. It holds paths and hosts; of its fields only the URLs of stores and buckets may hold a secret.
type Worker struct {
	Credentials    string // path
	AdobeIMSURL    string
	AdobeURL       string
	PinterestURL   string
	AllowPlainHTTP bool
	AdobeRPS       float64 // requests per second, at most
	HealthAddress  string
	Notices        string // directory, or path of a channels file
	Reports        string // directory, or URL of a bucket: its parameters may be secret
	LogFormat      string // json or console; empty: by where the log goes
	LogLevel       string
	StoreURL       string // may hold a password
	StoreKeys      string // path
	StoreKMS       string // URL; empty: the keys file is not sealed
	PinterestApp   string // path; empty: no grants are held
	PortalURL      string // empty: notices hold no link
	LinkLifetime   time.Duration
	CodecKeys      string // path; empty: payloads are not encrypted
	CodecKMS       string
	CodecAddress   string // empty: there is no codec endpoint
	CodecOrigins   []string
	CodecToken     string // path; empty: the endpoint asks for none
}

// WorkerFromEnv reads the worker's configuration from its environment and reports all faults at once, one per line. No fault quotes a URL: it
// may hold a password. With an error it returns what could be read.
func WorkerFromEnv(getenv func(string) string) (Worker, error) {
	read := func(name, fallback string) string {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			return value
		}
		return fallback
	}
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s %w", name, fmt.Errorf(format, args...)))
	}

	w := Worker{
		Credentials:   read(EnvCredentials, defaultCredentials),
		AdobeIMSURL:   read(EnvAdobeIMSURL, adobe.DefaultIMSURL),
		AdobeURL:      read(EnvAdobeURL, adobe.DefaultPlatformURL),
		PinterestURL:  read(EnvPinterestURL, pinterest.DefaultURL),
		AdobeRPS:      defaultAdobeRPS,
		HealthAddress: read(EnvHealthAddress, defaultHealthAddress),
		Notices:       read(EnvNotices, defaultNotices),
		Reports:       read(EnvReports, defaultReports),
		LogFormat:     read(EnvLogFormat, ""),
		LogLevel:      read(EnvLogLevel, defaultLogLevel),
		StoreURL:      read(EnvStoreURL, defaultStoreURL),
		StoreKeys:     read(EnvStoreKeys, defaultStoreKeys),
		StoreKMS:      read(EnvStoreKMS, ""),
		PinterestApp:  read(EnvPinterestApp, ""),
		PortalURL:     strings.TrimSuffix(read(EnvPortalURL, ""), "/"),
		LinkLifetime:  defaultLinkLifetime,
		CodecKeys:     read(engine.EnvCodecKeys, ""),
		CodecKMS:      read(engine.EnvCodecKMS, ""),
		CodecAddress:  read(EnvCodecAddress, ""),
		CodecToken:    read(EnvCodecToken, ""),
	}
	switch read(EnvAllowPlain, "0") {
	case "0":
	case "1":
		w.AllowPlainHTTP = true
	default:
		fault(EnvAllowPlain, "must be 1 or 0")
	}
	for name, value := range map[string]string{EnvAdobeIMSURL: w.AdobeIMSURL, EnvAdobeURL: w.AdobeURL, EnvPinterestURL: w.PinterestURL} {
		if err := checkURL(value, w.AllowPlainHTTP); err != nil {
			fault(name, "%w", err)
		}
	}
	if text := read(EnvAdobeRPS, ""); text != "" {
		rps, err := strconv.ParseFloat(text, 64)
		if err != nil || !(rps > 0 && rps <= 10000) {
			fault(EnvAdobeRPS, "is %q; it must be a number above 0 and up to 10000", text)
		}
		w.AdobeRPS = rps
	}
	if err := CheckAddress(w.HealthAddress); err != nil {
		fault(EnvHealthAddress, "is %q; it must be HOST:PORT such as %s", w.HealthAddress, defaultHealthAddress)
	}
	if !slices.Contains([]string{"", "json", "console"}, w.LogFormat) {
		fault(EnvLogFormat, "is %q; it must be json or console", w.LogFormat)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, w.LogLevel) {
		fault(EnvLogLevel, "is %q; it must be debug, info, warn or error", w.LogLevel)
	}
	w.readStore(read, fault)
	w.readCodec(read, fault)
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return w, errors.Join(faults...)
	}
	return w, nil
}

func checkURL(value string, allowPlain bool) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("must be an absolute URL such as https://platform.adobe.io")
	case u.User != nil:
		return errors.New("must not hold a user or a password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("must not hold a query or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && (allowPlain || IsLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("must use https: credentials travel there (a rehearsal may set %s=1)", EnvAllowPlain)
	}
	return errors.New("must use https")
}

// IsLoopback tells whether a host is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// CheckAddress tells what is wrong with an address to listen at, HOST:PORT.
func CheckAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("split host and port: %w", err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port: %w", err)
	}
	return nil
}
