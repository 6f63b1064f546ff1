package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"cutover/internal/migration"
)

// planTable is the plan for a terminal: a block per dataflow, because ids are long.
func planTable(w io.Writer, p planAnswer, t target) {
	fmt.Fprintf(w, "Plan %s of %s (%s), playbook %s, made %s. Nothing was changed.\n",
		p.Plan.Hash, oneLine(p.Name), p.Organization, p.Playbook, instant(p.Plan.MadeAt))
	if p.CurrentHash != "" && p.CurrentHash != p.Plan.Hash {
		fmt.Fprintf(w, "The running migration follows plan %s and plans again before it changes anything.\n", p.CurrentHash)
	}
	fmt.Fprintln(w)
	block(w, "", p.facts())
	if len(p.Plan.Pairs) > 0 {
		fmt.Fprintln(w, "\nDataflows")
	}
	for _, pair := range p.Plan.Pairs {
		planPair(w, p, pair, t)
	}
	if len(p.Toggles) == 0 {
		fmt.Fprintln(w, "\nNothing would be toggled.")
	}
	if len(p.Plan.Questions) > 0 {
		fmt.Fprintln(w, "\nQuestions; nothing of these is touched until they are answered")
	}
	for _, q := range p.Plan.Questions {
		title(w, "which dataflow is the copy of %q (%s) in sandbox %s? %s: %s", q.Name, q.Old, q.Sandbox, q.Why, candidates(q))
		block(w, "    ", [][2]string{{"type", question(t, q)}})
	}
	if signIns := p.signIns(); len(signIns) > 0 {
		fmt.Fprintln(w, "\nSign-ins that are waited for")
		waits(w, signIns, t)
	}
	if len(p.Approval.Consents) > 0 {
		fmt.Fprintln(w, "\nApprovals")
		for _, c := range p.Approval.Consents {
			title(w, "%s %s: plan %s", instant(c.At), c.By, p.holds(c))
		}
	}
	if p.Approval.Open {
		fmt.Fprintf(w, "\nTo approve: %s\n", approving(p, t))
	}
	if len(p.Plan.Left) > 0 {
		fmt.Fprintln(w, "\nLeft out by choice: "+strings.Join(p.Plan.Left, ", "))
	}
	if len(p.Plan.Pairs)+len(p.Plan.Questions)+len(p.Plan.Left) == 0 {
		fmt.Fprintln(w, "\nNo dataflow on the old card.")
	}
}

func planPair(w io.Writer, p planAnswer, pair migration.Pair, t target) {
	standing := p.of(pair.Old)
	title(w, "%s in sandbox %s: %s", pair.Name, pair.Sandbox, p.doing(pair))
	lines := [][2]string{
		{"old", pair.Old},
		{"copy", pair.New + ", account " + pair.Account},
		{"writes", numbered(p.writes(pair))},
	}
	for _, d := range pair.Drift {
		lines = append(lines, [2]string{"drift", driftText(d)})
	}
	lines = append(lines, [2]string{"stopped", p.stopped(pair)}, [2]string{"back", backUntil(standing.RollbackUntil)})
	held, command := "", ""
	if standing.Command != "" {
		held, command = holdText(pair, standing.Note), standing.Command+t.again
	}
	lines = append(lines, [2]string{"held", held}, [2]string{"type", command})
	block(w, "    ", lines)
}

// doing is what is done with a pair, and how far that got.
func (p planAnswer) doing(pair migration.Pair) string {
	switch progress := p.of(pair.Old).Progress; {
	case progress == migration.Held:
		return "held, then " + string(pair.Action)
	case pair.Old == p.Pace.First:
		return string(pair.Action) + ", first"
	case progress == migration.Ready, progress == migration.LeftOff:
		return string(pair.Action)
	default:
		return fmt.Sprintf("%s (%s)", pair.Action, progress)
	}
}

// stopped says since when a late pair's old dataflow delivers nothing.
func (p planAnswer) stopped(pair migration.Pair) string {
	if pair.Delivered.IsZero() {
		return ""
	}
	return "last delivered at " + instant(pair.Delivered)
}

// holdText is why a pair waits for a person; empty if its differences say so already.
func holdText(pair migration.Pair, note string) string {
	var held []string
	for _, d := range pair.Drift {
		if d.Policy == migration.Ask || d.Policy == migration.Block {
			held = append(held, string(d.Kind)+": "+d.Item)
		}
	}
	if note == strings.Join(held, "; ") {
		return ""
	}
	return note
}

// driftText is a difference and what is done about it.
func driftText(d migration.Drift) string {
	return fmt.Sprintf("%s: %s (%s)", d.Kind, d.Item, policy(d))
}

// policy is what a playbook does about a difference, in words.
func policy(d migration.Drift) string {
	switch d.Policy {
	case migration.CarryOver:
		return "carried over"
	case migration.Ignore:
		return "ignored"
	case migration.Block:
		return "blocks until it is gone"
	case migration.Ask:
	}
	return "asked"
}

// backUntil says until when a switched pair can be rolled back.
func backUntil(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return "rollback possible until " + instant(at)
}

func numbered(list []string) string {
	parts := make([]string, len(list))
	for i, text := range list {
		parts[i] = fmt.Sprintf("%d. %s", i+1, text)
	}
	return strings.Join(parts, "; ")
}

func candidates(q migration.Question) string {
	if len(q.Candidates) == 0 {
		return "no candidate"
	}
	return strings.Join(q.Candidates, ", ")
}

// question is the command that answers it.
func question(t target, q migration.Question) string {
	return fmt.Sprintf("%s --by NAME --old %s --new ID|%s", t.command("pair"), q.Old, migration.LeaveOut)
}

func approving(p planAnswer, t target) string {
	return fmt.Sprintf("%s --by NAME --plan %s", t.command("approve"), p.Plan.Hash)
}
