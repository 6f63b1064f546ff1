package workflows_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/workflows"
)

// judge checks all invariants, and that every dataflow came to a right end.
func (p *play) judge() {
	if len(p.broken) > 0 && p.env == nil {
		return
	}
	var status migration.Status
	if !p.query(workflows.QueryStatus, &status) {
		return
	}
	if p.err != nil && !temporal.IsCanceledError(p.err) {
		p.breaks("the workflow failed: %v", p.err)
	}
	p.judgeOutcome(status)
	ledger := p.emu.Ledger(0)
	p.follow(ledger)
	want := invariants.Want{Outcome: status.Phase, Flows: map[string]migration.DataflowState{}}
	for _, pair := range status.Pairs {
		p.judgePair(pair, status, want.Flows)
	}
	p.judgeAll(status)
	facts := invariants.Facts{
		Order: p.playbook.CutOver.Order, Ledger: ledger, Samples: p.samples, Texts: p.texts(status),
		Organizations: []invariants.Organization{{ID: acme, Ended: true, Status: status, Questions: p.questions, Want: want}},
	}
	for _, secret := range p.emu.Secrets() {
		facts.Secrets = append(facts.Secrets, invariants.Secret{What: secret.Kind, Value: secret.Value})
	}
	for _, v := range invariants.Check(facts) {
		if !p.unforeseeable(v, ledger) {
			p.breaks("%s", v)
		}
	}
	if len(p.broken) > 0 {
		p.breaks("it ended %s: %s", status.Phase, pairsInWords(status))
	}
}

func pairsInWords(status migration.Status) string {
	var b strings.Builder
	for _, pair := range status.Pairs {
		fmt.Fprintf(&b, "\n    %s > %s %s, %s (%s) switched %s, late %v, drift %v", pair.Old, pair.New, pair.Action, pair.Progress, pair.Note, migration.Instant(pair.SwitchedAt), pair.Late, pair.Drift)
	}
	return b.String()
}

// unforeseeable tells whether nobody could have known better: a sign-in was no good, or ended, without Adobe saying so beforehand, or a person
// changed a dataflow between the read and the write of one attempt, which the vendor gives no means to notice.
func (p *play) unforeseeable(v invariants.Violation, ledger []emulator.Entry) bool {
	i := slices.IndexFunc(ledger, func(e emulator.Entry) bool { return e.Seq == v.Seq })
	if i < 0 {
		return false
	}
	write := ledger[i]
	if v.Invariant == invariants.NoStray && write.Op == emulator.OpAddAudience && write.Card == "old" {
		return p.goingBack(write) // an attempt that is interrupted after it carried an audience back leaves no word of that
	}
	return v.Invariant == invariants.NoEarly && (p.blurs || p.blurred[write.Account]) || v.Invariant == invariants.NoStale && changedMeanwhile(ledger[:i], write)
}

// goingBack tells whether the written dataflow's rollback was under way.
func (p *play) goingBack(write emulator.Entry) bool {
	return slices.ContainsFunc(p.samples, func(s invariants.Sample) bool {
		return s.At.Equal(write.At) && slices.ContainsFunc(s.Status.Pairs, func(pair migration.PairState) bool { return pair.Old == write.ID && pair.Back != nil })
	})
}

// changedMeanwhile tells whether a person changed a side of the written dataflow's pair after the attempt had read it.
func changedMeanwhile(before []emulator.Entry, write emulator.Entry) bool {
	_, n, _ := strings.Cut(write.ID, "-")
	read := map[string]bool{}
	for _, e := range before {
		switch {
		case e.ID != "old-"+n && e.ID != "new-"+n, !e.At.Equal(write.At): // the clock stands during an attempt
		case e.Kind == emulator.KindRead:
			read[e.ID] = true
		case e.Kind == emulator.KindEdit && read[e.ID]:
			return true
		}
	}
	return false
}

// follow notes when a person last switched or deleted each dataflow.
func (p *play) follow(ledger []emulator.Entry) {
	for _, e := range ledger {
		if e.Kind == emulator.KindEdit && e.Entity == "flow" && (e.Before != e.After || e.Op == "hide") {
			p.moved[e.ID] = e.At
		}
	}
}

func (p *play) judgeOutcome(status migration.Status) {
	switch status.Phase {
	case migration.Migrated, migration.NotAffected:
		if p.err != nil {
			p.breaks("it is %s and ended with %v", status.Phase, p.err)
		}
	case migration.Cancelled, migration.RolledBack:
		if !p.cancelled {
			p.breaks("it is %s and nobody cancelled it", status.Phase)
		}
	default:
		p.breaks("it ended in phase %s", status.Phase)
	}
	if len(p.samples) == 0 {
		p.samples = append(p.samples, invariants.Sample{At: p.emu.Now(), Status: status})
	}
}

