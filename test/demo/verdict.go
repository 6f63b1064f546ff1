package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"cutover/internal/migration"
	"cutover/test/invariants"
)

// verdict is how a play came out.
type verdict struct {
	ends       []end
	violations []invariants.Violation
}

// end is how one organization came out.
type end struct {
	fate, name, organization string
	outcome                  string // as the workflow says, or how it stands when it has not ended
	switched, left           int    // dataflows on the new card, and on the old one or off
	deeds                    int    // what people did
	notices                  int
	events                   int64
	took                     time.Duration // from the card's coming to the end
	trouble                  error         // what did not happen as it should; nil: nothing
}

func (p *play) judge(f found, troubles []error) verdict {
	v := verdict{violations: p.violations(f.facts)}
	for i, o := range p.organizations {
		status := f.status[o.ID]
		e := end{
			fate: o.name, name: o.Name, organization: o.ID, outcome: string(status.Phase), deeds: len(status.Deeds),
			events: f.events[o.ID], took: status.Since.Sub(o.timeline.Available).Round(100 * time.Millisecond), trouble: troubles[i],
		}
		if e.outcome == "" {
			e.outcome = "Silent"
		}
		for _, pair := range status.Pairs {
			if pair.Progress == migration.Verified || pair.Progress == migration.Switched {
				e.switched++
			} else {
				e.left++
			}
		}
		for _, notice := range f.notices {
			if notice.Organization == o.ID {
				e.notices++
			}
		}
		switch {
		case e.trouble != nil:
		case status.Phase != o.outcome:
			e.trouble = fmt.Errorf("should have ended %s", o.outcome)
		case o.check != nil:
			e.trouble = o.check(o, f)
		}
		v.ends = append(v.ends, e)
	}
	return v
}

// violations leaves out the gaps of organizations whose playbook chooses a gap.
func (p *play) violations(facts invariants.Facts) []invariants.Violation {
	return slices.DeleteFunc(invariants.Check(facts), func(v invariants.Violation) bool {
		return v.Invariant == invariants.NoGap && slices.ContainsFunc(p.organizations, func(o *organization) bool { return o.second && o.ID == v.Organization })
	})
}

// held tells that everything came out as it should.
func (v verdict) held() bool {
	return len(v.violations) == 0 && !slices.ContainsFunc(v.ends, func(e end) bool { return e.trouble != nil })
}

// maxShown keeps a run in which everything broke readable.
const maxShown = 10

// print writes a table for people, and last of all the lines for programs.
func (v verdict) print(out io.Writer) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FATE\tORGANIZATION\tOUTCOME\tON THE NEW CARD\tLEFT\tDEEDS\tNOTICES\tEVENTS\tENDED AT")
	for _, e := range v.ends {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%+.1fs\n", e.fate, e.name, e.outcome, e.switched, e.left, e.deeds, e.notices, e.events, e.took.Seconds())
	}
	_ = table.Flush() // to a terminal or a pipe: nothing is left to tell it to
	fmt.Fprintln(out)
	for _, e := range v.ends {
		if e.trouble != nil {
			fmt.Fprintf(out, "unexpected: %s (%s): %v\n", e.name, e.fate, e.trouble)
		}
	}
	for _, name := range invariants.Names() {
		broken := invariants.Of(name, v.violations)
		for _, violation := range broken[:min(len(broken), maxShown)] {
			fmt.Fprintf(out, "broken: %s\n", violation)
		}
		if len(broken) > maxShown {
			fmt.Fprintf(out, "broken: %s: and %d more\n", name, len(broken)-maxShown)
		}
	}
	for _, e := range v.ends {
		fmt.Fprintf(out, "outcome %s %s %s\n", e.fate, e.organization, e.outcome)
	}
	for _, name := range invariants.Names() {
		result := "ok"
		if len(invariants.Of(name, v.violations)) > 0 {
			result = "broken"
		}
		fmt.Fprintf(out, "invariant %s %s\n", name, result)
	}
}
