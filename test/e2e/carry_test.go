package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/test/e2e/world"
)

// The worker is killed between two audiences that it carries over to a copy.
func TestKillInMidCarry(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}, Rules: "drift: {audience_added: carry}\n"})
	w.Type(t, "start", "--all")
	w.Waits(t, acme, 1)
	old := dataflow(t, w, acme, "old")
	require.NoError(t, w.Vendor.EditFlow(t.Context(), acme.ID(), world.Sandbox, old.ID, emulator.Edit{
		By: "marketing", AddAudiences: []emulator.Audience{{Name: "Bought twice"}, {Name: "Bought thrice"}},
	}))
	_, err := w.Vendor.AddFault(t.Context(), emulator.Fault{
		Organization: acme.ID(), Route: "PATCH /flows/{id}", After: 1, Times: 1, Effect: emulator.EffectDelay, Delay: inBetween,
	})
	require.NoError(t, err)
	signIn(t, w, acme)
	world.Await(t, "the first audience to be on the copy", func(ctx context.Context) ([]emulator.Entry, error) { return w.Writes(ctx, acme) },
		func(writes []emulator.Entry) bool { return len(writes) == 1 })
	require.NoError(t, w.Worker.Kill())
	require.NoError(t, w.Worker.Start(t.Context()))

	w.Migrated(t, acme)
	writes, err := w.Writes(t.Context(), acme)
	require.NoError(t, err)
	var ops, audiences []string
	for _, e := range applied(writes) {
		ops = append(ops, e.Op)
		if e.Op == emulator.OpAddAudience {
			audiences = append(audiences, e.Detail)
		}
	}
	require.Equal(t, []string{emulator.OpAddAudience, emulator.OpAddAudience, "enable", "disable"}, ops, "each once, and all before the copy is enabled")
	require.NotEqual(t, audiences[0], audiences[1])
	require.ElementsMatch(t, dataflow(t, w, acme, "old").Audiences, dataflow(t, w, acme, "new").Audiences)
	require.Len(t, w.Status(t, acme).Pairs[0].Carried, 2)
}
