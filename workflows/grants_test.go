package workflows_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/keys"
	"cutover/internal/migration"
	partner "cutover/internal/pinterest" // pinterest is the playbook here
	"cutover/internal/store"
	"cutover/workflows"
)

const (
	appID     = "1500042"
	appSecret = "app-secret-of-the-operator"
)

// byGrant lets the worker renew accounts by the grants it holds, which the vendor may take or not.
func byGrant(taken bool) func(*workflows.Input, *emulator.Scenario) {
	return func(in *workflows.Input, s *emulator.Scenario) {
		in.Playbook.Reauthentication.ByGrant = true
		s.Settings.PatchedGrants = taken
		s.Pinterest = emulator.PinterestApp{ClientID: appID, ClientSecret: appSecret}
	}
}

// newGrantWorld is a world whose worker keeps grants in a store.
func newGrantWorld(t *testing.T, start time.Time, change ...func(*workflows.Input, *emulator.Scenario)) *world {
	t.Helper()
	w := newWorld(t, start, change...)
	dir := t.TempDir()
	sealer, err := keys.Create(t.Context(), filepath.Join(dir, "keys.json"), "")
	require.NoError(t, err)
	w.grants, err = store.OpenDatabase(t.Context(), "sqlite:"+filepath.Join(dir, "cutover.db"), sealer, w.clock.Now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.grants.Close()) })
	w.TestWorkflowEnvironment = environment(start)
	w.clock.now = w.Now
	w.register()
	return w
}

// consent is the customer consenting to the operator's own app, and the store keeping that.
func (w *world) consent() {
	w.t.Helper()
	tokens, err := w.emu.GrantPinterest(acme)
	require.NoError(w.t, err)
	require.NoError(w.t, w.grants.SaveGrant(w.t.Context(), partner.Owner{Organization: acme, Account: w.account("prod")}, partner.Grant{
		AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken, ExpiresAt: w.Now().Add(30 * 24 * time.Hour), RefreshExpiresAt: w.Now().Add(60 * 24 * time.Hour),
	}))
}

func (w *world) reconnected() bool {
	for _, e := range w.emu.Ledger(0) {
		if e.Op == "reconnect" {
			return true
		}
	}
	return false
}

// Where a grant is held from the start, nobody is told and nobody signs in.
func TestNobodyIsNeededWhereAGrantIsHeld(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	w.consent()
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, workflows.Result{Outcome: migration.Migrated, Switched: 3, Evidence: result.Evidence}, result)
	require.Empty(t, w.notices.kinds())
	require.False(t, w.reconnected())
	w.requireSwitched()
	w.requireNoGap()
}

// Consent that is given later, without a word to the workflow, is noticed by polling.
func TestALaterConsentIsNoticed(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	w.at(days(2), w.consent)
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.True(t, w.status().Accounts[0].ByGrant)
	require.Equal(t, "start", w.notices.kinds())
	require.False(t, w.reconnected())
}

// The reconnect page stores the consent and signals: that is answered by a renewal and not by a refusal.
func TestASignalAfterAConsent(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	w.at(hours(1), func() {
		w.consent()
		w.claim(w.account("prod"))
	})
	_, err := w.run()
	require.NoError(t, err)
	require.True(t, w.status().Accounts[0].ByGrant)
	require.True(t, w.Now().Before(hours(6)), "the signal was faster than the poll")
	require.Equal(t, "start", w.notices.kinds())
}

