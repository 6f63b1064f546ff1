package badinput_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/workflows"
)

// Commands without their end, and parts of messages.
const (
	saysSo     = "starter signal reauth-completed --org {org} --by marketing --account "
	asks       = "starter signal reauth-completed --confirm --org {org} --by marketing --account "
	reschedule = "starter reschedule --org {org} --by ops --reason fair "

	notUnderstood = "not a JSON object with account, by and note"
	noWorker      = "no worker polls task queue cutover in namespace default"
	startOne      = "run: worker"
)

// decisionStories are what operators and customers say at the wrong moment, about the wrong thing or in the wrong form.
func decisionStories() []story {
	return []story{
		{
			name: "acme", playbook: signIn,
			steps: []step{
				{
					row: row{
						name: "status before the start", command: "starter status --org {org}", code: failed, kind: "not_started",
						says: []string{"{org} has no workflow for playbook sign-in", "starter start --org {org}"},
					},
				},
				{
					row: row{
						name: "signal before the start", command: saysSo + "{account}", code: failed, kind: "not_started",
						says: []string{"{org} has no workflow", "starter start --org {org}"},
					},
				},
				{
					row: row{
						name: "decision before the start", command: "starter pause --org {org} --by ops --reason fair", code: failed, kind: "not_started",
						says: []string{"{org} has no workflow", "starter start --org {org}"},
					},
				},
				{
					row: row{
						name: "cancel before the start", command: "starter cancel --org {org} --yes", code: failed, kind: "not_started",
						says: []string{"{org} has no workflow", "starter start --org {org}"},
					},
				},
				{
					before: both(begin, reaches(migration.AwaitingReauth)),
					row: row{
						name: "start twice", command: "starter start --org {org}",
						prints: []string{"already running"},
					},
				},
				{
					row: row{
						name: "approval before a plan", command: "starter approve --org {org} --by ops --plan 1234", code: failed, kind: "refused",
						says: []string{"{org} refused approve: there is no plan to approve yet"},
					},
				},
				{
					row: row{
						name: "answer before a question", command: "starter pair --org {org} --by ops --old {old}1 --new {new}1", code: failed, kind: "refused",
						says: []string{"{org} refused pair: there is no plan yet, so nothing is asked"},
					},
				},
				{
					row: row{
						name: "resume of nothing held", command: "starter resume --org {org} --by ops", code: failed, kind: "refused",
						says: []string{"{org} refused resume: nothing is paused or held"},
					},
				},
				{
					row: row{
						name: "deadlines out of order", command: reschedule + "--reauthenticate-by 2099-02-01T00:00:00Z --shutdown 2099-01-01T00:00:00Z", code: failed, kind: "refused",
						says: []string{"{org} refused reschedule: shutdown (2099-01-01T00:00:00Z) must be later than reauthenticate_by (2099-02-01T00:00:00Z)"},
					},
				},
				{
					row: row{
						name: "deadline before the card comes", command: reschedule + "--reauthenticate-by 2020-01-01T00:00:00Z", code: failed, kind: "refused",
						says: []string{"{org} refused reschedule: reauthenticate_by (2020-01-01T00:00:00Z) must be later than available"},
					},
				},
				{
					row: row{
						name: "claim that is not true", command: asks + "{account}", code: failed, kind: inResult,
						says: []string{"account {account} of {org} is not verified: Adobe's test of the account fails: it is not signed in", "Reconnect OAuth"},
					},
				},
				{
					row: row{
						name: "claim about an unknown account", command: asks + "4711", code: failed, kind: "refused",
						says: []string{"{org} refused reauth-completed: account 4711 is unknown", "{account} (Pinterest)"},
					},
				},
				{
					row: row{
						name: "signal for an unknown account", command: saysSo + "4711",
						prints: []string{"told that account 4711 was re-authenticated"},
					},
					shows: []string{"signal by marketing: account 4711 is not one of this organization's accounts"},
				},
				{
					row: row{name: "signal that is a bare word"}, signal: "done",
					shows: []string{`a signal reauth-completed was not understood: it is not a JSON object with account, by and note; send {"account": "ID", "by": "NAME"}`},
				},
				{
					row: row{name: "signal without account"}, signal: map[string]string{"by": "marketing"}, shows: []string{"account is missing; send {"},
				},
				{
					row: row{name: "signal of nobody"}, signal: map[string]string{"account": "x"}, shows: []string{"by is missing: say who did it; send {"},
				},
				{
					row: row{name: "signal with another field"}, signal: map[string]string{"acount": "x", "by": "marketing"}, shows: []string{notUnderstood},
				},
				{row: row{name: "signal of bytes"}, signal: []byte{0xff, 0x00, '{'}, shows: []string{notUnderstood}},
				{row: row{name: "signal without anything"}, signal: empty{}, shows: []string{notUnderstood}},
				{
					row: row{name: "signal of another name"}, called: "reauth-complete", signal: map[string]string{"account": "x", "by": "marketing"},
					shows: []string{`a signal "reauth-complete" came, which means nothing here; signals are: reauth-completed`},
				},
				{
					row: row{name: "signal of a whole book"}, signal: map[string]string{"account": "x", "by": "marketing", "note": strings.Repeat("x", 10_000)},
					shows: []string{"a field is longer than 500 bytes"},
				},
				{
					before: types("pause --org {org} --by ops --reason fair"),
					row: row{
						name: "pause twice", command: "starter pause --org {org} --by operator --reason other", code: failed, kind: "refused",
						says: []string{"{org} refused pause: paused already by ops: fair"},
					},
				},
				{before: both(signsIn, types(saysSo+"{account}"), types("resume --org {org} --by ops"), migrates)},
				{row: row{name: "start after the end", command: "starter start --org {org}", prints: []string{"already finished (Migrated)"}}},
				{
					row: row{
						name: "signal after the end", command: saysSo + "{account}", code: failed, kind: "finished",
						says: []string{"the migration of {org} has already finished (Migrated)"},
					},
				},
				{
					row: row{
						name: "decision after the end", command: "starter pause --org {org} --by ops --reason late", code: failed, kind: "finished",
						says: []string{"the migration of {org} has already finished (Migrated)"},
					},
				},
				{
					row: row{
						name: "cancel after the end", command: "starter cancel --org {org} --yes", code: failed, kind: "finished",
						says: []string{"the migration of {org} has already finished (Migrated)"},
					},
				},
			},
		},
		{
			name: "birch", playbook: approval,
			steps: []step{
				{
					before: both(begin, reaches(migration.AwaitingApproval)),
					row: row{
						name: "approval of another plan", command: "starter approve --org {org} --by ops --plan 1234", code: failed, kind: "refused",
						says: []string{"{org} refused approve: the plan is now ", ", not 1234: no plan of this organization had that hash lately", "look at it with starter plan"},
					},
				},
				{
					row: row{
						name: "answer to no question", command: "starter pair --org {org} --by ops --old {old}1 --new {new}1", code: failed, kind: "refused",
						says: []string{`{org} refused pair: nothing is asked about dataflow "{old}1"`, "starter plan"},
					},
				},
				{before: both(approves, migrates)},
			},
		},
		{
			name: "cedar", playbook: settled, sameName: true,
			steps: []step{
				{
					before: both(begin, reaches(migration.NeedsAttention)),
					row: row{
						name: "answer that is no candidate", command: "starter pair --org {org} --by ops --old {old}1 --new 4711", code: failed, kind: "refused",
						says: []string{`dataflow "4711" cannot be the copy of "{old}1"`, "{new}1", `"none"`},
					},
				},
				{
					before: both(types("pause --org {org} --by ops --reason fair"), types("pair --org {org} --by ops --old {old}1 --new {new}1")),
					row: row{
						name: "approval of no plan at all", command: "starter approve --org {org} --by ops --plan 1234", code: failed, kind: "refused",
						says: []string{"{org} refused approve: the plan is now ", ", not 1234: "},
					},
				},
				{
					row: row{
						name: "one copy for two", command: "starter pair --org {org} --by ops --old {old}2 --new {new}1", code: failed, kind: "refused",
						says: []string{"{org} refused pair: dataflow {new}1 is the copy of {old}1 already"},
					},
				},
				{before: both(types("resume --org {org} --by ops"), migrates)},
			},
		},
		{
			name: "dune", playbook: later,
			steps: []step{
				{
					before: begin,
					row: row{
						name: "claim before the card exists", command: asks + "{account}", code: failed, kind: "refused",
						says: []string{"{org} refused reauth-completed: the new card is not available before ", "there is no account to sign in to yet"},
					},
				},
				{
					row: row{
						name: "signal before the card exists", command: saysSo + "{account}",
						prints: []string{"told that account {account} was re-authenticated"},
					},
				},
				{
					row: row{
						name: "approval before the card exists", command: "starter approve --org {org} --by ops --plan 1234", code: failed, kind: "refused",
						says: []string{"{org} refused approve: there is no plan to approve yet"},
					},
				},
				{before: both(reaches(migration.AwaitingReauth), lookedAt, signsIn, migrates)},
			},
		},
		{
			name: "ember", playbook: settled,
			idle: []step{
				{
					row: row{
						name: "start without a worker", command: "starter start --org {org}",
						says: []string{noWorker, startOne}, prints: []string{"1 started"},
					},
				},
				{
					row: row{
						name: "plan without a worker", command: "starter plan --org {org}", code: failed, kind: "no_worker",
						says: []string{noWorker, startOne},
					},
				},
				{
					row: row{
						name: "decision without a worker", command: "starter pause --org {org} --by ops --reason fair", code: failed, kind: "no_worker",
						says: []string{noWorker, startOne},
					},
				},
				{
					row: row{
						name: "status without a worker", command: "starter status --org {org}",
						says: []string{"no worker polls task queue cutover"}, prints: []string{"Assessing"},
					},
				},
				{
					row: row{
						name: "signal without a worker", command: saysSo + "4711",
						says: []string{noWorker, "the signal waits until one does", startOne}, prints: []string{"told that account 4711"},
					},
				},
			},
			steps: []step{{before: migrates, shows: []string{"signal by marketing: account 4711 is not one of this organization's accounts"}}}, // it was kept
		},
		{
			name: "fjord", playbook: settled,
			idle: []step{
				{
					before: both(begin, terminated),
					row: row{
						name: "decision after a termination, without a worker", command: "starter pause --org {org} --by ops --reason late", code: failed, kind: "finished",
						says: []string{"the migration of {org} has already finished (terminated)"},
					},
				},
				{
					row: row{
						name: "signal after a termination", command: saysSo + "{account}", code: failed, kind: "finished",
						says: []string{"the migration of {org} has already finished (terminated)"},
					},
				},
			},
			steps: []step{{before: both(begin, migrates)}},
		},
		{
			name: "tundra", playbook: twoPeople,
			steps: []step{
				{
					before: both(begin, reaches(migration.AwaitingApproval)),
					row: row{
						name: "rollback before anything was switched", command: "starter rollback --org {org} --by ops --reason fair", code: failed, kind: "refused",
						says: []string{"{org} refused rollback: nothing was switched yet, so there is nothing to roll back"},
					},
				},
				{
					row: row{
						name: "rollback of an unknown dataflow", command: "starter rollback --org {org} --by ops --reason fair --old 4711", code: failed, kind: "refused",
						says: []string{`{org} refused rollback: dataflow "4711" is not an old dataflow of this organization's plan`, "starter status"},
					},
				},
				{
					row: row{
						name: "settling of what is not asked", command: "starter settle --org {org} --by ops --old {old}1 --answer carry", code: failed, kind: "refused",
						says: []string{"{org} refused settle: nothing is asked about dataflow ", "it is ready"},
					},
				},
				{
					row: row{
						name: "settling of an unknown dataflow", command: "starter settle --org {org} --by ops --old 4711 --answer accept", code: failed, kind: "refused",
						says: []string{`{org} refused settle: dataflow "4711" is not an old dataflow of this organization's plan`, "starter status"},
					},
				},
				{before: approvesTwice, row: row{name: "approval twice by one person"}},
				{before: migrates},
				{
					row: row{
						name: "rollback after the end", command: "starter rollback --org {org} --by ops --reason late", code: failed, kind: "finished",
						says: []string{"the migration of {org} has already finished (Migrated)"},
					},
				},
			},
		},
	}
}

