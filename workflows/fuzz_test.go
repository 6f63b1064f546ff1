package workflows

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"cutover/internal/migration"
)

// FuzzClaim reads any bytes as the signal that anybody can send: it is a claim with all that a claim needs, or a short reason that repeats nothing.
func FuzzClaim(f *testing.F) {
	for _, seed := range []string{
		`{"account":"a","by":"operator"}`, `{"account":"a","by":"operator","note":"n"}`, `{"account":"a","by":"operator","more":1}`, `{"ACCOUNT":"a","By":"b"}`, `null`, `[]`, `"a"`, ``, `{"account":"a"}`,
		`{"account":"","by":"b"}`, `{"account":"a","account":"","by":"b"}`, `{"account":"a\u0000\r\n","by":"\ud800"}`, `{"account":{},"by":1}`, "\xff", `{"account":"` + strings.Repeat("x", 501) + `","by":"b"}`,
		strings.Repeat("[", 10001), `{"account":"CANARY`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		claim, err := parseClaim(data)
		if err != nil {
			require.Less(t, len(err.Error()), 100)
			require.NotContains(t, err.Error(), "CANARY")
			return
		}
		for _, word := range []string{claim.Account, claim.By} {
			require.True(t, word != "" && len(word) <= maxWords && utf8.ValidString(word), "%q", word)
		}
		require.LessOrEqual(t, len(claim.Note), maxWords)
		again, err := json.Marshal(claim)
		require.NoError(t, err)
		same, err := parseClaim(again)
		require.NoError(t, err)
		require.Equal(t, claim, same)
	})
}

// FuzzUpdates sends each update any JSON: a validator refuses it with a reason, or it leaves a state that the next run can begin with.
func FuzzUpdates(f *testing.F) {
	for which, seeds := range [][]string{
		{`{"account":"a","by":"operator"}`, `{"account":"b","by":"operator"}`},
		{`{"by":"operator","plan":"h"}`, `{"by":"operator","plan":""}`},
		{`{"by":"operator","reason":"r"}`, `{"by":"` + strings.Repeat("x", 501) + `","reason":"r"}`},
		{`{"by":"operator","old":"o1"}`, `{"by":"operator","old":"o9"}`, `{"by":"operator","accept_listed":true}`},
		{`{"by":"operator","old":"o3","new":"n3"}`, `{"by":"operator","old":"o3","new":"none"}`, `{"by":"operator","old":"o4","new":"any"}`},
		{`{"by":"operator","old":"o2","answer":"carry"}`, `{"by":"operator","old":"o2","answer":"accept"}`, `{"by":"operator","old":"o1","answer":"x"}`},
		{`{"by":"operator","reason":"r"}`, `{"by":"operator","reason":"r","old":"o1"}`},
		{`{"by":"operator","reason":"r","shutdown":"2024-02-01T00:00:00Z"}`, `{"by":"operator","reason":"r","reauthenticate_by":"2024-01-01T00:00:00+14:00"}`, `{"by":"operator","reason":"r","shutdown":"2023-01-01T00:00:00Z"}`, `{"by":"operator","reason":"r","shutdown":"9999-12-31T23:59:59-12:00"}`},
	} {
		for _, seed := range append(seeds, `{}`, `null`, `[]`) {
			f.Add(uint8(which), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
		env.SetStartTime(time.Date(2023, 12, 1, 12, 0, 0, 0, time.UTC))
		env.RegisterWorkflow(ask)
		env.ExecuteWorkflow(ask, which, data)
		require.True(t, env.IsWorkflowCompleted())
		var state []byte
		require.NoError(t, env.GetWorkflowError())
		require.NoError(t, env.GetWorkflowResult(&state))
		require.True(t, json.Valid(state))
	})
}

// ask does one update as the handlers do, and answers with the input of the next run.
func ask(ctx workflow.Context, which uint8, data []byte) ([]byte, error) {
	o := askedAll(workflow.Now(ctx))
	var err error
	switch which % 8 {
	case 0:
		err = updated[ReauthCompleted, AccountAnswer](ctx, data, o.refuseClaim, nil)
	case 1:
		err = updated(ctx, data, o.refuseApprove, o.approve)
	case 2:
		err = updated(ctx, data, o.refusePause, o.pause)
	case 3:
		err = updated(ctx, data, o.refuseResume, o.resume)
	case 4:
		err = updated(ctx, data, o.refuseChoice, o.choose)
	case 5:
		err = updated(ctx, data, o.refuseSettle, o.settle)
	case 6:
		err = updated[Rollback, migration.Status](ctx, data, o.refuseRollback, nil)
	case 7:
		err = updated(ctx, data, o.refuseReschedule, o.reschedule)
	}
	if err != nil {
		return nil, err
	}
	if err := o.playbook.Timeline.Check(); err != nil {
		return nil, err
	}
	o.state.Next(o.Organization, o.playbook, workflow.Now(ctx))
	//workflowcheck:ignore (a test, which never replays)
	return json.Marshal(Input{Organization: o.Organization, Playbook: o.playbook, State: o.state})
}

// updated is the update with this payload; handle is nil where the answer is waited for.
func updated[In, Out any](ctx workflow.Context, data []byte, refuse func(workflow.Context, In) error, handle func(workflow.Context, In) (Out, error)) error {
	var in In
	//workflowcheck:ignore (a test, which never replays)
	understood := json.Unmarshal(data, &in) == nil && refuse(ctx, in) == nil
	if !understood || handle == nil {
		return nil // it leaves no trace
	}
	out, err := handle(ctx, in)
	if err == nil {
		//workflowcheck:ignore (a test, which never replays)
		_, err = json.Marshal(out)
	}
	return err
}

// askedAll is an organization in which everything can be asked: a switched pair, one that drifted, one to approve, and two questions.
func askedAll(now time.Time) *organization {
	available := time.Date(2023, 11, 16, 8, 0, 0, 0, time.UTC)
	pair := func(old string) migration.Pair {
		drift := []migration.Drift{{Kind: migration.AudienceAdded, Item: "b", Policy: migration.Ask}}
		return migration.Pair{Old: old, New: "n" + old[1:], Name: old, Account: "a", Hold: "a person must say", Drift: drift}
	}
	return &organization{
		Organization: migration.Organization{ID: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Sandboxes: []string{"prod"}},
		playbook: migration.Playbook{
			Name: "p", Title: "P", Zone: "UTC", Approval: migration.OperatorApproval,
			Timeline:         migration.Timeline{Available: available, ReauthenticateBy: available.AddDate(0, 1, 0), Shutdown: available.AddDate(0, 2, 0)},
			Reauthentication: migration.Reauthentication{Needed: true},
		},
		answers: map[string]AccountAnswer{},
		state: &migration.State{
			Phase: migration.NeedsAttention, Since: now, Assessed: true,
			Accounts: []migration.AccountState{{Account: migration.Account{ID: "a", Name: "A", Sandbox: "prod"}, Since: now}},
			Pairs: []migration.PairState{
				{Pair: pair("o1"), Progress: migration.Switched, SwitchedAt: now},
				{Pair: pair("o2"), Progress: migration.Held, Note: "drift"},
				{Pair: pair("o5"), Progress: migration.Ready},
			},
			Plan: &migration.Plan{
				Hash: "h", Pairs: []migration.Pair{pair("o2")}, MadeAt: now,
				Questions: []migration.Question{{Old: "o3", Candidates: []string{"n3", "n4"}}, {Old: "o4", Candidates: []string{"n4"}, More: 3}},
			},
		},
	}
}
