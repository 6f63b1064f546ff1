package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/pinterest"
	"cutover/internal/service"
	"cutover/internal/store"
)

const (
	defaultAddress = "127.0.0.1:8082"
	defaultStore   = "sqlite:cutover.db" // as the worker's
	defaultKeys    = "cutover-keys.json" // as the worker's
	// vendorTimeout bounds one call to Pinterest: a person sits and waits for two or three of them.
	vendorTimeout = 8 * time.Second
)

// configuration is the page's. It holds paths and hosts, no secrets but those an URL of a store may hold.
type configuration struct {
	public     *url.URL // where people reach the page; without a path
	address    string
	storeURL   string
	storeKeys  string // path
	storeKMS   string
	app        string // path; empty: nobody is asked to consent
	pinterest  string // URL
	web        string // URL at which people reach Pinterest; empty: the usual one
	allowPlain bool
	logFormat  string
	logLevel   string
}

// read is the value of a variable, or fallback.
func read(env engine.Environment, name, fallback string) string {
	if value := strings.TrimSpace(env.Getenv(name)); value != "" {
		return value
	}
	return fallback
}

// fromEnvironment reads the configuration and reports all faults at once, one per line. No fault quotes a URL: it may hold a password.
func fromEnvironment(env engine.Environment) (configuration, error) {
	c := configuration{
		address:    read(env, config.EnvPortalAddress, defaultAddress),
		storeURL:   read(env, config.EnvStoreURL, defaultStore),
		storeKeys:  read(env, config.EnvStoreKeys, defaultKeys),
		storeKMS:   read(env, config.EnvStoreKMS, ""),
		app:        read(env, config.EnvPinterestApp, ""),
		pinterest:  read(env, config.EnvPinterestURL, pinterest.DefaultURL),
		web:        read(env, config.EnvPinterestWebURL, ""),
		allowPlain: read(env, config.EnvAllowPlain, "0") == "1",
		logFormat:  read(env, config.EnvLogFormat, ""),
		logLevel:   read(env, config.EnvLogLevel, "info"),
	}
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s %w", name, fmt.Errorf(format, args...)))
	}
	if allow := read(env, config.EnvAllowPlain, "0"); allow != "0" && allow != "1" {
		fault(config.EnvAllowPlain, "must be 1 or 0")
	}
	var err error
	if c.public, err = publicURL(read(env, config.EnvPortalURL, ""), c.allowPlain); err != nil {
		fault(config.EnvPortalURL, "%w", err)
	}
	if !slices.ContainsFunc([]string{"sqlite:", "postgres://", "postgresql://"}, func(scheme string) bool { return strings.HasPrefix(c.storeURL, scheme) }) {
		fault(config.EnvStoreURL, "must begin with sqlite: or postgres://, such as %s", defaultStore)
	}
	if read(env, engine.EnvCodecKMS, "") != "" && read(env, engine.EnvCodecKeys, "") == "" {
		fault(engine.EnvCodecKMS, "is given without %s: there is nothing to open", engine.EnvCodecKeys)
	}
	if config.CheckAddress(c.address) != nil {
		fault(config.EnvPortalAddress, "is %q; it must be HOST:PORT such as %s", c.address, defaultAddress)
	}
	if !slices.Contains([]string{"", engine.FormatJSON, engine.FormatConsole}, c.logFormat) {
		fault(config.EnvLogFormat, "is %q; it must be json or console", c.logFormat)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.logLevel) {
		fault(config.EnvLogLevel, "is %q; it must be debug, info, warn or error", c.logLevel)
	}
	return c, errors.Join(faults...)
}

