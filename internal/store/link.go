package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// What is wrong with a link or a session that somebody brings.
var (
	ErrUnknownLink = errors.New("there is no such link")
	ErrUsedLink    = errors.New("the link was opened before")
	ErrExpiredLink = errors.New("the link has expired")
	ErrNoSession   = errors.New("there is no such session, or it is over")
)

// keptFor is how long what has expired stays, so that a person who comes late is told what is wrong.
const keptFor = 24 * time.Hour

// Link is what a person may connect: the accounts of an organization that a playbook asks for.
type Link struct {
	Organization, Playbook string
	// ExpiresAt is when the link, or the session that it opened, ends.
	ExpiresAt time.Time
}

// newToken draws 256 bits. They are given to one person and stored nowhere: the database knows their digest.
func newToken() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return base64.RawURLEncoding.EncodeToString(random)
}

// NewLink stores a link and returns the token that opens it, once. What expired over a day ago is deleted.
func (d *Database) NewLink(ctx context.Context, l Link) (token string, err error) {
	token = newToken()
	_, err = d.exec(ctx, "INSERT INTO links (digest, organization, playbook, expires_at, used_at) VALUES (?, ?, ?, ?, 0)",
		digest(token), l.Organization, l.Playbook, millis(l.ExpiresAt))
	for _, table := range []string{"links", "sessions", "authorizations"} {
		if err == nil {
			_, err = d.exec(ctx, "DELETE FROM "+table+" WHERE expires_at < ?", millis(d.now().Add(-keptFor)))
		}
	}
	if err != nil {
		return "", fmt.Errorf("make a link for organization %s: %w", l.Organization, err)
	}
	return token, nil
}

// Link looks at the link of a token and does not open it. With ErrUsedLink and ErrExpiredLink it still tells whose link that is.
func (d *Database) Link(ctx context.Context, token string) (Link, error) {
	var l Link
	var expires, used int64
	found, err := d.one(ctx, "SELECT organization, playbook, expires_at, used_at FROM links WHERE digest = ?", []any{digest(token)},
		&l.Organization, &l.Playbook, &expires, &used)
	l.ExpiresAt = instant(expires)
	switch {
	case err != nil:
		return Link{}, fmt.Errorf("look at a link: %w", err)
	case !found:
		return Link{}, ErrUnknownLink
	case used != 0:
		return l, ErrUsedLink
	case !d.now().Before(l.ExpiresAt):
		return l, ErrExpiredLink
	}
	return l, nil
}

// OpenLink turns a link into a session that lasts so long, once. The returned Link ends when the session does; with ErrUsedLink and ErrExpiredLink it
// is the link that was not opened.
func (d *Database) OpenLink(ctx context.Context, token string, lasts time.Duration) (session string, l Link, err error) {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return "", Link{}, fmt.Errorf("open a link: %w", err)
	}
	session, l, err = d.openLink(ctx, tx, token, lasts)
	if errors.Is(err, sql.ErrNoRows) {
		_ = tx.Rollback() // nothing was written
		if l, err = d.Link(ctx, token); err == nil {
			err = errors.New("open a link: another tried at the same time: try again")
		}
		return "", l, err
	}
	if err == nil {
		err = tx.Commit()
	} else {
		_ = tx.Rollback() // it is of no use any more, whatever became of it
	}
	if err != nil {
		return "", Link{}, fmt.Errorf("open a link: %w", err)
	}
	return session, l, nil
}

func (d *Database) openLink(ctx context.Context, tx *sql.Tx, token string, lasts time.Duration) (session string, l Link, err error) {
	now := d.now()
	row := tx.QueryRowContext(ctx, d.sql("UPDATE links SET used_at = ? WHERE digest = ? AND used_at = 0 AND expires_at > ? RETURNING organization, playbook"),
		millis(now), digest(token), millis(now))
	if err := row.Scan(&l.Organization, &l.Playbook); err != nil {
		return "", Link{}, err //nolint:wrapcheck // OpenLink says what failed
	}
	session, l.ExpiresAt = newToken(), instant(millis(now.Add(lasts)))
	_, err = tx.ExecContext(ctx, d.sql("INSERT INTO sessions (digest, organization, playbook, expires_at) VALUES (?, ?, ?, ?)"),
		digest(session), l.Organization, l.Playbook, millis(l.ExpiresAt))
	return session, l, err //nolint:wrapcheck // OpenLink says what failed
}

// Session returns what the session is for and when it ends, or ErrNoSession.
func (d *Database) Session(ctx context.Context, session string) (Link, error) {
	var l Link
	var expires int64
	found, err := d.one(ctx, "SELECT organization, playbook, expires_at FROM sessions WHERE digest = ? AND expires_at > ?",
		[]any{digest(session), millis(d.now())}, &l.Organization, &l.Playbook, &expires)
	switch {
	case err != nil:
		return Link{}, fmt.Errorf("look at a session: %w", err)
	case !found:
		return Link{}, ErrNoSession
	}
	l.ExpiresAt = instant(expires)
	return l, nil
}

// EndSession ends a session. One that is not there has ended already.
func (d *Database) EndSession(ctx context.Context, session string) error {
	if _, err := d.exec(ctx, "DELETE FROM sessions WHERE digest = ?", digest(session)); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}
