package service

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
)

const (
	// healthTimeout bounds a health request; orchestrators give a probe a few seconds.
	healthTimeout = 3 * time.Second
	// maxHealthAnswer is far more than any answer has, in bytes.
	maxHealthAnswer = 4 << 10
)

// AskHealth asks the program on this machine that listens at address, which variable set, whether it is ready, and prints its answer. The error says why it
// is not; what names the program for people.
func AskHealth(ctx context.Context, what, variable, address string, stdout io.Writer) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return Misused(fmt.Errorf("%s is %q; it must be HOST:PORT such as 127.0.0.1:8081", variable, address))
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere: ask here
	}
	address = net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	// No proxy and no kept connection: the program is on this machine.
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		if in, ok := errors.AsType[*url.Error](err); ok {
			err = in.Err // without the URL, which is said
		}
		return fmt.Errorf("no %s answers at %s (%s): start it or correct the address: %w", what, address, variable, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("read the %s's answer: %w", what, err)
	}
	fmt.Fprintln(stdout, strings.TrimSpace(string(body)))
	if answer.StatusCode != http.StatusOK {
		return errors.New("not ready")
	}
	return nil
}
