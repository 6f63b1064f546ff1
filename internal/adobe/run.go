package adobe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cutover/internal/vendorhttp"
)

// RunStatus is how a run stands, whatever spelling Adobe chose.
type RunStatus string

// The statuses of a run.
const (
	RunUnknown    RunStatus = "Unknown"
	RunProcessing RunStatus = "Processing"
	RunSuccess    RunStatus = "Success"
	RunPartial    RunStatus = "Partial"
	RunFailed     RunStatus = "Failed"
)

const (
	maxRunErrors    = 20
	maxRunErrorText = 200
)

// Run is one run of a dataflow; streaming destinations have one per hour. Adobe keeps runs for 90 days.
type Run struct {
	ID         string
	DataflowID string
	Status     RunStatus
	// StartedAt and CompletedAt are zero if Adobe does not tell.
	StartedAt   time.Time
	CompletedAt time.Time
	// Received counts profiles; the others count identities.
	Received  int64
	Activated int64
	Skipped   int64
	Failed    int64
	// Errors are the first 20 reasons Adobe gives for failures.
	Errors []RunError
}

func (r Run) id() string { return r.ID }

// RunError is why something in a run failed.
type RunError struct {
	Code string
	// Message is redacted and at most 200 bytes.
	Message string
	// Count is how many records it concerns; 0 if Adobe does not tell.
	Count int64
}

type wireRun struct {
	ID      text        `json:"id"`
	FlowID  text        `json:"flowId"`
	Metrics wireMetrics `json:"metrics"`
}

type wireMetrics struct {
	Duration struct {
		Started   instant `json:"startedAtUTC"`
		Completed instant `json:"completedAtUTC"`
		Stopped   instant `json:"stoppedAtUTC"`
	} `json:"durationSummary"`
	Records struct {
		Input   count                 `json:"inputRecordCount"`
		Created count                 `json:"createdRecordCount"`
		Output  count                 `json:"outputRecordCount"`
		Skipped count                 `json:"skippedRecordCount"`
		Failed  count                 `json:"failedRecordCount"`
		Reasons loose[[]wireRunError] `json:"failedInfo"`
	} `json:"recordSummary"`
	Status struct {
		Status text                  `json:"status"`
		Errors loose[[]wireRunError] `json:"errors"`
	} `json:"statusSummary"`
}

type wireRunError struct {
	Code    text         `json:"code"`
	Message text         `json:"message"`
	Count   loose[count] `json:"count"`
	Type    text         `json:"type"`
}

func (w wireRun) value() Run {
	m := w.Metrics
	run := Run{
		ID:          string(w.ID),
		DataflowID:  string(w.FlowID),
		Status:      runStatus(m.Status.Status),
		StartedAt:   m.Duration.Started.Time,
		CompletedAt: m.Duration.Completed.Time,
		Received:    int64(m.Records.Input),
		// The documents name either as what arrived at the destination.
		Activated: int64(max(m.Records.Created, m.Records.Output)),
		Skipped:   int64(m.Records.Skipped),
		Failed:    int64(m.Records.Failed),
	}
	if run.CompletedAt.IsZero() {
		run.CompletedAt = m.Duration.Stopped.Time
	}
	for _, reason := range append(m.Records.Reasons.value, m.Status.Errors.value...) {
		if lower(reason.Type) == "warning" || len(run.Errors) == maxRunErrors {
			continue
		}
		run.Errors = append(run.Errors, RunError{
			Code:    vendorhttp.Show(string(reason.Code), vendorhttp.MaxCode),
			Message: vendorhttp.Show(string(reason.Message), maxRunErrorText),
			Count:   int64(reason.Count.value),
		})
	}
	return run
}

func runStatus(t text) RunStatus {
	letters := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, lower(t))
	switch letters {
	case "success", "succeeded", "completed", "complete":
		return RunSuccess
	case "processing", "inprogress", "waiting", "queued", "scheduled", "pending", "started":
		return RunProcessing
	case "failed", "failure", "error":
		return RunFailed
	case "partial", "partialsuccess", "partialfailure":
		return RunPartial
	default:
		return RunUnknown
	}
}

// Runs returns the runs of the given dataflows that started at or after since
// (any time, if it is zero), from every page, each once, sorted by start.
func (s *Sandbox) Runs(ctx context.Context, since time.Time, dataflowIDs ...string) ([]Run, error) {
	const op = "list runs"
	filters, err := anyOf(op, "flowId", dataflowIDs)
	if err != nil {
		return nil, err
	}
	var window []string
	if !since.IsZero() {
		window = append(window, fmt.Sprintf("metrics.durationSummary.startedAtUTC>=%d", since.UnixMilli()))
	}
	runs, err := list[wireRun, Run](ctx, s, queries(op, "/runs", filters, window...)...)
	if err != nil {
		return nil, err
	}
	runs, err = only(s, op, runs, "flowId", dataflowIDs, func(r Run) string { return r.DataflowID })
	if err != nil {
		return nil, err
	}
	// A start that is not told cannot be compared, nor can it be said to be too early.
	runs = slices.DeleteFunc(runs, func(r Run) bool { return !r.StartedAt.IsZero() && r.StartedAt.Before(since.Truncate(time.Millisecond)) })
	slices.SortStableFunc(runs, func(a, b Run) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), strings.Compare(a.ID, b.ID))
	})
	return runs, nil
}
