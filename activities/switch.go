package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// SwitchInput asks to carry one pair over.
type SwitchInput struct {
	Who         Who             `json:"who"`
	Sandbox     string          `json:"sandbox"`
	Old         string          `json:"old"`
	New         string          `json:"new"`
	Fingerprint string          `json:"fingerprint"` // of both sides, as the plan relies on them
	Order       migration.Order `json:"order"`
	LeaseEnd    time.Time       `json:"lease_end,omitzero"` // of the copy's account
}

// Switched is how a pair was carried over. A zero instant means that this attempt found that side as it should be.
type Switched struct {
	Enabled  time.Time `json:"enabled,omitzero"`
	Disabled time.Time `json:"disabled,omitzero"`
}

// A side that is between two states is read again this often before the attempt ends, half a minute in all; the next attempt goes on where the
// vendor stands.
const (
	settleReads = 120
	settleGap   = 250 * time.Millisecond
)

// SwitchPair carries one pair over: read both sides, refuse a plan that no longer holds, enable the copy and see it enabled, disable the old and
// see it disabled (or the other way round where the playbook says so). It is one activity so that both sides run together for a few calls and
// not for the length of a queue. Every attempt decides from what the vendor shows, so a lost answer or a killed worker does no harm.
func (a *Activities) SwitchPair(ctx context.Context, in SwitchInput) (Switched, error) {
	defer keepAlive(ctx)()
	operation := fmt.Sprintf("switch dataflow %s to its copy %s in sandbox %s of organization %s", in.Old, in.New, in.Sandbox, in.Who.ID)
	if !in.LeaseEnd.IsZero() && !a.Now().Before(in.LeaseEnd) {
		return Switched{}, temporal.NewApplicationErrorWithOptions(
			fmt.Sprintf("%s: the sign-in of the copy's account ended at %s; it must be signed in to again", operation, migration.Instant(in.LeaseEnd)),
			ReauthRequired, temporal.ApplicationErrorOptions{NonRetryable: true})
	}
	sandbox, err := a.sandbox(in.Who, in.Sandbox)
	if err != nil {
		return Switched{}, mapError(ctx, operation, err)
	}
	done, err := a.switchPair(ctx, sandbox, in)
	return done, mapError(ctx, operation, err)
}

func (a *Activities) switchPair(ctx context.Context, sandbox *adobe.Sandbox, in SwitchInput) (done Switched, err error) {
	read := func(id string) (migration.Dataflow, error) {
		flow, err := sandbox.Dataflow(ctx, id)
		return dataflow(flow, in.Sandbox), err
	}
	old, err := read(in.Old)
	if err != nil {
		return done, err
	}
	copied, err := read(in.New)
	if err != nil {
		return done, err
	}
	if migration.Fingerprint(old, copied) != in.Fingerprint {
		return done, permanent(fmt.Sprintf("dataflow %s or its copy %s changed since the plan was made", in.Old, in.New), PlanStale)
	}
	for reads := 0; ; {
		switch migration.NextWrite(in.Order, old.State, copied.State) {
		case migration.WriteDone:
			return done, nil
		case migration.WriteRefuse:
			return done, permanent("both dataflows are switched off, which the plan did not ask for", PlanStale)
		case migration.WriteEnable:
			copied, err = a.toggle(ctx, sandbox.Enable, read, in.New, migration.Enabled)
			done.Enabled = a.now()
		case migration.WriteDisable:
			old, err = a.toggle(ctx, sandbox.Disable, read, in.Old, migration.Disabled)
			done.Disabled = a.now()
		case migration.WriteWait:
			if reads++; reads > settleReads {
				return done, transient(fmt.Sprintf("the old dataflow is still %s and the copy %s", old.State, copied.State), Unavailable, 0)
			}
			if err := a.Pause(ctx, settleGap); err != nil {
				return done, err
			}
			if old, err = read(in.Old); err == nil {
				copied, err = read(in.New)
			}
		}
		if err != nil {
			return done, err
		}
	}
}

// toggle writes once and reads until the dataflow shows the wished state. A refusal for the sake of its state may only say that it stands there
// already or is on its way, so the reads decide; where they do not bear that out, it is a refusal like any other.
func (a *Activities) toggle(
	ctx context.Context, write func(context.Context, string) error, read func(string) (migration.Dataflow, error), id string, want migration.DataflowState,
) (migration.Dataflow, error) {
	refusal := write(ctx, id)
	if refusal != nil && !errors.Is(refusal, adobe.ErrState) {
		return migration.Dataflow{}, refusal
	}
	for range settleReads {
		d, err := read(id)
		if err != nil || d.State == want {
			return d, err
		}
		if err := a.Pause(ctx, settleGap); err != nil {
			return d, err
		}
	}
	if refusal != nil {
		return migration.Dataflow{}, refusal
	}
	return migration.Dataflow{}, transient(fmt.Sprintf("dataflow %s is not %s yet", id, want), Unavailable, 0)
}
