package workflows

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"cutover/internal/migration"
)

// attributes are the search attributes as last published, so that only what changed is written.
type attributes struct {
	phase, stage, waitingOn, errorType string
	deadline                           time.Time
	open                               int64
}

// publishedAttributes are those the run began with: from the start options, or from the run before a continue-as-new.
func publishedAttributes(ctx workflow.Context) attributes {
	set := workflow.GetTypedSearchAttributes(ctx)
	var is attributes
	is.phase, _ = set.GetKeyword(AttributePhase)
	is.stage, _ = set.GetKeyword(AttributeStage)
	is.waitingOn, _ = set.GetKeyword(AttributeWaitingOn)
	is.errorType, _ = set.GetKeyword(AttributeErrorType)
	is.deadline, _ = set.GetTime(AttributeDeadline)
	is.open, _ = set.GetInt64(AttributeOpen)
	return is
}

// enter moves to a phase and shows it.
func (o *organization) enter(ctx workflow.Context, phase migration.Phase) {
	o.state.Enter(phase, workflow.Now(ctx))
	o.publish(ctx)
}

// publish shows operators where the organization stands: search attributes for views over the fleet, current details for the one they open.
// Details write no history; attributes are written when they change.
func (o *organization) publish(ctx workflow.Context) {
	o.describe(ctx)
	is := o.attributes(workflow.Now(ctx))
	var updates []temporal.SearchAttributeUpdate
	if is.phase != o.published.phase {
		updates = append(updates, AttributePhase.ValueSet(is.phase))
	}
	if is.stage != o.published.stage {
		updates = append(updates, AttributeStage.ValueSet(is.stage))
	}
	if !is.deadline.Equal(o.published.deadline) {
		updates = append(updates, AttributeDeadline.ValueSet(is.deadline))
	}
	if is.waitingOn != o.published.waitingOn {
		updates = append(updates, valueOf(AttributeWaitingOn, is.waitingOn))
	}
	if is.open != o.published.open {
		updates = append(updates, AttributeOpen.ValueSet(is.open))
	}
	if is.errorType != o.published.errorType {
		updates = append(updates, valueOf(AttributeErrorType, is.errorType))
	}
	if len(updates) == 0 {
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Error("search attributes not updated", "Error", err)
		return
	}
	o.published = is
}

// valueOf leaves no empty text behind, so that a view can ask for what is set.
func valueOf(key temporal.SearchAttributeKeyKeyword, value string) temporal.SearchAttributeUpdate {
	if value == "" {
		return key.ValueUnset()
	}
	return key.ValueSet(value)
}

func (o *organization) attributes(now time.Time) attributes {
	is := attributes{
		phase: string(o.state.Phase), stage: string(o.playbook.Timeline.Stage(now)),
		deadline: o.playbook.Timeline.Shutdown, open: int64(o.state.Open()),
	}
	if _, at := o.playbook.Timeline.Deadline(now); !at.IsZero() {
		is.deadline = at
	}
	// Whom to ask: a vendor that is waited for shows in the phase.
	if waits := o.state.Waits(o.Organization, o.playbook, now); len(waits) > 0 && waits[0].On != migration.OnVendor {
		is.waitingOn = waits[0].On
	}
	if problem := o.state.Holding(); problem != nil {
		is.errorType = problem.Type
	}
	return is
}

// describe renders the current details that the Web UI shows.
func (o *organization) describe(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, details(o.Organization, o.playbook, o.state, workflow.Now(ctx)))
}

// The Web UI takes 20 KB of details; long lists are cut and counted. Each part ends where it leaves room for those that follow it.
const (
	maxRows      = 40
	maxCellBytes = 300

	waitsEnd    = 6 << 10
	commandsEnd = 9 << 10
	pairsEnd    = 15 << 10
	accountsEnd = 17 << 10
	problemsEnd = 19 << 10
)

