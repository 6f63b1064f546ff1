package main

import (
	"encoding/csv"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"cutover/internal/migration"
	"cutover/workflows"
)

// fleet are organizations in every situation that a report tells apart.
func fleet() *fake {
	const (
		running   = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		completed = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	)
	of := func(organization, name string, phase migration.Phase, change func(*migration.Status)) *migration.Status {
		s := status(phase)
		s.Organization, s.Name = organization, name
		s.Timeline = migration.Timeline{Available: noon.AddDate(0, 0, -15), ReauthenticateBy: noon.AddDate(0, 0, 15), Shutdown: noon.AddDate(0, 0, 49)}
		change(s)
		return s
	}
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{}}
	add := func(state enumspb.WorkflowExecutionStatus, organization string, phase migration.Phase, waitingOn string, s *migration.Status) {
		f.workflows[id(organization)] = &fakeWorkflow{state: state, attributes: attributesOf(organization, phase, waitingOn, 3), status: s}
	}
	add(running, acme, migration.AwaitingReauth, "organization", of(acme, "Acme", migration.AwaitingReauth, func(*migration.Status) {}))
	full := eventful()
	full.Organization, full.Name = "2DUNE@AdobeOrg", "Dune & <Sons>"
	add(running, "2DUNE@AdobeOrg", migration.NeedsAttention, "operator", full)
	add(running, "3EMBER@AdobeOrg", migration.Watching, "vendor", of("3EMBER@AdobeOrg", "Ember", migration.Watching, func(s *migration.Status) {
		s.Waits = []migration.Wait{{
			On: migration.OnVendor, Who: "Adobe", What: "the old API is closed; until then both cards are watched", Since: noon, By: s.Timeline.Shutdown,
		}}
		s.Pairs[0].Progress = migration.Verified
	}))
	add(running, "4FJORD@AdobeOrg", migration.AwaitingReauth, "organization", of("4FJORD@AdobeOrg", "Fjord", migration.AwaitingReauth, func(s *migration.Status) {
		s.Timeline.ReauthenticateBy, s.Timeline.Shutdown = noon.AddDate(0, 0, -8), noon.AddDate(0, 0, -1)
		s.Waits[0].By, s.Paused = s.Timeline.Shutdown, true
		s.Waits = append(s.Waits, s.Waits[0])
	}))
	add(running, "5GROVE@AdobeOrg", migration.CuttingOver, "", nil) // it does not answer
	add(completed, "6HAZEL@AdobeOrg", migration.Migrated, "", of("6HAZEL@AdobeOrg", "Hazel", migration.Migrated, func(s *migration.Status) {
		s.Waits, s.Pairs[0].Progress = nil, migration.Verified
		s.Pairs[0].Missed = &migration.Window{From: noon, To: noon.Add(time.Hour)}
	}))
	add(enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, "7INDIGO@AdobeOrg", migration.RolledBack, "",
		of("7INDIGO@AdobeOrg", "Indigo", migration.RolledBack, func(s *migration.Status) { s.Waits, s.Pairs[0].Progress = nil, migration.WentBack }))
	add(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, "8JUNIPER@AdobeOrg", migration.AwaitingReauth, "organization",
		of("8JUNIPER@AdobeOrg", "Juniper", migration.AwaitingReauth, func(*migration.Status) {}))
	return f
}

func TestReport(t *testing.T) {
	t.Parallel()
	f := fleet()
	table, _ := f.bothFormats(t, "report", exitDone, withManifestFlag("report")...)
	require.Equal(t, "warning: 1 of 9 workflows did not answer: of these this is what search attributes tell\n", table.stderr)
	for _, format := range []string{formatCSV, formatHTML} {
		got := f.ask(t, withManifestFlag("report", "-o", format)...)
		require.Equal(t, exitDone, got.code, got.stderr)
		golden(t, "report."+format, got.stdout)
	}
	require.Contains(t, f.queries[0], "CutoverPlaybook = 'pinterest-v5'")
}

