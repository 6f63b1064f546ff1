package store

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/keys"
)

// rotated adds and promotes a key and returns the keys as they then are, and without the old one.
func rotated(t *testing.T, s *site) (both, fresh *keys.Keyset) {
	t.Helper()
	before, err := keys.Read(t.Context(), s.file, "")
	require.NoError(t, err)
	id, err := keys.Add(t.Context(), s.file, "")
	require.NoError(t, err)
	require.NoError(t, keys.Promote(t.Context(), s.file, "", id))
	both, err = keys.Read(t.Context(), s.file, "")
	require.NoError(t, err)
	require.NoError(t, keys.Remove(t.Context(), s.file, "", before.Keys()[0].ID))
	fresh, err = keys.Read(t.Context(), s.file, "")
	require.NoError(t, err)
	return both, fresh
}

func TestAfterResealingNothingNeedsTheOldKey(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		require.NoError(t, d.SaveGrant(t.Context(), globex, granted("2")))
		mine := session(t, s, d, acme.Organization)
		state, err := d.Begin(t.Context(), mine, Authorization{Account: "a", Verifier: "verifier"}, time.Minute)
		require.NoError(t, err)

		both, fresh := rotated(t, s)
		_, err = OpenDatabase(t.Context(), s.url, fresh, s.clock)
		require.ErrorIs(t, err, ErrWrongKeys, "too early")
		s.sealer = both
		n, err := s.open(t).Reseal(t.Context())
		require.NoError(t, err)
		require.Equal(t, 4, n, "two grants, a verifier and the mark of the keys")

		s.sealer = fresh
		d = s.open(t)
		require.Equal(t, granted("1"), held(t, d, acme).Grant)
		require.Equal(t, granted("2"), held(t, d, globex).Grant)
		got, err := d.Complete(t.Context(), mine, state)
		require.NoError(t, err)
		require.Equal(t, "verifier", got.Verifier)
	})
}

// Grants are renewed, replaced and removed by another worker, which has the new key already, while they are resealed: none is lost or set back.
func TestResealingWhileAnotherRenews(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		v := newVendor(0)
		all := owners(t, s.open(t), v)
		both, fresh := rotated(t, s)
		s.sealer = both
		worker, operator := s.open(t), s.open(t)
		done := make(chan struct{})
		var other sync.WaitGroup
		other.Go(func() {
			for {
				_, err := operator.Reseal(t.Context())
				require.NoError(t, err)
				select {
				case <-done:
					return
				default:
				}
			}
		})
		for i, o := range all {
			require.NoError(t, renew(t, worker, o, v.refresh))
			if i%10 == 9 {
				_, err := worker.RemoveGrants(t.Context(), o.Organization)
				require.NoError(t, err)
			}
		}
		close(done)
		other.Wait()

		s.sealer = fresh
		last := s.open(t)
		for i, o := range all {
			if i%10 == 9 {
				_, err := last.Grant(t.Context(), o)
				require.ErrorIs(t, err, ErrNoGrant)
				continue
			}
			require.True(t, v.honours(held(t, last, o).Grant.RefreshToken))
		}
	})
}

func TestWhatDoesNotOpenIsNotResealed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		_, err := d.exec(t.Context(), "UPDATE grants SET sealed = ?", []byte("broken"))
		require.NoError(t, err)
		_, err = d.Reseal(t.Context())
		require.ErrorContains(t, err, "reseal "+acme.Organization+" "+acme.Account+": unseal what is in grants")
	})
}
