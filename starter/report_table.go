package main

import (
	"fmt"
	"io"

	"cutover/internal/migration"
)

// reportTable is the report for a terminal: totals, a block for whoever is under way, a line for the others.
func reportTable(w io.Writer, f fleetReport, again string) {
	if len(f.Organizations) == 0 {
		fmt.Fprintln(w, "No organization was started: starter start --all starts those of the manifest.")
		return
	}
	of := ""
	if f.Playbook != "" {
		of = ", playbook " + f.Playbook
	}
	fmt.Fprintf(w, "%d organizations%s, %d done, at %s\n\n", len(f.Organizations), of, f.Totals.Done, instant(f.MadeAt))
	late := ""
	if f.Totals.Late > 0 {
		late = fmt.Sprintf("%d: the old API is closed and they are not done", f.Totals.Late)
	}
	block(w, "", [][2]string{
		{"Phases", joinCounts(counted(f.Totals.Phases, phaseOrder))},
		{"Stages", joinCounts(counted(f.Totals.Stages, stageOrder))},
		{"Waiting on", joinCounts(counted(f.Totals.WaitingOn, waitOrder))},
		{"Dataflows", f.Totals.Dataflows.String()},
		{"Late", late},
	})
	fmt.Fprintln(w)
	for _, r := range f.urgent() {
		reportBlock(w, r, again)
	}
}

func reportBlock(w io.Writer, r fleetRow, again string) {
	name := r.Organization
	if r.Name != "" {
		name = r.Name + " (" + r.Organization + ")"
	}
	if r.Execution == notStarted || migration.Phase(r.Phase).Done() {
		dataflows := ""
		if r.Dataflows.Total > 0 {
			dataflows = "; dataflows: " + r.Dataflows.String()
		}
		title(w, "%s: %s%s", name, r.standing(), dataflows)
		return
	}
	title(w, "%s: %s%s", name, r.standing(), r.sinceText())
	if r.broken() {
		block(w, "    ", [][2]string{{"dataflows", r.Dataflows.String()}, {"error", r.ErrorType}, {"type", "starter start --org " + r.Organization + again}})
		return
	}
	lines := [][2]string{{"stage", r.stageText()}, {"dataflows", r.Dataflows.String()}, {"lease", r.leaseText()}, {"error", r.ErrorType}, {"note", r.silence()}}
	if wait := r.Wait; wait != nil {
		command := wait.Command
		if command != "" {
			command += again
		}
		lines = append(lines, [2]string{"waits", r.waitText()}, [2]string{"since", instant(wait.Since) + ", by " + instant(wait.By)}, [2]string{"type", command})
	}
	block(w, "    ", lines)
}

// sinceText is since when the organization stands there; of one that ended without an outcome, where it stood.
func (r fleetRow) sinceText() (text string) {
	switch {
	case r.broken() && r.Phase != "":
		return " while " + r.Phase
	case !r.Since.IsZero():
		text = " since " + instant(r.Since)
	}
	if r.Paused {
		text += ", paused"
	}
	return text
}

// stageText is where the clock stands, and what is due next.
func (r fleetRow) stageText() string {
	switch {
	case r.Late:
		return r.Stage + ", late"
	case r.Deadline.IsZero():
		return r.Stage
	case r.Due == "":
		return r.Stage + ", deadline " + instant(r.Deadline)
	}
	return r.Stage + ", " + r.Due + " by " + instant(r.Deadline)
}

// silence says that more is not known of the organization.
func (r fleetRow) silence() string {
	if r.Answered {
		return ""
	}
	return "its workflow did not answer"
}

func (r fleetRow) leaseText() string {
	if r.LeaseEnds.IsZero() {
		return ""
	}
	return "a sign-in ends at " + instant(r.LeaseEnds)
}

// waitText is whom the organization waits for, and for what.
func (r fleetRow) waitText() string {
	text := r.Wait.On
	if r.Wait.Who != r.Wait.On {
		text += " (" + r.Wait.Who + ")"
	}
	text += ": " + r.Wait.What
	if more := r.Waits - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}
