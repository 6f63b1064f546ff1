package migration_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// world is a whole migration as a model: the state, what the vendor shows and the clock. It takes the steps that Next names, as the workflow
// does, while people, vendors and failures come between in any order.
type world struct {
	state    migration.State
	o        migration.Organization
	p        migration.Playbook
	now      time.Time
	seen     migration.Snapshot
	base     *migration.Base
	switched map[string]bool // old dataflows that were switched and not rolled back
	done     bool
}

func drawWorld(t *rapid.T) *world {
	w := &world{o: acme(), p: drawRules(t), now: available.Add(time.Duration(rapid.IntRange(-2, 80).Draw(t, "day")) * day), switched: map[string]bool{}}
	w.o.ExpectedDataflows = rapid.SampledFrom([]int{0, 0, 0, 0, 2}).Draw(t, "expected")
	for i := range rapid.SampledFrom([]int{2, 3, 4, 1, 0}).Draw(t, "dataflows") {
		d := drawDataflow(t, fmt.Sprintf("o%d", i), false)
		if rapid.IntRange(0, 3).Draw(t, "usual") > 0 {
			d.State, d.Created, d.Name = migration.Enabled, available.Add(-day), fmt.Sprint("D", i)
		}
		w.seen.Old = append(w.seen.Old, d)
		if rapid.IntRange(0, 4).Draw(t, "copied") > 0 {
			w.seen.New = append(w.seen.New, with(d, func(n *migration.Dataflow) {
				n.ID, n.Account = fmt.Sprintf("n%d", i), rapid.SampledFrom([]string{"v5", "v5-2"}).Draw(t, "account")
				n.State = rapid.SampledFrom([]migration.DataflowState{migration.Disabled, migration.Disabled, migration.Enabled}).Draw(t, "copy")
			}))
		}
	}
	w.seen.Accounts = []migration.Account{account("v5"), account("v5-2")}
	w.state = migration.State{Phase: migration.Assessing, Since: w.now, Milestone: w.now}
	w.begun(t, rapid.SampledFrom([]int{0, 3, 6, 9, 12, 15, 20}).Draw(t, "steps before"))
	return w
}

// begun goes some steps at which people answer and nothing fails, so that what follows comes at any point of a migration.
func (w *world) begun(t *rapid.T, steps int) {
	w.now = w.now.Add(max(0, available.Sub(w.now)))
	for range steps {
		step := w.next()
		if step == migration.StepFinish {
			return
		}
		if step == migration.StepWait {
			if w.state.Watches(w.p, w.now) {
				return
			}
			w.now = w.now.Add(time.Hour)
			w.answer()
			continue
		}
		w.take(t, step)
	}
}

// drawRules is a playbook with any rules on the first case's dates.
func drawRules(t *rapid.T) migration.Playbook {
	p := pinterest()
	p.Approval = rapid.SampledFrom([]migration.Approval{migration.NoApproval, migration.NoApproval, migration.OperatorApproval, migration.TwoPersons}).Draw(t, "approval")
	p.CutOver.Order = rapid.SampledFrom([]migration.Order{migration.EnableFirst, migration.DisableFirst}).Draw(t, "order")
	p.CutOver.Canary = rapid.Bool().Draw(t, "canary")
	p.Reauthentication.Needed = rapid.IntRange(0, 4).Draw(t, "needed") > 0
	p.Reauthentication.RenewBefore = rapid.SampledFrom(days(0, 3)).Draw(t, "renew before")
	p.Watch.Poll = rapid.SampledFrom([]migration.Duration{0, migration.Duration(time.Hour)}).Draw(t, "watch")
	p.Rollback = migration.Rollback{OnFailure: rapid.Bool().Draw(t, "back on failure"), Within: rapid.SampledFrom(days(0, 5)).Draw(t, "back within"), NoWayBack: migration.Ignore}
	policy := rapid.SampledFrom([]migration.Policy{migration.Ask, migration.CarryOver, migration.Ignore, migration.Block})
	fixed := rapid.SampledFrom([]migration.Policy{migration.Ask, migration.Ignore, migration.Block})
	p.Drift = migration.DriftPolicy{
		AudienceAdded: policy.Draw(t, "added"), AudienceRemoved: policy.Draw(t, "removed"), AudienceMissing: policy.Draw(t, "missing"), State: policy.Draw(t, "state"),
		OldGone: policy.Draw(t, "gone"), AudienceExtra: fixed.Draw(t, "extra"), Mapping: fixed.Draw(t, "mapping"), Advertiser: fixed.Draw(t, "advertiser"), Name: fixed.Draw(t, "name"),
		AudienceChanged: fixed.Draw(t, "changed"),
	}
	return p
}

