package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutover/internal/migration"
)

// fleetReport is the progress of all organizations. Fields are only ever added.
type fleetReport struct {
	Playbook      string      `json:"playbook,omitempty"` // empty: of every playbook
	MadeAt        time.Time   `json:"made_at"`
	Totals        fleetTotals `json:"totals"`
	Organizations []fleetRow  `json:"organizations"` // in the order of their ids
}

// fleetTotals count organizations, and the dataflows of those that answered.
type fleetTotals struct {
	Organizations int            `json:"organizations"`
	Done          int            `json:"done"`
	Late          int            `json:"late"`
	Phases        map[string]int `json:"phases"`     // a phase; else how the execution stands, such as not started or terminated
	Stages        map[string]int `json:"stages"`     // of those that run
	WaitingOn     map[string]int `json:"waiting_on"` // of those that run
	Dataflows     dataflowCounts `json:"dataflows"`
}

// fleetRow is one organization in it.
type fleetRow struct {
	summary
	Answered  bool            `json:"answered"` // its workflow did; else search attributes are all there is
	Since     time.Time       `json:"since,omitzero"`
	Due       string          `json:"due,omitempty"` // what the deadline is for
	Late      bool            `json:"late"`          // it runs, and the old API is closed
	Paused    bool            `json:"paused"`
	Wait      *migration.Wait `json:"wait,omitempty"` // the first of its waits
	Waits     int             `json:"waits"`
	Dataflows dataflowCounts  `json:"dataflows"`
	Accounts  int             `json:"accounts"`
	SignedIn  int             `json:"signed_in"`           // of these accounts
	LeaseEnds time.Time       `json:"lease_ends,omitzero"` // of the sign-in that ends next, while the organization runs
}

const running = "running"

func rowOf(s summary) fleetRow {
	r := fleetRow{summary: s, Late: s.Execution == running && s.Stage == string(migration.ShutDown)}
	if r.broken() {
		r.WaitingOn = ""
	}
	return r
}

// take adds what the workflow itself says, which is never behind.
func (r *fleetRow) take(s migration.Status) {
	r.Answered, r.Name = true, s.Name
	r.Phase, r.Stage, r.Since = string(s.Phase), string(s.Stage), s.Since
	r.Due, r.Deadline, r.Paused = s.Deadline, s.DeadlineAt, s.Paused
	r.Late = r.Execution == running && s.Stage == migration.ShutDown
	r.Dataflows, r.Accounts = countPairs(s.Pairs), len(s.Accounts)
	r.Wait, r.WaitingOn, r.Waits = nil, "", len(s.Waits)
	if r.broken() {
		r.Waits = 0 // nobody acts on what it waited for
	}
	if r.Waits > 0 {
		r.Wait, r.WaitingOn = &s.Waits[0], s.Waits[0].On
	}
	for _, account := range s.Accounts {
		if !account.Verified {
			continue
		}
		r.SignedIn++
		if end := account.LeaseEnd; r.Execution == running && !end.IsZero() && (r.LeaseEnds.IsZero() || end.Before(r.LeaseEnds)) {
			r.LeaseEnds = end
		}
	}
}

// standing is the phase of one that runs or came to an outcome; else how its execution stands.
func (r fleetRow) standing() string {
	if r.Phase != "" && (r.Execution == running || migration.Phase(r.Phase).Done()) {
		return r.Phase
	}
	return r.Execution
}

// broken tells that the workflow ended without an outcome.
func (r fleetRow) broken() bool {
	return r.Execution != running && r.Execution != notStarted && !migration.Phase(r.Phase).Done()
}

func newFleetReport(playbook string, rows []fleetRow, now time.Time) fleetReport {
	report := fleetReport{Playbook: playbook, MadeAt: now.UTC().Truncate(time.Second), Organizations: rows, Totals: fleetTotals{
		Organizations: len(rows), Phases: map[string]int{}, Stages: map[string]int{}, WaitingOn: map[string]int{},
	}}
	for _, row := range rows {
		t := &report.Totals
		t.Phases[row.standing()]++
		t.Dataflows.add(row.Dataflows)
		if row.Late {
			t.Late++
		}
		switch {
		case migration.Phase(row.Phase).Done():
			t.Done++
		case row.Execution == running:
			t.Stages[row.Stage]++
			t.WaitingOn[row.WaitingOn]++
		}
	}
	return report
}

