package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/notify"
	partner "cutover/internal/pinterest" // pinterest is the playbook here
	"cutover/internal/store"
	"cutover/playbooks"
	"cutover/workflows"
)

// world is one organization's workflow on a clock that skips time, with the real activities, the real clients and the emulated vendors.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t        *testing.T
	emu      *emulator.Emulator
	in       workflows.Input
	notices  *notices
	reports  *reports
	scenario emulator.Scenario
	adobe    *adobe.Client
	clock    *clock
	grants   *store.Database // nil: no grants are held
	gate     func() error    // asked before every write; nil: nothing is stopped
	acts     *activities.Activities
	ahead    map[time.Time]int // callbacks that have not run yet
}

// clock lets the emulated vendors outlive one run of a workflow.
type clock struct{ now func() time.Time }

func (c *clock) Now() time.Time { return c.now() }

const acme = "1A2B3C4D5E6F@AdobeOrg"

// pinterest is the real playbook with rarer polls, so that a test of two months stays fast. It ends when everything is verified; tests of the watch
// turn that on.
func pinterest(t *testing.T, start time.Time) migration.Playbook {
	t.Helper()
	data, err := playbooks.FS.ReadFile("pinterest-v5.yaml")
	require.NoError(t, err)
	p, err := migration.ParsePlaybook("pinterest-v5.yaml", data, start)
	require.NoError(t, err)
	p.Reauthentication.Poll = migration.Duration(6 * time.Hour)
	p.Watch = migration.Watch{}
	return p
}

// small is the emulator's scenario of one organization with three dataflows, its copies made when the playbook says.
func small(t *testing.T, p migration.Playbook) emulator.Scenario {
	t.Helper()
	s, err := emulator.SmallScenario()
	require.NoError(t, err)
	s.Stages = emulator.Stages{CardsAvailable: emulator.At(p.Timeline.Available), OldAPIClosed: emulator.At(p.Timeline.Shutdown)}
	s.Settings.EtagSettles = -1
	for i := range s.Organizations[0].Sandboxes[0].Dataflows {
		s.Organizations[0].Sandboxes[0].Dataflows[i].ID = fmt.Sprintf("00000000-0000-5000-8000-%012d", i+1) // plans follow the ids
	}
	return s
}

// newWorld begins at start.
func newWorld(t *testing.T, start time.Time, change ...func(*workflows.Input, *emulator.Scenario)) *world {
	t.Helper()
	w := &world{TestWorkflowEnvironment: environment(start), t: t, notices: &notices{}, reports: &reports{}, clock: &clock{}, ahead: map[time.Time]int{}}
	w.clock.now = w.Now
	p := pinterest(t, start)
	w.in = workflows.Input{
		Organization: migration.Organization{ID: acme, Name: "Acme", Sandboxes: []string{"prod"}, Contacts: []string{"marketing@acme.example"}, Credential: "acme"},
		Playbook:     p,
	}
	scenario := small(t, p)
	for _, c := range change {
		c(&w.in, &scenario)
	}
	var err error
	w.emu, err = emulator.New(scenario, emulator.Options{Clock: w.clock.Now})
	require.NoError(t, err)
	w.scenario = scenario
	w.register()
	return w
}

func environment(start time.Time) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(start)
	env.SetTestTimeout(2 * time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	return env
}

func (w *world) register() {
	server := httptest.NewServer(w.emu)
	w.t.Cleanup(server.Close)
	client, err := adobe.New(adobe.Config{IMSURL: server.URL, PlatformURL: server.URL, Now: w.clock.Now, BeforeWrite: func(context.Context) error {
		if w.gate == nil {
			return nil
		}
		return w.gate()
	}})
	require.NoError(w.t, err)
	w.adobe = client
	acts := &activities.Activities{
		Adobe: client, Credentials: credentials{w.scenario}, Notices: w.notices, Reports: w.reports, Now: w.clock.Now, Pause: noPause, Ask: w.evidence,
	}
	if w.grants != nil {
		acts.Grants, acts.App = w.grants, partner.App{ClientID: appID, ClientSecret: appSecret}
		acts.Pinterest, err = partner.New(partner.Config{URL: server.URL, Now: w.clock.Now})
		require.NoError(w.t, err)
	}
	w.acts = acts
	acts.Register(w)
	acts.RegisterWrites(w)
	workflows.Register(w)
}

// next is the same world with the run that follows a continue-as-new.
func (w *world) next(in workflows.Input) *world {
	n := w.again(w.Now())
	n.in = in
	return n
}

// again is the same world at another time, with the organization started anew.
func (w *world) again(start time.Time) *world {
	n := *w
	n.TestWorkflowEnvironment = environment(start)
	n.clock.now = n.Now
	n.ahead = map[time.Time]int{}
	n.register()
	return &n
}

