package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// golden compares with a file under testdata; CUTOVER_UPDATE_GOLDEN=1 writes it anew.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("CUTOVER_UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestPageOfARichOrganization(t *testing.T) {
	t.Parallel()
	page, err := rich().HTML()
	require.NoError(t, err)
	golden(t, "rich.html", page)
	again, err := rich().HTML()
	require.NoError(t, err)
	require.Equal(t, string(page), string(again), "the same evidence is the same page")
}

func TestJSONIsWhole(t *testing.T) {
	t.Parallel()
	data, err := rich().JSON()
	require.NoError(t, err)
	require.Equal(t, byte('\n'), data[len(data)-1])
	require.Contains(t, string(data), "\n  \"status\": {\n")
	var back Evidence
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, rich(), back)
}

func TestALargeOrganizationStaysBounded(t *testing.T) {
	t.Parallel()
	page, err := huge().HTML()
	require.NoError(t, err)
	require.Less(t, len(page), 512<<10)
	text := string(page)
	require.Contains(t, text, "the last one is held", "what a person must look at is not cut")
	for _, more := range []string{
		"and 301 more in evidence.json", // 500 pairs and a question
		"and 800 more in evidence.json", // toggles
		"and 49800 more in evidence.json",
		"and 300 more in evidence.json", // what was not delivered
		"and 988 more</td>",             // audiences of one dataflow
	} {
		require.Contains(t, text, more)
	}
}

func TestAnEmptyOrganizationSaysNone(t *testing.T) {
	t.Parallel()
	page, err := Evidence{}.HTML()
	require.NoError(t, err)
	require.Equal(t, 14, strings.Count(string(page), `<p class="none">none</p>`))
	require.NotContains(t, string(page), "<svg", "there is nothing to draw")
	require.NotContains(t, string(page), "0001", "a moment that is not known is no moment")
}

func TestEveryPhaseHasItsWords(t *testing.T) {
	t.Parallel()
	for phase, want := range map[migration.Phase][3]string{
		migration.Migrated:       {"Migrated", "good", "Everything runs on the new card."},
		migration.NotAffected:    {"Not affected", "good", "nothing to migrate"},
		migration.Watching:       {"Watching", "good", "watched until the old API closes"},
		migration.NeedsAttention: {"Needs attention", "bad", "until a person acts"},
		migration.RolledBack:     {"Rolled back", "bad", "back on the old card"},
		migration.Cancelled:      {"Cancelled", "bad", "ended before it was complete"},
		migration.AwaitingReauth: {"Awaiting reauth", "wait", "under way"},
	} {
		e := rich()
		e.Status.Phase = phase
		page, err := e.HTML()
		require.NoError(t, err)
		require.Contains(t, string(page), `<span class="tone `+want[1]+`">`+want[0]+`</span>`)
		require.Contains(t, string(page), want[2])
	}
}

func TestResultsAreThree(t *testing.T) {
	t.Parallel()
	verdict := func(s migration.RunStatus) *migration.RunVerdict { return &migration.RunVerdict{Status: s} }
	for _, tc := range []struct {
		pair migration.PairState
		want string
	}{
		{migration.PairState{Progress: migration.Verified, Verdict: verdict(migration.RunSucceeded)}, "pass"},
		{migration.PairState{Progress: migration.Verified}, "pass"},
		{migration.PairState{Progress: migration.Switched, Verdict: verdict(migration.RunFailed)}, "fail"},
		{migration.PairState{Progress: migration.WentBack, Verdict: verdict(migration.RunFailed)}, "fail"},
		{migration.PairState{Progress: migration.Switched, Verdict: verdict(migration.RunPending)}, "inconclusive"},
		{migration.PairState{Progress: migration.Switched, Verdict: verdict(migration.RunPending), Overdue: true}, "inconclusive"},
		{migration.PairState{Progress: migration.Switched}, "awaited"},
	} {
		rows := verification([]migration.PairState{tc.pair}).Rows
		require.Len(t, rows, 1)
		require.Equal(t, tc.want, rows[0][1].Text)
	}
	require.Empty(t, verification([]migration.PairState{{Progress: migration.Ready}}).Rows, "nothing is to be verified yet")
}

func TestOnlySafeLinksAreFollowed(t *testing.T) {
	t.Parallel()
	for guide, kept := range map[string]bool{"https://vendor.example/guide": true, "http://vendor.example": false, "javascript:alert(1)": false, "https://": false, "": false, "//x": false} {
		require.Equal(t, kept, link(guide) != "", guide)
	}
}

func TestOneDeadlineIsToldOnce(t *testing.T) {
	t.Parallel()
	e := rich()
	e.Status.Timeline.ReauthenticateBy = e.Status.Timeline.Shutdown
	page, err := e.HTML()
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(string(page)), "re-authenticate before")
	require.Contains(t, string(page), "old API closed 19 Jan")
}
