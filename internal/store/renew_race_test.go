package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/pinterest"
)

// Two workers find a grant due at once: the vendor, whether it takes a token once or for a year, is asked once, and both hold what it gave.
func TestTwoWorkersRenewOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		workers := []*Database{s.open(t), s.open(t)}
		rotating, legacy := newVendor(0), newVendor(0)
		legacy.legacy = true
		eachWay(t, workers[0], rotating, legacy, func(o Owner, v *vendor) {
			due := since(held(t, workers[0], o).Grant.AccessToken)
			got := make([]Held, len(workers))
			var both sync.WaitGroup
			for i, d := range workers {
				both.Go(func() {
					var err error
					got[i], err = d.RenewGrant(t.Context(), o, due, v.refresh)
					require.NoError(t, err)
				})
			}
			both.Wait()
			require.Equal(t, got[0], got[1])
			require.True(t, v.honours(got[0].Grant.RefreshToken))
			require.Equal(t, got[0], held(t, workers[0], o))
		})
		require.Equal(t, rounds, rotating.renewals()+legacy.renewals())
	})
}

// Clocks of workers differ by an hour: the lease is the database's.
func TestSkewedClocksDoNotShareALease(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		behind, ahead := s.open(t), s.open(t)
		behind.now = func() time.Time { return s.clock().Add(-time.Hour) }
		ahead.now = func() time.Time { return s.clock().Add(time.Hour) }
		all := owners(t, behind, v)
		each(t, all, func(o Owner) {
			due := since(held(t, behind, o).Grant.AccessToken)
			var first, second Held
			var waits sync.WaitGroup
			first, err := behind.RenewGrant(t.Context(), o, due, before(v.refresh, func() {
				waits.Go(func() { // while the lease is held
					var err error
					second, err = ahead.RenewGrant(t.Context(), o, due, v.refresh)
					require.NoError(t, err)
				})
			}))
			require.NoError(t, err)
			waits.Wait()
			require.Equal(t, first, second)
		})
		require.Equal(t, rounds, v.renewals())
	})
}

// A worker is killed with an answer in hand. When its lease has run out the next one tries the token that is stored: a vendor that still honours it gives a
// new grant; at one that does not, the grant is marked as refused, and never lost silently.
func TestAWorkerDiesBetweenTheAnswerAndTheStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		dying, next := s.open(t), s.open(t)
		dying.lease = shortLease
		eachWay(t, next, newVendor(0), newVendor(1), func(o Owner, v *vendor) {
			dies(t, dying, o, v.refresh)
			err := renew(t, next, o, v.refresh)
			got := held(t, next, o)
			if v.overlap == 0 {
				require.ErrorIs(t, err, pinterest.ErrInvalidGrant)
				require.Equal(t, s.clock(), got.RefusedAt)
				return
			}
			require.NoError(t, err)
			require.True(t, v.honours(got.Grant.RefreshToken))
			require.True(t, got.RefusedAt.IsZero())
		})
	})
}

// A worker is killed before it asked: nothing is lost at all.
func TestAWorkerDiesBeforeItAsks(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		dying, next := s.open(t), s.open(t)
		dying.lease = shortLease
		each(t, owners(t, next, v), func(o Owner) {
			dies(t, dying, o, answers(pinterest.Grant{}))
			require.NoError(t, renew(t, next, o, v.refresh))
			require.True(t, v.honours(held(t, next, o).Grant.RefreshToken))
		})
	})
}

// A worker is suspended with an answer in hand, for longer than its lease. Meanwhile another was refused the old token. What the first one has is the only
// token that the vendor honours: it is stored all the same, and the refusal is forgotten.
func TestASuspendedWorkerStillStoresItsAnswer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		slow, other := s.open(t), s.open(t)
		slow.lease = shortLease
		each(t, owners(t, other, v), func(o Owner) {
			got, err := slow.RenewGrant(t.Context(), o, always, after(v.refresh, func() {
				require.ErrorIs(t, renew(t, other, o, v.refresh), pinterest.ErrInvalidGrant, "the lease ran out")
				require.False(t, held(t, other, o).RefusedAt.IsZero())
			}))
			require.NoError(t, err)
			require.True(t, v.honours(got.Grant.RefreshToken))
			require.True(t, got.RefusedAt.IsZero())
			require.Equal(t, got, held(t, other, o))
		})
	})
}