// continued runs the workflow until it continues as new, and gives what the next run begins with.
func (w *world) continued() workflows.Input {
	w.t.Helper()
	w.execute()
	var again *workflow.ContinueAsNewError
	require.ErrorAs(w.t, w.GetWorkflowError(), &again)
	require.Equal(w.t, workflows.MigrateOrganizationName, again.WorkflowType.Name)
	var in workflows.Input
	require.NoError(w.t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	require.NotNil(w.t, in.State)
	return in
}

// at runs f when the clock reads t, and the test fails if the workflow ends before. The clock of tests is that of the workflow.
func (w *world) at(t time.Time, f func()) {
	w.ahead[t]++
	w.maybe(t, func() {
		if w.ahead[t]--; w.ahead[t] == 0 {
			delete(w.ahead, t)
		}
		f()
	})
}

// maybe runs f when the clock reads t, if the workflow has not ended by then.
func (w *world) maybe(t time.Time, f func()) { w.RegisterDelayedCallback(f, t.Sub(w.Now())) }

// execute runs the workflow until the run ends.
func (w *world) execute() {
	w.ExecuteWorkflow(workflows.MigrateOrganizationName, w.in)
	require.True(w.t, w.IsWorkflowCompleted(), "the workflow has not ended")
	require.Empty(w.t, w.ahead, "the workflow ended at %s, before these callbacks", w.Now())
}

// run runs the workflow to its end.
func (w *world) run() (workflows.Result, error) {
	w.t.Helper()
	w.execute()
	var result workflows.Result
	if err := w.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(w.t, w.GetWorkflowResult(&result))
	return result, nil
}

// reconnect is the customer signing in to the new card's account.
func (w *world) reconnect(account string) {
	w.signIn(account, emulator.Reconnection{By: "customer"})
}

func (w *world) signIn(account string, how emulator.Reconnection) {
	for _, sb := range w.org().Sandboxes {
		for _, a := range sb.Accounts {
			if a.ID == account {
				require.NoError(w.t, w.emu.Reconnect(acme, sb.Name, account, how))
			}
		}
	}
}

func (w *world) claim(account string) {
	w.SignalWorkflow(workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: account, By: "customer"})
}

func (w *world) org() emulator.OrganizationState {
	for _, o := range w.emu.State().Organizations {
		if o.ID == acme {
			return o
		}
	}
	w.t.Fatal("no such organization")
	return emulator.OrganizationState{}
}

// account is the id of the new card's first account in the sandbox.
func (w *world) account(sandbox string) string {
	for _, sb := range w.org().Sandboxes {
		for _, a := range sb.Accounts {
			if sb.Name == sandbox && a.Card == "new" {
				return a.ID
			}
		}
	}
	w.t.Fatal("the new card has no account yet")
	return ""
}

// flows are the organization's dataflows on a card.
func (w *world) flows(card string) []emulator.FlowState {
	var flows []emulator.FlowState
	for _, sb := range w.org().Sandboxes {
		for _, f := range sb.Flows {
			if f.Card == card {
				flows = append(flows, f)
			}
		}
	}
	return flows
}

func (w *world) flow(card, name string) emulator.FlowState {
	flows := w.flows(card)
	i := slices.IndexFunc(flows, func(f emulator.FlowState) bool { return f.Name == name })
	require.GreaterOrEqual(w.t, i, 0, "no dataflow %q on the %s card", name, card)
	return flows[i]
}

func (w *world) status() migration.Status {
	value, err := w.QueryWorkflow(workflows.QueryStatus)
	require.NoError(w.t, err)
	var status migration.Status
	require.NoError(w.t, value.Get(&status))
	return status
}

// details is the Markdown that the Web UI shows.
func (w *world) details() string {
	value, err := w.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(w.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(w.t, value.Get(&metadata))
	return metadata.GetCurrentDetails()
}

// update sends an update that must be accepted.
func (w *world) update(name string, arg any) {
	w.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnReject:   func(err error) { require.NoError(w.t, err, "update %s was refused", name) },
		OnAccept:   func() {},
		OnComplete: func(_ any, err error) { require.NoError(w.t, err, "update %s", name) },
	}, arg)
}

// refused sends an update that must be refused for the reason.
func (w *world) refused(name, reason string, arg any) {
	w.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnReject:   func(err error) { require.ErrorContains(w.t, err, reason) },
		OnAccept:   func() { require.Fail(w.t, "accepted", "update %s must be refused: %s", name, reason) },
		OnComplete: func(any, error) {},
	}, arg)
}

// reply is what became of an update.
type reply struct {
	done bool
	err  error
}

