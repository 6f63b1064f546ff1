package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"cutover/internal/keys"
	"cutover/internal/pinterest"
	"cutover/internal/store"
	"cutover/workflows"
)

// mark ends every text that a stranger sends here: no page and no line of the log holds it as it is.
const mark = "<mark-canary>"

// stage is the page with a real store and a Pinterest that refuses everything.
type stage struct {
	handler   http.Handler
	cookie    string
	workflows *fakeWorkflows
	logs      *observer.ObservedLogs
	vendor    string
}

func newStage(f *testing.F) *stage {
	f.Helper()
	now := func() time.Time { return noon }
	dir := f.TempDir()
	sealer, err := keys.Create(f.Context(), filepath.Join(dir, "keys.json"), "")
	require.NoError(f, err)
	db, err := store.OpenDatabase(f.Context(), "sqlite:"+filepath.Join(dir, "cutover.db"), sealer, now)
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, db.Close()) })
	vendor := httptest.NewServer(http.NotFoundHandler())
	f.Cleanup(vendor.Close)
	pins, err := pinterest.New(pinterest.Config{URL: vendor.URL, Now: now})
	require.NoError(f, err)
	core, logs := observer.New(zapcore.DebugLevel)
	s := &stage{workflows: newWorkflows(), logs: logs, vendor: vendor.URL}
	s.handler = newServer(deps{
		Workflows: s.workflows, Store: db, Pinterest: pins, App: pinterest.App{ClientID: "1500000", ClientSecret: "pinterest-app-secret"},
		URL: &url.URL{Scheme: "https", Host: "reconnect.acme.example"}, Log: zap.New(core), Now: now,
	})
	token, err := db.NewLink(f.Context(), store.Link{Organization: acme, Playbook: playbook, ExpiresAt: noon.Add(time.Hour)})
	require.NoError(f, err)
	s.cookie, _, err = db.OpenLink(f.Context(), token, time.Hour)
	require.NoError(f, err)
	return s
}

// routes are the ways in, with what a stranger puts into them.
var routes = []func(one, two string) *http.Request{
	func(one, _ string) *http.Request { return to(http.MethodGet, "/l/"+url.PathEscape(one), nil) },
	func(one, _ string) *http.Request { return to(http.MethodPost, "/l/"+url.PathEscape(one), nil) },
	func(one, two string) *http.Request {
		return to(http.MethodGet, "/?"+url.Values{"lang": {one}, "said": {two}}.Encode(), nil)
	},
	func(one, two string) *http.Request {
		return to(http.MethodGet, "/callback?"+url.Values{"state": {one}, "code": {two}}.Encode(), nil)
	},
	func(one, two string) *http.Request {
		return to(http.MethodGet, "/callback?"+url.Values{"state": {one}, "error": {two}}.Encode(), nil)
	},
	func(one, two string) *http.Request {
		return to(http.MethodPost, "/reconnected", url.Values{"account": {one}, "more": {two}})
	},
	func(one, two string) *http.Request {
		return to(http.MethodPost, "/connect", url.Values{"account": {one}, "more": {two}})
	},
	func(one, two string) *http.Request {
		return to(http.MethodGet, "/"+url.PathEscape(one)+"?"+url.QueryEscape(two), nil)
	},
	func(one, two string) *http.Request {
		r := to(http.MethodGet, "/", nil)
		r.URL.RawQuery = one
		r.Header.Set("Accept-Language", two)
		r.AddCookie(&http.Cookie{Name: languageCookie, Value: one})
		return r
	},
	func(one, two string) *http.Request {
		r := to(http.MethodPost, "/connect", nil)
		r.Body = http.NoBody
		r.Header.Set("Content-Type", one)
		r.Method = strings.ToUpper(two)
		return r
	},
}

func to(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, "/", strings.NewReader(form.Encode()))
	if at, err := url.Parse(target); err == nil {
		r.URL = at
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// FuzzPage sends the page anything through each of its ways in: it is never shown or logged as it is, leads nowhere else, and signs nobody else's account.
func FuzzPage(f *testing.F) {
	for route := range routes {
		for _, one := range []string{"", acmeAccount, foreign, signed, "zh-TW", "connected", "../..", "%00\r\nSet-Cookie: a=b", "//elsewhere.example", strings.Repeat("x", 5000), "\xff\u202e", "';--"} {
			f.Add(uint8(route), one, "tooold", true, false)
			f.Add(uint8(route), "zh", one, true, true)
			f.Add(uint8(route), one, one, false, true)
		}
	}
	s := newStage(f)
	f.Fuzz(func(t *testing.T, route uint8, one, two string, inside, marked bool) {
		if marked {
			one, two = one+mark, two+mark
		}
		r := routes[int(route)%len(routes)](one, two)
		if inside {
			r.AddCookie(&http.Cookie{Name: "__Host-cutover", Value: s.cookie})
		}
		s.logs.TakeAll()
		s.workflows.change(func(w *fakeWorkflows) { w.signals, w.to = nil, nil })
		answer := httptest.NewRecorder()
		s.handler.ServeHTTP(answer, r)
		requireHarmless(t, s, answer.Result(), answer.Body.String())
		if !inside {
			require.NotEqual(t, http.StatusSeeOther, answer.Code, "nothing is done for who has no session")
			require.Empty(t, s.workflows.got())
		}
	})
}

func requireHarmless(t *testing.T, s *stage, answer *http.Response, body string) {
	t.Helper()
	defer answer.Body.Close()
	require.NotEqual(t, http.StatusInternalServerError, answer.StatusCode)
	require.NotEqual(t, http.StatusServiceUnavailable, answer.StatusCode, "the store and the workflow answer")
	require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, body, mark)
	require.NotContains(t, body, "page.", "what is asked to be said is a sentence that there is")
	var headers strings.Builder
	require.NoError(t, answer.Header.Write(&headers))
	require.NotContains(t, headers.String(), "mark-canary")
	if place := answer.Header.Get("Location"); place != "" && !strings.HasPrefix(place, s.vendor+"/oauth/?") {
		at, err := url.Parse(place)
		require.NoError(t, err)
		_, known := said[at.Query().Get("said")]
		require.True(t, at.Host == "" && at.Path == "/" && (known || at.RawQuery == ""), "%q", place)
	}
	for _, cookie := range answer.Cookies() {
		require.Contains(t, []string{"__Host-cutover", languageCookie}, cookie.Name)
	}
	for _, entry := range s.logs.TakeAll() {
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), "mark-canary")
	}
	for _, signal := range s.workflows.got() {
		require.Contains(t, []string{acmeAccount, signed}, signal.Account)
	}
	s.workflows.change(func(w *fakeWorkflows) {
		for _, id := range w.to {
			require.Equal(t, workflows.WorkflowID(playbook, acme), id)
		}
	})
}
