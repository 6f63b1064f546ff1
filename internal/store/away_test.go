package store

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/pinterest"
)

// A worker that is told to stop closes the store while a slow vendor is still asked.
func TestClosingWaitsForWhatTheVendorAnswers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, other, v := s.open(t), s.open(t), newVendor(0)
		for _, o := range []Owner{acme, globex} {
			require.NoError(t, d.SaveGrant(t.Context(), o, v.consent()))
		}
		closed := make(chan error, 1)
		got, err := d.RenewGrant(t.Context(), acme, always, before(v.refresh, func() {
			go func() { closed <- d.Close() }()
			require.Eventually(t, func() bool {
				if d.renewing.TryRLock() {
					d.renewing.RUnlock()
					return false
				}
				return true
			}, 10*time.Second, time.Millisecond, "it is closing")
			err := renew(t, d, globex, v.refresh)
			require.EqualError(t, err, "renew grant of "+globex.String()+": the store is closed")
		}))
		require.NoError(t, err)
		require.NoError(t, <-closed)
		require.Equal(t, got, held(t, other, acme))
		require.Equal(t, 1, v.renewals(), "no vendor is asked whose answer could not be stored")
		require.NoError(t, renew(t, other, globex, v.refresh), "the lease is free")
		require.Error(t, renew(t, d, globex, v.refresh))
		require.True(t, v.honours(held(t, other, globex).Grant.RefreshToken))
	})
}

// A code of a consent counts once: what came of it must outlast a store that changes over to its replica.
func TestAStoreThatIsAwayIsTriedUntilItTakesTheConsent(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, other := s.open(t), s.open(t)
		move := func(from, to string) {
			_, err := other.exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
			require.NoError(t, err)
		}
		move("grants", "away")
		done := make(chan error, 1)
		go func() { done <- d.SaveGrant(t.Context(), acme, granted("1")) }()
		select {
		case err := <-done:
			require.NoError(t, err, "it gave up")
		case <-time.After(100 * time.Millisecond): // a few tries long
		}
		move("away", "grants")
		require.NoError(t, <-done)
		require.Equal(t, granted("1"), held(t, d, acme).Grant)

		move("grants", "away")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := d.SaveGrant(ctx, acme, granted("CANARY"))
		require.ErrorContains(t, err, "save grant of "+acme.String()+": ")
		require.NotContains(t, err.Error(), "CANARY")
	})
}

// A connection to a host that went away is silent for minutes.
func TestATryThatHangsLeavesTimeForOthers(t *testing.T) {
	t.Parallel()
	d := newSite(t, backends()[0]).open(t)
	d.insist = 2400 * time.Millisecond
	tries := 0
	require.NoError(t, d.persist(t.Context(), func(ctx context.Context) error {
		if tries++; tries < 3 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}))
	require.Equal(t, 3, tries)
}

// The database's clock was ahead, a worker died with a lease, and then the clock was set right.
func TestALeaseOfAClockThatWasSetBackHoldsNobodyOff(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, v := s.open(t), newVendor(0)
		require.NoError(t, d.SaveGrant(t.Context(), acme, v.consent()))
		_, err := d.exec(t.Context(), "UPDATE grants SET locked_by = 'dead', locked_until = CLOCK + ?", (48 * time.Hour).Milliseconds())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = d.RenewGrant(ctx, acme, always, v.refresh)
		require.NoError(t, err)
	})
}

// A page that nobody gave the new keys to would seal what only itself can open, over what everybody can.
func TestNothingIsSealedWithKeysThatTheStoreOutgrew(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		page := s.open(t)
		require.NoError(t, page.SaveGrant(t.Context(), acme, granted("1")))
		mine := session(t, s, page, acme.Organization)

		both, fresh := rotated(t, s)
		s.sealer = both
		worker := s.open(t)
		require.NoError(t, page.SaveGrant(t.Context(), acme, granted("2")), "until the store is resealed its keys are as good as any")
		_, err := worker.Reseal(t.Context())
		require.NoError(t, err)

		require.ErrorIs(t, page.SaveGrant(t.Context(), acme, granted("3")), ErrWrongKeys)
		_, err = page.Begin(t.Context(), mine, Authorization{Account: "a", Verifier: "verifier"}, time.Minute)
		require.ErrorIs(t, err, ErrWrongKeys, "before a person consents")
		require.Error(t, renew(t, page, acme, func(context.Context, string) (pinterest.Grant, error) {
			require.Fail(t, "the vendor was asked")
			return pinterest.Grant{}, nil
		}))
		s.sealer = fresh
		require.Equal(t, granted("2"), held(t, s.open(t), acme).Grant)
	})
}

func TestAFileThatOthersCouldReadIsClosedToThem(t *testing.T) {
	t.Parallel()
	s := newSite(t, backends()[0])
	require.NoError(t, s.open(t).SaveGrant(t.Context(), acme, granted("1")))
	path := strings.TrimPrefix(s.url, "sqlite:")
	files := []string{path, path + "-wal", path + "-shm"}
	for _, name := range files {
		require.NoError(t, os.Chmod(name, 0o664))
	}
	s.open(t)
	for _, name := range files {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm(), name)
	}
}
