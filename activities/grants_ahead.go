package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/migration"
	"cutover/internal/pinterest"
)

const (
	// grantsPoll is how often the grants are looked at, at least.
	grantsPoll = time.Hour
	// grantsSoon bounds how often they are, also when one is due at once again.
	grantsSoon = time.Minute
	// grantsRoundFor bounds one look at all grants, well under the five minutes that an attempt has: one refresh may hang for most of a minute.
	grantsRoundFor = 3 * time.Minute
	// refreshLeft is how long before its refresh token ends a grant is renewed, whatever its access token has left.
	refreshLeft = 7 * 24 * time.Hour
	// refreshAgain keeps a grant whose refresh token is never replaced from being renewed at every look in its last week.
	refreshAgain = 24 * time.Hour
	// unknownLife stands for the life of an access token whose end Pinterest does not tell.
	unknownLife = 30 * 24 * time.Hour
	// namedGrants keeps an answer short.
	namedGrants = 5
)

// RenewGrants renews every grant that is held ahead of its end. It never returns: each attempt ends in NotYet, which says how the grants stand, and
// the retry interval is how often it looks. One that cannot be renewed keeps no other one waiting.
func (a *Activities) RenewGrants(ctx context.Context) error {
	defer keepAlive(ctx)()
	if a.Grants == nil || a.Pinterest == nil {
		return notYet("no grants are kept: the worker has no app at Pinterest", grantsPoll)
	}
	grants, err := a.Grants.GrantsWithoutTokens(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		activity.GetLogger(ctx).Warn("the grants that are held cannot be read", "Error", err)
		return notYet("the grants that are held cannot be read: "+short(err), grantsSoon)
	}
	round := grantsRound{held: len(grants)}
	ends := a.Now().Add(grantsRoundFor)
	first := int(activity.GetInfo(ctx).Attempt) - 1 // another one each time, so that those that hang starve no other
	for i := range grants {
		if !a.Now().Before(ends) {
			round.left = len(grants) - i
			break
		}
		if err := a.renewAhead(ctx, grants[(first+i)%len(grants)], &round); err != nil {
			return err
		}
	}
	return notYet(round.String(), round.wait(a.Now()))
}

// renewAhead renews one grant that is due. Its error is that of ctx alone.
func (a *Activities) renewAhead(ctx context.Context, held pinterest.Held, round *grantsRound) error {
	if !held.RefusedAt.IsZero() {
		round.refused = append(round.refused, held.Owner)
		return nil
	}
	if a.Now().Before(renewAt(held)) {
		round.next(renewAt(held))
		return nil
	}
	fresh, err := a.Grants.RenewGrant(ctx, held.Owner, func(h pinterest.Held) bool { return !a.Now().Before(renewAt(h)) }, a.refresh)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, pinterest.ErrNoGrant): // removed meanwhile
		round.held--
	case err == nil:
		round.renewed++
		round.next(renewAt(fresh))
	default:
		activity.GetLogger(ctx).Warn("a grant could not be renewed", "Organization", held.Organization, "Account", held.Account, "Error", err)
		if errors.Is(err, pinterest.ErrInvalidGrant) {
			round.refused = append(round.refused, held.Owner)
		} else {
			round.failed = append(round.failed, held.Owner)
			round.why = short(err)
		}
	}
	return nil
}

// renewAt is when a grant is renewed: with a third of its access token's life left, and well before its refresh token ends.
func renewAt(h pinterest.Held) time.Time {
	life := unknownLife
	if !h.Grant.ExpiresAt.IsZero() {
		life = h.Grant.ExpiresAt.Sub(h.IssuedAt)
	}
	at := h.IssuedAt.Add(life * 2 / 3)
	if end := h.Grant.RefreshExpiresAt; !end.IsZero() && end.Add(-refreshLeft).Before(at) {
		at = end.Add(-refreshLeft)
		if soonest := h.IssuedAt.Add(min(refreshAgain, life*2/3)); at.Before(soonest) {
			at = soonest
		}
	}
	return at
}

// grantsRound is what one look at all grants came to.
type grantsRound struct {
	held, renewed   int
	left            int // that there was no time for
	refused, failed []pinterest.Owner
	why             string // the last one failed
	due             time.Time
}

func (g *grantsRound) next(at time.Time) {
	if g.due.IsZero() || at.Before(g.due) {
		g.due = at
	}
}

func (g *grantsRound) wait(now time.Time) time.Duration {
	if g.left > 0 {
		return grantsSoon
	}
	if g.due.IsZero() {
		return grantsPoll
	}
	return max(grantsSoon, min(grantsPoll, g.due.Sub(now)))
}

func (g *grantsRound) String() string {
	text := fmt.Sprintf("%d grant(s) held, %d renewed now", g.held, g.renewed)
	if len(g.refused) > 0 {
		text += fmt.Sprintf("; %d refused, where a person must consent again: %s", len(g.refused), names(g.refused))
	}
	if len(g.failed) > 0 {
		text += fmt.Sprintf("; %d not renewed yet: %s (%s)", len(g.failed), names(g.failed), g.why)
	}
	if g.left > 0 {
		text += fmt.Sprintf("; %d are looked at next, since the others took long", g.left)
	}
	if !g.due.IsZero() {
		text += "; the next is due at " + migration.Instant(g.due)
	}
	return text
}

func names(owners []pinterest.Owner) string {
	var list []string
	for i, o := range owners {
		if i == namedGrants {
			list = append(list, fmt.Sprintf("and %d more", len(owners)-namedGrants))
			break
		}
		list = append(list, fmt.Sprintf("account %s of %s", o.Account, o.Organization))
	}
	return strings.Join(list, ", ")
}
