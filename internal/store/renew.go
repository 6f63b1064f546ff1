package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"cutover/internal/pinterest"
)

// Refresh asks the vendor for a new grant. The refresh token that is given may be dead by the time it returns.
type Refresh = func(ctx context.Context, refreshToken string) (pinterest.Grant, error)

const (
	// How often somebody looks whether another has done: a renewal takes some tenths of a second.
	firstLook, laterLook = 10 * time.Millisecond, 250 * time.Millisecond
	// noLease is longer than any lease: one that seems to last so long was taken before the database's clock was set back.
	noLease = time.Hour
	// persistTries is how many tries there is time for when none is answered: a connection that hangs must leave time for another.
	persistTries = 24
	// maxWhy is enough for a vendor's message and its request id.
	maxWhy = 500
)

// RenewGrant returns the grant, renewed if due says so. Of all who call it for one grant, in one process or many, one asks the vendor; the others wait
// until ctx ends for what that one got. due is asked again when the wait is over.
//
// Once refresh is called it is not cancelled, since the vendor may have replaced the token already; it gets three quarters of a minute. What it returns is
// stored before it is returned here. When the vendor refuses the token (pinterest.ErrInvalidGrant) the grant is marked as refused, unless somebody put
// another there meanwhile: then that one is looked at. After any other error everything is as before, and the next call tries the same token.
func (d *Database) RenewGrant(ctx context.Context, o Owner, due func(Held) bool, refresh Refresh) (Held, error) {
	for {
		held, err := d.renewOnce(ctx, o, due, refresh)
		switch {
		case errors.Is(err, errReplaced):
			continue
		case err != nil:
			return Held{}, fmt.Errorf("renew grant of %s: %w", o, err)
		}
		return held, nil
	}
}

// errClosing says that the vendor was not asked, since its answer could not be stored.
var errClosing = errors.New("the store is closed")

// errReplaced says that the refused token is not the one of the grant any more.
var errReplaced = errors.New("the grant was replaced")

func (d *Database) renewOnce(ctx context.Context, o Owner, due func(Held) bool, refresh Refresh) (Held, error) {
	held, release, err := d.take(ctx, o, due)
	if err != nil || release == nil {
		return held, err
	}
	if !d.renewing.TryRLock() {
		release()
		return Held{}, errClosing
	}
	defer d.renewing.RUnlock()
	defer release()
	ctx = context.WithoutCancel(ctx)
	spent := held.Grant.RefreshToken
	asking, cancel := context.WithTimeout(ctx, d.lease*3/4) // while the lease holds others off
	fresh, err := refresh(asking, spent)
	cancel()
	switch {
	case err == nil:
		return d.keep(ctx, held, whole(fresh, held.Grant))
	case errors.Is(err, pinterest.ErrInvalidGrant):
		return Held{}, d.refuse(ctx, o, spent, err)
	}
	return Held{}, err
}

// whole fills in what an answer leaves out because it stays as it was, such as the refresh token of an older app.
func whole(fresh, spent pinterest.Grant) pinterest.Grant {
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = spent.RefreshToken
	}
	if fresh.RefreshToken == spent.RefreshToken && fresh.RefreshExpiresAt.IsZero() {
		fresh.RefreshExpiresAt = spent.RefreshExpiresAt
	}
	if len(fresh.Scopes) == 0 {
		fresh.Scopes = spent.Scopes
	}
	return fresh
}

