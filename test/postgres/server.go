package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// patience is for a machine that is busy with other builds.
	patience = 60 * time.Second
	askEvery = 25 * time.Millisecond
	// stopGrace is how long PostgreSQL may take to end by itself before it is killed.
	stopGrace = 15 * time.Second
	// statusLine of postmaster.pid, counted from 0 (PostgreSQL 10 and later).
	statusLine = 7
)

// tools are PostgreSQL's own programs.
type tools struct{ initdb, postgres string }

// installed lists where PostgreSQL's programs may lie: in PATH, and where Debian keeps them, the newest first.
func installed() []string {
	places := filepath.SplitList(os.Getenv("PATH"))
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails for a malformed pattern only
	slices.Reverse(debian)
	return append(places, debian...)
}

var errAbsent = errors.New("PostgreSQL is not installed: run apt-get install postgresql (or the like), or put the folder of initdb and postgres into PATH")

func find(places []string) (tools, error) {
	for _, dir := range places {
		t := tools{filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres")}
		if _, err := exec.LookPath(t.initdb); err != nil {
			continue
		}
		if _, err := exec.LookPath(t.postgres); err == nil {
			return t, nil
		}
	}
	return tools{}, errAbsent
}

// server is a PostgreSQL that runs until it is stopped. It never outlives this process: see attributes.
type server struct {
	url  string
	log  *bytes.Buffer // read once done is closed
	cmd  *exec.Cmd
	done chan struct{}
}

// start makes a database in dir and serves it on a free port of loopback.
func start(ctx context.Context, t tools, dir string) (*server, error) {
	as, err := attributes(dir)
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	file := filepath.Join(dir, "password")
	if err := give(file, []byte(password), as); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, t.initdb, "--pgdata", data, "--username", "cutover", "--pwfile", file,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if said, err := output(initdb); err != nil {
		return nil, fmt.Errorf("make a database: %w: %s", err, said)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), t.postgres, "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	s := &server{log: &bytes.Buffer{}, cmd: cmd, done: make(chan struct{})}
	cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = dir, as, s.log, s.log
	s.url = (&url.URL{Scheme: "postgres", User: url.UserPassword("cutover", password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres"}).String()
	if err := s.begin(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := s.ready(ctx, data); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// output runs the command to its end. What it said is read from a buffer of its own, since its file must not be handed to another user.
func output(cmd *exec.Cmd) (string, error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := locked(cmd.Run)
	return said.String(), err
}

// locked keeps to one thread: the kernel ends the child when the thread that started it ends.
func locked(do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return do()
}

func (s *server) begin() error {
	started := make(chan error, 1)
	go func() {
		_ = locked(func() error {
			err := s.cmd.Start()
			started <- err
			if err == nil {
				_ = s.cmd.Wait() // however it ended, its log says why
				close(s.done)
			}
			return err
		})
	}()
	return <-started
}

// ready waits until the server says in its file postmaster.pid that it takes connections.
func (s *server) ready(ctx context.Context, data string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		said, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		if lines := strings.Split(string(said), "\n"); err == nil && len(lines) > statusLine && strings.TrimSpace(lines[statusLine]) == "ready" {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended before it was ready: %s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL was not ready: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}

// stop ends the server, whoever is still connected, and waits until it is gone.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-s.done:
		return nil
	case <-timer.C:
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	<-s.done
	return nil
}

// freePort is one that nobody listened at a moment ago.
func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }() // only ever asked for its port
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %v is no TCP address", listener.Addr())
	}
	return address.Port, nil
}
