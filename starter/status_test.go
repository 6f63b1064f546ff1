package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"cutover/internal/migration"
	"cutover/workflows"
)

func status(phase migration.Phase) *migration.Status {
	return &migration.Status{
		Organization: acme, Name: "Acme", Playbook: "pinterest-v5", Phase: phase, Since: noon.Add(-time.Hour), Stage: migration.Open,
		Guarantee: migration.Open.Guarantee(), Deadline: "re-authenticate", DeadlineAt: time.Date(2023, 12, 16, 8, 0, 0, 0, time.UTC),
		Reason: `2 dataflows on "old" set up before 2023-11-16T08:00:00Z`, PlanHash: "0011223344556677",
		Waits: []migration.Wait{{
			On: migration.OnOrganization, Who: "marketing@acme.example", What: `Reconnect OAuth of account "Acme" (acc-1) in sandbox prod`,
			Since: noon.Add(-time.Hour), By: time.Date(2023, 12, 16, 8, 0, 0, 0, time.UTC),
			Command: "starter signal reauth-completed --org " + acme + " --account acc-1 --by NAME",
		}},
		Accounts: []migration.AccountState{
			{Account: migration.Account{ID: "acc-1", Name: "Acme", Sandbox: "prod"}, Since: noon.Add(-time.Hour), Note: "the account has not changed"},
			{
				Account: migration.Account{ID: "acc-2", Name: "Acme EMEA", Sandbox: "emea"}, Verified: true, VerifiedAt: noon,
				LeaseEnd: noon.AddDate(0, 0, 30), Note: "authorized on 2023-12-01",
			},
		},
		Pairs: []migration.PairState{{
			Pair:     migration.Pair{Name: "Holiday\nshoppers", Sandbox: "emea", Account: "acc-2", Old: "old-1", New: "new-1", Action: migration.Switch},
			Progress: migration.Switched, SwitchedAt: noon, Note: "first flow run awaited",
		}},
		Choices:  map[string]string{"old-9": migration.LeaveOut},
		Problems: []migration.Problem{{At: noon, What: "the listing was cut short", Type: "Unavailable"}},
		Deeds:    []migration.Deed{{At: noon, By: "operator", What: "paused: audit"}},
	}
}

func TestStatusOfAll(t *testing.T) {
	t.Parallel()
	f := &fake{workflows: map[string]*fakeWorkflow{
		id(acme):                     {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, attributes: attributesOf(acme, migration.AwaitingReauth, "organization", 3)},
		id("AFTER@AdobeOrg"):         {state: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, attributes: attributesOf("AFTER@AdobeOrg", migration.Migrated, "", 0)},
		id("0CANCELLED1@AdobeOrg"):   {state: enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, attributes: attributesOf("0CANCELLED1@AdobeOrg", migration.Cancelled, "", 1)},
		id("0TERMINATED@AdobeOrg"):   {state: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, attributes: attributesOf("0TERMINATED@AdobeOrg", migration.Assessing, "", 1)},
		id("0ODDATTRIBUTE@AdobeOrg"): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, attributes: map[string]any{workflows.AttributeOpen.GetName(): "three"}},
	}}
	table, _ := f.bothFormats(t, "status", exitDone, withManifestFlag("status")...)
	require.Empty(t, table.stderr)
	got := f.ask(t, withManifestFlag("status", "-o", "csv")...)
	golden(t, "status.csv", got.stdout)
	require.Equal(t, "WorkflowType = 'MigrateOrganization' AND ExecutionStatus != 'ContinuedAsNew' AND CutoverPlaybook = 'pinterest-v5'", f.queries[0])

	f.queries = nil
	got = f.ask(t, "status")
	require.Equal(t, exitDone, got.code, "no manifest is needed")
	require.Contains(t, got.stdout, acme)
	require.NotContains(t, got.stdout, globex)
	require.Len(t, f.queries, 5, "every page was read")
	require.Equal(t, "WorkflowType = 'MigrateOrganization' AND ExecutionStatus != 'ContinuedAsNew'", f.queries[0])
}