// take returns the grant and, if it is due, the right to renew it: a lease in its row, by the database's clock, which runs out when its holder dies.
func (d *Database) take(ctx context.Context, o Owner, due func(Held) bool) (held Held, release func(), err error) {
	me := rand.Text()
	for look := firstLook; ; look = min(2*look, laterLook) {
		if held, err = d.grant(ctx, o); err != nil || !due(held) {
			return held, nil, err
		}
		n, err := d.exec(ctx, `UPDATE grants SET locked_by = ?, locked_until = CLOCK + ?
			WHERE organization = ? AND account = ? AND digest = ? AND (locked_by = '' OR locked_until < CLOCK OR locked_until > CLOCK + ?)`,
			me, d.lease.Milliseconds(), o.Organization, o.Account, digest(held.Grant.RefreshToken), noLease.Milliseconds())
		if err != nil {
			return Held{}, nil, err
		}
		if n > 0 {
			break
		}
		if err := pause(ctx, look); err != nil {
			return Held{}, nil, fmt.Errorf("another renews it: %w", err)
		}
	}
	ctx = context.WithoutCancel(ctx)
	release = func() {
		ctx, cancel := context.WithTimeout(ctx, d.lease)
		defer cancel()
		// What cannot be released runs out.
		_, _ = d.exec(ctx, "UPDATE grants SET locked_by = '' WHERE organization = ? AND account = ? AND locked_by = ?", o.Organization, o.Account, me)
	}
	// A vendor whose refresh tokens stay the same may have renewed it between the look and the lease.
	if held, err = d.grant(ctx, o); err != nil || !due(held) {
		release()
		return held, nil, err
	}
	return held, release, nil
}

// keep stores what the vendor gave for the token that was spent, whoever has the lease by now. Where another grant stands, that one stays.
func (d *Database) keep(ctx context.Context, spent Held, fresh pinterest.Grant) (Held, error) {
	sealed, err := d.sealTokens(spent.Owner, fresh)
	if err != nil {
		return Held{}, err
	}
	var now Held
	err = d.persist(ctx, func(ctx context.Context) error {
		_, err := d.exec(ctx, `UPDATE grants SET sealed = ?, digest = ?, scopes = ?, expires_at = ?, refresh_expires_at = ?, issued_at = ?,
			refused_at = 0, why = '' WHERE organization = ? AND account = ? AND digest = ?`,
			sealed, digest(fresh.RefreshToken), strings.Join(fresh.Scopes, ","), millis(fresh.ExpiresAt), millis(fresh.RefreshExpiresAt), millis(d.now()),
			spent.Organization, spent.Account, digest(spent.Grant.RefreshToken))
		if err == nil {
			now, err = d.grant(ctx, spent.Owner)
		}
		return err
	})
	if err != nil {
		return Held{}, fmt.Errorf("the vendor renewed it, and the store did not take it (if its token is refused from now on, a person must consent again): %w", err)
	}
	return now, nil
}

// refuse marks the grant and returns the refusal, or errReplaced if the token that was refused is not the grant's any more.
func (d *Database) refuse(ctx context.Context, o Owner, spent string, refusal error) error {
	var current Held
	err := d.persist(ctx, func(ctx context.Context) error {
		why := strings.ToValidUTF8(refusal.Error()[:min(len(refusal.Error()), maxWhy)], "")
		_, err := d.exec(ctx, "UPDATE grants SET refused_at = ?, why = ? WHERE organization = ? AND account = ? AND digest = ? AND refused_at = 0",
			millis(d.now()), why, o.Organization, o.Account, digest(spent))
		if err == nil {
			current, err = d.grant(ctx, o)
		}
		return err
	})
	if err == nil && current.Grant.RefreshToken != spent {
		return errReplaced
	}
	if err != nil && !errors.Is(err, ErrNoGrant) {
		return errors.Join(refusal, err)
	}
	return refusal
}

// persist tries until the store answers: what the vendor said cannot be asked again.
func (d *Database) persist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.insist)
	defer cancel()
	for look := firstLook; ; look = min(2*look, 10*laterLook) {
		try, cancel := context.WithTimeout(ctx, d.insist/persistTries)
		err := do(try)
		cancel()
		if err == nil || errors.Is(err, ErrNoGrant) || errors.Is(err, ErrWrongKeys) {
			return err
		}
		if pause(ctx, look) != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
