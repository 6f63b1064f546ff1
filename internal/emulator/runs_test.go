package emulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// hourly is the small scenario with runs by the hour only.
func hourly(s *emulator.Scenario) { s.Settings.ImmediateRuns = false }

// history lists a dataflow's runs as "start status", newest first.
func (b *bench) history(id string, filters ...string) []string {
	b.t.Helper()
	out := []string{}
	for _, r := range b.filtered("/runs", append([]string{"flowId==" + id}, filters...)...) {
		duration := r["metrics"].(map[string]any)["durationSummary"].(map[string]any)
		at := time.UnixMilli(int64(duration["startedAtUTC"].(float64))).UTC()
		out = append(out, at.Format("15:04:05")+" "+text(r, "metrics", "statusSummary", "status"))
	}
	return out
}

func TestHourlyRuns(t *testing.T) {
	t.Parallel()
	b := small(t, hourly).login()
	id := b.flow("new", "Holiday shoppers").ID
	require.Empty(t, b.history(id), "a disabled dataflow has no runs")
	b.reconnect(emulator.Reconnection{})
	b.advance(10 * time.Minute)
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	require.Equal(t, []string{"12:00:00 processing"}, b.history(id))
	b.advance(50 * time.Minute)
	require.Equal(t, []string{"13:00:00 processing", "12:00:00 success"}, b.history(id))
	b.advance(90 * time.Minute)
	require.Equal(t, http.StatusOK, b.act(id, "disable").status)
	require.Equal(t, []string{"14:00:00 processing", "13:00:00 success", "12:00:00 success"}, b.history(id))
	b.advance(3 * time.Hour)
	require.Equal(t, []string{"14:00:00 success", "13:00:00 success", "12:00:00 success"}, b.history(id))

	since := fmt.Sprintf("metrics.durationSummary.startedAtUTC>=%d", noon().Add(time.Hour).UnixMilli())
	require.Equal(t, []string{"14:00:00 success", "13:00:00 success"}, b.history(id, since))
	until := fmt.Sprintf("metrics.durationSummary.startedAtUTC<%d", noon().Add(2*time.Hour).UnixMilli())
	require.Equal(t, []string{"13:00:00 success"}, b.history(id, since, until))
	require.Empty(t, b.history(id, "metrics.statusSummary.status==Failed"))
	require.Len(t, b.history(id, "metrics.statusSummary.status==Success"), 3, "case does not matter")
}

// Switching off and on within one window leaves one run for the window.
func TestOneRunPerWindow(t *testing.T) {
	t.Parallel()
	b := small(t, hourly).login()
	id := b.flow("new", "Holiday shoppers").ID
	b.reconnect(emulator.Reconnection{})
	for range 3 {
		require.Equal(t, http.StatusOK, b.act(id, "enable").status)
		b.advance(time.Minute)
		require.Equal(t, http.StatusOK, b.act(id, "disable").status)
		b.advance(time.Minute)
	}
	b.advance(time.Hour)
	require.Equal(t, []string{"12:00:00 success"}, b.history(id))
}

func TestDisablingOnTheHourMakesNoRun(t *testing.T) {
	t.Parallel()
	b := small(t, hourly).login()
	id := b.flow("new", "Holiday shoppers").ID
	b.reconnect(emulator.Reconnection{})
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	b.advance(time.Hour)
	require.Equal(t, http.StatusOK, b.act(id, "disable").status)
	b.advance(3 * time.Hour)
	require.Equal(t, []string{"12:00:00 success"}, b.history(id))
}

func TestRunOutcomes(t *testing.T) {
	t.Parallel()
	b := small(t, hourly, func(s *emulator.Scenario) {
		s.Settings.RunWindow = 2 * time.Second
		s.Stages.OldAPIClosed = emulator.FromStart(time.Minute)
	}).login()
	oldID, newID := b.flow("old", "Holiday shoppers").ID, b.flow("new", "Holiday shoppers").ID
	require.Equal(t, http.StatusOK, b.act(newID, "enable").status)
	b.advance(4 * time.Second)
	require.Equal(t, []string{"12:00:04 processing", "12:00:02 failed", "12:00:00 failed"}, b.history(newID), "no account")
	b.reconnect(emulator.Reconnection{})
	b.advance(2 * time.Second)
	require.Equal(t, "12:00:04 success", b.history(newID)[1], "remedied within its window")
	require.Equal(t, "12:00:02 failed", b.history(newID)[2], "the past stays as it was")

	require.Equal(t, "12:00:04 success", b.history(oldID)[1])
	b.advance(time.Minute)
	require.Equal(t, "12:01:04 failed", b.history(oldID)[1], "the old API is closed")
	require.Equal(t, "12:01:04 success", b.history(newID)[1])
	failed := b.filtered("/runs", "flowId=="+oldID, "metrics.statusSummary.status==failed")[0]
	records := failed["metrics"].(map[string]any)["recordSummary"].(map[string]any)
	require.InDelta(t, 1000, records["inputRecordCount"], 0)
	require.InDelta(t, 1000, records["failedRecordCount"], 0)
	require.InDelta(t, 0, records["createdRecordCount"], 0)
	require.Contains(t, records["failedInfo"].([]any)[0].(map[string]any)["message"], "410")
	require.Equal(t, "failed", b.flow("old", "Holiday shoppers").LastRun)
	require.Equal(t, "failed", text(b.get("/flows/" + oldID).items(t)[0], "lastRunDetails", "state"))
}

