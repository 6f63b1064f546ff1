package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"cutover/activities"
	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/internal/notify"
	"cutover/internal/store"
	"cutover/workflows"
)

// site is a Temporal server, the emulated vendors and a manifest of one organization, for the real command.
type site struct {
	env      []string
	manifest string
	client   client.Client
	emulator *emulator.Emulator
	vendor   string // base URL
	scenario emulator.Scenario
	flags    []string // of every command
}

// newSite starts everything but a worker. Without a Temporal server, only a machine that promises everything fails.
func newSite(t *testing.T) (*site, bool) {
	t.Helper()
	binary := os.Getenv("CUTOVER_TEMPORAL_CLI")
	if binary == "" {
		require.NotEqual(t, "true", os.Getenv("CI"), "CUTOVER_TEMPORAL_CLI must name the temporal binary")
		t.Log("left out: CUTOVER_TEMPORAL_CLI does not name the temporal binary")
		return nil, false
	}
	var attributes []string
	for name, kind := range workflows.SearchAttributes() {
		attributes = append(attributes, "--search-attribute", name+"="+kind.String())
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath: binary, LogLevel: "error", Stdout: io.Discard, Stderr: io.Discard,
		ClientOptions: &client.Options{HostPort: freeAddress(t), Logger: engine.SDKLogger(zap.NewNop())},
		ExtraArgs: append(attributes,
			"--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000", "--dynamic-config-value", "history.timerProcessorMaxPollRPS=1000",
			"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1", "--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop() })

	dir := t.TempDir()
	s := &site{
		manifest: filepath.Join(dir, "organizations.yaml"), client: server.Client(),
		env: []string{"TEMPORAL_ADDRESS=" + server.FrontendHostPort(), "TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "none.toml"), "CUTOVER_WEB_URL=http://ui.example"},
	}
	s.scenario, err = emulator.SmallScenario()
	require.NoError(t, err)
	now := time.Now()
	s.scenario.Stages = emulator.Stages{CardsAvailable: emulator.At(now.Add(-time.Hour)), OldAPIClosed: emulator.At(now.Add(2 * time.Hour))}
	s.scenario.Settings.EtagSettles = -1
	s.scenario.Settings.ImmediateRuns = true
	s.emulator, err = emulator.New(s.scenario, emulator.Options{Clock: time.Now})
	require.NoError(t, err)
	vendor := httptest.NewServer(s.emulator)
	t.Cleanup(vendor.Close)
	s.vendor = vendor.URL

	require.NoError(t, os.WriteFile(filepath.Join(dir, "rehearsal.yaml"), []byte(rehearsalPlaybook), 0o600))
	require.NoError(t, os.WriteFile(s.manifest, fmt.Appendf(nil,
		"playbook: rehearsal.yaml\norganizations:\n  - {id: %s, name: Acme, credential: acme, contacts: [marketing@acme.example]}\n", s.org()), 0o600))
	return s, true
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func (s *site) org() string { return s.scenario.Organizations[0].ID }

// work starts the product's workers until the returned function is called.
func (s *site) work(t *testing.T) (stop func()) {
	t.Helper()
	vendor, err := adobe.New(adobe.Config{IMSURL: s.vendor, PlatformURL: s.vendor})
	require.NoError(t, err)
	notices, err := notify.New(t.TempDir(), time.Now)
	require.NoError(t, err)
	reports, err := store.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	acts := &activities.Activities{Adobe: vendor, Credentials: s, Notices: notices, Reports: reports, Ask: activities.AskWorkflow, Pause: activities.Pause, Now: time.Now}
	reads := worker.New(s.client, workflows.TaskQueue, engine.WorkerOptions(20, nil))
	workflows.Register(reads)
	acts.Register(reads)
	writes := worker.New(s.client, workflows.WritesTaskQueue, engine.GatedWorkerOptions(5, nil))
	acts.RegisterWrites(writes)
	require.NoError(t, reads.Start())
	require.NoError(t, writes.Start())
	return func() { reads.Stop(); writes.Stop() }
}

// Lookup is the one credential there is.
func (s *site) Lookup(name, organization string) (adobe.Credential, error) {
	o := s.scenario.Organizations[0]
	return adobe.Credential{Name: name, Organization: organization, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: []string{"openid", "AdobeID"}}, nil
}

// ask runs the real command.
func (s *site) ask(t *testing.T, args ...string) reply {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), slices.Concat(args, []string{"--manifest", s.manifest}, s.flags), s.env, &stdout, &stderr)
	return reply{code, stdout.String(), stderr.String()}
}

// do runs a command that must succeed and reads its JSON.
func do[T any](t *testing.T, s *site, args ...string) T {
	t.Helper()
	got := s.ask(t, append(args, "-o", "json")...)
	require.Equal(t, exitDone, got.code, "%v: %s", args, got.stderr)
	var answer T
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &answer), got.stdout)
	return answer
}

