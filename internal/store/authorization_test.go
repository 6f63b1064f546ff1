package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAStateComesBackOnceToWhoWasGivenIt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		mine, others := session(t, s, d, acme.Organization), session(t, s, d, globex.Organization)
		want := Authorization{Account: "a", Verifier: "verifier-1"}
		state, err := d.Begin(t.Context(), mine, want, 10*time.Minute)
		require.NoError(t, err)

		_, err = d.Complete(t.Context(), others, state)
		require.ErrorIs(t, err, ErrForgedState, "of another session")
		for _, forged := range []string{"", "x", mine} {
			_, err = d.Complete(t.Context(), mine, forged)
			require.ErrorIs(t, err, ErrForgedState)
		}
		_, err = d.Complete(t.Context(), "nobody's", state)
		require.ErrorIs(t, err, ErrNoSession)
		got, err := s.open(t).Complete(t.Context(), mine, state)
		require.NoError(t, err)
		require.Equal(t, want, got, "no attempt before used it up")
		_, err = d.Complete(t.Context(), mine, state)
		require.ErrorIs(t, err, ErrUsedState)
		_, err = d.Complete(t.Context(), others, state)
		require.ErrorIs(t, err, ErrForgedState)

		late, err := d.Begin(t.Context(), mine, want, 10*time.Minute)
		require.NoError(t, err)
		s.pass(10 * time.Minute)
		_, err = d.Complete(t.Context(), mine, late)
		require.ErrorIs(t, err, ErrForgedState)
		s.pass(time.Hour)
		_, err = d.Complete(t.Context(), mine, late)
		require.ErrorIs(t, err, ErrNoSession)
		_, err = d.Begin(t.Context(), mine, want, time.Minute)
		require.ErrorIs(t, err, ErrNoSession)
	})
}

func TestAVerifierOfAnotherStateDoesNotOpen(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		mine := session(t, s, d, acme.Organization)
		first, err := d.Begin(t.Context(), mine, Authorization{Account: "a", Verifier: "verifier-1"}, time.Minute)
		require.NoError(t, err)
		second, err := d.Begin(t.Context(), mine, Authorization{Account: "a", Verifier: "verifier-2"}, time.Minute)
		require.NoError(t, err)
		_, err = d.exec(t.Context(), "UPDATE authorizations SET sealed = (SELECT sealed FROM authorizations WHERE digest = ?) WHERE digest = ?", digest(first), digest(second))
		require.NoError(t, err)
		_, err = d.Complete(t.Context(), mine, second)
		require.ErrorContains(t, err, "complete an authorization: unseal what is in authorizations")
	})
}

func TestManyCompleteAStateAndOneSucceeds(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		portals := []*Database{s.open(t), s.open(t)}
		mine := session(t, s, portals[0], acme.Organization)
		for range 20 {
			state, err := portals[0].Begin(t.Context(), mine, Authorization{Account: "a", Verifier: "v"}, time.Minute)
			require.NoError(t, err)
			var all sync.WaitGroup
			var completed atomic.Int32
			for i := range 10 {
				all.Go(func() {
					_, err := portals[i%2].Complete(t.Context(), mine, state)
					if err == nil {
						completed.Add(1)
					} else if !errors.Is(err, ErrUsedState) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			require.EqualValues(t, 1, completed.Load())
		}
	})
}
