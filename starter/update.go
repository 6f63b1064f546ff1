package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/internal/migration"
	"cutover/workflows"
)

// updateTimeout bounds each half of an update: until a worker accepted it, and until it is done.
const updateTimeout = 15 * time.Second

// updateAnswer says that a decision was carried out, and how the organization stands since.
type updateAnswer struct {
	Organization string           `json:"organization"`
	WorkflowID   string           `json:"workflow_id"`
	Action       string           `json:"action"`
	Status       migration.Status `json:"status"`
}

// update asks the workflow to do something now. A refusal and the result come from the handle, not from the request.
func (c connection) update(ctx context.Context, t target, name string, arg, result any) error {
	s, err := c.stand(ctx, t)
	if err != nil {
		return err
	}
	if !s.running { // no worker is needed to say so
		return c.unfound(ctx, t)
	}
	if err := c.needWorker(ctx); err != nil {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	handle, err := c.ask(asked, client.UpdateWorkflowOptions{
		WorkflowID: t.workflowID, UpdateID: uuid.NewString(), UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	switch {
	case err != nil && late(err):
		return fail(kindNoWorker, "no worker answered for %s within %s: look at the worker's log, then at starter status --org %s", t.organization, updateTimeout, t.organization)
	case err != nil:
		return c.explain(ctx, t, name, err)
	}
	waited, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	err = handle.Get(waited, result)
	var refused *sdk.ApplicationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fail(kindRefused, "%s refused %s: %s", t.organization, name, refused.Message())
	case late(err):
		return fail(kindFailed, "%s of %s was accepted and is not done after %s: look at starter status --org %s", name, t.organization, updateTimeout, t.organization)
	}
	return c.explain(ctx, t, name, err)
}

// askAgain is how soon a request is repeated that met the workflow between two runs.
const askAgain = 100 * time.Millisecond

// ask sends an update. One that meets a workflow just as it continues as new is not accepted and may be sent again; its id keeps it one update.
func (c connection) ask(ctx context.Context, update client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	for {
		handle, err := c.UpdateWorkflow(ctx, update)
		if _, between := errors.AsType[*serviceerror.WorkflowNotReady](err); !between {
			return handle, err
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// decision is a command that carries an operator's decision to one organization.
type decision struct {
	use, short, long string
	name             string // of the update
	required         []string
	flags            func(cmd *cobra.Command)
	check            func() error
	argument         func() any
	done             string // what a person reads
}

func (a *app) decide(d decision) *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use:   d.use,
		Short: d.short,
		Long:  d.long,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, append([]string{"org", "by"}, d.required...)...); err != nil {
				return err
			}
			if d.check != nil {
				if err := d.check(); err != nil {
					return err
				}
			}
			t, err := a.target(org)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(c connection) error {
				answer := updateAnswer{Organization: t.organization, WorkflowID: t.workflowID, Action: d.name}
				if err := c.update(cmd.Context(), t, d.name, d.argument(), &answer.Status); err != nil {
					return err
				}
				return a.print(answer, func(w io.Writer) {
					fmt.Fprintf(w, "%s: %s; phase %s\n", t.organization, d.done, answer.Status.Phase)
				})
			})
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "the organization's `ID`")
	d.flags(cmd)
	return cmd
}

func byFlag(cmd *cobra.Command, by *string) {
	cmd.Flags().StringVar(by, "by", "", "the `NAME` of who decides")
}

func (a *app) approveCommand() *cobra.Command {
	var in workflows.Approve
	return a.decide(decision{
		use: "approve --org ID --by NAME --plan HASH", short: "Agree to a plan, where the playbook wants that",
		name: workflows.UpdateApprove, required: []string{"plan"}, done: "approved",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Plan, "plan", "", "the plan's `HASH`, as starter plan prints it")
		},
		argument: func() any { return in },
	})
}

func (a *app) pauseCommand() *cobra.Command {
	var in workflows.Pause
	return a.decide(decision{
		use: "pause --org ID --by NAME --reason TEXT", short: "Stop planning and changing until resumed",
		long: `Stop planning and changing until resumed. Looking at accounts goes on, and what was switched stays as it is.

To stop every write of all organizations at once, use the task queue's rate limit:
  temporal task-queue config set --task-queue ` + workflows.WritesTaskQueue + ` --task-queue-type activity --queue-rps-limit 0 --queue-rps-limit-reason TEXT
and to release it, the same with --queue-rps-limit default.`,
		name: workflows.UpdatePause, required: []string{"reason"}, done: "paused",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Reason, "reason", "", "`TEXT` for whoever resumes")
		},
		argument: func() any { return in },
	})
}

func (a *app) resumeCommand() *cobra.Command {
	var in workflows.Resume
	return a.decide(decision{
		use: "resume --org ID --by NAME", short: "End a pause, and look again at whatever is held",
		name: workflows.UpdateResume, done: "resumed",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Note, "note", "", "a `TEXT` for whoever looks later")
			cmd.Flags().BoolVar(&in.AcceptListed, "accept-listed", false, "the listed dataflows are all there are, although more were expected")
		},
		argument: func() any { return in },
	})
}

func (a *app) pairCommand() *cobra.Command {
	var in workflows.Choose
	return a.decide(decision{
		use: "pair --org ID --by NAME --old ID --new ID|none", short: "Answer which dataflow of the new card is the copy of an old one",
		name: workflows.UpdatePair, required: []string{"old", "new"}, done: "answered",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Old, "old", "", "the old dataflow's `ID`")
			cmd.Flags().StringVar(&in.New, "new", "", "the `ID` of its copy, or none to leave it out")
		},
		argument: func() any { return in },
	})
}

func (a *app) rescheduleCommand() *cobra.Command {
	var in workflows.Reschedule
	var reauthenticateBy, shutdown string
	return a.decide(decision{
		use: "reschedule --org ID --by NAME --reason TEXT", short: "Move an organization's deadlines",
		long: `Move an organization's deadlines: give --reauthenticate-by, --shutdown or both. One that is not given stays.`,
		name: workflows.UpdateReschedule, required: []string{"reason"}, done: "rescheduled",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Reason, "reason", "", "`TEXT` for whoever looks later")
			cmd.Flags().StringVar(&reauthenticateBy, "reauthenticate-by", "", "the `INSTANT` from which the old card is not guaranteed")
			cmd.Flags().StringVar(&shutdown, "shutdown", "", "the `INSTANT` at which the old API closes")
		},
		check: func() (err error) {
			if reauthenticateBy == "" && shutdown == "" {
				return usage("give --reauthenticate-by INSTANT, --shutdown INSTANT or both")
			}
			if in.ReauthenticateBy, err = parseInstant("reauthenticate-by", reauthenticateBy); err != nil {
				return err
			}
			in.Shutdown, err = parseInstant("shutdown", shutdown)
			return err
		},
		argument: func() any { return in },
	})
}

func parseInstant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usage("flag --%s is %q: give an instant such as 2024-01-19T08:00:00Z", flag, text)
	}
	return at.UTC(), nil
}
