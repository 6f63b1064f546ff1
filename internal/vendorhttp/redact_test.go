package vendorhttp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever the service writes around them, our secrets are never shown.
func TestShowNeverHoldsASecret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9+/=_.~"&<-]{12,40}`).Draw(t, "secret")
		before := rapid.StringN(0, 250, 300).Draw(t, "before")
		after := rapid.StringN(0, 50, 60).Draw(t, "after")
		message, err := json.Marshal(before + secret + after)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{before + secret + after, string(message)} {
			shown := Show(text, MaxMessage, secret)
			if strings.Contains(shown, secret) && !strings.Contains(before+after, secret) {
				t.Fatalf("%q holds %q", shown, secret)
			}
			if len(shown) > MaxMessage {
				t.Fatalf("%d bytes", len(shown))
			}
		}
	})
}

func TestShowFindsWhatLooksLikeASecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"access_token":"CANARY","id":"1"}`:      `{"access_token":"[redacted]","id":"1"}`,
		`{"refreshToken" : "CANARY\"CANARY"}`:     `{"refreshToken" : "[redacted]"}`,
		`{"clientSecret":"CANARY`:                 `{"clientSecret":"[redacted]"`,
		`{"tokenId":12345,"id":"1"}`:              `{"tokenId":"[redacted]","id":"1"}`,
		`{"apiKey":"CANARY","private_key":"C"}`:   `{"apiKey":"[redacted]","private_key":"[redacted]"}`,
		`client_secret=CANARY&scope=openid`:       `client_secret=[redacted]&scope=openid`,
		`client_assertion=CANARY&a=1`:             `client_assertion=[redacted]&a=1`,
		`grant_type=x&code=CANARY&a=1`:            `grant_type=x&code=[redacted]&a=1`,
		`authorization_code=CANARY`:               `authorization_code=[redacted]`,
		`sent Bearer CANARY-CANARY twice`:         `sent Bearer [redacted] twice`,
		`Authorization: Basic CANARY1234==`:       `Authorization: Basic [redacted]`,
		`got eyJhbGciOiJSUzI1.CANARY.CANARY here`: `got [redacted] here`,
		`token pina_CANARYCANARYCANARY is old`:    `token [redacted] is old`,
		`pinrCANARYCANARYCANARY`:                  `[redacted]`,
		// What helps an operator and is no secret stays.
		`{"errorMessage":"flow not found"}`:       `{"errorMessage":"flow not found"}`,
		`{"code":2,"message":"pinned to board"}`:  `{"code":2,"message":"pinned to board"}`,
		`partner said error_code=401, status=401`: `partner said error_code=401, status=401`,
	} {
		require.Equal(t, want, Show(text, MaxMessage))
	}
	require.Equal(t, "a [redacted] b [redacted]", Show("a s+p b s%2Bp", MaxMessage, "s+p", ""))
}

// A secret that lies across the end of what is looked through is found too: what
// stands before it may shrink to a few bytes.
func TestShowFindsASecretAnywhereInALargeText(t *testing.T) {
	t.Parallel()
	const secret = "CANARY-CANARY"
	text := `{"token":"` + strings.Repeat("y", maxRedacted-25) + `", "x":"` + secret + strings.Repeat("z", 1<<20)
	require.NotContains(t, Show(text, MaxMessage, secret), "CANARY")
}

func TestClip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":           "",
		"rid-1":      "rid-1",
		"a\nb\x00":   "a b ",
		"\xffabc":    "?abc",
		"longer one": "longer",
		"12345ä":     "12345",
	} {
		require.Equal(t, want, Clip(text, 6))
	}
}