// A vendor that takes no credentials of another application leaves the account to its person, who is told once, with the reason.
func TestAGrantThatDoesNotHelp(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(false))
	w.consent()
	w.at(days(1), func() {
		account := w.status().Accounts[0]
		require.False(t, account.Verified)
		require.Contains(t, account.Note, "a person must use Reconnect OAuth")
		require.Equal(t, "start", w.notices.kinds())
		require.Contains(t, w.notices.text(migration.NoticeStart), "a person must use Reconnect OAuth")
		w.requireOnlyAccounts()
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	patches := 0
	for _, e := range w.writes() {
		if e.Entity == "connection" {
			patches++
		}
	}
	require.Equal(t, 1, patches, "it is tried once")
}

// A grant that the vendor does not honour any more is said, and a person is asked.
func TestARevokedGrant(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	w.clock.now = func() time.Time { return nov20.Add(-time.Hour) } // what was issued moments ago is not renewed
	w.consent()
	w.clock.now = w.Now
	require.NoError(t, w.emu.RevokePinterest(acme))
	w.at(days(1), func() {
		account := w.status().Accounts[0]
		require.Contains(t, account.Note, "consent again")
		require.Empty(t, w.status().Problems, "a person is asked: nothing for the operator")
		w.requireUntouched()
		w.consent()
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, "start", w.notices.kinds())
	require.False(t, w.reconnected())
}

// What the worker signed in it renews ahead of its end, as long as something depends on it.
func TestARenewalBeforeTheLeaseEnds(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true), approved)
	w.consent()
	w.at(days(1), func() { require.Equal(t, migration.AwaitingApproval, w.status().Phase) })
	w.at(days(29), func() {
		account := w.status().Accounts[0]
		require.True(t, account.Verified)
		require.True(t, account.LeaseEnd.After(days(50)), account.LeaseEnd)
		w.approve("operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.NotContains(t, w.notices.kinds(), "renew")
	require.NotContains(t, w.notices.kinds(), "start")
}

// A pause stops renewals too: they change an account at the vendor.
func TestNothingIsRenewedInAPause(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	w.at(hours(1), func() { w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "stocktaking"}) })
	w.at(hours(2), w.consent)
	w.at(days(2), func() {
		w.requireUntouched()
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.False(t, w.reconnected())
}

// A notice that went a detour says so to the operator.
func TestAChannelThatFailsIsRaised(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.notices.detour = true
	w.at(days(1), func() {
		problems := w.status().Problems
		require.Len(t, problems, 1)
		require.Equal(t, activities.ChannelFailed, problems[0].Type)
		require.Equal(t, "notice start: channel mail failed: it does not answer; it was delivered by outbox", problems[0].What)
		require.False(t, problems[0].Holds)
		signedIn(w)
	})
	_, err := w.run()
	require.NoError(t, err)
}

// requireOnlyAccounts checks that no dataflow was written at the vendor.
func (w *world) requireOnlyAccounts() {
	w.t.Helper()
	for _, e := range w.writes() {
		require.Equal(w.t, "connection", e.Entity)
	}
}

// Grants are renewed for as long as there is a worker, whether or not an organization is under way, and a wait of months writes no history.
func TestKeepGrants(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	w.consent()
	ends := days(100)
	w.RegisterDelayedCallback(w.CancelWorkflow, ends.Sub(w.Now()))
	w.ExecuteWorkflow(workflows.KeepGrantsName)
	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	held, err := w.grants.Grant(t.Context(), partner.Owner{Organization: acme, Account: w.account("prod")})
	require.NoError(t, err)
	require.True(t, held.RefusedAt.IsZero(), held.Why)
	require.True(t, held.Grant.ExpiresAt.After(ends), "its access token lives: %s", held.Grant)
	refreshed := 0
	for _, e := range w.emu.Ledger(0) {
		if e.Op == "refresh_token" {
			refreshed++
		}
	}
	require.Equal(t, 4, refreshed, "every twenty days, a third of the token's life before its end")
}

// Whoever says by update that an account was connected, after a consent, gets what the renewal came to for an answer.
func TestAnUpdateAfterAConsentIsAnsweredByTheRenewal(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	var answers []any
	w.at(hours(1), func() {
		w.consent()
		w.UpdateWorkflow(workflows.UpdateReauthCompleted, "", &testsuite.TestUpdateCallback{
			OnReject: func(err error) { require.NoError(t, err) }, OnAccept: func() {},
			OnComplete: func(answer any, err error) {
				require.NoError(t, err)
				answers = append(answers, answer)
			},
		}, workflows.ReauthCompleted{Account: w.account("prod"), By: "customer"})
	})
	_, err := w.run()
	require.NoError(t, err)
	require.Len(t, answers, 1)
	answer, ok := answers[0].(workflows.AccountAnswer)
	require.True(t, ok)
	require.True(t, answer.Verified, answer.Reason)
}

// In a pause nothing is renewed, and whoever asks is not kept waiting for it.
func TestAnUpdateAfterAConsentIsAnsweredInAPause(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true))
	var asked *reply
	w.at(hours(1), func() { w.update(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "stocktaking"}) })
	w.at(hours(2), func() {
		w.consent()
		asked = w.ask(workflows.UpdateReauthCompleted, workflows.ReauthCompleted{Account: w.account("prod"), By: "customer"})
	})
	w.at(hours(3), func() {
		require.True(t, asked.done)
		w.requireUntouched()
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// Where nothing but a change of the account can show a sign-in, the worker's own write must not bear out a claim that is wrong.
func TestAWrongClaimAfterARenewalThatDidNotHelp(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(false), func(_ *workflows.Input, s *emulator.Scenario) { s.Settings.Probe = "404" })
	w.consent()
	w.at(hours(1), func() { w.claim(w.account("prod")) })
	w.at(days(1), func() {
		require.False(t, w.status().Accounts[0].Verified)
		require.Contains(t, w.notices.kinds(), "refused")
		w.requireOnlyAccounts()
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// A sign-in by grant that lasts for less than the time it is asked for again before its end is renewed half way, and not at once and again.
func TestAShortSignInByGrantDoesNotSpin(t *testing.T) {
	t.Parallel()
	w := newGrantWorld(t, nov20, byGrant(true), approved, func(_ *workflows.Input, s *emulator.Scenario) { s.Settings.Lease = 2 * 24 * time.Hour })
	w.consent()
	w.at(days(4).Add(time.Hour), func() {
		patches := 0
		for _, e := range w.writes() {
			if e.Entity == "connection" {
				patches++
			}
		}
		require.InDelta(t, 5, patches, 1, "once a day")
		w.approve("operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}
