package migration_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func TestDurationReadsAndWrites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"14d", 14 * day, "14d"},
		{"0d", 0, "0s"},
		{"36500d", 36500 * day, "36500d"},
		{"24h", day, "1d"},
		{"36h", 36 * time.Hour, "36h"},
		{"6h", 6 * time.Hour, "6h"},
		{"90s", 90 * time.Second, "1m30s"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"10m", 10 * time.Minute, "10m"},
		{"1h10m", 70 * time.Minute, "1h10m"},
		{"1h0m1s", time.Hour + time.Second, "1h0m1s"},
		{"500ms", 500 * time.Millisecond, "500ms"},
		{"0s", 0, "0s"},
	} {
		var d migration.Duration
		require.NoError(t, d.UnmarshalText([]byte(c.text)), c.text)
		require.Equal(t, c.want, d.Std(), c.text)
		require.Equal(t, c.back, d.String(), c.text)
	}
}

func TestDurationRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "14", "d", "-1d", "1.5d", "1d12h", "36501d", "99999999999999999999d", "-5s", "soon", "5 s", "1w", "∞"} {
		d := migration.Duration(time.Second)
		require.ErrorContains(t, d.UnmarshalText([]byte(text)), `"14d", "6h" or "90s"`, text)
		require.Equal(t, time.Second, d.Std(), "a refused text changes nothing")
	}
}

func TestDurationRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := migration.Duration(rapid.OneOf(
			rapid.Int64Range(0, int64(36500*day)),
			rapid.Map(rapid.Int64Range(0, 36500*24), func(hours int64) int64 { return hours * int64(time.Hour) }),
			rapid.Map(rapid.Int64Range(0, 100000), func(seconds int64) int64 { return seconds * int64(time.Second) }),
		).Draw(t, "duration"))
		data, err := json.Marshal(d)
		require.NoError(t, err)
		var back migration.Duration
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, d, back, string(data))
	})
}

// Both notations have the same bound, or what is written as JSON cannot be read again.
func TestDurationsHaveOneBound(t *testing.T) {
	t.Parallel()
	var d migration.Duration
	require.NoError(t, d.UnmarshalText([]byte("876000h")))
	require.Equal(t, "36500d", d.String())
	require.Error(t, d.UnmarshalText([]byte("960000h")), "40000d is refused too")
}
