package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cutover/internal/pinterest"
)

// What is kept is named where clients can name it too.
type (
	// Owner is pinterest.Owner.
	Owner = pinterest.Owner
	// Held is pinterest.Held.
	Held = pinterest.Held
)

// ErrNoGrant is pinterest.ErrNoGrant.
var ErrNoGrant = pinterest.ErrNoGrant

// tokens are what of a grant is sealed.
type tokens struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

// digest recognizes a token that is stored nowhere.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// SaveGrant stores what a person consented to now. It replaces whatever is there, also a refused one. A store that is away is tried again for two
// minutes, or until ctx ends. With keys that the store was resealed without it stores nothing: the error is ErrWrongKeys.
func (d *Database) SaveGrant(ctx context.Context, o Owner, g pinterest.Grant) error {
	sealed, err := d.sealTokens(o, g)
	if err == nil {
		now := millis(d.now())
		err = d.persist(ctx, func(ctx context.Context) error {
			if err := d.sameKeys(ctx); err != nil {
				return err
			}
			_, err := d.exec(ctx, `INSERT INTO grants (organization, account, sealed, digest, scopes, expires_at, refresh_expires_at,
				consented_at, issued_at, refused_at, why, locked_by, locked_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', '', 0)
				ON CONFLICT (organization, account) DO UPDATE SET sealed = excluded.sealed, digest = excluded.digest, scopes = excluded.scopes,
				expires_at = excluded.expires_at, refresh_expires_at = excluded.refresh_expires_at,
				consented_at = excluded.consented_at, issued_at = excluded.issued_at, refused_at = 0, why = ''`,
				o.Organization, o.Account, sealed, digest(g.RefreshToken), strings.Join(g.Scopes, ","), millis(g.ExpiresAt), millis(g.RefreshExpiresAt), now, now)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("save grant of %s: %w", o, err)
	}
	return nil
}

func (d *Database) sealTokens(o Owner, g pinterest.Grant) ([]byte, error) {
	plain, err := json.Marshal(tokens{Access: g.AccessToken, Refresh: g.RefreshToken})
	if err != nil {
		return nil, err
	}
	return d.seal(plain, "grants", o.Organization, o.Account)
}

const grantColumns = "organization, account, sealed, scopes, expires_at, refresh_expires_at, consented_at, issued_at, refused_at, why"

// grantRow reads those columns; the tokens stay sealed.
func grantRow(scan func(into ...any) error) (h Held, sealed []byte, err error) {
	var scopes string
	var expires, refreshExpires, consented, issued, refused int64
	err = scan(&h.Organization, &h.Account, &sealed, &scopes, &expires, &refreshExpires, &consented, &issued, &refused, &h.Why)
	h.Grant.ExpiresAt, h.Grant.RefreshExpiresAt = instant(expires), instant(refreshExpires)
	h.ConsentedAt, h.IssuedAt, h.RefusedAt = instant(consented), instant(issued), instant(refused)
	if scopes != "" {
		h.Grant.Scopes = strings.Split(scopes, ",")
	}
	return h, sealed, err
}

// Grant returns a grant with its tokens, or ErrNoGrant.
func (d *Database) Grant(ctx context.Context, o Owner) (Held, error) {
	h, err := d.grant(ctx, o)
	if err != nil {
		return Held{}, fmt.Errorf("read grant of %s: %w", o, err)
	}
	return h, nil
}

func (d *Database) grant(ctx context.Context, o Owner) (Held, error) {
	h, found := Held{}, false
	var sealed []byte
	err := d.all(ctx, "SELECT "+grantColumns+" FROM grants WHERE organization = ? AND account = ?", []any{o.Organization, o.Account},
		func(scan func(...any) error) (err error) {
			found = true
			h, sealed, err = grantRow(scan)
			return err
		})
	switch {
	case err != nil:
		return Held{}, err
	case !found:
		return Held{}, ErrNoGrant
	}
	plain, err := d.unseal(sealed, "grants", o.Organization, o.Account)
	if err != nil {
		return Held{}, err
	}
	var t tokens
	if err := json.Unmarshal(plain, &t); err != nil {
		return Held{}, errors.New("what was sealed is no grant") // the error would quote it
	}
	h.Grant.AccessToken, h.Grant.RefreshToken = t.Access, t.Refresh
	return h, nil
}

// GrantsWithoutTokens returns every grant, their tokens left out: for those who look when they end. One that does not open keeps no other from being seen.
func (d *Database) GrantsWithoutTokens(ctx context.Context) ([]Held, error) {
	var all []Held
	err := d.all(ctx, "SELECT "+grantColumns+" FROM grants ORDER BY organization, account", nil, func(scan func(...any) error) error {
		h, _, err := grantRow(scan)
		all = append(all, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	return all, nil
}

// Consents tells when a person consented for which accounts of the organization. Refused grants are left out.
func (d *Database) Consents(ctx context.Context, organization string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	err := d.all(ctx, "SELECT account, consented_at FROM grants WHERE organization = ? AND refused_at = 0", []any{organization},
		func(scan func(...any) error) error {
			var account string
			var at int64
			err := scan(&account, &at)
			all[account] = instant(at)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list consents of organization %s: %w", organization, err)
	}
	return all, nil
}

// RetryGrants takes the refusals of an organization's grants back, so that each is tried once more, and tells how many there were. It is for grants that
// were refused by mistake, such as those of one app that another app's id was used for: their tokens are still there.
func (d *Database) RetryGrants(ctx context.Context, organization string) (int, error) {
	n, err := d.exec(ctx, "UPDATE grants SET refused_at = 0, why = '' WHERE organization = ? AND refused_at <> 0", organization)
	if err != nil {
		return 0, fmt.Errorf("retry grants of organization %s: %w", organization, err)
	}
	return n, nil
}

// RemoveGrants deletes the grants of an organization and tells how many there were.
func (d *Database) RemoveGrants(ctx context.Context, organization string) (int, error) {
	n, err := d.exec(ctx, "DELETE FROM grants WHERE organization = ?", organization)
	if err != nil {
		return 0, fmt.Errorf("remove grants of organization %s: %w", organization, err)
	}
	return n, nil
}
