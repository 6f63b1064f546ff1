package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/internal/migration"
	"cutover/workflows"
)

func errorOf(t *testing.T, r reply) errorBody {
	t.Helper()
	var answer errorAnswer
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &answer), r.stdout)
	require.Equal(t, "starter: "+answer.Error.Message+"\n", r.stderr)
	return answer.Error
}

func TestWrongCommandLinesSayWhatToDo(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"bogus":               `unknown argument "bogus" (see starter --help)`,
		"start":               "give either --org ID or --all: what to start must be said",
		"start --all":         "no manifest at organizations.yaml: give --manifest FILE (organizations.example.yaml shows one)",
		"start --all --org A": "give either --org ID or --all: what to start must be said",
		"start all":           `unknown argument "all" (see starter start --help)`,
		"start --nope":        "unknown flag: --nope (see starter start --help)",
		"start --all -o csv":  `flag --output is "csv": use table or json`,
		"start --org acme --manifest " + exampleManifest: `flag --org: organization "acme" is not in the manifest ` + exampleManifest + "; did you mean " + acme + "?",
		"status -o xml":                          `flag --output is "xml": use table or json or csv`,
		"status --org":                           "flag needs an argument: --org (see starter status --help)",
		"status --org=":                          "flag --org is missing: give the organization's id, such as --org 1A2B3C4D5E6F@AdobeOrg",
		"status --playbook Bad":                  `flag --playbook: "Bad" is neither a playbook's name nor a path ending in .yaml`,
		"status --org A --playbook p":            `flag --org: "A" is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg`,
		"status --org A@AdobeOrg --playbook x'y": `flag --playbook: "x'y" is neither a playbook's name nor a path ending in .yaml`,
		"validate --playbook gone.yaml --manifest " + exampleManifest: "flag --playbook: no file at gone.yaml",
		"validate --manifest testdata":                                "testdata is not a file: give --manifest FILE",
		"status --manifest absent.yaml":                               "no manifest at absent.yaml: give --manifest FILE (organizations.example.yaml shows one)",
		"plan":                                                        "flag --org is missing: give the organization's id, such as --org 1A2B3C4D5E6F@AdobeOrg",
		"signal":                                                      "say what happened (see starter signal --help)",
		"signal reauth-completed --org A":                             "flag --account is missing: give the account's id, as starter status --org ID lists it",
		"signal reauth-completed --org A --account B":                 "flag --by is missing: give who acts, such as --by ana",
		"approve --org A --by x":                                      "flag --plan is missing: give the hash that starter plan --org ID prints",
		"pause --org A --by x":                                        "flag --reason is missing: give why, for whoever looks later",
		"resume --org A":                                              "flag --by is missing: give who acts, such as --by ana",
		"pair --org A --by x --old B":                                 "flag --new is missing: give the id of its copy, or none to leave it out",
		"reschedule --org A --by x --reason y":                        "give --reauthenticate-by INSTANT, --shutdown INSTANT or both",
		"reschedule --org A --by x --reason y --shutdown tomorrow":    `flag --shutdown is "tomorrow": give an instant such as 2024-01-19T08:00:00Z`,
		"cancel --org A":                                              "flag --yes is missing: a cancelled migration does not go on, it must be started anew (starter pause only holds it)",
		"validate --manifest " + exampleManifest + " --playbook pinterest-v9": `flag --playbook: "pinterest-v9" is unknown; there is pinterest-v5, or give the path of a file ending in .yaml`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			got := offline(t, strings.Fields(line)...)
			require.Equal(t, reply{exitUsage, "", "starter: " + want + "\n"}, got)
		})
	}
}

func TestErrorsForPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest := filepath.Join(dir, "m.yaml")
	require.NoError(t, os.WriteFile(manifest, []byte("playbook: pinterest-v5\norganizations: [{id: x, name: X, credential: x}]\n"), 0o600))
	body := errorOf(t, offline(t, "validate", "--manifest", manifest, "-o", "json"))
	require.Equal(t, kindUsage, body.Kind)
	require.Equal(t, []faultBody{{
		File: manifest, Line: 2, Path: "organizations[0].id", Text: `"x" must end in @AdobeOrg: it is the IMS organization id`,
	}}, body.Faults)

	for _, form := range []string{"-o json", "-ojson", "-o=json", "--output json", "--output=json"} {
		body := errorOf(t, offline(t, append([]string{"start", "--nope"}, strings.Fields(form)...)...))
		require.Equal(t, errorBody{Kind: kindUsage, Message: "unknown flag: --nope (see starter start --help)"}, body)
	}

	down := &fake{down: serviceerror.NewUnavailable("down")}
	got := down.ask(t, withManifestFlag("status", "-o", "json")...)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, errorBody{Kind: kindFailed, Message: "list the workflows: down"}, errorOf(t, got))
}

