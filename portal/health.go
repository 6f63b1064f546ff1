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
	// maxHealthAnswer is far more than any answer has, in bytes.
	maxHealthAnswer = 4 << 10
)

// askHealth asks the page that runs with the same environment. The error says why it is not ready.
func askHealth(ctx context.Context, env engine.Environment, stdout io.Writer) error {
	cfg, _ := fromEnvironment(env) // a page with other faults does not answer either
	host, port, err := net.SplitHostPort(cfg.address)
	if err != nil {
		return usageError{fmt.Errorf("%s is %q; it must be HOST:PORT such as %s", config.EnvPortalAddress, cfg.address, defaultAddress)}
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
	// No proxy and no kept connection: the page is on this machine.
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		if in, ok := errors.AsType[*url.Error](err); ok {
			err = in.Err // without the URL, which is said
		}
		return fmt.Errorf("no page answers at %s (%s): start it or correct the address: %w", address, config.EnvPortalAddress, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("read the page's answer: %w", err)
	}
	fmt.Fprintln(stdout, strings.TrimSpace(string(body)))
	if answer.StatusCode != http.StatusOK {
		return errors.New("not ready")
	}
	return nil
}
