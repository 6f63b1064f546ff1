package stack

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// Everything starts, works together, survives the server's death, and is gone afterwards.
func TestStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binaries, err := Build(t.Context(), dir)
	require.NoError(t, err)
	temporal, err := StartTemporal(t.Context(), Options{Dir: dir, UI: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, temporal.Stop()) })

	scenario := emulator.Scenario{Organizations: []emulator.Organization{{
		ID: "ACME@AdobeOrg", Name: "Acme", ClientID: "client-acme", ClientSecret: "p8e-acme-secret",
		Sandboxes: []emulator.Sandbox{{Name: "prod", Dataflows: []emulator.Dataflow{{Name: "Newsletter", Advertiser: "549755885175"}}}},
	}}}
	path, err := WriteScenario(dir, scenario)
	require.NoError(t, err)
	vendor, err := StartVendor(t.Context(), binaries.Emulator, dir, path, 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, vendor.Stop()) })
	credentials, err := WriteCredentials(dir, []Credential{{"acme", "ACME@AdobeOrg", "client-acme", "p8e-acme-secret"}})
	require.NoError(t, err)
	worker, err := StartWorker(t.Context(), WorkerOptions{
		Binary: binaries.Worker, Dir: dir, Temporal: temporal, VendorURL: vendor.URL, Credentials: credentials,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, worker.Stop()) })

	_, err = WriteManifest(dir, "pinterest-v5", []migration.Organization{{ID: "ACME@AdobeOrg", Name: "Acme", Sandboxes: []string{"prod"}, Credential: "acme"}})
	require.NoError(t, err)
	starter := NewStarter(binaries.Starter, dir, temporal)
	answer, err := starter.Do(t.Context(), "plan", "--org", "ACME@AdobeOrg")
	require.NoError(t, err, "it goes through the server, the worker and the vendor")
	require.Contains(t, answer.Stdout, "Newsletter")
	answer, err = starter.Run(t.Context(), "plan", "--org", "ELSE@AdobeOrg")
	require.NoError(t, err)
	require.Equal(t, 2, answer.Code)
	_, err = starter.Do(t.Context(), "plan", "--org", "ELSE@AdobeOrg")
	require.ErrorContains(t, err, "exit code 2")

	checkVendor(t, vendor)
	checkRestart(t, temporal)

	require.NoError(t, worker.Kill())
	require.NoError(t, worker.Start(t.Context()), "a killed worker starts as it was")
}

func checkVendor(t *testing.T, vendor *Vendor) {
	t.Helper()
	ctx, org := t.Context(), "ACME@AdobeOrg"
	state, err := vendor.State(ctx)
	require.NoError(t, err)
	sandbox := state.Organization(org).Sandbox("prod")
	account, flow := sandbox.Account("new", "Pinterest"), sandbox.Flow("old", "Newsletter")
	require.NotNil(t, flow.Audiences)
	require.False(t, account.Authenticated)

	require.NoError(t, vendor.Reconnect(ctx, org, "prod", account.ID, emulator.Reconnection{By: "customer", Lease: time.Hour}))
	require.NoError(t, vendor.EditFlow(ctx, org, "prod", flow.ID, emulator.Edit{By: "customer", AddAudiences: []emulator.Audience{{Name: "More"}}}))
	require.NoError(t, vendor.Hide(ctx, org, "prod", flow.ID, true))
	closed := true
	require.NoError(t, vendor.SetStages(ctx, emulator.StageSwitch{OldAPIClosed: &closed}))
	require.NoError(t, vendor.SetLatency(ctx, time.Millisecond))
	require.NoError(t, vendor.SetRate(ctx, 100, time.Second))
	require.NoError(t, vendor.ExpireTokens(ctx, "client-acme"))
	state, err = vendor.State(ctx)
	require.NoError(t, err)
	sandbox = state.Organization(org).Sandbox("prod")
	require.True(t, state.OldAPIClosed)
	require.True(t, sandbox.Account("new", "Pinterest").Authenticated)
	require.True(t, sandbox.Flow("old", "Newsletter").Hidden)
	require.Equal(t, flow.ContentVersion+1, sandbox.Flow("old", "Newsletter").ContentVersion)

	require.NoError(t, vendor.Expire(ctx, org, "prod", account.ID))
	require.NoError(t, vendor.Advance(ctx, time.Hour))
	fault, err := vendor.AddFault(ctx, emulator.Fault{Route: "GET /flows", Effect: emulator.EffectStatus, Status: 503, RetryAfter: time.Second})
	require.NoError(t, err)
	require.Equal(t, time.Second, fault.RetryAfter)
	faults, err := vendor.Faults(ctx)
	require.NoError(t, err)
	require.Len(t, faults, 1)
	require.NoError(t, vendor.RemoveFault(ctx, fault.ID))
	require.ErrorContains(t, vendor.RemoveFault(ctx, fault.ID), "404")

	secrets, err := vendor.Secrets(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, secrets)
	ledger, err := vendor.Ledger(ctx, 0)
	require.NoError(t, err)
	rest, err := vendor.Ledger(ctx, ledger[0].Seq)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(rest), len(ledger)-1)
}

