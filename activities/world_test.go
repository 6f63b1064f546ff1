package activities

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/store"
)

const (
	acme    = "1A2B3C4D5E6F@AdobeOrg"
	prod    = "prod"
	book    = "pinterest-v5"
	loyal   = "Loyal customers"
	holiday = "Holiday shoppers"

	// A vendor call takes longer than an etag needs to settle, so that one that was not read right before its PATCH is stale.
	callTime = 2 * time.Second
)

// Instants of every test's world.
var (
	noon      = time.Date(2023, 12, 1, 12, 0, 0, 0, time.UTC)
	available = time.Date(2023, 11, 16, 8, 0, 0, 0, time.UTC)
	shutdown  = time.Date(2024, 1, 19, 8, 0, 0, 0, time.UTC)
)

// world is the activities against the emulator, whose clock moves with every vendor call and when it is told to.
type world struct {
	*Activities
	*emulator.Emulator

	t        *testing.T
	who      Who
	cards    Cards
	scenario emulator.Scenario
	reports  string // the directory
	url      string // of the vendors
	log      log.Logger

	mu      sync.Mutex
	patches []patch
	first   func(http.ResponseWriter, *http.Request) (answered bool) // sees every vendor call before the emulator does
	gate    func() error                                             // asked before every write; nil: nothing is stopped
}

// patch is a PATCH as it was sent.
type patch struct {
	path string
	ops  int
}

func newWorld(t *testing.T, tweak ...func(*emulator.Scenario)) *world {
	t.Helper()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	scenario.Stages.CardsAvailable = emulator.At(available)
	for _, change := range tweak {
		change(&scenario)
	}
	w := &world{t: t, reports: t.TempDir(), who: Who{ID: acme, Credential: "acme", Sandboxes: []string{prod}}, log: quiet{}, scenario: scenario}
	w.cards = Cards{Old: migration.Card{Names: []string{"(Deprecating) Pinterest"}}, New: migration.Card{Names: []string{"(New) Pinterest"}}}
	w.Emulator, err = emulator.New(scenario, emulator.Options{Clock: func() time.Time { return noon }})
	require.NoError(t, err)
	server := httptest.NewServer(w)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	w.url = server.URL
	client, err := adobe.New(adobe.Config{IMSURL: server.URL, PlatformURL: server.URL, Now: w.Emulator.Now, Transport: transport, BeforeWrite: w.beforeWrite})
	require.NoError(t, err)
	reports, err := store.Open(t.Context(), w.reports)
	require.NoError(t, err)
	w.Activities = &Activities{
		Adobe: client, Credentials: own(scenario.Organizations[0]), Reports: reports, Now: w.Emulator.Now, BeforeWrite: w.beforeWrite,
		Pause: func(ctx context.Context, d time.Duration) error { return errors.Join(ctx.Err(), w.Advance(d)) },
	}
	return w
}

// alone leaves one dataflow of the scenario, for tests that need many worlds.
func alone(s *emulator.Scenario) {
	sandbox := &s.Organizations[0].Sandboxes[0]
	sandbox.Dataflows = sandbox.Dataflows[1:2] // the loyal
}

// slow has every toggle pass through the state between.
func slow(s *emulator.Scenario) { s.Settings.Transition = 5 * time.Second }

// ServeHTTP takes a moment for every call, notes patches, and asks the emulator.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	first := w.first
	w.mu.Unlock()
	if first != nil && first(out, r) {
		return
	}
	if r.Method == http.MethodPatch {
		w.note(r)
	}
	if err := w.Advance(callTime); err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Emulator.ServeHTTP(out, r)
}

func (w *world) note(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone; the emulator sees that too
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	var ops []json.RawMessage
	_ = json.Unmarshal(body, &ops) // what is no list has no operation
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patches = append(w.patches, patch{r.URL.Path, len(ops)})
}

// meanwhile has f done once, right before the first vendor call of that method whose path ends so.
func (w *world) meanwhile(method, suffix string, f func()) {
	var once sync.Once
	w.front(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == method && strings.HasSuffix(r.URL.Path, suffix) {
			once.Do(f)
		}
		return false
	})
}

// front has f see every vendor call from now on; what it answers does not reach the emulator.
func (w *world) front(f func(http.ResponseWriter, *http.Request) (answered bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first = f
}

func (w *world) beforeWrite(context.Context) error {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	if gate == nil {
		return nil
	}
	return gate()
}

// stopAfter stops writes when so many have begun, until the func that is returned.
func (w *world) stopAfter(writes int, refusal error) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var begun atomic.Int64
	w.gate = func() error {
		if begun.Add(1) > int64(writes) {
			return refusal
		}
		return nil
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.gate = nil
	}
}

// flow is a dataflow of the sandbox by card and name.
func (w *world) flow(card, name string) emulator.FlowState {
	w.t.Helper()
	for _, f := range w.State().Organizations[0].Sandboxes[0].Flows {
		if f.Card == card && f.Name == name {
			return f
		}
	}
	require.Fail(w.t, "no such dataflow", "%s %s", card, name)
	return emulator.FlowState{}
}

// edit plays a person at work on a dataflow.
func (w *world) edit(id string, edit emulator.Edit) {
	w.t.Helper()
	require.NoError(w.t, w.EditFlow(acme, prod, id, edit))
}

// add plays a person who adds audiences to a dataflow.
func (w *world) add(id string, names ...string) {
	w.t.Helper()
	for _, name := range names {
		w.edit(id, emulator.Edit{By: "customer", AddAudiences: []emulator.Audience{{Name: name}}})
	}
}

