package workflows_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/workflows"
)

// How often the status is looked at, before and after the operator of last resort comes.
const (
	glance = 11 * time.Hour
	gaze   = 5 * time.Hour
)

// look takes a sample of what the organization waits for. Once patience is over, it answers too.
func (p *play) look() {
	status, ok := p.sample()
	if !ok {
		return
	}
	now := p.env.Now()
	every := glance
	if late := now.Sub(p.start) - p.patience; late >= 0 {
		every = gaze
		p.mend()
		p.answer(status)
		if now.After(p.lastDay()) {
			said, _ := json.Marshal(status)
			p.breaks("stuck: it has not ended %s after its operator of last resort came: %s", late, said)
			p.cancel()
			return
		}
	}
	p.env.RegisterDelayedCallback(p.look, every)
}

func (p *play) sample() (status migration.Status, ok bool) {
	if ok = p.query(workflows.QueryStatus, &status); ok {
		p.samples = append(p.samples, invariants.Sample{At: p.env.Now(), Status: status})
	}
	return status, ok
}

func (p *play) lastDay() time.Time {
	last := p.start.Add(p.patience)
	if shutdown := p.playbook.Timeline.Shutdown; last.Before(shutdown) {
		last = shutdown
	}
	return last.Add(generatedBound)
}

// mend ends what nobody but the vendors can end.
func (p *play) mend() {
	if p.mended {
		return
	}
	p.mended = true
	for _, f := range p.emu.Faults() {
		p.note(p.emu.RemoveFault(f.ID))
	}
	p.mu.Lock()
	p.armed = nil
	p.mu.Unlock()
	p.notices.until = time.Time{}
	byRule, profiles := emulator.RunsByRule, 1000
	for _, f := range p.flows {
		for _, id := range []string{f.old, f.copied} {
			p.note(p.emu.Hide(acme, f.sandbox, id, false))
			if p.mends {
				p.note(p.emu.EditFlow(acme, f.sandbox, id, emulator.Edit{Runs: &byRule, Profiles: &profiles}))
			}
		}
	}
}

// answer types the command of everything that is waited for, and does what the text asks people for.
func (p *play) answer(status migration.Status) {
	// One resume releases everything that is held, so it comes last.
	waits := slices.SortedStableFunc(slices.Values(status.Waits), func(a, b migration.Wait) int {
		return strings.Count(a.Command, " resume ") - strings.Count(b.Command, " resume ")
	})
	for _, wait := range waits {
		words := strings.Fields(wait.Command)
		if len(words) < 2 {
			continue
		}
		flags := map[string]string{}
		for i := 2; i+1 < len(words); i++ {
			if name, ok := strings.CutPrefix(words[i], "--"); ok {
				flags[name] = words[i+1]
			}
		}
		p.typeIn(status, wait, words[1], flags)
	}
}

func (p *play) typeIn(status migration.Status, wait migration.Wait, command string, flags map[string]string) {
	by := "operator"
	must := func(err error) { p.breaks("the command %q that is waited for was refused: %v", wait.Command, err) }
	switch command {
	case "signal":
		i := slices.IndexFunc(p.flows, func(f generatedFlow) bool { return f.account == flags["account"] })
		if i < 0 {
			p.breaks("a sign-in to %q is waited for", flags["account"])
			return
		}
		p.signIn(p.flows[i], emulator.Reconnection{By: "customer"})
		p.env.SignalWorkflow(workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: flags["account"], By: "customer"})
	case "resume":
		p.putRight(status)
		p.ask(workflows.UpdateResume, workflows.Resume{By: by, Old: flags["old"], AcceptListed: strings.Contains(wait.What, "--accept-listed")}, p.once(must))
	case "approve":
		p.ask(workflows.UpdateApprove, workflows.Approve{By: by, Plan: flags["plan"]}, p.twice(must))
		if strings.Contains(wait.What, "different people") {
			p.ask(workflows.UpdateApprove, workflows.Approve{By: "colleague", Plan: flags["plan"]}, p.twice(must))
		}
	case "pair":
		p.ask(workflows.UpdatePair, workflows.Choose{By: by, Old: flags["old"], New: p.rightCopy(flags["old"], strings.Split(flags["new"], "|"))}, must)
	case "settle":
		answers := strings.Split(flags["answer"], "|")
		answer := answers[p.updates%len(answers)]
		p.ask(workflows.UpdateSettle, workflows.Settle{By: by, Old: flags["old"], Answer: migration.Answer(answer)}, func(err error) {
			if answer == answers[len(answers)-1] { // that a difference cannot be carried over is said with the other answer
				must(err)
			}
		})
	case "rollback":
		p.ask(workflows.UpdateRollback, workflows.Rollback{By: by, Reason: "its runs fail", Old: flags["old"]}, must)
	default:
		p.breaks("the command %q is none that starter has", wait.Command)
	}
}