func (s *site) await(t *testing.T, what string, reached func(statusDetail) bool) statusDetail {
	t.Helper()
	var last statusDetail
	if !assert.Eventually(t, func() bool {
		last = do[statusDetail](t, s, "status", "--org", s.org())
		return reached(last)
	}, time.Minute, 100*time.Millisecond, what) {
		text, _ := json.MarshalIndent(last, "", "  ")
		require.FailNow(t, what, string(text))
	}
	return last
}

func TestAMigrationFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s, ok := newSite(t)
	if !ok {
		return
	}
	org := s.org()

	// Nothing runs yet: every command says so at once.
	got := s.ask(t, "plan", "--org", org)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "no worker polls task queue cutover in namespace default")
	got = s.ask(t, "pause", "--org", org, "--by", "operator", "--reason", "audit", "-o", "json")
	require.Equal(t, kindNotStarted, errorOf(t, got).Kind)
	got = s.ask(t, "signal", "reauth-completed", "--org", org, "--account", "x", "--by", "operator", "-o", "json")
	require.Equal(t, kindNotStarted, errorOf(t, got).Kind)
	require.Equal(t, notStarted, do[statusList](t, s, "status").Organizations[0].Execution)

	started := do[startAnswer](t, s, "start", "--all")
	require.False(t, started.WorkerPolling)
	require.Equal(t, resultStarted, started.Organizations[0].Result)
	require.Equal(t, engine.WebURL("http://ui.example", "default", workflows.WorkflowID("rehearsal", org), started.Organizations[0].RunID), started.Organizations[0].URL)
	require.Equal(t, resultRunning, do[startAnswer](t, s, "start", "--org", org).Organizations[0].Result)
	got = s.ask(t, "pause", "--org", org, "--by", "operator", "--reason", "audit", "-o", "json")
	require.Equal(t, kindNoWorker, errorOf(t, got).Kind)
	idle := do[statusDetail](t, s, "status", "--org", org)
	require.Nil(t, idle.Status)
	require.Equal(t, string(migration.Assessing), idle.Phase)

	// A worker comes.
	stop := s.work(t)
	waiting := s.await(t, "a person is waited for", func(d statusDetail) bool {
		return d.Status != nil && d.Status.Phase == migration.AwaitingReauth && len(d.Status.Accounts) > 0
	})
	require.True(t, waiting.WorkerPolling)
	account := waiting.Status.Accounts[0].ID
	require.Eventually(t, func() bool {
		list := do[statusList](t, s, "status").Organizations
		return len(list) == 1 && list[0].Phase == string(migration.AwaitingReauth) && list[0].Name == "Acme" && list[0].WaitingOn != ""
	}, 20*time.Second, 100*time.Millisecond)

	preview := do[planAnswer](t, s, "plan", "--org", org)
	require.NotEmpty(t, preview.Plan.Pairs)
	require.NotEmpty(t, preview.Toggles)
	require.Empty(t, s.writes(), "a preview changes nothing")

	require.True(t, do[updateAnswer](t, s, "pause", "--org", org, "--by", "operator", "--reason", "audit").Status.Paused)
	got = s.ask(t, "pause", "--org", org, "--by", "ben", "--reason", "again", "-o", "json")
	require.Equal(t, errorBody{Kind: kindRefused, Message: org + " refused pause: paused already by operator: audit"}, errorOf(t, got))
	got = s.ask(t, "approve", "--org", org, "--by", "ben", "--plan", "0000", "-o", "json")
	require.Equal(t, kindRefused, errorOf(t, got).Kind)
	require.False(t, do[updateAnswer](t, s, "resume", "--org", org, "--by", "operator").Status.Paused)

	// A claim that is not true, by the signal's twin that answers, then a true one.
	got = s.ask(t, "signal", "reauth-completed", "--org", org, "--account", account, "--by", "operator", "--confirm")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, "account "+account+" is not verified")
	for _, a := range waiting.Status.Accounts {
		require.NoError(t, s.emulator.Reconnect(org, a.Sandbox, a.ID, emulator.Reconnection{By: "customer"}))
		do[signalAnswer](t, s, "signal", "reauth-completed", "--org", org, "--account", a.ID, "--by", "customer")
	}
	ended := s.await(t, "the end", func(d statusDetail) bool { return d.Execution == "completed" })
	require.Equal(t, string(migration.Migrated), ended.Outcome)
	require.NotEmpty(t, s.writes())

	again := do[startAnswer](t, s, "start", "--all").Organizations[0]
	require.Equal(t, resultFinished, again.Result)
	require.Equal(t, string(migration.Migrated), again.Outcome)
	for _, args := range [][]string{
		{"pause", "--org", org, "--by", "operator", "--reason", "audit"},
		{"cancel", "--org", org, "--yes"},
		{"signal", "reauth-completed", "--org", org, "--account", account, "--by", "operator"},
	} {
		body := errorOf(t, s.ask(t, append(args, "-o", "json")...))
		require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + org + " has already finished (Migrated)"}, body)
	}
	stop()
}

