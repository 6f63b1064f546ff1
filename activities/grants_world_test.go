package activities

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/keys"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
	"cutover/internal/store"
)

const (
	advertiser = "549755885175"
	lease      = migration.Duration(30 * 24 * time.Hour)
)

// taken has Adobe take credentials that the worker got by itself, which is not known to be so.
func taken(s *emulator.Scenario) { s.Settings.PatchedGrants = true }

// another adds an organization like the first.
func another(s *emulator.Scenario) {
	other := s.Organizations[0]
	other.ID, other.Name, other.ClientID, other.ClientSecret = globex, "Globex", "globex-client", "globex-secret"
	s.Organizations = append(s.Organizations, other)
}

const globex = "6F5E4D3C2B1A@AdobeOrg"

// holding has the worker hold grants from now on, none yet.
func (w *world) holding() *store.Database {
	w.t.Helper()
	dir := w.t.TempDir()
	keyset, err := keys.Create(w.t.Context(), filepath.Join(dir, "keys.json"), "")
	require.NoError(w.t, err)
	database, err := store.OpenDatabase(w.t.Context(), "sqlite:"+filepath.Join(dir, "cutover.db"), keyset, w.Emulator.Now)
	require.NoError(w.t, err)
	transport := &http.Transport{}
	w.t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(w.t, database.Close())
	})
	w.Pinterest, err = pinterest.New(pinterest.Config{URL: w.url, Now: w.Emulator.Now, Transport: transport})
	require.NoError(w.t, err)
	w.Grants, w.App = database, pinterest.App{ClientID: "1500000", ClientSecret: "pinterest-app-secret"}
	return database
}

// consent plays a person who consents to the app, and whose grant is kept for an account.
func (w *world) consent(d *store.Database, organization, account string, scopes ...string) emulator.PinterestTokens {
	w.t.Helper()
	tokens, err := w.GrantPinterest(organization, scopes...)
	require.NoError(w.t, err)
	now := w.Emulator.Now()
	require.NoError(w.t, d.SaveGrant(w.t.Context(), pinterest.Owner{Organization: organization, Account: account}, pinterest.Grant{
		AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken, Scopes: strings.Split(tokens.Scope, ","),
		ExpiresAt:        now.Add(time.Duration(tokens.ExpiresIn) * time.Second),
		RefreshExpiresAt: now.Add(time.Duration(tokens.RefreshTokenExpiresIn) * time.Second),
	}))
	return tokens
}

// sign is the new card's account as it stands.
func (w *world) sign() Sign {
	w.t.Helper()
	accounts := w.plan(carrying()).Accounts
	require.Len(w.t, accounts, 1)
	return SignOf(accounts[0])
}

// patched counts the changes that were made to accounts through the API.
func (w *world) patched() (n int) {
	for _, e := range w.Ledger(0) {
		if e.Kind == emulator.KindWrite && e.Entity == "connection" && e.Op == "patch" && e.Applied {
			n++
		}
	}
	return n
}

// refreshes counts what was asked of Pinterest's token endpoint for new tokens.
func (w *world) refreshes() (n int) {
	for _, e := range w.Ledger(0) {
		if e.Kind == emulator.KindToken && e.Op == "refresh_token" {
			n++
		}
	}
	return n
}

// crosses are the calls that mixed organizations.
func (w *world) crosses() (list []emulator.Entry) {
	for _, e := range w.Ledger(0) {
		if e.Kind == emulator.KindCross {
			list = append(list, e)
		}
	}
	return list
}

// memory keeps what is logged, for tests that read it.
type memory struct {
	quiet

	mu    sync.Mutex
	lines []string
}

func (m *memory) Warn(msg string, keyvals ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, fmt.Sprint(append([]any{msg}, keyvals...)...))
}

func (m *memory) With(...any) log.Logger        { return m }
func (m *memory) WithCallerSkip(int) log.Logger { return m }

// all is everything that was logged as a warning.
func (m *memory) all() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.lines, "\n")
}

// condition is how an account of the first organization stands at the vendor.
func (w *world) condition(account string) string {
	w.t.Helper()
	for _, a := range w.State().Organizations[0].Sandboxes[0].Accounts {
		if a.ID == account {
			return a.Condition
		}
	}
	require.Fail(w.t, "no such account", account)
	return ""
}

// byOrganization finds the credential of whichever organization is asked for.
type byOrganization map[string]own

func (c byOrganization) Lookup(name, organization string) (adobe.Credential, error) {
	return c[organization].Lookup(name, organization)
}
