package store

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/pinterest"
)

func TestARenewalKeepsTheConsent(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, v := s.open(t), newVendor(0)
		consented := s.clock()
		require.NoError(t, d.SaveGrant(t.Context(), acme, v.consent()))
		s.pass(24 * time.Hour)
		got, err := d.RenewGrant(t.Context(), acme, always, v.refresh)
		require.NoError(t, err)
		require.Equal(t, Held{Owner: acme, Grant: granted("2"), ConsentedAt: consented, IssuedAt: s.clock()}, got)
		require.Equal(t, got, held(t, d, acme), "stored before it is returned")

		got, err = d.RenewGrant(t.Context(), acme, func(Held) bool { return false }, v.refresh)
		require.NoError(t, err)
		require.Equal(t, held(t, d, acme), got)
		require.Equal(t, 1, v.renewals(), "what is not due is not renewed")

		_, err = d.RenewGrant(t.Context(), globex, always, v.refresh)
		require.ErrorIs(t, err, ErrNoGrant)
	})
}

func TestWhatALegacyAnswerLeavesOutStays(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		later := granted("").ExpiresAt.Add(24 * time.Hour)
		for _, refreshToken := range []string{"", "pinr_1"} {
			got, err := d.RenewGrant(t.Context(), acme, always, answers(pinterest.Grant{AccessToken: "pina_2", RefreshToken: refreshToken, ExpiresAt: later}))
			require.NoError(t, err)
			want := granted("1")
			want.AccessToken, want.ExpiresAt = "pina_2", later
			require.Equal(t, want, got.Grant)
		}
	})
}

// A refresh token that stays what it is shows nothing of a renewal between the look and the lease.
func TestAGrantIsLookedAtAgainUnderTheLease(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, other, v := s.open(t), s.open(t), newVendor(0)
		v.legacy = true
		require.NoError(t, d.SaveGrant(t.Context(), acme, v.consent()))
		looks := 0
		due := func(h Held) bool {
			if looks++; looks == 1 {
				require.NoError(t, renew(t, other, acme, v.refresh))
			}
			return looks == 1 || h.Grant.AccessToken == "pina_1"
		}
		got, err := d.RenewGrant(t.Context(), acme, due, v.refresh)
		require.NoError(t, err)
		require.Equal(t, held(t, other, acme), got)
		require.Equal(t, 1, v.renewals())
		require.NoError(t, renew(t, d, acme, v.refresh), "the lease is free")
	})
}

func TestARefusedGrantIsMarkedUntilAPersonConsents(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, v := s.open(t), newVendor(0)
		grant := v.consent()
		require.NoError(t, d.SaveGrant(t.Context(), acme, grant))
		v.revoke()
		refused := s.clock()
		for range 2 {
			err := renew(t, d, acme, v.refresh)
			require.ErrorIs(t, err, pinterest.ErrInvalidGrant)
			require.EqualError(t, err, "renew grant of "+acme.String()+": grant is no longer valid")
			s.pass(time.Hour)
		}
		got := held(t, d, acme)
		require.Equal(t, refused, got.RefusedAt, "since when")
		require.Equal(t, "grant is no longer valid", got.Why)
		require.Equal(t, grant, got.Grant, "the access token may live on")

		require.NoError(t, d.SaveGrant(t.Context(), acme, v.consent()))
		got = held(t, d, acme)
		require.True(t, got.RefusedAt.IsZero())
		require.Empty(t, got.Why)
		require.NoError(t, renew(t, d, acme, v.refresh))

		long := errors.Join(errors.New(strings.Repeat("ä", 400)), pinterest.ErrInvalidGrant)
		require.ErrorIs(t, renew(t, d, acme, func(context.Context, string) (pinterest.Grant, error) { return pinterest.Grant{}, long }), pinterest.ErrInvalidGrant)
		require.LessOrEqual(t, len(held(t, d, acme).Why), maxWhy)
	})
}

func TestAfterAnyOtherErrorTheLeaseIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		a, b := s.open(t), s.open(t)
		require.NoError(t, a.SaveGrant(t.Context(), acme, granted("1")))
		before := held(t, a, acme)
		for range 3 {
			require.ErrorIs(t, renew(t, a, acme, func(context.Context, string) (pinterest.Grant, error) { return pinterest.Grant{}, errLost }), errLost)
			require.Equal(t, before, held(t, a, acme), "nothing changes")
		}
		b.lease = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // the lease is a minute
		defer cancel()
		_, err := b.RenewGrant(ctx, acme, always, answers(granted("2")))
		require.NoError(t, err)
	})
}

func TestOneWhoWaitsStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		a, b := s.open(t), s.open(t)
		require.NoError(t, a.SaveGrant(t.Context(), acme, granted("1")))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := renew(t, a, acme, func(context.Context, string) (pinterest.Grant, error) {
			cancel()
			_, err := b.RenewGrant(ctx, acme, always, refuses)
			require.ErrorIs(t, err, context.Canceled)
			return granted("2"), nil
		})
		require.NoError(t, err)
	})
}

func TestAVendorThatIsAskedHasAsLongAsTheLease(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		require.ErrorIs(t, renew(t, d, acme, func(ctx context.Context, _ string) (pinterest.Grant, error) {
			end, ok := ctx.Deadline()
			require.True(t, ok)
			require.LessOrEqual(t, time.Until(end), defaultLease*3/4)
			require.Greater(t, time.Until(end), defaultLease/2, "longer than the vendor's client waits")
			return pinterest.Grant{}, errLost
		}), errLost)
	})
}

func TestAStoreThatIsAwayIsTriedUntilItTakesTheGrant(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, other := s.open(t), s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		move := func(from, to string) {
			_, err := other.exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
			require.NoError(t, err)
		}
		var calls atomic.Int32
		asked, done := make(chan struct{}), make(chan error, 1)
		go func() {
			_, err := d.RenewGrant(t.Context(), acme, always, func(context.Context, string) (pinterest.Grant, error) {
				calls.Add(1)
				move("grants", "away")
				close(asked)
				return granted("2"), nil
			})
			done <- err
		}()
		<-asked
		select {
		case err := <-done:
			require.NoError(t, err, "it gave up")
		case <-time.After(100 * time.Millisecond): // a few tries long
		}
		move("away", "grants")
		require.NoError(t, <-done)
		require.Equal(t, granted("2"), held(t, d, acme).Grant)
		require.EqualValues(t, 1, calls.Load())

		d.insist = 50 * time.Millisecond
		_, err := d.RenewGrant(t.Context(), acme, always, func(context.Context, string) (pinterest.Grant, error) {
			move("grants", "away")
			return granted("CANARY"), nil
		})
		require.ErrorContains(t, err, "the vendor renewed it, and the store did not take it")
		require.NotContains(t, err.Error(), "CANARY")
		move("away", "grants")
	})
}

func TestRenewalAtTheEmulator(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		scenario, err := emulator.SmallScenario()
		require.NoError(t, err)
		scenario.Pinterest.Legacy = legacy
		s := newSite(t, backends()[0])
		vendor, err := emulator.New(scenario, emulator.Options{Clock: s.clock})
		require.NoError(t, err)
		server := httptest.NewServer(vendor)
		transport := &http.Transport{}
		client, err := pinterest.New(pinterest.Config{URL: server.URL, Now: vendor.Now, Transport: transport})
		require.NoError(t, err)
		app := pinterest.App{ClientID: "1500000", ClientSecret: "pinterest-app-secret"}
		refresh := func(ctx context.Context, token string) (pinterest.Grant, error) {
			return client.Refresh(ctx, app, token)
		}

		d := s.open(t)
		tokens, err := vendor.GrantPinterest(acme.Organization)
		require.NoError(t, err)
		require.NoError(t, d.SaveGrant(t.Context(), acme, pinterest.Grant{AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken}))
		for range 3 {
			before := held(t, d, acme).Grant
			got, err := d.RenewGrant(t.Context(), acme, always, refresh)
			require.NoError(t, err)
			require.NotEqual(t, before.AccessToken, got.Grant.AccessToken)
			require.Equal(t, legacy, before.RefreshToken == got.Grant.RefreshToken)
			_, err = client.UserAccount(t.Context(), held(t, d, acme).Grant.AccessToken)
			require.NoError(t, err)
		}
		require.NoError(t, vendor.RevokePinterest(acme.Organization))
		require.ErrorIs(t, renew(t, d, acme, refresh), pinterest.ErrInvalidGrant)
		refused := held(t, d, acme)
		require.False(t, refused.RefusedAt.IsZero())
		require.NotContains(t, refused.Why, refused.Grant.RefreshToken)
		transport.CloseIdleConnections()
		server.Close()
		require.NoError(t, vendor.Close())
	}
}
