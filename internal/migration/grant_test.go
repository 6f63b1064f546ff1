package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// byGrant is a playbook that lets the worker renew accounts by the grants it holds.
func byGrant() migration.Playbook {
	return with(renewing(), func(p *migration.Playbook) { p.Reauthentication.ByGrant = true })
}

// granted is the account as read while a grant is held for it.
func granted(at time.Time) migration.Account {
	return with(account("v5"), func(a *migration.Account) { a.GrantedAt = at })
}

// held is an organization after its first look, with a grant held for its account since then.
func held(p migration.Playbook, grantedAt time.Time) *migration.State {
	s := twoPairs()
	s.Accounts[0].GrantedAt = grantedAt
	state := &migration.State{}
	state.Begin(assess(s, p), p)
	return state
}

func TestWhereAGrantIsHeldNobodyIsAsked(t *testing.T) {
	t.Parallel()
	consent := assessed.Add(-day)
	require.Equal(t, migration.StepRenew, held(byGrant(), consent).Next(acme(), byGrant(), assessed))
	for name, c := range map[string]struct {
		playbook migration.Playbook
		change   func(*migration.State)
	}{
		"the playbook does not allow it": {renewing(), func(*migration.State) {}},
		"no grant is held":               {byGrant(), func(s *migration.State) { s.Account("v5").GrantedAt = time.Time{} }},
		"it was tried":                   {byGrant(), func(s *migration.State) { s.GrantTried("v5", "refused") }},
	} {
		s := held(c.playbook, consent)
		c.change(s)
		require.Equal(t, migration.StepTell, s.Next(acme(), c.playbook, assessed), name)
		require.Empty(t, s.Renewable(c.playbook), name)
	}
	paused := held(byGrant(), consent)
	paused.Paused = &migration.Deed{At: assessed, By: "operator", What: "stocktaking"}
	require.Equal(t, migration.StepWait, paused.Next(acme(), byGrant(), assessed), "it changes an account at the vendor")
}

func TestARenewalByGrant(t *testing.T) {
	t.Parallel()
	p, consent := byGrant(), assessed.Add(-day)
	end := assessed.Add(30 * day)
	fresh := with(granted(consent), func(a *migration.Account) { a.Etag = `"2"` })

	s := held(p, consent)
	require.True(t, s.Renewed(fresh, migration.Verdict{Verified: true, Reason: "the account changed and Adobe's test of it passes", LeaseEnd: end}, assessed))
	require.True(t, s.Account("v5").ByGrant)
	require.Empty(t, s.Asked())
	require.Equal(t, []string{"v5"}, s.AskAgain(p, end.Add(-3*day)))
	require.Len(t, s.Renewable(p), 1, "what the worker signed in it renews")

	require.True(t, s.Renewed(fresh, migration.Verdict{Verified: true, LeaseEnd: end.Add(27 * day)}, end.Add(-3*day)))
	require.Empty(t, s.Renewable(p))
	require.Equal(t, []string{"v5"}, s.LapseEnded(p, end.Add(27*day)))
	require.Len(t, s.Renewable(p), 1, "also when it has ended after all")
}

func TestARenewalThatDoesNotHelp(t *testing.T) {
	t.Parallel()
	p, consent := byGrant(), assessed.Add(-day)
	s := held(p, consent)
	require.False(t, s.Renewed(granted(consent), migration.Verdict{Reason: "the test fails"}, assessed))
	require.Equal(t, "the test fails", s.Account("v5").Note)
	require.Empty(t, s.Renewable(p), "once: a person is needed")
	require.Equal(t, migration.StepTell, s.Next(acme(), p, assessed))

	require.False(t, s.Learn(granted(assessed.Add(day)), migration.Verdict{Reason: "not changed"}, assessed.Add(day)))
	require.Len(t, s.Renewable(p), 1, "a person consented anew")
	s.GrantTried("v5", "refused")
	s.GrantTried("unknown", "refused")
	require.Empty(t, s.Renewable(p))
	require.Equal(t, "refused", s.Account("v5").Note)
}

// Credentials that replace a person's sign-in may turn out not to work.
func TestAPersonsSignInIsNotOverwritten(t *testing.T) {
	t.Parallel()
	p := byGrant()
	s := planned(twoPairs(), p)
	end := s.Account("v5").LeaseEnd
	s.Account("v5").GrantedAt = assessed
	require.Equal(t, []string{"v5"}, s.AskAgain(p, end.Add(-3*day)))
	require.Empty(t, s.Renewable(p), "it still holds")
	require.Equal(t, []string{"v5"}, s.LapseEnded(p, end))
	require.Len(t, s.Renewable(p), 1, "nothing is lost any more")

	require.True(t, s.Renewed(granted(assessed), migration.Verdict{Verified: true, LeaseEnd: end.Add(30 * day)}, end))
	s.AskAgain(p, end.Add(27*day))
	require.True(t, s.Learn(granted(assessed), migration.Verdict{Verified: true, LeaseEnd: end.Add(60 * day)}, end.Add(28*day)), "a person signed in meanwhile")
	s.AskAgain(p, end.Add(57*day))
	require.Empty(t, s.Renewable(p))
}

