package stack

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// Portal is the reconnect page as a process, beside a worker: both have the same folder, store and keys.
type Portal struct {
	*Process

	URL string // its public URL

	command command
}

// NewPortal finds the portal's place, so that a worker can be told its URL before it runs.
func NewPortal(ctx context.Context, binary, dir string, t *Temporal, vendorURL string, env ...string) (*Portal, error) {
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	p := &Portal{URL: "http://" + address}
	env = append(append(TemporalEnv(dir, t),
		"CUTOVER_PORTAL_ADDRESS="+address, "CUTOVER_PORTAL_URL="+p.URL, "CUTOVER_PINTEREST_URL="+vendorURL, "CUTOVER_LOG_FORMAT=json"), env...)
	p.command = command{name: "portal", path: binary, dir: dir, log: filepath.Join(dir, "portal.log"), env: environment(env...)}
	return p, nil
}

// Start starts the portal, also again after Kill or Stop, and waits until it answers.
func (p *Portal) Start(ctx context.Context) error {
	process, err := startReady(ctx, p.command, p.URL)
	if err == nil {
		p.Process = process
	}
	return err
}

// Command is one of the portal's own commands, such as `portal link`, with the portal's configuration.
func (p *Portal) Command() Starter {
	return Starter{Binary: p.command.path, Dir: p.command.dir, Env: p.command.env}
}

// WritePinterestApp writes the operator's own app at Pinterest into dir, its secret in a file of its own, and returns the path of the first.
func WritePinterestApp(dir, clientID, clientSecret string) (string, error) {
	if err := writeSecret(dir, "pinterest-app", clientSecret); err != nil {
		return "", fmt.Errorf("write the app: %w", err)
	}
	return writeYAML(dir, "pinterest-app.yaml", map[string]any{
		"client_id": clientID, "client_secret": map[string]string{"file": filepath.Join("secrets", "pinterest-app")},
	})
}
