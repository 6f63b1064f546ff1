package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// renewing is a playbook that asks again three days before a sign-in ends.
func renewing() migration.Playbook {
	return with(pinterest(), func(p *migration.Playbook) { p.Reauthentication.RenewBefore = days(3)[0] })
}

func TestASignInIsAskedForBeforeItEnds(t *testing.T) {
	t.Parallel()
	end := assessed.Add(30 * day)
	p := renewing()
	s := planned(twoPairs(), p)
	require.Equal(t, end.Add(-3*day), s.NextLease(p))
	require.Empty(t, s.AskAgain(p, end.Add(-3*day-1)))
	require.Empty(t, s.Asked())

	asked := end.Add(-3 * day)
	require.Equal(t, []string{"v5"}, s.AskAgain(p, asked))
	require.Empty(t, s.AskAgain(p, asked.Add(day)), "once")
	require.Equal(t, end, s.NextLease(p))
	require.True(t, s.Account("v5").Verified, "it holds until it ends")
	require.NotEmpty(t, s.Due(p))
	require.Empty(t, s.Pending())
	require.Len(t, s.Asked(), 1)
	wait := s.Waits(acme(), p, asked)[0]
	spoken(t, wait)
	require.Equal(t, migration.Wait{
		On: migration.OnOrganization, Who: "marketing@acme.example", What: `Reconnect OAuth of account "Pinterest v5" (v5) in sandbox prod again: its sign-in ends then`,
		Since: asked, By: end, Command: "starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account v5 --by NAME",
	}, wait)

	require.False(t, s.Learn(account("v5"), migration.Verdict{Reason: "not changed"}, asked))
	require.True(t, s.Account("v5").Verified, "that nobody did it yet takes nothing away")
	require.Len(t, s.Asked(), 1)
	touched := with(account("v5"), func(a *migration.Account) { a.Etag = `"1b"` })
	require.False(t, s.Learn(touched, migration.Verdict{Verified: true, Reason: "changed", LeaseEnd: end}, asked), "a change that makes it last no longer is no sign-in")
	require.Contains(t, s.Account("v5").Note, "it still ends at 2023-12-20T10:00:00Z")
	require.Len(t, s.Asked(), 1)
	renewed := with(account("v5"), func(a *migration.Account) { a.Etag, a.AuthorizedOn = `"2"`, asked.Add(day) })
	require.True(t, s.Learn(renewed, migration.Verdict{Verified: true, Reason: "authorized", LeaseEnd: end.Add(28 * day)}, asked.Add(day)))
	require.Empty(t, s.Asked())
	require.Equal(t, end.Add(25*day), s.NextLease(p))

	require.Equal(t, []string{"v5"}, s.AskAgain(p, end.Add(25*day)))
	require.Equal(t, []string{"v5"}, s.LapseEnded(p, end.Add(28*day)))
	require.Zero(t, s.Account("v5").RenewSince, "from now on it is waited for")
	require.Len(t, s.Pending(), 1)
	require.Zero(t, s.NextLease(p))
	require.Empty(t, s.AskAgain(p, end.Add(29*day)))
}

func TestNothingIsRenewedUnlessThePlaybookSaysSo(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	require.Empty(t, s.AskAgain(pinterest(), assessed.Add(30*day-1)))
	require.Equal(t, assessed.Add(30*day), s.NextLease(pinterest()))
}

// What is watched depends on its sign-in too; what nobody looks at any more does not.
func TestALeaseOfWhatIsWatched(t *testing.T) {
	t.Parallel()
	end := assessed.Add(30 * day)
	for name, c := range map[string]struct {
		poll  time.Duration
		first migration.Progress
		asks  bool
	}{
		"watched":                     {time.Hour, migration.Verified, true},
		"not watched":                 {0, migration.Verified, false},
		"one is still to be verified": {time.Hour, migration.Switched, true},
		"nothing switched":            {time.Hour, migration.LeftOff, true},
	} {
		s, p := ready(), renewing()
		p.Watch.Poll = migration.Duration(c.poll)
		s.progress(migration.Verified)
		s.Pairs[0].Progress = c.first
		require.Equal(t, c.asks, !s.NextLease(p).IsZero(), name)
		require.Equal(t, c.asks, len(s.AskAgain(p, end.Add(-day))) == 1, name)
		require.Equal(t, c.asks, len(s.LapseEnded(p, end)) == 1, name)
		if c.asks {
			require.Equal(t, migration.StepWait, s.Next(s.o, p, end), name)
			require.Equal(t, migration.AwaitingReauth, s.WaitPhase(s.o, p, end), name)
			require.Equal(t, migration.StepWait, s.Next(s.o, p, shutdown), "%s: what lost its sign-in has stopped, so it does not end there", name)
		}
	}
}

// A copy whose flow runs do not pass needs its sign-in as long as they are awaited, though nobody watches.
func TestALeaseOfWhatDoesNotPass(t *testing.T) {
	t.Parallel()
	end := assessed.Add(30 * day)
	for name, change := range map[string]func(*migration.PairState){
		"failing": func(p *migration.PairState) { p.Failing = true }, "overdue": func(p *migration.PairState) { p.Overdue = true },
	} {
		s := ready()
		s.progress(migration.Verified)
		s.progressOf(0, migration.Switched)
		require.Zero(t, s.NextLease(s.p))
		change(&s.Pairs[0])
		require.Equal(t, end, s.NextLease(s.p), name)
		require.Equal(t, []string{"v5"}, s.LapseEnded(s.p, end), name)
	}
}

func TestRenewalNotice(t *testing.T) {
	t.Parallel()
	p := renewing()
	s := planned(twoPairs(), p)
	s.AskAgain(p, assessed.Add(27*day))
	n := s.NewNotice(migration.NoticeRenew, "1", acme(), p, assessed.Add(27*day))
	require.Equal(t, []string{"marketing@acme.example"}, n.To)
	require.Equal(t, []migration.SignIn{{ID: "v5", Name: "Pinterest v5", Sandbox: "prod", Ends: at("2023-12-20T10:00:00Z")}}, n.Accounts)
	require.Equal(t, "https://adobe.example/accounts", n.Link)
}
