package store

import (
	"encoding/base64"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALinkOpensOneSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		made := Link{Organization: acme.Organization, Playbook: "pinterest-v5", ExpiresAt: s.clock().Add(72 * time.Hour)}
		token, err := d.NewLink(t.Context(), made)
		require.NoError(t, err)
		random, err := base64.RawURLEncoding.DecodeString(token)
		require.NoError(t, err)
		require.Len(t, random, 32)
		for range 3 { // a mail scanner looks at it
			l, err := d.Link(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, made, l)
		}

		session, l, err := d.OpenLink(t.Context(), token, time.Hour)
		require.NoError(t, err)
		lasts := Link{Organization: made.Organization, Playbook: made.Playbook, ExpiresAt: s.clock().Add(time.Hour)}
		require.Equal(t, lasts, l)
		l, err = s.open(t).Session(t.Context(), session)
		require.NoError(t, err)
		require.Equal(t, lasts, l)
		none, l, err := d.OpenLink(t.Context(), token, time.Hour)
		require.ErrorIs(t, err, ErrUsedLink)
		require.Empty(t, none)
		require.Equal(t, made, l, "whose it is")
		l, err = d.Link(t.Context(), token)
		require.ErrorIs(t, err, ErrUsedLink)
		require.Equal(t, made, l)

		s.pass(time.Hour)
		_, err = d.Session(t.Context(), session)
		require.ErrorIs(t, err, ErrNoSession, "it is over")
		for _, unknown := range []string{"", "x", session, token + "x"} {
			_, err = d.Link(t.Context(), unknown)
			require.ErrorIs(t, err, ErrUnknownLink)
			_, _, err = d.OpenLink(t.Context(), unknown, time.Hour)
			require.ErrorIs(t, err, ErrUnknownLink)
		}
		_, err = d.Session(t.Context(), token)
		require.ErrorIs(t, err, ErrNoSession, "a link's token is no session's")
	})
}

func TestALinkExpires(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		made := Link{Organization: acme.Organization, Playbook: "pinterest-v5", ExpiresAt: s.clock().Add(time.Hour)}
		token, err := d.NewLink(t.Context(), made)
		require.NoError(t, err)
		s.pass(time.Hour - time.Millisecond)
		_, err = d.Link(t.Context(), token)
		require.NoError(t, err)
		s.pass(time.Millisecond)
		l, err := d.Link(t.Context(), token)
		require.ErrorIs(t, err, ErrExpiredLink)
		require.Equal(t, made, l)
		_, l, err = d.OpenLink(t.Context(), token, time.Hour)
		require.ErrorIs(t, err, ErrExpiredLink)
		require.Equal(t, made, l)
	})
}

func TestWhatExpiredADayAgoIsDeleted(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		link := func() string {
			token, err := d.NewLink(t.Context(), Link{Organization: acme.Organization, ExpiresAt: s.clock().Add(time.Hour)})
			require.NoError(t, err)
			return token
		}
		token := link()
		session, _, err := d.OpenLink(t.Context(), token, time.Hour)
		require.NoError(t, err)
		_, err = d.Begin(t.Context(), session, Authorization{Account: "a", Verifier: "v"}, time.Hour)
		require.NoError(t, err)
		count := func() (all [3]int) {
			for i, table := range []string{"links", "sessions", "authorizations"} {
				_, err := d.one(t.Context(), "SELECT count(*) FROM "+table, nil, &all[i])
				require.NoError(t, err)
			}
			return all
		}
		s.pass(25 * time.Hour)
		link()
		require.Equal(t, [3]int{2, 1, 1}, count())
		_, err = d.Link(t.Context(), token)
		require.ErrorIs(t, err, ErrUsedLink, "a person who comes late is told why")
		s.pass(time.Millisecond)
		link()
		require.Equal(t, [3]int{2, 0, 0}, count())
		_, err = d.Link(t.Context(), token)
		require.ErrorIs(t, err, ErrUnknownLink)
	})
}

func TestManyOpenALinkAndOneGetsIn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		portals := []*Database{s.open(t), s.open(t)}
		for range 20 {
			token, err := portals[0].NewLink(t.Context(), Link{Organization: acme.Organization, ExpiresAt: s.clock().Add(time.Hour)})
			require.NoError(t, err)
			var all sync.WaitGroup
			var opened atomic.Int32
			for i := range 10 {
				all.Go(func() {
					session, _, err := portals[i%2].OpenLink(t.Context(), token, time.Hour)
					if err == nil {
						opened.Add(1)
						_, err = portals[0].Session(t.Context(), session)
						require.NoError(t, err)
						return
					}
					require.ErrorIs(t, err, ErrUsedLink)
				})
			}
			all.Wait()
			require.EqualValues(t, 1, opened.Load())
		}
	})
}

func TestASessionIsEnded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		mine, others := session(t, s, d, acme.Organization), session(t, s, d, globex.Organization)
		for range 2 {
			require.NoError(t, d.EndSession(t.Context(), mine))
		}
		_, err := d.Session(t.Context(), mine)
		require.ErrorIs(t, err, ErrNoSession)
		_, err = d.Begin(t.Context(), mine, Authorization{}, time.Hour)
		require.ErrorIs(t, err, ErrNoSession)
		_, err = d.Session(t.Context(), others)
		require.NoError(t, err)
	})
}

func session(t *testing.T, s *site, d *Database, organization string) string {
	t.Helper()
	token, err := d.NewLink(t.Context(), Link{Organization: organization, Playbook: "pinterest-v5", ExpiresAt: s.clock().Add(time.Hour)})
	require.NoError(t, err)
	session, _, err := d.OpenLink(t.Context(), token, time.Hour)
	require.NoError(t, err)
	return session
}
