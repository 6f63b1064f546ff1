package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/internal/config"
	"cutover/internal/migration"
	"cutover/workflows"
)

func plan(hash string, pairs ...migration.Pair) migration.Plan {
	return migration.Plan{Hash: hash, Order: migration.EnableFirst, Pairs: pairs, MadeAt: noon}
}

func pair(name, old, copied string) migration.Pair {
	return migration.Pair{Name: name, Sandbox: "prod", Account: "acc-1", Old: old, New: copied, Fingerprint: "f", Action: migration.Switch}
}

const reviewedManifest = "testdata/organizations.yaml"

// reviewed is a playbook where two different people must agree, and its organization.
func reviewed(t *testing.T) (migration.Organization, migration.Playbook) {
	t.Helper()
	manifest, err := config.ReadManifest(reviewedManifest)
	require.NoError(t, err)
	playbook, err := config.LoadPlaybook(manifest, noon)
	require.NoError(t, err)
	return manifest.Organizations[0], playbook
}

// seen is an organization in which everything happened that a plan must show, and how it was first seen.
func seen() (now migration.Snapshot, base *migration.Base) {
	created := noon.AddDate(-1, 0, 0)
	gold, silver, all := migration.Audience{ID: "g", Name: "Gold"}, migration.Audience{ID: "s", Name: "Silver"}, migration.Audience{ID: "a", Name: "All | everybody"}
	add := func(n, name string, state migration.DataflowState) (was, is *migration.Dataflow) {
		d := migration.Dataflow{
			ID: "old-" + n, Name: name, Sandbox: "prod", Account: "old-acc", Advertiser: "5497", State: state, Created: created,
			Audiences: []migration.Audience{all, silver}, Mappings: migration.Mappings{Fields: []string{"email > email"}},
		}
		now.Old = append(now.Old, d)
		d.ID, d.Account, d.State = "new-"+n, "acc-1", migration.Disabled
		now.New = append(now.New, d)
		return &now.Old[len(now.Old)-1], &now.New[len(now.New)-1]
	}
	now.TakenAt = noon
	add("1", "Holiday", migration.Enabled)
	add("2", "Loyal", migration.Enabled)
	add("3", "Mapped", migration.Enabled)
	add("4", "Sold", migration.Enabled)
	add("5", "Off", migration.Disabled)
	add("6", "Done", migration.Enabled)
	add("7", "News", migration.Enabled)
	add("8", "News", migration.Enabled)
	add("9", "Left", migration.Enabled)
	now.Accounts = []migration.Account{
		{ID: "acc-1", Name: "Pinterest", Sandbox: "prod", Created: created, AuthorizedOn: noon.Truncate(24 * time.Hour)},
		{ID: "acc-2", Name: "Pinterest EMEA", Sandbox: "prod", Created: created},
	}
	now.OldAccounts = []migration.Account{{ID: "old-acc", Name: "Old", Sandbox: "prod", State: migration.Disabled}}
	base = &migration.Base{Snapshot: migration.Snapshot{Old: slices.Clone(now.Old), New: slices.Clone(now.New), TakenAt: noon.AddDate(0, 0, -15)}}

	now.Old[0].Audiences = append(slices.Clone(now.Old[0].Audiences), gold)
	now.Old[0].Name, now.New[0].Name = "Holiday *2023*", "Holiday *2023*"
	now.Old[1].Audiences = now.Old[1].Audiences[:1]
	now.New[1].Account = "acc-2"
	now.New[2].Mappings.Fields = []string{"phone > phone"}
	now.New[3].Advertiser = "5498"
	now.Old[5].State, now.New[5].State = migration.Disabled, migration.Enabled
	return now, base
}

// planned is the plan of that organization, and its running migration, in which one dataflow was switched and one person agreed.
func planned(t *testing.T) (migration.Plan, migration.Status) {
	t.Helper()
	o, playbook := reviewed(t)
	state := migration.State{Phase: migration.AwaitingApproval, Since: noon, Assessed: true, AcceptListed: true, Choices: map[string]string{"old-9": migration.LeaveOut}}
	now, base := seen()
	plan := migration.MakePlan(now, base, state.Terms(playbook, noon))
	plan.Hash = "0123456789abcdef"
	state.Follow(plan, playbook)
	state.SwitchedOver("old-6", migration.Moved{Enabled: noon.Add(-time.Hour), Disabled: noon.Add(-time.Hour)}, playbook, noon)
	state.Judge(migration.RunVerdict{Dataflow: "new-6", Status: migration.RunSucceeded, Run: "run-1", Activated: 812, Failed: 3, Expected: 900}, playbook, noon)
	state.Approve("operator", noon)
	return plan, state.Status(o, playbook, noon)
}

