package vendorhttp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const secretToken = "token-CANARY/1+2"

// FuzzShow shows any text that may hold a secret of ours, in each spelling and anywhere.
func FuzzShow(f *testing.F) {
	for _, seed := range []string{
		"{{secret}}", strings.Repeat("x", 195) + "{{secret}}", strings.Repeat("é", 100) + "{{form}}", `{"access_token":"{{json}}`, "\xff{{secret}}\xff", "Bearer {{secret}}",
		"eyJ{{secret}}", "a\u2028b\r\nc\u202ed\x00", strings.Repeat(`"token":`, 40), `{"a":"token\":{{secret}}"}`, strings.Repeat("x", 17<<10) + "{{secret}}",
	} {
		f.Add(seed, uint8(200))
	}
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		forms := spellings(secretToken)
		text = strings.NewReplacer("{{secret}}", forms[0], "{{form}}", forms[1], "{{json}}", forms[2]).Replace(text)
		for _, shown := range []string{Show(text, int(n), secretToken), Clip(text, int(n))} {
			require.LessOrEqual(t, len(shown), int(n))
			require.True(t, utf8.ValidString(shown))
			require.Negative(t, strings.IndexFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", shown)
		}
		require.NotContains(t, Show(text, len(text)+100, secretToken), secretToken)
	})
}

// FuzzParseBase reads any text as the URL that credentials travel to. A fault never repeats it: it may hold a password.
func FuzzParseBase(f *testing.F) {
	for _, seed := range []string{
		"https://platform.adobe.io", "http://127.0.0.1:80/x/", "http://[::1]", "HTTPS://a/../b", "https://u:CANARY@h", "https://h/?CANARY", "https://h/#CANARY", "CANARY",
		"https://%43ANARY", "http://CANARY", "//CANARY", "https:CANARY", "https://h:CANARY", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "\x7fCANARY",
	} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, value string, plain bool) {
		base, err := ParseBase("URL", value, "https://platform.adobe.io", plain)
		if err != nil {
			require.NotContains(t, err.Error(), "CANARY")
			return
		}
		require.NotEmpty(t, base.Host)
		require.True(t, base.User == nil && base.RawQuery == "" && base.Fragment == "")
		require.True(t, base.Scheme == "https" || base.Scheme == "http" && (plain || isLoopback(base.Hostname())), "%s", base)
	})
}

// FuzzText reads any JSON value as text: it fits every field, and says nothing that was not there.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`"a\u0000"`, `1e999`, `true`, `null`, `{"a":[1]}`, `[]`, `"\ud800"`, ` "a" `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var read struct{ Value Text }
		err := json.Unmarshal([]byte(`{"value":`+string(raw)+`}`), &read)
		if json.Valid(raw) {
			require.NoError(t, err)
			require.LessOrEqual(t, len(read.Value), 3*len(raw), "what is not UTF-8 takes three bytes")
		}
	})
}

// FuzzWire lets a server answer with bytes that need not be HTTP. What the library quotes of them holds nothing that was sent.
func FuzzWire(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 {{secret}} no\r\n\r\n", "{{secret}}\r\n\r\n", "HTTP/1.1 200 OK\r\n{{secret}}\r\n\r\n", "HTTP/{{secret}} 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: {{secret}}\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: {{secret}}\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{{secret}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n{{secret}}\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{{secret}}\r\n",
		"HTTP/1.1 307 No\r\nLocation: https://{{secret}}/\r\n\r\n", "HTTP/1.1 101 Switching\r\nUpgrade: {{secret}}\r\n\r\n", "HTTP/1.1 100 Go\r\n\r\n", "", "\x16\x03\x01{{secret}}",
		"HTTP/1.1 200 OK\r\nX-Id: {{secret}}\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Id: {{secret}}\r\nContent-Encoding: gzip\r\n\r\n{{secret}}",
	} {
		f.Add(seed)
	}
	var answer atomic.Pointer[string]
	address := raw(f, &answer)
	transport := &http.Transport{DisableKeepAlives: true}
	client := NewHTTPClient(transport)
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "{{secret}}", secretToken)
		answer.Store(&text)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		seen := &TokenTransport{Base: transport, IDHeader: "X-Id", Secrets: []string{secretToken}}
		for _, c := range []*http.Client{client, NewHTTPClient(seen)} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/?"+secretToken, http.NoBody)
			require.NoError(t, err)
			requireHidden(t, ask(c, r))
		}
		require.NotContains(t, seen.RequestID, secretToken)
	})
}

// ask sends the request and reads the answer as the clients do.
func ask(c *http.Client, r *http.Request) error {
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if message := RedirectMessage(resp.Header, secretToken); strings.Contains(message, secretToken) {
		return errors.New(message)
	}
	_, err = ReadBody(resp.Body)
	return err
}

func requireHidden(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	cause := TransportCause(err, secretToken)
	require.Equal(t, TimedOut(err), TimedOut(cause), "what kind of error it is stays known")
	require.False(t, TimedOut(cause), "%s", cause)
	for ; cause != nil; cause = errors.Unwrap(cause) {
		require.NotContains(t, cause.Error(), "CANARY")
	}
}

// raw is a server that reads a request and writes the answer as it is.
func raw(f *testing.F, answer *atomic.Pointer[string]) string {
	f.Helper()
	listener, err := (&net.ListenConfig{}).Listen(f.Context(), "tcp", "127.0.0.1:0")
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, listener.Close()) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, *answer.Load())
			}
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}
