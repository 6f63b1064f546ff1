package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
	"cutover/internal/store"
)

// renewable is a world in which somebody consented for the account that is asked for, a while ago.
func renewable(t *testing.T, tweak ...func(*emulator.Scenario)) (*world, *store.Database, RenewInput) {
	t.Helper()
	w := newWorld(t, tweak...)
	d := w.holding()
	w.assess()
	in := RenewInput{Who: w.who, Account: w.sign(), Lease: lease}
	w.consent(d, acme, in.Account.ID)
	in.Account = w.sign()
	require.False(t, in.Account.GrantedAt.IsZero())
	require.NoError(t, w.Advance(time.Hour))
	return w, d, in
}

func TestRenewAccount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tweak    []func(*emulator.Scenario)
		verified bool
		reason   string
	}{
		"taken":             {[]func(*emulator.Scenario){taken}, true, "authorized on 2023-12-01"},
		"taken, untestable": {[]func(*emulator.Scenario){taken, untestable}, true, "authorized on 2023-12-01"},
		"not taken":         {nil, false, notTaken},
		"nothing shows":     {[]func(*emulator.Scenario){untestable}, false, notShown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d, in := renewable(t, c.tweak...)
			look := must[Look](w, "RenewAccount", in)
			require.Equal(t, c.verified, look.Verdict.Verified)
			require.Equal(t, c.reason, look.Verdict.Reason)
			require.Equal(t, in.Account.GrantedAt, look.Account.GrantedAt)
			require.Equal(t, 1, w.refreshes())
			require.Equal(t, 1, w.patched())

			// It was looked at when it had settled, so that the next look finds no change.
			require.NoError(t, w.Advance(time.Hour))
			require.Equal(t, w.sign().Etag, look.Account.Etag)

			held, err := d.Grant(t.Context(), pinterest.Owner{Organization: acme, Account: in.Account.ID})
			require.NoError(t, err)
			require.NotEmpty(t, held.Grant.RefreshToken)
			again := must[[]Look](w, "CheckAccounts", AccountsInput{Who: w.who, Accounts: []Asked{{Base: look.Account}}, Lease: lease})
			require.False(t, again[0].Verdict.Verified, "nothing changed since")
		})
	}
}

func untestable(s *emulator.Scenario) { s.Settings.Probe = "404" }

