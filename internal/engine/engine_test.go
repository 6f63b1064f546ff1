package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// noFile keeps a test from reading the temporal.toml of whoever runs it.
const noFile = "TEMPORAL_CONFIG_FILE=/nonexistent/temporal.toml"

func TestEnvironment(t *testing.T) {
	t.Parallel()
	env := Environment{"A=1", "B=", "A=2", "odd", "C=x=y"}
	require.Equal(t, "2", env.Getenv("A"))
	require.Equal(t, "x=y", env.Getenv("C"))
	require.Empty(t, env.Getenv("D"))
	_, set := env.LookupEnv("B")
	require.True(t, set)
	_, set = env.LookupEnv("D")
	require.False(t, set)
}

func TestLoggerFormats(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := NewLogger(FormatJSON, "info", &out)
	require.NoError(t, err)
	logger.Debug("hidden")
	logger.Info("shown", zap.Duration("pause", time.Second), zap.Error(errors.New("cause")))
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "exactly one JSON line")
	require.Equal(t, "shown", line["msg"])
	require.Equal(t, "info", line["level"])
	require.Equal(t, "1s", line["pause"])
	require.Equal(t, "cause", line["error"])
	require.Regexp(t, `^engine/engine_test\.go:\d+$`, line["caller"])
	_, err = time.Parse(time.RFC3339Nano, line["time"].(string))
	require.NoError(t, err)

	out.Reset()
	logger, err = NewLogger(FormatConsole, "warn", &out)
	require.NoError(t, err)
	logger.Info("hidden")
	logger.Warn("shown")
	require.Contains(t, out.String(), "\tWARN\t")
	require.NotContains(t, out.String(), "hidden")

	_, err = NewLogger("xml", "info", &out)
	require.ErrorContains(t, err, `log format "xml" is unknown`)
	_, err = NewLogger(FormatJSON, "loud", &out)
	require.ErrorContains(t, err, "log level")
}

func TestSDKLoggerKeepsLevelsFieldsAndCallers(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	base, err := NewLogger(FormatJSON, "debug", &out)
	require.NoError(t, err)
	logger := SDKLogger(base)
	read := func() map[string]any {
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		out.Reset()
		require.Regexp(t, `^engine/engine_test\.go:\d+$`, line["caller"], "the caller is who logs, not the adapter")
		return line
	}
	for level, write := range map[string]func(string, ...any){
		"debug": logger.Debug, "info": logger.Info, "warn": logger.Warn, "error": logger.Error,
	} {
		write("hello", "WorkflowID", "w", "Error", errors.New("cause"))
		line := read()
		require.Equal(t, level, line["level"])
		require.Equal(t, "w", line["WorkflowID"])
		require.Equal(t, "cause", line["Error"])
	}
	log.With(logger, "Namespace", "n").Info("with")
	require.Equal(t, "n", read()["Namespace"])
	logger.Info("without")
	require.NotContains(t, read(), "Namespace", "the original is unchanged")
	helper := func(l log.Logger) { log.Skip(l, 1).Info("skipped") }
	helper(logger)
	read()
}

func TestClientOptions(t *testing.T) {
	t.Parallel()
	options, err := ClientOptions(Environment{noFile}, zap.NewNop())
	require.NoError(t, err)
	require.Equal(t, "localhost:7233", options.HostPort)
	require.Equal(t, "default", options.Namespace)
	require.NotNil(t, options.Logger)
	require.Equal(t, &client.GrpcCompressionNone{}, options.ConnectionOptions.GrpcCompression, "on this machine there is nothing to save")

	options, err = ClientOptions(Environment{noFile, "TEMPORAL_ADDRESS=temporal:7233", "TEMPORAL_NAMESPACE=cutover", "TEMPORAL_API_KEY=key"}, zap.NewNop())
	require.NoError(t, err)
	require.Equal(t, "temporal:7233", options.HostPort)
	require.Equal(t, "cutover", options.Namespace)
	require.NotNil(t, options.Credentials)
	require.NotNil(t, options.ConnectionOptions.TLS, "an API key travels by TLS only")
	require.Nil(t, options.ConnectionOptions.GrpcCompression, "over a network the SDK's own choice")

	_, err = ClientOptions(Environment{noFile, "TEMPORAL_PROFILE=missing"}, zap.NewNop())
	require.ErrorContains(t, err, "read Temporal's client configuration")
}

