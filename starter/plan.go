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
	// CurrentHash is that of the plan the running migration follows; empty without one.
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
		answer, err := c.preview(ctx, o, playbook)
		if err != nil {
			return err
		}
		return a.print(answer, func(w io.Writer) { planTable(w, answer) })
	})
}

func (c connection) preview(ctx context.Context, o migration.Organization, playbook migration.Playbook) (planAnswer, error) {
	answer := planAnswer{Organization: o.ID, Name: o.Name, Playbook: playbook.Name, Toggles: []migration.Toggle{}}
	in := workflows.PlanInput{Organization: o, Playbook: playbook}
	plan, err := c.makePlan(ctx, in)
	if err != nil {
		return planAnswer{}, err
	}
	if current := c.currentPlan(ctx, workflows.WorkflowID(playbook.Name, o.ID)); current != nil {
		answer.CurrentHash = current.Hash
		if in.Choices = choicesOf(*current, plan); len(in.Choices) > 0 {
			answer.Choices = in.Choices
			if plan, err = c.makePlan(ctx, in); err != nil {
				return planAnswer{}, err
			}
		}
	}
	answer.Plan = plan
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
		return migration.Plan{}, fail(kindFailed, "plan of %s: %s", in.Organization.ID, told.Message())
	case errors.As(err, &ran), err != nil && late(err):
		return migration.Plan{}, fail(kindFailed, "plan of %s: the vendor gave no full answer in time: try again, or look at the worker's log", in.Organization.ID)
	case err != nil:
		return migration.Plan{}, fail(kindFailed, "plan of %s: %w", in.Organization.ID, err)
	}
	return plan, nil
}

// currentPlan is the plan that the organization's migration follows, or nil: a preview works without one.
func (c connection) currentPlan(ctx context.Context, workflowID string) *migration.Plan {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	value, err := c.QueryWorkflow(ctx, workflowID, "", workflows.QueryPlan)
	if err != nil {
		return nil
	}
	var plan *migration.Plan
	if err := value.Get(&plan); err != nil {
		return nil
	}
	return plan
}

// choicesOf are the answers in current that a plan made without them lacks: people left a dataflow out, or chose another copy than the rules.
func choicesOf(current, without migration.Plan) map[string]string {
	choices := map[string]string{}
	for _, old := range current.Left {
		choices[old] = migration.LeaveOut
	}
	found := map[string]string{}
	for _, pair := range without.Pairs {
		found[pair.Old] = pair.New
	}
	for _, pair := range current.Pairs {
		if found[pair.Old] != pair.New {
			choices[pair.Old] = pair.New
		}
	}
	return choices
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
