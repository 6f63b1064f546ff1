package activities

import (
	"context"
	"fmt"

	"cutover/internal/migration"
	"cutover/internal/notify"
)

// Notify delivers a notice, once per key; the receipt is kept with it. One that is not due yet ends in NotYet with the retry at its time: a reminder costs no timer.
func (a *Activities) Notify(ctx context.Context, n migration.Notice) error {
	defer keepAlive(ctx)()
	if wait := n.NotBefore.Sub(a.Now()); !n.NotBefore.IsZero() && wait > 0 {
		return notYet("due at "+migration.Instant(n.NotBefore), wait)
	}
	_, err := a.Notices.Deliver(ctx, notify.Notice{
		Key: n.Key, Kind: string(n.Kind), Organization: n.Organization, To: n.To, Subject: n.Subject(), Text: n.Text(),
	})
	return mapError(ctx, fmt.Sprintf("notify %s (%s)", n.Organization, n.Kind), err)
}
