package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/migration"
)

// MigrateOrganization carries one organization from the old card to the new one, however long people and dates take. It ends Migrated,
// NotAffected or cancelled, and never because a deadline passed.
func MigrateOrganization(ctx workflow.Context, in Input) (Result, error) {
	o := &organization{Organization: in.Organization, playbook: in.Playbook, state: in.State, answers: map[string]AccountAnswer{}}
	if err := o.setup(ctx); err != nil {
		return Result{}, err
	}
	return o.run(ctx)
}

// organization is a running migration. Everything that outlives a run is in state.
type organization struct {
	migration.Organization
	playbook migration.Playbook
	state    *migration.State

	root      workflow.Context         // outlives every wait; background activities run on it
	changes   int                      // rises when a handler changed something that a wait must look at
	answers   map[string]AccountAnswer // to claims, for updates that wait for them
	finished  bool
	published attributes
	signs     *background // a person signs in
	runs      *background // first flow runs
	sights    *background // somebody changes what was switched
	reminder  *background // the next reminder
}

func (o *organization) run(ctx workflow.Context) (Result, error) {
	for {
		o.harvest(ctx)
		now := workflow.Now(ctx)
		o.lapse(now)
		o.stopIdle(now)
		var err error
		switch step := o.state.Next(o.Organization, o.playbook, now); {
		case ctx.Err() != nil:
			return o.cancelled(ctx)
		case step == migration.StepFinish:
			return o.finish(ctx)
		case (step == migration.StepPlan || step == migration.StepCutOver) && o.long(ctx):
			err = o.continueAsNew(ctx) // at the other steps a handler may wait for what the step brings
		case step == migration.StepAssess:
			err = o.assess(ctx)
		case step == migration.StepRenew:
			err = o.renew(ctx)
		case step == migration.StepTell:
			err = o.tell(ctx)
		case step == migration.StepCheck:
			err = o.check(ctx)
		case step == migration.StepPlan:
			err = o.plan(ctx)
		case step == migration.StepCutOver:
			o.cutOver(ctx)
		case step == migration.StepGoBack:
			o.goBack(ctx)
		default:
			err = o.wait(ctx)
		}
		if temporal.IsCanceledError(err) {
			return o.cancelled(ctx)
		}
		if err != nil {
			return Result{}, err // continue-as-new; everything else was taken in by the step itself
		}
	}
}

