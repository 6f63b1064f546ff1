package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/pinterest"
	"cutover/internal/service"
	"cutover/internal/store"
)

// setup is everything the worker needs, made from its configuration. Of the network only the store, what opens its keys, and a bucket for reports are
// touched.
type setup struct {
	config     config.Worker
	logger     *zap.Logger
	redactor   *engine.Redactor
	temporal   client.Options
	activities *activities.Activities
	gate       *engine.Gate // of what the writes' queue has begun
	reports    *store.Reports
	database   *store.Database
	codec      http.Handler // nil: payloads are not decoded for anybody
}

// secrets is what of the configuration stands in files of its own.
type secrets struct {
	credentials config.Credentials
	app         pinterest.App
	notices     config.Notices
	payloads    *keys.Keyset // nil: payloads are not encrypted
	codecToken  string
}

// readSecrets reads all of them and reports everything wrong with them at once.
func readSecrets(ctx context.Context, cfg config.Worker, getenv func(string) string) (s secrets, err error) {
	var credentialsErr, appErr, noticesErr, payloadsErr, tokenErr error
	s.credentials, credentialsErr = config.ReadCredentials(cfg.Credentials, getenv)
	if cfg.PinterestApp != "" {
		s.app, appErr = config.ReadPinterestApp(cfg.PinterestApp, getenv)
	}
	s.notices, noticesErr = config.ReadNotices(cfg.Notices, getenv)
	if cfg.CodecKeys != "" {
		s.payloads, payloadsErr = keys.Read(ctx, cfg.CodecKeys, cfg.CodecKMS)
		if errors.Is(payloadsErr, fs.ErrNotExist) {
			payloadsErr = fmt.Errorf("%w: make one with: worker keys create --codec", payloadsErr)
		}
	}
	if cfg.CodecToken != "" {
		s.codecToken, tokenErr = config.ReadCodecToken(cfg.CodecToken)
	}
	return s, errors.Join(credentialsErr, appErr, noticesErr, inVariable(engine.EnvCodecKeys, payloadsErr), tokenErr)
}

// all are what no log and no error may hold.
func (s secrets) all(cfg config.Worker, env engine.Environment) []string {
	all := append(s.credentials.Secrets(), s.notices.Secrets()...)
	all = append(all, s.app.ClientSecret, s.codecToken, cfg.Password())
	return append(all, service.LibrarySecrets(env)...)
}

// encrypted has payloads sealed where there are keys; without them it tells what is sealed from what is broken.
func (s secrets) encrypted(options client.Options) client.Options {
	if s.payloads == nil {
		return engine.Encrypted(options, nil)
	}
	return engine.Encrypted(options, s.payloads)
}

// decoder decodes payloads for the Web UI; nil where nobody is to ask.
func (s secrets) decoder(cfg config.Worker) http.Handler {
	if cfg.CodecAddress == "" {
		return nil
	}
	return engine.CodecHandler(s.payloads, cfg.CodecOrigins, s.codecToken)
}

// configure reads all configuration and reports everything wrong with it at once.
func configure(ctx context.Context, env engine.Environment, logs io.Writer) (setup, error) {
	cfg, envErr := config.WorkerFromEnv(env.Getenv)
	files, filesErr := readSecrets(ctx, cfg, env.Getenv)
	options, temporalErr := engine.ClientOptions(env, zap.NewNop())
	if err := errors.Join(envErr, filesErr, temporalErr); err != nil {
		return setup{}, service.Misused(err)
	}
	hidden := files.all(cfg, env)
	redactor := engine.NewRedactor(hidden...)
	logger, err := engine.NewRedactedLogger(service.LogFormat(cfg.LogFormat, logs), cfg.LogLevel, logs, redactor)
	if err != nil {
		return setup{}, service.Misused(err)
	}
	if slices.ContainsFunc(hidden, engine.TooShortToHide) {
		logger.Warn("a secret of the configuration is too short to be kept out of logs and errors if somebody quotes it: give one of at least 6 bytes")
	}
	options.Logger = engine.SDKLogger(logger)
	options.Identity = engine.Identity("worker")
	s := setup{config: cfg, logger: logger, redactor: redactor, temporal: files.encrypted(options), codec: files.decoder(cfg)}
	s.gate = engine.NewGate(activities.WritesTaskQueue)

	vendor, vendorErr := adobe.New(adobe.Config{
		IMSURL: cfg.AdobeIMSURL, PlatformURL: cfg.AdobeURL, AllowPlainHTTP: cfg.AllowPlainHTTP,
		RequestsPerSecond: cfg.AdobeRPS, BeforeWrite: s.gate.Pass, Logger: logger.Named("adobe"), Now: time.Now,
	})
	partner, partnerErr := pinterest.New(pinterest.Config{
		URL: cfg.PinterestURL, AllowPlainHTTP: cfg.AllowPlainHTTP, Logger: logger.Named("pinterest"), Now: time.Now,
	})
	database, storeErr := openStore(ctx, cfg)
	notices, noticesErr := files.notices.Open(database, time.Now)
	reports, reportsErr := store.Open(ctx, cfg.Reports)
	err = errors.Join(vendorErr, inVariable(config.EnvPinterestURL, partnerErr), inVariable(config.EnvNotices, noticesErr), inVariable(config.EnvReports, reportsErr))
	if err != nil {
		err = service.Misused(errors.Join(err, storeErr))
	} else {
		err = storeErr
	}
	if err != nil {
		if database != nil {
			_ = database.Close() // nothing was written
		}
		return setup{}, err
	}
	s.reports, s.database = reports, database
	s.activities = &activities.Activities{
		Adobe: vendor, Credentials: files.credentials, Notices: notices, Reports: reports, Ask: activities.AskWorkflow, Pause: activities.Pause, Now: time.Now,
		BeforeWrite: s.gate.Pass,
	}
	if cfg.PinterestApp != "" {
		s.activities.Pinterest, s.activities.App, s.activities.Grants = partner, files.app, grants{database, redactor}
	}
	if cfg.PortalURL != "" {
		s.activities.Links = links{database: database, redactor: redactor, page: cfg.PortalURL, lifetime: cfg.LinkLifetime, now: time.Now}
	}
	return s, nil
}

func inVariable(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
