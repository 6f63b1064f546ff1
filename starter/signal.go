package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"cutover/workflows"
)

// signalAnswer says that a claim reached the organization's workflow; Answer is what a look at the account showed, with --confirm.
type signalAnswer struct {
	Organization string                   `json:"organization"`
	WorkflowID   string                   `json:"workflow_id"`
	Account      string                   `json:"account"`
	Sent         bool                     `json:"sent"`
	Answer       *workflows.AccountAnswer `json:"answer,omitempty"`
}

func (a *app) signalCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "signal",
		Short: "Tell a migration that something happened outside",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage("say what happened (see %s --help)", cmd.CommandPath())
		},
	}
	var org string
	var claim workflows.ReauthCompleted
	var confirm bool
	cmd := &cobra.Command{
		Use:   "reauth-completed --org ID --account ID --by NAME",
		Short: "Somebody signed in again for an account of the new card",
		Long: `Somebody signed in again for an account of the new card.

It is a claim: the account itself is looked at. The signal is kept until a worker runs. With --confirm the answer of that look is waited for and
printed; exit code 1 if the account is not verified. Temporal's own tools can send the same signal, as plain JSON:

  temporal workflow signal --workflow-id cutover/PLAYBOOK/ORG --name reauth-completed --input '{"account": "ID", "by": "NAME"}'`,
		Example: "  starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account 4d3f5c7e --by operator --confirm",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "org", "account", "by"); err != nil {
				return err
			}
			t, err := a.target(org)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(c connection) error {
				if confirm {
					return a.confirm(cmd.Context(), c, t, claim)
				}
				return a.signal(cmd.Context(), c, t, claim)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&org, "org", "", "the organization's `ID`")
	flags.StringVar(&claim.Account, "account", "", "the account's `ID`")
	flags.StringVar(&claim.By, "by", "", "the `NAME` of who says so")
	flags.StringVar(&claim.Note, "note", "", "a `TEXT` for whoever looks later")
	flags.BoolVar(&confirm, "confirm", false, "wait for the look at the account and print what it showed")
	parent.AddCommand(cmd)
	return parent
}

func (a *app) signal(ctx context.Context, c connection, t target, claim workflows.ReauthCompleted) error {
	asked, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := c.SignalWorkflow(asked, t.workflowID, "", workflows.SignalReauthCompleted, claim); err != nil {
		return c.explain(ctx, t, "signal the workflow", err)
	}
	if polled, err := c.polled(ctx); err == nil && !polled {
		a.warn("no worker polls task queue %s in namespace %s: the signal waits until one does (run: worker)", workflows.TaskQueue, c.namespace)
	}
	answer := signalAnswer{Organization: t.organization, WorkflowID: t.workflowID, Account: claim.Account, Sent: true}
	return a.print(answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s: told that account %s was re-authenticated; it is looked at next\n", t.organization, claim.Account)
	})
}

func (a *app) confirm(ctx context.Context, c connection, t target, claim workflows.ReauthCompleted) error {
	var answer workflows.AccountAnswer
	if err := c.update(ctx, t, update{name: workflows.UpdateReauthCompleted, arg: claim}, &answer); err != nil {
		return err
	}
	result := signalAnswer{Organization: t.organization, WorkflowID: t.workflowID, Account: claim.Account, Sent: true, Answer: &answer}
	verdict := "not verified"
	if answer.Verified {
		verdict = "verified"
	}
	if err := a.print(result, func(w io.Writer) {
		fmt.Fprintf(w, "%s: account %s is %s: %s\n", t.organization, claim.Account, verdict, oneLine(answer.Reason))
	}); err != nil {
		return err
	}
	if !answer.Verified {
		return toldError{fail(kindFailed, "account %s of %s is not verified: %s; sign in to it (Adobe: Destinations > Accounts > Reconnect OAuth) and say so again",
			claim.Account, t.organization, answer.Reason)}
	}
	return nil
}
