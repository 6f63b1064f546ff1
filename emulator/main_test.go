package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

func TestServesUntilTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	scenario := filepath.Join(dir, "scenario.yaml")
	require.NoError(t, os.WriteFile(scenario, []byte("organizations: [{id: org-from-file}]\n"), 0o600))
	urlFile, ledger := filepath.Join(dir, "url"), filepath.Join(dir, "ledger.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{
			"--listen", "127.0.0.1:0", "--scenario", scenario, "--url-file", urlFile, "--ledger", ledger, "--log-format", "json",
		}, &stdout, &stderr)
	}()
	var url string
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(urlFile)
		url = strings.TrimSpace(string(text))
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)

	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/_emulator/state", nil)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(t, err)
	require.Contains(t, body.String(), "org-from-file")

	cancel()
	require.NoError(t, <-done, "an asked-for end is no failure")
	require.Equal(t, "emulator listening on "+url+"\n", stdout.String())
	text, err := os.ReadFile(ledger)
	require.NoError(t, err)
	require.Contains(t, string(text), "cards_available")
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("organisations: []\n"), 0o600))
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":      {[]string{"--nope"}, "--nope"},
		"argument":          {[]string{"scenario.yaml"}, "scenario.yaml"},
		"log format":        {[]string{"--log-format", "xml"}, "xml"},
		"no such scenario":  {[]string{"--scenario", bad + ".missing"}, "flag --scenario: no file at"},
		"unknown key":       {[]string{"--scenario", bad}, "line 1"},
		"ledger not a file": {[]string{"--ledger", t.TempDir()}, "ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), tc.args, &bytes.Buffer{}, &bytes.Buffer{})
			require.ErrorIs(t, err, errUsage)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestCannotListen(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"--listen", "127.0.0.1:99999"}, &bytes.Buffer{}, &bytes.Buffer{})
	require.ErrorContains(t, err, "listen on 127.0.0.1:99999")
	require.NotErrorIs(t, err, errUsage)

	err = run(t.Context(), []string{"--listen", "127.0.0.1:0", "--url-file", filepath.Join(t.TempDir(), "no", "dir")}, &bytes.Buffer{}, &bytes.Buffer{})
	require.ErrorContains(t, err, "write URL file")
	require.NotErrorIs(t, err, errUsage)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, &stdout, &bytes.Buffer{}))
	for _, flag := range []string{"--listen", "--scenario", "--ledger", "--url-file", "--log-format"} {
		require.Contains(t, stdout.String(), flag)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	e, err := emulator.New(emulator.Scenario{Organizations: []emulator.Organization{{ID: "A@AdobeOrg"}}}, emulator.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(e)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"health", "--url", server.URL}, &out, &out))
	require.Equal(t, "serving\n", out.String())
	server.Close()
	require.ErrorContains(t, run(t.Context(), []string{"health", "--url", server.URL}, &out, &out), "no emulator answers")
}
