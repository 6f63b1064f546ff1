package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// requestTimeout bounds every part of a request that this process answers.
const requestTimeout = 10 * time.Second

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