// judgePair checks that a pair is what the status says it is, as far as nobody changed that where nobody looks any more.
func (p *play) judgePair(pair migration.PairState, status migration.Status, want map[string]migration.DataflowState) {
	old, copied := p.flow(pair.Old), p.flow(pair.New)
	if status.Phase == migration.Migrated && pair.Progress != migration.Verified && pair.Progress != migration.LeftOff {
		p.breaks("it is Migrated and %s is %s", pair.Old, pair.Progress)
	}
	seen := p.seenUntil(pair, status)
	untouched := func(id string) bool { return !p.moved[id].After(seen) }
	switch pair.Progress {
	case migration.Verified, migration.Switched:
		if copied != nil && untouched(pair.New) {
			want[pair.New] = migration.Enabled
		}
		if copied == nil && untouched(pair.New) {
			p.breaks("%s is %s and its copy %s is not there", pair.Old, pair.Progress, pair.New)
		}
		if old != nil && untouched(pair.Old) && !p.dead(pair) {
			want[pair.Old] = migration.Disabled
		}
		p.judgeAudiences(pair, status, old, copied, seen)
	case migration.WentBack:
		if old != nil && untouched(pair.Old) {
			want[pair.Old] = migration.Enabled
		}
		if copied != nil && untouched(pair.New) {
			want[pair.New] = migration.Disabled
		}
	case migration.LeftOff:
		if copied != nil && p.moved[pair.New].IsZero() && pair.SwitchedAt.IsZero() {
			want[pair.New] = migration.Disabled
		}
	case migration.Ready, migration.Held:
	}
}

// dead tells whether the old side may stay as it is: its API is closed, so it delivers nothing, and what it is does not matter.
func (p *play) dead(pair migration.PairState) bool {
	return pair.Late || p.scenario.Settings.OldDataflows != emulator.OldKept && !p.emu.Now().Before(p.playbook.Timeline.Shutdown)
}

// seenUntil is until when somebody looks at a pair: while it is watched to the last look before the shutdown, else to its switch.
func (p *play) seenUntil(pair migration.PairState, status migration.Status) time.Time {
	if pair.SwitchedAt.IsZero() {
		return p.samples[len(p.samples)-1].At.Add(-day)
	}
	seen := pair.SwitchedAt.Add(-time.Minute)
	if poll := p.playbook.Watch.Poll.Std(); poll > 0 && status.Phase == migration.Migrated {
		end := status.Timeline.Shutdown
		if now := p.emu.Now(); now.Before(end) {
			end = now
		}
		if last := end.Add(-2*poll - 12*time.Hour); last.After(seen) {
			seen = last
		}
	}
	return seen
}

// judgeAudiences checks that what people added to the old dataflow before its switch is on the copy, unless the playbook or a person lets it go.
func (p *play) judgeAudiences(pair migration.PairState, status migration.Status, old, copied *emulator.FlowState, seen time.Time) {
	if old == nil || copied == nil {
		return
	}
	for _, flow := range []*emulator.FlowState{old, copied} {
		for i, a := range flow.Audiences {
			if slices.ContainsFunc(flow.Audiences[:i], func(b emulator.Audience) bool { return a.ID == b.ID }) {
				p.breaks("audience %s stands twice on %s", a.Name, flow.ID)
			}
		}
	}
	missing := slices.DeleteFunc(slices.Clone(old.Audiences), func(a emulator.Audience) bool {
		return slices.ContainsFunc(copied.Audiences, func(b emulator.Audience) bool { return a.Name == b.Name })
	})
	drift := p.playbook.Drift
	if pair.Late || drift.AudienceAdded == migration.Ignore || drift.AudienceMissing == migration.Ignore || p.accepted(status, pair.Old) {
		return
	}
	for _, a := range missing {
		if at, ok := p.interest[pair.Old+" "+a.Name]; ok && at.Before(seen) {
			p.breaks("audience %s was added to %s at %s and is not on %s, which runs since %s", a.Name, pair.Old, migration.Instant(at), pair.New, migration.Instant(pair.SwitchedAt))
		}
	}
}

// judgeAll checks that no dataflow was dropped and the evidence tells the end.
func (p *play) judgeAll(status migration.Status) {
	if status.Phase != migration.Migrated {
		return
	}
	for _, f := range p.flows {
		inPlan := slices.ContainsFunc(status.Pairs, func(pair migration.PairState) bool { return pair.Old == f.old })
		flow := p.flow(f.old)
		if !inPlan && status.Choices[f.old] != migration.LeaveOut && flow != nil && !flow.Hidden && p.moved[f.old].IsZero() && !p.vanished(f.old) {
			p.breaks("%s was dropped", f.old)
		}
	}
}

// accepted tells whether a person accepted how the pair of an old dataflow differs.
func (p *play) accepted(status migration.Status, old string) bool {
	return slices.ContainsFunc(status.Deeds, func(d migration.Deed) bool {
		return strings.HasPrefix(d.What, "settled dataflow "+old+": "+string(migration.AnswerAccept))
	})
}

// vanished tells whether a dataflow that was switched off all the time was taken away by the vendor, which needs nothing, or was so before the start.
func (p *play) vanished(old string) bool {
	if p.scenario.Settings.OldDataflows != emulator.OldGone {
		return false
	}
	state := p.flow(old)
	return state.State == "disabled" || !p.start.Before(p.playbook.Timeline.Shutdown)
}