// once forgives what an answer of the same moment made needless: one resume releases everything that is held.
func (p *play) once(must func(error)) func(error) {
	return func(err error) {
		if !strings.Contains(err.Error(), "nothing is paused or held") {
			must(err)
		}
	}
}

// twice forgives that a person approved already, by an event of the history, or that this answer came after another of the same moment.
func (p *play) twice(must func(error)) func(error) {
	return func(err error) {
		for _, needless := range []string{"approved the plan", "waits for an approval", "the plan is now"} {
			if strings.Contains(err.Error(), needless) {
				return
			}
		}
		must(err)
	}
}

// rightCopy is what a person who looks at Adobe would answer.
func (p *play) rightCopy(old string, candidates []string) string {
	for _, id := range candidates {
		if flow := p.flow(id); flow != nil && flow.Origin == old {
			return id
		}
	}
	return migration.LeaveOut
}

// putRight does to the copies what a person does whose difference blocks a pair: both sides the same, the states as the texts ask.
func (p *play) putRight(status migration.Status) {
	for _, pair := range status.Pairs {
		blocked := slices.IndexFunc(pair.Drift, func(d migration.Drift) bool { return d.Policy == migration.Block })
		old, copied := p.flow(pair.Old), p.flow(pair.New)
		if pair.Progress != migration.Held || blocked < 0 || copied == nil {
			continue
		}
		change := emulator.Edit{By: "customer", Name: pair.Name, Advertiser: pair.OldAdvertiser}
		for _, d := range pair.Drift {
			_, name, _ := strings.Cut(d.Item, `"`)
			name, _, _ = strings.Cut(name, `"`)
			if d.Kind == migration.AudienceAdded || d.Kind == migration.AudienceMissing {
				if !slices.ContainsFunc(copied.Audiences, func(a emulator.Audience) bool { return a.Name == name }) {
					change.AddAudiences = append(change.AddAudiences, audienceNamed(name))
				}
			}
			if d.Kind == migration.AudienceRemoved || d.Kind == migration.AudienceExtra {
				change.RemoveAudiences = append(change.RemoveAudiences, name)
			}
		}
		p.note(p.emu.EditFlow(acme, pair.Sandbox, pair.New, change))
		if old == nil || pair.Drift[blocked].Kind != migration.StateChanged && !slices.ContainsFunc(pair.Drift, func(d migration.Drift) bool { return d.Kind == migration.StateChanged }) {
			continue
		}
		running, resting := pair.New, pair.Old // it was switched before
		if pair.SwitchedAt.IsZero() {
			running, resting = pair.Old, pair.New
		}
		p.note(p.emu.EditFlow(acme, pair.Sandbox, running, emulator.Edit{By: "customer", State: "enabled"}))
		p.note(p.emu.EditFlow(acme, pair.Sandbox, resting, emulator.Edit{By: "customer", State: "disabled"}))
	}
}
