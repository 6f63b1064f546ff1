package adobe

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/vendorhttp"
)

func TestRunIsReadWhole(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, pageOf("",
		`{"id":"run-1","flowId":"flow-1","metrics":{
		 "durationSummary":{"startedAtUTC":1700000000000,"completedAtUTC":"1700003600000"},
		 "recordSummary":{"inputRecordCount":100,"createdRecordCount":"60","outputRecordCount":50.0,"skippedRecordCount":30,"failedRecordCount":10,
		  "failedInfo":[{"code":"ACTIVATION_BATCH-0000-FAILED","message":"partner said no to Bearer CANARY-CANARY","count":10,"type":"Error"},{"code":"W","type":"Warning"}],
		  "skippedInfo":[{"code":"S"}]},
		 "statusSummary":{"status":"failed","errors":[{"code":429,"message":"slow down"}]}}}`)))
	runs, err := f.sandbox(t).Runs(t.Context(), time.Time{}, "flow-1")
	require.NoError(t, err)
	require.Equal(t, []Run{{
		ID: "run-1", DataflowID: "flow-1", Status: RunFailed,
		StartedAt: time.UnixMilli(1700000000000).UTC(), CompletedAt: time.UnixMilli(1700003600000).UTC(),
		Received: 100, Activated: 60, Skipped: 30, Failed: 10,
		Errors: []RunError{
			{Code: "ACTIVATION_BATCH-0000-FAILED", Message: "partner said no to Bearer [redacted]", Count: 10},
			{Code: "429", Message: "slow down"},
		},
	}}, runs)
}

func TestRunWithLittleInIt(t *testing.T) {
	t.Parallel()
	for metrics, want := range map[string]Run{
		`null`: {Status: RunUnknown},
		`{}`:   {Status: RunUnknown},
		`{"durationSummary":{"stoppedAtUTC":1000},"statusSummary":{"status":"inProgress"}}`:                        {Status: RunProcessing, CompletedAt: time.UnixMilli(1000).UTC()},
		`{"recordSummary":{"outputRecordCount":7,"failedInfo":"none","inputRecordCount":null},"statusSummary":{}}`: {Status: RunUnknown, Activated: 7},
	} {
		f := newFake(t, always(http.StatusOK, pageOf("", `{"id":"run-1","flowId":"flow-1","metrics":`+metrics+`}`)))
		runs, err := f.sandbox(t).Runs(t.Context(), time.UnixMilli(5), "flow-1")
		require.NoError(t, err, metrics)
		want.ID, want.DataflowID = "run-1", "flow-1"
		require.Equal(t, []Run{want}, runs)
	}
}

func TestRunStatusInAnySpelling(t *testing.T) {
	t.Parallel()
	for spelled, want := range map[string]RunStatus{
		"Success": RunSuccess, "success": RunSuccess, "SUCCESS": RunSuccess, "COMPLETED": RunSuccess,
		"Processing": RunProcessing, "inProgress": RunProcessing, "IN_PROGRESS": RunProcessing, "Waiting": RunProcessing,
		"QUEUED": RunProcessing, "SCHEDULED": RunProcessing,
		"Failed": RunFailed, "failed": RunFailed, "failure": RunFailed,
		"PARTIAL_SUCCESS": RunPartial, "PARTIAL_FAILURE": RunPartial, "partial success": RunPartial,
		"": RunUnknown, "exploded": RunUnknown,
	} {
		require.Equal(t, want, runStatus(text(spelled)), spelled)
	}
}

func TestRunErrorsAreBounded(t *testing.T) {
	t.Parallel()
	reason := `{"code":"` + strings.Repeat("c", 500) + `","message":"` + strings.Repeat("m", 500) + `","count":"x"}`
	f := newFake(t, always(http.StatusOK, pageOf("",
		`{"id":"run-1","flowId":"flow-1","metrics":{"recordSummary":{"failedInfo":[`+strings.Repeat(reason+",", 99)+reason+`]}}}`)))
	runs, err := f.sandbox(t).Runs(t.Context(), time.Time{}, "flow-1")
	require.NoError(t, err)
	require.Len(t, runs[0].Errors, maxRunErrors)
	require.Len(t, runs[0].Errors[0].Message, maxRunErrorText)
	require.Len(t, runs[0].Errors[0].Code, vendorhttp.MaxCode)
}

func TestRunsAreInOrderAndInTheWindow(t *testing.T) {
	t.Parallel()
	run := func(id string, started int64) string {
		return fmt.Sprintf(`{"id":%q,"flowId":"flow-1","metrics":{"durationSummary":{"startedAtUTC":%d}}}`, id, started)
	}
	f := newFake(t, always(http.StatusOK, pageOf("", run("c", 2000), run("a", 3000), run("b", 2000), run("early", 999), run("early", 999))))
	runs, err := f.sandbox(t).Runs(t.Context(), time.UnixMilli(1000), "flow-1")
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c", "a"}, ids(runs))

	// Milliseconds are all that Adobe knows: a finer moment includes its own millisecond.
	runs, err = f.sandbox(t).Runs(t.Context(), time.UnixMilli(3000).Add(time.Microsecond), "flow-1")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, ids(runs))
}

func TestNumbersInAnyForm(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]int64{`5`: 5, `"5"`: 5, `5.9`: 5, `"1e3"`: 1000, `null`: 0, `""`: 0, `-3`: -3, `1700000000123`: 1700000000123} {
		var c count
		require.NoError(t, c.UnmarshalJSON([]byte(raw)), raw)
		require.Equal(t, want, int64(c), raw)
	}
	for _, raw := range []string{`"x"`, `true`, `{}`, `[]`, `1e300`, `"NaN"`, `"Inf"`} {
		var c count
		require.Error(t, c.UnmarshalJSON([]byte(raw)), raw)
		var i instant
		require.Error(t, i.UnmarshalJSON([]byte(raw)), raw)
	}
	var i instant
	require.NoError(t, i.UnmarshalJSON([]byte(`"2023-11-16T09:00:00+01:00"`)))
	require.Equal(t, time.Date(2023, 11, 16, 8, 0, 0, 0, time.UTC), i.Time)
}