func TestStatusOfNone(t *testing.T) {
	t.Parallel()
	f := &fake{}
	require.Equal(t, reply{exitDone, "No organization was started: starter start --all starts those of the manifest.\n", ""}, f.ask(t, "status"))
	require.Equal(t, reply{exitDone, "{\n  \"organizations\": []\n}\n", ""}, f.ask(t, "status", "-o", "json"))
}

func TestStatusOfOne(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, attributes: attributesOf(acme, migration.AwaitingReauth, "organization", 3),
		status: status(migration.AwaitingReauth),
	}}}
	table, _ := f.bothFormats(t, "status-one", exitDone, withManifestFlag("status", "--org", acme)...)
	require.Empty(t, table.stderr)
	got := f.ask(t, withManifestFlag("status", "--org", acme, "-o", "csv")...)
	require.Equal(t, 2, strings.Count(got.stdout, "\n"))
	require.Contains(t, got.stdout, ",AwaitingReauth,Open,2023-12-16T08:00:00Z,organization,3,")
}

func TestStatusFallsBackToSearchAttributes(t *testing.T) {
	t.Parallel()
	f := &fake{workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, attributes: attributesOf(acme, migration.Migrated, "", 0),
		result: workflows.Result{Outcome: migration.Migrated}, status: status(migration.Migrated),
	}}}
	table, _ := f.bothFormats(t, "status-no-worker", exitDone, "status", "--org", acme, "--playbook", "pinterest-v5")
	require.Equal(t, "warning: no worker polls task queue cutover: this is what search attributes tell\n", table.stderr)
	require.Zero(t, f.asked.Load(), "nothing is asked that nobody answers")

	f.polled = true
	f.workflows[id(acme)].status = nil
	got := f.ask(t, "status", "--org", acme, "--playbook", "pinterest-v5")
	require.Equal(t, exitDone, got.code)
	require.Equal(t, "warning: the workflow does not answer (query status: context deadline exceeded): this is what search attributes tell\n", got.stderr)
	require.Contains(t, got.stdout, "Phase       Migrated")
}

