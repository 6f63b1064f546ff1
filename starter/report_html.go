package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"cutover/internal/migration"
)

//go:embed report.html
var reportPage string

// tone is the color a state is shown in.
func tone(state string) string {
	switch state {
	case string(migration.Migrated), string(migration.NotAffected), "verified", "left off":
		return "good"
	case string(migration.NeedsAttention), "held", "rolled back", string(migration.RolledBack), string(migration.Cancelled), migration.OnOperator,
		"terminated", "failed", "timed out", string(migration.ShutDown):
		return "bad"
	case string(migration.AwaitingReauth), string(migration.AwaitingApproval), migration.OnOrganization, "ready", string(migration.AtRisk):
		return "wait"
	case notStarted:
		return "idle"
	}
	return "work"
}

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{"instant": instant, "tone": tone, "bar": bar}).Parse(reportPage))

// segment is a part of a bar that is 100 wide.
type segment struct {
	count
	X, Width string
}

// bar lays counts side by side.
func bar(counts []count) (segments []segment) {
	total, before := 0, 0
	for _, c := range counts {
		total += c.N
	}
	at := func(n int) float64 { return 100 * float64(n) / float64(total) }
	for _, c := range counts {
		segments = append(segments, segment{c, fmt.Sprintf("%.2f", at(before)), fmt.Sprintf("%.2f", at(before+c.N)-at(before))})
		before += c.N
	}
	return segments
}

// reportHTML is the report as one file that loads nothing from elsewhere.
func reportHTML(w io.Writer, f fleetReport) error {
	if err := reportTemplate.Execute(w, f); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// panel is one kind of totals.
type panel struct {
	Title  string
	Counts []count
}

// Panels are the totals.
func (f fleetReport) Panels() []panel {
	return []panel{
		{"Organizations", counted(f.Totals.Phases, phaseOrder)},
		{"Waiting on", counted(f.Totals.WaitingOn, waitOrder)},
		{"Clock", counted(f.Totals.Stages, stageOrder)},
		{"Dataflows", f.Totals.Dataflows.parts()},
	}
}

// Urgent are the organizations by how soon a person has to do with them.
func (f fleetReport) Urgent() []fleetRow { return f.urgent() }

// Standing is the phase, or how the execution stands.
func (r fleetRow) Standing() string { return r.standing() }

// SinceText is since when that is so.
func (r fleetRow) SinceText() string { return r.sinceText() }

// Parts are the dataflows by how far they got.
func (r fleetRow) Parts() []count { return r.Dataflows.parts() }

// More is how many waits are not shown.
func (r fleetRow) More() int { return max(0, r.Waits-1) }

// Active tells that the organization is under way.
func (r fleetRow) Active() bool { return r.Execution == running }
