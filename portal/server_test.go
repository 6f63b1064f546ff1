package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormsOfAnotherSiteAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"}},
		{"Sec-Fetch-Site": {"same-site"}, "Origin": {"null"}},
		{"Origin": {"https://elsewhere.example"}}, // an old browser
	} {
		header.Set("Accept-Language", "en")
		b.header = header
		for _, path := range []string{"/reconnected", "/connect", "/leave", w.link(acme)} {
			b.do(http.MethodPost, path, url.Values{"account": {acmeAccount}})
			require.Equal(t, http.StatusForbidden, b.status, path)
			b.says(en("page.origin.what"))
		}
	}
	require.Empty(t, w.workflows.got())
	b.header = http.Header{"Accept-Language": {"en"}}
	b.open("/")
	require.Equal(t, http.StatusOK, b.status, "nobody was signed out")
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	b.click("connect-" + acmeAccount)
	vendor := b.at.Scheme + "://" + b.at.Host
	b.open(w.url)
	for _, path := range []string{"/", "/style.css", "/livez", "/readyz", "/nothing", w.link(acme), "/callback"} {
		b.open(path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self' " + vendor + "; frame-ancestors 'none'; base-uri 'none'",
			"Referrer-Policy":         "same-origin",
			"X-Content-Type-Options":  "nosniff",
			"Cache-Control":           "no-store",
		} {
			require.Equal(t, want, b.answered.Get(name), "%s of %s", name, path)
		}
		require.Empty(t, b.answered.Get("Strict-Transport-Security"))
	}
	b.open("/style.css")
	require.Equal(t, http.StatusOK, b.status)
	require.Equal(t, "text/css; charset=utf-8", b.answered.Get("Content-Type"))
	b.do(http.MethodPost, "/reconnected", url.Values{"account": {acmeAccount}, "more": {strings.Repeat("x", 2*maxForm)}})
	require.Equal(t, http.StatusNotFound, b.status, "a form that is too long is not read")
	require.Empty(t, w.workflows.got())
}

func TestCookiesAreHeldToHTTPSWhereThereIsHTTPS(t *testing.T) {
	t.Parallel()
	var handler http.Handler
	w := newWorld(t, func(d *deps) {
		safe := *d
		safe.URL = &url.URL{Scheme: "https", Host: "reconnect.acme.example"}
		handler = newServer(safe)
	})
	post := func(path string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody)
		r.Header.Set("Origin", "https://reconnect.acme.example") // a proxy changed the host
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		return answer.Result()
	}
	answer := post(w.link(acme))
	defer answer.Body.Close()
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.NotEmpty(t, answer.Header.Get("Strict-Transport-Security"))
	cookie := answer.Cookies()[0]
	require.Equal(t, "__Host-cutover", cookie.Name)
	require.True(t, cookie.Secure)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Equal(t, 3600, cookie.MaxAge)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for _, path := range []string{"/livez", "/readyz"} {
		b.open(path)
		require.Equal(t, http.StatusOK, b.status)
		require.JSONEq(t, `{"ok": true}`, b.body)
	}
	require.NoError(t, w.store.Close())
	b.open("/livez")
	require.Equal(t, http.StatusOK, b.status)
	b.open("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, b.status)
	require.JSONEq(t, `{"ok": false, "reason": "the store does not answer"}`, b.body)
	b.open(w.url + "/l/some")
	require.Equal(t, http.StatusServiceUnavailable, b.status)
	b.says(en("page.broken.what"))
}

// TestNoSecretIsLoggedOrShown walks every way there is and looks for each secret in every line and page.
func TestNoSecretIsLoggedOrShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var secrets, pages []string
	link := w.link(acme)
	b := w.browser()
	b.open(link)
	b.do(http.MethodPost, link, nil)
	pages = append(pages, b.body)
	secrets = append(secrets, strings.TrimPrefix(link, "/l/"), b.client.Jar.Cookies(b.at)[0].Value)
	for _, organization := range []string{acme, globex, acme} {
		b.open(w.url)
		b.click("connect-" + acmeAccount)
		asked := b.at.Query()
		answer := b.callback("approve", organization)
		back, err := url.Parse(answer)
		require.NoError(t, err)
		secrets = append(secrets, asked.Get("state"), asked.Get("code_challenge"), back.Query().Get("code"))
		for range 2 {
			b.open(answer)
			pages = append(pages, b.body)
		}
		b.open(strings.Replace(answer, "state=", "state=x", 1))
		pages = append(pages, b.body)
	}
	held, ok := w.grant(acme, acmeAccount)
	require.True(t, ok)
	secrets = append(secrets, held.Grant.AccessToken, held.Grant.RefreshToken)
	for _, s := range w.emulator.Secrets() {
		secrets = append(secrets, s.Value)
	}
	var logs strings.Builder
	for _, entry := range w.logs.All() {
		fmt.Fprintln(&logs, entry.Message, entry.ContextMap())
	}
	require.Contains(t, logs.String(), "GET /l/{token}")
	require.Contains(t, logs.String(), "GET /callback")
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		require.NotContains(t, logs.String(), secret)
		for _, page := range pages {
			require.NotContains(t, page, secret)
		}
	}
}