func TestOfflineCommands(t *testing.T) {
	t.Parallel()
	got := offline(t, "search-attributes")
	require.Equal(t, exitDone, got.code, got.stderr)
	golden(t, "search-attributes.txt", got.stdout)
	golden(t, "search-attributes.json", offline(t, "search-attributes", "-o", "json").stdout)

	got = offline(t, withManifestFlag("validate")...)
	require.Equal(t, exitDone, got.code, got.stderr)
	golden(t, "validate.txt", got.stdout)
	var valid validateAnswer
	require.NoError(t, json.Unmarshal([]byte(offline(t, withManifestFlag("validate", "-o", "json")...).stdout), &valid))
	require.Equal(t, exampleManifest, valid.Manifest)
	require.Equal(t, "pinterest-v5", valid.Playbook.Name)
	require.Len(t, valid.Organizations, 2)

	got = offline(t, "version")
	require.Equal(t, exitDone, got.code)
	require.Regexp(t, `^starter .+ \(go1.+, Temporal SDK 1\..+\)\n$`, got.stdout)
	require.JSONEq(t, `{"version":"`+strings.TrimSuffix(strings.TrimPrefix(got.stdout, "starter "), "\n")+`"}`, offline(t, "version", "-o", "json").stdout)
}

func TestHelpDocumentsCodesAndOutput(t *testing.T) {
	t.Parallel()
	got := offline(t, "--help")
	require.Equal(t, exitDone, got.code)
	for _, want := range []string{"Exit codes: 0 done, 1 failed, 2 wrong", "TEMPORAL_ADDRESS", "CUTOVER_WEB_URL", `{"error": {"kind": ..., "message": ...}}`} {
		require.Contains(t, got.stdout, want)
	}
	for _, k := range []kind{kindUsage, kindFailed, kindUnreachable, kindNotStarted, kindFinished, kindRefused, kindNoWorker} {
		require.Contains(t, got.stdout, string(k))
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	got := offline(t, withManifestFlag("__complete", "status", "--org", "")...)
	require.Equal(t, exitDone, got.code)
	require.NotContains(t, got.stdout, acme, "flags after the word to complete are not read: the manifest is the default one")
	got = offline(t, "__complete", "--manifest", exampleManifest, "signal", "reauth-completed", "--org", "")
	require.Contains(t, got.stdout, acme+"\tAcme\n"+globex+"\tGlobex\n")
	require.Contains(t, offline(t, "__complete", "status", "--playbook", "").stdout, "pinterest-v5\n")
	require.Contains(t, offline(t, "completion", "bash").stdout, "__start_starter")
}

func TestStartTellsTheTruth(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true}
	table, _ := f.bothFormatsOf(t, "start", []string{"started", "running"}, withManifestFlag("start", "--all")...)
	require.Empty(t, table.stderr)
	require.Len(t, f.starts, 4)
	require.Equal(t, workflows.TaskQueue, f.starts[0].TaskQueue)
	require.Equal(t, "Acme: Pinterest v4 to v5", f.startOf(acme).StaticSummary)

	f.workflows[id(acme)].state = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	f.workflows[id(acme)].result = workflows.Result{Outcome: migration.Migrated}
	f.workflows[id(globex)].state = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	f.workflows[id(globex)].result = workflows.Result{Outcome: migration.NotAffected}
	f.bothFormats(t, "start-finished", exitDone, withManifestFlag("start", "--all")...)
}

