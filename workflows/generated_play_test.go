package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/notify"
	partner "cutover/internal/pinterest" // pinterest is the playbook here
	"cutover/test/invariants"
	"cutover/workflows"
)

// play is a history while it happens: the real workflow, activities and clients against the emulated vendors, on a clock that skips time.
type play struct {
	history
	env     *testsuite.TestWorkflowEnvironment
	emu     *emulator.Emulator
	clock   *clock
	notices *brokenNotices
	reports *reports
	left    []*event // that wait for their instant
	kept    *memoryGrants

	mu       sync.Mutex // the vendors' calls come from activities
	armed    []*event   // that wait for a call
	calls    map[string]int
	interest map[string]time.Time // audience added to an old dataflow by a person: "flow audience", when

	samples   []invariants.Sample
	questions []migration.Question
	blurred   map[string]bool // accounts whose end nobody could see coming
	moved     map[string]time.Time
	mended    bool
	cancelled bool
	broken    []string
	updates   int
	result    workflows.Result
	err       error

	renewedAt time.Time
	renewals  int // since then
}

// The whole of a case takes no longer than this after its operator of last resort came, or the shutdown.
const generatedBound = 50 * day

// playHistory plays the history to its end and returns what was wrong with it.
func playHistory(h history) (broken []string) {
	p := &play{
		history: h, clock: &clock{}, notices: &brokenNotices{}, reports: &reports{},
		kept:  &memoryGrants{held: map[partner.Owner]partner.Held{}},
		calls: map[string]int{}, interest: map[string]time.Time{}, blurred: map[string]bool{}, moved: map[string]time.Time{},
	}
	p.notices.now, p.kept.now = p.clock.Now, p.clock.Now
	p.clock.now = func() time.Time { return h.start }
	var err error
	if p.emu, err = emulator.New(h.scenario, emulator.Options{Clock: p.clock.Now}); err != nil {
		return []string{"the scenario: " + err.Error()}
	}
	for i := range h.events {
		p.left = append(p.left, &h.events[i])
	}
	in := workflows.Input{Organization: h.org, Playbook: h.playbook}
	for at := h.start; ; at = p.env.Now() {
		next := p.run(at, in)
		if next == nil {
			break
		}
		in = *next
	}
	p.judge()
	return p.broken
}

// run plays one run of the workflow, and returns the input of the next one.
func (p *play) run(at time.Time, in workflows.Input) (next *workflows.Input) {
	p.env = environment(at)
	p.env.SetTestTimeout(20 * time.Second)
	p.clock.now = p.env.Now
	client, err := adobe.New(adobe.Config{IMSURL: "https://ims.example", PlatformURL: "https://platform.example", Now: p.clock.Now, Transport: p})
	if err != nil {
		p.breaks("the client: %v", err)
		return nil
	}
	acts := &activities.Activities{
		Adobe: client, Credentials: credentials{p.scenario}, Notices: p.notices, Reports: p.reports, Now: p.clock.Now, Ask: p.evidence,
		Pause: func(context.Context, time.Duration) error { return errors.New("the worker was stopped") }, // the skipping clock stands meanwhile
	}
	if p.held {
		acts.Grants, acts.App = p.kept, partner.App{ClientID: "1500000", ClientSecret: "pinterest-app-secret"} // of the emulator's own
		if acts.Pinterest, err = partner.New(partner.Config{URL: "https://pinterest.example", Now: p.clock.Now, Transport: p}); err != nil {
			p.breaks("the client: %v", err)
			return nil
		}
	}
	acts.Register(p.env)
	acts.RegisterWrites(p.env)
	workflows.Register(p.env)
	p.env.SetOnActivityCompletedListener(p.completed)
	p.env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if slices.Contains([]string{"SwitchPair", "RollBackPair", "RenewAccount"}, info.ActivityType.Name) {
			p.env.RegisterDelayedCallback(func() { p.sample() }, 0) // what is about to be written was said before
		}
		if info.ActivityType.Name == "RenewAccount" {
			p.env.RegisterDelayedCallback(p.renews, 0)
		}
	})
	for _, e := range p.left {
		p.env.RegisterDelayedCallback(func() { p.happens(e) }, max(0, p.start.Add(e.at).Sub(at)))
	}
	p.env.RegisterDelayedCallback(p.look, time.Minute)
	defer func() {
		if r := recover(); r != nil {
			p.breaks("panic: %v", r)
			next = nil
		}
	}()
	p.env.ExecuteWorkflow(workflows.MigrateOrganizationName, in)
	if !p.env.IsWorkflowCompleted() {
		p.breaks("the workflow has not ended")
		return nil
	}
	p.err = p.env.GetWorkflowError()
	if again, ok := errors.AsType[*workflow.ContinueAsNewError](p.err); ok {
		var input workflows.Input
		if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &input); err != nil {
			p.breaks("continue as new: %v", err)
			return nil
		}
		return &input
	}
	if p.err == nil {
		p.err = p.env.GetWorkflowResult(&p.result)
	}
	return nil
}

