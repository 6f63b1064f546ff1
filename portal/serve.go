package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/store"
)

const (
	// readTimeout bounds a request's arrival: forms here have one field.
	readTimeout = 10 * time.Second
	// requestTimeout bounds the work on one request; the longest is a consent: its code is exchanged, it is checked, stored and passed on.
	requestTimeout = vendorTimeout + checkTimeout + 5*time.Second + signalTimeout
	// stopTimeout lets requests in flight finish, a consent above all.
	stopTimeout = requestTimeout + 2*time.Second
	maxHeader   = 16 << 10 // bytes

	defaultLink = 72 * time.Hour
	longestLink = 30 * 24 * time.Hour
)

// serve serves the page until ctx ends.
func serve(ctx context.Context, env engine.Environment, stderr io.Writer) error {
	s, err := configure(ctx, env, stderr)
	if err != nil {
		return err
	}
	defer s.close()
	defer func() { _ = s.Log.Sync() }() // a terminal cannot be synced, and nothing is lost there
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen: %w (set %s)", err, config.EnvPortalAddress)
	}
	s.Log.Info("serving", zap.String("version", engine.Version()), zap.String("url", s.URL.String()), zap.String("address", listener.Addr().String()),
		zap.Bool("consent", s.App.ClientID != ""))
	return listen(ctx, listener, newServer(s.deps), s.Log)
}

// listen serves handler until ctx ends and the requests in flight are done.
func listen(ctx context.Context, listener net.Listener, handler http.Handler, log *zap.Logger) error {
	server := &http.Server{
		Handler: handler, ReadTimeout: readTimeout, ReadHeaderTimeout: readTimeout, WriteTimeout: readTimeout + stopTimeout,
		IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(log.Named("http")),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping: requests in flight finish first", zap.Duration("at most", stopTimeout))
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
		return fmt.Errorf("stop: requests were cut off: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	log.Info("stopped")
	return nil
}

// linkAsked is what portal link was asked for.
type linkAsked struct {
	organization, playbook string
	lasts                  time.Duration
}

// printLink makes a link and prints it; only its digest is kept.
func printLink(ctx context.Context, env engine.Environment, asked linkAsked, stdout io.Writer) error {
	s, err := configure(ctx, env, io.Discard)
	if err != nil {
		return err
	}
	defer s.close()
	token, err := s.database.NewLink(ctx, store.Link{Organization: asked.organization, Playbook: asked.playbook, ExpiresAt: s.Now().Add(asked.lasts)})
	if err != nil {
		return fmt.Errorf("make a link for %s: %w", asked.organization, err)
	}
	fmt.Fprintln(stdout, s.URL.JoinPath("l", token).String())
	return nil
}
