package workflows_test

import (
	"fmt"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// Calls that an event can come just before or just after.
var generatedCalls = []string{"enable", "disable", "read flow", "patch", "list flows", "list runs", "read account", "test account"}

// event draws something that happens: at an instant, or around a vendor call, which is where races are.
func (d draw) event(h history) event {
	e := event{at: d.span(0, 13*day)}
	if d.chance(45) {
		e.at, e.call, e.nth, e.after = d.span(0, 6*day), pick(d, generatedCalls...), 1+d.IntN(3), d.chance(50)
	}
	f := pick(d, h.flows...)
	switch n := d.IntN(100); {
	case n < 38:
		e.person = true
		d.edit(&e, f)
	case n < 46:
		d.runs(&e, f)
	case n < 58:
		d.signIn(&e, h, f)
	case n < 80:
		d.operator(&e, h, f)
	default:
		d.trouble(&e, f)
	}
	return e
}

// edit is a person at work in Adobe's user interface.
func (d draw) edit(e *event, f generatedFlow) {
	copied := d.chance(45)
	id := f.side(copied)
	change := emulator.Edit{By: "customer"}
	name := pick(d, "Loyal", "New", "Imported", "VIP", "Lapsed")
	switch d.IntN(12) {
	case 0, 1, 2, 3:
		e.what = fmt.Sprintf("the customer adds audience %s to %s", name, id)
		change.AddAudiences = []emulator.Audience{audienceNamed(name)}
		e.do = func(p *play) { p.addAudience(f, copied, change) }
		return
	case 4, 5:
		e.what = fmt.Sprintf("the customer removes audience %s from %s", name, id)
		change.RemoveAudiences = []string{name}
		e.do = func(p *play) { p.removeAudience(f, copied, change) }
		return
	case 6:
		change.Name = pick(d, "Renamed", "Dataflow 0", "Dataflow 1")
		e.what = fmt.Sprintf("the customer renames %s to %q", id, change.Name)
	case 7:
		change.Advertiser = "549767123498"
		e.what = fmt.Sprintf("the customer gives %s another advertiser", id)
	case 8, 9, 10:
		change.State = pick(d, "enabled", "disabled")
		e.what = fmt.Sprintf("the customer has %s %s", id, change.State)
	default:
		e.what = "the customer deletes " + id
		e.do = func(p *play) { p.note(p.emu.DeleteFlow(acme, f.sandbox, id, "customer")) }
		return
	}
	e.do = func(p *play) { p.note(p.emu.EditFlow(acme, f.sandbox, id, change)) }
}

// runs is the destination taking data in another way.
func (d draw) runs(e *event, f generatedFlow) {
	id := f.side(d.chance(75))
	how := pick(d, emulator.RunsByRule, emulator.RunsFail, emulator.RunsStall, emulator.RunsNone, emulator.RunsEmpty)
	profiles := pick(d, 3, 150, 1000, 9000)
	e.what = fmt.Sprintf("runs of %s go %q with %d profiles from now on", id, how, profiles)
	e.do = func(p *play) {
		p.note(p.emu.EditFlow(acme, f.sandbox, id, emulator.Edit{Runs: &how, Profiles: &profiles}))
	}
}

// signIn is a person at the account, and what they say of it.
func (d draw) signIn(e *event, h history, f generatedFlow) {
	how := emulator.Reconnection{By: "customer"}
	switch d.IntN(9) {
	case 0, 1:
		e.what = "the customer signs in to " + f.account
	case 2:
		how.Advertiser, e.what = "549767999999", "the customer signs in to "+f.account+" for another ad account"
	case 3:
		how.MissingScope, e.what = true, "the customer signs in to "+f.account+" and leaves out a permission"
	case 4:
		how.Lease, e.what = d.span(6*time.Hour, 3*day), "the customer signs in to "+f.account+" for a short time"
	case 5:
		id, sandbox := pick(d, f.account, f.oldAccount), f.sandbox
		e.what = "the sign-in of " + id + " ends"
		e.do = func(p *play) { p.expire(sandbox, id) }
		return
	default:
		account := pick(d, f.account, f.account, f.oldAccount, "no-such-account")
		times := 1 + d.IntN(2)
		update := d.chance(30)
		e.what = fmt.Sprintf("somebody says %d times that %s was signed in to (by update: %v)", times, account, update)
		e.do = func(p *play) {
			for range times {
				claim := workflows.ReauthCompleted{Account: account, By: "customer"}
				if update {
					p.act(workflows.UpdateReauthCompleted, claim)
				} else {
					p.env.SignalWorkflow(workflows.SignalReauthCompleted, claim)
				}
			}
		}
		return
	}
	says := d.chance(50)
	if says {
		e.what += " and says so"
	}
	_ = h
	e.do = func(p *play) {
		p.signIn(f, how)
		if says {
			p.env.SignalWorkflow(workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: f.account, By: "customer"})
		}
	}
}