// long tells that the history is long enough for the run to continue as new.
func (o *organization) long(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// assess takes the first look: affected or not, whose sign-in is needed, the base for later changes.
func (o *organization) assess(ctx workflow.Context) error {
	o.enter(ctx, migration.Assessing)
	var a migration.Assessment
	err := workflow.ExecuteActivity(reading(ctx, "list both cards' dataflows and accounts", readPatience), do.Assess,
		activities.AssessInput{Who: o.whole(), Cards: cardsOf(o.playbook), Playbook: o.playbook.Name, Available: o.playbook.Timeline.Available}).Get(ctx, &a)
	if err != nil {
		return o.hold(ctx, err)
	}
	o.state.Begin(a, o.playbook)
	o.state.Milestone = workflow.Now(ctx)
	return nil
}

// renew signs in to accounts by the grants that are held for them, so that nobody needs to be asked.
func (o *organization) renew(ctx workflow.Context) error {
	for _, account := range o.state.Renewable(o.playbook) {
		if o.state.Paused != nil {
			o.answer(account.ID) // whoever waits for it is not kept waiting
			continue
		}
		o.signs.distrust() // what it compares with is from before our own write
		in := activities.RenewInput{Who: o.who(), Account: activities.SignOf(account.Account), Lease: o.playbook.Reauthentication.Lease}
		var look activities.Look
		err := workflow.ExecuteActivity(renewing(ctx, fmt.Sprintf("renew account %q by its grant", account.Name)), do.RenewAccount, in).Get(ctx, &look)
		failure := cause(err)
		switch {
		case temporal.IsCanceledError(err):
			return err
		case err == nil:
			o.state.Renewed(look.Account.Account(), look.Verdict, workflow.Now(ctx))
			if look.Written {
				o.state.Wrote(look.Account.Account())
			}
		default:
			why := failure.Message()
			if failure.Type() != activities.ReauthRequired {
				why = migration.NotRenewed // the person who is asked now reads it
				o.state.MayHaveWritten(account.ID)
				o.raise(ctx, err, false)
			}
			o.state.GrantTried(account.ID, why)
		}
		o.answer(account.ID)
	}
	return nil
}

// answer tells whoever claimed that an account was signed in to how it stands.
func (o *organization) answer(id string) AccountAnswer {
	account := o.state.Account(id)
	o.answers[id] = AccountAnswer{id, account.Verified && account.RenewSince.IsZero(), account.Note}
	return o.answers[id]
}

// tell sends the first notice. Nothing goes on before it is delivered.
func (o *organization) tell(ctx workflow.Context) error {
	kind := migration.NoticeStart
	if len(o.state.Pending()) == 0 {
		kind = migration.NoticeRenew
	}
	if len(o.state.Asked()) > 0 {
		if kind == migration.NoticeStart {
			o.state.Enter(migration.AwaitingReauth, workflow.Now(ctx))
		}
		if err := o.notify(ctx, kind, migration.Instant(workflow.Now(ctx))); err != nil {
			return o.hold(ctx, err)
		}
	}
	o.state.Told = true
	return nil
}

// check looks at accounts that somebody says were signed in to.
func (o *organization) check(ctx workflow.Context) error {
	claims := o.state.Claims
	o.state.Claims = nil
	in := activities.AccountsInput{Who: o.who(), Lease: o.playbook.Reauthentication.Lease}
	for _, claim := range claims {
		account := o.state.Account(claim.Account)
		switch {
		case account == nil:
			o.ignore(ctx, fmt.Sprintf("signal by %s: account %s is not one of this organization's accounts that wait; they are listed in the status", claim.By, claim.Account))
			o.answers[claim.Account] = AccountAnswer{claim.Account, false, "unknown account"}
		case account.Verified && account.RenewSince.IsZero():
			o.answers[claim.Account] = AccountAnswer{claim.Account, true, "verified already: " + account.Note}
		default:
			account.ClaimedBy = claim.By
			if !slices.ContainsFunc(in.Accounts, func(a activities.Asked) bool { return a.Base.ID == account.ID }) {
				in.Accounts = append(in.Accounts, activities.Asked{Base: activities.SignOf(account.Account), Claimed: true})
			}
		}
	}
	if len(in.Accounts) == 0 {
		return nil
	}
	var looks []activities.Look
	err := workflow.ExecuteActivity(reading(ctx, "look at "+accountNames(in.Accounts), checkPatience), do.CheckAccounts, in).Get(ctx, &looks)
	if temporal.IsCanceledError(err) {
		return err
	}
	if err != nil {
		// The claim is kept with the account, and the poll answers it when the vendor is back.
		for _, asked := range in.Accounts {
			o.answers[asked.Base.ID] = AccountAnswer{asked.Base.ID, false, "could not look yet: " + cause(err).Error()}
		}
		o.raise(ctx, err, false)
		return nil
	}
	for _, look := range looks {
		learnt := o.learn(ctx, look)
		renewable := slices.ContainsFunc(o.state.Renewable(o.playbook), func(a migration.AccountState) bool { return a.ID == look.Account.ID })
		if renewable && o.state.Paused == nil && o.state.Holding() == nil {
			delete(o.answers, look.Account.ID) // the renewal that comes next answers
		}
		if !learnt && !renewable {
			o.attempt(ctx, o.notify(ctx, migration.NoticeRefused, look.Account.ID+"@"+migration.Instant(workflow.Now(ctx))))
		}
	}
	return nil
}

// learn takes in what a look at an account showed, and tells whether it has a sign-in that need not be asked for.
func (o *organization) learn(ctx workflow.Context, look activities.Look) bool {
	o.state.Learn(look.Account.Account(), look.Verdict, workflow.Now(ctx))
	account := o.state.Account(look.Account.ID)
	if account == nil {
		return true
	}
	return o.answer(account.ID).Verified
}

// plan pairs, compares and decides, from a fresh reading.
func (o *organization) plan(ctx workflow.Context) error {
	o.state.Enter(migration.Planning, workflow.Now(ctx))
	o.describe(ctx) // it takes a moment: not worth an event for the search attributes
	in := planInput(o.whole(), o.playbook, o.state.Terms(o.playbook, workflow.Now(ctx)))
	for _, account := range o.state.Accounts {
		in.Known = append(in.Known, account.ID)
	}
	in.Measured, in.Partner = o.playbook.Verification.Sample > 0, o.playbook.Verification.AtPartner
	o.state.Replan = false
	var plan migration.Plan
	err := workflow.ExecuteActivity(reading(ctx, "pair and compare the dataflows", readPatience), do.Plan, in).Get(ctx, &plan)
	if err != nil {
		o.state.Replan = true
		return o.hold(ctx, err)
	}
	again := o.state.Replan // somebody's word came meanwhile, which this plan does not know
	o.state.Follow(plan, o.playbook)
	o.state.Replan = again
	return nil
}

// cutOver switches every pair that is due: the first of an organization alone, then a few at a time. A pause, a cancellation or a problem that
// holds lets the pairs under way end and starts no other.
func (o *organization) cutOver(ctx workflow.Context) {
	o.enter(ctx, migration.CuttingOver)
	due := o.state.Due(o.playbook)
	if len(o.state.SwitchedPairs()) == 0 {
		o.switchPair(ctx, due[0])
		if due = due[1:]; o.playbook.CutOver.Canary {
			return
		}
	}
	o.several(ctx, len(due), func(ctx workflow.Context, i int) { o.switchPair(ctx, due[i]) })
}

// goBack rolls back every pair that must go back, the last switched first and one after the other.
func (o *organization) goBack(ctx workflow.Context) {
	o.enter(ctx, migration.CuttingOver)
	for _, pair := range o.state.GoingBack() {
		o.rollBackPair(ctx, pair)
	}
}

// several does n things, a few at a time. Slots are waited for on a context that a cancellation does not end, so that nothing is left under way.
func (o *organization) several(ctx workflow.Context, n int, each func(workflow.Context, int)) {
	apart, release := acting(ctx)
	defer release()
	running := 0
	for i := range n {
		_ = workflow.Await(apart, func() bool { return running < o.playbook.CutOver.Width })
		if ctx.Err() != nil || o.state.Paused != nil || o.state.Holding() != nil || o.state.Replan || len(o.state.GoingBack()) > 0 || o.long(ctx) {
			break
		}
		running++
		workflow.GoNamed(apart, "switch "+strconv.Itoa(i), func(ctx workflow.Context) {
			each(ctx, i)
			running--
		})
	}
	_ = workflow.Await(apart, func() bool { return running == 0 })
}

// switchPair carries one pair over. Once begun it is not cancelled: a pair is never left half way.
func (o *organization) switchPair(ctx workflow.Context, pair migration.Pair) {
	account := o.state.Account(pair.Account)
	if account == nil || !account.Verified {
		return // its sign-in ended while pairs before it were switched
	}
	apart, release := acting(ctx)
	defer release()
	in := activities.SwitchInput{
		Who: o.who(), Sandbox: pair.Sandbox, Old: pair.Old, New: pair.New, Fingerprint: pair.Fingerprint, Advertiser: pair.Advertiser, OldAdvertiser: pair.OldAdvertiser,
		Carry: pair.Carry, Revive: pair.Action == migration.Revive, Late: pair.Late, LeaseEnd: account.LeaseEnd,
	}
	if o.state.Plan.Order != migration.EnableFirst {
		in.Order = o.state.Plan.Order // what goes without saying is not said in every history
	}
	o.state.Begins(pair.Old)
	var done migration.Moved
	err := workflow.ExecuteActivity(switching(apart, fmt.Sprintf("switch %q", pair.Name)), do.SwitchPair, in).Get(apart, &done)
	state := o.state.Pair(pair.Old)
	failure := cause(err)
	switch {
	case err == nil:
		o.state.SwitchedOver(pair.Old, done, o.playbook, workflow.Now(ctx))
	case failure.Type() == activities.PlanStale:
		o.state.PlanBroke(state, failure.Message())
	case failure.Type() == activities.ReauthRequired:
		o.state.Lapse(pair.Account, failure.Message(), workflow.Now(ctx))
		o.state.Told = false // the person is told again
	case unanswered(failure):
		o.state.Unanswered(pair.Old, failure.Message(), !ranOut(err) && failure.Type() != activities.Stopped)
		o.raise(ctx, err, false)
	default:
		state.Progress, state.Note = migration.Held, failure.Message()
		o.state.FallBack(pair.Old, failure.Message(), o.playbook, workflow.Now(ctx))
		o.raise(ctx, err, false)
	}
}

// unanswered tells that the vendor, or the queue of writes, gave no verdict: trying again may help.
func unanswered(failure *temporal.ApplicationError) bool {
	return slices.Contains([]string{activities.Unavailable, activities.RateLimited, activities.TokenRefused, activities.Stopped}, failure.Type())
}

// ranOut tells that an activity ran out of time without an answer of its own: writes are stopped, or no worker is there.
func ranOut(err error) bool {
	_, answered := errors.AsType[*temporal.ApplicationError](err)
	return !answered
}

// rollBackPair carries one pair back. Once begun it is not cancelled either.
func (o *organization) rollBackPair(ctx workflow.Context, pair migration.PairState) {
	apart, release := acting(ctx)
	defer release()
	in := activities.RollBackInput{
		Who: o.who(), Playbook: o.playbook.Name, Sandbox: pair.Sandbox, Old: pair.Old, New: pair.New, Order: o.playbook.CutOver.Order,
		CarryBack: o.playbook.Rollback.CarryBack, Shutdown: o.playbook.Timeline.Shutdown,
	}
	var done migration.Moved
	err := workflow.ExecuteActivity(switching(apart, fmt.Sprintf("roll back %q", pair.Name)), do.RollBackPair, in).Get(apart, &done)
	if err != nil {
		if failure := cause(err); !unanswered(failure) { // else it is tried again
			o.state.CannotGoBack(pair.Old, failure.Message())
		}
		o.raise(ctx, err, false)
		return
	}
	o.state.SwitchedBack(pair.Old, done, workflow.Now(ctx))
}

// finish writes the evidence and ends the workflow.
func (o *organization) finish(ctx workflow.Context) (Result, error) {
	outcome := migration.Migrated
	if !o.state.Assessment.Affected {
		outcome = migration.NotAffected
	}
	result := o.close(ctx, outcome)
	// A cancellation that comes now finds nothing left to cancel.
	apart, release := acting(ctx)
	defer release()
	return result, workflow.Await(apart, func() bool { return workflow.AllHandlersFinished(apart) })
}

// cancelled ends the workflow on an operator's word. Pairs under way have ended before; every pair is on one side.
func (o *organization) cancelled(ctx workflow.Context) (Result, error) {
	apart, release := acting(ctx)
	defer release()
	outcome := migration.Cancelled
	if o.state.AllWentBack() {
		outcome = migration.RolledBack
	}
	o.close(apart, outcome)
	_ = workflow.Await(apart, func() bool { return workflow.AllHandlersFinished(apart) })
	return Result{}, temporal.NewCanceledError()
}

func (o *organization) close(ctx workflow.Context, outcome migration.Phase) Result {
	o.stopAll()
	o.enter(ctx, outcome)
	o.finished = true
	if outcome == migration.Migrated && len(o.state.Undelivered()) > 0 {
		o.attempt(ctx, o.notify(ctx, migration.NoticeUndelivered, "once"))
	}
	result := Result{Outcome: outcome}
	for _, pair := range o.state.Pairs {
		switch pair.Progress {
		case migration.Switched, migration.Verified:
			result.Switched++
		case migration.LeftOff:
			if !slices.Contains(o.state.Plan.Left, pair.Old) {
				result.LeftOff++
			}
		case migration.WentBack:
			result.WentBack++
		case migration.Ready, migration.Held:
		}
	}
	if o.state.Plan != nil {
		result.LeftOut = len(o.state.Plan.Left)
	}
	o.attempt(ctx, workflow.ExecuteActivity(telling(ctx, "write the evidence"), do.Report).Get(ctx, &result.Evidence))
	o.publish(ctx)
	return result
}

// hold takes in a step that failed for good: nothing goes on until an operator resumes. A cancellation is passed on.
func (o *organization) hold(ctx workflow.Context, err error) error {
	if temporal.IsCanceledError(err) {
		return err
	}
	o.raise(ctx, err, true)
	return nil
}

// attempt takes in a failure that must not stop the migration.
func (o *organization) attempt(ctx workflow.Context, err error) {
	if err != nil && !temporal.IsCanceledError(err) {
		o.raise(ctx, err, false)
	}
}

func (o *organization) raise(ctx workflow.Context, err error, holds bool) {
	failure := cause(err)
	o.state.Raise(migration.Problem{At: workflow.Now(ctx), What: failure.Message(), Type: failure.Type(), Holds: holds})
	workflow.GetLogger(ctx).Warn("raised a problem", "Organization", o.ID, "Type", failure.Type(), "Problem", failure.Message())
}

// ignore notes something that was said and does not apply.
func (o *organization) ignore(ctx workflow.Context, what string) {
	o.state.Raise(migration.Problem{At: workflow.Now(ctx), What: what})
}

// lapse returns accounts to waiting whose sign-in ended while something depends on them, and asks again for those that end soon.
func (o *organization) lapse(now time.Time) {
	for _, id := range append(o.state.LapseEnded(o.playbook, now), o.state.AskAgain(o.playbook, now)...) {
		o.state.Told = false // the person is told again
		delete(o.answers, id)
	}
}

func (o *organization) notify(ctx workflow.Context, kind migration.NoticeKind, what string) error {
	notice := o.state.NewNotice(kind, what, o.Organization, o.playbook, workflow.Now(ctx))
	var delivery *activities.Delivery
	err := workflow.ExecuteActivity(telling(ctx, "notice: "+string(kind)), do.Notify, notice).Get(ctx, &delivery)
	if err == nil {
		o.delivered(ctx, notice, delivery)
	}
	return err
}

// delivered takes in that a notice was delivered, and by which detours.
func (o *organization) delivered(ctx workflow.Context, notice migration.Notice, delivery *activities.Delivery) {
	o.state.Delivered(notice, workflow.Now(ctx))
	if delivery == nil {
		return
	}
	for _, fault := range delivery.Faults {
		o.state.Raise(migration.Problem{At: workflow.Now(ctx), What: fmt.Sprintf("notice %s: %s; it was delivered by %s", notice.Kind, fault, delivery.Channel), Type: activities.ChannelFailed})
	}
}

// who is the organization for activities that are told the sandbox; whole is it for those that look at all of them.
func (o *organization) who() activities.Who {
	return activities.Who{ID: o.ID, Credential: o.Credential}
}

func (o *organization) whole() activities.Who { return whole(o.Organization) }

func whole(o migration.Organization) activities.Who {
	return activities.Who{ID: o.ID, Credential: o.Credential, Sandboxes: o.Sandboxes}
}

func cardsOf(p migration.Playbook) activities.Cards { return activities.Cards{Old: p.Old, New: p.New} }

func planInput(who activities.Who, p migration.Playbook, terms migration.Terms) activities.PlanInput {
	return activities.PlanInput{Who: who, Cards: cardsOf(p), Playbook: p.Name, Terms: terms}
}

// cause is the failure an activity ended with. One that ran out of time without an answer of its own is named for that.
func cause(err error) *temporal.ApplicationError {
	if err == nil {
		return &temporal.ApplicationError{}
	}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failure
	}
	message := err.Error()
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		message = "no answer in time: " + timeout.Error()
	}
	failure, _ := errors.AsType[*temporal.ApplicationError](temporal.NewApplicationError(message, activities.Unavailable))
	return failure
}

func accountNames(asked []activities.Asked) string {
	if len(asked) == 1 {
		return fmt.Sprintf("account %q", asked[0].Base.Name)
	}
	return fmt.Sprintf("%d accounts", len(asked))
}

// PlanOrganization reads and plans and changes nothing: starter plan prints what MigrateOrganization would do now, from the same code.
func PlanOrganization(ctx workflow.Context, in PlanInput) (migration.Plan, error) {
	var plan migration.Plan
	err := workflow.ExecuteActivity(reading(ctx, "pair and compare the dataflows, change nothing", planTimeout), do.Plan,
		planInput(whole(in.Organization), in.Playbook, in.terms(workflow.Now(ctx)))).Get(ctx, &plan)
	return plan, err
}
