package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

	"cutover/internal/engine"
	"cutover/internal/service"
	"cutover/internal/service/servicetest"
	"cutover/workflows"
)

// canary is the client secret of every test; no output may ever hold it.
const canary = "s3cr3t-canary-91ab"

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := servicetest.FreeAddress(t.Context())
	require.NoError(t, err)
	return address
}

// environment is that of a worker which is configured well.
func environment(t *testing.T, more ...string) engine.Environment {
	t.Helper()
	dir := t.TempDir()
	credentials := filepath.Join(dir, "credentials.yaml")
	require.NoError(t, os.WriteFile(credentials,
		[]byte("acme: {organization: AAA@AdobeOrg, client_id: a, client_secret: {env: SECRET}}\n"), 0o600))
	return append(engine.Environment{
		"SECRET=" + canary, "TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "none.toml"),
		"CUTOVER_CREDENTIALS=" + credentials, "CUTOVER_HEALTH_ADDRESS=" + freeAddress(t),
		"CUTOVER_NOTICES=" + filepath.Join(dir, "notices"), "CUTOVER_REPORTS=" + filepath.Join(dir, "reports"),
		"CUTOVER_STORE_URL=sqlite:" + filepath.Join(dir, "cutover.db"), "CUTOVER_STORE_KEYS=" + filepath.Join(dir, "keys.json"),
		"CUTOVER_ADOBE_IMS_URL=http://127.0.0.1:9", "CUTOVER_PINTEREST_URL=http://127.0.0.1:9", "CUTOVER_ADOBE_URL=http://127.0.0.1:9", "TEMPORAL_ADDRESS=" + freeAddress(t),
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

// running is a worker in this process.
type running struct {
	env  engine.Environment
	logs *servicetest.Lines
	stop context.CancelFunc
	code chan int
}

func start(t *testing.T, env engine.Environment) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{env: env, logs: &servicetest.Lines{}, stop: cancel, code: make(chan int, 1)}
	go func() { r.code <- run(ctx, nil, env, io.Discard, r.logs) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) wait(t *testing.T, want int) {
	t.Helper()
	select {
	case code := <-r.code:
		require.Equal(t, want, code, r.logs.String())
		require.NotContains(t, r.logs.String(), canary)
	case <-time.After(time.Minute):
		require.Fail(t, "the worker did not end", r.logs.String())
	}
}

func (r *running) health(t *testing.T) (code int, answer string) {
	t.Helper()
	code, stdout, _ := once(t, r.env, "health")
	return code, strings.TrimSpace(stdout)
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--port", "1"}, "worker: unknown flag: --port (see worker --help)\n"},
		{[]string{"start"}, "worker: unknown argument \"start\" (see worker --help)\n"},
		{[]string{"health", "now"}, "worker: unknown argument \"now\" (see worker health --help)\n"},
	} {
		code, stdout, stderr := once(t, nil, tc.args...)
		require.Equal(t, service.Usage, code)
		require.Empty(t, stdout)
		require.Equal(t, tc.want, stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := once(t, nil, "--help")
	require.Equal(t, service.Done, code)
	for _, want := range []string{
		"CUTOVER_CREDENTIALS", "CUTOVER_ADOBE_RPS", "CUTOVER_STORE_URL", "CUTOVER_PINTEREST_APP", "CUTOVER_PORTAL_URL", "CUTOVER_CODEC_KEYS",
		"TEMPORAL_ADDRESS", "health", "keys", "grants", "Exit codes",
	} {
		require.Contains(t, stdout, want)
	}
	code, stdout, _ = once(t, nil, "--version")
	require.Equal(t, service.Done, code)
	require.Contains(t, stdout, "Temporal SDK")
}

func TestEveryFaultOfTheConfigurationAtOnce(t *testing.T) {
	t.Parallel()
	env := environment(t, "CUTOVER_ADOBE_URL=http://platform.example", "CUTOVER_LOG_LEVEL=loud", "TEMPORAL_PROFILE=absent", "SECRET=")
	code, stdout, stderr := once(t, env)
	require.Equal(t, service.Usage, code)
	require.Empty(t, stdout)
	for _, want := range []string{
		"CUTOVER_ADOBE_URL must use https", `CUTOVER_LOG_LEVEL is "loud"`, "credentials.yaml:1: acme.client_secret: environment variable SECRET is empty or not set",
		"read Temporal's client configuration",
	} {
		require.Contains(t, stderr, want)
	}

	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	code, _, stderr = once(t, environment(t, "CUTOVER_NOTICES="+blocked, "CUTOVER_REPORTS="+blocked))
	require.Equal(t, service.Usage, code)
	require.Equal(t, "worker: CUTOVER_NOTICES: "+blocked+" is not a directory\nCUTOVER_REPORTS: "+blocked+" is not a directory\n", stderr)

	code, _, stderr = once(t, environment(t, "CUTOVER_NOTICES="+blocked, "CUTOVER_REPORTS=s3://reports?secret="+canary))
	require.Equal(t, service.Usage, code)
	require.Equal(t, "worker: CUTOVER_NOTICES: "+blocked+" is not a directory\n"+
		"CUTOVER_REPORTS: s3://reports cannot be opened: check its parameters (secret) and the credentials in the environment\n", stderr)
}

func TestPlainHTTPIsForRehearsals(t *testing.T) {
	t.Parallel()
	urls := []string{"CUTOVER_ADOBE_IMS_URL=http://emulator.example", "CUTOVER_ADOBE_URL=http://emulator.example"}
	_, err := configure(t.Context(), environment(t, urls...), io.Discard)
	require.ErrorContains(t, err, "CUTOVER_ADOBE_URL must use https")
	s, err := configure(t.Context(), environment(t, append(urls, "CUTOVER_ALLOW_PLAIN_HTTP=1")...), io.Discard)
	require.NoError(t, err)
	require.NoError(t, s.database.Close())
}

func TestEveryActivityHasWhatItNeeds(t *testing.T) {
	t.Parallel()
	s, err := configure(t.Context(), withApp(t, environment(t, "CUTOVER_PORTAL_URL=https://reconnect.acme.example")), io.Discard)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.database.Close()) })
	needs := reflect.ValueOf(s.activities).Elem()
	for i := range needs.NumField() {
		if field := needs.Type().Field(i); field.IsExported() {
			require.False(t, needs.Field(i).IsZero(), "%s is not given", field.Name)
		}
	}
}

func TestHealthAddressInUse(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	code, _, stderr := once(t, environment(t, "CUTOVER_HEALTH_ADDRESS="+listener.Addr().String()))
	require.Equal(t, service.Failed, code)
	require.Contains(t, stderr, "address already in use (set CUTOVER_HEALTH_ADDRESS)")
}

func TestHealthWithoutWorker(t *testing.T) {
	t.Parallel()
	env := environment(t)
	code, stdout, stderr := once(t, env, "health")
	require.Equal(t, service.Failed, code)
	require.Empty(t, stdout)
	address := env.Getenv("CUTOVER_HEALTH_ADDRESS")
	require.Equal(t, "worker: no worker answers at "+address+" (CUTOVER_HEALTH_ADDRESS): start it or correct the address: dial tcp "+address+
		": connect: connection refused\n", stderr)
	code, _, stderr = once(t, environment(t, "CUTOVER_HEALTH_ADDRESS=8081"), "health")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "it must be HOST:PORT such as")
}

