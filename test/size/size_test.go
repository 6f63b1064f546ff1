package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// A smaller organization on a server that suggests to continue as new early goes through as many runs as a large one.
func TestSize(t *testing.T) {
	t.Parallel()
	s := size{dataflows: 60, accounts: 5, sandboxes: 3, audiences: 20, server: suggestAt(150)}
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), s, &out, &errs), "%s%s", &out, &errs)
	t.Log(out.String())
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	write := func(seq int64, id, origin string) emulator.Entry {
		return emulator.Entry{Seq: seq, Kind: emulator.KindWrite, Applied: true, ID: id, Origin: origin}
	}
	one, two := []emulator.Entry{write(1, "a2", "a"), write(2, "a", "")}, []emulator.Entry{write(3, "b2", "b"), write(4, "b", "")}
	require.Equal(t, 1, inFlight(append(one, two...)))
	two[0].Seq, one[1].Seq = 2, 3
	require.Equal(t, 2, inFlight([]emulator.Entry{one[0], two[0], one[1], two[1]}))
	require.Zero(t, inFlight(nil))
}

func TestBars(t *testing.T) {
	t.Parallel()
	require.True(t, bar{measured: 2, limit: 2}.holds())
	require.False(t, bar{measured: 3, limit: 2}.holds())
	require.True(t, bar{measured: 2, limit: 2, atLeast: true}.holds())
	require.False(t, bar{measured: 1, limit: 2, atLeast: true}.holds())
}
