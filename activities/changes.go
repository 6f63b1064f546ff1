package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// ChangesInput asks to watch pairs that were switched.
type ChangesInput struct {
	Who      Who                `json:"who"`
	Cards    Cards              `json:"cards"`
	Playbook string             `json:"playbook,omitempty"` // its name, by which the base is found
	Pairs    []Watched          `json:"pairs"`
	Poll     migration.Duration `json:"poll"`
	Until    time.Time          `json:"until"` // the old API is closed from here
}

// Watched is a pair that was switched, as its last plan saw it.
type Watched struct {
	Old         string `json:"old"`
	New         string `json:"new"`
	Fingerprint string `json:"fingerprint"`
}

// AwaitChanges returns as soon as somebody changed a pair that was switched: the old dataflow runs again, the copy does not, or either side's
// content is another. It returns the old dataflows of those pairs, or none when the old API is closed. Until then each attempt ends in NotYet. The
// first attempt always does, so that a worker whose clock is ahead of the server's is not asked again and again at the shutdown.
func (a *Activities) AwaitChanges(ctx context.Context, in ChangesInput) ([]string, error) {
	defer keepAlive(ctx)()
	left := in.Until.Sub(a.Now())
	next := max(min(in.Poll.Std(), left), time.Second)
	if activity.GetInfo(ctx).Attempt == 1 {
		return nil, notYet(fmt.Sprintf("watching %d dataflow(s) until %s", len(in.Pairs), migration.Instant(in.Until)), next)
	}
	if left <= 0 {
		return nil, nil
	}
	flows := map[string]migration.Dataflow{}
	for _, name := range in.Who.Sandboxes {
		sandbox, err := a.sandbox(in.Who, name)
		if err != nil {
			return nil, mapError(ctx, "watch", err)
		}
		cards, err := a.watchedCards(ctx, sandbox, in)
		if err != nil {
			return nil, mapError(ctx, "watch", err)
		}
		listed, err := sandbox.Dataflows(ctx, cards.old, cards.new)
		if err != nil {
			return nil, mapError(ctx, "watch", err)
		}
		for _, flow := range listed {
			flows[flow.ID] = dataflow(flow, name)
		}
	}
	var changed []string
	for _, pair := range in.Pairs {
		if migration.Disturbed(flows, pair.Old, pair.New, pair.Fingerprint) {
			changed = append(changed, pair.Old)
		}
	}
	if len(changed) == 0 {
		return nil, notYet(fmt.Sprintf("%d dataflow(s) as they should be after %d look(s)", len(in.Pairs), activity.GetInfo(ctx).Attempt), next)
	}
	return changed, nil
}

// watchedCards reads the base, which can be large, only for a card that is not in Adobe's catalog any more.
func (a *Activities) watchedCards(ctx context.Context, sandbox *adobe.Sandbox, in ChangesInput) (cards, error) {
	found, err := a.cards(ctx, sandbox, in.Cards, nil)
	if _, missing := errors.AsType[cardMissing](err); !missing || in.Playbook == "" {
		return found, err
	}
	base, err := a.base(ctx, in.Playbook, in.Who.ID)
	if err != nil {
		return found, err
	}
	return a.cards(ctx, sandbox, in.Cards, base)
}
