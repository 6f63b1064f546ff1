package adobe_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
)

const (
	acme      = "1A2B3C4D5E6F@AdobeOrg"
	oldName   = "(Deprecating) Pinterest"
	newName   = "(New) Pinterest"
	settled   = 2 * time.Second // an etag moves a second time after one
	audiences = 150             // more dataflows than one page holds
)

// contract is the client against the emulator.
type contract struct {
	*emulator.Emulator
	*adobe.Sandbox

	client       *adobe.Client
	oldID, newID string
}

func start(t *testing.T, tweak ...func(*emulator.Scenario)) *contract {
	t.Helper()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	for _, change := range tweak {
		change(&scenario)
	}
	base := time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)
	e, err := emulator.New(scenario, emulator.Options{Clock: func() time.Time { return base }})
	require.NoError(t, err)
	server := httptest.NewServer(e)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		require.NoError(t, e.Close())
	})
	client, err := adobe.New(adobe.Config{IMSURL: server.URL, PlatformURL: server.URL, Now: e.Now, Transport: transport})
	require.NoError(t, err)
	c := &contract{Emulator: e, client: client, Sandbox: client.Sandbox(credential(), "prod")}
	specs, err := c.ConnectionSpecs(t.Context(), oldName, newName)
	require.NoError(t, err)
	require.Len(t, specs, 2)
	for _, spec := range specs {
		if spec.Name == oldName {
			c.oldID = spec.ID
		} else {
			c.newID = spec.ID
		}
	}
	return c
}

func credential() adobe.Credential {
	return adobe.Credential{
		Name: "acme", Organization: acme, ClientID: "acme-client", ClientSecret: "acme-secret",
		Scopes: []string{"openid", "session", "AdobeID", "read_organizations", "additional_info.projectedProductContext"},
	}
}

// dataflow returns the only dataflow of the card with the name.
func (c *contract) dataflow(t *testing.T, spec, name string) adobe.Dataflow {
	t.Helper()
	flows, err := c.Dataflows(t.Context(), spec)
	require.NoError(t, err)
	at := slices.IndexFunc(flows, func(d adobe.Dataflow) bool { return d.Name == name })
	require.GreaterOrEqual(t, at, 0)
	return flows[at]
}

func (c *contract) account(t *testing.T) adobe.Account {
	t.Helper()
	accounts, err := c.Accounts(t.Context(), c.newID)
	require.NoError(t, err)
	require.Len(t, accounts, 1)
	return accounts[0]
}

func TestContractLists(t *testing.T) {
	t.Parallel()
	c := start(t)
	flows, err := c.Dataflows(t.Context(), c.oldID, c.newID)
	require.NoError(t, err)
	require.Len(t, flows, 6)
	require.True(t, slices.IsSortedFunc(flows, func(a, b adobe.Dataflow) int { return slices.Compare([]string{a.ID}, []string{b.ID}) }))
	targets, err := c.TargetConnections(t.Context(), c.oldID, c.newID)
	require.NoError(t, err)
	accounts, err := c.Accounts(t.Context(), c.oldID, c.newID)
	require.NoError(t, err)
	require.Len(t, accounts, 2)

	for _, flow := range flows {
		if flow.SpecID == c.oldID {
			require.Equal(t, adobe.StateEnabled, flow.State)
		} else {
			require.Equal(t, adobe.StateDisabled, flow.State)
		}
		require.NotEmpty(t, flow.Audiences)
		require.NotEmpty(t, flow.FlowSpecID)
		require.NotEmpty(t, flow.Mappings)
		require.Equal(t, "prod", flow.SandboxName)
		require.Regexp(t, `^".+"$`, flow.Etag)
		require.False(t, flow.CreatedAt.IsZero())
		if flow.Name == "Newsletter readers" {
			require.Equal(t, adobe.MappingSet, flow.MappingForm)
		} else {
			require.Equal(t, adobe.MappingSelectors, flow.MappingForm)
		}
		require.True(t, slices.ContainsFunc(accounts, func(a adobe.Account) bool { return a.ID == flow.AccountID && a.SpecID == flow.SpecID }))
		at := slices.IndexFunc(targets, func(target adobe.TargetConnection) bool { return target.ID == flow.TargetConnectionID })
		require.GreaterOrEqual(t, at, 0)
		require.Equal(t, "549755885175", targets[at].AdvertiserID)
		require.Equal(t, flow.AccountID, targets[at].AccountID)
		require.Equal(t, flow.SpecID, targets[at].SpecID)

		again, err := c.Dataflow(t.Context(), flow.ID)
		require.NoError(t, err)
		require.Equal(t, flow, again)
	}
}