// bothFormatsOf runs a command that changes what it shows: the table first, then the JSON of doing it again.
func (f *fake) bothFormatsOf(t *testing.T, name string, states []string, args ...string) (table, json reply) {
	t.Helper()
	table = f.ask(t, args...)
	require.Equal(t, exitDone, table.code, table.stderr)
	golden(t, name+"-"+states[0]+".txt", table.stdout)
	json = f.ask(t, append(args, "-o", "json")...)
	require.Equal(t, exitDone, json.code, json.stderr)
	golden(t, name+"-"+states[1]+".json", json.stdout)
	return table, json
}

func (f *fake) startOf(organization string) client.StartWorkflowOptions {
	for _, options := range f.starts {
		if options.ID == id(organization) {
			return options
		}
	}
	return client.StartWorkflowOptions{}
}

func TestStartOfSome(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true}
	got := f.ask(t, withManifestFlag("start", "--org", globex)...)
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.stdout, "1 started")
	require.Contains(t, f.workflows, id(globex))
	require.NotContains(t, f.workflows, id(acme))
}

func TestStartWarnsWithoutAWorker(t *testing.T) {
	t.Parallel()
	f := &fake{}
	got := f.ask(t, withManifestFlag("start", "--all")...)
	require.Equal(t, exitDone, got.code)
	require.Equal(t, "warning: no worker polls task queue cutover in namespace default: the workflows wait until one does (run: worker)\n", got.stderr)
	require.Contains(t, f.ask(t, withManifestFlag("start", "--all", "-o", "json")...).stdout, `"worker_polling": false`)
}

func TestStartDoesNotWarnWhenNothingWaits(t *testing.T) {
	t.Parallel()
	f := &fake{startErr: map[string]error{id(globex): errFull}, workflows: map[string]*fakeWorkflow{
		id(acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, result: workflows.Result{Outcome: migration.Migrated}},
	}}
	got := f.ask(t, withManifestFlag("start", "--all")...)
	require.Equal(t, "starter: 1 of 2 organizations could not be started: the result says why\n", got.stderr)
	require.Contains(t, got.stdout, "1 already finished, 1 failed")
}

func TestANamespaceWithoutSearchAttributes(t *testing.T) {
	t.Parallel()
	const advice = "namespace default: search attributes are missing or of another type: create them (starter search-attributes lists them): "
	f := &fake{down: serviceerror.NewInvalidArgument("invalid query: column name 'CutoverPlaybook' is not a valid search attribute")}
	got := f.ask(t, withManifestFlag("status")...)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "starter: list the workflows: "+advice+"invalid query: column name 'CutoverPlaybook' is not a valid search attribute\n", got.stderr)

	f = &fake{polled: true, startErr: map[string]error{
		id(acme): serviceerror.NewInvalidArgument("Namespace default has no mapping defined for search attribute CutoverDeadline"),
	}}
	got = f.ask(t, withManifestFlag("start", "--org", acme)...)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stdout, advice+"Namespace default has no mapping defined for search attribute CutoverDeadline")
	require.Contains(t, (&fake{down: serviceerror.NewInvalidArgument("invalid page size")}).ask(t, "status").stderr, "list the workflows: invalid page size")
}

func TestStartGoesOnAfterAFailureAndExits1(t *testing.T) {
	t.Parallel()
	f := &fake{polled: true, startErr: map[string]error{id(acme): errFull}}
	_, result := f.bothFormatsFailing(t, "start-failed", withManifestFlag("start", "--all")...)
	require.Contains(t, f.workflows, id(globex), "the others are started")
	require.Equal(t, "starter: 1 of 2 organizations could not be started: the result says why\n", result.stderr)
	require.NotContains(t, result.stdout, `"kind"`, "one JSON value: the result tells of the failure")
}

func (f *fake) bothFormatsFailing(t *testing.T, name string, args ...string) (table, json reply) {
	t.Helper()
	f.workflows = map[string]*fakeWorkflow{id(globex): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}}
	return f.bothFormats(t, name, exitFailed, args...)
}

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
		Deeds:    []migration.Deed{{At: noon, By: "ana", What: "paused: audit"}},
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
	require.Zero(t, f.asked, "nothing is asked that nobody answers")

	f.polled = true
	f.workflows[id(acme)].status = nil
	got := f.ask(t, "status", "--org", acme, "--playbook", "pinterest-v5")
	require.Equal(t, exitDone, got.code)
	require.Equal(t, "warning: the workflow does not answer (query status: context deadline exceeded): this is what search attributes tell\n", got.stderr)
	require.Contains(t, got.stdout, "Phase     Migrated")
}

