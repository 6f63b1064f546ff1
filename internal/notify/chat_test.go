package notify

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func newChat(t *testing.T, url string) *Chat {
	t.Helper()
	c, err := NewChat(ChatConfig{URL: NewSecret(url)})
	require.NoError(t, err)
	return c
}

// room is the service URL of a receiver, with a token in every part of it.
func room(h *hook) string {
	return "generic://" + canary + ":" + canary + "@" + strings.TrimPrefix(h.URL, "http://") + "/" + canary + "?disabletls=yes&token=" + canary
}

func TestChatWritesSubjectAndText(t *testing.T) {
	t.Parallel()
	h := receive(t, status(http.StatusOK))
	n := notice("k")
	n.Subject = "請重新登入 Pinterest"
	require.NoError(t, newChat(t, room(h)).Send(t.Context(), n))
	require.Equal(t, "請重新登入 Pinterest\n\nTwo dataflows wait.", string(h.bodies[0]))

	mattermost := receive(t, status(http.StatusOK))
	url := "mattermost://" + strings.TrimPrefix(mattermost.URL, "http://") + "/" + canary + "?disabletls=yes"
	require.NoError(t, newChat(t, url).Send(t.Context(), n))
	require.Equal(t, "/hooks/"+canary, mattermost.requests[0].URL.Path)
	require.Contains(t, string(mattermost.bodies[0]), "Two dataflows wait.")
}

func TestChatShortensWhatIsTooLong(t *testing.T) {
	t.Parallel()
	h := receive(t, status(http.StatusOK))
	c := newChat(t, room(h))
	for i := range 3 { // the cut falls on every byte of a letter
		n := notice("k")
		n.Text = strings.Repeat("a", i) + strings.Repeat("長", 5000)
		require.NoError(t, c.Send(t.Context(), n))
		got := string(h.bodies[i])
		require.LessOrEqual(t, len(got), maxChat)
		require.True(t, utf8.ValidString(got))
		require.True(t, strings.HasSuffix(got, "長\n[shortened]"))
	}
}

func TestChatTellsNothingOfItsURLOrTheAnswer(t *testing.T) {
	t.Parallel()
	for code, c := range map[int]struct {
		want string
		down bool
	}{
		400: {"generic answered 400: it does not take this notice", false},
		401: {"generic answered 401: check the secret or token", true},
		404: {"generic answered 404: check the URL", true},
		429: {"generic answered 429: check that it is well", true},
		500: {"generic answered 500: check that it is well", true},
		599: {"generic cannot be reached or does not take the message: check the service URL, its token and the room", true},
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			err := newChat(t, room(receive(t, status(code)))).Send(t.Context(), notice("k"))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), canary)
			require.Equal(t, c.down, isDown(t, err))
		})
	}
	t.Run("gone", func(t *testing.T) {
		t.Parallel()
		h := receive(t, status(200))
		h.Close()
		err := newChat(t, room(h)).Send(t.Context(), notice("k"))
		require.EqualError(t, err, "generic cannot be reached or does not take the message: check the service URL, its token and the room")
	})
	t.Run("cannot be located", func(t *testing.T) {
		t.Parallel()
		c := &Chat{url: NewSecret("slack://" + canary), service: "slack", open: make(chan struct{}, maxOpen)}
		err := c.Send(t.Context(), notice("k"))
		require.ErrorContains(t, err, "slack cannot be reached")
		require.NotContains(t, err.Error(), canary)
	})
	t.Run("a text that looks like a status", func(t *testing.T) {
		t.Parallel()
		c := &Chat{service: "slack"}
		for _, text := range []string{"bot 404 Nobody", "token 999 Not Found", "/v1/404NotFound"} {
			require.ErrorContains(t, c.explain(errors.New(text)), "slack cannot be reached")
		}
	})
}

func TestChatEndsInTimeWhateverTheServerDoes(t *testing.T) {
	t.Parallel()
	h := receive(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	t.Cleanup(h.CloseClientConnections)
	c := newChat(t, room(h))
	for range maxOpen {
		err := c.Send(within(t, 50*time.Millisecond), notice("k"))
		require.ErrorContains(t, err, "generic gives no answer in time")
		require.True(t, isDown(t, err))
	}
	require.ErrorContains(t, c.Send(within(t, 50*time.Millisecond), notice("k")), "leaves 8 earlier messages without an answer")
	require.Equal(t, maxOpen, h.count(), "calls do not pile up")
	h.CloseClientConnections()
	require.Eventually(t, func() bool { return len(c.open) == 0 }, 10*time.Second, 10*time.Millisecond, "a broken connection frees them")
}

func TestChatConfigFaults(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"slack://hook:T00000000-B00000000-" + strings.Repeat("a", 24) + "@webhook": "",
		"discord://token@1234": "",
		"telegram://123456789:" + strings.Repeat("a", 35) + "@telegram?chats=@acme": "",
		"matrix://user:" + canary + "@127.0.0.1:1/":                                 "", // is not asked
		"generic://hooks.acme.example/path":                                         "",
		"generic://hooks.acme.example/path?disabletls=no":                           "",
		"generic+https://hooks.acme.example/path":                                   "",
		"generic+http://127.0.0.1:1/path":                                           "",
		"generic://127.0.0.1:1/?DisableTLS=yes":                                     "",
		"":                                                                          "must be a service URL such as",
		canary:                                                                      "must be a service URL such as",
		"https://hooks.acme.example/" + canary:                                      "must be a service URL such as",
		"://" + canary:                                                              "must be a service URL such as",
		"slack://" + canary:                                                         "is not complete for slack",
		"telegram://" + canary + "@telegram":                                        "is not complete for telegram",
		"smtp://" + canary + "@mail.example/":                                       "mail is a channel of its own",
		"logger://" + canary:                                                        "leads to nobody",
		"generic://hooks.acme.example/" + canary + "?disabletls=yes":                "must not turn encryption off",
		"generic://hooks.acme.example/?DisableTLS=1&a=" + canary:                    "must not turn encryption off",
		"generic+http://hooks.acme.example/" + canary:                               "must not turn encryption off",
		"ntfy://ntfy.example/" + canary + "?scheme=http":                            "must not turn encryption off",
		"gotify://gotify.example/" + canary + "?insecureskipverify=yes":             "must not turn encryption off",
	} {
		_, err := NewChat(ChatConfig{URL: NewSecret(url)})
		if want == "" {
			require.NoError(t, err, url)
			continue
		}
		require.ErrorContains(t, err, want, url)
		require.ErrorContains(t, err, "url ", url)
		require.NotContains(t, err.Error(), canary)
	}
}
