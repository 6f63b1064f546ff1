package migration

import "time"

// Account is an account of the new card (a base connection), as read. It never holds credentials.
type Account struct {
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	Sandbox      string        `json:"sandbox"`
	State        DataflowState `json:"state,omitempty"`
	Etag         string        `json:"etag"`
	Created      time.Time     `json:"created,omitzero"`
	AuthorizedOn time.Time     `json:"authorized_on,omitzero"` // a day; zero when Adobe does not say
	ExpiresAt    time.Time     `json:"expires_at,omitzero"`    // zero when Adobe does not say
	Failing      bool          `json:"failing,omitempty"`      // Adobe's test of it fails; asked of old accounts alone
	Advertisers  []string      `json:"advertisers,omitempty"`  // ad accounts of the new card's dataflows on it
	GrantedAt    time.Time     `json:"granted_at,omitzero"`    // when a person gave the grant that the worker holds for it; zero: none is held
}

// Probe is what Adobe's connection test answered. It is a hint only: whether it works for OAuth destinations is not documented.
type Probe string

// The answers a probe can give; ProbeUnknown also stands for "not asked" and for an answer that says nothing.
const (
	ProbeUnknown Probe = "unknown"
	ProbePassed  Probe = "passed"
	ProbeFailed  Probe = "failed"
)

// Verdict says whether an account was re-authenticated, and why.
type Verdict struct {
	Verified bool      `json:"verified"`
	Reason   string    `json:"reason"`
	LeaseEnd time.Time `json:"lease_end,omitzero"` // when the re-authentication ends; zero: it does not
}

// FirstLook decides whether an account that is seen for the first time was re-authenticated already: only an authorization later than the day
// it was made shows that, and only while it lasts.
func FirstLook(account Account, at time.Time, lease Duration) Verdict {
	if account.State == Disabled {
		return Verdict{Reason: "the account is disabled"}
	}
	if account.Created.IsZero() || !account.AuthorizedOn.After(day(account.Created)) {
		return Verdict{Reason: "no sign-in since the account was made"}
	}
	return authorized(account, at, lease)
}

// Verify decides whether the account now is re-authenticated, compared with base, how it was first read. Adobe documents no field that says
// so, hence two kinds of evidence: the authorization day moved, or the account changed in something other than its name while either the probe
// passes or a person claims to have done it. A failed probe or a lease that is over outweighs both, and so does a disabled account. A probe
// alone proves nothing. A sign-in on the day the account was made and before it was first read leaves no change: there the claim, the probe and
// the authorization day must agree.
func Verify(base, now Account, probe Probe, claimed bool, at time.Time, lease Duration) Verdict {
	changed := now.Etag != base.Etag
	switch {
	case now.State == Disabled:
		return Verdict{Reason: "the account is disabled: enable it in Adobe first"}
	case !now.ExpiresAt.IsZero() && !now.ExpiresAt.After(at):
		return Verdict{Reason: "its authorization ended at " + Instant(now.ExpiresAt)}
	case probe == ProbeFailed && changed:
		return Verdict{Reason: "the account changed, but Adobe's test of it still fails: sign in again to the end and accept every permission that is asked for"}
	case probe == ProbeFailed:
		return Verdict{Reason: "Adobe's test of the account fails: it is not signed in"}
	}
	renamed := now.Name != base.Name // explains the change, so that it takes both the probe and the claim to see a sign-in in it
	var reason string
	switch {
	case now.AuthorizedOn.After(base.AuthorizedOn):
		return authorized(now, at, lease)
	case changed && !renamed && probe == ProbePassed, changed && claimed && probe == ProbePassed:
		reason = "the account changed and Adobe's test of it passes"
	case claimed && probe == ProbePassed && !now.AuthorizedOn.IsZero() && !now.AuthorizedOn.Before(day(base.Created)):
		return authorized(now, at, lease) // signed in before it was first read
	case changed && !renamed && claimed:
		reason = "the account changed, as claimed"
	case changed:
		return Verdict{Reason: "the account changed, but nothing shows a new sign-in; send the signal if one was made"}
	default:
		return Verdict{Reason: "the account has not changed since it was first read"}
	}
	return Verdict{Verified: true, Reason: reason, LeaseEnd: leaseEnd(now, at, lease)}
}

// authorized is the verdict on an account whose authorization day shows the sign-in. The lease counts from the start of that day, so that it is
// never taken for longer than it is.
func authorized(account Account, at time.Time, lease Duration) Verdict {
	end := leaseEnd(account, account.AuthorizedOn, lease)
	if !end.IsZero() && !end.After(at) {
		return Verdict{Reason: "its authorization ended at " + Instant(end)}
	}
	return Verdict{Verified: true, Reason: "authorized on " + account.AuthorizedOn.UTC().Format(time.DateOnly), LeaseEnd: end}
}

// leaseEnd is when a sign-in ends: what Adobe says, else the lease counted from a moment near the sign-in. Zero: it does not end.
func leaseEnd(account Account, from time.Time, lease Duration) time.Time {
	if !account.ExpiresAt.IsZero() {
		return account.ExpiresAt
	}
	if lease == 0 {
		return time.Time{}
	}
	return from.Add(lease.Std())
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
