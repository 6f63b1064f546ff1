package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
)

// A watch outlives the worker, writes no history, and still notices what somebody does.
func TestWatchSurvivesTheWorker(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}, Rules: watchEverySecond})
	w.Type(t, "start", "--all")
	signIn(t, w, acme)
	watched(t, w, acme)
	looks := lists(t, w, acme)
	world.Await(t, "a look", func(context.Context) (int, error) { return lists(t, w, acme), nil }, func(n int) bool { return n > looks })
	events := len(history(t, w, acme, ""))

	require.NoError(t, w.Worker.Kill())
	require.NoError(t, w.Worker.Start(t.Context()))
	looks = lists(t, w, acme)
	world.Await(t, "looks by the worker that came after", func(context.Context) (int, error) { return lists(t, w, acme), nil },
		func(n int) bool { return n > looks+1 })
	require.Len(t, history(t, w, acme, ""), events, "nothing changed, and nothing was written")

	old := dataflow(t, w, acme, "old")
	require.NoError(t, w.Vendor.EditFlow(t.Context(), acme.ID(), world.Sandbox, old.ID, emulator.Edit{By: "marketing", State: "enabled"}))
	w.Until(t, acme, "asks what to do", func(s migration.Status) bool { return s.Phase == migration.NeedsAttention })
	w.Type(t, "settle", "--org", acme.ID(), "--old", old.ID, "--answer", string(migration.AnswerCarry), "--by", "operator")
	watched(t, w, acme)
	states(t, w, acme, map[string]string{"old": "disabled", "new": "enabled"})
}

// lists counts how often dataflows were listed.
func lists(t *testing.T, w *world.World, o world.Organization) (n int) {
	t.Helper()
	ledger, err := w.Vendor.Ledger(t.Context(), 0)
	require.NoError(t, err)
	for _, e := range ledger {
		if e.Organization == o.ID() && e.Kind == emulator.KindList && e.Entity == "flow" {
			n++
		}
	}
	return n
}
