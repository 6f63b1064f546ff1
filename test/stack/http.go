package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// callTimeout bounds one call to a process on this machine.
	callTimeout = 30 * time.Second
	// maxAnswer holds the ledger of a long run.
	maxAnswer = 1 << 30
	// maxRefusal is what an error quotes of an answer.
	maxRefusal = 300
)

// local talks to processes on this machine: no proxy, and no connection kept to one that may be killed.
func local() *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
}

// ask is nil when a GET of the URL answers 200.
func ask(ctx context.Context, url string) error { return call(ctx, http.MethodGet, url, nil, nil) }

// call sends a body as JSON, if there is one, and reads the answer into out, if there is one.
func call(ctx context.Context, method, url string, in, out any) error {
	body := io.Reader(http.NoBody)
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, url, err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	answer, err := local().Do(request)
	if err != nil {
		return err // says method and URL
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %d: %s", method, url, answer.StatusCode, strings.TrimSpace(string(data[:min(len(data), maxRefusal)])))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}
