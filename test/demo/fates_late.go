package main

import (
	"context"
	"fmt"

	"cutover/internal/migration"
)

// lateRecovery is the fate of an organization that comes when its old dataflows are gone: only what was kept of the first look knows them.
func lateRecovery() fate {
	return fate{
		name: "late_recovery", company: "Velvet", sandboxes: prod("Curtains", "Cushions"),
		people: comeWhenTheOldIsGone, outcome: migration.Migrated, deleted: true,
		check: all(noticed(migration.NoticeUndelivered), missedWrittenDown),
	}
}

func comeWhenTheOldIsGone(ctx context.Context, o *organization) error {
	names := []string{"Curtains", "Cushions"}
	ids := make([]string, len(names))
	for i, name := range names {
		flow, err := o.dataflow(ctx, oldCard, name)
		if err != nil {
			return err
		}
		ids[i] = flow.ID
	}
	if err := o.until(ctx, o.timeline.Shutdown); err != nil {
		return err
	}
	for _, id := range ids {
		if err := o.play.vendor.DeleteFlow(ctx, o.ID, "prod", id, "adobe"); err != nil {
			return err
		}
	}
	return late(onShutdown, migration.ShutDown)(ctx, o)
}

// missedWrittenDown checks that the evidence says, per dataflow, from when to when which audiences were not delivered.
func missedWrittenDown(o *organization, f found) error {
	missed := f.missed[o.ID]
	if len(missed) != len(o.sandboxes[0].Dataflows) {
		return fmt.Errorf("the evidence has %d dataflows that did not deliver", len(missed))
	}
	for _, m := range missed {
		if m.From.IsZero() || !m.To.After(m.From) || len(m.Audiences) == 0 {
			return fmt.Errorf("the evidence does not say what %q did not deliver from when to when", m.Name)
		}
	}
	return nil
}
