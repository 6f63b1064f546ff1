package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/migration"
)

// setup makes the organization reachable before anything blocks: queries, updates and the signal.
func (o *organization) setup(ctx workflow.Context) error {
	o.root = ctx
	if o.state == nil {
		o.state = &migration.State{Milestone: workflow.Now(ctx), Since: workflow.Now(ctx), Phase: migration.Assessing}
	}
	o.published = publishedAttributes(ctx)
	o.describe(ctx)
	if err := o.setQueries(ctx); err != nil {
		return err
	}
	if err := o.setUpdates(ctx); err != nil {
		return err
	}
	workflow.GoNamed(ctx, "signals", o.receive)
	return nil
}

func (o *organization) setQueries(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (migration.Status, error) {
			return o.state.Status(o.Organization, o.playbook, workflow.Now(ctx)), nil
		}, workflow.QueryHandlerOptions{Description: "where the organization stands, what it waits for and on whom"}),
		workflow.SetQueryHandlerWithOptions(ctx, QueryPlan, func() (*migration.Plan, error) {
			return o.state.Plan, nil
		}, workflow.QueryHandlerOptions{Description: "the current plan; null before there is one"}),
		workflow.SetQueryHandlerWithOptions(ctx, QueryEvidence, func() (activities.Evidence, error) {
			return activities.Evidence{
				Status: o.state.Status(o.Organization, o.playbook, workflow.Now(ctx)), Plan: o.state.Plan, Missed: o.state.Undelivered(), Title: o.playbook.Title, Guide: o.playbook.Links.Guide,
			}, nil
		}, workflow.QueryHandlerOptions{Description: "everything that is known, for the evidence file"}),
	)
}

// receive takes signals as they come. It never blocks in a channel: a signal handed to a blocked receiver would be lost if the run continued
// as new in the same workflow task.
func (o *organization) receive(ctx workflow.Context) {
	signals := signalChannel(ctx)
	for {
		if workflow.Await(ctx, func() bool { return signals.Len() > 0 || len(strangers(ctx)) > 0 }) != nil {
			return
		}
		o.drain(ctx)
	}
}

// drain takes every signal that arrived. The payload is read here and not by the SDK, which would drop a malformed one in silence.
func (o *organization) drain(ctx workflow.Context) {
	signals := signalChannel(ctx)
	for raw := (converter.RawValue{}); signals.ReceiveAsync(&raw); {
		o.claim(ctx, raw)
	}
	for _, name := range strangers(ctx) {
		channel := workflow.GetSignalChannel(ctx, name)
		for raw := (converter.RawValue{}); channel.ReceiveAsync(&raw); {
			o.ignore(ctx, fmt.Sprintf("a signal %q came, which means nothing here; signals are: %s", shortened(name), SignalReauthCompleted))
		}
		o.publish(ctx)
	}
}

// strangers are the names of signals that arrived and mean nothing here, a mistyped one perhaps.
func strangers(ctx workflow.Context) []string {
	names := workflow.GetUnhandledSignalNames(ctx)
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == SignalReauthCompleted })
}

func shortened(text string) string { return text[:min(len(text), maxWords)] }

func signalChannel(ctx workflow.Context) workflow.ReceiveChannel {
	return workflow.GetSignalChannelWithOptions(ctx, SignalReauthCompleted, workflow.SignalChannelOptions{
		Description: `somebody signed in again: {"account": "ID", "by": "NAME", "note": "optional"}`,
	})
}

func (o *organization) claim(ctx workflow.Context, raw converter.RawValue) {
	signal, err := parseClaim(raw.Payload().GetData())
	if err != nil {
		o.ignore(ctx, `a signal reauth-completed was not understood: `+err.Error()+`; send {"account": "ID", "by": "NAME"}`)
		o.publish(ctx)
		return
	}
	o.accept(ctx, signal)
}

func (o *organization) accept(ctx workflow.Context, signal ReauthCompleted) {
	o.state.Record(migration.Deed{At: workflow.Now(ctx), By: signal.By, What: "re-authenticated account " + signal.Account + note(signal.Note)})
	o.state.Claim(migration.Claim{Account: signal.Account, By: signal.By, Note: signal.Note})
	o.changes++
}

// A person's words in a state are kept short.
const maxWords = 500