// eventful is an organization in which everything happened that a status must show.
func eventful() *migration.Status {
	day := 24 * time.Hour
	at := func(days int) time.Time { return noon.Add(time.Duration(days) * day) }
	s := status(migration.NeedsAttention)
	s.Timeline = migration.Timeline{Available: at(-15), ReauthenticateBy: at(15), Shutdown: at(49)}
	s.Waits[0] = migration.Wait{
		On: migration.OnOperator, Who: "operator", Since: noon.Add(-time.Hour), By: at(15),
		What:    `dataflow "Loyal" (5b7e5c7e-9d3f-4c0e-8a3a-1f0d5c7e9d3f): mapping differs: missing on the copy: person.email > email`,
		Command: "starter settle --by NAME --old 5b7e5c7e-9d3f-4c0e-8a3a-1f0d5c7e9d3f --answer accept --org " + acme,
	}
	s.Accounts[1].LeaseEnd, s.Accounts[1].RenewSince, s.Accounts[1].Verified = at(2), noon, true
	s.Accounts[0].ClaimedBy = "ben"
	set := func(name, old string, progress migration.Progress, change func(*migration.PairState)) migration.PairState {
		p := migration.PairState{Pair: pair(name, old, "new"+strings.TrimPrefix(old, "old")), Progress: progress}
		if progress == migration.Switched || progress == migration.Verified {
			p.SwitchedAt, p.RollbackUntil = at(-1), at(13)
		}
		change(&p)
		return p
	}
	s.Pairs = []migration.PairState{
		set("Passed", "old-1", migration.Verified, func(p *migration.PairState) {
			p.Verdict = &migration.RunVerdict{Status: migration.RunSucceeded, Run: "run-1", Activated: 812, Failed: 3, Expected: 900}
			for _, id := range []string{"g", "h", "i", "j"} {
				p.Carried = append(p.Carried, migration.Carried{At: at(-1), Carry: migration.Carry{Audience: migration.Audience{ID: id}, Remove: id == "h"}, Back: id == "i"})
			}
		}),
		set("Off", "old-2", migration.LeftOff, func(*migration.PairState) {}),
		set("Next", "old-3", migration.Ready, func(*migration.PairState) {}),
		set("Young", "old-4", migration.Switched, func(p *migration.PairState) {
			p.Verdict = &migration.RunVerdict{Status: migration.RunPending, Activated: 12, Reason: "12 of at least 100 identities so far: too few to tell"}
			p.Note = p.Verdict.Reason
		}),
		set("Slow", "old-5", migration.Switched, func(p *migration.PairState) {
			p.Verdict = &migration.RunVerdict{Status: migration.RunPending, Overdue: true, Reason: "no finished flow run yet"}
			p.Overdue = true
			p.Missed = &migration.Window{From: at(-4), To: at(-1)}
		}),
		set("Failing", "old-6", migration.Switched, func(p *migration.PairState) {
			p.Verdict = &migration.RunVerdict{Status: migration.RunFailed, Reason: "the flow run failed: ACTIVATION_STREAM-0401-FAILED"}
			p.Back = &migration.Deed{At: noon, By: migration.Itself, What: "the flow run failed"}
		}),
		set("Went back", "old-7", migration.WentBack, func(p *migration.PairState) { p.Note = "rolled back by operator: counts fell" }),
		set("Loyal", "5b7e5c7e-9d3f-4c0e-8a3a-1f0d5c7e9d3f", migration.Held, func(p *migration.PairState) {
			p.Drift = []migration.Drift{
				{Kind: migration.MappingDiffers, Item: "missing on the copy: person.email > email", Policy: migration.Ask},
				{Kind: migration.NameDiffers, Item: "Loyal is now Loyals", Policy: migration.Ignore},
			}
			p.Hold = "mapping differs: missing on the copy: person.email > email"
			p.Note = p.Hold
		}),
		set("Silent", "old-9", migration.Held, func(p *migration.PairState) {
			p.Note, p.Missed = "its account acc-9 is not listed", &migration.Window{From: at(-4)}
		}),
	}
	s.Consents = []migration.Consent{{At: at(-1), By: "operator", Plan: "0011223344556677"}}
	s.Notices = []migration.Sent{{At: at(-2), Kind: migration.NoticeStart, To: []string{"marketing@acme.example"}}, {At: noon, Kind: migration.NoticeAttention}}
	return s
}

func TestStatusShowsWhatHappened(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, attributes: attributesOf(acme, migration.NeedsAttention, "operator", 5), status: eventful(),
	}}}
	f.width = 100
	got := f.ask(t, withManifestFlag("status", "--org", acme)...)
	require.Equal(t, exitDone, got.code, got.stderr)
	golden(t, "status-full.txt", got.stdout)
	for line := range strings.Lines(got.stdout) {
		if !strings.Contains(line, "  type") && !strings.Contains(line, "http://") {
			require.LessOrEqual(t, len(line), f.width+1, line)
		}
	}

	f.width = 0
	got = f.ask(t, withManifestFlag("status", "--org", acme)...)
	require.Contains(t, got.stdout, "  operator: "+eventful().Waits[0].What+"\n", "a pipe gets whole lines, to be searched")
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for want, length := range map[string]time.Duration{"30 days": 30*24*time.Hour + time.Minute, "47 hours": 48*time.Hour - time.Second, "119 minutes": 2*time.Hour - time.Second} {
		require.Equal(t, want, span(length))
	}
}

func TestLongLinesAreBrokenBetweenWords(t *testing.T) {
	t.Parallel()
	wrapped := func(text string) string {
		var out strings.Builder
		wrap(screen{&out, 100}, text, 4)
		return out.String()
	}
	word, long := strings.Repeat("x", 60), strings.Repeat("y", 140)
	require.Equal(t, "  "+word+"\n    "+word+" y\n", wrapped("  "+word+" "+word+" y"))
	require.Equal(t, long+"\n", wrapped(long), "an id stays whole")
	require.Equal(t, "  "+long+"\n    z\n", wrapped("  "+long+" z"))
	require.Equal(t, "short\n", wrapped("short"))
	_, terminal := onScreen(&strings.Builder{}).(screen)
	require.False(t, terminal)
}
