package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"cutover/workflows"
)

const (
	// shards of history: few, since one process has them all. For the life of the database.
	shards = 4
	// retention is the one that deploy/temporal/namespaces.sh gives.
	retention = 720 * time.Hour

	dbMain, dbVisibility = "temporal", "temporal_visibility"
)

// production are the programs of a server as an operator runs it.
type production struct {
	root, server, sqlTool string
	postgres              PostgresTools
}

// Production is nil where a server as an operator runs it can be started: `make tools-production` was made, and PostgreSQL is on the machine.
func Production() error {
	_, err := findProduction(PostgresPlaces())
	return err
}

func findProduction(places []string) (production, error) {
	root, err := ModuleRoot()
	if err != nil {
		return production{}, err
	}
	p := production{root: root, server: filepath.Join(root, ".bin", "temporal-server"), sqlTool: filepath.Join(root, ".bin", "temporal-sql-tool")}
	for _, path := range []string{p.server, p.sqlTool} {
		if _, err := os.Stat(path); err != nil {
			return p, fmt.Errorf("no Temporal server of production to start: run `make tools-production` (a few minutes, once): %w", err)
		}
	}
	if p.postgres, err = FindPostgres(places); err != nil {
		return p, fmt.Errorf("a Temporal server of production needs a database, beside the programs of `make tools-production`: %w", err)
	}
	return p, nil
}

// startProduction starts PostgreSQL, makes Temporal's databases, and starts all four services of the server in one process, with the settings that the
// repository deploys and otherwise stock limits.
func startProduction(ctx context.Context, o Options) (*Temporal, error) {
	if o.UI || len(o.Extra) > 0 {
		return nil, errors.New("start a production server: UI and Extra are the development server's alone")
	}
	programs, err := findProduction(PostgresPlaces())
	if err != nil {
		return nil, err
	}
	postgres, err := StartPostgres(ctx, PostgresOptions{Tools: programs.postgres, Dir: filepath.Join(o.Dir, "postgres"), Durable: true})
	if err != nil {
		return nil, err
	}
	t := &Temporal{Namespace: "default", Database: postgres.Data, postgres: postgres}
	if err := t.install(ctx, programs, o.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("start a production server: %w", err), t.Stop())
	}
	return t, nil
}

func (t *Temporal) install(ctx context.Context, programs production, dir string) error {
	if err := t.makeDatabases(ctx, programs.sqlTool, dir); err != nil {
		return err
	}
	ports, err := lowPorts(ctx, 2*len(services))
	if err != nil {
		return err
	}
	t.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	config, err := writeYAML(dir, "temporal.yaml", t.config(ports, filepath.Join(programs.root, "deploy", "temporal", "dynamic.yaml")))
	if err != nil {
		return err
	}
	t.command = command{
		name: "temporal server", path: programs.server, args: []string{"--config-file", config, "--allow-no-auth", "start"}, env: environment(),
		dir: dir, log: filepath.Join(dir, "temporal.log"),
	}
	if err := t.begin(ctx, t.prepared); err != nil {
		return err
	}
	// A server knows a new search attribute only after seconds, each of its services on its own. One that begins anew knows it at once.
	if err := t.Kill(); err != nil {
		return err
	}
	return t.begin(ctx, t.serves)
}

// makeDatabases makes what deploy/temporal/schema.sh makes. The tool prints every statement, which is worth reading only when one fails.
func (t *Temporal) makeDatabases(ctx context.Context, tool, dir string) error {
	host, port, err := net.SplitHostPort(t.postgres.address)
	if err != nil {
		return fmt.Errorf("make Temporal's databases: %w", err)
	}
	env := environment("SQL_PLUGIN=postgres12_pgx", "SQL_HOST="+host, "SQL_PORT="+port, "SQL_USER="+postgresUser, "SQL_PASSWORD="+t.postgres.password)
	for _, database := range []struct{ name, schema string }{{dbMain, "postgresql/v12/temporal"}, {dbVisibility, "postgresql/v12/visibility"}} {
		for _, step := range [][]string{{"create-database"}, {"setup-schema", "--version", "0.0"}, {"update-schema", "--schema-name", database.schema}} {
			args := slices.Concat([]string{"--database", database.name}, step)
			if err := runToEnd(ctx, command{name: "temporal-sql-tool", path: tool, args: args, env: env, dir: dir, log: filepath.Join(dir, "schema.log")}); err != nil {
				return fmt.Errorf("make Temporal's databases: %w", err)
			}
		}
	}
	return nil
}

// prepared makes the namespace and the product's search attributes as soon as the server lets it; what is there already stays.
func (t *Temporal) prepared(ctx context.Context) error {
	c, err := t.Client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: t.Namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if _, known := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); err != nil && !known {
		return fmt.Errorf("make namespace %s: %w", t.Namespace, err)
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: t.Namespace, SearchAttributes: workflows.SearchAttributes(),
	})
	if _, known := errors.AsType[*serviceerror.AlreadyExists](err); err != nil && !known {
		return fmt.Errorf("make the search attributes: %w", err)
	}
	return t.serves(ctx)
}
