package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// RunsInput asks for the first flow runs of copies that were switched on.
type RunsInput struct {
	Who      Who                    `json:"who"`
	Copies   []Copy                 `json:"copies"`
	Playbook string                 `json:"playbook,omitempty"` // its name, where counts are judged
	Rules    migration.Verification `json:"rules"`              // a copy without a result within their bound is overdue, which is news once
}

// Copy is a switched-on copy whose first run is awaited.
type Copy struct {
	Dataflow   string    `json:"dataflow"`
	Sandbox    string    `json:"sandbox"`
	SwitchedAt time.Time `json:"switched_at"`
	Failing    bool      `json:"failing,omitempty"` // known to fail: only a success is news
	Overdue    bool      `json:"overdue,omitempty"` // known to be overdue
	Again      bool      `json:"again,omitempty"`   // it was switched and rolled back before: what it did then does not count
}

// A streaming run's window is an hour long and may have opened before the switch.
const runWindow = 2 * time.Hour

// AwaitRuns returns as soon as there is news of a copy's flow runs: they pass, or fail. Until then each attempt ends in NotYet and the retry
// interval is the poll interval.
func (a *Activities) AwaitRuns(ctx context.Context, in RunsInput) ([]migration.RunVerdict, error) {
	defer keepAlive(ctx)()
	var baselines map[string]migration.Baseline
	if in.Rules.Sample > 0 || in.Rules.AtPartner {
		var err error
		if baselines, err = a.measured(ctx, in.Playbook, in.Who.ID); err != nil {
			return nil, mapError(ctx, "read the old dataflows' baselines", err)
		}
	}
	bySandbox := map[string][]Copy{}
	for _, c := range in.Copies {
		bySandbox[c.Sandbox] = append(bySandbox[c.Sandbox], c)
	}
	var news []migration.RunVerdict
	destination := a.partner(in.Who.ID)
	for name, copies := range bySandbox {
		runs, err := a.runsOf(ctx, in.Who, name, copies)
		if err != nil {
			return nil, mapError(ctx, "await flow runs", err)
		}
		for _, c := range copies {
			verdict := migration.JudgeRuns(c.Dataflow, c.since(runs), c.SwitchedAt, in.Rules, baselines[c.Dataflow])
			told := c.tells(verdict)
			if verdict.Status == migration.RunPending && !c.Failing && !c.Overdue && a.Now().Sub(c.SwitchedAt) > in.Rules.Within.Std() {
				told, verdict.Overdue = true, true
				verdict.Reason += " within " + in.Rules.Within.String() + " of its switch"
			}
			// Runs that finished and decide nothing may be too few to tell, which the destination can settle.
			if in.Rules.AtPartner && (told || verdict.Status == migration.RunPending && verdict.Run != "") {
				verdict = verdict.Confirm(destination.look(ctx, baselines[c.Dataflow].Partner, c.SwitchedAt))
				told = told || c.tells(verdict)
			}
			if told {
				news = append(news, verdict)
			}
		}
	}
	if len(news) == 0 {
		return nil, notYet(fmt.Sprintf("no news of the first flow run of %d dataflow(s) after %d look(s)", len(in.Copies), activity.GetInfo(ctx).Attempt), in.Rules.Poll.Std())
	}
	return news, nil
}

// tells whether a verdict decides what was not known.
func (c Copy) tells(v migration.RunVerdict) bool {
	return v.Status == migration.RunSucceeded || v.Status == migration.RunFailed && !c.Failing
}

// since leaves out the runs of an earlier switch. A run that ends in the minute before a switch is otherwise taken for one of a clock that is slow.
func (c Copy) since(runs []migration.Run) []migration.Run {
	if !c.Again {
		return runs
	}
	return slices.DeleteFunc(slices.Clone(runs), func(r migration.Run) bool { return r.Completed.Before(c.SwitchedAt) })
}

func (a *Activities) runsOf(ctx context.Context, who Who, sandbox string, copies []Copy) ([]migration.Run, error) {
	ids := make([]string, len(copies))
	since := copies[0].SwitchedAt
	for i, c := range copies {
		ids[i] = c.Dataflow
		if c.SwitchedAt.Before(since) {
			since = c.SwitchedAt
		}
	}
	return a.runs(ctx, who, sandbox, since.Add(-runWindow), ids)
}

// runs lists the runs of dataflows that began since an instant.
func (a *Activities) runs(ctx context.Context, who Who, name string, since time.Time, ids []string) ([]migration.Run, error) {
	sandbox, err := a.sandbox(who, name)
	if err != nil {
		return nil, err
	}
	listed, err := sandbox.Runs(ctx, since, ids...)
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
	case adobe.RunPartial:
		return migration.RunPartial
	case adobe.RunFailed:
		return migration.RunFailed
	case adobe.RunProcessing, adobe.RunUnknown:
	}
	return migration.RunPending
}
