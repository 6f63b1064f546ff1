package leak

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/test/invariants"
	"cutover/test/stack"
	"cutover/test/texts"
	"cutover/workflows"
)

// kind is how a run is set up.
type kind struct {
	encrypted bool // payloads are
	postgres  bool // the store is on PostgreSQL
}

func kinds() map[string]kind {
	all := map[string]kind{"in clear": {}, "encrypted": {encrypted: true}}
	if os.Getenv(envPostgres) != "" {
		all["PostgreSQL"] = kind{postgres: true}
	}
	return all
}

// odd makes a secret with letters that every encoding writes in its own way.
func odd(what string) string { return what + "-canary-" + rand.Text() + "+/=&" }

// stage is a world with secrets everywhere.
type stage struct {
	*world.World

	mail                       *mailbox
	password, webhook, chatURL string
	codecKeys                  string // path; empty: payloads are in clear
	outbox                     string // folder
	printed                    []invariants.Text
	postgres                   *database // nil: the store is a SQLite file
}

var (
	page    = world.Company("Acme", "Retargeting", "Newsletter")
	revoked = world.Company("Birch", "Spring sale")
	granted = world.Company("Cedar", "Abandoned carts")
)

func newStage(t *testing.T, k kind) *stage {
	t.Helper()
	s := &stage{password: odd("password"), webhook: odd("webhook")}
	s.mail = newMailbox(t, s.password)
	down := careless(t)
	s.chatURL = "generic://" + strings.TrimPrefix(down.URL, "http://") + "/chat-canary-" + rand.Text() + "?disabletls=yes"
	dir := t.TempDir()
	s.outbox = filepath.Join(dir, "notices")
	write := func(name, text string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		return filepath.Join(dir, name)
	}
	write("password", s.password)
	write("webhook", s.webhook)
	write("chat", s.chatURL)
	notices := write("notices.yaml", fmt.Sprintf(`organizations:
  - webhook: {url: "%[2]s", secret: {file: webhook}}
  - mail: {host: 127.0.0.1, port: %[1]d, from: cutover@acme.example, username: cutover, password: {file: password}}
operator:
  - chat: {url: {file: chat}}
  - outbox: notices
`, s.mail.port, down.URL))
	env := []string{"CUTOVER_NOTICES=" + notices, "CUTOVER_LOG_LEVEL=debug", "SSL_CERT_FILE=" + write("mail.pem", string(s.mail.trust))}
	if k.postgres {
		s.postgres = newDatabase(t)
		env = append(env, "CUTOVER_STORE_URL="+s.postgres.url)
	}
	if k.encrypted {
		s.codecKeys = filepath.Join(dir, "codec-keys.json")
		_, err := keys.Create(t.Context(), s.codecKeys, "")
		require.NoError(t, err)
		env = append(env, "CUTOVER_CODEC_KEYS="+s.codecKeys)
	}
	s.World = world.New(t, world.Options{Organizations: []world.Organization{page, revoked, granted}, Portal: true, Env: env})
	if k.encrypted {
		s.Starter.Env = append(s.Starter.Env, "CUTOVER_CODEC_KEYS="+s.codecKeys)
		options, err := engine.ClientOptions(stack.TemporalEnv(s.Dir, s.Temporal), zap.NewNop())
		require.NoError(t, err)
		sealer, err := keys.Read(t.Context(), s.codecKeys, "")
		require.NoError(t, err)
		s.Client, err = client.Dial(engine.Encrypted(options, sealer))
		require.NoError(t, err)
		t.Cleanup(s.Client.Close)
	}
	return s
}

// typed runs a command and keeps what it printed.
func (s *stage) typed(t *testing.T, command stack.Starter, args ...string) stack.Answer {
	t.Helper()
	answer, err := command.Run(t.Context(), args...)
	require.NoError(t, err)
	s.printed = append(s.printed, invariants.Text{Where: "printed by " + strings.Join(args, " "), Data: []byte(answer.Stdout + answer.Stderr)})
	return answer
}

// hold adds a grant of the organization's person to the store.
func (s *stage) hold(t *testing.T, o world.Organization, account string) {
	t.Helper()
	tokens, err := s.Vendor.GrantPinterest(t.Context(), o.ID())
	require.NoError(t, err)
	answer, err := json.Marshal(tokens)
	require.NoError(t, err)
	require.Zero(t, s.typed(t, s.Worker.Command(string(answer)), "grants", "add", "--org", o.ID(), "--account", account).Code)
}

// play carries three organizations: one by the page, one by a grant that is revoked and then by its person, one by a grant.
func (s *stage) play(t *testing.T) {
	t.Helper()
	require.Zero(t, s.typed(t, s.Starter, "start", "--all").Code)
	acme, birch, cedar := s.Waits(t, page, 1)[0], s.Waits(t, revoked, 1)[0], s.Waits(t, granted, 1)[0]

	s.hold(t, granted, cedar)
	require.Zero(t, s.typed(t, s.Starter, "signal", "reauth-completed", "--org", granted.ID(), "--account", cedar, "--by", "operator").Code)
	s.Migrated(t, granted)

	s.hold(t, revoked, birch)
	require.NoError(t, s.Vendor.RevokePinterest(t.Context(), revoked.ID()))
	s.typed(t, s.Starter, "signal", "reauth-completed", "--org", revoked.ID(), "--account", birch, "--by", "operator")
	s.Until(t, revoked, "the grant did not help", func(status migration.Status) bool { return !status.Accounts[0].TriedAt.IsZero() })
	s.typed(t, s.Starter, "status", "--org", revoked.ID())
	s.SignIn(t, revoked, birch)
	s.typed(t, s.Starter, "signal", "reauth-completed", "--org", revoked.ID(), "--account", birch, "--by", "operator")
	s.Migrated(t, revoked)

	link := s.typed(t, s.Portal.Command(), "link", "--org", page.ID())
	require.Zero(t, link.Code)
	visitor, err := stack.Visit(t.Context(), stack.LinkIn(link.Stdout))
	require.NoError(t, err)
	require.NoError(t, visitor.Consent(t.Context(), acme, page.ID()))
	s.Migrated(t, page)
	for _, args := range [][]string{{"status"}, {"report", "-o", "json"}, {"plan", "--org", page.ID(), "-o", "json"}} {
		s.typed(t, s.Starter, args...)
	}
	s.typed(t, s.Worker.Command(""), "grants", "list")
	s.typed(t, s.Worker.Command(""), "keys", "list")
}