func (w *world) tick(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20*24).Draw(t, "hours")) * time.Hour)
}

func (w *world) hold(what string) {
	w.state.Raise(migration.Problem{At: w.now, What: what, Type: "Unavailable", Holds: true})
}

// next is the next step, after what the clock brought.
func (w *world) next() migration.Step {
	for range append(w.state.LapseEnded(w.p, w.now), w.state.AskAgain(w.p, w.now)...) {
		w.state.Told = false
	}
	w.seen.TakenAt = w.now
	return w.state.Next(w.o, w.p, w.now)
}

// step does what the workflow does next; it may fail.
func (w *world) step(t *rapid.T) {
	if w.done {
		return
	}
	switch step := w.next(); step {
	case migration.StepAssess, migration.StepTell, migration.StepPlan:
		if rapid.IntRange(0, 5).Draw(t, "fails") == 0 {
			w.hold("could not " + string(step))
			return
		}
		w.take(t, step)
	case migration.StepCutOver:
		w.switchPair(t, w.state.Due(w.p)[0], rapid.SampledFrom([]string{"", "", "", "not signed in", "refused", "stale"}).Draw(t, "failure"), rapid.IntRange(0, 1).Draw(t, "writes"))
	case migration.StepGoBack:
		w.goBack(t, rapid.IntRange(0, 4).Draw(t, "fails") == 0)
	default:
		w.take(t, step)
	}
}

// take does a step at which nothing fails.
func (w *world) take(t require.TestingT, step migration.Step) {
	switch step {
	case migration.StepAssess:
		base := copyOf(migration.Base{Snapshot: w.seen})
		if w.base != nil {
			base = w.base.Merge(base)
		}
		w.state.Begin(assess(w.seen.WithGone(w.base), w.p), w.p)
		w.base = &base
	case migration.StepTell:
		w.state.Told = true
	case migration.StepCheck:
		for _, claim := range w.state.Claims {
			w.look(claim.Account, true)
		}
		w.state.Claims = nil
	case migration.StepPlan:
		w.follow(t)
	case migration.StepCutOver:
		w.switchPair(t, w.state.Due(w.p)[0], "", 0)
	case migration.StepGoBack:
		w.goBack(t, false)
	case migration.StepFinish:
		w.done = true
		w.state.Enter(migration.Migrated, w.now)
	case migration.StepWait:
		w.state.Enter(w.state.WaitPhase(w.o, w.p, w.now), w.now)
	default:
		require.Fail(t, "unknown step", "%q", step)
	}
}

// copyOf shares nothing with v.
func copyOf[T any](v T) (c T) {
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		panic(err)
	}
	return c
}

// follow makes a plan and follows it. No old dataflow that is known may be missing from it.
func (w *world) follow(t require.TestingT) {
	plan := migration.MakePlan(w.seen, w.base, w.state.Terms(w.p, w.now))
	w.state.Follow(plan, w.p)
	for _, d := range w.seen.WithGone(w.base).Old {
		known := slices.Contains(plan.Left, d.ID) || slices.ContainsFunc(plan.Questions, func(q migration.Question) bool { return q.Old == d.ID })
		require.True(t, known || w.state.Pair(d.ID) != nil, "%s is lost", d.ID)
	}
	for old := range w.switched {
		if slices.Contains(plan.Left, old) {
			delete(w.switched, old) // a person said so
			continue
		}
		require.NotNil(t, w.state.Pair(old), "%s was switched and is lost", old)
		require.NotZero(t, w.state.Pair(old).SwitchedAt, "that %s was switched is forgotten", old)
	}
}

// stale tells whether a pair is not what its plan relies on, as a switch sees it.
func stale(was, is *migration.Dataflow, pair migration.Pair) bool {
	if is == nil {
		return true
	}
	relied := migration.Dataflow{}
	if was != nil && !pair.Late {
		relied = *was
	}
	return migration.Fingerprint(relied, migration.Undo(*is, pair.Carry)) != pair.Fingerprint
}

