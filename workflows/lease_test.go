package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// days is n days after nov20.
func days(n int) time.Time { return nov20.AddDate(0, 0, n) }

// signInOf signs in to the account of a dataflow's copy and says so.
func (w *world) signInOf(dataflow string) {
	account := w.flow("new", dataflow).Account
	w.reconnect(account)
	w.claim(account)
}

// A sign-in that ends while the plan still waits for an operator is needed again, and the person is told.
func TestLeaseThatEndsBeforeTheWorkIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(1), func() { require.Equal(t, migration.AwaitingApproval, w.status().Phase) })
	w.at(days(31), func() {
		status := w.status()
		require.False(t, status.Accounts[0].Verified)
		require.Contains(t, status.Accounts[0].Note, "it is needed again")
		require.Equal(t, "start attention deadline renew start", w.notices.kinds(), "the person is told again")
		w.approve("operator")
	})
	w.at(days(32), func() {
		w.requireUntouched()
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	w.requireSwitched()
}

// Three days before a sign-in ends while work is open it is asked for again; a new one is noticed by polling or by the signal, and nothing lapses.
func TestRenewalIsAskedAndNoticed(t *testing.T) {
	t.Parallel()
	for _, signal := range []bool{true, false} {
		t.Run(map[bool]string{true: "by signal", false: "by polling"}[signal], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20)
			w.at(hours(1), func() {
				w.remap("old", "Loyal customers") // held until somebody answers
				signedIn(w)
			})
			ends := hours(1).AddDate(0, 0, 30)
			asked := ends.AddDate(0, 0, -3)
			w.at(asked.Add(-time.Second), func() {
				require.NotContains(t, w.notices.kinds(), "renew")
				require.Equal(t, ends, w.status().Accounts[0].LeaseEnd)
				require.Contains(t, w.details(), migration.Instant(ends))
			})
			w.at(asked.Add(time.Second), func() {
				status := w.status()
				require.Contains(t, w.notices.kinds(), "renew")
				require.Contains(t, w.notices.text(migration.NoticeRenew), `"Acme Pinterest"`)
				require.True(t, status.Accounts[0].Verified, "it still holds")
				wait := status.Waits[1]
				require.Equal(t, []any{migration.OnOrganization, asked, ends}, []any{wait.On, wait.Since, wait.By})
				require.Contains(t, wait.What, "again: its sign-in ends then")
				require.Contains(t, wait.Command, "starter signal reauth-completed")
			})
			w.at(asked.Add(48*time.Hour), func() {
				w.reconnect(w.account("prod"))
				if signal {
					w.claim(w.account("prod"))
				}
			})
			w.at(asked.Add(60*time.Hour), func() {
				account := w.status().Accounts[0]
				require.True(t, account.Verified)
				require.True(t, account.RenewSince.IsZero())
				require.Equal(t, asked.Add(48*time.Hour).AddDate(0, 0, 30), account.LeaseEnd)
				require.Len(t, w.status().Waits, 1, "only the held pair is left")
			})
			w.at(ends.AddDate(0, 0, 5), func() {
				require.True(t, w.status().Accounts[0].Verified)
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: migration.AnswerAccept})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
		})
	}
}

// A claim that shows nothing new is refused with the reason, and the sign-in there is holds until its end.
func TestRenewalThatIsOnlyClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(28), func() { w.claim(w.account("prod")) })
	w.at(days(28).Add(time.Hour), func() {
		require.Contains(t, w.notices.kinds(), "renew refused")
		require.Contains(t, w.notices.text(migration.NoticeRefused), "nothing shows a new sign-in: it still ends at 2023-12-20T13:00:00Z")
		require.True(t, w.status().Accounts[0].Verified)
		w.approve("operator")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// A sign-in of Nov 16 lasts until Dec 16, the very day the old card is no longer guaranteed.
func TestLeaseThatEndsOnDec16(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{-time.Second, time.Second} {
		t.Run(offset.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, available.Add(time.Minute), approved)
			signedInAt := reauthBy.AddDate(0, 0, -30).Add(2 * time.Hour)
			w.at(signedInAt, func() { signedIn(w) })
			ends := signedInAt.AddDate(0, 0, 30) // 2023-12-16T10:00:00Z
			w.at(ends.Add(offset), func() {
				require.Equal(t, migration.AtRisk, w.status().Stage)
				require.Equal(t, offset < 0, w.status().Accounts[0].Verified)
				w.approve("operator")
			})
			if offset > 0 {
				w.at(ends.Add(time.Hour), func() {
					w.requireUntouched()
					signedIn(w)
				})
			}
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
		})
	}
}