// A vendor may grant less than the playbook believes: what was renewed a moment ago must not be renewed at once again.
func TestAShortLeaseByGrantIsRenewedHalfWay(t *testing.T) {
	t.Parallel()
	p, consent := byGrant(), assessed.Add(-day)
	s := held(p, consent)
	end := assessed.Add(2 * day)
	require.Greater(t, p.Reauthentication.RenewBefore.Std(), 2*day)
	require.True(t, s.Renewed(granted(consent), migration.Verdict{Verified: true, LeaseEnd: end}, assessed))
	require.Equal(t, assessed.Add(day), s.NextLease(p))
	require.Empty(t, s.AskAgain(p, assessed))
	require.Empty(t, s.AskAgain(p, assessed.Add(day-time.Second)))
	require.Equal(t, []string{"v5"}, s.AskAgain(p, assessed.Add(day)))
	require.Equal(t, end, s.NextLease(p))

	s.Account("v5").ByGrant, s.Account("v5").RenewSince = false, time.Time{}
	require.Equal(t, []string{"v5"}, s.AskAgain(p, assessed), "a person's is asked for as ever")
	p.Reauthentication.RenewBefore = 0
	s.Account("v5").ByGrant, s.Account("v5").RenewSince = true, time.Time{}
	require.Empty(t, s.AskAgain(p, end), "nor is what nobody asks for again")
}

// Where flow runs blame what the worker itself signed in, the same grant would lead to the same end again and again.
func TestAGrantThatFlowRunsBlameIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	p, consent := byGrant(), assessed.Add(-day)
	blamed := migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "the flow run failed: no access to the ad account"}
	s := planned(twoPairs(), p)
	account := s.Account("v5")
	account.GrantedAt, account.TriedAt, account.ByGrant = consent, consent, true
	s.SwitchedOver("o1", migration.Moved{Enabled: assessed, Disabled: assessed}, p, assessed)
	s.Judge(blamed, p, assessed.Add(time.Hour))
	require.Len(t, s.Asked(), 1)
	require.Contains(t, s.Asked()[0].Note, "sign in as a user who has access to it")
	require.Empty(t, s.Renewable(p), "a person is told")

	s = planned(twoPairs(), p)
	s.Account("v5").GrantedAt = consent
	s.SwitchedOver("o1", migration.Moved{Enabled: assessed, Disabled: assessed}, p, assessed)
	s.Judge(blamed, p, assessed.Add(time.Hour))
	require.Len(t, s.Renewable(p), 1, "after a person's sign-in it is worth a try")
}

// The worker's own write changes an account too: it must not bear out somebody's claim.
func TestTheWorkersOwnWriteIsNoSignIn(t *testing.T) {
	t.Parallel()
	p, consent := byGrant(), assessed.Add(-day)
	s := held(p, consent)
	written := with(granted(consent), func(a *migration.Account) { a.Etag = `"written"` })
	require.False(t, s.Renewed(written, migration.Verdict{Reason: "nothing shows"}, assessed))
	s.Wrote(written)
	claimed := migration.Verify(s.Account("v5").Account, written, migration.ProbeUnknown, true, assessed, p.Reauthentication.Lease)
	require.False(t, claimed.Verified, claimed.Reason)
	signedIn := with(written, func(a *migration.Account) { a.Etag = `"signed in"` })
	require.True(t, migration.Verify(s.Account("v5").Account, signedIn, migration.ProbeUnknown, true, assessed, p.Reauthentication.Lease).Verified)
	s.Wrote(account("unknown"))
}

// A renewal that failed half way may have written the account, so that a change of it is nobody's sign-in until it was read again.
func TestAFailedRenewalLeavesNothingToCompareWith(t *testing.T) {
	t.Parallel()
	s := held(byGrant(), assessed)
	s.GrantTried("v5", migration.NotRenewed)
	s.MayHaveWritten("v5")
	s.MayHaveWritten("unknown")
	require.Empty(t, s.Account("v5").Etag)
	written := with(granted(assessed), func(a *migration.Account) { a.Etag = `"ours"` })
	require.False(t, s.Learn(written, migration.Verdict{Reason: "not changed"}, assessed))
	require.Equal(t, `"ours"`, s.Account("v5").Etag, "a later change is told from this one")
}
