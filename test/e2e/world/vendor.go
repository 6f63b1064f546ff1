package world

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// SignIn is the customer's "Reconnect OAuth" at an account of the new card.
func (w *World) SignIn(t *testing.T, o Organization, account string) {
	t.Helper()
	require.NoError(t, w.Vendor.Reconnect(t.Context(), o.ID(), Sandbox, account, emulator.Reconnection{By: "marketing"}))
}

// Writes are the changes that programs asked an organization's vendor for, applied or not, in their order.
func (w *World) Writes(ctx context.Context, o Organization) ([]emulator.Entry, error) {
	ledger, err := w.Vendor.Ledger(ctx, 0)
	return slices.DeleteFunc(ledger, func(e emulator.Entry) bool { return e.Organization != o.ID() || e.Kind != emulator.KindWrite }), err
}

// SwitchedOnce checks that each dataflow of an organization was carried over by exactly two changes: the copy on, then the old one off.
func (w *World) SwitchedOnce(t *testing.T, o Organization) {
	t.Helper()
	writes, err := w.Writes(t.Context(), o)
	require.NoError(t, err)
	type change struct{ card, op string }
	changes := map[string][]change{} // by the id of the old dataflow
	for _, e := range writes {
		require.True(t, e.Applied, "%s of %s was refused: %s", e.Op, e.ID, e.Detail)
		old := e.ID
		if e.Origin != "" {
			old = e.Origin
		}
		changes[old] = append(changes[old], change{e.Card, e.Op})
	}
	require.Len(t, changes, len(o.Dataflows))
	for old, list := range changes {
		require.Equal(t, []change{{"new", "enable"}, {"old", "disable"}}, list, "pair of %s", old)
	}
}
