package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// look is when an account is looked at, some days after it was first read.
var look = at("2023-11-25T10:00:00Z")

const lease = migration.Duration(30 * day)

func TestVerify(t *testing.T) {
	t.Parallel()
	signedIn := func(a *migration.Account) { a.Etag, a.AuthorizedOn = `"2"`, at("2023-11-24T00:00:00Z") }
	edited := func(a *migration.Account) { a.Etag = `"2"` }
	for name, c := range map[string]struct {
		base, now func(*migration.Account)
		probe     migration.Probe
		claimed   bool
		verified  bool
		says      string
	}{
		"nothing happened":                 {nil, nil, migration.ProbeUnknown, false, false, "has not changed"},
		"a probe alone proves nothing":     {nil, nil, migration.ProbePassed, false, false, "has not changed"},
		"a claim alone proves nothing":     {nil, nil, migration.ProbeUnknown, true, false, "has not changed"},
		"both, on the day it was made":     {nil, nil, migration.ProbePassed, true, true, "authorized on 2023-11-16"},
		"both, but no day is told":         {func(a *migration.Account) { a.AuthorizedOn = time.Time{} }, func(a *migration.Account) { a.AuthorizedOn = time.Time{} }, migration.ProbePassed, true, false, "has not changed"},
		"both, on a day before":            {func(a *migration.Account) { a.AuthorizedOn = at("2023-11-15T00:00:00Z") }, func(a *migration.Account) { a.AuthorizedOn = at("2023-11-15T00:00:00Z") }, migration.ProbePassed, true, false, "has not changed"},
		"authorized on a later day":        {nil, signedIn, migration.ProbeUnknown, false, true, "authorized on 2023-11-24"},
		"though the probe says nothing":    {nil, signedIn, migration.ProbeUnknown, true, true, "authorized on 2023-11-24"},
		"and the probe passes":             {nil, signedIn, migration.ProbePassed, false, true, "authorized on 2023-11-24"},
		"but the probe fails":              {nil, signedIn, migration.ProbeFailed, true, false, "accept every permission"},
		"authorized for the first time":    {func(a *migration.Account) { a.AuthorizedOn = time.Time{} }, signedIn, migration.ProbeUnknown, false, true, "authorized on 2023-11-24"},
		"authorized on an earlier day":     {nil, func(a *migration.Account) { a.AuthorizedOn = at("2023-11-01T00:00:00Z") }, migration.ProbePassed, true, false, "has not changed"},
		"the day is not told any more":     {nil, func(a *migration.Account) { a.AuthorizedOn = time.Time{} }, migration.ProbePassed, true, false, "has not changed"},
		"the same day, seen by the probe":  {nil, edited, migration.ProbePassed, false, true, "Adobe's test of it passes"},
		"the same day, claimed":            {nil, edited, migration.ProbeUnknown, true, true, "as claimed"},
		"the same day, claimed and probed": {nil, edited, migration.ProbePassed, true, true, "Adobe's test of it passes"},
		"an edit alone proves nothing":     {nil, edited, migration.ProbeUnknown, false, false, "send the signal"},
		"an edit, but the probe fails":     {nil, edited, migration.ProbeFailed, true, false, "accept every permission"},
		"a rename is no sign-in":           {nil, func(a *migration.Account) { a.Etag, a.Name = `"2"`, "Another" }, migration.ProbePassed, false, false, "send the signal"},
		"nor is one with a claim":          {nil, func(a *migration.Account) { a.Etag, a.Name = `"2"`, "Another" }, migration.ProbeUnknown, true, false, ""},
		"unless the probe agrees with it":  {nil, func(a *migration.Account) { a.Etag, a.Name = `"2"`, "Another" }, migration.ProbePassed, true, true, "Adobe's test of it passes"},
		"a rename and a sign-in":           {nil, func(a *migration.Account) { signedIn(a); a.Name = "Another" }, migration.ProbeUnknown, false, true, "authorized on 2023-11-24"},
		"disabled":                         {nil, func(a *migration.Account) { signedIn(a); a.State = migration.Disabled }, migration.ProbePassed, true, false, "disabled"},
		"disabled when first read":         {func(a *migration.Account) { a.State = migration.Disabled }, signedIn, migration.ProbeUnknown, false, true, "authorized"},
		"a state nobody told":              {nil, func(a *migration.Account) { signedIn(a); a.State = "" }, migration.ProbeUnknown, false, true, "authorized"},
		"ended one second ago":             {nil, func(a *migration.Account) { signedIn(a); a.ExpiresAt = look.Add(-time.Second) }, migration.ProbePassed, true, false, "ended at 2023-11-25T09:59:59Z"},
		"ends now":                         {nil, func(a *migration.Account) { signedIn(a); a.ExpiresAt = look }, migration.ProbePassed, true, false, "ended at 2023-11-25T10:00:00Z"},
		"ends in one second":               {nil, func(a *migration.Account) { signedIn(a); a.ExpiresAt = look.Add(time.Second) }, migration.ProbeUnknown, false, true, "authorized"},
		"unchanged, and its time is over":  {nil, func(a *migration.Account) { a.ExpiresAt = look.Add(-day) }, migration.ProbePassed, true, false, "ended at"},
		"edited, and its time is over":     {nil, func(a *migration.Account) { edited(a); a.ExpiresAt = look.Add(-day) }, migration.ProbePassed, true, false, "ended at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, now := account("v5"), account("v5")
			if c.base != nil {
				c.base(&base)
			}
			if c.now != nil {
				c.now(&now)
			}
			v := migration.Verify(base, now, c.probe, c.claimed, look, lease)
			require.Equal(t, c.verified, v.Verified, v.Reason)
			require.NotEmpty(t, v.Reason)
			require.Contains(t, v.Reason, c.says)
			if !v.Verified {
				require.Zero(t, v.LeaseEnd)
			}
		})
	}
}

