package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"golang.org/x/term"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/notify"
	"cutover/internal/store"
)

// setup is everything the worker needs, made from its configuration. Of the network only a bucket for reports is touched.
type setup struct {
	config     config.Worker
	logger     *zap.Logger
	temporal   client.Options
	activities *activities.Activities
	reports    *store.Reports
}

// configure reads all configuration and reports everything wrong with it at once.
func configure(ctx context.Context, env engine.Environment, logs io.Writer) (setup, error) {
	cfg, envErr := config.WorkerFromEnv(env.Getenv)
	credentials, credentialsErr := config.ReadCredentials(cfg.Credentials, env.Getenv)
	options, temporalErr := engine.ClientOptions(env, zap.NewNop())
	if err := errors.Join(envErr, credentialsErr, temporalErr); err != nil {
		return setup{}, usageError{err}
	}
	logger, err := engine.NewLogger(logFormat(cfg.LogFormat, logs), cfg.LogLevel, logs)
	if err != nil {
		return setup{}, usageError{err}
	}
	options.Logger = engine.SDKLogger(logger)
	options.Identity = engine.Identity("worker")

	vendor, vendorErr := adobe.New(adobe.Config{
		IMSURL: cfg.AdobeIMSURL, PlatformURL: cfg.AdobeURL, AllowPlainHTTP: cfg.AllowPlainHTTP,
		RequestsPerSecond: cfg.AdobeRPS, Logger: logger.Named("adobe"), Now: time.Now,
	})
	notices, noticesErr := notify.New(cfg.Notices, time.Now)
	reports, reportsErr := store.Open(ctx, cfg.Reports)
	if err := errors.Join(vendorErr, inVariable(config.EnvNotices, noticesErr), inVariable(config.EnvReports, reportsErr)); err != nil {
		return setup{}, usageError{err}
	}
	return setup{
		config: cfg, logger: logger, temporal: options, reports: reports,
		activities: &activities.Activities{
			Adobe: vendor, Credentials: credentials, Notices: notices, Reports: reports, Ask: activities.AskWorkflow, Pause: activities.Pause, Now: time.Now,
		},
	}, nil
}

func inVariable(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// logFormat is what was asked for, or what suits whoever reads: a person at a terminal, a program elsewhere.
func logFormat(asked string, logs io.Writer) string {
	if asked != "" {
		return asked
	}
	if file, ok := logs.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return engine.FormatConsole
	}
	return engine.FormatJSON
}