func plan(hash string, pairs ...migration.Pair) migration.Plan {
	return migration.Plan{Hash: hash, Order: migration.EnableFirst, Pairs: pairs, MadeAt: noon}
}

func pair(name, old, copied string) migration.Pair {
	return migration.Pair{Name: name, Sandbox: "prod", Account: "acc-1", Old: old, New: copied, Fingerprint: "f", Action: migration.Switch}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	made := plan("aaaa", pair("Holiday", "old-1", "new-1"), pair("Loyal", "old-2", "new-2"))
	made.Pairs[1].Drift = []migration.Drift{{Kind: migration.AudienceMissing, Item: `"Gold" (g)`}}
	made.Pairs[1].Hold = `audience missing on the copy: "Gold" (g)`
	made.Questions = []migration.Question{
		{Old: "old-3", Name: "News", Sandbox: "prod", Candidates: []string{"new-3", "new-4"}, Why: "several dataflows fit"},
		{Old: "old-4", Name: "Lost", Sandbox: "prod", Why: "no dataflow has its name"},
	}
	made.Left = []string{"old-9"}
	f := &fake{polled: true, plans: []planned{{plan: made}, {plan: made}}}
	table, _ := f.bothFormats(t, "plan", exitDone, withManifestFlag("plan", "--org", acme)...)
	require.Empty(t, table.stderr)
	require.Empty(t, f.previews[0].Choices)
	require.Equal(t, acme, f.previews[0].Organization.ID)

	f.plans = []planned{{plan: plan("eeee")}}
	got := f.ask(t, withManifestFlag("plan", "--org", acme)...)
	require.Contains(t, got.stdout, "Nothing would be toggled.\n\nNo dataflow on the old card.")
}

func TestPlanTakesOverTheAnswersOfTheRunningMigration(t *testing.T) {
	t.Parallel()
	current := status(migration.Planning)
	current.Choices, current.PlanHash = map[string]string{"old-3": "new-4", "old-9": migration.LeaveOut}, "cccc"
	running := &fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, status: current}
	f := &fake{polled: true, plans: []planned{{plan: plan("dddd", pair("News", "old-3", "new-4"))}}, workflows: map[string]*fakeWorkflow{id(acme): running}}
	args := withManifestFlag("plan", "--org", acme)
	got := f.ask(t, args...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Empty(t, got.stderr)
	require.Len(t, f.previews, 1)
	require.Equal(t, current.Choices, f.previews[0].Choices)
	require.Contains(t, got.stdout, "Plan dddd of Acme")
	require.Contains(t, got.stdout, "The running migration follows plan cccc and plans again before it changes anything.")

	f.plans = []planned{{plan: plan("dddd")}}
	var answer planAnswer
	require.NoError(t, json.Unmarshal([]byte(f.ask(t, append(args, "-o", "json")...).stdout), &answer))
	require.Equal(t, current.Choices, answer.Choices)
	require.Equal(t, "cccc", answer.CurrentHash)

	// One that has ended is started anew without its answers.
	running.state = enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
	f.plans, f.previews = []planned{{plan: plan("eeee")}}, nil
	got = f.ask(t, args...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Empty(t, f.previews[0].Choices)
	require.NotContains(t, got.stdout, "cccc")
}

func TestPlanSaysWhenAnswersAreUnknown(t *testing.T) {
	t.Parallel()
	f := &fake{
		polled: true, plans: []planned{{plan: plan("dddd")}},
		workflows: map[string]*fakeWorkflow{id(acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}},
	}
	got := f.ask(t, withManifestFlag("plan", "--org", acme)...)
	require.Equal(t, exitDone, got.code)
	require.Equal(t, "warning: the running migration does not tell what it was answered (query status: context deadline exceeded): the plan is made without\n", got.stderr)
	require.Contains(t, got.stdout, "Plan dddd of Acme")
}

func TestPlanFailures(t *testing.T) {
	t.Parallel()
	f := &fake{}
	got := f.ask(t, withManifestFlag("plan", "--org", acme, "-o", "json")...)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, errorBody{
		Kind: kindNoWorker, Message: "no worker polls task queue cutover in namespace default: start one (run: worker) and try again",
	}, errorOf(t, got))
	require.Empty(t, f.previews, "nothing hangs on a worker that is not there")

	for want, err := range map[string]error{
		"plan of " + acme + ": credential acme is unknown":                                                     sdk.NewApplicationError("credential acme is unknown", "Misconfigured"),
		"plan of " + acme + ": the vendor gave no full answer in time: try again, or look at the worker's log": sdk.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil),
		"plan of " + acme + ": resource exhausted: xxx":                                                        errFull,
	} {
		f := &fake{polled: true, plans: []planned{{err: err}}}
		require.Equal(t, reply{exitFailed, "", "starter: " + want + "\n"}, f.ask(t, withManifestFlag("plan", "--org", acme)...))
	}
}