func follow(list []migration.Audience, changes []migration.Carry) []migration.Audience {
	list = slices.Clone(list)
	for _, c := range changes {
		list = slices.DeleteFunc(list, func(a migration.Audience) bool { return a.ID == c.Audience.ID })
		if !c.Remove {
			list = append(list, c.Audience)
		}
	}
	return list
}

// move writes and reads as a switch or a rollback does, at most so many writes. It tells what it would have done next.
func (w *world) move(order migration.Order, from, to *migration.Dataflow, revive bool, writes int) (m migration.Moved, end migration.Write) {
	for {
		left := migration.Gone
		if from != nil {
			from.State, to.State = settle(from.State), settle(to.State)
			left = from.State
		}
		to.State = settle(to.State)
		end = migration.NextWrite(order, left, to.State, revive)
		if writes == 0 || end == migration.WriteDone || end == migration.WriteRefuse || end == migration.WriteWait {
			return m, end
		}
		writes--
		if end == migration.WriteEnable {
			to.State, m.Enabled = migration.Enabled, w.now
		} else {
			from.State, m.Disabled = migration.Disabled, w.now
		}
	}
}

// switchPair switches a pair, or fails after some writes.
func (w *world) switchPair(t require.TestingT, pair migration.Pair, failure string, writes int) {
	require.True(t, w.state.Account(pair.Account).Verified, "nothing is enabled before its account is verified")
	require.Empty(t, pair.Hold, "nothing that is held is switched")
	require.Equal(t, migration.Ready, w.state.Pair(pair.Old).Progress)
	require.Equal(t, !w.now.Before(w.p.Timeline.Shutdown), pair.Late, "the plan is of this side of the shutdown")
	var agreed []string
	for _, c := range w.state.Consents {
		if len(c.Pairs) > 0 && !slices.Contains(agreed, c.By) {
			agreed = append(agreed, c.By)
		}
	}
	require.GreaterOrEqual(t, len(agreed), w.p.Approval.Needs(), "nothing is switched that nobody approved")

	state := w.state.Pair(pair.Old)
	was, is := w.dataflow(pair.Old), w.dataflow(pair.New)
	w.state.Begins(pair.Old)
	if failure == "stale" || stale(was, is, pair) {
		w.state.PlanBroke(state, "the copy changed")
		return
	}
	if failure == "" {
		writes = -1
	}
	is.Audiences = follow(is.Audiences, migration.Outstanding(*is, pair.Carry))
	m, end := w.move(w.state.Plan.Order, was, is, pair.Action == migration.Revive, writes)
	switch {
	case end == migration.WriteDone:
		w.state.SwitchedOver(pair.Old, m, w.p, w.now)
		w.switched[pair.Old] = true
	case end == migration.WriteRefuse:
		w.state.PlanBroke(state, "both are switched off")
	case end == migration.WriteWait:
		state.Progress, state.Note = migration.Held, "it stays between two states"
	case failure == "not signed in":
		w.state.Lapse(pair.Account, "not signed in", w.now)
		w.state.Told = false
	default:
		state.Progress, state.Note = migration.Held, "the vendor refused"
		w.state.Raise(migration.Problem{At: w.now, What: "the vendor refused"})
		w.state.FallBack(pair.Old, "the vendor refused", w.p, w.now)
	}
}

func (w *world) goBack(t require.TestingT, fails bool) {
	for _, pair := range w.state.GoingBack() {
		was, is := w.dataflow(pair.Old), w.dataflow(pair.New)
		if was == nil || is == nil || fails || !w.now.Before(w.p.Timeline.Shutdown) {
			w.state.CannotGoBack(pair.Old, "the vendor refused")
			continue
		}
		changes, lost := migration.CarryBack(*was, *is, w.base)
		if len(lost) > 0 {
			w.state.CannotGoBack(pair.Old, lost[0])
			continue
		}
		was.Audiences = follow(was.Audiences, changes)
		m, end := w.move(w.p.CutOver.Order, is, was, false, -1)
		if end != migration.WriteDone {
			w.state.CannotGoBack(pair.Old, "both are switched off")
			continue
		}
		m.Carried = changes
		w.state.SwitchedBack(pair.Old, m, w.now)
		delete(w.switched, pair.Old)
	}
	require.Empty(t, w.state.GoingBack(), "a rollback comes to an end")
}

