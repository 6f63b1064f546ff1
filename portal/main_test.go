package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/service"
	"cutover/internal/service/servicetest"
)

// canary is the app's secret in every test of the program; no output may ever hold it.
const canary = "s3cr3t-canary-91ab"

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := servicetest.FreeAddress(t.Context())
	require.NoError(t, err)
	return address
}

// environment is that of a page which is configured well, with nothing behind it but a store.
func environment(t *testing.T, more ...string) engine.Environment {
	t.Helper()
	dir := t.TempDir()
	_, err := keys.Create(t.Context(), filepath.Join(dir, "keys.json"), "")
	require.NoError(t, err)
	app := filepath.Join(dir, "app.yaml")
	require.NoError(t, os.WriteFile(app, []byte("client_id: \"1500000\"\nclient_secret: {env: SECRET}\n"), 0o600))
	address := freeAddress(t)
	return append(engine.Environment{
		"SECRET=" + canary, "TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "none.toml"), "TEMPORAL_ADDRESS=" + freeAddress(t),
		"CUTOVER_STORE_URL=sqlite:" + filepath.Join(dir, "cutover.db"), "CUTOVER_STORE_KEYS=" + filepath.Join(dir, "keys.json"),
		"CUTOVER_PINTEREST_APP=" + app, "CUTOVER_PINTEREST_URL=http://127.0.0.1:9", "CUTOVER_LOG_LEVEL=debug",
		"CUTOVER_PORTAL_URL=http://" + address, "CUTOVER_PORTAL_ADDRESS=" + address,
	}, more...)
}

// once runs a command that ends by itself.
func once(t *testing.T, env engine.Environment, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, logs bytes.Buffer
	code = run(ctx, args, env, &out, &logs)
	require.NoError(t, ctx.Err(), "it did not end: %s", logs.String())
	require.NotContains(t, out.String()+logs.String(), canary)
	return code, out.String(), logs.String()
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"serve"}, `portal: unknown argument "serve" (see portal --help)`},
		{[]string{"--port", "1"}, "portal: unknown flag: --port (see portal --help)"},
		{[]string{"link"}, "portal: flag --org is missing: give the organization's id, such as --org 1A2B3C4D5E6F@AdobeOrg"},
		{[]string{"link", "--org", acme, "--lasts", "-1s"}, "portal: flag --lasts is -1s: give more than 0 and at most 720h0m0s"},
		{[]string{"link", "--org", acme, "--lasts", "1000h"}, "portal: flag --lasts is 1000h0m0s: give more than 0 and at most 720h0m0s"},
	} {
		code, stdout, stderr := once(t, nil, tc.args...)
		require.Equal(t, service.Usage, code, tc.args)
		require.Equal(t, tc.want, strings.TrimSpace(stderr))
		require.Empty(t, stdout)
	}
	code, stdout, _ := once(t, nil, "--help")
	require.Equal(t, service.Done, code)
	for _, name := range []string{
		"PORTAL_URL", "PORTAL_ADDRESS", "STORE_URL", "STORE_KEYS", "STORE_KMS", "PINTEREST_APP", "PINTEREST_URL", "ALLOW_PLAIN_HTTP",
		"CODEC_KEYS", "CODEC_KMS", "LOG_FORMAT", "LOG_LEVEL",
	} {
		require.Contains(t, stdout, "CUTOVER_"+name)
	}
}

func TestAllFaultsOfTheConfigurationAtOnce(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	code, _, stderr := once(t, environment(t,
		"CUTOVER_PORTAL_URL=https://user:"+canary+"@reconnect.acme.example", "CUTOVER_PORTAL_ADDRESS=somewhere",
		"CUTOVER_STORE_KEYS="+missing, "CUTOVER_PINTEREST_APP="+missing, "CUTOVER_PINTEREST_URL=ftp://"+canary, "CUTOVER_ALLOW_PLAIN_HTTP=perhaps",
		"CUTOVER_CODEC_KEYS="+missing, "CUTOVER_LOG_FORMAT=xml", "CUTOVER_LOG_LEVEL=loud", "CUTOVER_STORE_URL=mysql://"+canary,
	))
	require.Equal(t, service.Usage, code)
	for _, name := range []string{
		"PORTAL_URL", "PORTAL_ADDRESS", "STORE_URL", "STORE_KEYS", "PINTEREST_APP", "PINTEREST_URL", "ALLOW_PLAIN_HTTP", "CODEC_KEYS", "LOG_FORMAT", "LOG_LEVEL",
	} {
		require.Contains(t, stderr, "CUTOVER_"+name)
	}
	code, _, stderr = once(t, environment(t, "CUTOVER_CODEC_KMS=awskms:///alias/"+canary))
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "CUTOVER_CODEC_KMS is given without CUTOVER_CODEC_KEYS")
}

func TestThePublicURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "is missing",
		"reconnect.acme.example":              "must be an absolute URL",
		"ftp://reconnect.acme.example":        "must be an absolute URL",
		"https://reconnect.acme.example/page": "must be a scheme and a host alone",
		"https://reconnect.acme.example?a=b":  "must be a scheme and a host alone",
		"http://reconnect.acme.example":       "must use https",
	} {
		_, err := publicURL(text, false)
		require.ErrorContains(t, err, want, text)
	}
	for _, text := range []string{"https://reconnect.acme.example", "https://reconnect.acme.example/", "http://127.0.0.1:8082", "http://localhost:8082"} {
		u, err := publicURL(text, false)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(text, "/"), u.String())
	}
	_, err := publicURL("http://portal:8082", true)
	require.NoError(t, err)
}

func TestTheStoreIsNeverOpenedWithOtherKeys(t *testing.T) {
	t.Parallel()
	env := environment(t)
	code, _, stderr := once(t, env, "link", "--org", acme)
	require.Equal(t, service.Done, code, stderr)
	other := filepath.Join(t.TempDir(), "other.json")
	_, err := keys.Create(t.Context(), other, "")
	require.NoError(t, err)
	code, stdout, stderr := once(t, append(env, "CUTOVER_STORE_KEYS="+other), "link", "--org", acme)
	require.Equal(t, service.Failed, code)
	require.Contains(t, stderr, "CUTOVER_STORE_URL: ")
	require.Contains(t, stderr, "sealed with other keys")
	require.Empty(t, stdout)
}

// TestServe runs the program while Temporal is not there: a link that it printed opens, and it ends when it is told to.
func TestServe(t *testing.T) {
	t.Parallel()
	env := environment(t)
	ctx, cancel := context.WithCancel(t.Context())
	logs, ended := &servicetest.Lines{}, make(chan int, 1)
	go func() { ended <- run(ctx, nil, env, io.Discard, logs) }()
	t.Cleanup(cancel)
	base := env.Getenv("CUTOVER_PORTAL_URL")
	w := &world{t: t, url: base}
	require.Eventually(t, func() bool {
		code, stdout, _ := once(t, env, "health")
		return code == service.Done && strings.TrimSpace(stdout) == `{"ok":true}`
	}, 20*time.Second, 20*time.Millisecond, "%s", logs)

	code, stdout, stderr := once(t, env, "link", "--org", acme)
	require.Equal(t, service.Done, code, stderr)
	link := strings.TrimSpace(stdout)
	require.True(t, strings.HasPrefix(link, base+"/l/"), link)
	b := w.browser()
	b.open(link)
	b.click("open")
	require.Equal(t, http.StatusOK, b.status)
	b.says(en("page.down.unknown"))

	cancel()
	select {
	case code := <-ended:
		require.Equal(t, service.Done, code, logs.String())
	case <-time.After(30 * time.Second):
		require.Fail(t, "it did not end", logs.String())
	}
	code, _, stderr = once(t, env, "health")
	require.Equal(t, service.Failed, code)
	require.Contains(t, stderr, "no page answers at "+env.Getenv("CUTOVER_PORTAL_ADDRESS"))
	require.NotContains(t, logs.String(), canary)
	require.NotContains(t, logs.String(), strings.TrimPrefix(link, base+"/l/"))

	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", env.Getenv("CUTOVER_PORTAL_ADDRESS"))
	require.NoError(t, err)
	defer taken.Close()
	code, _, stderr = once(t, env)
	require.Equal(t, service.Failed, code)
	require.Contains(t, stderr, "CUTOVER_PORTAL_ADDRESS")
}

// What is configured as a secret stands in no log, whoever writes it there.
func TestTheLogIsRedacted(t *testing.T) {
	t.Parallel()
	const key = "temporal-key-5e1f"
	logs := &servicetest.Lines{}
	s, err := configure(t.Context(), environment(t, "TEMPORAL_API_KEY="+key), logs)
	require.NoError(t, err)
	t.Cleanup(s.close)
	shown := "a " + canary + " b " + key + " c pina_0123456789abcdef d"
	s.Log.Warn(shown, zap.Error(errors.New(shown)))
	require.Contains(t, logs.String(), "a [redacted] b [redacted] c [redacted] d")
	for _, secret := range []string{canary, key, "pina_"} {
		require.NotContains(t, logs.String(), secret)
	}
	require.Contains(t, configuration{storeURL: "postgres://cutover:" + canary + "@db.acme.example/x"}.secrets(nil, s.App), canary)
}
