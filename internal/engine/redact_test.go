package engine

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHidesWhatLooksLikeAToken(t *testing.T) {
	t.Parallel()
	r := NewRedactor()
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpZCI6IjEyMyJ9.c2lnbmF0dXJl"
	for text, want := range map[string]string{
		"Authorization: Bearer abcdefgh12345678":            "Authorization: Bearer [redacted]",
		"map[Authorization:[bearer  abcdefgh-1234.5678==]]": "map[Authorization:[bearer  [redacted]]]",
		"BEARER " + jwt:              "BEARER [redacted]",
		"Basic Y2xpZW50OnNlY3JldA==": "Basic [redacted]",
		"got pina_ABCDEFGHIJ, kept pinr_0123456789 and pinc_a1b2c3d4e5": "got [redacted], kept [redacted] and [redacted]",
		"token " + jwt + " refused":                                     "token [redacted] refused",
		"cut eyJhbGciOiJSUzI1NiJ9.eyJpZCI6":                             "cut [redacted]",
		"access_token=a%2Fb&x=1":                                        "access_token=[redacted]&x=1",
		"grant_type=refresh_token&refresh_token=abc":                    "grant_type=refresh_token&refresh_token=[redacted]",
		"POST ?client_id=7&client_secret=s3 HTTP/1.1":                   "POST ?client_id=7&client_secret=[redacted] HTTP/1.1",
		"/callback?state=1&code=0a1b2c3d4e5f60718293":                   "/callback?state=1&code=[redacted]",
		`{"access_token":"abc","expires_in":5}`:                         `{"access_token":"[redacted]","expires_in":5}`,
		`{"Refresh_Token" : "a\/b"}`:                                    `{"Refresh_Token" : "[redacted]"}`,
		`{"body":"{\"client_secret\":\"abc\",\"x\":1}"}`:                `{"body":"{\"client_secret\":\"[redacted]\",\"x\":1}"}`,
		`{"code": "0a1b2c3d4e5f60718293"}`:                              `{"code": "[redacted]"}`,
	} {
		got := r.Redact(text)
		require.Equal(t, want, got)
		require.Equal(t, got, r.Redact(got), "hiding twice changes nothing more")
	}
}

func TestLeavesTextWithoutASecretAlone(t *testing.T) {
	t.Parallel()
	r := NewRedactor("a-client-secret", "short", "", "redact", "red")
	for _, text := range []string{
		"", "a", "bearer authentication is required", "the Bearer token is missing", "basic information", "Basic monitoring", "error_code=4041234567890abcdef0",
		"code=404", "exit code=1", "code=ServiceUnavailableException", `{"code":"ACTIVATION_BATCH-0000-FAILED"}`, `{"code":"CONNECTOR-2001-500"}`, "pin a board", "pinata_12345678",
		"eyJvZmZzZXQiOjEwfQ", "client_secret: environment variable SECRET is empty", `"access_token": null`, "access_token is missing", "refresh_token=",
		"workflow cutover/pinterest-v5/1A2B3C4D5E6F@AdobeOrg, dataflow 6f4cdd67-5b87-4c1d-9b53-3a5f1e8a2b11", "a short secret", "already [redacted]",
		"ünïcödé 中文 \x00\xff", "a-client-secre", "shortly",
	} {
		require.Equal(t, text, r.Redact(text))
	}
}

// echoes are ways in which a server, a library or a log repeats text.
var echoes = map[string]func(string) string{
	"clear":        func(s string) string { return s },
	"query":        url.QueryEscape,
	"path":         url.PathEscape,
	"lower hex":    func(s string) string { return lowerHex(url.QueryEscape(s)) },
	"form":         func(s string) string { return url.Values{"x": {s}}.Encode() },
	"quoted":       strconv.Quote,
	"ASCII quoted": strconv.QuoteToASCII,
	"JSON":         func(s string) string { out, _ := json.Marshal(s); return string(out) },
	"plain JSON": func(s string) string {
		var out strings.Builder
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s)
		return out.String()
	},
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 one on":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("c" + s + "y")) },
	"base64 two on":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("id" + s + "yz")) },
	"base64 inside":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("client:" + s + " and more")) },
	"base64 for URL": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x" + s)) },
}

// secrets of any bytes that could be one; brackets alone are what stands in their place.
func anySecret() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9+/=._~-]{6,40}`),
		rapid.StringOfN(rapid.RuneFrom([]rune("abc\"\\/<>&+%= \n\té中😀'`$")), 6, 20, -1),
	).Filter(func(s string) bool { return len(s) >= minSecret && !strings.ContainsAny(s, "[]") })
}

