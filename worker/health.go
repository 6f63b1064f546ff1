package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cutover/internal/config"
	"cutover/internal/engine"
)

const (
	// healthTimeout bounds a health request; orchestrators give a probe a few seconds.
	healthTimeout = 3 * time.Second
	// requestTimeout bounds every part of a request that this process answers.
	requestTimeout = 10 * time.Second
	// maxHealthAnswer is far more than any answer has.
	maxHealthAnswer = 4 << 10
)

// listen serves handler at address until the returned function is called. variable is where the address was set.
func listen(ctx context.Context, variable, address string, handler http.Handler) (closeServer func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for requests: %w (set %s)", err, variable)
	}
	server := &http.Server{
		Handler: handler, ReadTimeout: requestTimeout, ReadHeaderTimeout: requestTimeout, WriteTimeout: requestTimeout, IdleTimeout: time.Minute,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends by Close only; a server that fails shows itself to whoever asks
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}

// askHealth asks the worker that runs with the same environment. The error says why it is not ready.
func askHealth(ctx context.Context, env engine.Environment, stdout io.Writer) error {
	cfg, _ := config.WorkerFromEnv(env.Getenv) // a worker with other faults does not answer either
	host, port, err := net.SplitHostPort(cfg.HealthAddress)
	if err != nil {
		return usageError{fmt.Errorf("%s is %q; it must be HOST:PORT such as 127.0.0.1:8081", config.EnvHealthAddress, cfg.HealthAddress)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere: ask here
	}
	address := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	// No proxy and no kept connection: the worker is on this machine.
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		if in, ok := errors.AsType[*url.Error](err); ok {
			err = in.Err // without the URL, which is said
		}
		return fmt.Errorf("no worker answers at %s (%s): start it or correct the address: %w", address, config.EnvHealthAddress, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("read the worker's answer: %w", err)
	}
	text := strings.TrimSpace(string(body))
	fmt.Fprintln(stdout, text)
	if answer.StatusCode != http.StatusOK {
		return errors.New("not ready")
	}
	return nil
}