// approvesTwice has one person approve twice, in other letters the second time, and then somebody else.
func approvesTwice(t *testing.T, s *site, st story) {
	t.Helper()
	status, err := s.status(t.Context(), st)
	require.NoError(t, err)
	command := "approve --org {org} --plan " + status.PlanHash + " --by "
	types(command+"ops")(t, s, st)
	st.row(row{
		command: "starter " + command + "OPS", code: failed, kind: "refused",
		says: []string{"{org} refused approve: OPS approved the plan " + status.PlanHash + " already", "it takes 2 different people"},
	}).runOnce(t, s.place)
	types(command+"operator")(t, s, st)
}

func terminated(t *testing.T, s *site, st story) {
	t.Helper()
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), workflows.WorkflowID(st.playbook, st.id()), "", "by somebody in the Web UI"))
}

func approves(t *testing.T, s *site, st story) {
	t.Helper()
	status, err := s.status(t.Context(), st)
	require.NoError(t, err)
	s.does(t, "approve --org %s --by ops --plan %s --playbook %s.yaml", st.id(), status.PlanHash, st.playbook)
}

// lookedAt checks that what was said before there was an account was not forgotten: the account was looked at for it.
func lookedAt(t *testing.T, s *site, st story) {
	t.Helper()
	s.until(t, st, "an answer about the account", func(status migration.Status) bool {
		return len(status.Accounts) == 1 && strings.Contains(status.Accounts[0].Note, "not signed in") && len(status.Deeds) == 1
	})
}