func TestNoSecretSurvivesAnywhereInAnyForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfNDistinct(anySecret(), 1, 5, rapid.ID[string]).Draw(t, "secrets")
		r := NewRedactor(secrets[:1]...)
		for _, secret := range secrets[1:] {
			r.Add(secret)
		}
		secret := rapid.SampledFrom(secrets).Draw(t, "secret")
		before := rapid.String().Draw(t, "before")
		after := rapid.String().Draw(t, "after")
		for name, echo := range echoes {
			spelled := echo(secret)
			got := r.Redact(before + spelled + after + spelled)
			if !strings.Contains(got, redacted) {
				t.Fatalf("%s: nothing is hidden in %q", name, got)
			}
			for _, s := range secrets {
				for _, f := range formsOf(s) {
					if strings.Contains(got, f.text) {
						t.Fatalf("%s: %q survives in %q", name, f.text, got)
					}
				}
			}
		}
	})
}

func TestBase64LeavesNoCharacterOfASecret(t *testing.T) {
	t.Parallel()
	r := NewRedactor("s3cr3t-canary")
	for shift := range 3 {
		for tail := range 3 {
			text := base64.StdEncoding.EncodeToString([]byte("___"[:shift] + "s3cr3t-canary" + "___"[:tail]))
			left := strings.Trim(r.Redact(text), "=")
			require.LessOrEqual(t, len(left), len(redacted)+5, "%d %d: %s", shift, tail, left)
			require.NotEqual(t, text, left)
		}
	}
	require.Equal(t, "[redacted]", r.Redact(base64.RawStdEncoding.EncodeToString([]byte("s3cr3t-canary"))), "the last character is half the secret's")
}

func TestTextWithoutASecretIsUntouched(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := NewRedactor(rapid.SliceOfN(rapid.StringMatching(`[A-Z0-9]{8,40}`), 0, 50).Draw(t, "secrets")...)
		text := rapid.StringMatching(`[a-z0-9 .,:;/{}"'@_-]{0,200}`).Filter(func(s string) bool {
			return !strings.Contains(s, "pin") && !strings.Contains(s, "_token") && !strings.Contains(s, "bearer")
		}).Draw(t, "text")
		if got := r.Redact(text); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestALongerSecretWinsOverItsBeginning(t *testing.T) {
	t.Parallel()
	r := NewRedactor("abcdef", "abcdefghij")
	require.Equal(t, "x[redacted]y", r.Redact("xabcdefghijy"))
	require.Equal(t, "x[redacted]gy", r.Redact("xabcdefgy"))
}

func TestSecretsThatComeUpLaterAreBounded(t *testing.T) {
	t.Parallel()
	r := NewRedactor("kept-forever")
	token := func(i int) string { return fmt.Sprintf("token-%06d", i) }
	for i := range maxSecrets + 2 {
		r.Add(token(i))
		r.Add(token(i)) // known: counts once
	}
	require.Len(t, r.added, maxSecrets)
	require.Equal(t, token(0)+" "+token(1)+" [redacted] [redacted] [redacted]", r.Redact(strings.Join([]string{token(0), token(1), token(2), token(maxSecrets + 1), "kept-forever"}, " ")))

	forms, lengths := len(r.forms), len(r.lengths)
	for i := range maxSecrets {
		r.Add(fmt.Sprintf("other-%06d", i))
	}
	require.Len(t, r.forms, forms, "what is forgotten takes no room")
	require.Len(t, r.lengths, lengths)
	for _, secret := range r.added {
		r.forget(secret)
	}
	r.forget("kept-forever")
	require.Empty(t, r.forms)
	require.Empty(t, r.lengths)
}

func TestAFormOfTwoSecretsOutlivesOneOfThem(t *testing.T) {
	t.Parallel()
	r := NewRedactor("a secret", "a+secret") // in a query both may be the second
	r.forget("a+secret")
	require.Equal(t, "[redacted]", r.Redact("a+secret"))
	r.forget("a secret")
	require.Equal(t, "a+secret", r.Redact("a+secret"))
}

func TestManyRedactAtOnce(t *testing.T) {
	t.Parallel()
	r := NewRedactor("first-secret")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				secret := fmt.Sprintf("secret-%d-%d", i, j)
				r.Add(secret)
				if got := r.Redact("first-secret " + secret + "."); got != "[redacted] [redacted]." {
					t.Errorf("%q", got)
				}
			}
		})
	}
	all.Wait()
}

func TestNoRedactorHidesNothing(t *testing.T) {
	t.Parallel()
	var r *Redactor
	r.Add("a-secret")
	require.Equal(t, "a-secret pina_0123456789", r.Redact("a-secret pina_0123456789"))
}
