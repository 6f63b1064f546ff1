package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/workflows"
)

// planTimeout is longer than the workflow of a preview may take, so that its own error is what a person reads.
const planTimeout = 150 * time.Second

func (a *app) planCommand() *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use:   "plan --org ID",
		Short: "Show what would be done for an organization now, change nothing",
		Long: `Show what would be done for an organization now, change nothing: what a person approves.

The plan is made anew from both cards as they are, by the same code that a migration follows. What people decided about a running migration is
taken over. -o markdown gives the same to paste into a ticket.`,
		Example: `  starter plan --org 1A2B3C4D5E6F@AdobeOrg
  starter plan --org 1A2B3C4D5E6F@AdobeOrg -o markdown > plan.md`,
		Args:        noArguments,
		Annotations: map[string]string{moreFormats: formatMarkdown},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "org"); err != nil {
				return err
			}
			return a.plan(cmd.Context(), org)
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "the organization's `ID`")
	return cmd
}

func (a *app) plan(ctx context.Context, org string) error {
	manifest, err := a.manifest()
	if err != nil {
		return err
	}
	o, err := manifest.Find(org)
	if err != nil {
		return usage("flag --org: %w", err)
	}
	playbook, err := a.loadPlaybook(manifest)
	if err != nil {
		return err
	}
	t := a.targetOf(playbook.Name, o.ID)
	return a.with(ctx, func(c connection) error {
		if err := c.needWorker(ctx); err != nil {
			return err
		}
		current, err := c.current(ctx, t)
		switch {
		case engine.IsSealed(err):
			return c.explain(ctx, t, "plan", err)
		case err != nil:
			a.warn("the running migration does not tell what it was answered (%v): the plan is made without", err)
		}
		in := workflows.PlanInput{Organization: o, Playbook: playbook}
		if current != nil {
			in.Terms = &current.Terms
		}
		plan, err := c.makePlan(ctx, in)
		if err != nil {
			return err
		}
		answer := preview(o, playbook, plan, current, a.now())
		if a.output == formatMarkdown {
			planMarkdown(a.stdout, answer, t)
			return nil
		}
		return a.print(answer, func(w io.Writer) { planTable(w, answer, t) })
	})
}

// current is how the running migration stands, which holds what people decided; nil when none runs.
func (c connection) current(ctx context.Context, t target) (*migration.Status, error) {
	s, err := c.stand(ctx, t)
	switch {
	case isKind(err, kindNotStarted), err == nil && !s.running:
		return nil, nil //nolint:nilnil // none is an answer
	case err != nil:
		return nil, err
	case s.locked:
		return nil, engine.ErrSealed
	}
	return c.queryStatus(ctx, t.workflowID)
}

func (c connection) makePlan(ctx context.Context, in workflows.PlanInput) (migration.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	var plan migration.Plan
	run, err := c.ExecuteWorkflow(ctx, workflows.PlanOptions(in), workflows.PlanOrganizationName, in)
	if err == nil {
		err = run.Get(ctx, &plan)
	}
	var told *sdk.ApplicationError
	var ran *sdk.TimeoutError
	switch {
	case engine.IsSealed(err):
		return migration.Plan{}, fail(kindFailed, "plan of %s: %w", in.Organization.ID, c.needKeys())
	case errors.As(err, &told):
		return migration.Plan{}, fail(kindFailed, "plan of %s: %s", in.Organization.ID, strings.TrimPrefix(told.Message(), "plan: "))
	case errors.As(err, &ran), err != nil && late(err):
		return migration.Plan{}, fail(kindFailed, "plan of %s: the vendor gave no full answer in time: try again, or look at the worker's log", in.Organization.ID)
	case err != nil:
		return migration.Plan{}, fail(kindFailed, "plan of %s: %w", in.Organization.ID, err)
	}
	return plan, nil
}