func TestContractReadsEveryPage(t *testing.T) {
	t.Parallel()
	c := start(t, func(s *emulator.Scenario) {
		flows := &s.Organizations[0].Sandboxes[0].Dataflows
		for range audiences {
			*flows = append(*flows, (*flows)[0])
			(*flows)[len(*flows)-1].Name += string(rune('A' + len(*flows)))
		}
		s.Faults = []emulator.Fault{{Route: "GET /flows", Effect: emulator.EffectDuplicatePage}}
	})
	flows, err := c.Dataflows(t.Context(), c.oldID, c.newID)
	require.NoError(t, err)
	require.Len(t, flows, 2*(audiences+3))
}

func TestContractActions(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.dataflow(t, c.newID, "Holiday shoppers").ID
	require.NoError(t, c.Enable(t.Context(), id))
	require.Equal(t, adobe.StateEnabled, c.dataflow(t, c.newID, "Holiday shoppers").State)
	require.ErrorIs(t, c.Enable(t.Context(), id), adobe.ErrState)
	require.NoError(t, c.Disable(t.Context(), id))
	require.Equal(t, adobe.StateDisabled, c.dataflow(t, c.newID, "Holiday shoppers").State)
	require.ErrorIs(t, c.Disable(t.Context(), id), adobe.ErrState)
	require.ErrorIs(t, c.Enable(t.Context(), "00000000-0000-4000-8000-000000000000"), adobe.ErrNotFound)
}

func TestContractPatchAndEtags(t *testing.T) {
	t.Parallel()
	c := start(t)
	flow := c.dataflow(t, c.newID, "Loyal customers")
	rename := adobe.PatchOp{Op: adobe.OpReplace, Path: "/name", Value: "Loyal"}
	require.NoError(t, c.PatchDataflow(t.Context(), flow.ID, flow.Etag, rename))
	require.ErrorIs(t, c.PatchDataflow(t.Context(), flow.ID, flow.Etag, rename), adobe.ErrPrecondition)
	after := c.dataflow(t, c.newID, "Loyal")
	require.NoError(t, c.Advance(settled))
	require.NotEqual(t, after.Etag, c.dataflow(t, c.newID, "Loyal").Etag)
}

func TestContractAudiences(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"calm":               {Route: "* /nothing", Effect: emulator.EffectStatus, Status: 500},
		"changed in between": {Route: "PATCH /flows/{id}", Effect: emulator.EffectStaleEtag, Times: 2},
	} {
		for _, card := range []string{"old", "new"} {
			t.Run(card+" "+name, func(t *testing.T) {
				t.Parallel()
				c := start(t, func(s *emulator.Scenario) { s.Settings.PatchAccepted = true })
				spec := map[string]string{"old": c.oldID, "new": c.newID}[card]
				id := c.dataflow(t, spec, "Loyal customers").ID
				_, err := c.AddFault(fault)
				require.NoError(t, err)
				added := c.dataflow(t, c.oldID, "Newsletter readers").Audiences[0]
				require.NoError(t, c.AddAudience(t.Context(), id, added))
				require.NoError(t, c.Advance(settled))
				require.NoError(t, c.AddAudience(t.Context(), id, added))

				before := c.dataflow(t, spec, "Loyal customers").Audiences
				require.Len(t, before, 3)
				removed := before[1]
				require.NoError(t, c.RemoveAudience(t.Context(), id, removed))
				after := c.dataflow(t, spec, "Loyal customers").Audiences
				require.Equal(t, slices.Delete(before, 1, 2), after)

				var edits []string
				for _, e := range c.Ledger(0) {
					if e.Kind == emulator.KindWrite && e.Applied {
						require.Equal(t, []string{"flow", id, card}, []string{e.Entity, e.ID, e.Card})
						edits = append(edits, e.Op+" "+e.Detail)
					}
				}
				require.Equal(t, []string{emulator.OpAddAudience + " " + added.ID, emulator.OpRemoveAudience + " " + removed.ID}, edits)
			})
		}
	}
}

// What is gone for good is told from what is not found.
func TestContractOldCardClosed(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]error{emulator.OldRefused: adobe.ErrGone, emulator.OldGone: adobe.ErrNotFound} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			c := start(t, func(s *emulator.Scenario) { s.Settings.OldDataflows = setting })
			flow := c.dataflow(t, c.oldID, "Loyal customers")
			closed := true
			require.NoError(t, c.SetStages(emulator.StageSwitch{OldAPIClosed: &closed}))
			require.ErrorIs(t, c.Disable(t.Context(), flow.ID), want)
			require.ErrorIs(t, c.AddAudience(t.Context(), flow.ID, adobe.Audience{ID: "late"}), want)
			require.ErrorIs(t, c.RemoveAudience(t.Context(), flow.ID, flow.Audiences[0]), want)
			_, err := c.Dataflow(t.Context(), flow.ID)
			accounts, listErr := c.Accounts(t.Context(), c.oldID, c.newID)
			require.NoError(t, listErr)
			if setting == emulator.OldRefused {
				require.NoError(t, err)
				require.Len(t, accounts, 2)
				return
			}
			require.ErrorIs(t, err, adobe.ErrNotFound)
			require.Len(t, accounts, 1)
		})
	}
}

