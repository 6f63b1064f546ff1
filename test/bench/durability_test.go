package main

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/test/stack"
)

// The same number of calls as the product's, by `make budget` (vendor_calls), but for Adobe's catalog, which is read once for all.
const plainCalls = 36

func TestThePlainProgramCarriesEverybodyOver(t *testing.T) {
	t.Parallel()
	b := &bench{out: io.Discard}
	b.dir = t.TempDir()
	b.binaries.Emulator = buildEmulator(t)
	const n = 3
	c, err := b.carryPlainly(t.Context(), fleet{organizations: n, reads: true})
	require.NoError(t, err)
	require.LessOrEqual(t, c.total(), n*plainCalls)
	require.GreaterOrEqual(t, c.total(), n*plainCalls-(n-1))
	require.Equal(t, 3*n, c.calls["write flow enable"])
	require.Equal(t, 3*n, c.calls["write flow disable"])
	require.Equal(t, n, c.calls["list run"]/2)
	require.Zero(t, c.refused)
	require.Positive(t, c.took)
}

func TestThePlainProgramRefusesWhatChanged(t *testing.T) {
	t.Parallel()
	b := &bench{out: io.Discard}
	b.dir = t.TempDir()
	b.binaries.Emulator = buildEmulator(t)
	w, err := b.newVendors(t.Context(), fleet{organizations: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.closers.Close()) })
	p, err := newPlainProgram(w)
	require.NoError(t, err)
	s := p.sandboxOf(0)
	planned, err := p.look(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, planned.pairs, 3)
	require.Error(t, signedIn(t.Context(), s, planned.account(accountOf(0))), "nobody signed in")
	pair := planned.pairs[0]
	require.NoError(t, w.vendor.EditFlow(t.Context(), idOf(0), sandbox, pair.old.ID, emulator.Edit{By: "customer", State: "disabled"}))
	require.ErrorContains(t, p.switchPair(t.Context(), s, pair), "changed")
}

func TestTheSameWorkIsTheSameCalls(t *testing.T) {
	t.Parallel()
	plainly := map[string]int{"list flow": 4, "write flow enable": 6}
	require.NoError(t, sameCalls(map[string]int{"list flow": 4, "write flow enable": 6}, plainly, 1))
	require.NoError(t, sameCalls(map[string]int{"list flow": 5, "write flow enable": 5}, plainly, 1))
	require.ErrorContains(t, sameCalls(map[string]int{"list flow": 7, "write flow enable": 6}, plainly, 1), "not the same work")
	require.ErrorContains(t, sameCalls(map[string]int{"list flow": 4}, plainly, 1), "not the same work", "what was not asked at all counts too")
	require.ErrorContains(t, sameCalls(map[string]int{"list flow": 4, "write flow enable": 6, "read flow": 3}, plainly, 1), "not the same work")
}

func TestCallsAreCountedByKind(t *testing.T) {
	t.Parallel()
	calls, refused := callsOf([]emulator.Entry{
		{Kind: emulator.KindToken, Op: "mint", Status: 200},
		{Kind: emulator.KindList, Entity: "flow", Status: 200},
		{Kind: emulator.KindList, Entity: "flow", Status: 200},
		{Kind: emulator.KindWrite, Entity: "flow", Op: "enable", Status: 202},
		{Kind: emulator.KindRefused, Entity: "flow", Status: 429},
		{Kind: emulator.KindList, Entity: "flow", Status: 429},
		{Kind: emulator.KindState, Entity: "flow"},
		{Kind: emulator.KindEdit, Entity: "connection", Op: "reconnect"},
	})
	require.Equal(t, map[string]int{"token mint": 1, "list flow": 2, "write flow enable": 1}, calls)
	require.Equal(t, 2, refused)
}

// buildEmulator builds the vendors alone.
func buildEmulator(t *testing.T) string {
	t.Helper()
	root, err := stack.ModuleRoot()
	require.NoError(t, err)
	binary := filepath.Join(t.TempDir(), "emulator")
	build := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-o", binary, "./emulator")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	return binary
}