func details(org migration.Organization, p migration.Playbook, s *migration.State, now time.Time) string {
	status := s.Status(org, p, now)
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(fmt.Sprintf(format, args...) + "\n") }

	line("## %s: %s", cell(org.Name), status.Phase)
	line("")
	line("| | |")
	line("|---|---|")
	line("| Organization | `%s` |", org.ID)
	line("| Stage | %s: %s |", status.Stage, status.Guarantee)
	if status.Deadline != "" {
		line("| Next deadline | %s: %s |", migration.Instant(status.DeadlineAt), status.Deadline)
	}
	if status.Reason != "" {
		line("| Affected | %s |", cell(status.Reason))
	}
	if status.PlanHash != "" {
		line("| Plan | `%s` |", status.PlanHash)
	}

	if len(status.Waits) > 0 {
		line("\n### Waiting for")
		line("")
		line("| On | For | Since | By |")
		line("|---|---|---|---|")
		rows(&b, waitsEnd, status.Waits, func(w migration.Wait) string {
			return fmt.Sprintf("| %s | %s | %s | %s |", cell(w.Who), cell(w.What), migration.Instant(w.Since), migration.Instant(w.By))
		})
		b.WriteString(commands(status.Waits, commandsEnd-b.Len()))
	}
	if len(status.Pairs) > 0 {
		line("\n### Dataflows")
		line("")
		line("| Dataflow | Sandbox | Old | New | Action | Progress | Note |")
		line("|---|---|---|---|---|---|---|")
		rows(&b, pairsEnd, status.Pairs, func(p migration.PairState) string {
			return fmt.Sprintf("| %s | %s | `%s` | `%s` | %s | **%s** | %s |", cell(p.Name), cell(p.Sandbox), p.Old, p.New, p.Action, p.Progress, cell(remarks(p)))
		})
	}
	if len(status.Accounts) > 0 {
		line("\n### Accounts")
		line("")
		line("| Account | Sandbox | Signed in | Lasts until | Last answer |")
		line("|---|---|---|---|---|")
		rows(&b, accountsEnd, status.Accounts, func(a migration.AccountState) string {
			signedIn, until := "no", ""
			if a.Verified {
				signedIn = migration.Instant(a.VerifiedAt)
			}
			if !a.LeaseEnd.IsZero() {
				until = migration.Instant(a.LeaseEnd)
			}
			return fmt.Sprintf("| %s `%s` | %s | %s | %s | %s |", cell(a.Name), a.ID, cell(a.Sandbox), signedIn, until, cell(a.Note))
		})
	}
	if len(status.Problems) > 0 {
		line("\n### Problems")
		line("")
		for i, problem := range status.Problems {
			if b.Len() > problemsEnd {
				line("- … and %d more", len(status.Problems)-i)
				break
			}
			line("- %s %s", migration.Instant(problem.At), cell(problem.What))
		}
	}
	return b.String()
}

// remarks are what an operator should know of a pair beside where it stands.
func remarks(p migration.PairState) string {
	var words []string
	add := func(text string) {
		if text != "" {
			words = append(words, text)
		}
	}
	add(p.Note)
	if v := p.Verdict; v != nil && v.Expected > 0 {
		add(fmt.Sprintf("delivered %d identities, the old dataflow about %d in as many runs", v.Activated, v.Expected))
	}
	if n := len(p.Carried); n > 0 {
		add(fmt.Sprintf("%d audience(s) carried over", n))
	}
	if p.Missed != nil {
		add("not delivered from " + migration.Instant(p.Missed.From) + " to " + migration.Instant(p.Missed.To))
	}
	if !p.RollbackUntil.IsZero() {
		add("can be rolled back until " + migration.Instant(p.RollbackUntil))
	}
	return strings.Join(words, "; ")
}

func rows[T any](b *strings.Builder, end int, list []T, row func(T) string) {
	for i, item := range list {
		if i == maxRows || b.Len() > end {
			b.WriteString("| … and " + strconv.Itoa(len(list)-i) + " more | | | | |\n")
			return
		}
		b.WriteString(row(item) + "\n")
	}
}

// cell keeps words of people and vendors from breaking the table.
func cell(text string) string {
	if len(text) > maxCellBytes {
		text = strings.ToValidUTF8(text[:maxCellBytes], "") + "…"
	}
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "`", "'", "<", "&lt;").Replace(text)
}

// commands are what the people who are waited for type, in a block that one can copy from.
func commands(waits []migration.Wait, room int) string {
	var b strings.Builder
	for i, w := range waits {
		if w.Command != "" && i < maxRows && b.Len() < room {
			b.WriteString(w.Command + "\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nThen type:\n\n```\n" + b.String() + "```\n"
}

// staticDetails is what the Web UI shows of an organization from the start on, also with no worker up.
func staticDetails(in Input) string {
	t := in.Playbook.Timeline
	return fmt.Sprintf("Card available %s, re-authenticate by %s, shutdown %s. Sandboxes: %s.",
		migration.Instant(t.Available), migration.Instant(t.ReauthenticateBy), migration.Instant(t.Shutdown), strings.Join(in.Organization.Sandboxes, ", "))
}
