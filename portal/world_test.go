package main

import (
	"context"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"cutover/internal/emulator"
	"cutover/internal/keys"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
	"cutover/internal/store"
	"cutover/internal/words"
	"cutover/workflows"
)

const (
	acme        = "1A2B3C4D5E6F@AdobeOrg"
	globex      = "6F5E4D3C2B1A@AdobeOrg"
	playbook    = "pinterest-v5"
	acmeAccount = "acme-account" // of acme, who must sign in to it
	signed      = "acme-signed"  // of acme, who has
	foreign     = "globex-account"
	advertiser  = "549755885175" // acme's
)

var noon = time.Date(2023, 12, 1, 12, 0, 0, 0, time.UTC)

// en says what the page says in English.
func en(key string, args ...any) string { return words.In(words.English).Say(key, args...) }

// world is the page with a store, Pinterest and people who visit it. Only Temporal is played.
type world struct {
	t         *testing.T
	url       string
	clock     *clock
	store     *store.Database
	emulator  *emulator.Emulator
	workflows *fakeWorkflows
	logs      *observer.ObservedLogs
}

// clock is the time as the page and the store see it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// newWorld starts everything on loopback.
func newWorld(t *testing.T, tweak ...func(*deps)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: noon}, workflows: newWorkflows()}
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	scenario.Organizations = append(scenario.Organizations, emulator.Organization{
		ID: globex, Name: "Globex", PinterestUser: "globex-user",
		Sandboxes: []emulator.Sandbox{{Name: "prod", Dataflows: []emulator.Dataflow{{Name: "Buyers", Advertiser: "549755000001"}}}},
	})
	scenario.Organizations[0].PinterestUser = "acme-user"
	w.emulator, err = emulator.New(scenario, emulator.Options{Clock: w.clock.now})
	require.NoError(t, err)
	vendor := httptest.NewServer(w.emulator)
	pins, err := pinterest.New(pinterest.Config{URL: vendor.URL, Now: w.clock.now, Timeout: 2 * time.Second})
	require.NoError(t, err)

	dir := t.TempDir()
	sealer, err := keys.Create(t.Context(), filepath.Join(dir, "keys.json"), "")
	require.NoError(t, err)
	w.store, err = store.OpenDatabase(t.Context(), "sqlite:"+filepath.Join(dir, "cutover.db"), sealer, w.clock.now)
	require.NoError(t, err)

	core, logs := observer.New(zapcore.DebugLevel)
	w.logs = logs
	front := httptest.NewUnstartedServer(nil)
	public := &url.URL{Scheme: "http", Host: front.Listener.Addr().String()}
	w.url = public.String()
	d := deps{
		Workflows: w.workflows, Store: w.store, Pinterest: pins, URL: public, Log: zap.New(core), Now: w.clock.now,
		App: pinterest.App{ClientID: "1500000", ClientSecret: "pinterest-app-secret"},
	}
	for _, change := range tweak {
		change(&d)
	}
	front.Config.Handler = newServer(d)
	front.Start()
	t.Cleanup(func() {
		front.Close()
		vendor.Close()
		require.NoError(t, w.store.Close())
		require.NoError(t, w.emulator.Close())
	})
	return w
}

// link is a fresh one, as a path.
func (w *world) link(organization string) string {
	w.t.Helper()
	token, err := w.store.NewLink(w.t.Context(), store.Link{Organization: organization, Playbook: playbook, ExpiresAt: w.clock.now().Add(72 * time.Hour)})
	require.NoError(w.t, err)
	return "/l/" + token
}

// grant is the one that is held for an account, if any.
func (w *world) grant(organization, account string) (store.Held, bool) {
	w.t.Helper()
	held, err := w.store.Grant(w.t.Context(), store.Owner{Organization: organization, Account: account})
	if err != nil {
		require.ErrorIs(w.t, err, store.ErrNoGrant)
	}
	return held, err == nil
}

// fault makes Pinterest fail.
func (w *world) fault(f emulator.Fault) (repair func()) {
	w.t.Helper()
	f, err := w.emulator.AddFault(f)
	require.NoError(w.t, err)
	return func() { require.NoError(w.t, w.emulator.RemoveFault(f.ID)) }
}

// fakeWorkflows is Temporal as the page sees it.
type fakeWorkflows struct {
	mu       sync.Mutex
	status   map[string]migration.Status // by workflow id
	silent   error                       // of queries
	down     error                       // of signals
	signals  []workflows.ReauthCompleted
	to       []string // workflow ids of the signals
	onSignal func()
}

func newWorkflows() *fakeWorkflows {
	f := &fakeWorkflows{status: map[string]migration.Status{}}
	f.set(acmeStatus())
	f.set(migration.Status{
		Organization: globex, Name: "Globex", Playbook: playbook, Phase: migration.AwaitingReauth, Timeline: timeline(),
		Accounts: []migration.AccountState{{Account: migration.Account{ID: foreign, Name: "Globex Pinterest", Sandbox: "prod"}}},
	})
	return f
}

func timeline() migration.Timeline {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err)
	}
	return migration.Timeline{
		Available:        time.Date(2023, 11, 16, 0, 0, 0, 0, zone),
		ReauthenticateBy: time.Date(2023, 12, 16, 0, 0, 0, 0, zone),
		Shutdown:         time.Date(2024, 1, 19, 0, 0, 0, 0, zone),
	}
}

// acmeStatus is that of acme before there is a plan.
func acmeStatus() migration.Status {
	return migration.Status{
		Organization: acme, Name: "Acme", Playbook: playbook, Title: "Pinterest v4 to v5", Zone: "America/Los_Angeles",
		Phase: migration.AwaitingReauth, Timeline: timeline(), ByGrant: true,
		Reason: "3 dataflows were set up on (Deprecating) Pinterest", Dataflows: []string{"Holiday shoppers", "Loyal customers", "Newsletter readers"}, Listed: 3,
		Accounts: []migration.AccountState{
			{Account: migration.Account{ID: acmeAccount, Name: "Acme Pinterest", Sandbox: "prod", Advertisers: []string{advertiser}}, Note: "no sign-in since the account was made"},
			{Account: migration.Account{ID: signed, Name: "Acme second", Sandbox: "emea"}, Verified: true, LeaseEnd: noon.AddDate(0, 0, 20)},
		},
	}
}

func (f *fakeWorkflows) set(s migration.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status[workflows.WorkflowID(s.Playbook, s.Organization)] = s
}

func (f *fakeWorkflows) change(do func(*fakeWorkflows)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f)
}

func (f *fakeWorkflows) got() []workflows.ReauthCompleted {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.signals
}

func (f *fakeWorkflows) QueryWorkflow(_ context.Context, id, _, query string, _ ...any) (converter.EncodedValue, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.status[id]
	switch {
	case f.silent != nil:
		return nil, f.silent
	case !ok || query != workflows.QueryStatus:
		return nil, serviceerror.NewNotFound("workflow not found for ID: " + id)
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(s)
	return client.NewValue(payloads), err
}

func (f *fakeWorkflows) SignalWorkflow(_ context.Context, id, _, name string, arg any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.status[id]
	switch {
	case f.down != nil:
		return f.down
	case !ok || name != workflows.SignalReauthCompleted:
		return serviceerror.NewNotFound("workflow not found for ID: " + id)
	}
	if f.onSignal != nil {
		f.onSignal()
	}
	f.signals, f.to = append(f.signals, arg.(workflows.ReauthCompleted)), append(f.to, id)
	return nil
}
