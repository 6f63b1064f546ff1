package store

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/pinterest"
)

var (
	acme   = Owner{Organization: "1A2B3C4D5E6F@AdobeOrg", Account: "acme-account"}
	globex = Owner{Organization: "6F5E4D3C2B1A@AdobeOrg", Account: "acme-account"}
)

// granted is the n-th grant of a person.
func granted(n string) pinterest.Grant {
	return pinterest.Grant{
		AccessToken: "pina_" + n, RefreshToken: "pinr_" + n, Scopes: []string{"user_accounts:read", "ads:read"},
		ExpiresAt: time.Date(2023, 12, 20, 12, 0, 0, 0, time.UTC), RefreshExpiresAt: time.Date(2024, 1, 19, 12, 0, 0, 0, time.UTC),
	}
}

func TestAConsentIsKeptUntilTheNext(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		_, err := d.Grant(t.Context(), acme)
		require.ErrorIs(t, err, ErrNoGrant)
		require.EqualError(t, err, "read grant of organization 1A2B3C4D5E6F@AdobeOrg account acme-account: there is no grant: a person must connect the account")
		none, err := d.Consents(t.Context(), acme.Organization)
		require.NoError(t, err)
		require.Empty(t, none)

		first := s.clock()
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		held, err := s.open(t).Grant(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, Held{Owner: acme, Grant: granted("1"), ConsentedAt: first, IssuedAt: first}, held)

		s.pass(time.Hour)
		require.NoError(t, d.SaveGrant(t.Context(), globex, pinterest.Grant{AccessToken: "pina_x"}))
		held, err = d.Grant(t.Context(), globex)
		require.NoError(t, err)
		require.Equal(t, Held{Owner: globex, Grant: pinterest.Grant{AccessToken: "pina_x"}, ConsentedAt: s.clock(), IssuedAt: s.clock()}, held, "what is unknown stays unknown")

		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("2")))
		held, err = d.Grant(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, Held{Owner: acme, Grant: granted("2"), ConsentedAt: s.clock(), IssuedAt: s.clock()}, held)
	})
}

func TestGrantsAreListedWithoutTokens(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		second := Owner{Organization: acme.Organization, Account: "second"}
		for _, o := range []Owner{globex, acme, second} {
			require.NoError(t, d.SaveGrant(t.Context(), o, granted("1")))
		}
		require.ErrorIs(t, renew(t, d, second, refuses), pinterest.ErrInvalidGrant)
		_, err := d.exec(t.Context(), "UPDATE grants SET sealed = ? WHERE organization = ?", []byte("broken"), globex.Organization)
		require.NoError(t, err)

		all, err := d.GrantsWithoutTokens(t.Context())
		require.NoError(t, err)
		shown := granted("")
		shown.AccessToken, shown.RefreshToken = "", ""
		want := []Held{
			{Owner: acme, Grant: shown, ConsentedAt: s.clock(), IssuedAt: s.clock()},
			{Owner: second, Grant: shown, ConsentedAt: s.clock(), IssuedAt: s.clock(), RefusedAt: s.clock(), Why: pinterest.ErrInvalidGrant.Error()},
			{Owner: globex, Grant: shown, ConsentedAt: s.clock(), IssuedAt: s.clock()},
		}
		require.Equal(t, want, all)
		consents, err := d.Consents(t.Context(), acme.Organization)
		require.NoError(t, err)
		require.Equal(t, map[string]time.Time{"acme-account": s.clock()}, consents, "not the refused one, not another's")

		n, err := d.RemoveGrants(t.Context(), acme.Organization)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		_, err = d.Grant(t.Context(), acme)
		require.ErrorIs(t, err, ErrNoGrant)
		all, err = d.GrantsWithoutTokens(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1, "another's stays")
	})
}

