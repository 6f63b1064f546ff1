package activities

import (
	"context"
	"slices"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// probeWayBack has Adobe test the account of every old dataflow that the plan switches off, each account once, because a rollback would need it. It
// marks those that fail in the snapshot and tells whether there are any. The test is a hint: one that gives no result says nothing.
func (a *Activities) probeWayBack(ctx context.Context, who Who, plan migration.Plan, s *migration.Snapshot) (failing bool, err error) {
	needed := map[string]bool{}
	for _, d := range s.Old {
		needed[d.Account] = needed[d.Account] || slices.ContainsFunc(plan.Pairs, func(p migration.Pair) bool {
			return p.Old == d.ID && (p.Action == migration.Switch || p.Action == migration.Finish)
		})
	}
	for i := range s.OldAccounts {
		account := &s.OldAccounts[i]
		if !needed[account.ID] {
			continue
		}
		sandbox, err := a.sandbox(who, account.Sandbox)
		if err != nil {
			return failing, err
		}
		probe, err := sandbox.TestAccount(ctx, account.ID)
		if err != nil && !hopeless(ctx, err) {
			return failing, err
		}
		account.Failing = probe == adobe.ProbeFailed
		failing = failing || account.Failing
	}
	return failing, nil
}
