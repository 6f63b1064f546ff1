package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/internal/service"
	"cutover/workflows"
)

const (
	// slowWrite is how long the vendor takes for a write: long enough that a stop meets every pair between its two.
	slowWrite = 2 * time.Second
	// inForce is when a stop holds, from the end of the command.
	inForce = time.Second
)

const stopPlaybook = `name: stopped
title: A rehearsal that is stopped
cards:
  old: {names: ["(Deprecating) Pinterest", "(Deprecated) Pinterest"]}
  new: {names: ["(New) Pinterest", "Pinterest"]}
dates: {available: "-1h", reauthenticate_by: +1h, shutdown: +2h}
reauthentication: {needed: false}
verification: {within: 30s, poll: 1s}
`

// slowVendor is the emulator behind a door that notes when each write comes and then takes its time.
type slowVendor struct {
	*emulator.Emulator

	mu     sync.Mutex
	writes []time.Time
}

func (v *slowVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/flowservice/") {
		v.mu.Lock()
		v.writes = append(v.writes, time.Now())
		v.mu.Unlock()
		if activities.Pause(r.Context(), slowWrite) != nil {
			return // whoever asked is gone
		}
	}
	v.Emulator.ServeHTTP(w, r)
}

// after tells how many writes came in all, and how many of them later than an instant.
func (v *slowVendor) after(at time.Time) (all, late int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, write := range v.writes {
		if write.After(at) {
			late++
		}
	}
	return len(v.writes), late
}

// newSlowVendor has so many organizations of one dataflow each, whose accounts are signed in.
func newSlowVendor(t *testing.T, organizations int) (vendor *slowVendor, url string, scenario emulator.Scenario) {
	t.Helper()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	now := time.Now()
	scenario.Stages = emulator.Stages{CardsAvailable: emulator.At(now.Add(-time.Hour)), OldAPIClosed: emulator.At(now.Add(2 * time.Hour))}
	scenario.Settings.EtagSettles, scenario.Settings.ImmediateRuns = -1, true
	one := scenario.Organizations[0]
	sandbox := one.Sandboxes[0]
	sandbox.Dataflows = sandbox.Dataflows[1:2]
	scenario.Organizations = nil
	for i := range organizations {
		o := one
		o.ID, o.Name, o.ClientID, o.ClientSecret = fmt.Sprintf("AAA%d@AdobeOrg", i), fmt.Sprintf("acme-%d", i), fmt.Sprintf("client-%d", i), canary
		o.Sandboxes = []emulator.Sandbox{sandbox}
		scenario.Organizations = append(scenario.Organizations, o)
	}
	vendor = &slowVendor{}
	vendor.Emulator, err = emulator.New(scenario, emulator.Options{Clock: time.Now})
	require.NoError(t, err)
	for _, o := range vendor.State().Organizations {
		for _, account := range o.Sandboxes[0].Accounts {
			if account.Card == "new" {
				require.NoError(t, vendor.Reconnect(o.ID, o.Sandboxes[0].Name, account.ID, emulator.Reconnection{By: "customer"}))
			}
		}
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	return vendor, server.URL, scenario
}

// begin starts the migration of every organization.
func begin(t *testing.T, c client.Client, scenario emulator.Scenario) (ids []string) {
	t.Helper()
	now := time.Now()
	playbook, err := migration.ParsePlaybook("stopped.yaml", []byte(stopPlaybook), now)
	require.NoError(t, err)
	for _, o := range scenario.Organizations {
		in := workflows.Input{Playbook: playbook, Organization: migration.Organization{
			ID: o.ID, Name: o.Name, Credential: o.Name, Sandboxes: []string{o.Sandboxes[0].Name}, Contacts: []string{"marketing@acme.example"},
		}}
		run, err := c.ExecuteWorkflow(t.Context(), workflows.StartOptions(in, now), workflows.MigrateOrganizationName, in)
		require.NoError(t, err)
		ids = append(ids, run.GetID())
	}
	return ids
}

// held counts the migrations whose pair a stop keeps between its two writes.
func held(ctx context.Context, c client.Client, ids []string) (n int) {
	for _, id := range ids {
		described, err := c.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			return 0
		}
		for _, pending := range described.GetPendingActivities() {
			failure := pending.GetLastFailure()
			if failure.GetApplicationFailureInfo().GetType() == activities.Stopped && strings.Contains(failure.GetMessage(), "both stay enabled, between the two writes") {
				n++
			}
		}
	}
	return n
}

// The whole worker, a vendor that takes two seconds for a write, and a stop in the middle of it: no write begins later than a second after it, whatever
// was under way, and after the release each pair has had each of its writes once.
func TestNoWriteBeginsASecondAfterAStop(t *testing.T) {
	t.Parallel()
	address, ok := temporal(t, searchAttributes()...)
	if !ok {
		return
	}
	const organizations = 8
	vendor, url, scenario := newSlowVendor(t, organizations)
	env := environment(t, "TEMPORAL_ADDRESS="+address, "CUTOVER_ADOBE_IMS_URL="+url, "CUTOVER_ADOBE_URL="+url)
	var credentials strings.Builder
	for _, o := range scenario.Organizations {
		fmt.Fprintf(&credentials, "%s: {organization: %s, client_id: %s, client_secret: {env: SECRET}}\n", o.Name, o.ID, o.ClientID)
	}
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(path, []byte(credentials.String()), 0o600))
	r := start(t, append(env, "CUTOVER_CREDENTIALS="+path))
	c, err := client.Dial(client.Options{HostPort: address, Logger: engine.SDKLogger(zap.NewNop())})
	require.NoError(t, err)
	defer c.Close()
	ids := begin(t, c, scenario)
	require.Eventually(t, func() bool { all, _ := vendor.after(time.Time{}); return all >= organizations/2 }, 20*time.Second, 10*time.Millisecond, "%v", r.logs)

	_, err = engine.SetQueueLimit(t.Context(), c.WorkflowService(), "default", workflows.WritesTaskQueue, engine.QueueLimit{Set: true, Reason: "wrong audiences", By: "operator"})
	require.NoError(t, err)
	stopped := time.Now()
	require.Eventually(t, func() bool { return held(t.Context(), c, ids) >= organizations/2 }, 30*time.Second, 50*time.Millisecond, "%v", r.logs)
	require.Never(t, func() bool { _, late := vendor.after(stopped.Add(inForce)); return late > 0 }, 2*slowWrite, 100*time.Millisecond)

	_, err = engine.SetQueueLimit(t.Context(), c.WorkflowService(), "default", workflows.WritesTaskQueue, engine.QueueLimit{By: "operator"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return switched(vendor) }, 30*time.Second, 100*time.Millisecond, "%v", r.logs)
	all, _ := vendor.after(time.Time{})
	require.Equal(t, 2*organizations, all, "each write once")
	r.stop()
	r.wait(t, service.Done)
}

// switched tells that every old dataflow is off and every copy on.
func switched(vendor *slowVendor) bool {
	for _, o := range vendor.State().Organizations {
		for _, flow := range o.Sandboxes[0].Flows {
			if flow.Card == "old" && flow.State != "disabled" || flow.Card == "new" && flow.State != "enabled" {
				return false
			}
		}
	}
	return true
}
