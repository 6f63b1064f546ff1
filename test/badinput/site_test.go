package badinput_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// site is everything that runs: a Temporal server, the emulated vendors, a worker once it is started, and a manifest of all organizations.
type site struct {
	place

	temporal *stack.Temporal
	client   client.Client
	vendor   *stack.Vendor
	worker   *stack.Worker
}

// Playbooks of the site. Their organizations begin after the card came, except those of later.
const (
	signIn    = "sign-in"    // people sign in
	settled   = "settled"    // no sign-in is needed
	approval  = "approval"   // settled, and an operator approves
	twoPeople = "two-people" // settled, and two people approve
	later     = "later"      // sign-in, and the card is still to come
	misnamed  = "misnamed"   // settled, and the new card's name is wrong
)

const sitePlaybook = `name: %s
title: Pinterest v4 to v5
cards:
  old: {names: ["(Deprecating) Pinterest"]}
  new: {names: ["%s"]}
dates: {available: %s, reauthenticate_by: %s, shutdown: %s}
reauthentication: {needed: %t, lease: 30d, poll: 1s}
verification: {within: 1m, poll: 1s}
approval: %s
`

func (s *site) writePlaybooks(t *testing.T, now time.Time) {
	t.Helper()
	for _, name := range []string{signIn, settled, approval, twoPeople, later, misnamed} {
		available, card, agrees := migration.Instant(now.Add(-time.Hour)), "(New) Pinterest", migration.NoApproval
		switch name {
		case approval:
			agrees = migration.OperatorApproval
		case twoPeople:
			agrees = migration.TwoPersons
		case later:
			available = opensAfter
		case misnamed:
			card = "(Newest) Pinterest"
		}
		text := fmt.Sprintf(sitePlaybook, name, card, available, migration.Instant(now.Add(time.Hour)), migration.Instant(now.Add(2*time.Hour)),
			name == signIn || name == later, agrees)
		file{path: name + ".yaml", content: text}.write(t, s.dir)
	}
}

// opensAfter leaves time, from the start of an organization, to say something before the card comes.
const opensAfter = "+15s"

// newSite starts the server and the vendors with the organizations of the stories, and writes what an operator has.
func newSite(t *testing.T, binaries stack.Binaries, stories []story) *site {
	t.Helper()
	s := &site{place: place{binaries: binaries, dir: t.TempDir()}}
	now := time.Now()
	s.writePlaybooks(t, now)
	world := emulator.Scenario{
		Stages:   emulator.Stages{CardsAvailable: emulator.At(now.Add(-time.Hour)), OldAPIClosed: emulator.At(now.Add(2 * time.Hour))},
		Settings: emulator.Settings{ImmediateRuns: true, RunWindow: 2 * time.Second},
	}
	for _, st := range stories {
		world.Organizations = append(world.Organizations, st.atVendor())
	}
	scenario, err := stack.WriteScenario(s.dir, world)
	require.NoError(t, err)
	s.writeFiles(t, stories, func(st story) string {
		if st.key.Name == missing {
			return ""
		}
		return st.name
	})

	s.vendor, err = stack.StartVendor(t.Context(), binaries.Emulator, s.dir, scenario, 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.vendor.Stop()) })
	s.temporal, err = stack.StartTemporal(t.Context(), stack.Options{Dir: s.dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.temporal.Stop()) })
	s.client, err = s.temporal.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(s.client.Close)
	s.env = stack.TemporalEnv(s.dir, s.temporal)
	return s
}

// writeFiles writes the manifest and the credentials. called says under which name a story's credential stands; empty: it is forgotten.
func (s *site) writeFiles(t *testing.T, stories []story, called func(story) string) {
	t.Helper()
	var manifest []migration.Organization
	var keys []stack.Credential
	for _, st := range stories {
		manifest = append(manifest, st.organization())
		if credential := st.credential(); called(st) != "" {
			credential.Name = called(st)
			keys = append(keys, credential)
		}
	}
	_, err := stack.WriteManifest(s.dir, signIn+".yaml", manifest)
	require.NoError(t, err)
	_, err = stack.WriteCredentials(s.dir, keys)
	require.NoError(t, err)
}

// start starts the worker, which ends with the test.
func (s *site) start(t *testing.T) {
	t.Helper()
	var err error
	s.worker, err = stack.StartWorker(t.Context(), stack.WorkerOptions{
		Binary: s.binaries.Worker, Dir: s.dir, Temporal: s.temporal, VendorURL: s.vendor.URL, Credentials: filepath.Join(s.dir, "credentials.yaml"),
		Env: []string{"CUTOVER_ADOBE_RPS=500"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.worker.Stop()) })
}