// What is written holds the access token and how long it lasts, and never the refresh token: of two who spend it one loses the grant.
func TestRenewAccountKeepsTheRefreshToken(t *testing.T) {
	t.Parallel()
	w, d, in := renewable(t, taken)
	var body string
	w.front(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			data, _ := io.ReadAll(r.Body)
			body, r.Body = string(data), io.NopCloser(strings.NewReader(string(data)))
		}
		return false
	})
	must[Look](w, "RenewAccount", in)
	held, err := d.Grant(t.Context(), pinterest.Owner{Organization: acme, Account: in.Account.ID})
	require.NoError(t, err)
	var ops []struct {
		Path  string         `json:"path"`
		Value map[string]any `json:"value"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &ops))
	require.Len(t, ops, 1)
	require.Equal(t, "/auth/params", ops[0].Path)
	require.Equal(t, held.Grant.AccessToken, ops[0].Value["accessToken"])
	require.Equal(t, "bearer", ops[0].Value["tokenType"])
	require.InDelta(t, (30 * 24 * time.Hour).Seconds(), ops[0].Value["expiresIn"], 60)
	require.Len(t, ops[0].Value, 3)
	require.NotContains(t, body, held.Grant.RefreshToken)
}

// Whoever signed in meanwhile is not overwritten.
func TestRenewAccountLeavesASignInOfAPersonAlone(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]string{"before": "", "before the write": http.MethodPatch} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _, in := renewable(t)
			signIn := func() {
				require.NoError(t, w.Reconnect(acme, prod, in.Account.ID, emulator.Reconnection{By: "customer"}))
			}
			if when == "" {
				signIn()
			} else {
				w.meanwhile(when, in.Account.ID, signIn)
			}
			look := must[Look](w, "RenewAccount", in)
			require.True(t, look.Verdict.Verified, look.Verdict.Reason)
			require.Zero(t, w.patched())
			if when == "" {
				require.Zero(t, w.refreshes())
			}
		})
	}
}

// An edit of an account whose sign-in still holds is none: it is renewed all the same.
func TestRenewAccountIsNotMisledByAnEdit(t *testing.T) {
	t.Parallel()
	w, _, in := renewable(t, taken)
	in.Account = must[Look](w, "RenewAccount", in).Account
	require.False(t, in.Account.ExpiresAt.IsZero())
	require.NoError(t, w.Advance(25*24*time.Hour))
	sandbox, err := w.sandbox(w.who, prod)
	require.NoError(t, err)
	mend := w.fault(emulator.Fault{Route: "*", Effect: emulator.EffectStaleEtag})
	require.Error(t, sandbox.PatchAccount(t.Context(), in.Account.ID, in.Account.Etag, json.RawMessage(`{"edited":true}`))) // which moves the etag
	mend()
	look := must[Look](w, "RenewAccount", in)
	require.True(t, look.Verdict.Verified, look.Verdict.Reason)
	require.True(t, look.Verdict.LeaseEnd.After(in.Account.ExpiresAt.Add(20*24*time.Hour)), look.Verdict.LeaseEnd)
}

func TestRenewAccountReadsAgainWhatChanged(t *testing.T) {
	t.Parallel()
	w, _, in := renewable(t, taken)
	w.fault(emulator.Fault{Route: "* /connections*", Effect: emulator.EffectStaleEtag, Times: patchTries - 1})
	require.True(t, must[Look](w, "RenewAccount", in).Verdict.Verified)

	w, _, in = renewable(t, taken)
	w.fault(emulator.Fault{Route: "* /connections*", Effect: emulator.EffectStaleEtag})
	_, err := do[Look](w, "RenewAccount", in)
	require.Contains(t, failed(t, err, Unavailable).Message(), "changes again and again")
	require.Equal(t, 1, w.refreshes())
}

func TestRenewAccountWithoutAGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := RenewInput{Who: w.who, Account: w.sign(), Lease: lease}
	for range 2 {
		look := must[Look](w, "RenewAccount", in)
		require.Equal(t, Look{Account: in.Account, Verdict: migration.Verdict{Reason: "no grant is held for account " + in.Account.ID}}, look)
		require.Zero(t, w.patched())
		w.holding() // which holds none either
	}
	in.Account.ID = "00000000-0000-4000-8000-000000000000"
	require.Equal(t, accountGone, must[Look](w, "RenewAccount", in).Verdict.Reason)
}

// A grant that Pinterest does not honour is a person's to give again. It is not tried twice.
func TestRenewAccountWithARevokedGrant(t *testing.T) {
	t.Parallel()
	w, _, in := renewable(t, taken)
	require.NoError(t, w.RevokePinterest(acme))
	for range 2 {
		_, err := do[Look](w, "RenewAccount", in)
		refused := failed(t, err, ReauthRequired)
		require.True(t, refused.NonRetryable())
		for _, want := range []string{acme, in.Account.ID, "a person must consent again"} {
			require.Contains(t, refused.Message(), want)
		}
		require.Equal(t, 1, w.refreshes())
	}
	require.Equal(t, "unauthenticated", w.condition(in.Account.ID))
	require.True(t, w.sign().GrantedAt.IsZero(), "a refused grant is none")
}

func TestRenewAccountWhenTheVendorsFail(t *testing.T) {
	t.Parallel()
	token, account := "/oauth/token", "/connections/"
	for name, c := range map[string]struct {
		method, path string
		status       int
		body         string
		kind         string
	}{
		"wrong app secret":    {http.MethodPost, token, 401, `{"code":2,"message":"Authentication failed."}`, Misconfigured},
		"throttled":           {http.MethodPost, token, 429, `{"code":8,"message":"You have exceeded your rate limit."}`, RateLimited},
		"down":                {http.MethodPost, token, 503, `{}`, Unavailable},
		"no answer":           {http.MethodPost, token, 0, "", Unavailable},
		"not understood":      {http.MethodPost, token, 200, `{"response_type":"x"}`, Malformed},
		"wrong request":       {http.MethodPost, token, 400, `{"code":1,"message":"no"}`, Refused},
		"not to be patched":   {http.MethodPatch, account, 400, `{"errorMessage":"1445-400"}`, Refused},
		"patch not answered":  {http.MethodPatch, account, 0, "", Unavailable},
		"throttled by Adobe":  {http.MethodPatch, account, 429, "{}", RateLimited},
		"Adobe does not test": {http.MethodGet, "/test", 500, "{}", Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d, in := renewable(t, taken)
			w.front(func(out http.ResponseWriter, r *http.Request) bool {
				suffix := strings.HasSuffix(r.URL.Path, c.path) || strings.HasSuffix(strings.TrimSuffix(r.URL.Path, in.Account.ID), c.path)
				if r.Method != c.method || !suffix {
					return false
				}
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				out.Header().Set("Content-Type", "application/json")
				out.Header().Set("Retry-After", "90")
				out.WriteHeader(c.status)
				_, _ = out.Write([]byte(c.body))
				return true
			})
			_, err := do[Look](w, "RenewAccount", in)
			failure := failed(t, err, c.kind)
			require.Contains(t, failure.Message(), "renew account "+in.Account.ID+" in sandbox prod of organization "+acme)
			for _, secret := range w.Secrets() {
				require.NotContains(t, failure.Error(), secret.Value)
			}
			require.NotContains(t, failure.Error(), w.App.ClientSecret)
			if c.kind == RateLimited {
				require.Equal(t, 90*time.Second, failure.NextRetryDelay())
			}
			held, err := d.Grant(t.Context(), pinterest.Owner{Organization: acme, Account: in.Account.ID})
			require.NoError(t, err)
			require.True(t, held.RefusedAt.IsZero(), "nobody refused it")
		})
	}
}

// Wherever an attempt dies, the next one goes on, and no second refresh is spent on it.
func TestRenewAccountSurvivesACrashAnywhere(t *testing.T) {
	t.Parallel()
	for name, tweak := range map[string]func(*emulator.Scenario){"taken": taken, "not taken": func(*emulator.Scenario) {}} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answer lost %t", name, lost), func(t *testing.T) {
				t.Parallel()
				for call := 1; ; call++ {
					w, d, in := renewable(t, tweak, func(s *emulator.Scenario) { s.Pinterest.Overlap = time.Hour })
					mend := w.crash(call, lost)
					_, err := do[Look](w, "RenewAccount", in)
					mend()
					if err == nil {
						require.Greater(t, call, 5, "nothing was cut short")
						return
					}
					spent := w.refreshes()
					held, err := d.Grant(t.Context(), store.Owner{Organization: acme, Account: in.Account.ID})
					require.NoError(t, err)
					look, err := do[Look](w, "RenewAccount", in)
					require.NoError(t, err, "after call %d", call)
					require.Equal(t, name == "taken", look.Verdict.Verified, "after call %d: %s", call, look.Verdict.Reason)
					if held.IssuedAt.After(held.ConsentedAt) { // the first attempt came to fresh credentials
						require.Equal(t, spent, w.refreshes(), "after call %d", call)
					}
					if name == "taken" {
						require.Equal(t, 1, w.patched(), "after call %d", call)
					}
				}
			})
		}
	}
}

// A grant is used for the organization and the account it was given for, whatever the store finds.
func TestRenewAccountNeverCrosses(t *testing.T) {
	t.Parallel()
	w, d, in := renewable(t, taken, another)
	in.Who.ID, in.Account.GrantedAt = globex, time.Time{}
	w.Credentials = byOrganization{acme: own(w.scenario.Organizations[0]), globex: own(w.scenario.Organizations[1])}
	for _, account := range w.State().Organizations[1].Sandboxes[0].Accounts {
		if account.Card == "new" {
			in.Account.ID = account.ID
		}
	}
	look := must[Look](w, "RenewAccount", in)
	require.Equal(t, noGrant(in.Account.ID), look.Verdict.Reason)
	require.Zero(t, w.refreshes())

	w.Grants = mixedUp{d, RenewInput{Who: w.who, Account: w.sign()}}
	_, err := do[Look](w, "RenewAccount", in)
	require.True(t, failed(t, err, Misconfigured).NonRetryable())
	require.Empty(t, w.crosses())
	require.Zero(t, w.patched())
}

// mixedUp finds one account's grant whatever is asked for.
type mixedUp struct {
	*store.Database

	of RenewInput
}

func (m mixedUp) owner() pinterest.Owner {
	return pinterest.Owner{Organization: m.of.Who.ID, Account: m.of.Account.ID}
}

func (m mixedUp) Grant(ctx context.Context, _ pinterest.Owner) (pinterest.Held, error) {
	return m.Database.Grant(ctx, m.owner())
}

func (m mixedUp) RenewGrant(
	ctx context.Context, _ pinterest.Owner, due func(pinterest.Held) bool, refresh func(context.Context, string) (pinterest.Grant, error),
) (pinterest.Held, error) {
	return m.Database.RenewGrant(ctx, m.owner(), due, refresh)
}