func parseClaim(data []byte) (ReauthCompleted, error) {
	var signal ReauthCompleted
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	//workflowcheck:ignore (reading bytes that history holds gives the same on every replay)
	if err := decoder.Decode(&signal); err != nil {
		return signal, errors.New("it is not a JSON object with account, by and note")
	}
	return signal, checkClaim(signal)
}

func checkClaim(signal ReauthCompleted) error {
	switch {
	case signal.Account == "":
		return errors.New("account is missing")
	case signal.By == "":
		return errors.New("by is missing: say who did it")
	case len(signal.Account) > maxWords, len(signal.By) > maxWords, len(signal.Note) > maxWords:
		return fmt.Errorf("a field is longer than %d bytes", maxWords)
	}
	return nil
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func (o *organization) setUpdates(ctx workflow.Context) error {
	return errors.Join(
		update(ctx, UpdateReauthCompleted, "somebody signed in again; answers what a look at the account showed", o.refuseClaim, o.confirm),
		update(ctx, UpdateApprove, "agree to the plan with this hash", o.refuseApprove, o.approve),
		update(ctx, UpdatePause, "stop planning and changing until resumed", o.refusePause, o.pause),
		update(ctx, UpdateResume, "end a pause and look again at whatever is held", o.refuseResume, o.resume),
		update(ctx, UpdatePair, "answer which dataflow is the copy of an old one; new \"none\" leaves it out", o.refuseChoice, o.choose),
		update(ctx, UpdateSettle, "answer what is asked about a dataflow: carry its drift over, or accept things as they are", o.refuseSettle, o.settle),
		update(ctx, UpdateRollback, "take switched dataflows back to the old card", o.refuseRollback, o.rollBack),
		update(ctx, UpdateReschedule, "move this organization's deadlines", o.refuseReschedule, o.reschedule),
	)
}

// update registers a handler with its validator. What a validator refuses leaves no trace in history; the person gets the reason.
func update[In, Out any](ctx workflow.Context, name, description string, refuse func(workflow.Context, In) error, handle func(workflow.Context, In) (Out, error)) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handle, workflow.UpdateHandlerOptions{
		Description: description,
		Validator: func(ctx workflow.Context, in In) error {
			return refuse(ctx, in)
		},
	})
}

func (o *organization) refuse(by string) error {
	switch {
	case o.finished:
		return fmt.Errorf("the migration of %s has ended (%s)", o.ID, o.state.Phase)
	case by == "":
		return errors.New("by is missing: say who acts")
	case len(by) > maxWords:
		return fmt.Errorf("by is longer than %d bytes", maxWords)
	}
	return nil
}

func (o *organization) refuseClaim(ctx workflow.Context, in ReauthCompleted) error {
	if err := errors.Join(o.refuse(in.By), checkClaim(in)); err != nil {
		return err
	}
	if !o.state.Assessed {
		if at := o.playbook.Timeline.Available; workflow.Now(ctx).Before(at) {
			return fmt.Errorf("the new card is not available before %s: there is no account to sign in to yet", migration.Instant(at))
		}
		return errors.New("the organization is still being assessed; try again in a minute")
	}
	if o.state.Account(in.Account) == nil {
		return fmt.Errorf("account %s is unknown; this organization's accounts: %s", in.Account, accountList(o.state.Accounts))
	}
	return nil
}

func accountList(accounts []migration.AccountState) string {
	if len(accounts) == 0 {
		return "none"
	}
	list := make([]string, len(accounts))
	for i, account := range accounts {
		list[i] = fmt.Sprintf("%s (%s)", account.ID, account.Name)
	}
	return strings.Join(list, ", ")
}

func (o *organization) confirm(ctx workflow.Context, in ReauthCompleted) (AccountAnswer, error) {
	delete(o.answers, in.Account)
	o.accept(ctx, in)
	err := workflow.Await(ctx, func() bool { return o.answers[in.Account].Account != "" || o.finished })
	return o.answers[in.Account], err
}

func (o *organization) refuseApprove(_ workflow.Context, in Approve) error {
	if err := o.refuse(in.By); err != nil {
		return err
	}
	return o.state.RefuseApproval(in.By, in.Plan, o.playbook)
}

// approve asks for a fresh plan too: if that has another hash, something changed meanwhile and the approval does not hold.
func (o *organization) approve(ctx workflow.Context, in Approve) (migration.Status, error) {
	o.state.Approve(in.By, workflow.Now(ctx))
	o.state.Replan = true
	return o.did(ctx, in.By, "approved plan "+in.Plan), nil
}

