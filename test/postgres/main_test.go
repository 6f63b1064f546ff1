package main

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/test/stack"
)

func TestWithoutPostgreSQLItSaysHowToGetIt(t *testing.T) {
	t.Parallel()
	empty, half := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(half, "initdb"), []byte("#!/bin/sh\n"), 0o700))
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitAbsent, run(t.Context(), []string{"true"}, []string{empty, half}, &stdout, &stderr))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), "PostgreSQL is not installed: run apt-get install postgresql")
}

func TestWithoutACommandItSaysHowToUseIt(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), nil, nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), "usage: go run ./test/postgres COMMAND")
}

// here is one PostgreSQL of this machine, or none.
func here() []stack.PostgresTools {
	t, err := stack.FindPostgres(stack.PostgresPlaces())
	if err != nil {
		return nil
	}
	return []stack.PostgresTools{t}
}

func TestTheCommandsExitCodeIsItsOwn(t *testing.T) {
	t.Parallel()
	for range here() {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"sh", "-c", `echo "$` + envURL + `"; exit 7`}, stack.PostgresPlaces(), &stdout, &stderr)
		require.Equal(t, 7, code, stderr.String())
		u, err := url.Parse(string(bytes.TrimSpace(stdout.Bytes())))
		require.NoError(t, err)
		require.Equal(t, "postgres", u.Scheme)
		_, err = (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", u.Host)
		require.Error(t, err, "it ended with the command")
	}
}

func TestItEndsWhenInterrupted(t *testing.T) {
	t.Parallel()
	for range here() {
		ctx, cancel := context.WithCancel(t.Context())
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"sh", "-c", "echo begun; exec sleep 600"}, stack.PostgresPlaces(), writer, writer)
		}()
		_, err = reader.Read(make([]byte, 5)) // until the command runs
		require.NoError(t, err)
		cancel()
		require.Equal(t, exitFailed, <-ended)
	}
}