// checkRestart kills the server and finds what it held again.
func checkRestart(t *testing.T, temporal *Temporal) {
	t.Helper()
	begin(t, temporal, "kept")
	address := temporal.Address
	require.NoError(t, temporal.Kill())
	require.NoError(t, temporal.Start(t.Context()))
	require.Equal(t, address, temporal.Address)
	require.NoError(t, has(t.Context(), temporal, "kept"))
}

// A process that ends before it is ready says why.
func TestNotReady(t *testing.T) {
	t.Parallel()
	p, err := start(t.Context(), command{
		name: "shell", path: "/bin/sh", args: []string{"-c", "echo out of order >&2; exit 3"}, log: filepath.Join(t.TempDir(), "log"),
	})
	require.NoError(t, err)
	err = p.ready(t.Context(), func(context.Context) error { return os.ErrNotExist })
	require.ErrorContains(t, err, "out of order")
	require.ErrorContains(t, err, "exit status 3")
	require.NoError(t, p.Stop(), "ending what has ended is no mistake")

	_, err = start(t.Context(), command{name: "nothing", path: "/no/such/program", log: filepath.Join(t.TempDir(), "log")})
	require.ErrorContains(t, err, "start nothing")
}

func TestStop(t *testing.T) {
	t.Parallel()
	p, err := start(t.Context(), command{
		name: "deaf", path: "/bin/sh", args: []string{"-c", `trap "" TERM; echo ready; while :; do read -r _; done < /dev/zero`}, log: filepath.Join(t.TempDir(), "log"),
	})
	require.NoError(t, err)
	require.NoError(t, p.ready(t.Context(), func(context.Context) error {
		data, err := os.ReadFile(p.Log)
		if err == nil && len(data) == 0 {
			return os.ErrNotExist
		}
		return err
	}))
	require.ErrorContains(t, p.end(syscall.SIGTERM, 50*time.Millisecond), "was killed")
	<-p.Done()
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	_, err := StartTemporal(t.Context(), Options{CLI: filepath.Join(t.TempDir(), "temporal"), Dir: t.TempDir()})
	require.ErrorContains(t, err, "make tools")
}

func TestScenarioKeepsWhatWasNotGiven(t *testing.T) {
	t.Parallel()
	ready := false
	given := emulator.Scenario{
		Stages:   emulator.Stages{CardsAvailable: emulator.FromStart(time.Second), OldAPIClosed: emulator.At(time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC))},
		Settings: emulator.Settings{RunWindow: 2 * time.Second},
		Faults:   []emulator.Fault{{ID: "f", Route: "*", Effect: emulator.EffectDelay, Delay: time.Second}},
		Organizations: []emulator.Organization{{ID: "ACME@AdobeOrg", Sandboxes: []emulator.Sandbox{{
			Name: "prod", Accounts: []emulator.Account{{Name: "A", Authenticated: &ready}},
			Dataflows: []emulator.Dataflow{{Name: "D", Audiences: []emulator.Audience{{Name: "x"}}, Copy: &emulator.Copy{Name: "renamed"}}},
		}}}},
	}
	path, err := WriteScenario(t.TempDir(), given)
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	read, err := emulator.ParseScenario(text)
	require.NoError(t, err)
	require.Equal(t, given, read)
}
