package emulator

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Reconnection is a person signing in at Pinterest behind Adobe's "Reconnect OAuth" button.
type Reconnection struct {
	By           string        // who
	Advertiser   string        // the only ad account the person chose; empty = the right ones
	MissingScope bool          // the person left out a permission: the account then fails its test and its runs
	Lease        time.Duration // how long it holds; 0 = the setting
}

// Edit is what a person changes at a dataflow in Adobe's user interface. Zero fields stay as they are.
type Edit struct {
	By              string     `json:"by"`
	State           string     `json:"state"` // enabled or disabled
	Name            string     `json:"name"`
	Description     string     `json:"description"`
	Advertiser      string     `json:"advertiser"`
	AddAudiences    []Audience `json:"add_audiences"`
	RemoveAudiences []string   `json:"remove_audiences"` // ids or names
	Profiles        *int       `json:"profiles"`         // received by each run from now on; no person's doing, so no edit by itself
	Runs            *string    `json:"runs"`             // see Dataflow.Runs
	Failed          *int       `json:"failed"`           // see Dataflow.Failed
}

// runs is the plan after the edit.
func (edit Edit) runs(plan runPlan) runPlan {
	if edit.Profiles != nil {
		plan.profiles = *edit.Profiles
	}
	if edit.Runs != nil {
		plan.how = *edit.Runs
	}
	if edit.Failed != nil {
		plan.failed = *edit.Failed
	}
	return plan
}

// Reconnect plays the customer's "Reconnect OAuth". It is a person's action: the vendor has no API for it.
func (e *Emulator) Reconnect(org, sb, id string, how Reconnection) error {
	e.lock()
	defer e.mu.Unlock()
	a, err := e.lookupAccount(org, sb, id)
	if err != nil {
		return err
	}
	lease := how.Lease
	if lease == 0 {
		lease = e.settings.Lease
	}
	before := a.grants.now()
	g := grant{
		authenticated: true, authorized: e.now, expires: e.now.Add(lease),
		advertiser: how.Advertiser, missingScope: how.MissingScope,
	}
	a.grants.set(e.now, g)
	a.content++
	a.touch(e.now, person(how.By))
	e.planExpiry(a)
	detail := ""
	if how.Advertiser != "" {
		detail = "only ad account " + how.Advertiser
	}
	e.edited(Entry{
		Entity: entityConnection, ID: a.id, Op: "reconnect", Before: before.state(e.now), After: g.state(e.now),
		Card: a.spec.role, ContentVersion: a.content, Detail: detail,
	}, a.sandbox, how.By)
	return nil
}

// Expire ends the account's lease now.
func (e *Emulator) Expire(org, sb, id string) error {
	e.lock()
	defer e.mu.Unlock()
	a, err := e.lookupAccount(org, sb, id)
	if err != nil {
		return err
	}
	before := a.grants.now()
	g := before
	g.expires = e.now
	a.grants.set(e.now, g)
	e.changed(Entry{
		Entity: entityConnection, ID: a.id, Op: "expire", Before: before.state(e.now), After: g.state(e.now),
		Card: a.spec.role, ContentVersion: a.content,
	}, a.sandbox)
	return nil
}

// EditFlow plays a person at work on a dataflow in Adobe's user interface.
func (e *Emulator) EditFlow(org, sb, id string, edit Edit) error {
	e.lock()
	defer e.mu.Unlock()
	f, err := e.lookupFlow(org, sb, id)
	if err != nil {
		return err
	}
	runs := edit.runs(f.runs.now())
	if err := errors.Join(checkFlow(edit.State, "", runs.how), checkFailed(runs.how, runs.failed)); err != nil {
		return fmt.Errorf("edit dataflow %q: %w", id, err)
	}
	if runs != f.runs.now() {
		f.runs.set(e.now, runs)
	}
	entry := f.stateEntry("edit", f.state(), f.state())
	changed := e.editContent(f, edit)
	if changed {
		f.content++
		f.touch(e.now, person(edit.By))
		f.operation = operation{at: e.now, kind: "update"}
	}
	if edit.State != "" && edit.State != f.state() {
		through := stateEnabling
		entry.Op = "enable"
		if edit.State == stateDisabled {
			through, entry.Op = stateDisabling, "disable"
		}
		entry.After = e.move(f, edit.State, through, e.settings.Transition, person(edit.By))
		changed = true
	}
	if changed {
		entry.ContentVersion = f.content
		e.edited(entry, f.sandbox, edit.By)
	}
	return nil
}

// editContent applies what of the edit is not the state, and tells whether there was any.
func (e *Emulator) editContent(f *flow, edit Edit) bool {
	changed := false
	for _, field := range []struct {
		into *string
		text string
	}{{&f.name, edit.Name}, {&f.description, edit.Description}} {
		if field.text != "" && field.text != *field.into {
			*field.into, changed = field.text, true
		}
	}
	if edit.Advertiser != "" && edit.Advertiser != f.target.advertiser() {
		f.target.params["advertiser_id"] = quoted(edit.Advertiser)
		f.target.content++
		f.target.touch(e.now, person(edit.By))
		changed = true
	}
	if len(edit.AddAudiences)+len(edit.RemoveAudiences) > 0 {
		changed = true
		f.editAudiences(func(list []selector) []selector {
			list = slices.DeleteFunc(list, func(s selector) bool {
				return slices.Contains(edit.RemoveAudiences, s.text("id")) || slices.Contains(edit.RemoveAudiences, s.text("name"))
			})
			for _, audience := range f.sandbox.named(edit.AddAudiences) {
				list = append(list, newSelector(audience, e.now))
			}
			return list
		})
	}
	return changed
}

// DeleteFlow plays a person who deletes a dataflow, before or after the copies are made. Its history in the ledger stays.
func (e *Emulator) DeleteFlow(org, sb, id, by string) error {
	e.lock()
	defer e.mu.Unlock()
	f, err := e.lookupFlow(org, sb, id)
	if err != nil {
		return err
	}
	entry := f.stateEntry("delete", f.state(), stateDeleted)
	f.remove(e.now)
	e.edited(entry, f.sandbox, by)
	return nil
}

// Hide puts an access label on the dataflow, which hides it from the API, or takes it off.
func (e *Emulator) Hide(org, sb, id string, hidden bool) error {
	e.lock()
	defer e.mu.Unlock()
	f, err := e.lookupFlow(org, sb, id)
	if err != nil {
		return err
	}
	f.labels = nil
	entry := f.stateEntry("show", f.state(), f.state())
	if hidden {
		f.labels, entry.Op = []string{"core/C12"}, "hide"
	}
	e.edited(entry, f.sandbox, "administrator")
	return nil
}

// edited enters what a person did in a vendor's user interface.
func (e *Emulator) edited(entry Entry, sb *sandbox, by string) {
	entry.Kind, entry.Actor, entry.Applied = KindEdit, person(by), true
	e.enter(entry, sb)
}

func person(by string) string { return "person:" + or(by, "customer") }