// answers has vendor calls of that method whose path ends so answered with a status, or cut where it is 0, and counts them.
func (w *world) answers(method, suffix string, status int, body string) *atomic.Int64 {
	var calls atomic.Int64
	w.front(func(out http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		calls.Add(1)
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(status)
		_, _ = out.Write([]byte(body)) // who is gone needs no answer
		return true
	})
	return &calls
}

// fault has vendor calls go wrong from now on, until the func that is returned.
func (w *world) fault(f emulator.Fault) (mend func()) {
	w.t.Helper()
	f, err := w.AddFault(f)
	require.NoError(w.t, err)
	return func() {
		w.t.Helper()
		require.NoError(w.t, w.RemoveFault(f.ID))
	}
}

// do runs one attempt of an activity.
func do[T any](w *world, name string, in any) (T, error) {
	w.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(w.log)
	env := suite.NewTestActivityEnvironment()
	w.Register(env)
	w.RegisterWrites(env)
	var out T
	var args []any
	if in != nil {
		args = append(args, in)
	}
	value, err := env.ExecuteActivity(name, args...)
	if err != nil {
		return out, err
	}
	if value.HasValue() {
		require.NoError(w.t, value.Get(&out))
	}
	return out, nil
}

// must runs one attempt of an activity that succeeds.
func must[T any](w *world, name string, in any) T {
	w.t.Helper()
	out, err := do[T](w, name, in)
	require.NoError(w.t, err)
	return out
}

// poll runs an activity until it succeeds or has been tried so often. Where it waits for something, the first attempt does not look.
func poll[T any](w *world, name string, in any, attempts int32) (T, error) {
	w.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(w.log)
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	w.Register(env)
	w.RegisterWrites(env)
	env.ExecuteWorkflow(func(ctx workflow.Context) (out T, err error) {
		err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Hour, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: attempts},
		}), name, in).Get(ctx, &out)
		return out, err
	})
	require.True(w.t, env.IsWorkflowCompleted())
	var out T
	if err := env.GetWorkflowError(); err != nil {
		return out, err
	}
	require.NoError(w.t, env.GetWorkflowResult(&out))
	return out, nil
}

// failed is the failure an attempt ended with.
func failed(t *testing.T, err error, kind string) *temporal.ApplicationError {
	t.Helper()
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Type(), failure.Message())
	return failure
}

// assess takes the first look, which keeps the base.
func (w *world) assess() migration.Assessment {
	w.t.Helper()
	return must[migration.Assessment](w, "Assess", AssessInput{Who: w.who, Cards: w.cards, Playbook: book, Available: available})
}

// carrying is a playbook that carries over whatever can be.
func carrying() migration.Terms {
	return migration.Terms{
		Order: migration.EnableFirst,
		Drift: migration.DriftPolicy{
			AudienceAdded: migration.CarryOver, AudienceRemoved: migration.CarryOver, AudienceMissing: migration.CarryOver, AudienceExtra: migration.Ignore,
			State: migration.CarryOver, OldGone: migration.CarryOver,
		},
	}
}

// plan plans by these terms.
func (w *world) plan(terms migration.Terms) migration.Plan {
	w.t.Helper()
	return must[migration.Plan](w, "Plan", PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: terms, Measured: true})
}

// pair is the plan's pair of that name.
func (w *world) pair(plan migration.Plan, name string) migration.Pair {
	w.t.Helper()
	i := slices.IndexFunc(plan.Pairs, func(p migration.Pair) bool { return p.Name == name })
	require.GreaterOrEqual(w.t, i, 0, "%s has no pair", name)
	require.Empty(w.t, plan.Pairs[i].Hold)
	return plan.Pairs[i]
}

// moving is how a workflow asks for a pair of a plan.
func (w *world) moving(terms migration.Terms, name string) SwitchInput {
	w.t.Helper()
	pair := w.pair(w.plan(terms), name)
	return SwitchInput{
		Who: w.who, Sandbox: pair.Sandbox, Old: pair.Old, New: pair.New, Fingerprint: pair.Fingerprint, Order: terms.Order,
		Advertiser: pair.Advertiser, OldAdvertiser: pair.OldAdvertiser, Carry: pair.Carry, Revive: pair.Action == migration.Revive, Late: pair.Late,
	}
}

// switched carries a pair over and tells how to roll it back.
func (w *world) switched(order migration.Order, name string) RollBackInput {
	w.t.Helper()
	terms := carrying()
	terms.Order = order
	in := w.moving(terms, name)
	must[migration.Moved](w, "SwitchPair", in)
	return RollBackInput{
		Who: w.who, Playbook: book, Sandbox: prod, Old: in.Old, New: in.New, Order: order, CarryBack: migration.CarryOver, Shutdown: shutdown,
	}
}

// own is the credential of one organization.
type own emulator.Organization

func (o own) Lookup(name, organization string) (adobe.Credential, error) {
	return adobe.Credential{Name: name, Organization: organization, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: []string{"openid"}}, nil
}

type quiet struct{}

func (quiet) Debug(string, ...any)            {}
func (quiet) Info(string, ...any)             {}
func (quiet) Warn(string, ...any)             {}
func (quiet) Error(string, ...any)            {}
func (q quiet) With(...any) log.Logger        { return q }
func (q quiet) WithCallerSkip(int) log.Logger { return q }
