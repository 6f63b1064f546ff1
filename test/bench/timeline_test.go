package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// moment is a state that a side of the one pair takes, seconds after the start.
func moment(seconds int, side, kind, before, after string) emulator.Entry {
	e := emulator.Entry{
		Seq: int64(seconds), At: time.Unix(int64(seconds), 0), Organization: "ACME@AdobeOrg", Kind: kind, Entity: "flow", ID: side, Before: before, After: after, Applied: true,
	}
	if side == "copy" {
		e.Origin = "old"
	}
	return e
}

func begun(more ...emulator.Entry) *timeline {
	t := newTimeline()
	t.see([]emulator.Entry{
		moment(1, "old", emulator.KindState, "", "enabled"),
		moment(2, "copy", emulator.KindState, "", "disabled"),
	})
	t.see(more)
	return t
}

func TestTimelineOfAnEnableFirstSwitch(t *testing.T) {
	t.Parallel()
	got := begun(
		moment(10, "copy", emulator.KindWrite, "disabled", "enabled"),
		moment(11, "old", emulator.KindRead, "", "disabled"), // as a stale answer may say
		moment(13, "old", emulator.KindWrite, "enabled", "disabled"),
		moment(20, "copy", emulator.KindRead, "", "enabled"),
	)
	require.Equal(t, []float64{3}, got.overlaps())
	require.Zero(t, got.longestGap())
	require.NoError(t, got.switchedOnce(1))
	require.Equal(t, []time.Time{time.Unix(13, 0)}, got.done("ACME@AdobeOrg"))
}

func TestTimelineSeesGaps(t *testing.T) {
	t.Parallel()
	got := begun(
		moment(10, "old", emulator.KindWrite, "enabled", "disabled"),
		moment(14, "copy", emulator.KindWrite, "disabled", "enabled"),
		moment(30, "other", emulator.KindState, "", "enabled"),
	)
	require.Equal(t, 4*time.Second, got.longestGap())
	require.Equal(t, []float64{0, 0}, got.overlaps())
}

func TestTimelineCountsAGapThatLasts(t *testing.T) {
	t.Parallel()
	got := begun(
		moment(10, "old", emulator.KindWrite, "enabled", "disabled"),
		moment(17, "other", emulator.KindState, "", "enabled"),
	)
	require.Equal(t, 7*time.Second, got.longestGap())
	require.Positive(t, begun(moment(10, "old", emulator.KindWrite, "enabled", "disabled")).longestGap())
}

func TestTimelineSumsRepeatedOverlaps(t *testing.T) {
	t.Parallel()
	got := begun(
		moment(10, "copy", emulator.KindWrite, "disabled", "enabled"),
		moment(11, "copy", emulator.KindEdit, "enabled", "disabled"),
		moment(20, "copy", emulator.KindWrite, "disabled", "enabled"),
		moment(22, "old", emulator.KindWrite, "enabled", "disabled"),
	)
	require.Equal(t, []float64{3}, got.overlaps())
	require.ErrorContains(t, got.switchedOnce(1), "after 2 writes that enabled")
}

func TestTimelineKnowsWhatIsToCome(t *testing.T) {
	t.Parallel()
	got := begun(moment(10, "copy", emulator.KindWrite, "disabled", "enabled"))
	require.Empty(t, got.done("ACME@AdobeOrg"))
	require.Error(t, got.switchedOnce(1))
	require.ErrorContains(t, got.switchedOnce(2), "1 pairs instead of 2")
}
