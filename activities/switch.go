package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"cutover/internal/adobe"
	"cutover/internal/engine"
	"cutover/internal/migration"
)

// SwitchInput asks to carry one pair over.
type SwitchInput struct {
	Who           Who               `json:"who"`
	Sandbox       string            `json:"sandbox"`
	Old           string            `json:"old"`
	New           string            `json:"new"`
	Fingerprint   string            `json:"fingerprint"`              // as the plan relies on it
	Advertiser    string            `json:"advertiser,omitempty"`     // of the copy, as planned
	OldAdvertiser string            `json:"old_advertiser,omitempty"` // of the old dataflow, where it is another one
	Order         migration.Order   `json:"order,omitempty"`          // empty: enable-first
	LeaseEnd      time.Time         `json:"lease_end,omitzero"`       // of the copy's account
	Carry         []migration.Carry `json:"carry,omitempty"`          // to the copy, before it is enabled
	Revive        bool              `json:"revive,omitempty"`         // only the copy is enabled: the old side is off or gone
	Late          bool              `json:"late,omitempty"`           // the old API is closed: the old side is disabled if that goes
}

// A side that is between two states is read again this often before the attempt ends, half a minute in all; the next attempt goes on where the
// vendor stands.
const (
	settleReads = 120
	settleGap   = 250 * time.Millisecond
)

// SwitchPair carries one pair over: read both sides, refuse a plan that no longer holds, carry audiences over and see them there, enable the copy
// and see it enabled, disable the old and see it disabled (or the other way round where the playbook says so). It is one activity so that both
// sides run together for a few calls and not for the length of a queue. Every attempt decides from what the vendor shows, so a lost answer or a
// killed worker does no harm.
func (a *Activities) SwitchPair(ctx context.Context, in SwitchInput) (migration.Moved, error) {
	defer keepAlive(ctx)()
	operation := fmt.Sprintf("switch dataflow %s to its copy %s in sandbox %s of organization %s", in.Old, in.New, in.Sandbox, in.Who.ID)
	if !in.LeaseEnd.IsZero() && !a.Now().Before(in.LeaseEnd) {
		return migration.Moved{}, temporal.NewApplicationErrorWithOptions(
			fmt.Sprintf("%s: the sign-in of the copy's account ended at %s; it must be signed in to again", operation, migration.Instant(in.LeaseEnd)),
			ReauthRequired, temporal.ApplicationErrorOptions{NonRetryable: true})
	}
	sandbox, err := a.sandbox(in.Who, in.Sandbox)
	if err != nil {
		return migration.Moved{}, mapError(ctx, operation, err)
	}
	move := pairMove{a, sandbox, in.Sandbox, in.Order, in.Old, in.New, in.Revive, in.Late}
	if in.Late {
		move.order = migration.EnableFirst // what the old side still allows must not keep the copy off
	}
	done, err := a.switchPair(ctx, move, in)
	return done, mapError(ctx, operation, err)
}

// switchPair reads both sides again after it carried something over: that takes a while, and people may have been at work meanwhile.
func (a *Activities) switchPair(ctx context.Context, move pairMove, in SwitchInput) (done migration.Moved, err error) {
	for {
		old, err := move.leaving(ctx)
		if err != nil {
			return done, err
		}
		copied, err := move.read(ctx, in.New)
		if err != nil {
			return done, err
		}
		relied := old
		if old.State == migration.Gone || in.Late {
			relied = migration.Dataflow{}
		}
		// A crash may have left some audiences carried and some not: what counts is the copy as it was before.
		if migration.Fingerprint(relied, migration.Undo(copied, in.Carry)) != in.Fingerprint {
			return done, permanent(fmt.Sprintf("dataflow %s or its copy %s changed since the plan was made", in.Old, in.New), PlanStale)
		}
		if err := move.sameAdvertisers(ctx, in, relied, copied); err != nil {
			return done, err
		}
		changes := migration.Outstanding(copied, in.Carry)
		if len(changes) == 0 {
			done, err = move.run(ctx, old, copied)
			if len(in.Carry) > 0 {
				done.Fingerprint = migration.Fingerprint(relied, copied)
			}
			return done, err
		}
		if err := move.carry(ctx, in.New, in.Old, changes); err != nil {
			return done, err
		}
	}
}

