package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"cutover/internal/migration"
)

// planMarkdown is the plan to paste into a ticket.
func planMarkdown(w io.Writer, p planAnswer, t target) {
	fmt.Fprintf(w, "# Plan `%s`: %s\n\n", p.Plan.Hash, markdown(p.Name))
	rows := [][]string{
		{"Organization", code(p.Organization)}, {"Playbook", code(p.Playbook)}, {"Made", instant(p.Plan.MadeAt) + ", nothing was changed"},
	}
	if p.CurrentHash != "" && p.CurrentHash != p.Plan.Hash {
		rows = append(rows, []string{"Running", code(p.CurrentHash) + " is followed; it plans again before it changes anything"})
	}
	for _, fact := range p.facts() {
		rows = append(rows, []string{fact[0], markdown(fact[1])})
	}
	markdownTable(w, []string{"", ""}, rows)

	rows = nil
	for i, pair := range p.Plan.Pairs {
		rows = append(rows, p.markdownRow(i, pair, t))
	}
	markdownSection(w, "Dataflows", []string{"#", "Dataflow", "Sandbox", "Action", "Writes, in order", "Drift", "Held"}, rows)

	rows = nil
	for _, q := range p.Plan.Questions {
		rows = append(rows, []string{markdown(q.Name) + "<br>" + code(q.Old), markdown(q.Sandbox), markdown(q.Why), markdown(candidates(q)), code(question(t, q))})
	}
	markdownSection(w, "Questions", []string{"Copy of which dataflow", "Sandbox", "Why", "Candidates", "Type"}, rows)

	rows = nil
	for _, wait := range p.signIns() {
		rows = append(rows, []string{markdown(wait.What), markdown(wait.Who), instant(wait.Since), instant(wait.By), code(wait.Command + t.again)})
	}
	markdownSection(w, "Sign-ins", []string{"What", "Who", "Since", "By", "Type"}, rows)

	rows = nil
	for _, c := range p.Approval.Consents {
		rows = append(rows, []string{instant(c.At), markdown(c.By), markdown(p.holds(c))})
	}
	markdownSection(w, "Approvals", []string{"When", "Who", "Plan"}, rows)
	if p.Approval.Open {
		fmt.Fprintf(w, "\nTo approve: %s\n", code(approving(p, t)))
	}
	if len(p.Plan.Left) > 0 {
		fmt.Fprintf(w, "\nLeft out by choice: %s\n", code(strings.Join(p.Plan.Left, ", ")))
	}
}

func (p planAnswer) markdownRow(i int, pair migration.Pair, t target) []string {
	standing := p.of(pair.Old)
	var drift []string
	for _, d := range pair.Drift {
		drift = append(drift, markdown(driftText(d)))
	}
	action := []string{markdown(p.doing(pair))}
	for _, more := range []string{p.stopped(pair), backUntil(standing.RollbackUntil)} {
		if more != "" {
			action = append(action, markdown(more))
		}
	}
	held := ""
	if standing.Command != "" {
		held = code(standing.Command + t.again)
		if why := holdText(pair, standing.Note); why != "" {
			held = markdown(why) + "<br>" + held
		}
	}
	return []string{
		strconv.Itoa(i + 1), markdown(pair.Name) + "<br>old " + code(pair.Old) + "<br>copy " + code(pair.New), markdown(pair.Sandbox),
		strings.Join(action, "<br>"), markdown(numbered(p.writes(pair))), strings.Join(drift, "<br>"), held,
	}
}

// markdownSection is a titled table, left out if it is empty.
func markdownSection(w io.Writer, title string, head []string, rows [][]string) {
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n## %s\n\n", title)
		markdownTable(w, head, rows)
	}
}

func markdownTable(w io.Writer, head []string, rows [][]string) {
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	for _, row := range append([][]string{head, rule}, rows...) {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "@", "&#64;",
)

// markdown keeps what people and vendors wrote from being markup.
func markdown(text string) string { return markup.Replace(oneLine(text)) }

// code is text as it is, to copy.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(oneLine(text)) + "`"
}
