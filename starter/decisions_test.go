package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/migration"
	"cutover/workflows"
)

// decisions are one command line per update, what must reach the workflow, and what a person reads.
func decisions() map[string]struct {
	args []string
	name string
	arg  any
	done string
} {
	type decision = struct {
		args []string
		name string
		arg  any
		done string
	}
	return map[string]decision{
		"approve": {[]string{"approve", "--plan", "abcd"}, workflows.UpdateApprove, workflows.Approve{By: "operator", Plan: "abcd"}, "approved"},
		"pause":   {[]string{"pause", "--reason", "audit"}, workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "audit"}, "paused"},
		"resume": {
			[]string{"resume", "--note", "done", "--accept-listed"},
			workflows.UpdateResume,
			workflows.Resume{By: "operator", Note: "done", AcceptListed: true},
			"resumed",
		},
		"pair": {[]string{"pair", "--old", "old-1", "--new", "none"}, workflows.UpdatePair, workflows.Choose{By: "operator", Old: "old-1", New: "none"}, "answered"},
		"settle": {
			[]string{"settle", "--old", "old-1", "--answer", "carry"},
			workflows.UpdateSettle,
			workflows.Settle{By: "operator", Old: "old-1", Answer: migration.AnswerCarry},
			"settled",
		},
		"reschedule": {
			[]string{"reschedule", "--reason", "agreed", "--shutdown", "2024-02-01T00:00:00-08:00"},
			workflows.UpdateReschedule,
			workflows.Reschedule{By: "operator", Reason: "agreed", Shutdown: time.Date(2024, 2, 1, 8, 0, 0, 0, time.UTC)},
			"rescheduled",
		},
	}
}

func TestDecisionsReachTheWorkflow(t *testing.T) {
	t.Parallel()
	for name, d := range decisions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gotName string
			var gotArg any
			f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
				state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
				update: func(name string, arg any) (any, error) {
					gotName, gotArg = name, arg
					return status(migration.Planning), nil
				},
			}}}
			args := withManifestFlag(append(d.args, "--org", acme, "--by", "operator")...)
			require.Equal(t, reply{exitDone, acme + ": " + d.done + "; phase Planning\n", ""}, f.ask(t, args...))
			require.Equal(t, d.name, gotName)
			require.Equal(t, d.arg, gotArg)

			var answer updateAnswer
			got := f.ask(t, append(args, "-o", "json")...)
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &answer))
			require.Equal(t, updateAnswer{Organization: acme, WorkflowID: id(acme), Action: d.name, Status: *status(migration.Planning)}, answer)

			f.workflows[id(acme)].update = func(string, any) (any, error) {
				return nil, sdk.NewApplicationError("nothing is paused or held", "")
			}
			got = f.ask(t, append(args, "-o", "json")...)
			require.Equal(t, exitFailed, got.code)
			require.Equal(t, errorBody{Kind: kindRefused, Message: acme + " refused " + d.name + ": nothing is paused or held"}, errorOf(t, got))
		})
	}
}

func TestDecisionsThatNobodyTakes(t *testing.T) {
	t.Parallel()
	args := withManifestFlag("pause", "--org", acme, "--by", "operator", "--reason", "audit", "-o", "json")
	body := func(f *fake) errorBody {
		t.Helper()
		got := f.ask(t, args...)
		require.Equal(t, exitFailed, got.code)
		return errorOf(t, got)
	}
	with := func(w *fakeWorkflow) *fake {
		return &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): w}}
	}

	require.Equal(t, errorBody{
		Kind: kindNotStarted, Message: acme + " has no workflow for playbook pinterest-v5: start it with: starter start --org " + acme + again,
	}, body(&fake{polled: true}))

	require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + acme + " has already finished (Migrated)"},
		body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, result: workflows.Result{Outcome: migration.Migrated}})))

	require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + acme + " has already finished (terminated)"},
		body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED})))

	idle := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING})
	idle.polled = false
	require.Equal(t, kindNoWorker, body(idle).Kind)
	require.Zero(t, idle.asked.Load(), "it does not hang on a worker that is not there")

	ended := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED})
	ended.polled = false
	require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + acme + " has already finished (cancelled)"}, body(ended),
		"starting a worker would not help")

	late := client.NewWorkflowUpdateServiceTimeoutOrCanceledError(serviceerror.NewDeadlineExceeded("late"))
	require.Equal(t, errorBody{
		Kind: kindNoWorker, Message: "no worker answered for " + acme + " within 15s: look at the worker's log, then at starter status --org " + acme + again,
	}, body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, updateErr: late})))

	slow := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, update: func(string, any) (any, error) { return nil, late }})
	require.Equal(t, errorBody{
		Kind: kindFailed, Message: "pause of " + acme + " was accepted and is not done after 15s: it goes on; look at starter status --org " + acme + again,
	}, body(slow))

	require.Equal(t, errorBody{Kind: kindFailed, Message: "pause of " + acme + ": resource exhausted: xxx"},
		body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, updateErr: errFull})))

	between := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, between: 2, updateErr: errFull})
	require.Equal(t, "pause of "+acme+": resource exhausted: xxx", body(between).Message, "a workflow that continues as new is asked again")
	require.Equal(t, int64(3), between.asked.Load())
}