// operator is one of our own people at work, not always at the right moment.
func (d draw) operator(e *event, h history, f generatedFlow) {
	by := pick(d, "operator-1", "operator-2")
	switch d.IntN(12) {
	case 0:
		e.what = "an operator pauses"
		e.do = func(p *play) { p.act(workflows.UpdatePause, workflows.Pause{By: by, Reason: "lunch"}) }
	case 1, 2:
		accept := d.chance(50)
		e.what = fmt.Sprintf("an operator resumes (accepts the list: %v)", accept)
		e.do = func(p *play) { p.act(workflows.UpdateResume, workflows.Resume{By: by, AcceptListed: accept}) }
	case 3, 4:
		e.what = by + " approves the plan as it is"
		e.do = func(p *play) {
			if plan := p.plan(); plan != nil {
				p.act(workflows.UpdateApprove, workflows.Approve{By: by, Plan: plan.Hash})
			}
		}
	case 5, 6:
		e.what = "an operator rolls everything back"
		e.do = func(p *play) { p.act(workflows.UpdateRollback, workflows.Rollback{By: by, Reason: "a complaint"}) }
	case 7:
		e.what = "an operator rolls " + f.old + " back"
		e.do = func(p *play) {
			p.act(workflows.UpdateRollback, workflows.Rollback{By: by, Reason: "a complaint", Old: f.old})
		}
	case 8, 9:
		answer := pick(d, migration.AnswerCarry, migration.AnswerAccept)
		e.what = fmt.Sprintf("an operator settles %s: %s", f.old, answer)
		e.do = func(p *play) { p.act(workflows.UpdateSettle, workflows.Settle{By: by, Old: f.old, Answer: answer}) }
	case 10:
		to := h.playbook.Timeline.Available.Add(d.span(2*day, 16*day))
		e.what = "the shutdown is moved to " + migration.Instant(to)
		e.do = func(p *play) {
			p.act(workflows.UpdateReschedule, workflows.Reschedule{By: by, Reason: "the vendor moved it", ReauthenticateBy: to.Add(-day), Shutdown: to})
		}
	default:
		if d.chance(30) {
			e.what = "an operator cancels"
			e.do = func(p *play) { p.cancel() }
			return
		}
		e.what = "the engine suggests to continue as new"
		e.do = func(p *play) { p.env.SetContinueAsNewSuggested(true) }
	}
}

// trouble is what goes wrong between us and the vendors.
func (d draw) trouble(e *event, f generatedFlow) {
	route := pick(d, "POST /flows/{id}/action", "POST /flows/{id}/action", "PATCH /flows/{id}", "GET /flows/{id}", "GET /flows", "GET /runs", "GET /connections*", "POST /ims/token/v3", "*")
	fault := emulator.Fault{Route: route, Times: 1 + d.IntN(4), After: d.IntN(3)}
	switch d.IntN(12) {
	case 0, 1:
		fault.Effect, fault.Status = emulator.EffectStatus, pick(d, 500, 503, 429)
	case 2:
		fault.Effect, fault.Status = emulator.EffectStatus, pick(d, 400, 403, 404, 412)
	case 3:
		fault.Effect = emulator.EffectCutBefore
	case 4, 5:
		fault.Effect = emulator.EffectCutAfter
	case 6:
		fault.Effect, fault.Route = emulator.EffectStaleEtag, pick(d, "POST /flows/{id}/action", "PATCH /flows/{id}", "GET /flows/{id}")
	case 7:
		fault.Effect = emulator.EffectDuplicatePage
	case 8:
		fault.Effect, fault.Delay, fault.Route = emulator.EffectTransition, d.span(time.Minute, 10*time.Minute), "POST /flows/{id}/action"
	case 9:
		fault.Effect = pick(d, emulator.EffectExpiredToken, emulator.EffectTruncated, emulator.EffectHTML)
	case 10:
		hidden := d.chance(70)
		id := f.side(d.chance(50))
		e.person, e.what = true, fmt.Sprintf("an access label on %s: %v", id, hidden)
		e.do = func(p *play) { p.note(p.emu.Hide(acme, f.sandbox, id, hidden)) }
		return
	default:
		broken := d.span(10*time.Minute, 5*time.Hour)
		e.what = fmt.Sprintf("no notice is delivered for %s", broken)
		e.do = func(p *play) { p.notices.until = p.emu.Now().Add(broken) }
		return
	}
	e.what = fmt.Sprintf("the vendor fails: %s, %d times after %d, %s %d %s", fault.Route, fault.Times, fault.After, fault.Effect, fault.Status, fault.Delay)
	e.do = func(p *play) { _, err := p.emu.AddFault(fault); p.note(err) }
}
