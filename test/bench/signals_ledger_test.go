package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"cutover/internal/emulator"
	"cutover/test/stack"
)

func TestLedgerIsReadOnFromAMark(t *testing.T) {
	t.Parallel()
	w := &world{vendor: &stack.Vendor{LedgerFile: filepath.Join(t.TempDir(), "ledger.jsonl")}}
	write := func(text string) {
		t.Helper()
		require.NoError(t, os.WriteFile(w.vendor.LedgerFile, []byte(text), 0o600))
	}
	write("{\"seq\":1}\n")
	mark, err := w.mark()
	require.NoError(t, err)

	write("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":")
	entries, mark, err := w.since(mark)
	require.NoError(t, err)
	require.Equal(t, []emulator.Entry{{Seq: 2}}, entries, "what was there before the mark and what is not whole yet is left out")

	write("{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n")
	entries, _, err = w.since(mark)
	require.NoError(t, err)
	require.Equal(t, []emulator.Entry{{Seq: 3}}, entries)

	_, _, err = parseEntries([]byte("no entry\n"))
	require.Error(t, err)
}

func TestSwitchedOnce(t *testing.T) {
	t.Parallel()
	good := []emulator.Entry{enabled(0, "one"), disabled(1, "one"), enabled(2, "two"), disabled(3, "two")}
	back := enabled(4, "one")
	back.Card, back.ID, back.Origin = "old", "one", ""
	for name, c := range map[string]struct {
		entries []emulator.Entry
		n       int
		want    bool
	}{
		"once each":                 {good, 2, true},
		"one is missing":            {good, 3, false},
		"one too many":              {good, 1, false},
		"enabled twice":             {append([]emulator.Entry{enabled(9, "two")}, good...), 2, false},
		"disabled twice":            {append([]emulator.Entry{disabled(9, "two")}, good...), 2, false},
		"old one not disabled":      {good[:3], 2, false},
		"disabled without a copy":   {append([]emulator.Entry{disabled(9, "three")}, good...), 3, false},
		"old one enabled once more": {append([]emulator.Entry{back}, good...), 2, false},
	} {
		require.Equal(t, c.want, switchedOnce(c.entries, c.n), name)
	}
}

func TestOnlyCallsOfProgramsAreCounted(t *testing.T) {
	t.Parallel()
	edited := disabled(0, "one")
	edited.Kind = emulator.KindEdit
	entries := []emulator.Entry{read(0), enabled(1, "one"), edited, {Kind: emulator.KindToken}, {Kind: emulator.KindState}, {Kind: emulator.KindRefused}}
	require.Len(t, asked(entries), 3)
	require.Len(t, togglesOf(entries)["acme"], 1, "what a person edits is not toggled by a program")
}

func TestPickIsEvenAndTakesNobodyTwice(t *testing.T) {
	t.Parallel()
	taken := map[int]bool{}
	first := pick(1000, 200, taken)
	require.Equal(t, []int{0, 5, 10}, first[:3])
	require.Equal(t, 995, first[199])
	second := pick(1000, 200, taken)
	require.Equal(t, []int{1, 6, 11}, second[:3])
	require.Len(t, taken, 400)
}

func TestOnlyALateAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	require.True(t, tooBusy(fmt.Errorf("start: %w", context.DeadlineExceeded)))
	require.True(t, tooBusy(fmt.Errorf("start: %w", serviceerror.NewDeadlineExceeded("context deadline exceeded"))))
	require.False(t, tooBusy(errors.New("no such namespace")))
	require.False(t, tooBusy(nil))
}
