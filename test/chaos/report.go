package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
)

// store is the file of the workers' database.
func (p *play) store() string { return filepath.Join(p.dir, "cutover.db") }

// keys is the file with its keys, beside it.
func (p *play) keys() string { return filepath.Join(p.dir, "cutover-keys.json") }

// summary is what the run was like.
func (p *play) summary() (lines []string, switched int) {
	outcomes, struck, blows := map[string]int{}, map[string]int{}, map[string]int{}
	split := 0
	for _, o := range p.organizations {
		status := o.latest.Load()
		outcome := migration.Phase("silent")
		if status != nil {
			outcome = status.Phase
		}
		outcomes[string(outcome)]++
		for _, f := range o.faults {
			for _, e := range o.entries() {
				if e.Fault == f.ID {
					struck[f.Effect]++
				}
			}
		}
		n, m := p.cutOvers(o.entries())
		switched, split = switched+n, split+m
	}
	for _, b := range p.adversary.blows {
		blows[string(b.target)]++
	}
	took := p.ended.Sub(p.began)
	lines = []string{
		fmt.Sprintf("seed %d: %d organizations, %d cut-overs in %s, %.1f a second", p.seed, len(p.organizations), switched, took.Round(time.Second), float64(switched)/took.Seconds()),
		"outcomes: " + counted(outcomes),
		fmt.Sprintf("kills: %s; %d times a pair stood between its two writes", counted(blows), split),
		"faults: " + counted(struck),
	}
	if k := &p.killed; !k.on.IsZero() {
		lines = append(lines, k.String())
	}
	return lines, switched
}

// cutOvers counts old dataflows that were disabled by the workers, and kills that came while one was to be.
func (p *play) cutOvers(ledger []emulator.Entry) (switched, split int) {
	on := map[string]time.Time{} // by original: when its copy was enabled
	for _, e := range ledger {
		switch {
		case switches(e, "enable") && e.Origin != "":
			on[e.Origin] = e.At
		case switches(e, "disable") && e.Origin == "":
			switched++
			for _, b := range p.adversary.blows {
				if from := on[e.ID]; !from.IsZero() && b.at.After(from) && b.at.Before(e.At) {
					split++
				}
			}
		}
	}
	return switched, split
}

func counted(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

// maxListed organizations are shown from their beginning to their end.
const maxListed = 3

// list tells the stories of the first organizations with whom something is wrong.
func (p *play) list(ctx context.Context, violations []invariants.Violation) (listings []string, err error) {
	var shown []string
	for _, violation := range violations {
		o := p.byID[violation.Organization]
		if o == nil || slices.Contains(shown, o.ID) || len(shown) == maxListed {
			continue
		}
		shown = append(shown, o.ID)
		events, err := p.history(ctx, o)
		if err != nil {
			return nil, err
		}
		listings = append(listings, p.story(o, events))
	}
	return listings, nil
}

// moment is something that happened.
type moment struct {
	at   time.Time
	from string
	what string
}

// story is everything that happened to an organization, by time, and the command that runs its case again.
func (p *play) story(o *organization, moments []moment) string {
	for _, e := range o.entries() {
		moments = append(moments, moment{e.At, "vendor", entryLine(e)})
	}
	for _, b := range p.adversary.blows {
		if !b.at.Before(o.began) {
			moments = append(moments, moment{b.at, "killed", fmt.Sprintf("%s (%s), back after %s", b.target, b.why, b.down.Round(100*time.Millisecond))})
		}
	}
	for _, s := range o.samples {
		moments = append(moments, moment{s.At, "says", describe(&s.Status)})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	var text strings.Builder
	fmt.Fprintf(&text, "\nseed %d, organization %s\n%s\n", p.seed, o.ID, o.drawn())
	for _, m := range moments {
		fmt.Fprintf(&text, "%s  %-7s  %s\n", m.at.UTC().Format("15:04:05.000"), m.from, m.what)
	}
	fmt.Fprintf(&text, "again: go run ./test/chaos -server %s -seed %d -orgs %d -only %s\n", p.server, p.seed, p.orgs, o.ID)
	return text.String()
}

func entryLine(e emulator.Entry) string {
	parts := []string{fmt.Sprintf("#%d %s %s %s %s", e.Seq, e.Kind, e.Op, e.Entity, e.ID)}
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(e.Before != e.After, "%s>%s", e.Before, e.After)
	add(e.Status != 0, "status %d", e.Status)
	add(e.Card != "", "card %s", e.Card)
	add(e.Kind == emulator.KindWrite && !e.Applied, "not done")
	add(e.Status != 0 && !e.Answered, "not answered")
	add(e.Fault != "", "fault %s", e.Fault)
	add(e.Detail != "", "%s", e.Detail)
	return strings.Join(parts, ", ")
}

// history is the workflow's, with what each event is about.
func (p *play) history(ctx context.Context, o *organization) ([]moment, error) {
	var moments []moment
	events := p.engine.GetWorkflowHistory(ctx, o.workflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", o.ID, err)
		}
		what := fmt.Sprintf("event %d %s", event.GetEventId(), event.GetEventType())
		if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
			what += " " + a.GetActivityType().GetName()
		}
		if a := event.GetActivityTaskStartedEventAttributes(); a != nil {
			what += fmt.Sprintf(" of event %d, attempt %d by %s", a.GetScheduledEventId(), a.GetAttempt(), a.GetIdentity())
			if f := a.GetLastFailure(); f != nil {
				what += ", before: " + f.GetMessage()
			}
		}
		if a := event.GetActivityTaskFailedEventAttributes(); a != nil {
			what += ": " + a.GetFailure().GetCause().GetMessage() + " " + a.GetFailure().GetMessage()
		}
		if a := event.GetWorkflowTaskFailedEventAttributes(); a != nil {
			what += ": " + a.GetFailure().GetMessage()
		}
		moments = append(moments, moment{event.GetEventTime().AsTime(), "history", what})
	}
	return moments, nil
}
