package main

import (
	"context"
	"slices"

	"cutover/internal/migration"
	"cutover/workflows"
)

// giveUp: copies fail and go back by themselves, and the operator ends it there.
func giveUp(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if _, err := o.await(ctx, "everything to go back", func(s migration.Status) bool { return settledBack(s, !o.canary) }); err != nil {
		return err
	}
	return o.cancel(ctx)
}

// settledBack tells that pairs went back, and that none is under way; every tells that all are to go there and back.
func settledBack(s migration.Status, every bool) bool {
	back := false
	for _, pair := range s.Pairs {
		switch pair.Progress {
		case migration.WentBack:
			back = true
		case migration.Switched:
			return false
		case migration.Ready:
			if every {
				return false
			}
		case migration.Held, migration.Verified, migration.LeftOff:
		}
	}
	return back
}

// rollBack: nothing tells whether the copies run, and the operator takes back whatever was switched.
func rollBack(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	switched := func(p migration.PairState) bool { return p.Progress == migration.Switched }
	if _, err := o.await(ctx, "a switch", func(s migration.Status) bool { return slices.ContainsFunc(s.Pairs, switched) }); err != nil {
		return err
	}
	in := workflows.Rollback{By: operator, Reason: "the campaign is over"}
	if err := o.update(ctx, workflows.UpdateRollback, in, func(s migration.Status) bool { return s.Paused && settledBack(s, false) }); err != nil {
		return err
	}
	return o.cancel(ctx)
}
