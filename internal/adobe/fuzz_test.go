package adobe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// echo is a vendor that answers anything. What it answers may hold what it was sent: {{token}}, {{secret}}, {{patch}}, and {{page}}, which differs in
// every answer.
type echo struct {
	url  string
	logs *observer.ObservedLogs
	log  *zap.Logger

	mu     sync.Mutex
	token  string // answer of the token endpoint; empty grants firstToken
	status int
	header string // value of every header that is read
	body   string
	paths  []string // asked for
}

const patched = "pinr-CANARY-in-a-patch"

func newEcho(f *testing.F) *echo {
	f.Helper()
	e := &echo{}
	core, logs := observer.New(zapcore.DebugLevel)
	e.log, e.logs = zap.New(core), logs
	server := httptest.NewServer(e)
	f.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	e.mu.Lock()
	e.paths = append(e.paths, r.Host+r.URL.Path)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	fill := strings.NewReplacer("{{token}}", token, "{{secret}}", clientSecret, "{{patch}}", patched, "{{page}}", strconv.Itoa(len(e.paths)))
	status, header, body := e.status, fill.Replace(e.header), fill.Replace(e.body)
	if r.URL.Path == tokenPath {
		status, header, body = http.StatusOK, "application/json", fill.Replace(e.token)
		if e.token == "" {
			body = `{"access_token":"` + firstToken + `","expires_in":86399}`
		}
	}
	e.mu.Unlock()
	for _, name := range []string{"Content-Type", headerRequestID, "Retry-After", "Location", "Etag"} {
		w.Header().Set(name, header)
	}
	answerAny(w, status, body)
}

func answerAny(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// set makes the vendor answer so from now on, and forgets what it was asked.
func (e *echo) set(status uint16, header, body, token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status, e.header, e.body, e.token, e.paths = 200+int(status%400), header, body, token, nil
	e.logs.TakeAll()
}

func (e *echo) sandbox(t *testing.T) *Sandbox {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Config{IMSURL: e.url, PlatformURL: e.url, Transport: transport, Logger: e.log, Timeout: 10 * time.Second})
	require.NoError(t, err)
	return c.Sandbox(acme(), testSandbox)
}

// calls are all there are, each with the resource below which it may ask.
var calls = []struct {
	resource string
	do       func(context.Context, *Sandbox) error
}{
	{"/flows", func(ctx context.Context, s *Sandbox) error {
		return listed(s.Dataflows(ctx, "spec"))(func(d Dataflow) bool { return d.SpecID == "spec" && d.Etag != `"` })
	}},
	{"/flows/1", func(ctx context.Context, s *Sandbox) error { return one(s.Dataflow(ctx, "1")) }},
	{"/connections", func(ctx context.Context, s *Sandbox) error {
		return listed(s.Accounts(ctx, "spec"))(func(a Account) bool { return a.SpecID == "spec" })
	}},
	{"/connections/1", func(ctx context.Context, s *Sandbox) error { return one(s.Account(ctx, "1")) }},
	{"/targetConnections", func(ctx context.Context, s *Sandbox) error {
		return listed(s.TargetConnections(ctx, "spec"))(func(c TargetConnection) bool { return c.SpecID == "spec" })
	}},
	{"/targetConnections/1", func(ctx context.Context, s *Sandbox) error { return one(s.TargetConnection(ctx, "1")) }},
	{"/connectionSpecs", func(ctx context.Context, s *Sandbox) error {
		return listed(s.ConnectionSpecs(ctx, "card"))(func(c ConnectionSpec) bool { return c.Name == "card" })
	}},
	{"/runs", func(ctx context.Context, s *Sandbox) error {
		runs, err := s.Runs(ctx, newClock().Now(), "1")
		for _, run := range runs {
			if run.ID == "" || run.DataflowID != "1" || len(run.Errors) > maxRunErrors {
				panic(fmt.Sprintf("%+v", run))
			}
		}
		return err
	}},
	{"/connections/1/test", func(ctx context.Context, s *Sandbox) error {
		_, err := s.TestAccount(ctx, "1")
		return err
	}},
	{"/flows/1/action", func(ctx context.Context, s *Sandbox) error { return s.Enable(ctx, "1") }},
	{"/flows/1", func(ctx context.Context, s *Sandbox) error {
		return s.PatchDataflow(ctx, "1", "etag", PatchOp{Op: OpReplace, Path: "/name", Value: "b"})
	}},
	{"/connections/1", func(ctx context.Context, s *Sandbox) error {
		return s.PatchAccount(ctx, "1", "etag", json.RawMessage(`{"refreshToken":"`+patched+`"}`))
	}},
	{"/flows/1", func(ctx context.Context, s *Sandbox) error { return s.AddAudience(ctx, "1", Audience{ID: "a"}) }},
	{"/flows/1", func(ctx context.Context, s *Sandbox) error { return s.RemoveAudience(ctx, "1", Audience{ID: "a"}) }},
}

// listed checks a listing; what is wrong with one is a panic, so that checks read like calls.
func listed[T entity](items []T, err error) func(fits func(T) bool) error {
	return func(fits func(T) bool) error {
		for i, item := range items {
			if item.id() == "" || i > 0 && items[i-1].id() >= item.id() || !fits(item) {
				panic(fmt.Sprintf("item %d of %+v", i, items))
			}
		}
		return err
	}
}

func one[T entity](item T, err error) error {
	if err == nil && item.id() != "1" {
		panic(fmt.Sprintf("asked for 1, got %+v", item))
	}
	return err
}