func TestRunBehaviours(t *testing.T) {
	t.Parallel()
	for runs, want := range map[string][]string{
		emulator.RunsByRule: {"13:00:00 processing", "12:00:00 success"},
		emulator.RunsFail:   {"13:00:00 processing", "12:00:00 failed"},
		emulator.RunsStall:  {"13:00:00 processing", "12:00:00 processing"},
		emulator.RunsNone:   {},
		emulator.RunsEmpty:  {"13:00:00 processing", "12:00:00 success"},
	} {
		t.Run(runs, func(t *testing.T) {
			t.Parallel()
			b := small(t, hourly, func(s *emulator.Scenario) {
				s.Organizations[0].Sandboxes[0].Dataflows[0].Copy = &emulator.Copy{Runs: runs, State: "enabled"}
			}).login()
			b.reconnect(emulator.Reconnection{})
			b.advance(time.Hour)
			id := b.flow("new", "Holiday shoppers").ID
			require.Equal(t, want, b.history(id))
			if runs == emulator.RunsEmpty {
				last := b.filtered("/runs", "flowId=="+id)[1]
				records := last["metrics"].(map[string]any)["recordSummary"].(map[string]any)
				require.InDelta(t, 0, records["inputRecordCount"], 0)
			}
		})
	}
}

func TestImmediateRun(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	b.reconnect(emulator.Reconnection{})
	b.advance(10 * time.Minute)
	id := b.flow("new", "Holiday shoppers").ID
	require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	require.Equal(t, []string{"12:10:00 success", "12:00:00 processing"}, b.history(id))
}

func TestRunForm(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	b.reconnect(emulator.Reconnection{})
	flow := b.flow("new", "Loyal customers")
	require.Equal(t, http.StatusOK, b.act(flow.ID, "enable").status)
	run := b.filtered("/runs", "flowId=="+flow.ID)[0]
	require.Equal(t, flow.ID, run["flowId"])
	records := run["metrics"].(map[string]any)["recordSummary"].(map[string]any)
	require.InDelta(t, 1000, records["createdRecordCount"], 0)
	audience := "metrics.recordSummary.targetSummaries[].entitySummaries[].id==segment:" + flow.Audiences[1].ID
	require.NotEmpty(t, b.filtered("/runs", "flowId=="+flow.ID, audience))

	one := b.get("/runs/" + text(run, "id")).items(t)
	require.Len(t, one, 1)
	require.Equal(t, run, one[0])
	for _, id := range []string{"nope", "", flow.ID} {
		if id != "" {
			require.Equal(t, http.StatusNotFound, b.get("/runs/"+id).status)
		}
	}
}

func TestRunsOfSeveralFlows(t *testing.T) {
	t.Parallel()
	b := small(t, hourly).login()
	first, second := b.flow("old", "Holiday shoppers").ID, b.flow("old", "Loyal customers").ID
	since := fmt.Sprintf("metrics.durationSummary.startedAtUTC>=%d", noon().Add(-3*time.Hour).UnixMilli())
	runs := b.filtered("/runs", "flowId=="+first+","+second, since)
	require.Len(t, runs, 8, "three completed windows and the one that goes on, of each")
	count := map[any]int{}
	for _, r := range runs {
		count[r["flowId"]]++
	}
	require.Equal(t, map[any]int{first: 4, second: 4}, count)
}

func TestRunStatusSpellings(t *testing.T) {
	t.Parallel()
	for spelling, want := range map[string]string{"": "success", "lower": "success", "title": "Success", "upper": "SUCCESS"} {
		b := small(t, func(s *emulator.Scenario) { s.Settings.RunStatus = spelling }).login()
		b.reconnect(emulator.Reconnection{})
		id := b.flow("new", "Holiday shoppers").ID
		require.Equal(t, http.StatusOK, b.act(id, "enable").status)
		require.Equal(t, want, text(b.filtered("/runs", "flowId=="+id)[0], "metrics", "statusSummary", "status"))
	}
}

func TestRunsAreKeptNinetyDays(t *testing.T) {
	t.Parallel()
	b := small(t, hourly).login()
	id := b.flow("old", "Holiday shoppers").ID
	out := b.get("/runs?count=true&property=flowId==" + id)
	require.Equal(t, map[string]any{"count": 2161.0}, out.object(t))
}