// happens lets an event take place, or begin to wait for its call.
func (p *play) happens(e *event) {
	p.left = slices.DeleteFunc(p.left, func(other *event) bool { return other == e })
	if e.call == "" {
		e.do(p)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	armed := *e
	armed.nth += p.calls[e.call]
	p.armed = append(p.armed, &armed)
}

// RoundTrip is the wire between the clients and the emulated vendors, with events before and after.
func (p *play) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	kind := callKind(r)
	p.mu.Lock()
	p.calls[kind]++
	var before, after []*event
	p.armed = slices.DeleteFunc(p.armed, func(e *event) bool {
		due := e.call == kind && p.calls[kind] >= e.nth
		if due && e.after {
			after = append(after, e)
		} else if due {
			before = append(before, e)
		}
		return due
	})
	p.mu.Unlock()
	for _, e := range before {
		p.around(e)
	}
	defer func() {
		if recover() != nil { // how the emulator cuts a connection
			answer, err = nil, io.ErrUnexpectedEOF
		}
		for _, e := range after {
			p.around(e)
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.emu.ServeHTTP(w, r)
	return w.Result(), nil
}

// around lets an event take place from within a call. What acts on the workflow itself is posted to it.
func (p *play) around(e *event) {
	if e.person {
		e.do(p)
		return
	}
	p.env.RegisterDelayedCallback(func() { e.do(p) }, 0)
}

func callKind(r *http.Request) string {
	_, path, _ := strings.Cut(r.URL.Path, "/flowservice")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case strings.HasSuffix(r.URL.Path, "/oauth/token"):
		return "token"
	case r.Method == http.MethodPatch && segments[0] == "connections":
		return "patch account"
	case r.Method == http.MethodPatch:
		return "patch"
	case segments[len(segments)-1] == "action":
		return strings.ToLower(r.URL.Query().Get("op"))
	case segments[0] == "flows" && len(segments) == 1:
		return "list flows"
	case segments[0] == "flows":
		return "read flow"
	case segments[0] == "runs":
		return "list runs"
	case segments[len(segments)-1] == "test":
		return "test account"
	case segments[0] == "connections" && len(segments) == 2:
		return "read account"
	}
	return ""
}

// note takes in what a person did not manage: what is not there cannot be edited.
func (p *play) note(err error) {
	if err != nil && !errors.Is(err, emulator.ErrNoSuch) {
		p.breaks("the history: %v", err)
	}
}

func (p *play) breaks(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = append(p.broken, fmt.Sprintf(format, args...))
}

// act sends an update that may be refused.
func (p *play) act(name string, arg any) { p.ask(name, arg, nil) }

// ask sends an update; refused gets the reason of a refusal.
func (p *play) ask(name string, arg any, refused func(error)) {
	p.updates++
	p.env.UpdateWorkflow(name, fmt.Sprintf("update-%d", p.updates), &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) {
			if refused != nil {
				refused(err)
			}
		},
		OnComplete: func(any, error) {},
	}, arg)
}

func (p *play) cancel() {
	p.cancelled = true
	p.env.CancelWorkflow()
}

func (p *play) signIn(f generatedFlow, how emulator.Reconnection) {
	if !p.playbook.Reauthentication.Needed {
		return // an access key needs none
	}
	p.note(p.emu.Reconnect(acme, f.sandbox, f.account, how))
	p.blurred[f.account] = p.blurred[f.account] || how.MissingScope || how.Lease > 0
}