// decisions are one command line per update, what must reach the workflow, and what a person reads.
func decisions() map[string]struct {
	args []string
	name string
	arg  any
	done string
} {
	type decision = struct {
		args []string
		name string
		arg  any
		done string
	}
	return map[string]decision{
		"approve": {[]string{"approve", "--plan", "abcd"}, workflows.UpdateApprove, workflows.Approve{By: "ana", Plan: "abcd"}, "approved"},
		"pause":   {[]string{"pause", "--reason", "audit"}, workflows.UpdatePause, workflows.Pause{By: "ana", Reason: "audit"}, "paused"},
		"resume": {
			[]string{"resume", "--note", "done", "--accept-listed"},
			workflows.UpdateResume,
			workflows.Resume{By: "ana", Note: "done", AcceptListed: true},
			"resumed",
		},
		"pair": {[]string{"pair", "--old", "old-1", "--new", "none"}, workflows.UpdatePair, workflows.Choose{By: "ana", Old: "old-1", New: "none"}, "answered"},
		"reschedule": {
			[]string{"reschedule", "--reason", "agreed", "--shutdown", "2024-02-01T00:00:00-08:00"},
			workflows.UpdateReschedule,
			workflows.Reschedule{By: "ana", Reason: "agreed", Shutdown: time.Date(2024, 2, 1, 8, 0, 0, 0, time.UTC)},
			"rescheduled",
		},
	}
}

func TestDecisionsReachTheWorkflow(t *testing.T) {
	t.Parallel()
	for name, d := range decisions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gotName string
			var gotArg any
			f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
				state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
				update: func(name string, arg any) (any, error) {
					gotName, gotArg = name, arg
					return status(migration.Planning), nil
				},
			}}}
			args := withManifestFlag(append(d.args, "--org", acme, "--by", "ana")...)
			require.Equal(t, reply{exitDone, acme + ": " + d.done + "; phase Planning\n", ""}, f.ask(t, args...))
			require.Equal(t, d.name, gotName)
			require.Equal(t, d.arg, gotArg)

			var answer updateAnswer
			got := f.ask(t, append(args, "-o", "json")...)
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &answer))
			require.Equal(t, updateAnswer{Organization: acme, WorkflowID: id(acme), Action: d.name, Status: *status(migration.Planning)}, answer)

			f.workflows[id(acme)].update = func(string, any) (any, error) {
				return nil, sdk.NewApplicationError("nothing is paused or held", "")
			}
			got = f.ask(t, append(args, "-o", "json")...)
			require.Equal(t, exitFailed, got.code)
			require.Equal(t, errorBody{Kind: kindRefused, Message: acme + " refused " + d.name + ": nothing is paused or held"}, errorOf(t, got))
		})
	}
}

