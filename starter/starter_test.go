package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"cutover/internal/migration"
	"cutover/workflows"
)

// again is what a command's advice repeats.
const again = " --manifest " + exampleManifest

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
		"signal reauth-completed --org A --account B":                 "flag --by is missing: give who acts, such as --by operator",
		"approve --org A --by x":                                      "flag --plan is missing: give the hash that starter plan --org ID prints",
		"pause --org A --by x":                                        "flag --reason is missing: give why, for whoever looks later",
		"stop --by x":                                                 "flag --reason is missing: give why, for whoever looks later",
		"stop --reason y":                                             "flag --by is missing: give who acts, such as --by operator",
		"stop --by x --reason y -o csv":                               `flag --output is "csv": use table or json`,
		"release":                                                     "flag --by is missing: give who acts, such as --by operator",
		"resume --org A":                                              "flag --by is missing: give who acts, such as --by operator",
		"pair --org A --by x --old B":                                 "flag --new is missing: give the id of its copy, or none to leave it out",
		"reschedule --org A --by x --reason y":                        "give --reauthenticate-by INSTANT, --shutdown INSTANT or both",
		"reschedule --org A --by x --reason y --shutdown tomorrow": `flag --shutdown is "tomorrow": give an instant such as 2024-01-19T08:00:00Z`,
		"plan --org A -o csv":                          `flag --output is "csv": use table or json or markdown`,
		"report -o markdown":                           `flag --output is "markdown": use table or json or html or csv`,
		"report --out=":                                "flag --out is missing: give the file to write, such as --out progress.html",
		"settle --org A --by x --answer carry":         "flag --old is missing: give the old dataflow's id, as starter plan --org ID prints it",
		"settle --org A --by x --old B":                "flag --answer is missing: give carry or accept",
		"settle --org A --by x --old B --answer maybe": `flag --answer is "maybe": use carry or accept`,
		"settle --org A --old B --answer carry":        "flag --by is missing: give who acts, such as --by operator",
		"rollback --org A --by x":                      "flag --reason is missing: give why, for whoever looks later",
		"rollback --org A --reason y":                  "flag --by is missing: give who acts, such as --by operator",
		"rollback --org A all --by x --reason y":       `unknown argument "all" (see starter rollback --help)`,
		"cancel --org A":                               "flag --yes is missing: a cancelled migration does not go on, it must be started anew (starter pause only holds it)",
		"validate --manifest " + exampleManifest + " --playbook pinterest-v9": `flag --playbook: "pinterest-v9" is unknown; there is amazon-s3, pinterest-v5, or give the path of a file ending in .yaml`,
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

func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"start", "plan", "status", "report", "signal reauth-completed", "approve", "pair", "settle", "rollback", "pause", "resume", "stop", "release", "reschedule", "cancel", "validate",
	} {
		got := offline(t, append(strings.Fields(command), "--help")...)
		require.Equal(t, exitDone, got.code, command)
		require.Contains(t, got.stdout, "Examples:\n  starter "+command, command)
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
	require.Contains(t, offline(t, "__complete", "status", "--playbook", "").stdout, "amazon-s3\n")
	require.Contains(t, offline(t, "__complete", "settle", "--answer", "").stdout, "carry\naccept\n")
	require.Contains(t, offline(t, "__complete", "plan", "-o", "").stdout, "table\njson\nmarkdown\n")
	require.Contains(t, offline(t, "__complete", "report", "-o", "").stdout, "table\njson\nhtml\ncsv\n")
	require.NotContains(t, offline(t, "__complete", "start", "-o", "").stdout, "csv")
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

func TestSignalWorksWithoutAWorker(t *testing.T) {
	t.Parallel()
	f := &fake{workflows: map[string]*fakeWorkflow{id(acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}}}
	args := withManifestFlag("signal", "reauth-completed", "--org", acme, "--account", "acc-1", "--by", "operator", "--note", "phone")
	require.Equal(t, reply{
		exitDone, acme + ": told that account acc-1 was re-authenticated; it is looked at next\n",
		"warning: no worker polls task queue cutover in namespace default: the signal waits until one does (run: worker)\n",
	}, f.ask(t, args...))
	require.Equal(t, []any{workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: "acc-1", By: "operator", Note: "phone"}}, f.signals)

	f.polled = true
	got := f.ask(t, append(args, "-o", "json")...)
	require.JSONEq(t, `{"organization":"`+acme+`","workflow_id":"`+id(acme)+`","account":"acc-1","sent":true}`, got.stdout)
	require.Empty(t, got.stderr)

	f.workflows[id(acme)].state = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	f.workflows[id(acme)].result.Outcome = migration.Migrated
	require.Equal(t, reply{exitFailed, "", "starter: the migration of " + acme + " has already finished (Migrated)\n"}, f.ask(t, args...))
	require.Equal(t, reply{exitFailed, "", "starter: " + acme + " has no workflow for playbook pinterest-v5: start it with: starter start --org " + acme + again + "\n"},
		(&fake{}).ask(t, args...))
}

func TestSignalConfirm(t *testing.T) {
	t.Parallel()
	answer := workflows.AccountAnswer{Account: "acc-1", Verified: true, Reason: "authorized on 2023-12-01"}
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{id(acme): {
		state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		update: func(name string, arg any) (any, error) {
			if name != workflows.UpdateReauthCompleted || arg != (workflows.ReauthCompleted{Account: "acc-1", By: "operator"}) {
				return nil, errFull
			}
			return answer, nil
		},
	}}}
	args := withManifestFlag("signal", "reauth-completed", "--org", acme, "--account", "acc-1", "--by", "operator", "--confirm")
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
		"nope":      `"nope" is unknown; there is amazon-s3, pinterest-v5, or give the path of a file ending in .yaml`,
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
