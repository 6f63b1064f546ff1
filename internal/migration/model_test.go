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
	state migration.State
	o     migration.Organization
	p     migration.Playbook
	now   time.Time
	seen  migration.Snapshot
	done  bool
}

func drawWorld(t *rapid.T) *world {
	w := &world{o: acme(), p: pinterest(), now: available.Add(time.Duration(rapid.IntRange(-2, 80).Draw(t, "day")) * day)}
	w.p.Approval = rapid.SampledFrom([]migration.Approval{migration.NoApproval, migration.OperatorApproval}).Draw(t, "approval")
	w.p.CutOver.Order = rapid.SampledFrom([]migration.Order{migration.EnableFirst, migration.DisableFirst}).Draw(t, "order")
	w.p.Reauthentication.Needed = rapid.IntRange(0, 4).Draw(t, "needed") > 0
	w.o.ExpectedDataflows = rapid.IntRange(0, 2).Draw(t, "expected")
	for i := range rapid.IntRange(0, 4).Draw(t, "dataflows") {
		d := drawDataflow(t, fmt.Sprintf("o%d", i), false)
		w.seen.Old = append(w.seen.Old, d)
		if rapid.IntRange(0, 4).Draw(t, "copied") > 0 {
			w.seen.New = append(w.seen.New, with(d, func(n *migration.Dataflow) {
				n.ID, n.State, n.Account = fmt.Sprintf("n%d", i), rapid.SampledFrom([]migration.DataflowState{migration.Disabled, migration.Disabled, migration.Enabled}).Draw(t, "copy"), rapid.SampledFrom([]string{"v5", "v5-2"}).Draw(t, "account")
			}))
		}
	}
	w.seen.Accounts = []migration.Account{account("v5"), account("v5-2")}
	w.state = migration.State{Phase: migration.Assessing, Since: w.now, Milestone: w.now}
	return w
}

func (w *world) tick(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20*24).Draw(t, "hours")) * time.Hour)
}

func (w *world) hold(what string) {
	w.state.Raise(migration.Problem{At: w.now, What: what, Type: "Unavailable", Holds: true})
}

func (w *world) fails(t *rapid.T) bool { return rapid.IntRange(0, 5).Draw(t, "fails") == 0 }

// step does what the workflow does next.
func (w *world) step(t *rapid.T) {
	if w.done {
		return
	}
	w.state.LapseEnded(w.now)
	w.seen.TakenAt = w.now
	switch step := w.state.Next(w.o, w.p, w.now); step {
	case migration.StepAssess:
		if w.fails(t) {
			w.hold("could not list")
			return
		}
		w.state.Begin(assess(w.seen, w.p), w.p)
	case migration.StepTell:
		if w.fails(t) {
			w.hold("could not notify")
			return
		}
		w.state.Told = true
	case migration.StepCheck:
		for _, claim := range w.state.Claims {
			w.look(claim.Account, true)
		}
		w.state.Claims = nil
	case migration.StepPlan:
		if w.fails(t) {
			w.hold("could not plan")
			return
		}
		w.state.Follow(makePlan(w.seen, w.p, w.state.Choices), w.p)
	case migration.StepCutOver:
		w.switchPair(t, w.state.Due(w.p)[0])
	case migration.StepFinish:
		w.done = true
		w.state.Enter(migration.Migrated, w.now)
	case migration.StepWait:
		w.state.Enter(w.state.WaitPhase(w.o, w.p, w.now), w.now)
	default:
		t.Fatalf("unknown step %q", step)
	}
}