func TestDecisionsThatNobodyTakes(t *testing.T) {
	t.Parallel()
	args := withManifestFlag("pause", "--org", acme, "--by", "ana", "--reason", "audit", "-o", "json")
	body := func(f *fake) errorBody {
		t.Helper()
		got := f.ask(t, args...)
		require.Equal(t, exitFailed, got.code)
		return errorOf(t, got)
	}
	with := func(w *fakeWorkflow) *fake {
		return &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): w}}
	}

	require.Equal(t, errorBody{
		Kind: kindNotStarted, Message: acme + " has no workflow for playbook pinterest-v5: start it with: starter start --org " + acme,
	}, body(&fake{polled: true}))

	require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + acme + " has already finished (Migrated)"},
		body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, result: workflows.Result{Outcome: migration.Migrated}})))

	require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + acme + " has already finished (terminated)"},
		body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED})))

	idle := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING})
	idle.polled = false
	require.Equal(t, kindNoWorker, body(idle).Kind)
	require.Zero(t, idle.asked, "it does not hang on a worker that is not there")

	ended := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED})
	ended.polled = false
	require.Equal(t, errorBody{Kind: kindFinished, Message: "the migration of " + acme + " has already finished (cancelled)"}, body(ended),
		"starting a worker would not help")

	late := client.NewWorkflowUpdateServiceTimeoutOrCanceledError(serviceerror.NewDeadlineExceeded("late"))
	require.Equal(t, errorBody{
		Kind: kindNoWorker, Message: "no worker answered for " + acme + " within 15s: look at the worker's log, then at starter status --org " + acme,
	}, body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, updateErr: late})))

	slow := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, update: func(string, any) (any, error) { return nil, late }})
	require.Equal(t, errorBody{
		Kind: kindFailed, Message: "pause of " + acme + " was accepted and is not done after 15s: look at starter status --org " + acme,
	}, body(slow))

	require.Equal(t, errorBody{Kind: kindFailed, Message: "pause of " + acme + ": resource exhausted: xxx"},
		body(with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, updateErr: errFull})))

	between := with(&fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, between: 2, updateErr: errFull})
	require.Equal(t, "pause of "+acme+": resource exhausted: xxx", body(between).Message, "a workflow that continues as new is asked again")
	require.Equal(t, 3, between.asked)
}

func TestSignalWorksWithoutAWorker(t *testing.T) {
	t.Parallel()
	f := &fake{workflows: map[string]*fakeWorkflow{id(acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}}}
	args := withManifestFlag("signal", "reauth-completed", "--org", acme, "--account", "acc-1", "--by", "ana", "--note", "phone")
	require.Equal(t, reply{
		exitDone, acme + ": told that account acc-1 was re-authenticated; it is looked at next\n",
		"warning: no worker polls task queue cutover in namespace default: the signal waits until one does (run: worker)\n",
	}, f.ask(t, args...))
	require.Equal(t, []any{workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: "acc-1", By: "ana", Note: "phone"}}, f.signals)

	f.polled = true
	got := f.ask(t, append(args, "-o", "json")...)
	require.JSONEq(t, `{"organization":"`+acme+`","workflow_id":"`+id(acme)+`","account":"acc-1","sent":true}`, got.stdout)
	require.Empty(t, got.stderr)

	f.workflows[id(acme)].state = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	f.workflows[id(acme)].result.Outcome = migration.Migrated
	require.Equal(t, reply{exitFailed, "", "starter: the migration of " + acme + " has already finished (Migrated)\n"}, f.ask(t, args...))
	require.Equal(t, reply{exitFailed, "", "starter: " + acme + " has no workflow for playbook pinterest-v5: start it with: starter start --org " + acme + "\n"},
		(&fake{}).ask(t, args...))
}

func TestSignalConfirm(t *testing.T) {
	t.Parallel()
	answer := workflows.AccountAnswer{Account: "acc-1", Verified: true, Reason: "authorized on 2023-12-01"}
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		update: func(name string, arg any) (any, error) {
			if name != workflows.UpdateReauthCompleted || arg != (workflows.ReauthCompleted{Account: "acc-1", By: "ana"}) {
				return nil, errFull
			}
			return answer, nil
		},
	}}}
	args := withManifestFlag("signal", "reauth-completed", "--org", acme, "--account", "acc-1", "--by", "ana", "--confirm")
	require.Equal(t, reply{exitDone, acme + ": account acc-1 is verified: authorized on 2023-12-01\n", ""}, f.ask(t, args...))
	require.Empty(t, f.signals)

	answer = workflows.AccountAnswer{Account: "acc-1", Reason: "the account has not changed"}
	require.Equal(t, reply{
		exitFailed, acme + ": account acc-1 is not verified: the account has not changed\n",
		"starter: account acc-1 of " + acme + " is not verified: the account has not changed; " +
			"sign in to it (Adobe: Destinations > Accounts > Reconnect OAuth) and say so again\n",
	}, f.ask(t, args...))
	got := f.ask(t, append(args, "-o", "json")...)
	require.Equal(t, exitFailed, got.code)
	require.JSONEq(t, `{"organization":"`+acme+`","workflow_id":"`+id(acme)+`","account":"acc-1","sent":true,
		"answer":{"account":"acc-1","verified":false,"reason":"the account has not changed"}}`, got.stdout)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	f := &fake{workflows: map[string]*fakeWorkflow{id(acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}}}
	args := withManifestFlag("cancel", "--org", acme, "--yes")
	require.Equal(t, reply{exitDone, acme + ": asked to end; dataflows stay as they are\n", ""}, f.ask(t, args...))
	require.Equal(t, []string{id(acme) + " run-1"}, f.cancelled)
	f.workflows[id(acme)].state = enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
	require.Equal(t, reply{exitFailed, "", "starter: the migration of " + acme + " has already finished (cancelled)\n"}, f.ask(t, args...))
	require.Equal(t, exitFailed, (&fake{}).ask(t, args...).code)
}