func (p *play) expire(sandbox, account string) {
	if !p.playbook.Reauthentication.Needed {
		return
	}
	p.blurred[account] = true
	p.note(p.emu.Expire(acme, sandbox, account))
}

// addAudience lets a person add an audience that the dataflow has not.
func (p *play) addAudience(f generatedFlow, copied bool, change emulator.Edit) {
	flow := p.flow(f.side(copied))
	name := change.AddAudiences[0].Name
	if flow == nil || slices.ContainsFunc(flow.Audiences, func(a emulator.Audience) bool { return a.Name == name }) {
		return
	}
	p.note(p.emu.EditFlow(acme, f.sandbox, f.side(copied), change))
	if !copied {
		p.mu.Lock()
		p.interest[f.old+" "+name] = p.emu.Now()
		p.mu.Unlock()
	}
}

// removeAudience lets a person remove an audience that the dataflow has.
func (p *play) removeAudience(f generatedFlow, copied bool, change emulator.Edit) {
	flow := p.flow(f.side(copied))
	if flow != nil && slices.ContainsFunc(flow.Audiences, func(a emulator.Audience) bool { return a.Name == change.RemoveAudiences[0] }) {
		p.note(p.emu.EditFlow(acme, f.sandbox, f.side(copied), change))
	}
}

// flow is a dataflow as it is at the vendor; nil if it is not there.
func (p *play) flow(id string) *emulator.FlowState {
	state := p.emu.State()
	for _, sb := range state.Organizations[0].Sandboxes {
		if i := slices.IndexFunc(sb.Flows, func(f emulator.FlowState) bool { return f.ID == id }); i >= 0 {
			return &sb.Flows[i]
		}
	}
	return nil
}

// completed gathers the questions that plans asked.
func (p *play) completed(info *activity.Info, result converter.EncodedValue, err error) {
	var plan migration.Plan
	if info.ActivityType.Name != "Plan" || err != nil || result == nil || result.Get(&plan) != nil {
		return
	}
	written := map[string]bool{}
	for _, e := range p.emu.Ledger(0) {
		if e.Kind == emulator.KindWrite {
			written[e.ID] = true
		}
	}
	for _, q := range plan.Questions {
		if written[q.Old] || written[strings.Replace(q.Old, "old", "new", 1)] {
			continue // its copy was certain when the switch began, and is asked about since then
		}
		q.Candidates = slices.DeleteFunc(slices.Clone(q.Candidates), func(id string) bool {
			return slices.ContainsFunc(plan.Pairs, func(pair migration.Pair) bool { return pair.New == id })
		})
		p.questions = append(p.questions, q)
	}
}

func (p *play) query(name string, into any) bool {
	value, err := p.env.QueryWorkflow(name)
	if err != nil {
		p.breaks("query %s: %v", name, err)
		return false
	}
	return value.Get(into) == nil
}

func (p *play) plan() (plan *migration.Plan) {
	p.query(workflows.QueryPlan, &plan)
	return plan
}

func (p *play) evidence(context.Context) (e activities.Evidence, err error) {
	value, err := p.env.QueryWorkflow(workflows.QueryEvidence)
	if err != nil {
		return e, err
	}
	return e, value.Get(&e)
}

// brokenNotices are delivered, except for a while.
type brokenNotices struct {
	notices
	now   func() time.Time
	until time.Time
}

func (n *brokenNotices) Deliver(ctx context.Context, notice notify.Notice) (notify.Receipt, error) {
	if n.now().Before(n.until) {
		return notify.Receipt{}, errors.New("the mail server is down")
	}
	return n.notices.Deliver(ctx, notice)
}

// texts are everything that the run left behind for people to read.
func (p *play) texts(status migration.Status) []invariants.Text {
	said, _ := json.Marshal(status)
	notices, _ := json.Marshal(p.notices.list)
	texts := []invariants.Text{{Where: "status", Data: said}, {Where: "notices", Data: notices}}
	for name, data := range p.reports.files {
		texts = append(texts, invariants.Text{Where: name, Data: bytes.Clone(data)})
	}
	return texts
}