// sameAdvertisers refuses a plan whose dataflows have another advertiser by now. A dataflow does not show its own: its target connection does.
func (m pairMove) sameAdvertisers(ctx context.Context, in SwitchInput, old, copied migration.Dataflow) error {
	for _, side := range []struct{ target, planned string }{{old.Target, cmp.Or(in.OldAdvertiser, in.Advertiser)}, {copied.Target, in.Advertiser}} {
		if side.target == "" || side.planned == "" {
			continue
		}
		target, err := m.sandbox.TargetConnection(ctx, side.target)
		if err != nil {
			return err
		}
		if target.AdvertiserID != "" && target.AdvertiserID != side.planned { // one that is not shown says nothing
			return permanent(fmt.Sprintf("dataflow %s or its copy %s was given another advertiser since the plan was made", in.Old, in.New), PlanStale)
		}
	}
	return nil
}

// pairMove moves a pair from one side to the other: forward from the old dataflow to its copy, a rollback from the copy to the old one.
type pairMove struct {
	*Activities
	sandbox  *adobe.Sandbox
	name     string // of the sandbox
	order    migration.Order
	from, to string
	revive   bool
	late     bool // the side that is left is dead: nothing of it keeps the other one waiting
}

// run writes and reads until the pair is on the other side. Late, a vendor that does not show the side that is left, or refuses to disable it, is
// taken note of and nothing more.
func (m pairMove) run(ctx context.Context, from, to migration.Dataflow) (done migration.Moved, err error) {
	ctx = adobe.Ahead(ctx) // between the two writes both sides run, or neither does
	for reads := 0; ; {
		vanished := m.late && from.State == migration.Gone && !m.revive // since it was planned
		switch migration.NextWrite(m.order, from.State, to.State, m.revive || vanished) {
		case migration.WriteDone:
			if vanished {
				done.Note = "the old dataflow is not there any more or cannot be read, which changes nothing: its API is closed"
			}
			return done, nil
		case migration.WriteRefuse:
			return done, permanent("both dataflows are switched off, which the plan did not ask for", PlanStale)
		case migration.WriteEnable:
			var now migration.Dataflow
			if now, err = m.toggle(ctx, m.sandbox.Enable, m.to, migration.Enabled); err != nil {
				return done, m.standing(from, to, err)
			}
			to, done.Enabled = now, m.now()
		case migration.WriteDisable:
			var now migration.Dataflow
			now, err = m.toggle(ctx, m.sandbox.Disable, m.from, migration.Disabled)
			if err != nil && m.late && ctx.Err() == nil && !passing(err) {
				done.Note = "the old dataflow could not be disabled, which changes nothing: its API is closed (" + short(err) + ")"
				return done, nil
			}
			if err != nil {
				return done, m.standing(from, to, err)
			}
			from, done.Disabled = now, m.now()
		case migration.WriteWait:
			if reads++; reads > settleReads {
				return done, transient(fmt.Sprintf("dataflow %s is still %s and %s %s", m.from, from.State, m.to, to.State), Unavailable, 0)
			}
			if err := m.Pause(ctx, settleGap); err != nil {
				return done, err
			}
			if from, err = m.leaving(ctx); err == nil {
				to, err = m.read(ctx, m.to)
			}
		}
		if err != nil {
			return done, err
		}
	}
}

// read reads one side. A dataflow that is not there any more is Gone.
func (m pairMove) read(ctx context.Context, id string) (migration.Dataflow, error) {
	flow, err := m.sandbox.Dataflow(ctx, id)
	if gone(err) {
		return migration.Dataflow{State: migration.Gone}, nil
	}
	return dataflow(flow, m.name), err
}

