package service

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"cutover/internal/engine"
)

func TestRunTellsWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		err  error
		code int
		told string
	}{
		"done":             {nil, nil, Done, ""},
		"failed":           {nil, errors.New("the disk is full"), Failed, "program: the disk is full\n"},
		"misused":          {nil, fmt.Errorf("read: %w", Misused(errors.New("no such file"))), Usage, "program: read: no such file\n"},
		"unknown argument": {[]string{"x"}, nil, Usage, "program: unknown argument \"x\" (see program --help)\n"},
		"unknown flag":     {[]string{"--x"}, nil, Usage, "program: unknown flag: --x (see program --help)\n"},
	} {
		var stdout, stderr bytes.Buffer
		root := &cobra.Command{Use: "program", Args: NoArguments, RunE: func(*cobra.Command, []string) error { return c.err }}
		require.Equal(t, c.code, Run(t.Context(), root, c.args, &stdout, &stderr), name)
		require.Equal(t, c.told, stderr.String(), name)
		require.Empty(t, stdout.String(), name)
	}
}

func TestAskHealth(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{\"ok\":true}\n")
	})
	server := httptest.NewServer(mux)
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	var out bytes.Buffer
	require.NoError(t, AskHealth(t.Context(), "page", "ADDRESS", "0.0.0.0:"+port, &out), "what listens everywhere is asked here")
	require.Equal(t, "{\"ok\":true}\n", out.String())
	status = http.StatusServiceUnavailable
	require.EqualError(t, AskHealth(t.Context(), "page", "ADDRESS", ":"+port, io.Discard), "not ready")
	server.Close()
	err := AskHealth(t.Context(), "page", "ADDRESS", "127.0.0.1:"+port, io.Discard)
	require.ErrorContains(t, err, "no page answers at 127.0.0.1:"+port+" (ADDRESS): start it or correct the address: ")
	require.NotErrorAs(t, err, new(UsageError))
	require.ErrorAs(t, AskHealth(t.Context(), "page", "ADDRESS", "8082", io.Discard), new(UsageError))
}

func TestLogFormat(t *testing.T) {
	t.Parallel()
	require.Equal(t, engine.FormatConsole, LogFormat(engine.FormatConsole, io.Discard), "as asked")
	require.Equal(t, engine.FormatJSON, LogFormat("", io.Discard))
	file, err := os.CreateTemp(t.TempDir(), "log")
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, engine.FormatJSON, LogFormat("", file), "a file is no terminal")
}

func TestLibrarySecrets(t *testing.T) {
	t.Parallel()
	require.Contains(t, LibrarySecrets(engine.Environment{"AWS_SECRET_ACCESS_KEY=x-canary"}), "x-canary")
}
