package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
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

// records are the counts of a dataflow's newest run that has ended, and what it says of failures.
func (b *bench) records(id string) (received, activated, failed int, info []any) {
	b.t.Helper()
	for _, run := range b.filtered("/runs", "flowId=="+id) {
		metrics := run["metrics"].(map[string]any)
		if text(metrics, "statusSummary", "status") == "processing" {
			continue
		}
		records := metrics["recordSummary"].(map[string]any)
		count := func(name string) int { return int(records[name].(float64)) }
		return count("inputRecordCount"), count("createdRecordCount"), count("failedRecordCount"), records["failedInfo"].([]any)
	}
	b.t.Fatal("no run has ended")
	return 0, 0, 0, nil
}

// Each cause of a failed run has a code and words of its own.
func TestFailuresTellTheirCause(t *testing.T) {
	t.Parallel()
	shut := true
	fail := emulator.RunsFail
	for name, tc := range map[string]struct {
		card       string
		happens    func(*bench) error
		code, says string
	}{
		"nobody signed in": {"new", func(*bench) error { return nil }, "ACTIVATION_STREAM-0401-FAILED", "nobody has signed in"},
		"over": {"new", func(b *bench) error {
			b.reconnect(emulator.Reconnection{Lease: time.Minute})
			return nil
		}, "ACTIVATION_STREAM-0401-FAILED", "expired"},
		"a permission is missing": {"new", func(b *bench) error {
			b.reconnect(emulator.Reconnection{MissingScope: true})
			return nil
		}, "ACTIVATION_STREAM-0403-FAILED", "lacks a permission"},
		"another ad account": {"new", func(b *bench) error {
			b.reconnect(emulator.Reconnection{Advertiser: "42"})
			return nil
		}, "ACTIVATION_STREAM-0404-FAILED", "ad account " + advertiser},
		"the destination": {"new", func(b *bench) error {
			b.reconnect(emulator.Reconnection{})
			return b.EditFlow(acme, "prod", b.flow("new", "Holiday shoppers").ID, emulator.Edit{Runs: &fail})
		}, "ACTIVATION_STREAM-0000-FAILED", "did not accept the data"},
		"the API is closed": {"old", func(b *bench) error {
			return b.SetStages(emulator.StageSwitch{OldAPIClosed: &shut})
		}, "ACTIVATION_STREAM-0410-FAILED", "410"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := small(t, hourly).login()
			require.NoError(t, tc.happens(b))
			id := b.flow(tc.card, "Holiday shoppers").ID
			if tc.card == "new" {
				require.Equal(t, http.StatusOK, b.act(id, "enable").status)
			}
			b.advance(time.Hour)
			_, _, _, info := b.records(id)
			require.Len(t, info, 1)
			require.Equal(t, tc.code, text(info[0].(map[string]any), "code"))
			require.Contains(t, text(info[0].(map[string]any), "message"), tc.says)
		})
	}
}

// A share of the profiles fails while the run as a whole succeeds.
func TestPartialRuns(t *testing.T) {
	t.Parallel()
	b := small(t, hourly, func(s *emulator.Scenario) {
		share := 40
		d := &s.Organizations[0].Sandboxes[0].Dataflows[0]
		d.Runs, d.Failed = emulator.RunsPartial, 25
		d.Copy = &emulator.Copy{Failed: &share, State: "enabled"}
	}).login()
	b.reconnect(emulator.Reconnection{})
	b.advance(time.Hour)
	oldID, newID := b.flow("old", "Holiday shoppers").ID, b.flow("new", "Holiday shoppers").ID
	counts := func(id string) []int {
		received, activated, failed, info := b.records(id)
		require.Len(t, info, min(1, failed))
		return []int{received, activated, failed}
	}
	require.Equal(t, []int{1000, 750, 250}, counts(oldID))
	require.Equal(t, []int{1000, 600, 400}, counts(newID))
	require.Equal(t, "success", text(b.filtered("/runs", "flowId=="+newID)[1], "metrics", "statusSummary", "status"))

	one, few, rule := 1, 5, emulator.RunsByRule
	require.NoError(t, b.EditFlow(acme, "prod", newID, emulator.Edit{Failed: &one, Profiles: &few}))
	b.advance(time.Hour)
	require.Equal(t, []int{5, 4, 1}, counts(newID), "a share of something is at least one")
	require.NoError(t, b.EditFlow(acme, "prod", newID, emulator.Edit{Runs: &rule}))
	b.advance(time.Hour)
	require.Equal(t, []int{5, 5, 0}, counts(newID))
	past := b.filtered("/runs", "flowId=="+newID)[3]["metrics"].(map[string]any)["recordSummary"].(map[string]any)
	require.InDelta(t, 400, past["failedRecordCount"], 0, "the past stays as it was")
	for _, bad := range []string{`{"runs":"partial","failed":0}`, `{"failed":101}`} {
		require.Equal(t, http.StatusBadRequest, b.control("/organizations/"+acme+"/sandboxes/prod/flows/"+newID+"/edit", bad).status)
	}
}

// Baselines come from the runs that many old dataflows had long before there was a copy.
func TestHistoryOfManyOldFlows(t *testing.T) {
	t.Parallel()
	const flows, hours = 60, 48
	b := small(t, hourly, func(s *emulator.Scenario) {
		s.Stages.CardsAvailable = emulator.FromStart(time.Hour)
		sandbox := &s.Organizations[0].Sandboxes[0]
		for i := range flows - len(sandbox.Dataflows) {
			sandbox.Dataflows = append(sandbox.Dataflows, emulator.Dataflow{Name: fmt.Sprint("Flow ", i), Advertiser: advertiser})
		}
	}).login()
	var ids []string
	for _, f := range b.prod().Flows {
		if f.Card == "old" {
			ids = append(ids, f.ID)
		}
	}
	require.Len(t, ids, flows)
	query := url.Values{"limit": {"100"}, "property": {
		"flowId==" + strings.Join(ids, ","), fmt.Sprintf("metrics.durationSummary.startedAtUTC>=%d", noon().Add(-hours*time.Hour).UnixMilli()),
	}}
	seen, starts := map[string]bool{}, map[string]int{}
	for path := "/runs?" + query.Encode(); path != ""; {
		out := b.get(path)
		for _, r := range out.items(t) {
			require.False(t, seen[text(r, "id")])
			seen[text(r, "id")] = true
			starts[text(r, "flowId")]++
		}
		links, _ := out.object(t)["_links"].(map[string]any)
		path = text(links, "next", "href")
	}
	require.Len(t, starts, flows)
	for _, id := range ids {
		require.Equal(t, hours+1, starts[id], "one for each hour back, and the one that goes on")
	}
}

// A list too long for one answer is not counted audience by audience.
func TestRunsOfALongAudienceList(t *testing.T) {
	t.Parallel()
	b := small(t, hourly, func(s *emulator.Scenario) {
		audiences := make([]emulator.Audience, 1000)
		for i := range audiences {
			audiences[i].Name = fmt.Sprint("Audience ", i)
		}
		s.Organizations[0].Sandboxes[0].Dataflows[0].Audiences = audiences
	}).login()
	out := b.get("/runs?limit=100&property=flowId==" + b.flow("old", "Holiday shoppers").ID)
	require.Len(t, out.items(t), 100)
	require.Less(t, len(out.body), 1<<20)
	require.NotContains(t, string(out.body), "entitySummaries")
	require.Contains(t, string(b.get("/runs?limit=1&property=flowId=="+b.flow("old", "Loyal customers").ID).body), "entitySummaries")
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
