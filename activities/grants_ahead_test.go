package activities

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/store"
)

const day = 24 * time.Hour

// round has the grants looked at once and returns the answer, in which no token and no secret is.
func (w *world) round() *temporal.ApplicationError {
	w.t.Helper()
	_, err := do[any](w, "RenewGrants", nil)
	wait := failed(w.t, err, NotYet)
	require.Equal(w.t, temporal.ApplicationErrorCategoryBenign, wait.Category())
	for _, secret := range w.Secrets() {
		require.NotContains(w.t, wait.Message(), secret.Value)
	}
	return wait
}

func TestRenewGrantsAheadOfTheirEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Contains(t, w.round().Message(), "no grants are kept")
	d := w.holding()
	answer := w.round()
	require.Equal(t, "0 grant(s) held, 0 renewed now", answer.Message())
	require.Equal(t, time.Hour, answer.NextRetryDelay())

	given := w.Emulator.Now()
	w.consent(d, acme, "a1")
	answer = w.round()
	require.Equal(t, "1 grant(s) held, 0 renewed now; the next is due at "+migration.Instant(given.Add(20*day)), answer.Message())
	require.Equal(t, time.Hour, answer.NextRetryDelay())
	require.Zero(t, w.refreshes())

	require.NoError(t, w.Advance(given.Add(20*day).Sub(w.Emulator.Now())-10*time.Minute))
	answer = w.round()
	require.Contains(t, answer.Message(), "0 renewed now")
	require.InDelta(t, (10 * time.Minute).Seconds(), answer.NextRetryDelay().Seconds(), 60, "looked at again when it is due")

	require.NoError(t, w.Advance(10*time.Minute))
	require.Contains(t, w.round().Message(), "1 grant(s) held, 1 renewed now; the next is due at 2024-01-10")
	require.Contains(t, w.round().Message(), "0 renewed now")
	require.Equal(t, 1, w.refreshes())
	held, err := d.Grant(t.Context(), store.Owner{Organization: acme, Account: "a1"})
	require.NoError(t, err)
	require.Equal(t, given.Truncate(time.Millisecond), held.ConsentedAt.UTC(), "renewing is no consent")
}

// A refresh token that is never replaced is used in its last week, once a day and not at every look.
func TestRenewGrantsBeforeTheirRefreshTokenEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *emulator.Scenario) {
		s.Pinterest.Legacy, s.Pinterest.RefreshLifetime, s.Pinterest.AccessLifetime = true, 15*day, 60*day
	})
	d := w.holding()
	w.consent(d, acme, "a1")
	require.NoError(t, w.Advance(8*day-time.Hour))
	require.Contains(t, w.round().Message(), "0 renewed now")
	require.NoError(t, w.Advance(time.Hour))
	require.Contains(t, w.round().Message(), "1 renewed now")
	require.NoError(t, w.Advance(time.Hour))
	require.Contains(t, w.round().Message(), "0 renewed now")
	require.NoError(t, w.Advance(day))
	require.Contains(t, w.round().Message(), "1 renewed now")
	require.Equal(t, 2, w.refreshes())
}

// Neither a grant that is refused nor a vendor that fails keeps other grants waiting, and nobody asks again with one that was refused.
func TestRenewGrantsGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, another)
	d := w.holding()
	logs := &memory{}
	w.log = logs
	w.consent(d, acme, "a1")
	w.consent(d, globex, "g1")
	w.consent(d, globex, "g2")
	require.NoError(t, w.RevokePinterest(acme))
	require.NoError(t, w.Advance(21*day))

	mend := w.fault(emulator.Fault{Route: "* /v5/oauth/token", Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable, After: 1, Times: 1})
	answer := w.round().Message()
	mend()
	for _, want := range []string{
		"3 grant(s) held, 1 renewed now", "1 refused, where a person must consent again: account a1 of " + acme, "1 not renewed yet: account g", "status 503",
	} {
		require.Contains(t, answer, want)
	}
	require.Equal(t, 2, strings.Count(logs.all(), "a grant could not be renewed"), logs.all())
	require.Contains(t, logs.all(), acme)

	answer = w.round().Message()
	require.Contains(t, answer, "3 grant(s) held, 1 renewed now")
	require.Contains(t, answer, "account a1 of "+acme)
	require.NotContains(t, answer, "not renewed yet")
	require.Equal(t, 3, w.refreshes(), "what the vendor did not look at counts for none")
	for _, secret := range w.Secrets() {
		require.NotContains(t, logs.all(), secret.Value)
	}
}

func TestRenewGrantsWithoutTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logs := &memory{}
	w.log = logs
	require.NoError(t, w.holding().Close())
	answer := w.round()
	require.Contains(t, answer.Message(), "cannot be read")
	require.Equal(t, grantsSoon, answer.NextRetryDelay())
	require.Contains(t, logs.all(), "cannot be read")
}

// Whatever is seen of an account tells when its grant was given, and a store that does not answer stops nothing.
func TestGrantsAreSeenWithTheirAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, another)
	d := w.holding()
	account := w.sign()
	require.True(t, account.GrantedAt.IsZero())
	w.consent(d, globex, account.ID) // somebody else's
	require.True(t, w.sign().GrantedAt.IsZero())
	in := AccountsInput{Who: w.who, Accounts: []Asked{{Base: account}}, Lease: lease, Poll: migration.Duration(time.Hour)}
	_, err := poll[[]Look](w, "AwaitAccounts", in, 2)
	failed(t, err, NotYet)

	given := w.Emulator.Now()
	w.consent(d, acme, account.ID)
	require.WithinDuration(t, given, w.sign().GrantedAt, time.Minute)
	require.WithinDuration(t, given, w.assess().Accounts[0].GrantedAt, time.Minute)
	// Its signal may have got lost: that somebody consented is news by itself.
	looks, err := poll[[]Look](w, "AwaitAccounts", in, 2)
	require.NoError(t, err)
	require.Len(t, looks, 1)
	require.False(t, looks[0].Verdict.Verified)
	require.WithinDuration(t, given, looks[0].Account.GrantedAt, time.Minute)
	in.Accounts[0].Base = looks[0].Account
	_, err = poll[[]Look](w, "AwaitAccounts", in, 2)
	failed(t, err, NotYet)

	require.NoError(t, d.Close())
	looks = must[[]Look](w, "CheckAccounts", in)
	require.Equal(t, in.Accounts[0].Base.GrantedAt, looks[0].Account.GrantedAt, "what was known stays")
	require.True(t, w.sign().GrantedAt.IsZero())
}

// Grants whose renewal hangs must not keep the others from theirs: a round is short, and the next one begins with another grant.
func TestHangingGrantsStarveNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.holding()
	for _, account := range []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7"} {
		w.consent(d, acme, account)
	}
	require.NoError(t, w.Advance(20*day))
	hangs := &hanging{Grants: w.Grants, hang: func(o store.Owner) bool {
		if o.Account == "a7" {
			return false
		}
		require.NoError(t, w.Advance(45*time.Second))
		return true
	}}
	w.Grants = hangs
	answer := w.round()
	require.Equal(t, []string{"a1", "a2", "a3", "a4"}, hangs.asked, "no attempt runs out of its time")
	require.Contains(t, answer.Message(), "4 not renewed yet: account a1 of "+acme)
	require.Contains(t, answer.Message(), "; 3 are looked at next, since the others took long")
	require.Equal(t, time.Minute, answer.NextRetryDelay())

	hangs.asked = nil
	_, err := poll[any](w, "RenewGrants", nil, 4)
	failed(t, err, NotYet)
	require.Contains(t, hangs.asked, "a7")
	held, err := d.Grant(t.Context(), store.Owner{Organization: acme, Account: "a7"})
	require.NoError(t, err)
	require.True(t, held.IssuedAt.After(held.ConsentedAt), "it was renewed")
}

// hanging are grants of which the renewal of some hangs until its time is over.
type hanging struct {
	Grants

	hang  func(store.Owner) bool
	asked []string
}

func (s *hanging) RenewGrant(ctx context.Context, o store.Owner, due func(store.Held) bool, refresh store.Refresh) (store.Held, error) {
	s.asked = append(s.asked, o.Account)
	if s.hang(o) {
		return store.Held{}, context.DeadlineExceeded
	}
	return s.Grants.RenewGrant(ctx, o, due, refresh)
}
