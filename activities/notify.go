package activities

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/sdk/activity"

	"cutover/internal/migration"
	"cutover/internal/notify"
	"cutover/internal/words"
)

// Delivery is how a notice was delivered, where not everything went as it should.
type Delivery struct {
	Channel string   `json:"channel"` // that delivered it
	Faults  []string `json:"faults"`  // of those before it
}

// Notify delivers a notice, once per key; the receipt is kept with it. One that is not due yet ends in NotYet with the retry at its time: a reminder costs no timer.
//
// A channel that failed before another one delivered comes back as a fault, for the operator to see.
func (a *Activities) Notify(ctx context.Context, n migration.Notice) (*Delivery, error) {
	defer keepAlive(ctx)()
	if wait := n.NotBefore.Sub(a.Now()); !n.NotBefore.IsZero() && wait > 0 {
		return nil, notYet("due at "+migration.Instant(n.NotBefore), wait)
	}
	link, fault := a.link(ctx, n)
	letter := words.Notice(n, link)
	receipt, err := a.Notices.Deliver(ctx, notify.Notice{
		Key: n.Key, Kind: string(n.Kind), Organization: n.Organization, To: n.To, Subject: letter.Subject, Text: letter.Text, HTML: letter.HTML,
	})
	if err != nil {
		return nil, mapError(ctx, fmt.Sprintf("notify %s (%s)", n.Organization, n.Kind), err)
	}
	delivery := Delivery{Channel: receipt.Channel}
	for _, f := range receipt.Faults {
		delivery.Faults = append(delivery.Faults, fmt.Sprintf("channel %s failed: %s", f.Channel, f.Why))
	}
	if fault != "" {
		delivery.Faults = append(delivery.Faults, fault)
	}
	if len(delivery.Faults) == 0 {
		return nil, nil //nolint:nilnil // nothing went wrong, which histories need no words for
	}
	return &delivery, nil
}

// link is the organization's own one to the reconnect page, for a notice that asks its people to sign in. It is made for this delivery and kept nowhere
// else. A notice goes out without it rather than not at all.
func (a *Activities) link(ctx context.Context, n migration.Notice) (link, fault string) {
	if a.Links == nil || len(n.To) == 0 || len(n.Accounts) == 0 {
		return "", ""
	}
	playbook, _, _ := strings.Cut(n.Key, "/") // see migration.State.NewNotice
	link, err := a.Links.NewLink(ctx, playbook, n.Organization)
	if err != nil {
		activity.GetLogger(ctx).Warn("a notice goes out without a link to the reconnect page", "Organization", n.Organization, "Error", err)
		return "", "it holds no link to the reconnect page: " + short(err)
	}
	return link, ""
}
