package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

func enabled(ms int, original string) emulator.Entry {
	return emulator.Entry{
		At: at(ms), Kind: emulator.KindWrite, Entity: "flow", Op: "enable", Card: "new", ID: original + "-copy", Origin: original, Organization: "acme", Applied: true,
	}
}

func disabled(ms int, original string) emulator.Entry {
	return emulator.Entry{At: at(ms), Kind: emulator.KindWrite, Entity: "flow", Op: "disable", Card: "old", ID: original, Organization: "acme", Applied: true}
}

func read(ms int) emulator.Entry { return emulator.Entry{At: at(ms), Kind: emulator.KindRead} }

func TestMost(t *testing.T) {
	t.Parallel()
	var even []emulator.Entry
	for i := range 200 {
		even = append(even, read(25*i))
	}
	require.Equal(t, 40, most(even, at(0), at(5000)), "a second that ends where the next one begins holds no call twice")
	require.Equal(t, 20, most(even, at(500), at(1000)), "calls outside do not count")
	require.Equal(t, 43, most(append(even, read(1010), read(1490), read(1500)), at(0), at(5000)), "whatever moment the second begins at")
	require.Zero(t, most(nil, at(0), at(5000)))
}

func TestLastWriteIsDatedByItsBeginning(t *testing.T) {
	t.Parallel()
	entries := []emulator.Entry{enabled(100, "one"), disabled(300, "one"), read(400), enabled(1040, "two"), enabled(1060, "three")}
	require.Equal(t, at(990), lastWrite(entries, at(1000), 50*time.Millisecond), "one that was begun before is one of before")
	require.Equal(t, at(1010), firstWrite(entries, at(1000), 50*time.Millisecond))
	refused := enabled(700, "four")
	refused.Applied = false
	require.Equal(t, at(650), lastWrite(append(entries, refused), at(900), 50*time.Millisecond), "a refused write is a write")
	require.True(t, lastWrite(entries[2:3], at(1000), 0).IsZero(), "a read is none")
}

func TestBetweenCountsPairsWithBothSidesOn(t *testing.T) {
	t.Parallel()
	entries := []emulator.Entry{enabled(0, "one"), enabled(10, "two"), disabled(20, "one"), enabled(90, "three"), disabled(110, "two")}
	require.Equal(t, 2, between(entries, at(100)))
	require.Equal(t, 1, between(entries, at(200)))
}