func TestPlaybookOfTheFlagNamesTheWorkflow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.yaml")
	require.NoError(t, os.WriteFile(path, []byte(rehearsalPlaybook), 0o600))
	for _, playbook := range []string{"rehearsal", path} {
		f := &fake{polled: true, workflows: map[string]*fakeWorkflow{
			workflows.WorkflowID("rehearsal", acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, status: status(migration.Planning)},
		}}
		got := f.ask(t, "status", "--org", acme, "--playbook", playbook)
		require.Equal(t, exitDone, got.code, got.stderr)
		got = f.ask(t, "status", "--playbook", playbook)
		require.Equal(t, exitDone, got.code, got.stderr)
		require.Contains(t, f.queries[0], "CutoverPlaybook = 'rehearsal'")
	}
}

func TestTablesKeepTheirLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeTable(&out, [][]string{{"A", "B"}, {"x\ny\x1b[31m", ""}})
	require.Equal(t, "A         B\nx y [31m  -\n", out.String())
}

func TestProgressIsForTerminalsOnly(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, a := range []*app{{stderr: &out}, {stderr: &out, terminal: true}} {
		for _, n := range []int{1, 3} {
			out.Reset()
			tick, done := a.progress(n, "starting")
			tick()
			done()
			require.Equal(t, a.terminal && n > 1, out.Len() > 0)
		}
	}
}

const rehearsalPlaybook = `name: rehearsal
title: A rehearsal
cards:
  old: {names: ["(Deprecating) Pinterest", "(Deprecated) Pinterest"]}
  new: {names: ["(New) Pinterest", "Pinterest"]}
dates: {available: "-1h", reauthenticate_by: +1h, shutdown: +2h}
reauthentication: {needed: true, poll: 1s}
verification: {within: 30s, poll: 1s}
`

func TestAPlaybookThatIsNotThereHasItsPlaceInTheManifest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"nope":      `"nope" is unknown; there is pinterest-v5, or give the path of a file ending in .yaml`,
		"nope.yaml": "no file at DIR/nope.yaml; a path counts from the manifest's folder",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "m.yaml")
		require.NoError(t, os.WriteFile(path, []byte("organizations: [{id: "+acme+", name: A, credential: a}]\nplaybook: "+name+"\n"), 0o600))
		for _, line := range []string{"validate", "start --all", "plan --org " + acme} {
			body := errorOf(t, offline(t, append(strings.Fields(line), "--manifest", path, "-o", "json")...))
			text := strings.ReplaceAll(want, "DIR", dir)
			require.Equal(t, errorBody{
				Kind: kindUsage, Message: path + ":2: playbook: " + text, Faults: []faultBody{{File: path, Line: 2, Path: "playbook", Text: text}},
			}, body)
		}
	}

	// A name goes into a query: one that cannot be a name is refused before.
	path := filepath.Join(t.TempDir(), "m.yaml")
	require.NoError(t, os.WriteFile(path, []byte("playbook: x'y\norganizations: [{id: "+acme+", name: A, credential: a}]\n"), 0o600))
	for _, line := range []string{"status", "status --org " + acme, "cancel --yes --org " + acme} {
		got := offline(t, append(strings.Fields(line), "--manifest", path)...)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.stderr, path+`:1: playbook: "x'y" is unknown`)
	}
}
