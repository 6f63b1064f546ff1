package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"cutover/workflows"
)

// EnvTemporalCLI names the Temporal command whose development server is used; unset, it is .bin/temporal at the root of the module.
const EnvTemporalCLI = "CUTOVER_TEMPORAL_CLI"

// Options are how a Temporal server is started.
type Options struct {
	CLI   string   // the temporal command; empty: see EnvTemporalCLI
	Dir   string   // where its database and log are
	UI    bool     // serve the Web UI too
	Extra []string // more arguments of `temporal server start-dev`
	// Production is the server that an operator runs, on a PostgreSQL of its own, instead of the development server: see Production. It has neither UI nor
	// Extra.
	Production bool
}

// Temporal is a Temporal server: what it holds survives Kill and Start. One that starts or ends may not be asked for its processes meanwhile.
type Temporal struct {
	*Process

	Address   string // host:port of the frontend
	WebURL    string // of the Web UI; empty without one
	Namespace string
	Database  string // the file, with two more of SQLite's beside it; in production the folder of PostgreSQL's data

	command  command
	postgres *Postgres // nil: a development server
}

// StartTemporal starts a server and waits until it serves the namespace with every search attribute of the product.
func StartTemporal(ctx context.Context, o Options) (*Temporal, error) {
	if o.Production {
		return startProduction(ctx, o)
	}
	return startDevelopment(ctx, o)
}

func startDevelopment(ctx context.Context, o Options) (*Temporal, error) {
	cli, err := findCLI(o.CLI)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	t := &Temporal{
		Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])), Namespace: "default", Database: filepath.Join(o.Dir, "temporal.db"),
	}
	args := []string{
		"server", "start-dev", "--ip", "127.0.0.1", "--port", strconv.Itoa(ports[0]), "--db-filename", t.Database, "--log-level", "error",
		"--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL",
		// Without these every hop costs 50 ms, tasks wait in partitions nobody polls, and a new attribute is unknown for seconds.
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000",
		"--dynamic-config-value", "history.timerProcessorMaxPollRPS=1000",
		"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
		"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
		"--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=true",
	}
	if o.UI {
		t.WebURL = "http://127.0.0.1:" + strconv.Itoa(ports[1])
		args = append(args, "--ui-port", strconv.Itoa(ports[1]))
	} else {
		args = append(args, "--headless")
	}
	attributes := workflows.SearchAttributes()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		args = append(args, "--search-attribute", name+"="+attributes[name].String())
	}
	t.command = command{
		name: "temporal server", path: cli, args: append(args, o.Extra...), env: environment("TEMPORAL_ENV_FILE=" + filepath.Join(o.Dir, "none.yaml")),
		dir: o.Dir, log: filepath.Join(o.Dir, "temporal.log"),
	}
	if err := t.Start(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// Start starts the server again, at the same address and on the same database, after Kill or Stop. A database that ended is started too.
func (t *Temporal) Start(ctx context.Context) error {
	if t.HasDatabase() {
		if err := t.StartDatabase(ctx); err != nil {
			return err
		}
	}
	if err := t.begin(ctx, t.serves); err != nil {
		return errors.Join(err, t.Stop())
	}
	return nil
}

// begin starts the server alone and waits until it serves.
func (t *Temporal) begin(ctx context.Context, serves func(context.Context) error) error {
	process, err := start(ctx, t.command)
	if err != nil {
		return err
	}
	t.Process = process
	return t.ready(ctx, serves)
}

// Stop asks the server to end, and then its database, and waits until both are gone. It may be called again.
func (t *Temporal) Stop() error {
	var err error
	if t.Process != nil {
		err = t.Process.Stop()
	}
	if t.HasDatabase() {
		err = errors.Join(err, t.postgres.Stop())
	}
	return err
}

// Client connects to the server.
func (t *Temporal) Client(ctx context.Context) (client.Client, error) {
	return client.DialContext(ctx, client.Options{HostPort: t.Address, Namespace: t.Namespace, Identity: "test-stack", Logger: silent{}})
}

// serves asks for everything that those who come next rely on.
func (t *Temporal) serves(ctx context.Context) error {
	c, err := t.Client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	listed, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: t.Namespace})
	if err != nil {
		return err
	}
	for name, kind := range workflows.SearchAttributes() {
		if has := listed.GetCustomAttributes()[name]; has != kind {
			return fmt.Errorf("search attribute %s is %s and not %s", name, has, kind)
		}
	}
	if t.WebURL == "" {
		return nil
	}
	return ask(ctx, t.WebURL)
}

func findCLI(path string) (string, error) {
	if path == "" {
		path = os.Getenv(EnvTemporalCLI)
	}
	if path == "" {
		root, err := ModuleRoot()
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, ".bin", "temporal")
	}
	if _, err := os.Stat(path); err != nil { //nolint:gosec // whoever runs a test names the server it runs on
		return "", fmt.Errorf("no Temporal server to start: run `make tools`, or set %s to a temporal command: %w", EnvTemporalCLI, err)
	}
	return filepath.Abs(path)
}

// ModuleRoot is the folder of this module's go.mod, found upwards from the working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		switch {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return "", fmt.Errorf("find the module: no go.mod above the working directory: %w", err)
		}
		dir = filepath.Dir(dir)
	}
}

// silent is a logger for clients whose failures are answers: a server that is not ready yet, a worker that was killed.
type silent struct{}

var _ log.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