func TestLeaseEnd(t *testing.T) {
	t.Parallel()
	edited := with(account("v5"), func(a *migration.Account) { a.Etag = `"2"` })
	verify := func(now migration.Account, lease migration.Duration) time.Time {
		v := migration.Verify(account("v5"), now, migration.ProbePassed, true, look, lease)
		require.True(t, v.Verified)
		return v.LeaseEnd
	}
	require.Equal(t, look.Add(30*day), verify(edited, lease), "from the look that saw it")
	require.Zero(t, verify(edited, 0), "a lease of nothing does not end")
	expires := with(edited, func(a *migration.Account) { a.ExpiresAt = look.Add(day) })
	require.Equal(t, look.Add(day), verify(expires, lease), "Adobe knows best")
	require.Equal(t, look.Add(day), verify(expires, 0))

	signedIn := with(edited, func(a *migration.Account) { a.AuthorizedOn = at("2023-11-20T00:00:00Z") })
	require.Equal(t, at("2023-12-20T00:00:00Z"), verify(signedIn, lease), "from the day of the sign-in, however late it is seen")
	require.Zero(t, verify(signedIn, 0))
}

func TestASignInThatIsOverProvesNothing(t *testing.T) {
	t.Parallel()
	now := with(account("v5"), func(a *migration.Account) { a.AuthorizedOn = at("2023-11-20T00:00:00Z") })
	require.True(t, migration.Verify(account("v5"), now, migration.ProbeUnknown, true, at("2023-12-19T23:59:59Z"), lease).Verified)
	v := migration.Verify(account("v5"), now, migration.ProbeUnknown, true, at("2023-12-20T00:00:00Z"), lease)
	require.False(t, v.Verified)
	require.Contains(t, v.Reason, "ended at 2023-12-20T00:00:00Z")
}