func TestWaitsForTemporalAndStopsWhenAsked(t *testing.T) {
	t.Parallel()
	env := environment(t, "CUTOVER_LOG_FORMAT=console")
	_, port, err := net.SplitHostPort(env.Getenv("CUTOVER_HEALTH_ADDRESS"))
	require.NoError(t, err)
	r := start(t, append(env, "CUTOVER_HEALTH_ADDRESS=:"+port))
	require.Eventually(t, func() bool { return strings.Contains(r.logs.String(), "trying again") }, 20*time.Second, 20*time.Millisecond)
	code, answer := r.health(t)
	require.Equal(t, service.Failed, code)
	require.JSONEq(t, `{"ok":false,"reason":"connecting to Temporal and starting the workers"}`, answer)
	r.stop()
	r.wait(t, service.Done)
	require.Contains(t, r.logs.String(), "\tINFO\t")
}

func TestWritesAtOnceFollowTheRate(t *testing.T) {
	t.Parallel()
	for rps, want := range map[float64]int{0.1: 1, 5: 1, 6: 2, 40: 8, 1000: 200} {
		require.Equal(t, want, writesAtOnce(rps), rps)
	}
}

// temporal starts a Temporal server. Without one, only a machine that promises everything fails.
func temporal(t *testing.T, extra ...string) (address string, ok bool) {
	t.Helper()
	binary := os.Getenv("CUTOVER_TEMPORAL_CLI")
	if binary == "" {
		require.NotEqual(t, "true", os.Getenv("CI"), "CUTOVER_TEMPORAL_CLI must name the temporal binary")
		t.Log("left out: CUTOVER_TEMPORAL_CLI does not name the temporal binary")
		return "", false
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath: binary, LogLevel: "error", Stdout: io.Discard, Stderr: io.Discard, ExtraArgs: extra,
		ClientOptions: &client.Options{HostPort: freeAddress(t), Logger: engine.SDKLogger(zap.NewNop())},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	return server.FrontendHostPort(), true
}

func searchAttributes() []string {
	var args []string
	for name, kind := range workflows.SearchAttributes() {
		args = append(args, "--search-attribute", name+"="+kind.String())
	}
	return args
}

func TestRefusesANamespaceWithoutSearchAttributes(t *testing.T) {
	t.Parallel()
	address, ok := temporal(t)
	if !ok {
		return
	}
	code, _, stderr := once(t, environment(t, "TEMPORAL_ADDRESS="+address))
	require.Equal(t, service.Failed, code)
	require.Contains(t, stderr, "worker: namespace default: search attributes are missing: create them with: temporal operator search-attribute create --namespace default --name Cutover")

	code, _, stderr = once(t, environment(t, "TEMPORAL_ADDRESS="+address, "TEMPORAL_NAMESPACE=absent"))
	require.Equal(t, service.Failed, code)
	require.Contains(t, stderr, "temporal operator namespace create --address "+address+" --namespace absent")
}

func TestWorksUntilAskedToStop(t *testing.T) {
	t.Parallel()
	address, ok := temporal(t, searchAttributes()...)
	if !ok {
		return
	}
	r := start(t, withApp(t, environment(t, "TEMPORAL_ADDRESS="+address)))
	require.Eventually(t, func() bool { code, _ := r.health(t); return code == service.Done }, 30*time.Second, 100*time.Millisecond, "%v", r.logs)
	requireKeepsGrants(t, address)
	code, answer := r.health(t)
	require.Equal(t, service.Done, code)
	require.JSONEq(t, `{"ok":true}`, answer)
	r.stop()
	r.wait(t, service.Done)
	require.Contains(t, r.logs.String(), `"msg":"stopped"`)
	code, _ = r.health(t)
	require.Equal(t, service.Failed, code)
}

func TestAFatalErrorEndsTheWorker(t *testing.T) {
	t.Parallel()
	s := setup{logger: zap.NewNop()}
	fatal := make(chan error, 1)
	fatal <- serviceerror.NewNamespaceNotFound("gone")
	err := s.untilEnd(t.Context(), fatal)
	require.EqualError(t, err, "a worker gave up: Namespace gone is not found.")
	require.NotErrorAs(t, err, new(service.UsageError))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.untilEnd(ctx, make(chan error)))
}