func (w *world) look(id string, claimed bool) {
	state := w.state.Account(id)
	if state == nil || state.Verified && state.RenewSince.IsZero() {
		return
	}
	i := slices.IndexFunc(w.seen.Accounts, func(a migration.Account) bool { return a.ID == id })
	if i < 0 {
		return
	}
	w.state.Learn(w.seen.Accounts[i], migration.Verify(state.Account, w.seen.Accounts[i], migration.ProbeUnknown, claimed, w.now, w.p.Reauthentication.Lease), w.now)
}

func (w *world) dataflow(id string) *migration.Dataflow {
	for _, list := range [][]migration.Dataflow{w.seen.Old, w.seen.New} {
		if i := slices.IndexFunc(list, func(d migration.Dataflow) bool { return d.ID == id }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

func (w *world) signIn(t *rapid.T) {
	a := &w.seen.Accounts[rapid.IntRange(0, len(w.seen.Accounts)-1).Draw(t, "account")]
	a.AuthorizedOn, a.Etag = w.now.Truncate(day), a.Etag+"+"
}

func (w *world) claim(t *rapid.T) {
	id := rapid.SampledFrom([]string{"v5", "v5-2", "unknown"}).Draw(t, "account")
	w.state.Claim(migration.Claim{Account: id, By: "operator"})
}

func (w *world) poll(*rapid.T) {
	for _, account := range w.state.Asked() {
		w.look(account.ID, account.ClaimedBy != "")
	}
}

func (w *world) runs(t *rapid.T) {
	if list := w.state.Unverified(); len(list) > 0 {
		pair := rapid.SampledFrom(list).Draw(t, "copy")
		w.state.Judge(rapid.SampledFrom([]migration.RunVerdict{
			{Dataflow: pair.New, Status: migration.RunSucceeded},
			{Dataflow: pair.New, Status: migration.RunFailed, Reason: "it failed"},
			{Dataflow: pair.New, Status: migration.RunFailed, Reason: "it failed: a scope is missing"},
			{Dataflow: pair.New, Status: migration.RunPending, Reason: "none yet", Overdue: true},
		}).Draw(t, "verdict"), w.p, w.now)
	}
}

func (w *world) pause(*rapid.T) {
	if w.state.Paused == nil {
		w.state.Paused = &migration.Deed{At: w.now, By: "operator", What: "a freeze"}
	}
}

func (w *world) resume(t *rapid.T) {
	if w.state.Short(w.o) {
		right := rapid.Bool().Draw(t, "the list is right")
		w.state.Assessed, w.state.AcceptListed = right && w.state.Assessed, right
	}
	old := rapid.SampledFrom([]string{"", "", "o0", "o1"}).Draw(t, "resumed")
	if w.state.RefuseResume(old) == nil {
		w.state.Resume(old)
	}
}

func (w *world) approve(t *rapid.T) {
	by := rapid.SampledFrom([]string{"ada", "Ada", "bo"}).Draw(t, "who approves")
	if w.state.Plan != nil && w.state.RefuseApproval(by, w.state.Plan.Hash, w.p) == nil {
		w.state.Approve(by, w.now)
		w.state.Replan = true
	}
}

func (w *world) choose(t *rapid.T) {
	if w.state.Plan == nil || len(w.state.Plan.Questions) == 0 {
		return
	}
	q := rapid.SampledFrom(w.state.Plan.Questions).Draw(t, "question")
	choice := rapid.SampledFrom(append(slices.Clone(q.Candidates), migration.LeaveOut)).Draw(t, "choice")
	for _, other := range w.state.Choices {
		if choice != migration.LeaveOut && other == choice {
			return
		}
	}
	if w.state.Choices == nil {
		w.state.Choices = map[string]string{}
	}
	w.state.Choices[q.Old], w.state.Replan = choice, true
}

// settleOne answers what is asked about a pair.
func (w *world) settleOne(t *rapid.T) {
	if len(w.state.Pairs) == 0 {
		return
	}
	old := rapid.SampledFrom(w.state.Pairs).Draw(t, "settled").Old
	answer := rapid.SampledFrom([]migration.Answer{migration.AnswerCarry, migration.AnswerAccept}).Draw(t, "answer")
	if w.state.RefuseSettle(old, answer) == nil {
		w.state.Settle(old, answer, "operator", w.now)
	}
}

// rollBack is an operator who wants the old card back, for one dataflow or for all.
func (w *world) rollBack(t *rapid.T) {
	old := rapid.SampledFrom([]string{"", "o0", "o1"}).Draw(t, "rolled back")
	if w.state.RefuseRollback(old, w.p, w.now) != nil {
		return
	}
	if old == "" {
		w.pause(t)
	}
	w.state.RollBack(old, migration.Deed{At: w.now, By: "operator", What: "it looks wrong"}, w.p)
	require.NotEmpty(t, w.state.GoingBack(), "what is not refused is done")
}

// watch looks whether somebody changed what was switched.
func (w *world) watch(*rapid.T) {
	if !w.state.Watches(w.p, w.now) {
		return
	}
	flows := map[string]migration.Dataflow{}
	for _, d := range append(slices.Clone(w.seen.Old), w.seen.New...) {
		flows[d.ID] = d
	}
	for _, pair := range w.state.Pairs {
		w.state.Replan = w.state.Replan || pair.Progress == migration.Verified && migration.Disturbed(flows, pair.Old, pair.New, pair.Fingerprint)
	}
}

func (w *world) reschedule(t *rapid.T) {
	moved := w.p.Timeline.Move(time.Time{}, shutdown.Add(time.Duration(rapid.IntRange(-20, 40).Draw(t, "moved by"))*day))
	if moved.Check() == nil {
		w.p.Timeline, w.state.Milestone = moved, w.now
	}
}

// edit is the organization at work on its dataflows.
func (w *world) edit(t *rapid.T) {
	lists := []*[]migration.Dataflow{&w.seen.Old, &w.seen.New}
	list := lists[rapid.IntRange(0, 1).Draw(t, "card")]
	if len(*list) == 0 {
		return
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "dataflow")
	d := &(*list)[i]
	switch rapid.SampledFrom([]string{"rename", "add", "remove", "toggle", "delete", "account", "mapping"}).Draw(t, "edit") {
	case "rename":
		d.Name += " 2"
	case "add":
		d.Audiences = append(slices.Clone(d.Audiences), migration.Audience{ID: fmt.Sprint("late ", len(d.Audiences))})
	case "remove":
		d.Audiences = d.Audiences[:max(0, len(d.Audiences)-1)]
	case "toggle":
		d.State = map[bool]migration.DataflowState{true: migration.Disabled, false: migration.Enabled}[d.State == migration.Enabled]
	case "delete":
		*list = slices.Delete(slices.Clone(*list), i, i+1)
	case "mapping":
		d.Mappings.Fields = append(slices.Clone(d.Mappings.Fields), "x > y")
	default:
		d.Account = "v5-2"
	}
}

func (w *world) actions() map[string]func(*rapid.T) {
	step := w.step
	return map[string]func(*rapid.T){
		"step": step, "another step": step, "and another": step, "one more": step, "a fifth step": step, "a sixth step": step,
		"the clock": w.tick, "a sign-in": w.signIn, "a claim": w.claim, "a poll": w.poll, "runs": w.runs,
		"a pause": w.pause, "a resume": w.resume, "an approval": w.approve, "a choice": w.choose, "an edit": w.edit,
		"an answer": w.settleOne, "a rollback": w.rollBack, "the watch": w.watch, "other dates": w.reschedule,
		"": func(t *rapid.T) { w.check(t) },
	}
}

// check holds whatever happened so far.
func (w *world) check(t *rapid.T) {
	waits := w.state.Waits(w.o, w.p, w.now)
	if w.state.Phase.Done() {
		require.Empty(t, waits)
		return
	}
	for _, wait := range waits {
		spoken(t, wait)
	}
	if w.state.Next(w.o, w.p, w.now) == migration.StepWait {
		require.NotEmpty(t, waits, "nothing waits in silence: %+v", w.state)
		phase := w.state.WaitPhase(w.o, w.p, w.now)
		require.NotEmpty(t, phase)
		require.False(t, phase.Done(), "%s while something is waited for", phase)
	}
	for _, due := range w.state.Due(w.p) {
		require.True(t, w.state.Account(due.Account).Verified)
	}
	status, err := json.Marshal(w.state.Status(w.o, w.p, w.now))
	require.NoError(t, err)
	require.NotContains(t, string(status), "null")

	later := copyOf(w.state) // as it comes out of continue-as-new
	require.Equal(t, waits, later.Waits(w.o, w.p, w.now))
	require.Equal(t, w.state.Next(w.o, w.p, w.now), later.Next(w.o, w.p, w.now))
	require.Equal(t, w.state.NextLease(w.p), later.NextLease(w.p))
}

// spoken is a wait that says everything it must.
func spoken(t require.TestingT, w migration.Wait) {
	require.Contains(t, []string{migration.OnOrganization, migration.OnOperator, migration.OnVendor}, w.On)
	require.NotEmpty(t, w.Who, "%+v", w)
	require.NotEmpty(t, w.What, "%+v", w)
	require.False(t, w.Since.IsZero(), "%+v", w)
	require.False(t, w.By.IsZero(), "%+v", w)
	require.Equal(t, w.On == migration.OnVendor, w.Command == "", "%+v", w)
}

func TestNothingWaitsInSilence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { t.Repeat(drawWorld(t).actions()) })
}

// Left alone, a migration comes to rest: it ends, or waits for somebody, and goes through the same step only so often.
func TestEveryOrganizationComesToRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.somethingHappens(t)
		for range 40 {
			step := w.next()
			if step == migration.StepWait || step == migration.StepFinish {
				w.check(t)
				return
			}
			w.take(t, step)
		}
		t.Fatalf("no rest: next %s, state %+v", w.next(), w.state)
	})
}

