package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/migration"
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

// update is what a workflow is asked to do.
type update struct {
	name   string
	arg    any
	within time.Duration // for it to be done; 0: updateTimeout
}

// update asks the workflow to do something now. A refusal and the result come from the handle, not from the request.
func (c connection) update(ctx context.Context, t target, u update, result any) error {
	s, err := c.stand(ctx, t)
	if err != nil {
		return err
	}
	if !s.running { // no worker is needed to say so
		return c.unfound(ctx, t)
	}
	if s.locked { // what was sent would stand in the history in clear, and its answer could not be read
		return fail(kindFailed, "%s of %s: %w", u.name, t.organization, c.needKeys())
	}
	if err := c.needWorker(ctx); err != nil {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	handle, err := c.ask(asked, client.UpdateWorkflowOptions{
		WorkflowID: t.workflowID, UpdateID: uuid.NewString(), UpdateName: u.name, Args: []any{u.arg}, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	switch {
	case err != nil && late(err):
		return fail(kindNoWorker, "no worker answered for %s within %s: look at the worker's log, then at %s", t.organization, updateTimeout, t.command("status"))
	case err != nil:
		return c.explain(ctx, t, u.name, err)
	}
	within := cmp.Or(u.within, updateTimeout)
	waited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = handle.Get(waited, result)
	var refused *sdk.ApplicationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Type() == activities.RollbackRefused: // of some; others may have gone back
		return fail(kindFailed, "%s of %s: %s; how the others stand is in %s", u.name, t.organization, refused.Message(), t.command("status"))
	case errors.As(err, &refused):
		return fail(kindRefused, "%s refused %s: %s", t.organization, u.name, refused.Message())
	case late(err):
		return fail(kindFailed, "%s of %s was accepted and is not done after %s: it goes on; look at %s", u.name, t.organization, within, t.command("status"))
	}
	return c.explain(ctx, t, u.name, err)
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
	example          string // flags behind --org ID --by NAME
	name             string // of the update
	required         []string
	flags            func(cmd *cobra.Command)
	check            func() error
	argument         func() any
	within           time.Duration // for it to be done; 0: updateTimeout
	waiting          string        // what a person reads while it takes long
	done             string        // what a person reads
	more             func(io.Writer, target, migration.Status)
}

func (a *app) decide(d decision) *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use:     d.use,
		Short:   d.short,
		Long:    d.long,
		Example: "  starter " + strings.Fields(d.use)[0] + " --org 1A2B3C4D5E6F@AdobeOrg --by operator" + d.example,
		Args:    noArguments,
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
				if a.terminal && d.waiting != "" {
					fmt.Fprintln(a.stderr, d.waiting)
				}
				answer := updateAnswer{Organization: t.organization, WorkflowID: t.workflowID, Action: d.name}
				if err := c.update(cmd.Context(), t, update{d.name, d.argument(), d.within}, &answer.Status); err != nil {
					return err
				}
				return a.print(answer, func(w io.Writer) {
					fmt.Fprintf(w, "%s: %s; phase %s\n", t.organization, d.done, answer.Status.Phase)
					if d.more != nil {
						d.more(w, t, answer.Status)
					}
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
