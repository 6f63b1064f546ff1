package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// fatesOfEdits are those of organizations whose people change dataflows in Adobe meanwhile.
func fatesOfEdits() []fate {
	return []fate{
		{
			name: "drift_carried", company: "Orchid", sandboxes: prod("Repotting", "Rare species"),
			people: addAnAudienceFirst, outcome: migration.Migrated,
			check: audienceCarried,
		},
		{
			name: "drift_blocked", company: "Pine", sandboxes: prod("Ski passes", "Lift tickets"),
			people: putTheAdvertiserRight, outcome: migration.Migrated,
			check: noticed(migration.NoticeAttention),
		},
		{
			name: "reenabled_old", company: "Umber", sandboxes: prod("Sketchers", "Painters"),
			people: enableTheOldAgain, outcome: migration.Migrated,
			check: all(noticed(migration.NoticeAttention), disabledTwice),
		},
	}
}

// lateAudience is added to an old dataflow after it was copied.
const lateAudience = "New growers"

// addAnAudienceFirst: Adobe carries nothing over that is added after the copy was made.
func addAnAudienceFirst(ctx context.Context, o *organization) error {
	if err := o.edit(ctx, oldCard, "Repotting", emulator.Edit{AddAudiences: []emulator.Audience{{Name: lateAudience}}}); err != nil {
		return err
	}
	return o.signInAndSay(ctx)
}

func audienceCarried(o *organization, f found) error {
	for _, pair := range f.status[o.ID].Pairs {
		for _, c := range pair.Carried {
			if c.Audience.Name == lateAudience && !c.Back {
				id := c.Audience.ID
				written := f.first(o, func(e emulator.Entry) bool {
					return e.Op == emulator.OpAddAudience && e.ID == pair.New && e.Detail == id
				})
				enabled := f.first(o, func(e emulator.Entry) bool { return e.Op == "enable" && e.ID == pair.New })
				if written < 0 || enabled < written {
					return fmt.Errorf("audience %q was not on the copy when it was enabled", lateAudience)
				}
				return nil
			}
		}
	}
	return fmt.Errorf("audience %q was not carried over", lateAudience)
}

// putTheAdvertiserRight: somebody gave the copy another ad account. The operator knows the copy all the same, but nobody may accept the difference,
// and only the customer can mend it.
func putTheAdvertiserRight(ctx context.Context, o *organization) error {
	if err := o.edit(ctx, newCard, "Ski passes", emulator.Edit{Advertiser: "549700000000"}); err != nil {
		return err
	}
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if err := o.pairAsCopied(ctx); err != nil {
		return err
	}
	command, err := o.command(ctx, string(migration.AdvertiserOther))
	if err != nil {
		return err
	}
	if !strings.Contains(command, " resume ") {
		return fmt.Errorf("%q is named for what no answer settles", command)
	}
	old, err := o.dataflow(ctx, oldCard, "Ski passes")
	if err != nil {
		return err
	}
	if err := o.refused(ctx, "settle", "--org", o.ID, "--old", old.ID, "--answer", string(migration.AnswerAccept), "--by", operator); err != nil {
		return err
	}
	if err := o.edit(ctx, newCard, "Ski passes", emulator.Edit{Advertiser: advertiser}); err != nil {
		return err
	}
	return o.follow(ctx, string(migration.AdvertiserOther))
}

// enableTheOldAgain: everything is on the new card and watched, and somebody turns an old dataflow on again.
func enableTheOldAgain(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if _, err := o.await(ctx, "the watch", func(s migration.Status) bool { return s.Phase == migration.Watching }); err != nil {
		return err
	}
	if err := o.edit(ctx, oldCard, "Painters", emulator.Edit{State: "enabled"}); err != nil {
		return err
	}
	return o.answer(ctx, "enabled again", migration.AnswerCarry)
}

// disabledTwice checks that the worker turned an old dataflow off, and off again after a person had turned it on.
func disabledTwice(o *organization, f found) error {
	times := map[string]int{}
	for _, e := range f.facts.Ledger {
		if e.Organization == o.ID && e.Kind == emulator.KindWrite && e.Op == "disable" && e.Applied {
			times[e.ID]++
		}
	}
	for _, n := range times {
		if n == 2 {
			return nil
		}
	}
	return errors.New("no old dataflow was turned off twice")
}

// The sides of a pair, as the emulated vendor calls them.
const (
	oldCard = "old"
	newCard = "new"
)

// dataflow is the dataflow of this name on a card, as soon as the workflow has seen both cards.
func (o *organization) dataflow(ctx context.Context, card, name string) (emulator.FlowState, error) {
	if _, err := o.await(ctx, "the first look", func(s migration.Status) bool { return len(s.Accounts) > 0 }); err != nil {
		return emulator.FlowState{}, err
	}
	state, err := o.play.vendor.State(ctx)
	if err != nil {
		return emulator.FlowState{}, err
	}
	flows := state.Organization(o.ID).Sandbox("prod").Flows
	i := slices.IndexFunc(flows, func(f emulator.FlowState) bool { return f.Card == card && f.Name == name })
	if i < 0 {
		return emulator.FlowState{}, fmt.Errorf("no dataflow %q on the %s card", name, card)
	}
	return flows[i], nil
}

// edit has the customer change a dataflow in Adobe's user interface.
func (o *organization) edit(ctx context.Context, card, name string, edit emulator.Edit) error {
	flow, err := o.dataflow(ctx, card, name)
	if err != nil {
		return err
	}
	edit.By = customer
	return o.play.vendor.EditFlow(ctx, o.ID, "prod", flow.ID, edit)
}