func (o *organization) refusePause(_ workflow.Context, in Pause) error {
	switch {
	case o.refuse(in.By) != nil:
		return o.refuse(in.By)
	case in.Reason == "" || len(in.Reason) > maxWords:
		return fmt.Errorf("reason is missing or longer than %d bytes: whoever resumes must know why", maxWords)
	case o.state.Paused != nil:
		return fmt.Errorf("paused already by %s: %s", o.state.Paused.By, o.state.Paused.What)
	}
	return nil
}

func (o *organization) pause(ctx workflow.Context, in Pause) (migration.Status, error) {
	o.state.Paused = &migration.Deed{At: workflow.Now(ctx), By: in.By, What: in.Reason}
	return o.did(ctx, in.By, "paused: "+in.Reason), nil
}

func (o *organization) refuseResume(ctx workflow.Context, in Resume) error {
	if err := o.refuse(in.By); err != nil {
		return err
	}
	if len(in.Note) > maxWords {
		return fmt.Errorf("note is longer than %d bytes", maxWords)
	}
	if in.Old != "" {
		return o.state.RefuseResume(in.Old)
	}
	waits := o.state.Waits(o.Organization, o.playbook, workflow.Now(ctx))
	if !slices.ContainsFunc(waits, func(w migration.Wait) bool { return w.On == migration.OnOperator }) {
		return errors.New("nothing is paused or held")
	}
	return nil
}

func (o *organization) resume(ctx workflow.Context, in Resume) (migration.Status, error) {
	if o.state.Short(o.Organization) && in.Old == "" {
		o.state.Assessed, o.state.AcceptListed = in.AcceptListed && o.state.Assessed, in.AcceptListed
	}
	o.state.Resume(in.Old)
	o.state.Attended = nil // who looks again is told when that was not enough
	what := "resumed"
	if in.Old != "" {
		what += " dataflow " + in.Old
	}
	return o.did(ctx, in.By, what+note(in.Note)), nil
}

func (o *organization) refuseChoice(_ workflow.Context, in Choose) error {
	if err := o.refuse(in.By); err != nil {
		return err
	}
	switch {
	case o.state.Plan == nil:
		return errors.New("there is no plan yet, so nothing is asked")
	case len(in.New) > maxWords:
		return fmt.Errorf("new is longer than %d bytes: it is a dataflow's id", maxWords)
	}
	i := slices.IndexFunc(o.state.Plan.Questions, func(q migration.Question) bool { return q.Old == in.Old })
	if i < 0 {
		return fmt.Errorf("nothing is asked about dataflow %q; starter plan lists the questions", in.Old)
	}
	if q := o.state.Plan.Questions[i]; q.More == 0 && in.New != migration.LeaveOut && !slices.Contains(q.Candidates, in.New) {
		return fmt.Errorf("dataflow %q cannot be the copy of %q; choose one of %v or %q", in.New, in.Old, q.Candidates, migration.LeaveOut)
	}
	for _, old := range workflow.DeterministicKeys(o.state.Choices) {
		if old != in.Old && in.New != migration.LeaveOut && o.state.Choices[old] == in.New {
			return fmt.Errorf("dataflow %s is the copy of %s already", in.New, old)
		}
	}
	return nil
}

func (o *organization) choose(ctx workflow.Context, in Choose) (migration.Status, error) {
	if o.state.Choices == nil {
		o.state.Choices = map[string]string{}
	}
	o.state.Choices[in.Old] = in.New
	o.state.Replan = true
	return o.did(ctx, in.By, "chose "+in.New+" as the copy of "+in.Old), nil
}

func (o *organization) refuseSettle(_ workflow.Context, in Settle) error {
	if err := o.refuse(in.By); err != nil {
		return err
	}
	return o.state.RefuseSettle(in.Old, in.Answer)
}

func (o *organization) settle(ctx workflow.Context, in Settle) (migration.Status, error) {
	o.state.Settle(in.Old, in.Answer, in.By, workflow.Now(ctx))
	return o.did(ctx, in.By, "settled dataflow "+in.Old+": "+string(in.Answer)), nil
}