func TestReportCountsAddUp(t *testing.T) {
	t.Parallel()
	var report fleetReport
	require.NoError(t, json.Unmarshal([]byte(fleet().ask(t, withManifestFlag("report", "-o", "json")...).stdout), &report))
	sum := func(counts map[string]int) (n int) {
		for _, c := range counts {
			n += c
		}
		return n
	}
	totals := report.Totals
	require.Equal(t, len(report.Organizations), totals.Organizations)
	require.Equal(t, totals.Organizations, sum(totals.Phases))
	require.Equal(t, 5, sum(totals.Stages), "of those that run")
	require.Equal(t, 5, sum(totals.WaitingOn))
	require.Equal(t, 1, totals.Late)
	require.Equal(t, 2, totals.Done)
	d := totals.Dataflows
	require.Equal(t, d.Total, d.Ready+d.Held+d.Switched+d.Verified+d.LeftOff+d.RolledBack)
}

// A page that people pass on must load nothing, run nothing and show what others wrote as text.
func TestReportPageStandsAlone(t *testing.T) {
	t.Parallel()
	f := fleet()
	hostile := `<script>alert(1)</script>" onload="x`
	f.workflows[id(acme)].status.Name = hostile
	f.workflows[id(acme)].status.Waits[0].What = hostile
	page := f.ask(t, withManifestFlag("report", "-o", "html")...).stdout
	require.Contains(t, page, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`)
	require.NotContains(t, page, "<script")
	require.Contains(t, html.UnescapeString(page), hostile)
	require.NotRegexp(t, `(?i)\s(src|srcset|action)=|@import|url\(`, page)
	for _, link := range regexp.MustCompile(`https?://[^"]*`).FindAllString(page, -1) {
		require.True(t, strings.HasPrefix(link, "http://localhost:8233/"), "only links to the Web UI: %s", link)
	}
}

func TestReportCellsAreNeverFormulas(t *testing.T) {
	t.Parallel()
	f := fleet()
	f.workflows[id(acme)].status.Name = "=cmd()"
	rows, err := csv.NewReader(strings.NewReader(f.ask(t, withManifestFlag("report", "-o", "csv")...).stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 10)
	require.Equal(t, "'=cmd()", rows[1][1])
}

func TestReportIntoAFile(t *testing.T) {
	t.Parallel()
	f := fleet()
	delete(f.workflows, id("5GROVE@AdobeOrg"))
	dir := t.TempDir()
	for name, want := range map[string]string{"a.html": "<!DOCTYPE html>", "a.json": "{\n", "a.csv": "organization,", "a.txt": "8 organizations"} {
		out := filepath.Join(dir, name)
		require.Equal(t, reply{exitDone, "", out + ": report of 8 organizations\n"}, f.ask(t, withManifestFlag("report", "--out", out)...))
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(data), want), name)
	}
	out := filepath.Join(dir, "b.html")
	require.Equal(t, exitDone, f.ask(t, withManifestFlag("report", "--out", out, "-o", "csv")...).code)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data), "organization,"), "what is asked for counts")

	got := f.ask(t, withManifestFlag("report", "--out", dir, "-o", "json")...)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, errorOf(t, got).Message, "write the report: open "+dir)
}

func TestReportWithoutAWorker(t *testing.T) {
	t.Parallel()
	f := fleet()
	f.polled = false
	got := f.ask(t, withManifestFlag("report", "-o", "csv")...)
	require.Equal(t, exitDone, got.code)
	require.Equal(t, "warning: no worker polls task queue cutover: this is what search attributes tell\n", got.stderr)
	require.Contains(t, got.stdout, ",AwaitingReauth,")
	require.Zero(t, f.asked.Load(), "nothing is asked that nobody answers")
}

func TestReportOfNone(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true}
	require.Equal(t, reply{exitDone, "No organization was started: starter start --all starts those of the manifest.\n", ""}, f.ask(t, "report"))
	require.Contains(t, f.ask(t, "report", "-o", "json").stdout, `"organizations": []`)
	require.Contains(t, f.ask(t, "report", "-o", "html").stdout, "0 of 0 organizations done")
}

func TestReportOfAPlaybook(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{
		workflows.WorkflowID("rehearsal", acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, status: status(migration.Planning)},
	}}
	got := f.ask(t, "report", "--playbook", "rehearsal")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, f.queries[0], "CutoverPlaybook = 'rehearsal'")
	require.Contains(t, got.stdout, " --by NAME --playbook rehearsal\n", "commands name the playbook too")
}