// urgent are the organizations by how soon a person has to do with them.
func (f fleetReport) urgent() []fleetRow {
	rank := func(r fleetRow) int {
		switch {
		case r.broken():
			return 0
		case migration.Phase(r.Phase).Done():
			return 5
		case r.Execution == notStarted:
			return 4
		case r.WaitingOn == migration.OnOperator:
			return 1
		case r.WaitingOn == migration.OnOrganization:
			return 2
		}
		return 3
	}
	by := func(r fleetRow) time.Time {
		if r.Wait != nil {
			return r.Wait.By
		}
		return r.Deadline
	}
	return slices.SortedStableFunc(slices.Values(f.Organizations), func(a, b fleetRow) int {
		return cmp.Or(rank(a)-rank(b), by(a).Compare(by(b)))
	})
}

// The orders in which totals are told.
var (
	phaseOrder = []string{
		string(migration.NeedsAttention), string(migration.AwaitingApproval), string(migration.AwaitingReauth), string(migration.Assessing),
		string(migration.Planning), string(migration.CuttingOver), string(migration.Verifying), string(migration.Watching), notStarted,
		string(migration.Migrated), string(migration.NotAffected), string(migration.RolledBack), string(migration.Cancelled),
	}
	stageOrder = []string{string(migration.Scheduled), string(migration.Open), string(migration.AtRisk), string(migration.ShutDown)}
	waitOrder  = []string{migration.OnOperator, migration.OnOrganization, migration.OnVendor}
)

// counted are totals in an order; what the order does not know comes last.
func counted(totals map[string]int, order []string) (list []count) {
	for word, n := range totals {
		list = append(list, count{cmp.Or(word, "nobody"), n})
	}
	place := func(c count) int {
		if i := slices.Index(order, c.Word); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(list, func(a, b count) int { return cmp.Or(place(a)-place(b), strings.Compare(a.Word, b.Word)) })
	return list
}

// rows are the report for a spreadsheet, one organization a row.
func (f fleetReport) rows() [][]string {
	rows := [][]string{{
		"organization", "name", "playbook", "execution", "phase", "since", "stage", "due", "deadline", "late", "paused",
		"waiting_on", "waiting_who", "waiting_what", "waiting_since", "waiting_by", "command", "waits",
		"dataflows", "ready", "held", "switched", "verified", "left_off", "rolled_back", "undelivered",
		"accounts", "signed_in", "lease_ends", "error_type", "answered", "url",
	}}
	for _, r := range f.Organizations {
		wait := migration.Wait{}
		if r.Wait != nil {
			wait = *r.Wait
		}
		row := []string{
			r.Organization, r.Name, r.Playbook, r.Execution, r.Phase, instant(r.Since), r.Stage, r.Due, instant(r.Deadline),
			strconv.FormatBool(r.Late), strconv.FormatBool(r.Paused),
			r.WaitingOn, wait.Who, wait.What, instant(wait.Since), instant(wait.By), wait.Command, strconv.Itoa(r.Waits),
		}
		d := r.Dataflows
		for _, n := range []int{d.Total, d.Ready, d.Held, d.Switched, d.Verified, d.LeftOff, d.RolledBack, d.Undelivered, r.Accounts, r.SignedIn} {
			row = append(row, strconv.Itoa(n))
		}
		row = append(row, instant(r.LeaseEnds), r.ErrorType, strconv.FormatBool(r.Answered), r.URL)
		for i := range row {
			row[i] = spreadsheetCell(row[i])
		}
		rows = append(rows, row)
	}
	return rows
}

// spreadsheetCell keeps what people and vendors wrote from being a formula.
func spreadsheetCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
