package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutover/internal/migration"
)

// detailTable is one organization for a terminal: a block per thing, because ids and what is waited for are long.
func detailTable(w io.Writer, d statusDetail, t target, now time.Time) {
	name := d.Organization
	if d.Name != "" {
		name = d.Name + " (" + d.Organization + ")"
	}
	fmt.Fprintf(w, "%s, playbook %s, %s\n\n", oneLine(name), d.Playbook, d.Execution)
	stopLine(w, d.WritesStopped)
	for _, where := range d.Held {
		title(w, "%s", where)
	}
	if len(d.Held) > 0 {
		fmt.Fprintln(w)
	}
	if d.Status == nil {
		block(w, "", [][2]string{
			{"Outcome", d.Outcome},
			{"Phase", d.Phase},
			{"Stage", d.Stage},
			{"Deadline", instant(d.Deadline)},
			{"Waiting on", d.WaitingOn},
			{"Open", strconv.FormatInt(d.Open, 10)},
			{"Error", d.ErrorType},
			{"Web UI", d.URL},
		})
		return
	}
	s := *d.Status
	block(w, "", [][2]string{
		{"Outcome", d.Outcome},
		{"Phase", fmt.Sprintf("%s since %s", s.Phase, instant(s.Since))},
		{"Stage", fmt.Sprintf("%s: %s", s.Stage, s.Guarantee)},
		{"Deadline", deadlineText(s)},
		{"Paused", map[bool]string{true: "yes"}[s.Paused]},
		{"Affected", s.Reason},
		{"Plan", s.PlanHash},
		{"Dataflows", countPairs(s.Pairs).String()},
		{"Notices", noticesText(s.Notices)},
		{"Web UI", d.URL},
	})
	heading(w, "Waits", len(s.Waits))
	waits(w, s.Waits, t)
	heading(w, "Accounts", len(s.Accounts))
	for _, account := range s.Accounts {
		accountBlock(w, account, now)
	}
	heading(w, "Dataflows", len(s.Pairs))
	for _, pair := range byUrgency(s.Pairs) {
		pairBlock(w, pair)
	}
	heading(w, "Approvals", len(s.Consents))
	for _, c := range s.Consents {
		title(w, "%s %s: plan %s", instant(c.At), c.By, c.Plan)
	}
	heading(w, "Problems", len(s.Problems))
	for _, x := range s.Problems {
		title(w, "%s %s", instant(x.At), strings.TrimPrefix(x.Type+": "+x.What, ": "))
	}
	heading(w, "Deeds", len(s.Deeds))
	for _, x := range s.Deeds {
		title(w, "%s %s: %s", instant(x.At), x.By, x.What)
	}
}

// heading begins a list, unless it is empty.
func heading(w io.Writer, text string, n int) {
	if n > 0 {
		fmt.Fprintf(w, "\n%s\n", text)
	}
}

func deadlineText(s migration.Status) string {
	if s.Deadline == "" {
		return ""
	}
	return s.Deadline + " by " + instant(s.DeadlineAt)
}

func noticesText(sent []migration.Sent) string {
	if len(sent) == 0 {
		return ""
	}
	last := sent[len(sent)-1]
	to := cmp.Or(strings.Join(last.To, ", "), "the operator")
	return fmt.Sprintf("%d, the last one %s to %s at %s", len(sent), last.Kind, to, instant(last.At))
}

func accountBlock(w io.Writer, x migration.AccountState, now time.Time) {
	signedIn := "not signed in"
	if x.Verified {
		signedIn = "signed in" + byGrant(x) + ", seen at " + instant(x.VerifiedAt)
	}
	if !x.Verified && !x.Since.IsZero() {
		signedIn += ", waited for since " + instant(x.Since)
	}
	title(w, "%s in sandbox %s: %s", x.Name, x.Sandbox, signedIn)
	claimed := ""
	if x.ClaimedBy != "" {
		claimed = "by " + x.ClaimedBy + ", not seen yet"
	}
	block(w, "    ", [][2]string{{"id", x.ID}, {"ends", leaseText(x, now)}, {"claimed", claimed}, {"note", x.Note}})
}

