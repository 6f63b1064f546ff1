package stack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

const (
	// lowPort to highPort are below those that systems give to whoever asks for any.
	lowPort = 12000
	// highPort is the highest that a Temporal server can write into PostgreSQL, where its column rpc_port of cluster_membership is an int2.
	highPort = 1<<15 - 1
)

// freePorts are loopback ports that nobody listened at a moment ago.
func freePorts(ctx context.Context, n int) ([]int, error) {
	return portsOf(ctx, n, func() int { return 0 })
}

// lowPorts are such ports up to highPort.
func lowPorts(ctx context.Context, n int) ([]int, error) {
	return portsOf(ctx, n, func() int { return lowPort + rand.IntN(highPort-lowPort+1) }) //nolint:gosec // nobody is to be surprised by it
}

// portsOf holds all ports until all are found, so that no two are the same. One that is taken is passed over; 0 asks for any.
func portsOf(ctx context.Context, n int, next func() int) ([]int, error) {
	var lc net.ListenConfig
	ports := make([]int, 0, n)
	var held []net.Listener
	defer func() {
		for _, listener := range held {
			_ = listener.Close() // only ever asked for its port
		}
	}()
	for len(ports) < n {
		listener, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(next())))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		held = append(held, listener)
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("find a free port: %v is no TCP address", listener.Addr())
		}
		ports = append(ports, address.Port)
	}
	return ports, nil
}
