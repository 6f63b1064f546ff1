package stack

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// WorkerOptions are what a worker is given.
type WorkerOptions struct {
	Binary      string
	Dir         string // its working directory; notices, reports and its log are in it
	Name        string // of its log file; default worker
	Temporal    *Temporal
	VendorURL   string
	Credentials string   // path of credentials.yaml
	Env         []string // more environment, such as CUTOVER_ADOBE_RPS=200
}

// Worker is a worker process.
type Worker struct {
	*Process

	Health  string // base URL of its health requests
	Notices string // directory
	Reports string // directory

	command command
}

// StartWorker starts a worker and waits until it polls.
func StartWorker(ctx context.Context, o WorkerOptions) (*Worker, error) {
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "worker"
	}
	health := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	w := &Worker{Health: "http://" + health, Notices: filepath.Join(o.Dir, "notices"), Reports: filepath.Join(o.Dir, "reports")}
	env := append(TemporalEnv(o.Dir, o.Temporal),
		"CUTOVER_CREDENTIALS="+o.Credentials, "CUTOVER_HEALTH_ADDRESS="+health, "CUTOVER_NOTICES="+w.Notices, "CUTOVER_REPORTS="+w.Reports,
		"CUTOVER_ADOBE_IMS_URL="+o.VendorURL, "CUTOVER_ADOBE_URL="+o.VendorURL, "CUTOVER_PINTEREST_URL="+o.VendorURL,
		"CUTOVER_LOG_FORMAT=json")
	w.command = command{
		name: o.Name, path: o.Binary, dir: o.Dir, log: filepath.Join(o.Dir, o.Name+".log"), env: environment(append(env, o.Env...)...),
	}
	if err := w.Start(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// Command is one of the worker's own commands, such as `worker grants list`, with the worker's configuration.
func (w *Worker) Command(input string) Starter {
	return Starter{Binary: w.command.path, Dir: w.command.dir, Env: w.command.env, Input: input}
}

// Start starts the worker again, as it was, after Kill or Stop.
func (w *Worker) Start(ctx context.Context) error {
	process, err := startReady(ctx, w.command, w.Health)
	if err == nil {
		w.Process = process
	}
	return err
}

// TemporalEnv is the environment that leads Temporal's clients to the server and keeps a person's own settings out.
func TemporalEnv(dir string, t *Temporal) []string {
	return []string{
		"TEMPORAL_ADDRESS=" + t.Address, "TEMPORAL_NAMESPACE=" + t.Namespace, "TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "none.toml"),
		"CUTOVER_WEB_URL=" + t.WebURL,
	}
}

// String names the worker for errors.
func (w *Worker) String() string { return fmt.Sprintf("%s (process %d)", w.Name, w.PID()) }