// ask sends an update that must be accepted and may fail.
func (w *world) ask(name string, arg any) *reply {
	r := &reply{}
	w.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnReject:   func(err error) { require.NoError(w.t, err, "update %s was refused", name) },
		OnAccept:   func() {},
		OnComplete: func(_ any, err error) { r.done, r.err = true, err },
	}, arg)
	return r
}

// requireSwitched checks that every pair is on the new card.
func (w *world) requireSwitched() {
	w.t.Helper()
	for _, f := range w.flows("new") {
		require.Equal(w.t, "enabled", f.State, "copy of %s", f.Name)
	}
	for _, f := range w.flows("old") {
		require.Equal(w.t, "disabled", f.State, "old %s", f.Name)
	}
}

// requireUntouched checks that nothing was written at the vendor.
func (w *world) requireUntouched() {
	w.t.Helper()
	require.Empty(w.t, w.writes())
}

func (w *world) writes() []emulator.Entry {
	return slices.DeleteFunc(w.emu.Ledger(0), func(e emulator.Entry) bool { return e.Kind != "write" })
}

type credentials struct{ scenario emulator.Scenario }

func (c credentials) Lookup(name, organization string) (adobe.Credential, error) {
	for _, o := range c.scenario.Organizations {
		if o.ID == organization {
			return adobe.Credential{Name: name, Organization: o.ID, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: []string{"openid", "AdobeID"}}, nil
		}
	}
	return adobe.Credential{}, fmt.Errorf("no credential for %s", organization)
}

type notices struct {
	mu   sync.Mutex
	list []notify.Notice
	fail error
	on   func(kind string) // as a notice is delivered

	detour bool // the first channel fails
}

func (n *notices) Deliver(_ context.Context, notice notify.Notice) (notify.Receipt, error) {
	if n.on != nil {
		n.on(notice.Kind)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return notify.Receipt{}, n.fail
	}
	n.list = append(n.list, notice)
	receipt := notify.Receipt{Key: notice.Key, Channel: "outbox"}
	if n.detour {
		receipt.Faults = []notify.Fault{{Channel: "mail", Why: "it does not answer"}}
	}
	return receipt, nil
}

func (n *notices) kinds() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var kinds []string
	for _, notice := range n.list {
		kinds = append(kinds, notice.Kind)
	}
	return strings.Join(kinds, " ")
}

// reports keeps files in memory; the bucket itself has tests of its own.
type reports struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (r *reports) Put(_ context.Context, name string, data []byte) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string][]byte{}
	}
	r.files[name] = data
	return name, nil
}

func (r *reports) Get(_ context.Context, name string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if data, ok := r.files[name]; ok {
		return data, nil
	}
	return nil, store.ErrNotFound
}

