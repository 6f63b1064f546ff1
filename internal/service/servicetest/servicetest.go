// Package servicetest is what the tests of programs that serve have in common.
package servicetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
)

// Lines is what a running program writes and a test reads meanwhile.
type Lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write takes what the program writes.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, _ := l.buf.Write(p) // it always takes everything
	return n, nil
}

// String is everything so far.
func (l *Lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// FreeAddress is an address of this machine that nobody listens at.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free address: %w", err)
	}
	defer func() { _ = listener.Close() }() // only ever asked for its address
	return listener.Addr().String(), nil
}