// leaving reads the side that is left. Late, one that is stuck between two states counts as enabled, and one that cannot be read as gone.
func (m pairMove) leaving(ctx context.Context) (migration.Dataflow, error) {
	flow, err := m.read(ctx, m.from)
	switch {
	case !m.late:
	case err != nil && hopeless(ctx, err):
		return migration.Dataflow{State: migration.Gone}, nil
	case err == nil && flow.State != migration.Gone && flow.State != migration.Disabled:
		flow.State = migration.Enabled
	}
	return flow, err
}

// passing tells that a failure says nothing of the dataflow: the vendor is busy, there was no answer, or nothing was asked.
func passing(err error) bool {
	var (
		answer    *adobe.Error
		transport *adobe.TransportError
		gate      *engine.GateError
	)
	return errors.As(err, &answer) && answer.Status == 429 || errors.As(err, &transport) || errors.As(err, &gate)
}

// standing adds to a write that was not sent, because writes are stopped, where that leaves the pair. Other errors stay as they are.
func (m pairMove) standing(from, to migration.Dataflow, err error) error {
	if _, held := errors.AsType[*engine.GateError](err); !held {
		return err
	}
	where := fmt.Sprintf("dataflow %s stays %s and %s %s", m.from, from.State, m.to, to.State)
	if from.State == to.State {
		where = fmt.Sprintf("dataflows %s and %s both stay %s, between the two writes", m.from, m.to, from.State)
	}
	return fmt.Errorf("%s until writes are released: %w", where, err)
}

func gone(err error) bool { return errors.Is(err, adobe.ErrNotFound) || errors.Is(err, adobe.ErrGone) }

// carry makes the dataflow into follow source in some audiences, one after the other, each read back.
func (m pairMove) carry(ctx context.Context, into, source string, changes []migration.Carry) error {
	has, err := m.sandbox.Dataflow(ctx, source)
	if err != nil && !gone(err) && (!m.late || !hopeless(ctx, err)) {
		return err
	}
	for _, change := range changes {
		audience := adobe.Audience{ID: change.Audience.ID, Name: change.Audience.Name, StartDate: change.Audience.Start}
		for _, known := range has.Audiences {
			if known.ID == audience.ID {
				audience = known // with everything that Adobe tells of it
			}
		}
		edit := m.sandbox.AddAudience
		if change.Remove {
			edit = m.sandbox.RemoveAudience
		}
		err := edit(ctx, into, audience)
		if errors.Is(err, adobe.ErrState) { // on its way to another one
			return transient(fmt.Sprintf("dataflow %s cannot be edited yet: %v", into, err), Unavailable, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// toggle writes once and reads until the dataflow shows the wished state. A refusal for the sake of its state may only say that it stands there
// already or is on its way, so the reads decide; where they do not bear that out, it is a refusal like any other.
func (m pairMove) toggle(
	ctx context.Context, write func(context.Context, string) error, id string, want migration.DataflowState,
) (migration.Dataflow, error) {
	refusal := write(ctx, id)
	if _, lost := errors.AsType[*adobe.TransportError](refusal); lost {
		return migration.Dataflow{}, lostAnswer{refusal}
	}
	if refusal != nil && !errors.Is(refusal, adobe.ErrState) {
		return migration.Dataflow{}, refusal
	}
	for range settleReads {
		d, err := m.read(ctx, id)
		switch {
		case err != nil || d.State == want:
			return d, err
		case d.State == migration.Gone:
			return d, permanent(fmt.Sprintf("dataflow %s is not there any more", id), PlanStale)
		}
		if err := m.Pause(ctx, settleGap); err != nil {
			return d, err
		}
	}
	if refusal != nil {
		return migration.Dataflow{}, refusal
	}
	return migration.Dataflow{}, transient(fmt.Sprintf("dataflow %s is not %s yet", id, want), Unavailable, 0)
}

// lostAnswer is a write whose answer did not come: the pair may stand between its sides, so that the next attempt looks at once, however many there were.
type lostAnswer struct{ error }

func (e lostAnswer) Unwrap() error { return e.error }

// maxNote is how much of a vendor's words a note repeats, in bytes.
const maxNote = 200

func short(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(maxNote, len(text))], "")
}