// FuzzAnswers lets Adobe answer every call with anything: no answer is trusted, followed elsewhere, waited for or listed for ever, or repeated with a secret.
func FuzzAnswers(f *testing.F) {
	flow := `{"id":"1","etag":"e","state":"enabled","inheritedAttributes":{"targetConnections":[{"id":"t","connectionSpec":{"id":"spec"},"baseConnection":{"id":"b"}}]},
		"transformations":[{"params":{"segmentSelectors":{"selectors":[{"type":"PLATFORM_SEGMENT","value":{"id":"a"}}]},"profileSelectors":{"selectors":[{}]}}}]}`
	for i, item := range []string{
		flow, flow, `{"id":"1","connectionSpec":{"id":"spec"},"auth":{"params":{"authorizedDate":"2023-11-16","expirationDate":1}}}`, `{"id":1,"createdAt":1e99}`,
		`{"id":"1","connectionSpec":{"id":"spec"},"params":{"advertiser_id":"{{token}}"}}`, `{"id":"1","params":null}`, `{"id":"1","name":"card"}`,
		`{"id":"r","flowId":"1","metrics":{"durationSummary":{"startedAtUTC":"9e18"},"statusSummary":{"status":"in_progress","errors":[{"message":"{{token}}"}]}}}`,
		`{}`, `{"id":"{{token}}"}`, `{"id":"2"}`, `{"name":{{patch}}`, strings.Replace(flow, "segmentSelectors", "{{token}}", 1), flow,
	} {
		next := `,"_links":{"next":{"href":"` + calls[i].resource + `?continuationToken={{page}}"}}`
		for _, body := range []string{
			`{"items":[` + item + `]}`, `{"items":[` + item + `]` + strings.Replace(next, "{{page}}", "same", 1) + `}`, item,
			`{"items":[],"_links":{"next":{"href":"https://elsewhere.example/data/foundation/flowservice` + calls[i].resource + `?continuationToken={{token}}"}}}`,
		} {
			f.Add(uint8(i), uint16(0), "application/json", body)
		}
		f.Add(uint8(i), uint16(212), "120", `{"type":"FLOW-1422-400","report":{"detailed-message":"{{patch}}","request-id":"{{token}}"}}`)
		f.Add(uint8(i), uint16(107), "https://{{token}}/?{{secret}}", `{"message":"{{token}}"}`)
		f.Add(uint8(i), uint16(201), "{{token}}/x", `<{{secret}}>`)
		f.Add(uint8(i), uint16(300), `text/html; a="{{patch}}"`, `{"errorMessage":"{{secret}}","errorDetails":"{{patch}}","error_code":"{{token}}"}`)
	}
	f.Add(uint8(0), uint16(0), "", `{"items":[{"id":"{{token}}"}]}`)
	f.Add(uint8(1), uint16(0), "", `{"items":[{"id":"2"}]}`)
	f.Add(uint8(0), uint16(0), "", `{"items":[],"_links":{"next":{"href":"/flows?continuationToken={{page}}"}}}`)
	e := newEcho(f)
	f.Fuzz(func(t *testing.T, which uint8, status uint16, header, body string) {
		call := calls[int(which)%len(calls)]
		e.set(status, header, body, "")
		requireHarmless(t, e, call.resource, call.do(t.Context(), e.sandbox(t).signedIn()))
	})
}

// FuzzTokenAnswers lets IMS answer with anything and Adobe then repeat the token: it is either used as it is or refused, and never told.
func FuzzTokenAnswers(f *testing.F) {
	for _, token := range []string{
		`{"access_token":"CANARY","expires_in":86399}`, `{"access_token":" CANARY\t","expires_in":"86399000"}`, `{"access_token":"CANARY\n","expires_in":-1}`,
		`{"access_token":"CANARY\u2028CANARY","expires_in":1e300}`, `{"access_token":"<CANARY>&\"\\","expires_in":null}`, `{"access_token":7}`, `{"access_token":""}`,
		`access_token=CANARY&expires_in=5`, `{"error":"invalid_client","error_description":"{{secret}}"}`, `{{secret}}`, `[]`, `null`, ``,
	} {
		f.Add(token, "{{token}}", `{"message":"{{token}}"}`)
	}
	e := newEcho(f)
	f.Fuzz(func(t *testing.T, token, header, body string) {
		e.set(300, header, body, token)
		s := e.sandbox(t)
		err := s.Enable(t.Context(), "1")
		require.Error(t, err)
		requireHarmless(t, e, "/flows/1/action", err)
	})
}

func requireHarmless(t *testing.T, e *echo, resource string, err error) {
	t.Helper()
	e.mu.Lock()
	asked := slices.Clone(e.paths)
	e.mu.Unlock()
	host := strings.TrimPrefix(e.url, "http://")
	for _, path := range asked {
		require.Contains(t, []string{host + tokenPath, host + flowPath + resource}, path)
	}
	require.LessOrEqual(t, len(asked), 2*maxPages)
	for _, entry := range e.logs.TakeAll() {
		requireNoSecret(t, entry.Message, fmt.Sprint(entry.ContextMap()))
	}
	if err == nil {
		return
	}
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	for cause := err; cause != nil; cause = unwrap(cause) {
		text := cause.Error()
		requireNoSecret(t, strings.ToUpper(text), fmt.Sprintf("%+v", cause))
		require.False(t, strings.ContainsAny(text, "\r\n"), "%q", text)
		require.Less(t, len(text), 2000)
	}
}

func unwrap(err error) error {
	if wrapped, ok := err.(interface{ Unwrap() error }); ok {
		return wrapped.Unwrap()
	}
	return nil
}
