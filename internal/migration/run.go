package migration

import (
	"fmt"
	"strings"
	"time"
)

// RunStatus is a flow run's status, whatever its spelling at the vendor.
type RunStatus string

// The statuses that decide; others mean that the run is not finished.
const (
	RunSucceeded RunStatus = "succeeded"
	RunPartial   RunStatus = "partial" // finished, and some identities failed
	RunFailed    RunStatus = "failed"
	RunPending   RunStatus = "pending"
)

// Run is one flow run of a dataflow.
type Run struct {
	ID        string    `json:"id"`
	Dataflow  string    `json:"dataflow"`
	Status    RunStatus `json:"status"`
	Completed time.Time `json:"completed,omitzero"`
	Activated int64     `json:"activated,omitempty"` // identities
	Failed    int64     `json:"failed,omitempty"`    // identities
	Errors    []string  `json:"errors,omitempty"`
}

func (r Run) finished() bool { return r.Status == RunSucceeded || r.Status == RunPartial }

// Baseline is what a dataflow's own finished runs delivered over a while: what its copy is measured by.
type Baseline struct {
	Runs      int64     `json:"runs,omitempty"`
	Activated int64     `json:"activated,omitempty"` // identities, over all runs
	Failed    int64     `json:"failed,omitempty"`    // identities, over all runs
	Last      time.Time `json:"last,omitzero"`       // when the last one that delivered ended

	Partner *PartnerBase `json:"partner,omitempty"` // of a copy, where the destination is looked at
}

// BaselineOf sums up a dataflow's finished runs.
func BaselineOf(runs []Run) Baseline {
	var b Baseline
	for _, run := range runs {
		if !run.finished() {
			continue
		}
		b.Runs++
		b.Activated += run.Activated
		b.Failed += run.Failed
		if run.Completed.After(b.Last) {
			b.Last = run.Completed
		}
	}
	return b
}

// RunVerdict is what the runs of one copy say about its switch: succeeded passes, failed fails, pending is inconclusive and holds.
type RunVerdict struct {
	Dataflow  string    `json:"dataflow"`
	Status    RunStatus `json:"status"`
	Run       string    `json:"run,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	At        time.Time `json:"at,omitzero"`         // when it was taken in
	Overdue   bool      `json:"overdue,omitempty"`   // pending for longer than the playbook's bound
	Activated int64     `json:"activated,omitempty"` // identities, over the runs that were judged by their counts
	Failed    int64     `json:"failed,omitempty"`
	Expected  int64     `json:"expected,omitempty"` // identities that as many runs of the old dataflow delivered

	Partner *PartnerLook `json:"partner,omitempty"` // what the destination itself shows; nil where the playbook does not ask

	few bool // pending because too few identities say nothing either way
}

// clockSkew is how far the vendor's clock may be from ours.
const clockSkew = time.Minute

// JudgeRuns judges a copy by its runs since its switch. Without a sample in the playbook a run that succeeded passes, whatever failed before it;
// with one, the counts of all finished runs are judged against the old dataflow's baseline. Failures alone fail; no finished run is inconclusive.
// A run's hour window may open before the switch, so its end decides; clocks may differ a little, and before its switch a copy had no runs.
func JudgeRuns(dataflow string, runs []Run, switchedAt time.Time, v Verification, baseline Baseline) RunVerdict {
	verdict := RunVerdict{Dataflow: dataflow, Status: RunPending, Reason: "no finished flow run yet"}
	counted := RunVerdict{Dataflow: dataflow}
	var seen Baseline
	var good, bad time.Time // when the last run of each kind ended
	for _, run := range runs {
		if run.Dataflow != dataflow || run.Completed.Before(switchedAt.Add(-clockSkew)) {
			continue
		}
		switch {
		case run.Status == RunSucceeded && v.Sample == 0:
			return RunVerdict{Dataflow: dataflow, Status: RunSucceeded, Run: run.ID}
		case run.finished() && v.Sample > 0:
			seen.Runs++
			seen.Activated += run.Activated
			seen.Failed += run.Failed
			counted.Run, good = run.ID, later(good, run.Completed)
		case run.Status == RunFailed || run.Status == RunPartial:
			bad = later(bad, run.Completed)
			verdict.Status, verdict.Run, verdict.Reason = RunFailed, run.ID, "the flow run failed"
			if run.Status == RunPartial {
				verdict.Reason = "the flow run delivered only a part"
			}
			if len(run.Errors) > 0 {
				verdict.Reason += ": " + strings.Join(run.Errors, "; ")
			}
		}
	}
	if seen.Runs == 0 {
		return verdict
	}
	counted = v.judge(counted, seen, baseline)
	if counted.Status == RunPending && bad.After(good) {
		verdict.Activated, verdict.Failed, verdict.Expected = counted.Activated, counted.Failed, counted.Expected
		return verdict // what worked for a moment and fails since is not a matter of too few
	}
	return counted
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// judge compares what a copy delivered with what its old dataflow used to. A small audience neither passes nor fails by luck: below the sample
// the counts say nothing, unless the old dataflow itself never had as many.
func (v Verification) judge(verdict RunVerdict, seen, baseline Baseline) RunVerdict {
	verdict.Activated, verdict.Failed = seen.Activated, seen.Failed
	total := seen.Activated + seen.Failed
	need := v.Sample
	if baseline.Runs > 0 {
		verdict.Expected = baseline.Activated * seen.Runs / baseline.Runs
		need = min(need, baseline.Activated+baseline.Failed)
	}
	failed, usual := percent(seen.Failed, total), percent(baseline.Failed, baseline.Activated+baseline.Failed)
	verdict.Status = RunPending
	switch {
	case total < need:
		verdict.few = seen.Activated > 0 && failed <= usual+v.MoreFailed // else what the destination shows is not this copy's doing
		verdict.Reason = fmt.Sprintf("%d of at least %d identities so far: too few to tell", total, need)
	case failed > usual+v.MoreFailed:
		verdict.Status = RunFailed
		verdict.Reason = fmt.Sprintf("%d of %d identities failed (%d%%); with the old dataflow it was %d%%", seen.Failed, total, failed, usual)
	case seen.Activated*100 < verdict.Expected*v.AtLeast:
		verdict.Reason = fmt.Sprintf("%d identities delivered in %s; the old dataflow delivered about %d in as many", seen.Activated, count(int(seen.Runs), "run"), verdict.Expected)
	default:
		verdict.Status, verdict.Reason = RunSucceeded, ""
	}
	return verdict
}

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return part * 100 / whole
}

// Blame tells whether errors of flow runs point at the account's sign-in, and what the person must do differently. Adobe documents no codes for
// it, so words decide; words that say nothing blame nobody, and bare numbers say nothing: counts and ids of ad accounts hold any of them.
func Blame(reason string) (instruction string, account bool) {
	text := strings.ToLower(reason)
	says := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(text, word) {
				return true
			}
		}
		return false
	}
	switch {
	case says("scope", "permission"):
		return "the sign-in lacks a permission: sign in again and accept every permission that is asked for", true
	case says("ad account", "advertiser"):
		return "the sign-in does not reach the dataflow's ad account: sign in as a user who has access to it", true
	case says("authorization", "unauthorized", "not signed in", "nobody has signed in", "expired", "-0401-"):
		return "the destination does not accept the sign-in: sign in again", true
	}
	return "", false
}