// does runs a command of the starter that must succeed.
func (s *site) does(t *testing.T, format string, args ...any) string {
	t.Helper()
	a := s.command(t, nil, "starter "+fmt.Sprintf(format, args...))
	require.Equal(t, done, a.Code, a.Stderr)
	return a.Stdout
}

// empty is a signal without any payload.
type empty struct{}

// send sends a signal as Temporal's own tools do, whatever it holds.
func (s *site) send(t *testing.T, st story, name string, signal any) {
	t.Helper()
	id := workflows.WorkflowID(st.playbook, st.id())
	if _, nothing := signal.(empty); !nothing {
		require.NoError(t, s.client.SignalWorkflow(t.Context(), id, "", name, signal))
		return
	}
	_, err := s.client.WorkflowService().SignalWorkflowExecution(t.Context(), &workflowservice.SignalWorkflowExecutionRequest{
		Namespace: s.temporal.Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: id}, SignalName: name,
	})
	require.NoError(t, err)
}

// status asks the organization's workflow, also one that has ended.
func (s *site) status(ctx context.Context, st story) (migration.Status, error) {
	var status migration.Status
	value, err := s.client.QueryWorkflow(ctx, workflows.WorkflowID(st.playbook, st.id()), "", workflows.QueryStatus)
	if err != nil {
		return status, err
	}
	return status, value.Get(&status)
}

// until waits until the workflow says something.
func (s *site) until(t *testing.T, st story, what string, said func(migration.Status) bool) migration.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	var last migration.Status
	for {
		status, err := s.status(ctx, st)
		if err == nil && said(status) {
			return status
		}
		if err == nil {
			last = status
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			require.Fail(t, "waited in vain for "+what, "%s: phase %s (%v)\n%s", st.name, last.Phase, err, told(last))
		}
	}
}

// askEvery is how often a workflow is asked for what is waited for.
const askEvery = 100 * time.Millisecond

// told is what a status says of problems and waits.
func told(status migration.Status) string {
	var b strings.Builder
	for _, problem := range status.Problems {
		b.WriteString(problem.At.String() + " problem: " + problem.What + "\n")
	}
	for _, wait := range status.Waits {
		b.WriteString("wait: " + wait.Who + ": " + wait.What + "\n")
	}
	return b.String()
}

func (s *site) untilPhase(t *testing.T, st story, phase migration.Phase) migration.Status {
	t.Helper()
	return s.until(t, st, string(phase), func(status migration.Status) bool { return status.Phase == phase })
}

// migrates waits for the good end: nothing was lost. At the vendor each copy runs and each original does not.
func (s *site) migrates(t *testing.T, st story) {
	t.Helper()
	s.untilPhase(t, st, migration.Migrated)
	state, err := s.vendor.State(t.Context())
	require.NoError(t, err)
	for _, sandbox := range state.Organization(st.id()).Sandboxes {
		for _, flow := range sandbox.Flows {
			want := map[string]string{"old": "disabled", "new": "enabled"}[flow.Card]
			if want != "" {
				require.Equal(t, want, flow.State, "dataflow %q of the %s card", flow.Name, flow.Card)
			}
		}
	}
}

// ends waits until the workflow runs no more.
func (s *site) ends(t *testing.T, st story) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := s.client.GetWorkflow(ctx, workflows.WorkflowID(st.playbook, st.id()), "").Get(ctx, nil)
	require.NoError(t, ctx.Err())
	require.Error(t, err, "a cancelled workflow says so")
}

// signs has the customer sign in to every account that is waited for.
func (s *site) signs(t *testing.T, st story) {
	t.Helper()
	status := s.until(t, st, "accounts to sign in to", func(status migration.Status) bool { return len(status.Accounts) > 0 })
	for _, account := range status.Accounts {
		require.NoError(t, s.vendor.Reconnect(t.Context(), st.id(), account.Sandbox, account.ID, emulator.Reconnection{By: "marketing"}))
	}
}

// leaks looks for secrets in all that the worker wrote.
func (s *site) leaks(t *testing.T) {
	t.Helper()
	secrets, err := s.vendor.Secrets(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, secrets)
	for _, root := range []string{s.worker.Log, s.worker.Notices, s.worker.Reports, s.temporal.Database, s.temporal.Database + "-wal"} {
		err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, secret := range append(secrets, emulator.Secret{Kind: "planted", Value: marker}) {
				held := bytes.Contains(data, []byte(secret.Value)) // not shown when it fails
				assert.False(t, held, "%s holds a secret of kind %s", path, secret.Kind)
			}
			return nil
		})
		require.NoError(t, err)
	}
}