func TestPlan(t *testing.T) {
	t.Parallel()
	made, current := planned(t)
	f := &fake{polled: true, workflows: map[string]*fakeWorkflow{
		workflows.WorkflowID("reviewed", acme): {state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, status: &current},
	}}
	args := []string{"plan", "--org", acme, "--manifest", reviewedManifest}
	f.plans = []planning{{plan: made}, {plan: made}, {plan: made}}
	table, _ := f.bothFormats(t, "plan", exitDone, args...)
	require.Empty(t, table.stderr)
	want, err := json.Marshal(current.Terms)
	require.NoError(t, err)
	asked, err := json.Marshal(f.previews[0].Terms)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(asked), "the plan is made by what people decided")
	require.Equal(t, acme, f.previews[0].Organization.ID)
	got := f.ask(t, append(args, "-o", "markdown")...)
	require.Equal(t, exitDone, got.code, got.stderr)
	golden(t, "plan.md", got.stdout)
}

func TestPlanOfOneThatWasNotStarted(t *testing.T) {
	t.Parallel()
	now, base := seen()
	now.Old, now.New = slices.Delete(now.Old, 5, 6), slices.Delete(now.New, 5, 6) // nobody switched one by hand
	base.Old = slices.Delete(base.Old, 5, 6)
	_, playbook := reviewed(t)
	made := migration.MakePlan(now, base, (&migration.State{}).Terms(playbook, noon))
	f := &fake{polled: true, plans: []planning{{plan: made}, {plan: plan("eeee")}}}
	args := []string{"plan", "--org", acme, "--manifest", reviewedManifest}
	got := f.ask(t, args...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Nil(t, f.previews[0].Terms)
	require.Contains(t, got.stdout, `first "Holiday *2023*" (old-1) alone as canary`)
	require.Contains(t, got.stdout, "Approval  by 2 different people: open")
	require.NotContains(t, got.stdout, "Approvals")

	got = f.ask(t, args...)
	require.Contains(t, got.stdout, "Nothing would be toggled.\n\nNo dataflow on the old card.")
}

func TestALatePlan(t *testing.T) {
	t.Parallel()
	o, playbook := reviewed(t)
	late := playbook.Timeline.Shutdown.AddDate(0, 0, 2)
	now, base := seen()
	base.Baselines = map[string]migration.Baseline{"old-1": {Runs: 24, Activated: 2400, Last: playbook.Timeline.Shutdown.Add(-time.Hour)}}
	now.TakenAt, now.Old = late, now.Old[:1]
	now.Accounts[0].AuthorizedOn = late.Truncate(24 * time.Hour)
	made := migration.MakePlan(now, base, (&migration.State{}).Terms(playbook, late))
	made.Hash = "0123456789abcdef"
	var out strings.Builder
	planTable(&out, preview(o, playbook, made, nil, late), target{organization: acme})
	golden(t, "plan-late.txt", out.String())
}

func TestAPlanGoesByDatesThatWereMoved(t *testing.T) {
	t.Parallel()
	o, playbook := reviewed(t)
	made, current := planned(t)
	current.Timeline.Shutdown = noon.AddDate(0, 0, 90)
	require.Equal(t, current.Timeline.Shutdown, preview(o, playbook, made, &current, noon).Rollback.Until)
}

func TestWhatIsAllowedByAPlanIsInWords(t *testing.T) {
	t.Parallel()
	p := planAnswer{Pace: planPace{Width: 3}, Plan: plan("aaaa", pair("Holiday", "old-1", "new-1"))}
	require.Equal(t, "3 at a time", p.pace())
	p.Pace.Canary, p.Standing = true, []planStanding{{Old: "old-1", Progress: migration.Switched}}
	require.Equal(t, "3 at a time, when the flow runs of what was switched first pass", p.pace())
	p.Pace = planPace{First: "old-1", Width: 3}
	require.Equal(t, `first "Holiday" (old-1) alone, then 3 at a time`, p.pace())
	require.Equal(t, "none needed", p.approval())
	p.Approval = planApproval{Policy: migration.OperatorApproval, Needs: 1}
	require.Equal(t, "by one person: nothing waits for it", p.approval())
	p.Plan.Order = migration.DisableFirst
	require.Contains(t, p.order(), "disabled before its copy is enabled")
	require.Equal(t, []string{"disable the old dataflow", "enable the copy"}, p.writes(p.Plan.Pairs[0]))
	p.Rollback = planRollback{Possible: true, Until: noon}
	require.Equal(t, "possible until 2023-12-01T12:00:00Z", p.rollback())
	p.Plan.Hash = "aaaa"
	require.Equal(t, "aaaa, replaced since", p.holds(migration.Consent{Plan: "aaaa"}))
	require.Contains(t, p.holds(migration.Consent{Plan: "bbbb", Pairs: []string{"x"}}), "bbbb, an earlier plan")
}

func TestPoliciesAreInWords(t *testing.T) {
	t.Parallel()
	for kind, want := range map[migration.Policy]string{
		migration.CarryOver: "carried over", migration.Ignore: "ignored", migration.Block: "blocks until it is gone", migration.Ask: "asked", "": "asked",
	} {
		require.Equal(t, "another name: x ("+want+")", driftText(migration.Drift{Kind: migration.NameDiffers, Item: "x", Policy: kind}))
	}
	p := pair("Holiday", "old-1", "new-1")
	p.Drift = []migration.Drift{{Kind: migration.NameDiffers, Item: "x", Policy: migration.Block}}
	require.Empty(t, holdText(p, "another name: x"), "it is said once")
	require.Equal(t, "another name: x; too many", holdText(p, "another name: x; too many"))
}

func TestMarkdownIsNeverMarkupOfOthers(t *testing.T) {
	t.Parallel()
	require.Equal(t, `\[x\](http://e) &lt;b&gt; a\|b \*c\* &#64;all`, markdown("[x](http://e) <b> a|b *c* @all"))
	require.Equal(t, "`a'b\\|c d`", code("a`b|c\nd"))
}

func TestPlanTakesOverTheAnswersOfTheRunningMigration(t *testing.T) {
	t.Parallel()
	current := status(migration.Planning)
	current.Choices, current.PlanHash = map[string]string{"old-3": "new-4", "old-9": migration.LeaveOut}, "cccc"
	current.Terms = migration.Terms{Order: migration.EnableFirst, Choices: current.Choices, Switched: []string{"old-1"}}
	running := &fakeWorkflow{state: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, status: current}
	f := &fake{polled: true, plans: []planning{{plan: plan("dddd", pair("News", "old-3", "new-4"))}}, workflows: map[string]*fakeWorkflow{id(acme): running}}
	args := withManifestFlag("plan", "--org", acme)
	got := f.ask(t, args...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Empty(t, got.stderr)
	require.Len(t, f.previews, 1)
	require.Equal(t, &current.Terms, f.previews[0].Terms)
	require.Contains(t, got.stdout, "Plan dddd of Acme")
	require.Contains(t, got.stdout, "The running migration follows plan cccc and plans again before it changes anything.")

	f.plans = []planning{{plan: plan("dddd")}}
	var answer planAnswer
	require.NoError(t, json.Unmarshal([]byte(f.ask(t, append(args, "-o", "json")...).stdout), &answer))
	require.Equal(t, current.Choices, answer.Choices)
	require.Equal(t, "cccc", answer.CurrentHash)

	// One that has ended is started anew without its answers.
	running.state = enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
	f.plans, f.previews = []planning{{plan: plan("eeee")}}, nil
	got = f.ask(t, args...)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Nil(t, f.previews[0].Terms)
	require.NotContains(t, got.stdout, "cccc")
}

func TestPlanSaysWhenAnswersAreUnknown(t *testing.T) {
	t.Parallel()
	f := &fake{
		polled: true, plans: []planning{{plan: plan("dddd")}},
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
		f := &fake{polled: true, plans: []planning{{err: err}}}
		require.Equal(t, reply{exitFailed, "", "starter: " + want + "\n"}, f.ask(t, withManifestFlag("plan", "--org", acme)...))
	}
}