func TestFirstLook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*migration.Account)
		verified bool
	}{
		"as it was made":              {func(*migration.Account) {}, false},
		"the next day":                {func(a *migration.Account) { a.AuthorizedOn = at("2023-11-17T00:00:00Z") }, true},
		"the day is not told":         {func(a *migration.Account) { a.AuthorizedOn = time.Time{} }, false},
		"its age is not told":         {func(a *migration.Account) { a.AuthorizedOn, a.Created = at("2023-11-17T00:00:00Z"), time.Time{} }, false},
		"later, and its time is over": {func(a *migration.Account) { a.AuthorizedOn, a.ExpiresAt = at("2023-11-17T00:00:00Z"), look }, false},
		"later, and the lease is over": {func(a *migration.Account) {
			a.Created, a.AuthorizedOn = at("2023-10-01T00:00:00Z"), at("2023-10-26T00:00:00Z")
		}, false},
	} {
		a := account("v5")
		c.change(&a)
		v := migration.FirstLook(a, look, lease)
		require.Equal(t, c.verified, v.Verified, "%s: %s", name, v.Reason)
		require.NotEmpty(t, v.Reason, name)
	}
	v := migration.FirstLook(with(account("v5"), func(a *migration.Account) { a.AuthorizedOn = at("2023-11-17T00:00:00Z") }), look, lease)
	require.Equal(t, migration.Verdict{Verified: true, Reason: "authorized on 2023-11-17", LeaseEnd: at("2023-12-17T00:00:00Z")}, v)
}

// Whatever else an account shows: no sign of a change, no verification; over, disabled or failing, none either.
func TestVerifyProperties(t *testing.T) {
	t.Parallel()
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return rapid.SampledFrom([]time.Time{{}, look.Add(-60 * day), look.Add(-day), look, look.Add(day)}).Draw(t, "moment")
	})
	reading := rapid.Custom(func(t *rapid.T) migration.Account {
		return migration.Account{
			ID: "v5", Name: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "name"), Etag: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "etag"),
			State: rapid.SampledFrom([]migration.DataflowState{"", migration.Enabled, migration.Disabled}).Draw(t, "state"), Created: look.Add(-90 * day),
			AuthorizedOn: moment.Draw(t, "authorized"), ExpiresAt: moment.Draw(t, "expires"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		base, now := reading.Draw(t, "base"), reading.Draw(t, "now")
		probe := rapid.SampledFrom([]migration.Probe{migration.ProbeUnknown, migration.ProbePassed, migration.ProbeFailed}).Draw(t, "probe")
		claimed := rapid.Bool().Draw(t, "claimed")
		v := migration.Verify(base, now, probe, claimed, look, lease)
		require.NotEmpty(t, v.Reason)
		if !v.Verified {
			return
		}
		require.NotEqual(t, migration.Disabled, now.State)
		require.NotEqual(t, migration.ProbeFailed, probe)
		require.True(t, now.ExpiresAt.IsZero() || now.ExpiresAt.After(look))
		require.True(t, v.LeaseEnd.After(look), "a lease that is over is none")
		moved := now.AuthorizedOn.After(base.AuthorizedOn)
		signs := 0
		for _, sign := range []bool{claimed, probe == migration.ProbePassed, now.Name == base.Name} {
			if sign {
				signs++
			}
		}
		made := claimed && probe == migration.ProbePassed && !now.AuthorizedOn.Before(now.Created.Truncate(day))
		require.True(t, moved || made || now.Etag != base.Etag && signs >= 2)
	})
}

// A disabled account is not signed in to, whatever its authorization day says: Verify and FirstLook agree.
func TestFirstLookRefusesADisabledAccount(t *testing.T) {
	t.Parallel()
	a := with(account("v5"), func(a *migration.Account) { a.AuthorizedOn, a.State = at("2023-11-19T00:00:00Z"), migration.Disabled })
	require.False(t, migration.FirstLook(a, look, lease).Verified)
}

// A rename that was seen is part of what later changes are told from: it must not hide the sign-in that follows.
func TestARenameDoesNotHideALaterSignIn(t *testing.T) {
	t.Parallel()
	s := begun(twoPairs(), pinterest())
	renamed := with(account("v5"), func(a *migration.Account) { a.Name, a.Etag = "Another", `"2"` })
	require.False(t, s.Learn(renamed, migration.Verify(s.Account("v5").Account, renamed, migration.ProbeUnknown, true, look, lease), look))
	v := migration.Verify(s.Account("v5").Account, renamed, migration.ProbeUnknown, true, look, lease)
	require.False(t, v.Verified, "the rename itself stays no evidence")
	signedIn := with(renamed, func(a *migration.Account) { a.Etag = `"3"` })
	v = migration.Verify(s.Account("v5").Account, signedIn, migration.ProbeUnknown, true, look, lease)
	require.True(t, v.Verified, v.Reason)
}