// evidence is the last evidence that was written of an organization.
func (r *reports) evidence(t *testing.T, playbook, organization string) (e activities.Evidence) {
	t.Helper()
	data, err := r.Get(t.Context(), playbook+"/"+strings.ReplaceAll(organization, "@", "_at_")+"/evidence.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &e))
	return e
}

// noPause lets a transition that takes time outlast the attempt, since the skipping clock stands while an activity runs.
func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (w *world) evidence(context.Context) (activities.Evidence, error) {
	var e activities.Evidence
	value, err := w.QueryWorkflow(workflows.QueryEvidence)
	if err != nil {
		return e, err
	}
	return e, value.Get(&e)
}

// quiet keeps the engine's log out of the tests' output.
type quiet struct{}

func (quiet) Debug(string, ...any)            {}
func (quiet) Info(string, ...any)             {}
func (quiet) Warn(string, ...any)             {}
func (quiet) Error(string, ...any)            {}
func (q quiet) With(...any) log.Logger        { return q }
func (q quiet) WithCallerSkip(int) log.Logger { return q }

// answer collects what the update reauth-completed answers.
type answer struct {
	t    *testing.T
	into *[]workflows.AccountAnswer
}

func (a *answer) Accept()          {}
func (a *answer) Reject(err error) { require.NoError(a.t, err) }
func (a *answer) Complete(success any, err error) {
	require.NoError(a.t, err)
	got, ok := success.(workflows.AccountAnswer)
	require.True(a.t, ok, "%T", success)
	*a.into = append(*a.into, got)
}

// requireNoGap checks in the emulator's ledger that no pair was ever off on both sides.
func (w *world) requireNoGap() {
	w.t.Helper()
	state, origin := map[string]string{}, map[string]string{}
	for _, e := range w.emu.Ledger(0) {
		if e.Entity != "flow" || !e.Applied || e.After == "" {
			continue
		}
		state[e.ID] = e.After
		if e.Origin != "" {
			origin[e.ID] = e.Origin
		}
		for copied, old := range origin {
			require.False(w.t, state[copied] == "disabled" && state[old] == "disabled", "both sides of %s are off after entry %d", old, e.Seq)
		}
	}
}

// onSwitch calls f as an attempt at a pair begins.
func onSwitch(f func(activities.SwitchInput)) func(*activity.Info, context.Context, converter.EncodedValues) {
	return func(info *activity.Info, _ context.Context, args converter.EncodedValues) {
		var in activities.SwitchInput
		if info.ActivityType.Name == "SwitchPair" && args.Get(&in) == nil {
			f(in)
		}
	}
}

// requireReadAfterEdit checks that every write on the dataflow followed a single read that came after its last edit.
func requireReadAfterEdit(t *testing.T, w *world, id string) {
	t.Helper()
	edited, read, writes := int64(0), int64(0), 0
	for _, e := range w.emu.Ledger(0) {
		switch {
		case e.ID == id && e.Kind == "edit":
			edited = e.Seq
		case e.ID == id && e.Kind == "read":
			read = e.Seq
		case e.ID == id && e.Kind == "write":
			writes++
			require.Greater(t, read, edited, "write %d relies on a reading from before the edit", e.Seq)
		}
	}
	require.Positive(t, writes)
	require.Positive(t, edited)
}

// hours is n hours after nov20.
func hours(n int) time.Time { return nov20.Add(time.Duration(n) * time.Hour) }

// edit is a customer at work on a dataflow in Adobe's user interface.
func (w *world) edit(card, name string, edit emulator.Edit) {
	w.t.Helper()
	edit.By = "customer"
	require.NoError(w.t, w.emu.EditFlow(acme, "prod", w.flow(card, name).ID, edit))
}

// add is a customer activating another audience to a dataflow.
func (w *world) add(card, name, audience string) {
	w.t.Helper()
	w.edit(card, name, emulator.Edit{AddAudiences: []emulator.Audience{{Name: audience, ID: audience}}})
}

// delete is a customer deleting a dataflow.
func (w *world) delete(card, name string) {
	w.t.Helper()
	require.NoError(w.t, w.emu.DeleteFlow(acme, "prod", w.flow(card, name).ID, "customer"))
}

// remap is a customer mapping another field of a dataflow, with a client of their own.
func (w *world) remap(card, name string) {
	w.t.Helper()
	credential, err := credentials{w.scenario}.Lookup("acme", acme)
	require.NoError(w.t, err)
	sandbox := w.adobe.Sandbox(credential, "prod")
	flow, err := sandbox.Dataflow(w.t.Context(), w.flow(card, name).ID)
	require.NoError(w.t, err)
	field := map[string]any{"type": "JSON_PATH", "value": map[string]any{"operator": "EXISTS", "mapping": map[string]any{
		"sourceType": "text/x.schema-path", "source": "phone", "destination": "phone", "identity": false,
	}}}
	op := adobe.PatchOp{Op: adobe.OpAdd, Path: "/transformations/0/params/profileSelectors/selectors/-", Value: field}
	require.NoError(w.t, sandbox.PatchDataflow(w.t.Context(), flow.ID, flow.Etag, op))
}

// pair is the pair of the dataflow as the status shows it.
func (w *world) pair(name string) migration.PairState {
	w.t.Helper()
	pairs := w.status().Pairs
	i := slices.IndexFunc(pairs, func(p migration.PairState) bool { return p.Name == name })
	require.GreaterOrEqual(w.t, i, 0, "no pair %q", name)
	return pairs[i]
}

// wrote lists what was written at the vendor in words, such as "enable new Loyal customers", of one dataflow or of all.
func (w *world) wrote(name string) []string {
	names := map[string]string{}
	for _, sb := range w.scenario.Organizations[0].Sandboxes {
		for _, d := range sb.Dataflows {
			names[d.ID] = d.Name
		}
	}
	for _, e := range w.emu.Ledger(0) {
		if e.Origin != "" {
			names[e.ID] = names[e.Origin]
		}
	}
	list := []string{}
	for _, e := range w.writes() {
		if e.Applied && e.Op != emulator.OpPatch && (name == "" || names[e.ID] == name) {
			words := []string{e.Op, e.Card, names[e.ID]}
			if e.Detail != "" {
				words = append(words, e.Detail)
			}
			list = append(list, strings.Join(words, " "))
		}
	}
	return list
}

// sides are the states of a dataflow on the old and on the new card.
func (w *world) sides(name string) string {
	return w.flow("old", name).State + " " + w.flow("new", name).State
}

// text is what the last notice of a kind said.
func (n *notices) text(kind migration.NoticeKind) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, notice := range slices.Backward(n.list) {
		if notice.Kind == string(kind) {
			return notice.Subject + "\n" + notice.Text
		}
	}
	return ""
}