// byGrant says that no person signed in.
func byGrant(x migration.AccountState) string {
	if x.ByGrant {
		return " by the grant that is held"
	}
	return ""
}

// leaseText says when a sign-in ends, and how soon that is.
func leaseText(x migration.AccountState, now time.Time) string {
	if x.LeaseEnd.IsZero() {
		return ""
	}
	text := instant(x.LeaseEnd)
	if left := x.LeaseEnd.Sub(now); left > 0 {
		text += ", in " + span(left)
	}
	if !x.RenewSince.IsZero() {
		text += ": soon, so a new one is asked for since " + instant(x.RenewSince)
	}
	return text
}

// span is a time to come as people say it.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}

// urgency orders dataflows by how much a person has to do with them.
var urgency = []migration.Progress{
	migration.Held, migration.WentBack, migration.Switched, migration.Ready, migration.Verified, migration.LeftOff,
}

func byUrgency(pairs []migration.PairState) []migration.PairState {
	rank := func(p migration.PairState) int {
		if p.Failing || p.Overdue || p.Back != nil {
			return 0
		}
		return slices.Index(urgency, p.Progress)
	}
	return slices.SortedStableFunc(slices.Values(pairs), func(a, b migration.PairState) int { return rank(a) - rank(b) })
}

func pairBlock(w io.Writer, x migration.PairState) {
	progress := string(x.Progress)
	switch {
	case x.SwitchedAt.IsZero():
	case x.Progress == migration.Switched:
		progress += " at " + instant(x.SwitchedAt)
	default:
		progress += ", switched at " + instant(x.SwitchedAt)
	}
	title(w, "%s in sandbox %s: %s", x.Name, x.Sandbox, progress)
	lines := [][2]string{{"old", x.Old}, {"copy", x.New}, {"check", verdictText(x.Verdict)}}
	for _, d := range x.Drift {
		if x.Progress == migration.Held && (d.Policy == migration.Ask || d.Policy == migration.Block) {
			lines = append(lines, [2]string{"drift", driftText(d)})
		}
	}
	if x.Back != nil {
		lines = append(lines, [2]string{"back", fmt.Sprintf("going back since %s, by %s: %s", instant(x.Back.At), x.Back.By, x.Back.What)})
	}
	lines = append(lines, [2]string{"back", backUntil(x.RollbackUntil)}, [2]string{"missed", missedText(x.Missed)}, [2]string{"carried", carriedText(x.Carried)})
	note := holdText(x.Pair, x.Note)
	if x.Verdict != nil && note == x.Verdict.Reason {
		note = ""
	}
	block(w, "    ", append(lines, [2]string{"note", note}))
}

// A status names so many of the audiences that were carried over; the evidence has all of them.
const namedAudiences = 3

func carriedText(list []migration.Carried) string {
	var words []string
	for i, c := range list {
		if i == namedAudiences {
			words = append(words, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		word := c.String()
		if c.Back {
			word += ", back to the old dataflow"
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}

// verdictText is what flow runs say about a switch: pass, fail or inconclusive, with the counts they were judged by.
func verdictText(v *migration.RunVerdict) string {
	if v == nil {
		return ""
	}
	text := map[migration.RunStatus]string{migration.RunSucceeded: "pass", migration.RunFailed: "fail"}[v.Status]
	if text == "" {
		text = "inconclusive"
		if !v.Overdue {
			text += " so far"
		}
	}
	if v.Activated+v.Failed > 0 {
		text += fmt.Sprintf(": %d identities delivered, %d failed", v.Activated, v.Failed)
	}
	if v.Expected > 0 {
		text += fmt.Sprintf(", about %d expected", v.Expected)
	}
	if v.Reason != "" {
		text += ": " + v.Reason
	}
	if v.Partner != nil {
		text += "; " + v.Partner.String()
	}
	return text
}

func missedText(x *migration.Window) string {
	switch {
	case x == nil:
		return ""
	case x.To.IsZero():
		return "nothing is delivered since " + instant(x.From)
	}
	return "nothing was delivered from " + instant(x.From) + " to " + instant(x.To)
}
