package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/internal/migration"
	"cutover/workflows"
)

// planTimeout is longer than the workflow of a preview may take, so that its own error is what a person reads.
const planTimeout = 150 * time.Second

// planAnswer is a preview. Nothing was changed to make it.
type planAnswer struct {
	Organization string             `json:"organization"`
	Name         string             `json:"name"`
	Playbook     string             `json:"playbook"`
	Choices      map[string]string  `json:"choices,omitempty"` // answers given to the running migration, taken over
	Toggles      []migration.Toggle `json:"toggles"`           // every vendor write, in order
	Plan         migration.Plan     `json:"plan"`
	// CurrentHash is the hash of the plan the running migration follows; empty without one.
	CurrentHash string `json:"current_hash,omitempty"`
}

func (a *app) planCommand() *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use:   "plan --org ID",
		Short: "Show what would be done for an organization now, change nothing",
		Long: `Show what would be done for an organization now, change nothing.

The plan is made anew from both cards as they are, by the same code that a migration follows. Answers that were given to a running migration
(starter pair) are taken over.`,
		Args: noArguments,
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
	return a.with(ctx, func(c connection) error {
		if err := c.needWorker(ctx); err != nil {
			return err
		}
		current, err := c.current(ctx, target{o.ID, playbook.Name, workflows.WorkflowID(playbook.Name, o.ID)})
		if err != nil {
			a.warn("the running migration does not tell what it was answered (%v): the plan is made without", err)
		}
		answer, err := c.preview(ctx, o, playbook, current)
		if err != nil {
			return err
		}
		return a.print(answer, func(w io.Writer) { planTable(w, answer) })
	})
}

// current is how the running migration stands, which holds what people answered; empty when none runs.
func (c connection) current(ctx context.Context, t target) (migration.Status, error) {
	s, err := c.stand(ctx, t)
	switch {
	case isKind(err, kindNotStarted), err == nil && !s.running:
		return migration.Status{}, nil
	case err != nil:
		return migration.Status{}, err
	}
	status, err := c.queryStatus(ctx, t.workflowID)
	if err != nil {
		return migration.Status{}, err
	}
	return *status, nil
}

func (c connection) preview(ctx context.Context, o migration.Organization, playbook migration.Playbook, current migration.Status) (planAnswer, error) {
	plan, err := c.makePlan(ctx, workflows.PlanInput{Organization: o, Playbook: playbook, Choices: current.Choices})
	if err != nil {
		return planAnswer{}, err
	}
	answer := planAnswer{
		Organization: o.ID, Name: o.Name, Playbook: playbook.Name, Choices: current.Choices, Toggles: []migration.Toggle{},
		Plan: plan, CurrentHash: current.PlanHash,
	}
	for _, pair := range plan.Pairs {
		answer.Toggles = append(answer.Toggles, pair.Toggles(plan.Order)...)
	}
	return answer, nil
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
	case errors.As(err, &told):
		return migration.Plan{}, fail(kindFailed, "plan of %s: %s", in.Organization.ID, strings.TrimPrefix(told.Message(), "plan: "))
	case errors.As(err, &ran), err != nil && late(err):
		return migration.Plan{}, fail(kindFailed, "plan of %s: the vendor gave no full answer in time: try again, or look at the worker's log", in.Organization.ID)
	case err != nil:
		return migration.Plan{}, fail(kindFailed, "plan of %s: %w", in.Organization.ID, err)
	}
	return plan, nil
}

func planTable(w io.Writer, answer planAnswer) {
	plan := answer.Plan
	fmt.Fprintf(w, "Plan %s of %s (%s), playbook %s, %s, made %s. Nothing was changed.\n",
		plan.Hash, oneLine(answer.Name), answer.Organization, answer.Playbook, plan.Order, instant(plan.MadeAt))
	if answer.CurrentHash != "" && answer.CurrentHash != plan.Hash {
		fmt.Fprintf(w, "The running migration follows plan %s and plans again before it changes anything.\n", answer.CurrentHash)
	}
	if len(plan.Pairs) > 0 {
		fmt.Fprintln(w)
		rows := [][]string{{"DATAFLOW", "SANDBOX", "ACTION", "OLD", "COPY", "DRIFT", "HOLD"}}
		for _, p := range plan.Pairs {
			rows = append(rows, []string{p.Name, p.Sandbox, string(p.Action), p.Old, p.New, driftText(p.Drift), p.Hold})
		}
		writeTable(w, rows)
	}
	toggleTable(w, answer.Toggles)
	if len(plan.Questions) > 0 {
		fmt.Fprintln(w, "\nQuestions, answered with starter pair; nothing of these is touched until then:")
		for _, q := range plan.Questions {
			candidates := strings.Join(q.Candidates, ", ")
			if candidates == "" {
				candidates = "no candidate"
			}
			fmt.Fprintf(w, "  which dataflow is the copy of %q (%s, sandbox %s)? %s: %s\n", q.Name, q.Old, q.Sandbox, q.Why, candidates)
			fmt.Fprintf(w, "    starter pair --org %s --by NAME --old %s --new ID|none\n", answer.Organization, q.Old)
		}
	}
	if len(plan.Left) > 0 {
		fmt.Fprintln(w, "\nLeft out by choice: "+strings.Join(plan.Left, ", "))
	}
	if len(plan.Pairs)+len(plan.Questions)+len(plan.Left) == 0 {
		fmt.Fprintln(w, "\nNo dataflow on the old card.")
	}
}

func toggleTable(w io.Writer, toggles []migration.Toggle) {
	if len(toggles) == 0 {
		fmt.Fprintln(w, "\nNothing would be toggled.")
		return
	}
	fmt.Fprintln(w, "\nToggles, in order within each pair:")
	rows := make([][]string, len(toggles))
	for i, toggle := range toggles {
		rows[i] = []string{fmt.Sprintf("  %d", i+1), toggle.Op, toggle.Card, toggle.Dataflow, toggle.Pair}
	}
	writeTable(w, rows)
}

func driftText(drift []migration.Drift) string {
	parts := make([]string, len(drift))
	for i, d := range drift {
		parts[i] = string(d.Kind) + ": " + d.Item
	}
	return strings.Join(parts, "; ")
}
