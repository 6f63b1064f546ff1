package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"cutover/internal/emulator"
)

// mark is where the ledger's file ends now.
func (w *world) mark() (int64, error) {
	info, err := os.Stat(w.vendor.LedgerFile)
	if err != nil {
		return 0, fmt.Errorf("read the ledger: %w", err)
	}
	return info.Size(), nil
}

// since reads what the ledger's file got after a mark, and where that ends: the whole of it is too much to read again and again.
func (w *world) since(mark int64) (entries []emulator.Entry, next int64, err error) {
	file, err := os.Open(w.vendor.LedgerFile)
	if err != nil {
		return nil, mark, fmt.Errorf("read the ledger: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, mark, 1<<40))
	if err != nil {
		return nil, mark, fmt.Errorf("read the ledger: %w", err)
	}
	entries, read, err := parseEntries(text)
	return entries, mark + int64(read), err
}

// parseEntries reads whole lines; of a last one that is not whole yet it reads nothing.
func parseEntries(text []byte) (entries []emulator.Entry, read int, err error) {
	end := bytes.LastIndexByte(text, '\n') + 1
	decoder := json.NewDecoder(bytes.NewReader(text[:end]))
	for {
		var e emulator.Entry
		switch err := decoder.Decode(&e); {
		case errors.Is(err, io.EOF):
			return entries, end, nil
		case err != nil:
			return nil, 0, fmt.Errorf("read the ledger: %w", err)
		}
		entries = append(entries, e)
	}
}

// asked are the vendor calls of programs among the entries, without those for tokens, which have a host of their own.
func asked(entries []emulator.Entry) (calls []emulator.Entry) {
	for _, e := range entries {
		switch e.Kind {
		case emulator.KindRead, emulator.KindList, emulator.KindWrite, emulator.KindRefused, emulator.KindCross:
			calls = append(calls, e)
		}
	}
	return calls
}

// toggles tells that a program had a dataflow enabled or disabled, which changed it.
func toggles(e emulator.Entry) bool {
	return e.Kind == emulator.KindWrite && e.Entity == "flow" && e.Applied && (e.Op == "enable" || e.Op == "disable")
}

// leaves tells that a program disabled an old dataflow, the last step of its switch.
func leaves(e emulator.Entry) bool { return toggles(e) && e.Op == "disable" && e.Card == "old" }

// arrives tells that a program enabled a copy, the first step of its switch.
func arrives(e emulator.Entry) bool { return toggles(e) && e.Op == "enable" && e.Card == "new" }

// switchedOnce tells that of exactly n dataflows each was switched exactly once, and that nothing else was toggled.
func switchedOnce(toggled []emulator.Entry, n int) bool {
	enabled, disabled := map[string]int{}, map[string]int{}
	for _, e := range toggled {
		switch {
		case arrives(e):
			enabled[e.Origin]++
		case leaves(e):
			disabled[e.ID]++
		default:
			return false
		}
	}
	for id, times := range enabled {
		if times != 1 || disabled[id] != 1 {
			return false
		}
	}
	return len(enabled) == n && len(disabled) == n
}

// togglesOf sorts what programs toggled by organization.
func togglesOf(entries []emulator.Entry) map[string][]emulator.Entry {
	of := map[string][]emulator.Entry{}
	for _, e := range entries {
		if toggles(e) {
			of[e.Organization] = append(of[e.Organization], e)
		}
	}
	return of
}
