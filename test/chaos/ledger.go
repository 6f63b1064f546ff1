package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/test/stack"
)

// tailEvery is how often the ledger's file is read on: often enough to kill between two writes of a pair.
const tailEvery = 5 * time.Millisecond

// tail reads the ledger as the emulator writes it, until ctx ends, and hands each entry on.
func tail(ctx context.Context, path string, take func(emulator.Entry)) error {
	file, err := os.Open(path) //nolint:gosec // the emulator's, in a folder of this run
	if err != nil {
		return fmt.Errorf("follow the ledger: %w", err)
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	var line []byte
	for {
		part, err := lines.ReadBytes('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			var e emulator.Entry
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("read the ledger: %w", err)
			}
			take(e)
			line = line[:0]
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("follow the ledger: %w", err)
		default:
			if stack.Pause(ctx, tailEvery) != nil {
				return nil // whoever follows has seen enough
			}
		}
	}
}

// see takes in a ledger entry.
func (o *organization) see(e emulator.Entry) {
	if e.Entity != "run" { // they are looked at again and again
		o.stirred.Store(true)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ledger = append(o.ledger, e)
	if e.Entity == "flow" && e.Origin != "" {
		o.copies[e.Origin] = e.ID
	}
}

func (o *organization) copyOf(original string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.copies[original]
}

// original is the organization's first dataflow on the old card.
func (o *organization) original() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.ledger {
		if e.Entity == "flow" && e.Card == "old" {
			return e.ID
		}
	}
	return ""
}

// entries are what the ledger has of the organization.
func (o *organization) entries() []emulator.Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clip(o.ledger)
}

// written tells that a program asked for a change at a vendor.
func written(e emulator.Entry) bool {
	return e.Kind == emulator.KindWrite && !strings.HasPrefix(e.Actor, "person:") && e.Actor != "system"
}

// switches tells that a program switched a dataflow.
func switches(e emulator.Entry, op string) bool {
	return written(e) && e.Applied && e.Entity == "flow" && e.Op == op
}