func TestWorkerOptions(t *testing.T) {
	t.Parallel()
	called := false
	options := WorkerOptions(7, func(error) { called = true })
	require.Equal(t, 7, options.MaxConcurrentActivityExecutionSize)
	require.Equal(t, StopTimeout, options.WorkerStopTimeout)
	require.False(t, options.DisableWorkflowWorker)
	require.Regexp(t, `^\S{1,12}$`, options.BuildID) //nolint:staticcheck // see there
	options.OnFatalError(nil)
	require.True(t, called)

	gated := GatedWorkerOptions(3, nil)
	require.Equal(t, 3, gated.MaxConcurrentActivityExecutionSize)
	require.True(t, gated.DisableWorkflowWorker)
	require.True(t, gated.DisableEagerActivities)
}

func TestIdentityAndVersion(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^worker@.+:\d+$`, Identity("worker"))
	require.Regexp(t, `^.+ \(go1\..+, Temporal SDK \d+\.\d+\.\d+\)$`, Version())
}

func TestWebURL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "http://localhost:8233/namespaces/default/workflows/cutover%2Fp%2FA@AdobeOrg", WebURL(DefaultWebURL+"/", "default", "cutover/p/A@AdobeOrg", ""))
	require.Equal(t, "https://t.example/base/namespaces/n/workflows/w/r-1/history", WebURL("https://t.example/base", "n", "w", "r-1"))
}

type attributes map[string]enumspb.IndexedValueType

func (a attributes) ListSearchAttributes(
	_ context.Context, in *operatorservice.ListSearchAttributesRequest, _ ...grpc.CallOption,
) (*operatorservice.ListSearchAttributesResponse, error) {
	if in.GetNamespace() != "n" {
		return nil, serviceerror.NewPermissionDenied("not yours", "")
	}
	if a == nil {
		return nil, serviceerror.NewUnavailable("down")
	}
	return &operatorservice.ListSearchAttributesResponse{
		CustomAttributes: a, SystemAttributes: attributes{"WorkflowId": enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	}, nil
}

func TestCheckSearchAttributes(t *testing.T) {
	t.Parallel()
	const keyword, number, instant = enumspb.INDEXED_VALUE_TYPE_KEYWORD, enumspb.INDEXED_VALUE_TYPE_INT, enumspb.INDEXED_VALUE_TYPE_DATETIME
	want := attributes{"A": keyword, "B": number, "C": instant}
	require.NoError(t, CheckSearchAttributes(t.Context(), attributes{"A": keyword, "B": number, "C": instant, "D": number}, "n", want))
	require.NoError(t, CheckSearchAttributes(t.Context(), attributes{}, "n", attributes{"WorkflowId": keyword}))

	err := CheckSearchAttributes(t.Context(), attributes{"D": keyword}, "n", want)
	require.EqualError(t, err, "namespace n: search attributes are missing: create them with: "+
		"temporal operator search-attribute create --namespace n --name A --type Keyword --name B --type Int --name C --type Datetime")

	err = CheckSearchAttributes(t.Context(), attributes{"A": number, "C": instant}, "n", want)
	var fault *SearchAttributesError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, []string{"B"}, fault.Missing)
	require.Equal(t, map[string]string{"A": "Int"}, fault.Wrong)
	require.ErrorContains(t, err, "search attribute A has the type Int instead of Keyword: replace it with: "+
		"temporal operator search-attribute remove --yes --namespace n --name A && "+
		"temporal operator search-attribute create --namespace n --name A --type Keyword")

	err = CheckSearchAttributes(t.Context(), attributes(nil), "n", want)
	require.ErrorContains(t, err, "list search attributes of namespace n: down")
	require.NotErrorIs(t, err, ErrCannotList)
	require.ErrorIs(t, CheckSearchAttributes(t.Context(), attributes{}, "theirs", want), ErrCannotList)
}

// queues is a server that knows who polled what when.
type queues struct {
	mu      sync.Mutex
	pollers map[string]map[string]time.Time // queue to identity to last poll
	err     error
	asked   int
}

func (q *queues) DescribeTaskQueue(ctx context.Context, name string, _ enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	if err := errors.Join(ctx.Err(), q.err); err != nil {
		return nil, err
	}
	answer := &workflowservice.DescribeTaskQueueResponse{}
	for identity, at := range q.pollers[name] {
		answer.Pollers = append(answer.Pollers, &taskqueuepb.PollerInfo{Identity: identity, LastAccessTime: timestamppb.New(at)})
	}
	return answer, nil
}

func get(t *testing.T, h *Health, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	require.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

func TestHealthIsWhatTheServerHasSeen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	server := &queues{pollers: map[string]map[string]time.Time{
		"a": {"me": now, "other": now}, "b": {"other": now, "me": now.Add(-2 * time.Minute)},
	}}
	h := NewHealth("me", func() time.Time { return now },
		Queue{"a", enumspb.TASK_QUEUE_TYPE_WORKFLOW}, Queue{"b", enumspb.TASK_QUEUE_TYPE_ACTIVITY})
	ready := func(code int, body string) {
		t.Helper()
		gotCode, gotBody := get(t, h, "/readyz")
		require.Equal(t, code, gotCode)
		require.JSONEq(t, body, gotBody)
		gotCode, gotBody = get(t, h, "/livez")
		require.Equal(t, http.StatusOK, gotCode)
		require.JSONEq(t, `{"ok":true}`, gotBody)
	}
	ready(http.StatusServiceUnavailable, `{"ok":false,"reason":"connecting to Temporal and starting the workers"}`)
	require.Zero(t, server.asked)

	h.Started(server)
	ready(http.StatusServiceUnavailable, `{"ok":false,"reason":"Temporal has not seen this worker poll b (Activity) lately"}`)
	server.pollers["b"]["me"] = now
	ready(http.StatusServiceUnavailable, `{"ok":false,"reason":"Temporal has not seen this worker poll b (Activity) lately"}`)
	require.Equal(t, 2, server.asked, "the answer is kept for a few seconds")

	now = now.Add(readyFor)
	ready(http.StatusOK, `{"ok":true}`)
	now = now.Add(readyFor)
	server.err = serviceerror.NewUnavailable("connection refused")
	ready(http.StatusServiceUnavailable, `{"ok":false,"reason":"Temporal does not answer: describe task queue a (Workflow): connection refused"}`)
	now = now.Add(readyFor)
	server.err = nil
	ready(http.StatusOK, `{"ok":true}`)
	now = now.Add(pollerAge)
	ready(http.StatusServiceUnavailable, `{"ok":false,"reason":"Temporal has not seen this worker poll a (Workflow) lately"}`)

	h.Stopping()
	ready(http.StatusServiceUnavailable, `{"ok":false,"reason":"stopping"}`)
}

func TestHealthOutlivesAnImpatientProbe(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := NewHealth("me", func() time.Time { return now }, Queue{"a", enumspb.TASK_QUEUE_TYPE_ACTIVITY})
	h.Started(&queues{pollers: map[string]map[string]time.Time{"a": {"me": now}}})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Empty(t, h.Ready(gone))
}

func TestConnectTellsThatTheServerIsDown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a free port, given back at once
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	options, err := ClientOptions(Environment{noFile, "TEMPORAL_ADDRESS=" + address}, zap.NewNop())
	require.NoError(t, err)

	_, err = Connect(t.Context(), options)
	var down *UnreachableError
	require.ErrorAs(t, err, &down)
	require.Equal(t, address, down.Address)
	require.ErrorContains(t, err, "cannot reach Temporal at "+address+": start the server there or set TEMPORAL_ADDRESS (")

	var out bytes.Buffer
	logger, err := NewLogger(FormatJSON, "info", &out)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = Dial(ctx, options, logger)
	require.ErrorAs(t, err, &down)
	require.GreaterOrEqual(t, strings.Count(out.String(), "trying again"), 2, "it went on trying")
}

var _ QueueDescriber = client.Client(nil)
