package stack

import (
	"context"
	"fmt"
	"net"
)

// freePorts are loopback ports that nobody listened at a moment ago. They are all held until all are found, so that no two are the same.
func freePorts(ctx context.Context, n int) ([]int, error) {
	var lc net.ListenConfig
	ports := make([]int, 0, n)
	var held []net.Listener
	defer func() {
		for _, listener := range held {
			_ = listener.Close() // only ever asked for its port
		}
	}()
	for range n {
		listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
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
