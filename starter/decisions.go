package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cutover/internal/migration"
	"cutover/workflows"
)

func (a *app) approveCommand() *cobra.Command {
	var in workflows.Approve
	return a.decide(decision{
		use: "approve --org ID --by NAME --plan HASH", short: "Agree to a plan, where the playbook wants that",
		long: `Agree to a plan, where the playbook wants that of one person or of two different ones.

What is agreed to is what starter plan prints under that hash. If it changed meanwhile, the approval is refused and the difference shown.`,
		example: ` --plan 1950a2b7e2963cdf`,
		name:    workflows.UpdateApprove, required: []string{"plan"}, done: "approved",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Plan, "plan", "", "the plan's `HASH`, as starter plan prints it")
		},
		argument: func() any { return in },
		more:     missingApproval,
	})
}

// missingApproval says so where one approval is not enough.
func missingApproval(w io.Writer, _ target, status migration.Status) {
	for _, wait := range status.Waits {
		if strings.HasPrefix(wait.Command, "starter approve ") {
			fmt.Fprintln(w, "Nothing is changed before "+oneLine(wait.What)+".")
		}
	}
}

// answers a person can give about a dataflow that is held.
var answers = []string{string(migration.AnswerCarry), string(migration.AnswerAccept)}

func (a *app) settleCommand() *cobra.Command {
	var in workflows.Settle
	var answer string
	return a.decide(decision{
		use: "settle --org ID --by NAME --old ID --answer carry|accept", short: "Answer what is asked about a dataflow that is held",
		long: `Answer what is asked about a dataflow that is held.

carry   do to the copy what was done to the old dataflow, such as an audience that was added
accept  go on in spite of the difference, or take flow runs for good enough that neither pass nor fail

starter plan lists the differences, starter status what flow runs showed. The answer holds for what it was asked about: if the dataflow is
changed again, it is asked again.`,
		example: ` --old 5b7e5c7e-9d3f-4c0e-8a3a-1f0d5c7e9d3f --answer carry`,
		name:    workflows.UpdateSettle, required: []string{"old", "answer"}, done: "settled",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Old, "old", "", "the old dataflow's `ID`")
			cmd.Flags().StringVar(&answer, "answer", "", "`ANSWER`: "+strings.Join(answers, " or "))
		},
		check: func() error {
			if !slices.Contains(answers, answer) {
				return usage("flag --answer is %q: use %s", answer, strings.Join(answers, " or "))
			}
			in.Answer = migration.Answer(answer)
			return nil
		},
		argument: func() any { return in },
	})
}

// rollbackTimeout leaves a pair a few seconds: pairs go back one after the other.
const rollbackTimeout = 10 * time.Minute

func (a *app) rollbackCommand() *cobra.Command {
	var in workflows.Rollback
	return a.decide(decision{
		use: "rollback --org ID --by NAME --reason TEXT [--old ID]", short: "Take switched dataflows back to the old card",
		long: `Take switched dataflows back to the old card: all of the organization, or the one of --old. It answers when that is done.

The old dataflow is enabled again and its copy disabled, the last one switched first. Audiences that were added to a copy meanwhile are carried
back where the playbook says so. It is refused, with the reason, after the shutdown, after the playbook's time for it, and where a change would be
lost. Nothing is switched again until starter resume.`,
		example: ` --reason "fewer identities delivered"`,
		name:    workflows.UpdateRollback, required: []string{"reason"}, done: "rolled back", within: rollbackTimeout,
		waiting: "rolling back, one dataflow after the other; it goes on if this command is interrupted",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Reason, "reason", "", "`TEXT` for whoever tries again")
			cmd.Flags().StringVar(&in.Old, "old", "", "the old dataflow's `ID`; left out: all that were switched")
		},
		check: func() error {
			if in.Old != "" && strings.TrimSpace(in.Old) == "" {
				return usage("flag --old is blank: give the old dataflow's id, or leave the flag out for all")
			}
			return nil
		},
		argument: func() any { return in },
		more:     func(w io.Writer, t target, status migration.Status) { wentBack(w, t, status, in.Old) },
	})
}

// wentBack lists what runs on the old card again, and how it is tried again.
func wentBack(w io.Writer, t target, status migration.Status, only string) {
	for _, pair := range status.Pairs {
		if pair.Progress == migration.WentBack && (only == "" || pair.Old == only) {
			fmt.Fprintf(w, "  dataflow %q (%s) runs on the old card again\n", pair.Name, pair.Old)
		}
	}
	fmt.Fprintf(w, "To try again: %s --by NAME\n", t.command("resume"))
}

func (a *app) pauseCommand() *cobra.Command {
	var in workflows.Pause
	return a.decide(decision{
		use: "pause --org ID --by NAME --reason TEXT", short: "Stop planning and changing until resumed",
		long: `Stop planning and changing until resumed. Looking at accounts goes on, and what was switched stays as it is.

starter stop stops every write of all organizations at once.`,
		example: ` --reason "campaign weekend"`,
		name:    workflows.UpdatePause, required: []string{"reason"}, done: "paused",
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
		long: `End a pause, and look again at whatever is held. With --old only that dataflow: the only way to have one tried again that was rolled back alone.`,
		name: workflows.UpdateResume, done: "resumed",
		flags: func(cmd *cobra.Command) {
			byFlag(cmd, &in.By)
			cmd.Flags().StringVar(&in.Note, "note", "", "a `TEXT` for whoever looks later")
			cmd.Flags().StringVar(&in.Old, "old", "", "only the dataflow with this `ID`")
			cmd.Flags().BoolVar(&in.AcceptListed, "accept-listed", false, "the listed dataflows are all there are, although more were expected")
		},
		argument: func() any { return in },
	})
}

func (a *app) pairCommand() *cobra.Command {
	var in workflows.Choose
	return a.decide(decision{
		use: "pair --org ID --by NAME --old ID --new ID|none", short: "Answer which dataflow of the new card is the copy of an old one",
		example: ` --old 5b7e5c7e-9d3f-4c0e-8a3a-1f0d5c7e9d3f --new none`,
		name:    workflows.UpdatePair, required: []string{"old", "new"}, done: "answered",
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
		long:    `Move an organization's deadlines: give --reauthenticate-by, --shutdown or both. One that is not given stays.`,
		example: ` --reason "agreed with Adobe" --shutdown 2024-02-01T08:00:00Z`,
		name:    workflows.UpdateReschedule, required: []string{"reason"}, done: "rescheduled",
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