// publicURL reads where people reach the page. It stands in links and redirects, and cookies are held to its scheme.
func publicURL(text string, allowPlain bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("is missing: give the address at which people reach this page, such as https://reconnect.acme.example")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must be an absolute URL such as https://reconnect.acme.example")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, errors.New("must be a scheme and a host alone, such as https://reconnect.acme.example")
	case u.Scheme == "http" && !allowPlain && !config.IsLoopback(u.Hostname()):
		return nil, fmt.Errorf("must use https: people's sessions travel there (a rehearsal may set %s=1)", config.EnvAllowPlain)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// setup is everything the page needs, made from its configuration. The store is opened; neither Temporal nor Pinterest is called.
type setup struct {
	configuration
	deps

	temporal client.Client
	database *store.Database
}

func (s setup) close() {
	s.temporal.Close()
	_ = s.database.Close() // everything was written when its request ended
}

// configure reads all configuration and reports everything wrong with it at once.
func configure(ctx context.Context, env engine.Environment, logs io.Writer) (setup, error) {
	cfg, envErr := fromEnvironment(env)
	var app pinterest.App
	var appErr error
	if cfg.app != "" {
		app, appErr = config.ReadPinterestApp(cfg.app, env.Getenv)
	}
	vendor, vendorErr := pinterest.New(pinterest.Config{URL: cfg.pinterest, WebURL: cfg.web, AllowPlainHTTP: cfg.allowPlain, Timeout: vendorTimeout, Now: time.Now})
	if vendorErr != nil {
		vendorErr = fmt.Errorf("%s, %s: %w", config.EnvPinterestURL, config.EnvPinterestWebURL, vendorErr)
	}
	options, temporalErr := temporalOptions(ctx, env)
	sealer, keysErr := storeKeys(ctx, cfg)
	if err := errors.Join(envErr, appErr, vendorErr, temporalErr, keysErr); err != nil {
		return setup{}, service.Misused(err)
	}
	logger, err := engine.NewRedactedLogger(service.LogFormat(cfg.logFormat, logs), cfg.logLevel, logs, engine.NewRedactor(cfg.secrets(env, app)...))
	if err != nil {
		return setup{}, service.Misused(err)
	}
	options.Logger = engine.SDKLogger(logger)
	// Lazy: the page is there before Temporal is, and says so.
	connected, err := client.NewLazyClient(options)
	if err != nil {
		return setup{}, service.Misused(fmt.Errorf("prepare the connection to Temporal: %w", err))
	}
	database, err := store.OpenDatabase(ctx, cfg.storeURL, sealer, time.Now)
	if err != nil {
		connected.Close()
		return setup{}, fmt.Errorf("%s: %w", config.EnvStoreURL, err)
	}
	return setup{
		configuration: cfg, temporal: connected, database: database,
		deps: deps{
			Workflows: connected, Store: database, Pinterest: vendor, App: app, URL: cfg.public, Log: logger, Now: time.Now,
		},
	}, nil
}

// secrets are what no log may hold.
func (c configuration) secrets(env engine.Environment, app pinterest.App) []string {
	all := []string{app.ClientSecret, config.Worker{StoreURL: c.storeURL}.Password()}
	return append(all, service.LibrarySecrets(env)...)
}

func temporalOptions(ctx context.Context, env engine.Environment) (client.Options, error) {
	options, err := engine.ClientOptions(env, zap.NewNop())
	if err != nil {
		return options, err
	}
	options.Identity = engine.Identity("portal")
	path := read(env, engine.EnvCodecKeys, "")
	if path == "" {
		return engine.Encrypted(options, nil), nil // what is sealed all the same is told from what is broken
	}
	sealer, err := keys.Read(ctx, path, read(env, engine.EnvCodecKMS, ""))
	if err != nil {
		return options, fmt.Errorf("%s: %w", engine.EnvCodecKeys, err)
	}
	return engine.Encrypted(options, sealer), nil
}

// storeKeys never makes keys: the worker does, and two makers could seal one store with two keys.
func storeKeys(ctx context.Context, cfg configuration) (*keys.Keyset, error) {
	sealer, err := keys.Read(ctx, cfg.storeKeys, cfg.storeKMS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: give the worker's, which makes it at its first start", config.EnvStoreKeys, err)
	}
	return sealer, nil
}
