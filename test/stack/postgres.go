package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	postgresUser = "cutover"
	// statusLine of postmaster.pid, counted from 0 (PostgreSQL 10 and later).
	statusLine = 7
	// anywhere is a working directory that every user may enter; PostgreSQL goes to its data from there.
	anywhere = "/"
)

// PostgresTools are PostgreSQL's own programs.
type PostgresTools struct{ initdb, postgres string }

// PostgresPlaces lists where PostgreSQL's programs may lie: in PATH, and where Debian keeps them, the newest first.
func PostgresPlaces() []string {
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails for a malformed pattern only
	slices.Reverse(debian)
	return append(filepath.SplitList(os.Getenv("PATH")), debian...)
}

var errNoPostgres = errors.New("PostgreSQL is not installed: run apt-get install postgresql (or the like), or put the folder of initdb and postgres into PATH")

// FindPostgres finds PostgreSQL in folders; the error says how to get it.
func FindPostgres(places []string) (PostgresTools, error) {
	for _, dir := range places {
		t := PostgresTools{filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres")}
		if _, err := exec.LookPath(t.initdb); err != nil {
			continue
		}
		if _, err := exec.LookPath(t.postgres); err == nil {
			return t, nil
		}
	}
	return PostgresTools{}, errNoPostgres
}

// PostgresOptions are how a PostgreSQL is started.
type PostgresOptions struct {
	Tools   PostgresTools
	Dir     string // of its own: it is given to the user that PostgreSQL runs as
	Durable bool   // what was committed survives a crash, at the cost of waiting for the disk
}

// Postgres is a PostgreSQL with an empty database, on loopback and without a Unix socket. It never outlives this process.
type Postgres struct {
	*Process

	URL  string // of database postgres, with the password
	Data string // folder

	address, password string
	command           command
}

// StartPostgres makes a database and serves it on a free port of loopback.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	if err := os.MkdirAll(o.Dir, privateDir); err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	as, err := postgresAttributes(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	p := &Postgres{Data: filepath.Join(o.Dir, "data"), password: rand.Text()}
	file := filepath.Join(o.Dir, "password")
	if err := give(file, []byte(p.password), as); err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	log := filepath.Join(o.Dir, "postgres.log")
	args := []string{
		"--pgdata", p.Data, "--username", postgresUser, "--pwfile", file, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync",
	}
	if err := runToEnd(ctx, command{name: "initdb", path: o.Tools.initdb, args: args, env: environment(), dir: anywhere, log: log, as: as}); err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(ports[0])
	p.address = net.JoinHostPort("127.0.0.1", port)
	p.URL = (&url.URL{Scheme: "postgres", User: url.UserPassword(postgresUser, p.password), Host: p.address, Path: "/postgres"}).String()
	args = []string{"-D", p.Data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300"}
	if !o.Durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	p.command = command{name: "PostgreSQL", path: o.Tools.postgres, args: args, env: environment(), dir: anywhere, log: log, as: as}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Start starts it again, at the same address and on the same data, after Kill or Stop.
func (p *Postgres) Start(ctx context.Context) error {
	process, err := start(ctx, p.command)
	if err != nil {
		return err
	}
	p.Process = process
	if err := p.ready(ctx, p.serves); err != nil {
		return errors.Join(err, p.Stop())
	}
	return nil
}

// serves is nil once the server says in its file postmaster.pid that it takes connections; a crashed one left such a file too.
func (p *Postgres) serves(context.Context) error {
	said, err := os.ReadFile(filepath.Join(p.Data, "postmaster.pid"))
	if err != nil {
		return fmt.Errorf("PostgreSQL did not begin yet: %w", err)
	}
	lines := strings.Split(string(said), "\n")
	if len(lines) <= statusLine || lines[0] != strconv.Itoa(p.PID()) || strings.TrimSpace(lines[statusLine]) != "ready" {
		return fmt.Errorf("PostgreSQL is not ready yet: its file says %q", lines)
	}
	return nil
}

// Stop ends it in order, whoever is still connected, and waits until it is gone. It may be called again.
func (p *Postgres) Stop() error { return p.end(syscall.SIGINT, stopGrace) }

// Kill ends it as a crash of the machine does, with the processes that serve its connections, and waits until all are gone. Those that were just born
// too: one that is left keeps the memory of all, and PostgreSQL does not start beside it.
func (p *Postgres) Kill() error {
	err := p.Process.Kill() // first: nobody is born after it
	deadline := time.Now().Add(stopGrace)
	for {
		left, listed := workersIn(p.Data)
		if listed != nil || len(left) == 0 {
			return errors.Join(err, listed)
		}
		if time.Now().After(deadline) {
			return errors.Join(err, fmt.Errorf("processes %v of PostgreSQL are still there %s after they were killed", left, stopGrace))
		}
		for _, pid := range left {
			if killed := syscall.Kill(pid, syscall.SIGKILL); killed != nil && !errors.Is(killed, syscall.ESRCH) {
				return errors.Join(err, fmt.Errorf("kill PostgreSQL's process %d: %w", pid, killed))
			}
		}
		time.Sleep(askEvery)
	}
}

// PIDs are its processes as they are now; none while it does not run.
func (p *Postgres) PIDs() []int {
	if !p.Runs() {
		return nil
	}
	children, _ := childrenOf(p.PID()) // none when it ends right now
	return append([]int{p.PID()}, children...)
}