func (w *world) look(id string, claimed bool) {
	state := w.state.Account(id)
	if state == nil || state.Verified {
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

func (w *world) switchPair(t *rapid.T, pair migration.Pair) {
	require.True(t, w.state.Account(pair.Account).Verified, "nothing is enabled before its account is verified")
	require.Empty(t, pair.Hold, "nothing that is held is switched")
	require.Equal(t, migration.Ready, w.state.Pair(pair.Old).Progress)
	if w.p.Approval == migration.OperatorApproval {
		require.NotEmpty(t, w.state.Approved, "nothing is switched that nobody approved")
	}
	state := w.state.Pair(pair.Old)
	was, is := w.dataflow(pair.Old), w.dataflow(pair.New)
	outcome := rapid.SampledFrom([]string{"done", "done", "done", "stale", "not signed in", "half way", "refused"}).Draw(t, "outcome")
	if was == nil || is == nil || migration.Fingerprint(*was, *is) != pair.Fingerprint {
		outcome = "stale"
	}
	switch outcome {
	case "done":
		was.State, is.State = migration.Disabled, migration.Enabled
		state.Progress, state.SwitchedAt, state.Note, state.Stale = migration.Switched, w.now, "", 0
	case "stale":
		w.state.PlanBroke(state, "the copy changed")
	case "half way": // the first write is done, the second says that nobody is signed in
		if w.p.CutOver.Order == migration.DisableFirst {
			was.State = migration.Disabled
		} else {
			is.State = migration.Enabled
		}
		fallthrough
	case "not signed in":
		w.state.Lapse(pair.Account, "not signed in", w.now)
	default:
		state.Progress, state.Note = migration.Held, "the vendor refused"
		w.state.Raise(migration.Problem{At: w.now, What: "the vendor refused"})
	}
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
	for _, account := range w.state.Pending() {
		w.look(account.ID, account.ClaimedBy != "")
	}
}

func (w *world) runs(t *rapid.T) {
	if list := w.state.Unverified(); len(list) > 0 {
		pair := rapid.SampledFrom(list).Draw(t, "copy")
		w.state.Judge(rapid.SampledFrom([]migration.RunVerdict{
			{Dataflow: pair.New, Status: migration.RunSucceeded}, {Dataflow: pair.New, Status: migration.RunFailed, Reason: "it failed"}, {Dataflow: pair.New, Status: migration.RunPending, Reason: "none yet", Overdue: true},
		}).Draw(t, "verdict"), w.now)
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
	w.state.Resume()
}

func (w *world) approve(*rapid.T) {
	if w.state.NeedsApproval(w.p) {
		w.state.Approve()
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

// edit is the organization at work on its dataflows.
func (w *world) edit(t *rapid.T) {
	lists := []*[]migration.Dataflow{&w.seen.Old, &w.seen.New}
	list := lists[rapid.IntRange(0, 1).Draw(t, "card")]
	if len(*list) == 0 {
		return
	}
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "dataflow")
	d := &(*list)[i]
	switch rapid.SampledFrom([]string{"rename", "audience", "toggle", "delete", "account"}).Draw(t, "edit") {
	case "rename":
		d.Name += " 2"
	case "audience":
		d.Audiences = append(slices.Clone(d.Audiences), migration.Audience{ID: "late"})
	case "toggle":
		d.State = map[bool]migration.DataflowState{true: migration.Disabled, false: migration.Enabled}[d.State == migration.Enabled]
	case "delete":
		*list = slices.Delete(slices.Clone(*list), i, i+1)
	default:
		d.Account = "v5-2"
	}
}

func (w *world) actions() map[string]func(*rapid.T) {
	step := w.step
	return map[string]func(*rapid.T){
		"step": step, "another step": step, "and another": step, "one more": step,
		"the clock": w.tick, "a sign-in": w.signIn, "a claim": w.claim, "a poll": w.poll, "runs": w.runs,
		"a pause": w.pause, "a resume": w.resume, "an approval": w.approve, "a choice": w.choose, "an edit": w.edit,
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

// With people who answer and a vendor that works, every organization ends: nothing hangs.
func TestEveryOrganizationEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for range rapid.IntRange(0, 25).Draw(t, "things that happen first") {
			names := []string{"step", "the clock", "a claim", "a pause", "an edit", "step", "runs", "a poll"}
			w.actions()[rapid.SampledFrom(names).Draw(t, "what")](t)
		}
		w.p.Drift = migration.DriftPolicy{AudienceMissing: migration.Ignore, AudienceExtra: migration.Ignore, Mapping: migration.Ignore, Advertiser: migration.Ignore, Name: migration.Ignore}
		for range 60 {
			if w.done {
				return
			}
			w.now = w.now.Add(day)
			w.answer()
			for range 12 {
				w.calmStep()
			}
		}
		t.Fatalf("does not end: next %s, waits %+v\nstate %+v", w.state.Next(w.o, w.p, w.now), w.state.Waits(w.o, w.p, w.now), w.state)
	})
}

// answer gives every wait what it asks for.
func (w *world) answer() {
	if w.state.Paused != nil || w.state.Holding() != nil || w.state.AnyHeld() {
		w.state.Resume()
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
	w.approve(nil)
	for i := range w.seen.Accounts {
		w.seen.Accounts[i].AuthorizedOn = w.now.Truncate(day)
		w.seen.Accounts[i].Etag += "+"
	}
	w.poll(nil)
	for _, pair := range w.state.Unverified() {
		w.state.Judge(migration.RunVerdict{Dataflow: pair.New, Status: migration.RunSucceeded}, w.now)
	}
}

// calmStep is a step at which nothing fails.
func (w *world) calmStep() {
	if w.done {
		return
	}
	w.state.LapseEnded(w.now)
	w.seen.TakenAt = w.now
	switch w.state.Next(w.o, w.p, w.now) {
	case migration.StepAssess:
		w.state.Begin(assess(w.seen, w.p), w.p)
	case migration.StepTell:
		w.state.Told = true
	case migration.StepCheck:
		w.state.Claims = nil
	case migration.StepPlan:
		w.state.Follow(makePlan(w.seen, w.p, w.state.Choices), w.p)
	case migration.StepCutOver:
		pair := w.state.Due(w.p)[0]
		state, was, is := w.state.Pair(pair.Old), w.dataflow(pair.Old), w.dataflow(pair.New)
		if was == nil || is == nil || migration.Fingerprint(*was, *is) != pair.Fingerprint {
			w.state.PlanBroke(state, "it changed")
			return
		}
		was.State, is.State = migration.Disabled, migration.Enabled
		state.Progress, state.SwitchedAt = migration.Switched, w.now
	case migration.StepFinish:
		w.done = true
	case migration.StepWait:
	}
}
