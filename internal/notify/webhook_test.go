package notify

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const hookSecret = "0123456789abcdef-" + canary

// hook is a receiver of webhooks.
type hook struct {
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
	bodies   [][]byte
}

// receive starts a receiver that answers with what answer does.
func receive(t *testing.T, answer http.HandlerFunc) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.requests, h.bodies = append(h.requests, r), append(h.bodies, body)
		h.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.requests)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere?token="+canary)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, canary)
	}
}

func newWebhook(t *testing.T, url string) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookConfig{URL: NewSecret(url), Secret: NewSecret(hookSecret)})
	require.NoError(t, err)
	return w
}

func TestWebhookPostsASignedNotice(t *testing.T) {
	t.Parallel()
	h := receive(t, status(http.StatusNoContent))
	w := newWebhook(t, h.URL+"/cutover")
	n := notice("pinterest-v5/AAA@AdobeOrg/first\r\nX: y")
	n.HTML = "<p>重新登入</p>"
	require.NoError(t, w.Send(t.Context(), n))
	require.NoError(t, w.Send(t.Context(), n))
	other := notice("other")
	require.NoError(t, w.Send(t.Context(), other))

	require.Equal(t, 3, h.count())
	for i, request := range h.requests {
		require.Equal(t, http.MethodPost, request.Method)
		require.Equal(t, "/cutover", request.URL.Path)
		require.Equal(t, "application/json", request.Header.Get("Content-Type"))
		header := request.Header.Get("Cutover-Signature")
		require.Regexp(t, `^t=\d+,v1=[0-9a-f]{64}$`, header)
		require.NoError(t, Verify(header, h.bodies[i], []byte(hookSecret), time.Now(), time.Minute))
	}
	var got Notice
	require.NoError(t, json.Unmarshal(h.bodies[0], &got))
	require.Equal(t, n, got)
	require.JSONEq(t, `{"key":"other","kind":"first","organization":"AAA@AdobeOrg","to":["marketing@acme.example","data@acme.example"],
		"subject":"Sign in again at Pinterest","text":"Two dataflows wait.\n"}`, string(h.bodies[2]), "receivers rely on these names")
	require.NotEmpty(t, h.requests[0].Header.Get("Idempotency-Key"))
	require.Equal(t, h.requests[0].Header.Get("Idempotency-Key"), h.requests[1].Header.Get("Idempotency-Key"), "the same notice")
	require.NotEqual(t, h.requests[0].Header.Get("Idempotency-Key"), h.requests[2].Header.Get("Idempotency-Key"))
}

func TestWebhookTakesNothingButASuccess(t *testing.T) {
	t.Parallel()
	for code, c := range map[int]struct {
		want string
		down bool
	}{
		301: {"answered 301, a redirect, which is not followed: give the final URL", true},
		307: {"answered 307, a redirect, which is not followed", true},
		400: {"answered 400: it does not take this notice; its log says why", false},
		401: {"answered 401: check the secret or token", true},
		403: {"answered 403: check the secret or token", true},
		404: {"answered 404: check the URL", true},
		410: {"answered 410: check the URL", true},
		413: {"answered 413: it does not take this notice", false},
		429: {"answered 429: check that it is well", true},
		500: {"answered 500: check that it is well", true},
		503: {"answered 503: check that it is well", true},
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			h := receive(t, status(code))
			err := newWebhook(t, h.URL+"/"+canary+"?sig="+canary).Send(t.Context(), notice("k"))
			require.ErrorContains(t, err, strings.TrimPrefix(h.URL, "http://")+" "+c.want)
			require.NotContains(t, err.Error(), canary)
			require.Equal(t, c.down, isDown(t, err))
			require.Equal(t, 1, h.count(), "once, and nowhere else")
		})
	}
}

func TestWebhookReceiversThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	send := func(t *testing.T, url string, d time.Duration) string {
		t.Helper()
		err := newWebhook(t, url+"/"+canary).Send(within(t, d), notice("k"))
		require.Error(t, err)
		require.NotContains(t, err.Error(), canary)
		require.True(t, isDown(t, err))
		return err.Error()
	}
	t.Run("hangs", func(t *testing.T) {
		t.Parallel()
		h := receive(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		require.Contains(t, send(t, h.URL, 200*time.Millisecond), "gives no answer in time")
	})
	t.Run("is none", func(t *testing.T) {
		t.Parallel()
		h := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "220 "+canary+"\r\n")
				_ = conn.Close()
			}
		})
		require.Contains(t, send(t, h.URL, time.Minute), "broke the connection")
	})
	t.Run("is gone", func(t *testing.T) {
		t.Parallel()
		h := receive(t, status(200))
		h.Close()
		require.Contains(t, send(t, h.URL, time.Minute), "refuses the connection")
	})
	t.Run("is a stranger", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewUnstartedServer(nil)
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of those who do not trust it
		server.StartTLS()
		t.Cleanup(server.Close)
		require.Contains(t, send(t, server.URL, time.Minute), "shows a certificate that is not trusted here")
	})
	t.Run("never ends", func(t *testing.T) {
		t.Parallel()
		h := receive(t, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		require.NoError(t, newWebhook(t, h.URL).Send(t.Context(), notice("k")), "the status has said it")
	})
}