// With another app's id the vendor refuses what it honours: once the id is right again nobody has to consent anew.
func TestARefusedGrantIsTriedAgainWhenAsked(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d, v := s.open(t), newVendor(0)
		require.NoError(t, d.SaveGrant(t.Context(), acme, v.consent()))
		require.NoError(t, d.SaveGrant(t.Context(), globex, v.consent()))
		before := held(t, d, acme)
		for _, o := range []Owner{acme, globex} {
			require.ErrorIs(t, renew(t, d, o, refuses), pinterest.ErrInvalidGrant)
		}
		n, err := d.RetryGrants(t.Context(), acme.Organization)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, before, held(t, d, acme), "as if nothing had happened")
		require.False(t, held(t, d, globex).RefusedAt.IsZero(), "another organization's")
		require.NoError(t, renew(t, d, acme, v.refresh))
		n, err = d.RetryGrants(t.Context(), acme.Organization)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestAGrantShowsNoToken(t *testing.T) {
	t.Parallel()
	held := Held{Owner: acme, Grant: granted("CANARY"), Why: "why"}
	asJSON, err := json.Marshal(held)
	require.NoError(t, err)
	texts := []string{string(asJSON)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, held), fmt.Sprintf(verb, &held), fmt.Sprintf(verb, Authorization{Account: "a", Verifier: "CANARY"}))
	}
	asJSON, err = json.Marshal(Authorization{Account: "a", Verifier: "CANARY"})
	require.NoError(t, err)
	for _, text := range append(texts, string(asJSON)) {
		require.NotContains(t, text, "CANARY")
		require.NotContains(t, text, "43414e415259", "in hexadecimal")
	}
}

func TestWhatIsSealedOpensInItsOwnRowAlone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		d := s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		require.NoError(t, d.SaveGrant(t.Context(), globex, granted("2")))
		var stolen []byte
		_, err := d.one(t.Context(), "SELECT sealed FROM grants WHERE organization = ?", []any{acme.Organization}, &stolen)
		require.NoError(t, err)
		_, err = d.exec(t.Context(), "UPDATE grants SET sealed = ? WHERE organization = ?", stolen, globex.Organization)
		require.NoError(t, err)
		_, err = d.Grant(t.Context(), globex)
		require.EqualError(t, err, "read grant of "+globex.String()+": unseal what is in grants: unseal: it was changed, moved or sealed with other keys")
		_, err = d.Grant(t.Context(), acme)
		require.NoError(t, err)
	})
}

func TestTheFileHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, backends()[0])
	d := s.open(t)
	canary := granted("CANARY-of-the-file-0001")
	require.NoError(t, d.SaveGrant(t.Context(), acme, canary))
	fresh := granted("CANARY-of-the-file-0002")
	_, err := d.RenewGrant(t.Context(), acme, always, answers(fresh))
	require.NoError(t, err)
	link, err := d.NewLink(t.Context(), Link{Organization: acme.Organization, Playbook: "pinterest-v5", ExpiresAt: s.clock().Add(time.Hour)})
	require.NoError(t, err)
	session, _, err := d.OpenLink(t.Context(), link, time.Hour)
	require.NoError(t, err)
	const verifier = "CANARY-of-the-file-0003-verifier"
	state, err := d.Begin(t.Context(), session, Authorization{Account: "a", Verifier: verifier}, time.Hour)
	require.NoError(t, err)

	path := strings.TrimPrefix(s.url, "sqlite:")
	var raw []byte
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		raw = append(raw, data...)
	}
	require.Contains(t, string(raw), acme.Organization, "this is where it would be")
	for _, secret := range []string{canary.AccessToken, canary.RefreshToken, fresh.AccessToken, fresh.RefreshToken, verifier, link, session, state} {
		for _, spelled := range []string{
			secret, base64.StdEncoding.EncodeToString([]byte(secret))[:16], base64.RawURLEncoding.EncodeToString([]byte(secret))[:16], fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
		} {
			require.False(t, bytes.Contains(raw, []byte(spelled)), spelled)
		}
	}
}
