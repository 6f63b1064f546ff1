package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// RunsInput asks for the first flow runs of copies that were switched on.
type RunsInput struct {
	Who    Who                `json:"who"`
	Copies []Copy             `json:"copies"`
	Within migration.Duration `json:"within"` // a copy without a run for longer is overdue, which is news once
	Poll   migration.Duration `json:"poll"`
}

// Copy is a switched-on copy whose first run is awaited.
type Copy struct {
	Dataflow   string    `json:"dataflow"`
	Sandbox    string    `json:"sandbox"`
	SwitchedAt time.Time `json:"switched_at"`
	Failing    bool      `json:"failing,omitempty"` // known to fail: only a success is news
	Overdue    bool      `json:"overdue,omitempty"` // known to be overdue
}

// A streaming run's window is an hour long and may have opened before the switch.
const runWindow = 2 * time.Hour

// AwaitRuns returns as soon as there is news of a copy's flow runs: the first one succeeded, or failed. Until then each attempt ends in NotYet
// and the retry interval is the poll interval.
func (a *Activities) AwaitRuns(ctx context.Context, in RunsInput) ([]migration.RunVerdict, error) {
	defer keepAlive(ctx)()
	bySandbox := map[string][]Copy{}
	for _, c := range in.Copies {
		bySandbox[c.Sandbox] = append(bySandbox[c.Sandbox], c)
	}
	var news []migration.RunVerdict
	for name, copies := range bySandbox {
		runs, err := a.runs(ctx, in.Who, name, copies)
		if err != nil {
			return nil, mapError(ctx, "await flow runs", err)
		}
		for _, c := range copies {
			verdict := migration.JudgeRuns(c.Dataflow, runs, c.SwitchedAt)
			switch {
			case verdict.Status == migration.RunSucceeded, verdict.Status == migration.RunFailed && !c.Failing:
				news = append(news, verdict)
			case verdict.Status == migration.RunPending && !c.Failing && !c.Overdue && a.Now().Sub(c.SwitchedAt) > in.Within.Std():
				verdict.Overdue = true
				verdict.Reason += " within " + in.Within.String() + " of its switch"
				news = append(news, verdict)
			}
		}
	}
	if len(news) == 0 {
		return nil, notYet(fmt.Sprintf("no news of the first flow run of %d dataflow(s) after %d look(s)", len(in.Copies), activity.GetInfo(ctx).Attempt), in.Poll.Std())
	}
	return news, nil
}

func (a *Activities) runs(ctx context.Context, who Who, sandboxName string, copies []Copy) ([]migration.Run, error) {
	sandbox, err := a.sandbox(who, sandboxName)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(copies))
	since := copies[0].SwitchedAt
	for i, c := range copies {
		ids[i] = c.Dataflow
		if c.SwitchedAt.Before(since) {
			since = c.SwitchedAt
		}
	}
	listed, err := sandbox.Runs(ctx, since.Add(-runWindow), ids...)
	if err != nil {
		return nil, err
	}
	runs := make([]migration.Run, len(listed))
	for i, r := range listed {
		runs[i] = migration.Run{ID: r.ID, Dataflow: r.DataflowID, Status: runStatus(r.Status), Completed: r.CompletedAt, Activated: r.Activated, Failed: r.Failed}
		for _, e := range r.Errors {
			runs[i].Errors = append(runs[i].Errors, e.Code+" "+e.Message)
		}
	}
	return runs, nil
}

func runStatus(s adobe.RunStatus) migration.RunStatus {
	switch s {
	case adobe.RunSuccess:
		return migration.RunSucceeded
	case adobe.RunFailed, adobe.RunPartial:
		return migration.RunFailed
	case adobe.RunProcessing, adobe.RunUnknown:
	}
	return migration.RunPending
}