func TestOneOfTwoApprovals(t *testing.T) {
	t.Parallel()
	_, current := planned(t)
	hash := current.PlanHash
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{workflows.WorkflowID("reviewed", acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, update: func(string, any) (any, error) { return current, nil },
	}}}
	args := []string{"approve", "--org", acme, "--manifest", reviewedManifest, "--plan", hash, "--by", "operator"}
	require.Equal(t, reply{exitDone, acme + ": approved; phase AwaitingApproval\n" +
		"Nothing is changed before the plan " + hash + " is approved by 2 different people (so far: operator).\n", ""}, f.ask(t, args...))
	f.workflows[workflows.WorkflowID("reviewed", acme)].update = func(string, any) (any, error) {
		return nil, sdk.NewApplicationError(`the plan is now 5678, not 1234: dataflow "Holiday" (old-1) changed, now: switch`, "")
	}
	got := f.ask(t, args...)
	require.Equal(t, reply{
		exitFailed, "", "starter: " + acme + ` refused approve: the plan is now 5678, not 1234: dataflow "Holiday" (old-1) changed, now: switch` + "\n",
	}, got, "the difference is shown")
}

func TestRollback(t *testing.T) {
	t.Parallel()
	var asked []any
	answer := status(migration.NeedsAttention)
	answer.Pairs[0].Progress = migration.WentBack
	answer.Pairs = append(answer.Pairs, migration.PairState{Pair: pair("Loyal", "old-2", "new-2"), Progress: migration.WentBack})
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		update: func(name string, arg any) (any, error) {
			asked = append(asked, name, arg)
			return answer, nil
		},
	}}}
	args := withManifestFlag("rollback", "--org", acme, "--by", "operator", "--reason", "counts fell")
	one := append(args, "--old", "old-2")
	tryAgain := "To try again: starter resume --org " + acme + again + " --by NAME\n"
	loyal := "  dataflow \"Loyal\" (old-2) runs on the old card again\n"
	require.Equal(t, reply{
		exitDone, acme + ": rolled back; phase NeedsAttention\n  dataflow \"Holiday\\nshoppers\" (old-1) runs on the old card again\n" + loyal + tryAgain, "",
	}, f.ask(t, args...))
	require.Equal(t, reply{exitDone, acme + ": rolled back; phase NeedsAttention\n" + loyal + tryAgain, ""}, f.ask(t, one...))
	require.Equal(t, []any{
		workflows.UpdateRollback,
		workflows.Rollback{By: "operator", Reason: "counts fell"},
		workflows.UpdateRollback,
		workflows.Rollback{By: "operator", Reason: "counts fell", Old: "old-2"},
	}, asked)

	failure := func(err error) errorBody {
		t.Helper()
		f.workflows[id(acme)].update = func(string, any) (any, error) { return nil, err }
		got := f.ask(t, append(args, "-o", "json")...)
		require.Equal(t, exitFailed, got.code)
		return errorOf(t, got)
	}
	require.Equal(t, errorBody{Kind: kindRefused, Message: acme + " refused rollback: nothing was switched yet"},
		failure(sdk.NewApplicationError("nothing was switched yet", "errorString")))
	require.Equal(t, errorBody{
		Kind: kindFailed, Message: "rollback of " + acme + `: dataflow "Loyal" (old-2) was not rolled back: it is gone; how the others stand is in starter status --org ` + acme + again,
	}, failure(sdk.NewApplicationError(`dataflow "Loyal" (old-2) was not rolled back: it is gone`, activities.RollbackRefused)))
	require.Equal(t, errorBody{
		Kind: kindFailed, Message: "rollback of " + acme + " was accepted and is not done after 10m0s: it goes on; look at starter status --org " + acme + again,
	}, failure(serviceerror.NewDeadlineExceeded("late")))
}

func TestWhoeverWaitsForARollbackIsTold(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, update: func(string, any) (any, error) { return status(migration.NeedsAttention), nil },
	}}}
	f.terminal = true
	got := f.ask(t, withManifestFlag("rollback", "--org", acme, "--by", "operator", "--reason", "counts fell")...)
	require.Equal(t, "rolling back, one dataflow after the other; it goes on if this command is interrupted\n", got.stderr)
}
