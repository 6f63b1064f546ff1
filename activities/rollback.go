package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cutover/internal/migration"
)

// RollBackInput asks to carry one pair back to the old card.
type RollBackInput struct {
	Who       Who              `json:"who"`
	Playbook  string           `json:"playbook"` // its name
	Sandbox   string           `json:"sandbox"`
	Old       string           `json:"old"`
	New       string           `json:"new"`
	Order     migration.Order  `json:"order"`
	CarryBack migration.Policy `json:"carry_back,omitempty"` // audiences that were added to the copy
	Shutdown  time.Time        `json:"shutdown"`             // from here on nothing leads back
}

// RollBackPair carries one pair back, in the reverse order of its switch: what was added to the copy meanwhile is added to the old dataflow, the old
// one is enabled and seen enabled, the copy disabled and seen disabled. It refuses what would lose changes, except where the copy is gone: then
// nothing can be carried back, and nothing delivers. Every attempt decides from what the vendor shows.
func (a *Activities) RollBackPair(ctx context.Context, in RollBackInput) (migration.Moved, error) {
	defer keepAlive(ctx)()
	operation := fmt.Sprintf("roll dataflow %s back from its copy %s in sandbox %s of organization %s", in.Old, in.New, in.Sandbox, in.Who.ID)
	if !a.Now().Before(in.Shutdown) {
		return migration.Moved{}, permanent(operation+": the old API is closed since "+migration.Instant(in.Shutdown), RollbackRefused)
	}
	sandbox, err := a.sandbox(in.Who, in.Sandbox)
	if err != nil {
		return migration.Moved{}, mapError(ctx, operation, err)
	}
	const revive = true // a copy that somebody disabled meanwhile, because it failed, is no reason to leave both off
	move := pairMove{a, sandbox, in.Sandbox, in.Order, in.New, in.Old, revive, false}
	done, err := a.rollBack(ctx, move, in)
	return done, mapError(ctx, operation, err)
}

// rollBack looks at both sides again after it carried something back: that takes a while, and people may have been at work meanwhile.
func (a *Activities) rollBack(ctx context.Context, move pairMove, in RollBackInput) (done migration.Moved, err error) {
	base, err := a.base(ctx, in.Playbook, in.Who.ID)
	if err != nil {
		return done, err
	}
	var carried []migration.Carry
	for {
		old, err := move.read(ctx, in.Old)
		if err != nil {
			return done, err
		}
		copied, err := move.read(ctx, in.New)
		if err != nil {
			return done, err
		}
		if old.State == migration.Gone {
			return done, permanent(fmt.Sprintf("dataflow %s is not there any more: there is nothing to go back to", in.Old), RollbackRefused)
		}
		if copied.State == migration.Gone { // compared with it, the old dataflow would lose every audience
			done, err = move.run(ctx, copied, old)
			done.Carried, done.Note = carried, "the copy is not there any more, so what was added to it could not be carried back"
			return done, err
		}
		changes, lost := migration.CarryBack(old, copied, base)
		if in.CarryBack == migration.Block {
			for _, c := range changes {
				lost = append(lost, "the old dataflow does not follow: "+c.String())
			}
		}
		if len(lost) > 0 {
			return done, permanent("going back would lose changes: "+strings.Join(lost, "; ")+"; make them on the old dataflow too, then roll back", RollbackRefused)
		}
		if len(changes) == 0 {
			done, err = move.run(ctx, copied, old)
			done.Carried = carried
			return done, err
		}
		if err := move.carry(ctx, in.Old, in.New, changes); err != nil {
			return done, err
		}
		carried = append(carried, changes...)
	}
}