// The answer is lost on its way. The next try uses the old token at once, while the vendor still honours it.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		a, b := s.open(t), s.open(t)
		eachWay(t, a, newVendor(0), newVendor(1), func(o Owner, v *vendor) {
			before := held(t, a, o)
			require.ErrorIs(t, renew(t, a, o, loses(v.refresh)), errLost)
			require.Equal(t, before, held(t, a, o))
			err := renew(t, b, o, v.refresh)
			if v.overlap == 0 {
				require.ErrorIs(t, err, pinterest.ErrInvalidGrant)
				require.False(t, held(t, a, o).RefusedAt.IsZero())
				return
			}
			require.NoError(t, err)
			require.True(t, v.honours(held(t, a, o).Grant.RefreshToken))
		})
	})
}

// The person takes the consent back while two workers renew: nobody hears of a grant, and it is marked.
func TestARevokedGrant(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		workers := []*Database{s.open(t), s.open(t)}
		all := owners(t, workers[0], v)
		v.revoke()
		each(t, all, func(o Owner) {
			var both sync.WaitGroup
			for _, d := range workers {
				both.Go(func() { require.ErrorIs(t, renew(t, d, o, v.refresh), pinterest.ErrInvalidGrant) })
			}
			both.Wait()
			require.Equal(t, s.clock(), held(t, workers[0], o).RefusedAt)
		})
	})
}

// A person consents while the vendor answers for the old grant, with a new one or with a refusal: the person's stays.
func TestANewConsentDuringARenewal(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		worker, portal := s.open(t), s.open(t)
		for i, o := range owners(t, portal, v) {
			consent := v.consent()
			got, err := worker.RenewGrant(t.Context(), o, func(h Held) bool { return h.Grant.RefreshToken != consent.RefreshToken },
				before([]Refresh{refuses, v.refresh}[i%2], func() { require.NoError(t, portal.SaveGrant(t.Context(), o, consent)) }))
			require.NoError(t, err)
			require.Equal(t, consent, got.Grant)
			require.True(t, got.RefusedAt.IsZero())
			require.Equal(t, got, held(t, portal, o))
			require.NoError(t, renew(t, portal, o, v.refresh), "the lease is free")
		}
	})
}

// A worker is told to stop while the vendor answers: what comes is stored.
func TestCancellationDuringTheAnswer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		d := s.open(t)
		each(t, owners(t, d, v), func(o Owner) {
			ctx, cancel := context.WithCancel(t.Context())
			got, err := d.RenewGrant(ctx, o, always, func(ctx context.Context, token string) (pinterest.Grant, error) {
				cancel()
				if err := ctx.Err(); err != nil {
					return pinterest.Grant{}, err // as a client does, the answer being on its way
				}
				return v.refresh(ctx, token)
			})
			require.NoError(t, err)
			require.True(t, v.honours(got.Grant.RefreshToken))
			require.Equal(t, got, held(t, d, o))
			_, err = d.RenewGrant(ctx, o, always, v.refresh)
			require.ErrorIs(t, err, context.Canceled, "nothing is begun any more")
		})
		require.Equal(t, rounds, v.renewals())
	})
}

// An organization is removed while the vendor answers: it stays removed.
func TestARemovalDuringARenewal(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, v := s.open(t), newVendor(0)
		for i, o := range owners(t, d, v)[:10] {
			err := renew(t, d, o, before([]Refresh{refuses, v.refresh}[i%2], func() {
				_, err := d.RemoveGrants(t.Context(), o.Organization)
				require.NoError(t, err)
			}))
			if i%2 == 0 {
				require.ErrorIs(t, err, pinterest.ErrInvalidGrant)
			} else {
				require.ErrorIs(t, err, ErrNoGrant)
			}
			_, err = d.Grant(t.Context(), o)
			require.ErrorIs(t, err, ErrNoGrant)
		}
	})
}