func TestWebhookConfigFaults(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://hooks.acme.example/cutover": true, "https://hooks.acme.example/?sig=a": true, "http://127.0.0.1:1/a": true, "http://localhost/a": true,
		"http://[::1]:80": true, "http://hooks.acme.example": false, "https://": false, "hooks.acme.example": false, "": false, "ftp://hooks.acme.example": false,
		"https://a:" + canary + "@hooks.acme.example": false, "https://hooks.acme.example/#" + canary: false, "https:" + canary: false, "http://127.0.0.1.else.example": false,
		"://" + canary: false,
	} {
		_, err := NewWebhook(WebhookConfig{URL: NewSecret(url), Secret: NewSecret(hookSecret)})
		require.Equal(t, ok, err == nil, "%s: %v", url, err)
		if err != nil {
			require.NotContains(t, err.Error(), canary)
			wrong, ok := errors.AsType[ConfigErrors](err)
			require.True(t, ok)
			require.Equal(t, "url", wrong[0].Field)
		}
	}
	_, err := NewWebhook(WebhookConfig{URL: NewSecret("https://hooks.acme.example"), Secret: NewSecret("too short, too")})
	require.EqualError(t, err, "secret must have at least 16 characters: openssl rand -hex 32 makes one")
}

func TestVerify(t *testing.T) {
	t.Parallel()
	body, secret := []byte(`{"key":"k"}`), []byte(hookSecret)
	header := sign(body, secret, noon)
	signature := strings.TrimPrefix(strings.Split(header, ",")[1], "v1=")
	require.Equal(t, "t=1701432000,v1="+signature, header)
	for name, c := range map[string]struct {
		header string
		body   string
		now    time.Time
		want   error
	}{
		"as it was sent":     {header, string(body), noon, nil},
		"at the latest":      {header, string(body), noon.Add(5 * time.Minute), nil},
		"a receiver behind":  {header, string(body), noon.Add(-5 * time.Minute), nil},
		"an old copy":        {header, string(body), noon.Add(5*time.Minute + time.Second), ErrStale},
		"from the future":    {header, string(body), noon.Add(-5*time.Minute - time.Second), ErrStale},
		"another body":       {header, `{"key":"l"}`, noon, ErrSignature},
		"another time":       {"t=1701432001,v1=" + signature, string(body), noon, ErrSignature},
		"the dot moved":      {"t=170143200,v1=" + signature, "0." + string(body), noon, ErrSignature},
		"no time":            {"v1=" + signature, string(body), noon, ErrSignature},
		"two times":          {header + ",t=1701432000", string(body), noon, ErrSignature},
		"no signature":       {"t=1701432000", string(body), noon, ErrSignature},
		"an empty signature": {"t=1701432000,v1=", string(body), noon, ErrSignature},
		"half a signature":   {"t=1701432000,v1=" + signature[:32], string(body), noon, ErrSignature},
		"not hexadecimal":    {"t=1701432000,v1=zz", string(body), noon, ErrSignature},
		"nothing":            {"", string(body), noon, ErrSignature},
		"two secrets":        {"t=1701432000, v1=" + strings.Repeat("0", 64) + ", v1=" + signature + ", v2=x", string(body), noon, nil},
	} {
		err := Verify(c.header, []byte(c.body), secret, c.now, 5*time.Minute)
		require.ErrorIs(t, err, c.want, name)
	}
	require.ErrorIs(t, Verify(header, body, []byte("another secret!!"), noon, time.Minute), ErrSignature)
	require.ErrorIs(t, Verify(sign(body, nil, noon), body, nil, noon, time.Minute), ErrSignature, "a receiver without a secret trusts nobody")
}

func TestVerifyHoldsForWhatWasSignedAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body, other := rapid.SliceOf(rapid.Byte()).Draw(t, "body"), rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		secret := rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "secret")
		header := sign(body, secret, noon)
		if err := Verify(header, body, secret, noon, 0); err != nil {
			t.Fatal(err)
		}
		if err := Verify(header, other, secret, noon, 0); (err == nil) != (string(body) == string(other)) {
			t.Fatalf("%q passes for %q: %v", other, body, err)
		}
		_ = Verify(rapid.String().Draw(t, "header"), body, secret, noon, 0) // whatever a stranger sends
	})
}