func (s *site) writes() []emulator.Entry {
	var writes []emulator.Entry
	for _, entry := range s.emulator.Ledger(0) {
		if entry.Kind == "write" {
			writes = append(writes, entry)
		}
	}
	return writes
}

const watchedPlaybook = `name: watched
title: A rehearsal that is watched
cards:
  old: {names: ["(Deprecating) Pinterest", "(Deprecated) Pinterest"]}
  new: {names: ["(New) Pinterest", "Pinterest"]}
dates: {available: "-1h", reauthenticate_by: +1h, shutdown: +2h}
reauthentication: {needed: false}
verification: {within: 30s, poll: 1s}
watch: {poll: 1s}
approval: two-persons
`

func TestTwoPeopleApproveAndOneRollsBack(t *testing.T) {
	t.Parallel()
	s, ok := newSite(t)
	if !ok {
		return
	}
	playbook := filepath.Join(filepath.Dir(s.manifest), "watched.yaml")
	require.NoError(t, os.WriteFile(playbook, []byte(watchedPlaybook), 0o600))
	s.flags = []string{"--playbook", playbook}
	org := s.org()
	do[startAnswer](t, s, "start", "--org", org)
	stop := s.work(t)
	defer stop()
	waiting := s.await(t, "people must approve", func(d statusDetail) bool { return d.Status != nil && d.Status.Phase == migration.AwaitingApproval })
	for _, a := range waiting.Status.Accounts {
		require.NoError(t, s.emulator.Reconnect(org, a.Sandbox, a.ID, emulator.Reconnection{By: "customer"}))
	}
	preview := do[planAnswer](t, s, "plan", "--org", org)
	require.Equal(t, waiting.Status.PlanHash, preview.Plan.Hash, "what is printed is what is approved and done")
	require.True(t, preview.Approval.Open)
	require.Equal(t, preview.Plan.Pairs[0].Old, preview.Pace.First)

	approve := func(by, hash string) reply { return s.ask(t, "approve", "--org", org, "--by", by, "--plan", hash) }
	got := approve("operator", preview.Plan.Hash)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stdout, "is approved by 2 different people (so far: operator)")
	require.Contains(t, approve("OPERATOR", preview.Plan.Hash).stderr, "approved the plan "+preview.Plan.Hash+" already")
	require.Contains(t, approve("ben", "0000").stderr, "the plan is now "+preview.Plan.Hash+", not 0000: no plan of this organization had that hash lately")
	require.Equal(t, "operator", do[planAnswer](t, s, "plan", "--org", org).Approval.Consents[0].By)
	got = s.ask(t, "rollback", "--org", org, "--by", "operator", "--reason", "too early")
	require.Contains(t, got.stderr, "refused rollback: nothing was switched yet")
	require.Empty(t, s.writes(), "nothing is changed before two people agreed")
	got = approve("ben", preview.Plan.Hash)
	require.Equal(t, exitDone, got.code, got.stderr)

	watching := s.await(t, "everything is switched and watched", func(d statusDetail) bool { return d.Status != nil && d.Status.Phase == migration.Watching })
	got = s.ask(t, "settle", "--org", org, "--by", "operator", "--old", watching.Status.Pairs[0].Old, "--answer", "accept")
	require.Contains(t, got.stderr, "refused settle: nothing is asked about dataflow")
	back := do[updateAnswer](t, s, "rollback", "--org", org, "--by", "operator", "--reason", "counts fell")
	for _, p := range back.Status.Pairs {
		require.NotEqual(t, migration.Verified, p.Progress, "it answers when everything is back")
	}
	report := do[fleetReport](t, s, "report")
	require.True(t, report.Organizations[0].Answered)
	require.Equal(t, countPairs(back.Status.Pairs).RolledBack, report.Totals.Dataflows.RolledBack)
	require.NotZero(t, report.Totals.Dataflows.RolledBack)
	got = s.ask(t, "rollback", "--org", org, "--by", "operator", "--reason", "again", "-o", "json")
	require.Equal(t, kindRefused, errorOf(t, got).Kind)
	do[cancelAnswer](t, s, "cancel", "--org", org, "--yes")
	ended := s.await(t, "the end", func(d statusDetail) bool { return d.Execution != running })
	require.Equal(t, string(migration.RolledBack), ended.Phase)
}

func TestCancelFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s, ok := newSite(t)
	if !ok {
		return
	}
	do[startAnswer](t, s, "start", "--all")
	stop := s.work(t)
	defer stop()
	s.await(t, "a person is waited for", func(d statusDetail) bool { return d.Status != nil && d.Status.Phase == migration.AwaitingReauth })
	require.True(t, do[cancelAnswer](t, s, "cancel", "--org", s.org(), "--yes").Asked)
	ended := s.await(t, "the end", func(d statusDetail) bool { return d.Execution != "running" })
	require.Equal(t, "cancelled", ended.Execution)
	require.Equal(t, string(migration.Cancelled), ended.Phase)
	require.Equal(t, resultStarted, do[startAnswer](t, s, "start", "--all").Organizations[0].Result, "a cancelled one may start anew")
	require.Empty(t, s.writes())
}

func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	address := freeAddress(t)
	code := Main(t.Context(), []string{"status", "-o", "json"}, []string{"TEMPORAL_ADDRESS=" + address, "TEMPORAL_CONFIG_FILE=/nonexistent/temporal.toml"}, &stdout, &stderr)
	require.Equal(t, exitFailed, code)
	body := errorOf(t, reply{code, stdout.String(), stderr.String()})
	require.Equal(t, kindUnreachable, body.Kind)
	require.Contains(t, body.Message, "cannot reach Temporal at "+address+": start the server there or set TEMPORAL_ADDRESS")
}
