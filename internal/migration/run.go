package migration

import (
	"strings"
	"time"
)

// RunStatus is a flow run's status, whatever its spelling at the vendor.
type RunStatus string

// The statuses that decide; others mean that the run is not finished.
const (
	RunSucceeded RunStatus = "succeeded"
	RunFailed    RunStatus = "failed"
	RunPending   RunStatus = "pending"
)

// Run is one flow run of a copy.
type Run struct {
	ID        string    `json:"id"`
	Dataflow  string    `json:"dataflow"`
	Status    RunStatus `json:"status"`
	Completed time.Time `json:"completed,omitzero"`
	Activated int64     `json:"activated,omitempty"`
	Failed    int64     `json:"failed,omitempty"`
	Errors    []string  `json:"errors,omitempty"`
}

// RunVerdict is what the runs of one copy say about its switch.
type RunVerdict struct {
	Dataflow string    `json:"dataflow"`
	Status   RunStatus `json:"status"`
	Run      string    `json:"run,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Overdue  bool      `json:"overdue,omitempty"` // pending for longer than the playbook's bound
}

// clockSkew is how far the vendor's clock may be from ours.
const clockSkew = time.Minute

// JudgeRuns looks for the first run of a copy after its switch. A run that succeeded passes, whatever failed before it; failures alone fail;
// no finished run is inconclusive and holds. A run's hour window may open before the switch, so its end decides; clocks may differ a little,
// and before its switch a copy had no runs.
func JudgeRuns(dataflow string, runs []Run, switchedAt time.Time) RunVerdict {
	verdict := RunVerdict{Dataflow: dataflow, Status: RunPending, Reason: "no finished flow run yet"}
	for _, run := range runs {
		if run.Dataflow != dataflow || run.Completed.Before(switchedAt.Add(-clockSkew)) {
			continue
		}
		switch run.Status {
		case RunSucceeded:
			return RunVerdict{Dataflow: dataflow, Status: RunSucceeded, Run: run.ID}
		case RunFailed:
			reason := "the flow run failed"
			if len(run.Errors) > 0 {
				reason += ": " + strings.Join(run.Errors, "; ")
			}
			verdict = RunVerdict{Dataflow: dataflow, Status: RunFailed, Run: run.ID, Reason: reason}
		case RunPending:
		}
	}
	return verdict
}