func (o *organization) refuseRollback(ctx workflow.Context, in Rollback) error {
	switch {
	case o.refuse(in.By) != nil:
		return o.refuse(in.By)
	case in.Reason == "" || len(in.Reason) > maxWords:
		return fmt.Errorf("reason is missing or longer than %d bytes: whoever tries again must know why", maxWords)
	}
	return o.state.RefuseRollback(in.Old, o.playbook, workflow.Now(ctx))
}

// rollBack asks for pairs to go back and answers when they did, or with why they could not.
func (o *organization) rollBack(ctx workflow.Context, in Rollback) (migration.Status, error) {
	now := workflow.Now(ctx)
	what := "rolled back: " + in.Reason
	if in.Old != "" {
		what = "rolled back dataflow " + in.Old + ": " + in.Reason
	} else if o.state.Paused == nil {
		o.state.Paused = &migration.Deed{At: now, By: in.By, What: what} // nothing goes forward again before somebody says so
	}
	o.state.RollBack(in.Old, migration.Deed{At: now, By: in.By, What: in.Reason}, o.playbook)
	going := o.state.GoingBack()
	var stayed []string
	for _, old := range o.state.SwitchedPairs() {
		if err := o.state.RefuseRollback(old, o.playbook, now); err != nil && in.Old == "" {
			stayed = append(stayed, err.Error())
		}
	}
	o.did(ctx, in.By, what)
	// A handler that waits would keep a run from ending, so it waits on what always comes, also after a cancellation.
	apart, release := acting(ctx)
	defer release()
	if err := workflow.Await(apart, func() bool { return len(o.state.GoingBack()) == 0 || o.finished }); err != nil {
		return migration.Status{}, err
	}
	for _, pair := range going {
		if is := o.state.Pair(pair.Old); is != nil && is.Progress != migration.WentBack {
			stayed = append(stayed, fmt.Sprintf("dataflow %q (%s) was %s", is.Name, is.Old, is.Note))
		}
	}
	if len(stayed) > 0 {
		return migration.Status{}, temporal.NewApplicationError(strings.Join(stayed, "; "), activities.RollbackRefused)
	}
	return answer(o.state.Status(o.Organization, o.playbook, workflow.Now(ctx))), nil
}

func (o *organization) refuseReschedule(_ workflow.Context, in Reschedule) error {
	switch {
	case o.refuse(in.By) != nil:
		return o.refuse(in.By)
	case in.Reason == "" || len(in.Reason) > maxWords:
		return fmt.Errorf("reason is missing or longer than %d bytes", maxWords)
	case in.ReauthenticateBy.IsZero() && in.Shutdown.IsZero():
		return errors.New("give reauthenticate_by, shutdown or both")
	}
	return o.playbook.Timeline.Move(in.ReauthenticateBy, in.Shutdown).Check()
}

func (o *organization) reschedule(ctx workflow.Context, in Reschedule) (migration.Status, error) {
	o.playbook.Timeline = o.playbook.Timeline.Move(in.ReauthenticateBy, in.Shutdown)
	now := workflow.Now(ctx)
	o.state.Milestone = now
	status := o.did(ctx, in.By, fmt.Sprintf("moved the deadlines to %s and %s: %s",
		migration.Instant(o.playbook.Timeline.ReauthenticateBy), migration.Instant(o.playbook.Timeline.Shutdown), in.Reason))
	if o.state.Told && len(o.state.Pending()) > 0 {
		o.attempt(ctx, o.notify(ctx, migration.NoticeRescheduled, migration.Instant(now)))
	}
	return status, nil
}

// did records a deed, wakes the waiting workflow and answers with how things stand.
func (o *organization) did(ctx workflow.Context, by, what string) migration.Status {
	now := workflow.Now(ctx)
	o.state.Record(migration.Deed{At: now, By: by, What: what})
	o.changes++
	held := o.state.Phase == migration.NeedsAttention || o.state.Phase == migration.AwaitingApproval
	if held && len(o.state.Waits(o.Organization, o.playbook, now)) == 0 {
		o.state.Enter(migration.Planning, now) // the loop may be busy telling somebody, and nobody is waited for any more
	}
	return answer(o.state.Status(o.Organization, o.playbook, now))
}

// An answer stays in history, so that of a large organization it holds the first pairs only; the query status has them all.
const answeredPairs = 50

func answer(s migration.Status) migration.Status {
	if len(s.Pairs) > answeredPairs {
		s.Pairs, s.Terms = s.Pairs[:answeredPairs], migration.Terms{}
	}
	return s
}
