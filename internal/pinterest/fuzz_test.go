package pinterest

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// echo is a vendor that answers anything. What it answers may hold what it was sent: {{auth}}, which is the value of the Authorization header, {{secret}},
// {{refresh}}, {{code}} with its verifier, and {{page}}, which differs in every answer.
type echo struct {
	url  string
	logs *observer.ObservedLogs
	log  *zap.Logger

	mu     sync.Mutex
	status int
	header string // value of every header that is read
	body   string
	paths  []string // asked for
	marks  []string // bookmarks asked for
	auth   string   // last sent
}

const consentCode = "code-CANARY"

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
	_ = r.ParseForm()
	_, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	e.mu.Lock()
	e.paths = append(e.paths, r.Host+r.URL.Path)
	e.marks = append(e.marks, r.URL.Query().Get("bookmark"))
	_, e.auth, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	fill := strings.NewReplacer("{{auth}}", e.auth, "{{secret}}", secret, "{{refresh}}", r.PostFormValue("refresh_token"),
		"{{code}}", r.PostFormValue("code")+r.PostFormValue("code_verifier"), "{{page}}", strconv.Itoa(len(e.paths)))
	status, header, body := e.status, fill.Replace(e.header), fill.Replace(e.body)
	e.mu.Unlock()
	for _, name := range []string{"Content-Type", headerRequestID, "Retry-After", "X-Ratelimit-Reset", "Location"} {
		w.Header().Set(name, header)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// calls are all there are, each with the path below the version that it may ask for.
var calls = []struct {
	path string
	do   func(context.Context, *Client) error
}{
	{"/user_account", func(ctx context.Context, c *Client) error {
		user, err := c.UserAccount(ctx, accessToken)
		if err == nil && user.Username == "" {
			panic("a user without a name")
		}
		return err
	}},
	{"/ad_accounts", func(ctx context.Context, c *Client) error { return listed(c.AdAccounts(ctx, accessToken)) }},
	{"/ad_accounts/1/audiences", func(ctx context.Context, c *Client) error { return listed(c.Audiences(ctx, accessToken, "1")) }},
	{tokenPath, func(ctx context.Context, c *Client) error {
		return kept(c.Exchange(ctx, acme(), consentCode, "https://portal.acme.example/callback", "verifier-CANARY"))
	}},
	{tokenPath, func(ctx context.Context, c *Client) error {
		grant, err := c.Refresh(ctx, acme(), refreshToken)
		if err == nil && grant.RefreshToken == "" {
			panic("an answer without a refresh token keeps the one that was sent")
		}
		return kept(grant, err)
	}},
}

// listed checks a listing; what is wrong with one is a panic, so that checks read like calls.
func listed[T entity](items []T, err error) error {
	for i, item := range items {
		if item.id() == "" || i > 0 && items[i-1].id() >= item.id() {
			panic(fmt.Sprintf("item %d of %+v", i, items))
		}
	}
	return err
}

func kept(grant Grant, err error) error {
	late := noon().AddDate(300, 0, 0)
	if err == nil && (grant.AccessToken == "" || grant.ExpiresAt.After(late) || grant.RefreshExpiresAt.After(late)) {
		panic(fmt.Sprintf("a grant that cannot be kept: %s", grant))
	}
	return err
}

// FuzzAnswers lets Pinterest answer every call with anything: no answer is trusted, followed elsewhere, waited for or listed for ever, or repeated with a
// secret.
func FuzzAnswers(f *testing.F) {
	for i, body := range []string{
		`{"username":"acme","id":7}`, `{"items":[{"id":"2"},{"id":1,"permissions":["OWNER"],"created_time":1e9}],"bookmark":"{{auth}}"}`,
		`{"items":[{"id":"1","size":"-1","created_timestamp":"1e999"}],"bookmark":null}`,
		`{"access_token":"granted","expires_in":"2592000","refresh_token":"granted","refresh_token_expires_in":1e300,"scope":"ads:read, user_accounts:read"}`,
		`{"access_token":"granted","expires_in":8589934592,"refresh_token_expires_at":1e10}`,
	} {
		for _, answer := range []string{
			body, strings.Replace(body, "granted", "", 1), body[:len(body)/2], `{"items":{"id":"{{auth}}"}}`, `{"items":[{"name":"{{auth}}"}]}`, `null`, ``,
		} {
			f.Add(uint8(i), uint16(0), "application/json", answer)
		}
		f.Add(uint8(i), uint16(229), "120", `{"code":8,"message":"spam {{auth}}","message_detail":"{{refresh}}"}`)
		f.Add(uint8(i), uint16(201), "{{auth}}", `{"code":"283","message":"{{auth}} {{secret}} {{code}}","error":"invalid_grant"}`)
		f.Add(uint8(i), uint16(200), "{{secret}}", `{"error":"{{refresh}}","error_description":"{{auth}}"}`)
		f.Add(uint8(i), uint16(107), "https://{{auth}}/{{refresh}}", `{{code}}`)
	}
	f.Add(uint8(1), uint16(0), "", `{"items":[],"bookmark":{{page}}}`)
	e := newEcho(f)
	transport := &http.Transport{}
	f.Cleanup(transport.CloseIdleConnections)
	c, err := New(Config{URL: e.url, Transport: transport, Logger: e.log, Now: noon, Timeout: 10 * time.Second})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, which uint8, status uint16, header, body string) {
		call := calls[int(which)%len(calls)]
		e.mu.Lock()
		e.status, e.header, e.body, e.paths = 200+int(status%400), header, body, nil
		e.marks = nil
		e.mu.Unlock()
		e.logs.TakeAll()
		requireHarmless(t, e, call.path, call.do(t.Context(), c))
	})
}

func requireHarmless(t *testing.T, e *echo, path string, err error) {
	t.Helper()
	e.mu.Lock()
	asked, marks, basic := slices.Clone(e.paths), slices.Clone(e.marks), e.auth
	e.mu.Unlock()
	for _, one := range asked {
		require.Equal(t, strings.TrimPrefix(e.url, "http://")+"/v5"+path, one)
	}
	require.LessOrEqual(t, len(asked), maxPages)
	slices.Sort(marks)
	require.Len(t, slices.Compact(marks), len(asked), "no page is asked for twice")
	var logged strings.Builder
	for _, entry := range e.logs.TakeAll() {
		fmt.Fprintln(&logged, entry.Message, entry.ContextMap())
	}
	requireNoSecret(t, logged.String())
	if _, coded := base64.StdEncoding.DecodeString(basic); coded == nil && basic != "" {
		require.NotContains(t, logged.String()+fmt.Sprint(err), basic, "an app's secret can be read in what it signs in with")
	}
	if err == nil {
		return
	}
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	requireNoSecret(t, strings.ToUpper(err.Error()), fmt.Sprintf("%+v", err))
	require.False(t, strings.ContainsAny(err.Error(), "\r\n"), "%q", err)
	require.Less(t, len(err.Error()), 2000)
}
