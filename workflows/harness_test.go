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

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/notify"
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
	clock    *clock
}

// clock lets the emulated vendors outlive one run of a workflow.
type clock struct{ now func() time.Time }

func (c *clock) Now() time.Time { return c.now() }

const acme = "1A2B3C4D5E6F@AdobeOrg"

// pinterest is the real playbook with rarer polls, so that a test of two months stays fast.
func pinterest(t *testing.T, start time.Time) migration.Playbook {
	t.Helper()
	data, err := playbooks.FS.ReadFile("pinterest-v5.yaml")
	require.NoError(t, err)
	p, err := migration.ParsePlaybook("pinterest-v5.yaml", data, start)
	require.NoError(t, err)
	p.Reauthentication.Poll = migration.Duration(6 * time.Hour)
	return p
}

// small is the emulator's scenario of one organization with three dataflows, its copies made when the playbook says.
func small(t *testing.T, p migration.Playbook) emulator.Scenario {
	t.Helper()
	s, err := emulator.SmallScenario()
	require.NoError(t, err)
	s.Stages = emulator.Stages{CardsAvailable: emulator.At(p.Timeline.Available), OldAPIClosed: emulator.At(p.Timeline.Shutdown)}
	s.Settings.EtagSettles = -1
	return s
}

// newWorld begins at start.
func newWorld(t *testing.T, start time.Time, change ...func(*workflows.Input, *emulator.Scenario)) *world {
	t.Helper()
	w := &world{TestWorkflowEnvironment: environment(start), t: t, notices: &notices{}, reports: &reports{}, clock: &clock{}}
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
	client, err := adobe.New(adobe.Config{IMSURL: server.URL, PlatformURL: server.URL, Now: w.clock.Now})
	require.NoError(w.t, err)
	acts := &activities.Activities{
		Adobe: client, Credentials: credentials{w.scenario}, Notices: w.notices, Reports: w.reports, Now: w.clock.Now, Pause: noPause, Ask: w.evidence,
	}
	acts.Register(w)
	acts.RegisterWrites(w)
	workflows.Register(w)
}

// next is the same world with the run that follows a continue-as-new.
func (w *world) next(in workflows.Input) *world {
	n := *w
	n.TestWorkflowEnvironment = environment(w.Now())
	n.clock.now = n.Now
	n.in = in
	n.register()
	return &n
}

// at runs f when the clock reads t. The clock of tests is that of the workflow.
func (w *world) at(t time.Time, f func()) { w.RegisterDelayedCallback(f, t.Sub(w.Now())) }

// run runs the workflow to its end.
func (w *world) run() (workflows.Result, error) {
	w.ExecuteWorkflow(workflows.MigrateOrganizationName, w.in)
	require.True(w.t, w.IsWorkflowCompleted(), "the workflow has not ended")
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
	return notify.Receipt{Key: notice.Key}, nil
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

type reports struct {
	mu   sync.Mutex
	data map[string]activities.Evidence
}

func (r *reports) Put(_ context.Context, name string, data []byte) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.HasSuffix(name, "/evidence.json") {
		return name, nil
	}
	var e activities.Evidence
	if err := json.Unmarshal(data, &e); err != nil {
		return "", err
	}
	if r.data == nil {
		r.data = map[string]activities.Evidence{}
	}
	r.data[name] = e
	return name, nil
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
