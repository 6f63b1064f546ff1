package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

type cancelAnswer struct {
	Organization string `json:"organization"`
	WorkflowID   string `json:"workflow_id"`
	RunID        string `json:"run_id"`
	Asked        bool   `json:"asked"` // the workflow ends on its own, once a worker runs
}

func (a *app) cancelCommand() *cobra.Command {
	var org string
	var yes bool
	cmd := &cobra.Command{
		Use:     "cancel --org ID --yes",
		Short:   "Give a migration up: nothing more is changed, nothing is undone (starter rollback undoes)",
		Example: "  starter cancel --org 1A2B3C4D5E6F@AdobeOrg --yes",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "org"); err != nil {
				return err
			}
			if !yes {
				return usage("flag --yes is missing: a cancelled migration does not go on, it must be started anew (starter pause only holds it)")
			}
			t, err := a.target(org)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(c connection) error { return a.cancel(cmd.Context(), c, t) })
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "the organization's `ID`")
	cmd.Flags().BoolVar(&yes, "yes", false, "yes, give it up")
	return cmd
}

func (a *app) cancel(ctx context.Context, c connection, t target) error {
	s, err := c.stand(ctx, t)
	if err != nil {
		return err
	}
	if !s.running { // the server takes a request to cancel what has ended without a word
		return c.unfound(ctx, t)
	}
	asked, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	if err := c.CancelWorkflow(asked, t.workflowID, s.runID); err != nil {
		return c.explain(ctx, t, "cancel the workflow", err)
	}
	answer := cancelAnswer{Organization: t.organization, WorkflowID: t.workflowID, RunID: s.runID, Asked: true}
	return a.print(answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s: asked to end; dataflows stay as they are\n", t.organization)
	})
}