// secrets are all there are.
func (s *stage) secrets(t *testing.T) []invariants.Secret {
	t.Helper()
	all := []invariants.Secret{
		{What: "the app's secret", Value: world.AppSecret},
		{What: "the mail password", Value: s.password},
		{What: "the webhook's secret", Value: s.webhook},
		{What: "the chat's token", Value: path.Base(strings.Split(s.chatURL, "?")[0])},
	}
	if s.postgres != nil {
		all = append(all, invariants.Secret{What: "the database's password", Value: s.postgres.password})
	}
	issued, err := s.Vendor.Secrets(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, issued)
	for _, secret := range issued {
		all = append(all, invariants.Secret{What: secret.Kind + " of " + secret.Organization, Value: secret.Value})
	}
	for _, file := range []string{filepath.Join(s.Dir, "cutover-keys.json"), s.codecKeys} {
		if file == "" {
			continue
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, key := range regexp.MustCompile(`"value":\s*"([^"]+)"`).FindAllSubmatch(data, -1) {
			all = append(all, invariants.Secret{What: "a key of " + filepath.Base(file), Value: string(key[1])})
		}
	}
	links := 0
	for _, text := range append(s.mail.texts(), s.printed...) {
		for _, link := range stack.LinksIn(string(text.Data)) {
			links++
			home := "mail "
			if strings.HasPrefix(text.Where, "printed by link") {
				home = text.Where
			}
			all = append(all, invariants.Secret{What: "a link of " + text.Where, Value: path.Base(link), Home: home})
		}
	}
	require.GreaterOrEqual(t, links, 3, "every notice that asks for a sign-in has a link")
	return all
}

// everything is all that is left behind.
func (s *stage) everything(t *testing.T) []invariants.Text {
	t.Helper()
	kept, err := texts.OfFiles(s.Dir, s.Worker.Log, s.Portal.Log, s.Temporal.Log, s.Vendor.LedgerFile, s.Temporal.Database, s.Worker.Reports)
	require.NoError(t, err)
	if s.postgres != nil {
		kept = append(kept, s.postgres.texts(t)...)
	} else {
		database, err := texts.OfFiles(s.Dir, filepath.Join(s.Dir, "cutover.db"))
		require.NoError(t, err)
		kept = append(kept, database...)
	}
	told, err := texts.OfFiles(filepath.Dir(s.outbox), s.outbox)
	require.NoError(t, err)
	kept = append(kept, told...)
	runs, err := texts.Runs(t.Context(), s.Client, s.Temporal.Namespace)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(runs), 4, "three organizations and the keeper of grants")
	told, err = texts.OfEngine(t.Context(), s.Client, runs)
	require.NoError(t, err)
	return append(append(append(kept, told...), s.printed...), s.mail.texts()...)
}

func TestNoSecretComesToRestAnywhere(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, k)
			s.play(t)
			secrets, left := s.secrets(t), s.everything(t)
			leaks := invariants.Of(invariants.NoLeak, invariants.Check(invariants.Facts{Secrets: secrets, Texts: left}))
			require.Empty(t, leaks)

			// Whoever looks must be able to find: each secret is put somewhere once, as it could stand there.
			for i, secret := range secrets {
				planted := invariants.Text{Where: "planted", Data: append([]byte("Authorization: Bearer "), secret.Value...)}
				found := invariants.Of(invariants.NoLeak, invariants.Check(invariants.Facts{Secrets: secrets[i : i+1], Texts: append(slices.Clip(left), planted)}))
				require.NotEmpty(t, found, secret.What)
				if i > 5 {
					break
				}
			}
			s.requireRead(t, k.encrypted)
		})
	}
}

// requireRead checks what the engine's database shows of a migration: everything without encryption, and with it nothing but ids, names and search attributes.
func (s *stage) requireRead(t *testing.T, encrypted bool) {
	t.Helper()
	database, err := texts.OfFiles(s.Dir, s.Temporal.Database)
	require.NoError(t, err)
	for _, words := range []string{"Abandoned carts", "Spring sale", "marketing@acme.example", "a person must use Reconnect OAuth"} {
		secret := []invariants.Secret{{What: words, Value: words}}
		found := invariants.Of(invariants.NoLeak, invariants.Check(invariants.Facts{Secrets: secret, Texts: database}))
		require.Equal(t, encrypted, len(found) == 0, words)
	}
	_, err = s.Client.DescribeWorkflowExecution(t.Context(), workflows.WorkflowID("pinterest-v5", page.ID()), "")
	require.NoError(t, err)
}
