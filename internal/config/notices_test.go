package config

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/notify"
)

// secretsBeside writes files with secrets beside path.
func secretsBeside(t *testing.T, path string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(filepath.Dir(path), name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(content+"\n"), 0o600))
	}
}

func TestExampleNotices(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../notices.example.yaml")
	require.NoError(t, err)
	path := put(t, "notices.yaml", string(example), 0o600)
	secretsBeside(t, path, map[string]string{"secrets/smtp": "smtp-" + canary, "secrets/webhook": "webhook-" + canary})
	chat := "generic://hooks.acme.example/" + canary

	notices, err := ReadNotices(path, environment("CUTOVER_CHAT_URL", chat))
	require.NoError(t, err)
	require.Equal(t, "2 channels for organizations, 4 for the operator", notices.String())
	require.ElementsMatch(t, []string{"smtp-" + canary, "smtp-" + canary, "webhook-" + canary, chat}, notices.Secrets())
	require.Equal(t, []string{"mail", "outbox"}, names(notices.organizations))
	require.Equal(t, []string{"chat", "on-call", "mail", "outbox"}, names(notices.operator))
	require.Equal(t, filepath.Join(filepath.Dir(path), "notices"), notices.operator[3].outbox, "relative to the file")
	require.NoDirExists(t, notices.operator[3].outbox, "reading makes nothing")

	deliverer, err := notices.Open(nil, time.Now)
	require.NoError(t, err)
	require.IsType(t, &notify.Notifier{}, deliverer)
	require.DirExists(t, notices.operator[3].outbox)
}

func names(channels []noticeChannel) []string {
	all := make([]string, len(channels))
	for i, c := range channels {
		all[i] = c.name
	}
	return all
}

func TestNoticesIntoADirectory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"notices", "notices.d", "yaml"} {
		dir := filepath.Join(t.TempDir(), name)
		notices, err := ReadNotices(dir, environment())
		require.NoError(t, err)
		require.Empty(t, notices.Secrets())
		require.NoDirExists(t, dir)
		deliverer, err := notices.Open(nil, time.Now)
		require.NoError(t, err)
		receipt, err := deliverer.Deliver(t.Context(), notify.Notice{Key: "k"})
		require.NoError(t, err)
		require.Equal(t, "outbox", receipt.Channel)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 2)
	}
}

// none keeps no receipt.
type none struct{}

func (none) Receipt(ctx context.Context, _ string) (string, time.Time, error) {
	return "", time.Time{}, ctx.Err()
}

func (none) KeepReceipt(_ context.Context, _, channel string, at time.Time) (string, time.Time, error) {
	return channel, at, nil
}

func TestNoticesGoWhereTheFileSays(t *testing.T) {
	t.Parallel()
	var signed bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed = r.Header.Get(notify.SignatureHeader) != "" && r.URL.RawQuery == "sig="+canary
	}))
	t.Cleanup(server.Close)
	path := put(t, "notices.yml", `organizations:
  - {name: archive, outbox: deep/archive}
operator:
  - webhook: {url: {env: HOOK}, secret: {file: secret}}
`, 0o644)
	secretsBeside(t, path, map[string]string{"secret": canary})
	notices, err := ReadNotices(path, environment("HOOK", server.URL+"/?sig="+canary))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{canary, server.URL + "/?sig=" + canary}, notices.Secrets())
	deliverer, err := notices.Open(none{}, time.Now)
	require.NoError(t, err)

	receipt, err := deliverer.Deliver(t.Context(), notify.Notice{Key: "k", To: []string{"marketing@acme.example"}})
	require.NoError(t, err)
	require.Equal(t, "archive", receipt.Channel)
	entries, err := os.ReadDir(filepath.Join(filepath.Dir(path), "deep", "archive"))
	require.NoError(t, err)
	require.Len(t, entries, 2)

	receipt, err = deliverer.Deliver(t.Context(), notify.Notice{Key: "l"})
	require.NoError(t, err)
	require.Equal(t, "webhook", receipt.Channel)
	require.True(t, signed)
}

func TestNoticesTellEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	path := put(t, "notices.yaml", `organizations:
  - mail:
      host: smtp.acme.example:587
      from: nobody
      tls: ssl
      username: cutover
      password: `+canary+`
  - mail: {host: smtp.acme.example, from: cutover@acme.example, tls: none, port: many}
  - {mail: {host: smtp.acme.example, from: cutover@acme.example}, outbox: ./notices}
  - name: only
  - fax: {number: 1}
  - outbox: ""
  - {name: a b, outbox: ./a}
operator:
  - webhook: {url: "https://hooks.acme.example/?sig=`+canary+`", secret: {file: short}}
  - webhook: {url: http://hooks.acme.example/, secret: {env: NOT_SET}}
  - chat: {url: {env: CHAT}}
  - chat: {url: "slack://`+canary+`"}
  - mail: {host: smtp.acme.example, from: cutover@acme.example, username: cutover}
  - {name: chat, outbox: ./notices}
operator_contacts: [Operations <operations@acme.example>]
`, 0o644)
	secretsBeside(t, path, map[string]string{"short": "too short"})
	_, err := ReadNotices(path, environment("CHAT", "slack://"+canary))
	require.Equal(t, []string{
		"f:3: organizations[0].mail.host: must be the mail server's name or address, such as smtp.acme.example; the port has a key of its own",
		"f:4: organizations[0].mail.from: must be an e-mail address such as cutover@acme.example",
		"f:5: organizations[0].mail.tls: must be starttls, tls or none",
		"f:7: organizations[0].mail.password: is written in place; a secret stands in a file or an environment variable of its own: give {file: PATH} or {env: NAME}",
		"f:8: a whole number belongs here",
		"f:9: organizations[2]: must be one of mail, webhook, chat and outbox",
		"f:10: organizations[3]: must be one of mail, webhook, chat and outbox",
		"f:11: field fax is unknown here",
		"f:12: organizations[5].outbox: must be a directory",
		"f:13: organizations[6].name: must be a name of letters, digits, dots, dashes and underscores",
		"f:15: operator[0].webhook.secret: must have at least 16 characters: openssl rand -hex 32 makes one",
		"f:15: operator[0].webhook.url: has parameters, which may be secret: give {file: PATH} or {env: NAME}",
		"f:16: operator[1]: is called webhook as that on line 15: give each a name of its own",
		"f:16: operator[1].webhook.secret: environment variable NOT_SET is empty or not set",
		"f:16: operator[1].webhook.url: must use https (http to this machine only)",
		"f:17: operator[2].chat.url: is not complete for slack: see the service's page in the shoutrrr documentation",
		"f:18: operator[3]: is called chat as that on line 17: give each a name of its own",
		"f:18: operator[3].chat.url: is written in place; a secret stands in a file or an environment variable of its own: give {file: PATH} or {env: NAME}",
		"f:19: operator[4].mail.password: is missing; give {file: PATH} or {env: NAME}",
		"f:20: operator[5]: is called chat as that on line 18: give each a name of its own",
		`f:21: operator_contacts[0]: "Operations <operations@acme.example>" is not a plain e-mail address such as operations@acme.example`,
	}, faults(t, err))
	require.NotContains(t, err.Error(), canary)
}

func TestNoticesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, want string }{
		"empty":           {"# nothing\n", "notices.yaml: the file is empty: notices.example.yaml shows what belongs here"},
		"no list":         {"operator: [{outbox: a}]", "organizations: is missing or empty"},
		"an empty list":   {"organizations: [{outbox: a}]\noperator: []", "operator: is missing or empty: name at least one channel"},
		"an unknown key":  {"organisations: []", "field organisations is unknown here"},
		"a secret anchor": {"organizations: [{chat: {url: *" + canary + "}}]", "unknown anchor a value referenced"},
		"a text":          {canary, "a group of keys belongs here"},
		"a text channel":  {"organizations: [" + canary + "]", "a group of keys belongs here"},
		"a text chat":     {"organizations: [{chat: " + canary + "}]", "a group of keys belongs here"},
		"no contacts":     {"organizations: [{outbox: a}]\noperator: [{mail: {host: smtp.acme.example, from: a@acme.example}}]", "operator_contacts: is missing: whom mail for the operator goes to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadNotices(put(t, "notices.yaml", c.content, 0o600), environment())
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), canary)
		})
	}
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "notices.yaml")
		_, err := ReadNotices(path, environment())
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.EqualError(t, err, "CUTOVER_NOTICES: no file at "+path)
	})
	t.Run("an outbox that cannot be", func(t *testing.T) {
		t.Parallel()
		path := put(t, "notices.yaml", "organizations: [{outbox: notices.yaml/a}]\noperator: [{name: b, outbox: notices.yaml/b}]", 0o600)
		notices, err := ReadNotices(path, environment())
		require.NoError(t, err)
		_, err = notices.Open(none{}, time.Now)
		require.ErrorContains(t, err, "channel outbox: ")
		require.ErrorContains(t, err, "channel b: ")
	})
}

func TestNoticesShowNothing(t *testing.T) {
	t.Parallel()
	path := put(t, "notices.yaml", "organizations: [{webhook: {url: {env: S}, secret: {env: S}}}]\noperator: [{chat: {url: {env: C}}}]\n", 0o600)
	notices, err := ReadNotices(path, environment("S", "https://hooks.acme.example/"+canary, "C", "generic://hooks.acme.example/"+canary))
	require.NoError(t, err)
	for _, value := range []any{notices, &notices, []any{notices}, struct{ N Notices }{notices}, notices.operator, notices.organizations[0].channel} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			require.NotContains(t, strings.ToLower(fmt.Sprintf(verb, value)), canary, verb)
		}
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(data), canary)
	}
}
