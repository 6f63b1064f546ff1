package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func TestJudgeRuns(t *testing.T) {
	t.Parallel()
	switched := at("2023-12-01T10:30:00Z")
	run := func(id string, status migration.RunStatus, after time.Duration) migration.Run {
		r := migration.Run{ID: id, Dataflow: "n1", Status: status, Completed: switched.Add(after)}
		if status == migration.RunPending {
			r.Completed = time.Time{}
		}
		return r
	}
	pending := migration.RunVerdict{Dataflow: "n1", Status: migration.RunPending, Reason: "no finished flow run yet"}
	passed := func(id string) migration.RunVerdict {
		return migration.RunVerdict{Dataflow: "n1", Status: migration.RunSucceeded, Run: id}
	}
	failed := func(id, reason string) migration.RunVerdict {
		return migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Run: id, Reason: reason}
	}
	for name, c := range map[string]struct {
		runs []migration.Run
		want migration.RunVerdict
	}{
		"none":                             {nil, pending},
		"not finished":                     {[]migration.Run{run("r1", migration.RunPending, 0)}, pending},
		"finished before the switch":       {[]migration.Run{run("r1", migration.RunSucceeded, -61*time.Second)}, pending},
		"failed before the switch":         {[]migration.Run{run("r1", migration.RunFailed, -61*time.Second)}, pending},
		"by a clock that differs a little": {[]migration.Run{run("r1", migration.RunSucceeded, -60*time.Second)}, passed("r1")},
		"finished at the switch":           {[]migration.Run{run("r1", migration.RunSucceeded, 0)}, passed("r1")},
		"finished after it":                {[]migration.Run{run("r1", migration.RunSucceeded, time.Hour)}, passed("r1")},
		"of another dataflow":              {[]migration.Run{with(run("r1", migration.RunSucceeded, time.Hour), func(r *migration.Run) { r.Dataflow = "n2" })}, pending},
		"failed":                           {[]migration.Run{run("r1", migration.RunFailed, time.Hour)}, failed("r1", "the flow run failed")},
		"failed, and says why":             {[]migration.Run{with(run("r1", migration.RunFailed, time.Hour), func(r *migration.Run) { r.Errors = []string{"token", "quota"} })}, failed("r1", "the flow run failed: token; quota")},
		"failed first, then succeeded":     {[]migration.Run{run("r1", migration.RunFailed, time.Hour), run("r2", migration.RunSucceeded, 2*time.Hour)}, passed("r2")},
		"succeeded first, then failed":     {[]migration.Run{run("r2", migration.RunSucceeded, time.Hour), run("r1", migration.RunFailed, 2*time.Hour)}, passed("r2")},
		"failed, the next is under way":    {[]migration.Run{run("r1", migration.RunFailed, time.Hour), run("r2", migration.RunPending, 0)}, failed("r1", "the flow run failed")},
		"a status nobody knows holds":      {[]migration.Run{run("r1", "paused", time.Hour)}, pending},
		"a success with failed identities": {[]migration.Run{with(run("r1", migration.RunSucceeded, time.Hour), func(r *migration.Run) { r.Failed = 3 })}, passed("r1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, migration.JudgeRuns("n1", c.runs, switched, migration.Verification{}, migration.Baseline{}))
		})
	}
}

func TestJudgeRunsProperties(t *testing.T) {
	t.Parallel()
	drawn := rapid.Custom(func(t *rapid.T) migration.Run {
		return migration.Run{
			ID: rapid.StringMatching(`r[0-9]`).Draw(t, "id"), Dataflow: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "dataflow"),
			Status:    rapid.SampledFrom([]migration.RunStatus{migration.RunSucceeded, migration.RunFailed, migration.RunPending, "other"}).Draw(t, "status"),
			Completed: assessed.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hour")) * time.Hour),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOfN(drawn, 0, 6).Draw(t, "runs")
		want := migration.RunPending
		for _, r := range runs {
			if r.Dataflow != "n1" || r.Completed.Before(assessed) {
				continue
			}
			if r.Status == migration.RunSucceeded || r.Status == migration.RunFailed && want != migration.RunSucceeded {
				want = r.Status
			}
		}
		v := migration.JudgeRuns("n1", shuffled(t, runs), assessed, migration.Verification{}, migration.Baseline{})
		require.Equal(t, want, v.Status)
		require.Equal(t, "n1", v.Dataflow)
		require.Equal(t, v.Status == migration.RunSucceeded, v.Reason == "")
		require.Equal(t, v.Status == migration.RunPending, v.Run == "")
	})
}
