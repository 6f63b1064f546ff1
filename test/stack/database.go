package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/workflowservice/v1"
)

// HasDatabase tells whether the server's database is a server of its own.
func (t *Temporal) HasDatabase() bool { return t.postgres != nil }

var errNoDatabase = errors.New("a development server has no database server: it is a file of its own")

// KillDatabase ends PostgreSQL as a crash of its machine does: in the middle, with all of its processes. The Temporal server stays up without it.
func (t *Temporal) KillDatabase() error {
	if !t.HasDatabase() {
		return errNoDatabase
	}
	return t.postgres.Kill()
}

// StartDatabase starts PostgreSQL again, on the same data; nothing happens while it runs.
func (t *Temporal) StartDatabase(ctx context.Context) error {
	if !t.HasDatabase() {
		return errNoDatabase
	}
	if t.postgres.Runs() {
		return nil
	}
	return t.postgres.Start(ctx)
}

// DatabaseBytes are the bytes of what the server keeps on disk: the files of the development server's database, or both of PostgreSQL's.
func (t *Temporal) DatabaseBytes(ctx context.Context) (int64, error) {
	var total int64
	if !t.HasDatabase() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(t.Database + suffix)
			if errors.Is(err, fs.ErrNotExist) && suffix != "" {
				continue // SQLite removes it when it has nothing to keep there
			}
			if err != nil {
				return 0, fmt.Errorf("size of the database: %w", err)
			}
			total += info.Size()
		}
		return total, nil
	}
	connection, err := pgx.Connect(ctx, t.postgres.URL)
	if err != nil {
		return 0, errors.New("size of the database: PostgreSQL takes no connection") // pgx's own error names the URL
	}
	err = connection.QueryRow(ctx, "SELECT pg_database_size($1) + pg_database_size($2)", dbMain, dbVisibility).Scan(&total)
	if err = errors.Join(err, connection.Close(ctx)); err != nil {
		return 0, fmt.Errorf("size of the database: %w", err)
	}
	return total, nil
}

// PIDs are the processes that serve, as they are now: the server and, if it has one, its database's. None of what ended.
func (t *Temporal) PIDs() []int {
	var pids []int
	if t.Runs() {
		pids = append(pids, t.PID())
	}
	if t.HasDatabase() {
		pids = append(pids, t.postgres.PIDs()...)
	}
	return pids
}

// Version is the server's version, as it says itself.
func (t *Temporal) Version(ctx context.Context) (string, error) {
	c, err := t.Client(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the server for its version: %w", err)
	}
	defer c.Close()
	info, err := c.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	if err != nil {
		return "", fmt.Errorf("ask the server for its version: %w", err)
	}
	return info.GetServerVersion(), nil
}