// A sign-in that ends in the middle of the cut-over returns its account to waiting and no other.
func TestLapseDuringTheCutOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil), twoAccounts, func(in *workflows.Input, s *emulator.Scenario) {
		in.Playbook.Reauthentication.RenewBefore = 0
		// The second account has two dataflows, of which the canary is none.
		s.Organizations[0].Sandboxes[0].Dataflows[1].Account = "Second"
	})
	w.at(hours(1), func() {
		w.signInOf("Holiday shoppers")
		w.signIn(w.flow("new", "Loyal customers").Account, emulator.Reconnection{By: "customer", Lease: 30 * time.Minute})
		w.claim(w.flow("new", "Loyal customers").Account)
	})
	w.at(hours(3), func() { // the canary was verified after the second sign-in had ended
		status := w.status()
		require.Equal(t, migration.AwaitingReauth, status.Phase)
		require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"))
		for _, name := range []string{"Loyal customers", "Newsletter readers"} {
			require.Equal(t, "enabled disabled", w.sides(name))
			require.Empty(t, w.wrote(name))
		}
		require.Len(t, status.Waits, 1)
		require.Contains(t, status.Waits[0].What, `"Second"`)
		for _, account := range status.Accounts {
			require.Equal(t, account.Name != "Second", account.Verified)
		}
		require.Contains(t, w.notices.text(migration.NoticeStart), "it is needed again")
		w.signInOf("Loyal customers")
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, "start start", w.notices.kinds(), "one word to the one person; no operator")
}

// Once a pair shows that the sign-in is over, no other pair of that account is begun in the same cut-over.
func TestLapseBetweenTwoPairs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, hourly(nil), func(in *workflows.Input, s *emulator.Scenario) {
		in.Playbook.CutOver.Width, in.Playbook.CutOver.Canary, in.Playbook.Reauthentication.RenewBefore = 1, false, 0
		s.Faults = []emulator.Fault{{Route: "POST /flows/{id}/action", Effect: emulator.EffectStatus, Status: 503, Times: 7}} // for two minutes
	})
	w.at(hours(1), func() {
		account := w.flow("new", shoppers[0]).Account
		w.signIn(account, emulator.Reconnection{By: "customer", Lease: 2 * time.Minute})
		w.claim(account)
	})
	w.at(hours(2), func() {
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		for _, name := range shoppers {
			require.Equal(t, "enabled disabled", w.sides(name))
			require.Empty(t, w.wrote(name))
		}
		w.signInOf(shoppers[0])
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// While a copy is watched its sign-in is asked for again, and its end is told: what ran on it has stopped.
func TestSignInThatEndsDuringTheWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, dailyWatch)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(26), func() { require.Equal(t, migration.Watching, w.status().Phase) })
	w.at(days(28), func() {
		require.Equal(t, "start renew", w.notices.kinds())
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
	})
	w.at(days(31), func() {
		status := w.status()
		require.Equal(t, "start renew start", w.notices.kinds())
		require.Equal(t, migration.AwaitingReauth, status.Phase)
		require.Contains(t, status.Accounts[0].Note, "it is needed again")
		require.Equal(t, migration.Verified, w.pair("Holiday shoppers").Progress)
		w.reconnect(w.account("prod"))
	})
	w.at(days(32), func() {
		require.Equal(t, migration.Watching, w.status().Phase, "it recovers by itself")
		require.Equal(t, days(31).AddDate(0, 0, 30), w.status().Accounts[0].LeaseEnd)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	require.Len(t, w.writes(), 6, "nothing is switched for it")
}

// What is stopped for want of a sign-in at the shutdown is not called migrated.
func TestSignInThatIsMissingAtTheShutdown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, dailyWatch)
	w.at(hours(1), func() { signedIn(w) })
	w.at(shutdown.AddDate(0, 0, 8), func() {
		require.Equal(t, migration.AwaitingReauth, w.status().Phase)
		require.Contains(t, w.notices.kinds(), "deadline", "and it is reminded of")
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, result.Outcome)
	require.WithinDuration(t, shutdown.AddDate(0, 0, 8), w.Now(), 6*time.Hour)
}

// Each claim that does not show is told apart: somebody else's account, an account that did not change, one that changed and still fails.
func TestClaimsAreToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		w.refused(workflows.UpdateReauthCompleted, `account 0a1b is unknown; this organization's accounts: `+w.account("prod")+` (Acme Pinterest)`,
			workflows.ReauthCompleted{Account: "0a1b", By: "customer"})
		w.claim("0a1b")
	})
	w.at(hours(2), func() {
		require.Contains(t, w.details(), "signal by customer: account 0a1b is not one of this organization")
		require.Equal(t, "start", w.notices.kinds(), "whose account it is is nothing to tell this organization")
		w.claim(w.account("prod"))
	})
	w.at(hours(3), func() {
		require.Contains(t, w.notices.text(migration.NoticeRefused), "Adobe's test of the account fails: it is not signed in")
		w.signIn(w.account("prod"), emulator.Reconnection{MissingScope: true})
		w.claim(w.account("prod"))
	})
	w.at(hours(4), func() {
		require.Contains(t, w.notices.text(migration.NoticeRefused), "sign in again to the end and accept every permission that is asked for")
		require.Equal(t, "start refused refused", w.notices.kinds())
		w.requireUntouched()
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

func TestCancelWhileARenewalIsAwaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, approved)
	w.at(hours(1), func() { signedIn(w) })
	w.at(days(28), func() {
		require.Equal(t, migration.AwaitingApproval, w.status().Phase)
		require.Contains(t, w.notices.kinds(), "renew")
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.True(t, temporal.IsCanceledError(err))
	w.requireUntouched()
}