func TestContractDeletedDataflow(t *testing.T) {
	t.Parallel()
	c := start(t)
	flow := c.dataflow(t, c.newID, "Loyal customers")
	require.NoError(t, c.DeleteFlow(acme, "prod", flow.ID, "customer"))
	_, err := c.Dataflow(t.Context(), flow.ID)
	require.ErrorIs(t, err, adobe.ErrNotFound)
	require.ErrorIs(t, c.AddAudience(t.Context(), flow.ID, adobe.Audience{ID: "late"}), adobe.ErrNotFound)
	require.ErrorIs(t, c.Enable(t.Context(), flow.ID), adobe.ErrNotFound)
}

// A run that succeeds tells how many of its profiles failed all the same.
func TestContractPartialRuns(t *testing.T) {
	t.Parallel()
	c := start(t, func(s *emulator.Scenario) {
		s.Organizations[0].Sandboxes[0].Dataflows[0].Runs = emulator.RunsPartial
		s.Organizations[0].Sandboxes[0].Dataflows[0].Failed = 30
	})
	runs, err := c.Runs(t.Context(), c.Now().Add(-2*time.Hour), c.dataflow(t, c.oldID, "Holiday shoppers").ID)
	require.NoError(t, err)
	require.Len(t, runs, 3)
	for _, run := range runs[:2] {
		require.Equal(t, adobe.RunSuccess, run.Status)
		require.Equal(t, []int64{1000, 700, 300}, []int64{run.Received, run.Activated, run.Failed})
		require.Len(t, run.Errors, 1)
		require.Equal(t, time.Hour, run.CompletedAt.Sub(run.StartedAt))
	}
	require.Equal(t, adobe.RunProcessing, runs[2].Status)
}

// One organization of the size that the client must carry: pages of its dataflows are too long to be read at once.
func TestContractLongAudienceLists(t *testing.T) {
	t.Parallel()
	const flows, length = 90, 1000
	c := start(t, func(s *emulator.Scenario) {
		long := make([]emulator.Audience, length)
		for i := range long {
			long[i] = emulator.Audience{Name: fmt.Sprint("Audience number ", i), Namespace: "aamSegments"}
		}
		sandbox := &s.Organizations[0].Sandboxes[0]
		sandbox.Dataflows = nil
		for i := range flows {
			sandbox.Dataflows = append(sandbox.Dataflows, emulator.Dataflow{Name: fmt.Sprint("Flow ", i), Audiences: long, Copy: &emulator.Copy{None: true}})
		}
	})
	listed, err := c.Dataflows(t.Context(), c.oldID, c.newID)
	require.NoError(t, err)
	require.Len(t, listed, flows)
	for _, flow := range listed {
		require.Len(t, flow.Audiences, length)
	}
}

func TestContractReconnect(t *testing.T) {
	t.Parallel()
	c := start(t)
	before := c.account(t)
	require.True(t, before.AuthorizedOn.IsZero())
	probe, err := c.TestAccount(t.Context(), before.ID)
	require.NoError(t, err)
	require.Equal(t, adobe.ProbeFailed, probe)

	require.NoError(t, c.Advance(time.Minute))
	require.NoError(t, c.Reconnect(acme, "prod", before.ID, emulator.Reconnection{By: "operator"}))
	after, err := c.Account(t.Context(), before.ID)
	require.NoError(t, err)
	require.NotEqual(t, before.Etag, after.Etag)
	require.True(t, after.UpdatedAt.After(before.UpdatedAt))
	require.Equal(t, time.Date(2023, 11, 20, 0, 0, 0, 0, time.UTC), after.AuthorizedOn)
	require.WithinDuration(t, c.Now().Add(30*24*time.Hour), after.ExpiresAt, time.Second)
	probe, err = c.TestAccount(t.Context(), before.ID)
	require.NoError(t, err)
	require.Equal(t, adobe.ProbePassed, probe)

	for _, mode := range []string{"404", "501"} {
		require.NoError(t, c.Configure(func(s *emulator.Settings) { s.Probe = mode }))
		probe, err = c.TestAccount(t.Context(), before.ID)
		require.NoError(t, err)
		require.Equal(t, adobe.ProbeUnknown, probe)
	}
	require.NoError(t, c.Configure(func(s *emulator.Settings) { s.HideExpiration = true }))
	require.True(t, c.account(t).ExpiresAt.IsZero())
}