func (w *world) somethingHappens(t *rapid.T) {
	names := []string{
		"step", "step", "step", "step", "the clock", "a sign-in", "a claim", "a poll", "runs", "a pause", "a resume", "an approval", "a choice", "an edit", "an edit", "an edit", "an answer", "an answer", "a rollback",
		"the watch", "the watch", "other dates",
	}
	for range rapid.SampledFrom([]int{0, 10, 20, 30, 40}).Draw(t, "things that happen first") {
		w.actions()[rapid.SampledFrom(names).Draw(t, "what")](t)
	}
}

// With people who answer and a vendor that works, every organization ends: nothing hangs.
func TestEveryOrganizationEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.somethingHappens(t)
		w.p.Drift = every(migration.Ignore)
		for range 140 {
			if w.done {
				return
			}
			w.now = w.now.Add(day)
			w.answer()
			for range 12 {
				if !w.done {
					w.take(t, w.next())
				}
			}
		}
		t.Fatalf("does not end: next %s, waits %+v\nstate %+v", w.next(), w.state.Waits(w.o, w.p, w.now), w.state)
	})
}

// answer gives every wait what it asks for.
func (w *world) answer() {
	if w.state.Paused != nil || w.state.Holding() != nil || w.state.AnyHeld() {
		w.state.Resume("")
	}
	for _, pair := range w.state.Pairs {
		if pair.Apart && w.state.RefuseResume(pair.Old) == nil {
			w.state.Resume(pair.Old)
		}
	}
	if w.state.Short(w.o) {
		w.state.AcceptListed = true
	}
	if w.state.Plan != nil {
		for _, q := range w.state.Plan.Questions {
			if w.state.Choices == nil {
				w.state.Choices = map[string]string{}
			}
			w.state.Choices[q.Old], w.state.Replan = migration.LeaveOut, true
		}
	}
	for _, by := range []string{"ada", "bo"} {
		if w.state.Plan != nil && w.state.RefuseApproval(by, w.state.Plan.Hash, w.p) == nil {
			w.state.Approve(by, w.now)
		}
	}
	for i := range w.seen.Accounts {
		w.seen.Accounts[i].AuthorizedOn = w.now.Truncate(day)
		w.seen.Accounts[i].Etag += "+"
	}
	w.poll(nil)
	for _, pair := range w.state.Unverified() {
		w.state.Judge(migration.RunVerdict{Dataflow: pair.New, Status: migration.RunSucceeded}, w.p, w.now)
	}
	w.watch(nil)
}
