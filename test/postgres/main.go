// Command postgres runs a command beside a PostgreSQL of its own:
//
//	go run ./test/postgres go test ./internal/store/...
//
// The command finds the database's URL in CUTOVER_TEST_STORE_URL; PostgreSQL listens on loopback, keeps nothing and ends with the command, whose exit
// code is this one's. Without PostgreSQL on the machine it says how to get it and exits 3.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"cutover/test/stack"
)

// envURL is where the command finds the database.
const envURL = "CUTOVER_TEST_STORE_URL"

const (
	exitFailed = 1
	exitUsage  = 2
	exitAbsent = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], stack.PostgresPlaces(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args, places []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: go run ./test/postgres COMMAND ARGS...")
		return exitUsage
	}
	tools, err := stack.FindPostgres(places)
	if err != nil {
		fmt.Fprintln(stderr, "postgres:", err)
		return exitAbsent
	}
	dir, err := os.MkdirTemp("", "cutover-postgres-")
	if err != nil {
		fmt.Fprintln(stderr, "postgres:", err)
		return exitFailed
	}
	code := exitFailed
	server, err := stack.StartPostgres(ctx, stack.PostgresOptions{Tools: tools, Dir: dir})
	if err == nil {
		code, err = beside(ctx, server, args, stdout, stderr)
		err = errors.Join(err, server.Stop())
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(stderr, "postgres:", err)
		return max(code, exitFailed)
	}
	return code
}

// commandGrace is how long the command may take to end by itself when this program is asked to.
const commandGrace = 15 * time.Second

// beside runs the command while the server runs and tells its exit code.
func beside(ctx context.Context, s *stack.Postgres, args []string, stdout, stderr io.Writer) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.Done():
			cancel() // nothing that the command finds out would be worth anything
		case <-ctx.Done():
		}
	}()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // running what it is given is its purpose
	cmd.Env = append(os.Environ(), envURL+"="+s.URL)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = commandGrace
	err := cmd.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, nil
	case ended && exit.ExitCode() > 0:
		return exit.ExitCode(), nil
	}
	return exitFailed, fmt.Errorf("run %s: %w", args[0], err)
}