func TestContractRuns(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"lower", "title", "upper"} {
		t.Run(spelling, func(t *testing.T) {
			t.Parallel()
			c := start(t, func(s *emulator.Scenario) { s.Settings.RunStatus = spelling })
			good, bad := c.dataflow(t, c.oldID, "Holiday shoppers").ID, c.dataflow(t, c.newID, "Holiday shoppers").ID
			since := c.Now()
			require.NoError(t, c.Enable(t.Context(), bad)) // its account is not connected
			require.NoError(t, c.Advance(3*time.Hour))
			runs, err := c.Runs(t.Context(), since, good, bad)
			require.NoError(t, err)
			status := map[string][]adobe.RunStatus{}
			for _, run := range runs {
				status[run.DataflowID] = append(status[run.DataflowID], run.Status)
				require.False(t, run.StartedAt.Before(since))
				if run.Status == adobe.RunSuccess {
					require.Positive(t, run.Activated)
					require.Empty(t, run.Errors)
				}
				if run.Status == adobe.RunFailed {
					require.Positive(t, run.Failed)
					require.NotEmpty(t, run.Errors)
				}
			}
			require.Contains(t, status[good], adobe.RunSuccess)
			require.NotContains(t, status[good], adobe.RunFailed)
			require.Contains(t, status[bad], adobe.RunFailed)
			require.NotContains(t, status[bad], adobe.RunSuccess)
			require.NotContains(t, slices.Concat(status[good], status[bad]), adobe.RunUnknown)
		})
	}
}

func TestContractTokens(t *testing.T) {
	t.Parallel()
	c := start(t)
	require.NoError(t, c.ExpireTokens("acme-client"))
	require.Len(t, c.dataflow(t, c.oldID, "Loyal customers").Audiences, 2)

	wrong := credential()
	wrong.ClientSecret = "wrong"
	_, err := c.client.Sandbox(wrong, "prod").Accounts(t.Context(), c.oldID)
	var refused *adobe.TokenError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "invalid_client", refused.Code)

	_, err = c.client.Sandbox(credential(), "nowhere").Accounts(t.Context(), c.oldID)
	require.ErrorIs(t, err, adobe.ErrNotFound)
	foreign := credential()
	foreign.Organization = "other@AdobeOrg"
	_, err = c.client.Sandbox(foreign, "prod").Accounts(t.Context(), c.oldID)
	var other *adobe.Error
	require.ErrorAs(t, err, &other)
	require.NotEmpty(t, other.Code)
}

func TestContractFaults(t *testing.T) {
	t.Parallel()
	type check func(*testing.T, error)
	refused := func(status int, wait time.Duration) check {
		return func(t *testing.T, err error) {
			t.Helper()
			var e *adobe.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, status, e.Status)
			require.Equal(t, wait, e.RetryAfter)
			require.NotEmpty(t, e.RequestID)
		}
	}
	transport := func(t *testing.T, err error) {
		t.Helper()
		var e *adobe.TransportError
		require.ErrorAs(t, err, &e)
	}
	malformed := func(t *testing.T, err error) {
		t.Helper()
		var e *adobe.MalformedError
		require.ErrorAs(t, err, &e)
	}
	for name, tc := range map[string]struct {
		fault   emulator.Fault
		check   check
		enabled bool // whether the change happened all the same
	}{
		"throttled":  {emulator.Fault{Effect: emulator.EffectStatus, Status: 429, RetryAfter: 7 * time.Second}, refused(429, 7*time.Second), false},
		"broken":     {emulator.Fault{Effect: emulator.EffectStatus, Status: 500}, refused(500, 0), false},
		"cut before": {emulator.Fault{Effect: emulator.EffectCutBefore}, transport, false},
		"cut after":  {emulator.Fault{Effect: emulator.EffectCutAfter}, transport, true},
		"HTML, 502":  {emulator.Fault{Effect: emulator.EffectHTML}, refused(502, 0), false},
		"HTML, 200":  {emulator.Fault{Effect: emulator.EffectHTML, Status: 200}, malformed, false},
		"truncated":  {emulator.Fault{Effect: emulator.EffectTruncated}, malformed, true},
		"redirect":   {emulator.Fault{Effect: emulator.EffectRedirect}, refused(302, 0), false},
		"token, once": {
			emulator.Fault{Effect: emulator.EffectExpiredToken, Times: 1},
			func(t *testing.T, err error) {
				t.Helper()
				require.NoError(t, err)
			}, true,
		},
		"token, always": {emulator.Fault{Effect: emulator.EffectExpiredToken}, refused(401, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			id := c.dataflow(t, c.newID, "Loyal customers").ID
			tc.fault.Route = "POST /flows/{id}/action"
			_, err := c.AddFault(tc.fault)
			require.NoError(t, err)
			tc.check(t, c.Enable(t.Context(), id))
			want := adobe.StateDisabled
			if tc.enabled {
				want = adobe.StateEnabled
			}
			require.Equal(t, want, c.dataflow(t, c.newID, "Loyal customers").State)
		})
	}
}
