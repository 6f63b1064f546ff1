package main

import (
	"context"
	"errors"
	"fmt"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// fatesOfVerdicts are those of organizations whose first flow runs on the new card are not good.
func fatesOfVerdicts() []fate {
	return []fate{
		{
			name: "canary_failed", company: "Quartz", sandboxes: copied(emulator.Copy{Runs: emulator.RunsFail}, prod("Minerals", "Gems", "Fossils")),
			people: giveUpAfterTheCanary, outcome: migration.RolledBack, stays: []string{"Minerals", "Gems", "Fossils"},
			check: oneThereAndBack,
		},
		{
			name: "inconclusive_held", company: "River", sandboxes: copied(emulator.Copy{Profiles: new(tooFew)}, prod("Anglers", "Rowers")),
			people: settleTheCounts, outcome: migration.Migrated,
			check: noticed(migration.NoticeAttention),
		},
	}
}

const (
	tooFew = 50   // identities in a run of a copy, where the old dataflow has enough
	enough = 1000 // identities in a run
)

// copied has every copy differ from its original.
func copied(how emulator.Copy, sandboxes []emulator.Sandbox) []emulator.Sandbox {
	for i := range sandboxes[0].Dataflows {
		sandboxes[0].Dataflows[i].Copy = &how
	}
	return sandboxes
}

// giveUpAfterTheCanary: the first copy fails and goes back by itself; the operator ends the migration with everything on the old card.
func giveUpAfterTheCanary(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if _, err := o.command(ctx, "rolled back by "+migration.Itself); err != nil {
		return err
	}
	return o.typed(ctx, "cancel", "--org", o.ID, "--yes")
}

// oneThereAndBack checks that one pair was switched and rolled back in the reverse order, and that nothing else was touched.
func oneThereAndBack(o *organization, f found) error {
	var writes []emulator.Entry
	for _, e := range f.facts.Ledger {
		if e.Organization == o.ID && e.Kind == emulator.KindWrite && e.Applied {
			writes = append(writes, e)
		}
	}
	if len(writes) != 4 {
		return fmt.Errorf("%d writes, wanted one pair switched and rolled back", len(writes))
	}
	original, copied := writes[1].ID, writes[0].ID
	for i, want := range []struct{ op, id string }{{"enable", copied}, {"disable", original}, {"enable", original}, {"disable", copied}} {
		if writes[i].Op != want.op || writes[i].ID != want.id || writes[0].Origin != original {
			return fmt.Errorf("write %d was %s of %s, wanted %s of %s", i+1, writes[i].Op, writes[i].ID, want.op, want.id)
		}
	}
	return nil
}

// settleTheCounts: the first copy delivers too little to tell, and the operator takes it for good; the others then deliver what they should.
func settleTheCounts(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	status, err := o.await(ctx, "a verdict that says nothing", func(s migration.Status) bool {
		return s.Phase == migration.NeedsAttention && len(s.Pairs) > 0
	})
	if err != nil {
		return err
	}
	switched := 0
	for _, pair := range status.Pairs {
		if !pair.SwitchedAt.IsZero() {
			switched++
		}
	}
	if switched != 1 {
		return errors.New("others were switched before the first one was verified")
	}
	for _, name := range []string{"Anglers", "Rowers"} {
		if err := o.edit(ctx, newCard, name, emulator.Edit{Profiles: new(enough)}); err != nil {
			return err
		}
	}
	return o.answer(ctx, "identities", migration.AnswerAccept)
}
