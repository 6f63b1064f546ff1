package activities

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// sampled are the rules of a playbook that judges by counts.
func sampled() migration.Verification {
	return migration.Verification{
		Within: migration.Duration(3 * time.Hour), Poll: migration.Duration(10 * time.Minute), Sample: 500, AtLeast: 50, MoreFailed: 10,
	}
}

// running is a pair that was switched two hours ago, with its account signed in, and how its runs are asked for. The edit is made to the copy before.
func running(t *testing.T, edit emulator.Edit) (*world, RunsInput) {
	t.Helper()
	w := newWorld(t)
	w.assess()
	copied := w.flow("new", loyal)
	require.NoError(t, w.Reconnect(acme, prod, copied.Account, emulator.Reconnection{By: "customer"}))
	w.edit(copied.ID, edit)
	in := RunsInput{Who: w.who, Playbook: book, Rules: sampled(), Copies: []Copy{{Dataflow: copied.ID, Sandbox: prod}}}
	w.switched(migration.EnableFirst, loyal)
	in.Copies[0].SwitchedAt = w.Emulator.Now()
	require.NoError(t, w.Advance(2*time.Hour))
	return w, in
}

func TestAwaitRunsJudgesByCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		copied emulator.Edit
		status migration.RunStatus
		reason string
	}{
		"as many":       {emulator.Edit{}, migration.RunSucceeded, ""},
		"half as many":  {emulator.Edit{Profiles: new(500)}, migration.RunSucceeded, ""},
		"many rejected": {emulator.Edit{Runs: new(emulator.RunsPartial), Failed: new(30)}, migration.RunFailed, "(30%)"},
		"few rejected":  {emulator.Edit{Runs: new(emulator.RunsPartial), Failed: new(10)}, migration.RunSucceeded, ""},
		"all failed":    {emulator.Edit{Runs: new(emulator.RunsFail)}, migration.RunFailed, "the flow run failed: ACTIVATION_STREAM-0000-FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := running(t, c.copied)
			news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
			require.Len(t, news, 1)
			require.Equal(t, in.Copies[0].Dataflow, news[0].Dataflow)
			require.Equal(t, c.status, news[0].Status, news[0].Reason)
			require.Contains(t, news[0].Reason, c.reason)
			require.False(t, news[0].Overdue)
			if name != "all failed" {
				require.Positive(t, news[0].Expected, "from the old dataflow's baseline")
			}
		})
	}
}

// What says nothing either way is told once when the playbook's time is over, and the wait goes on.
func TestAwaitRunsInconclusive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		copied emulator.Edit
		reason string
	}{
		"too few to tell": {emulator.Edit{Runs: new(emulator.RunsEmpty)}, "too few to tell within 3h"},
		"far fewer":       {emulator.Edit{Profiles: new(400)}, "the old dataflow delivered about"},
		"no run":          {emulator.Edit{Runs: new(emulator.RunsNone)}, "no finished flow run yet within 3h"},
		"unfinished":      {emulator.Edit{Runs: new(emulator.RunsStall)}, "no finished flow run yet within 3h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := running(t, c.copied)
			_, err := do[[]migration.RunVerdict](w, "AwaitRuns", in)
			wait := failed(t, err, NotYet)
			require.Equal(t, temporal.ApplicationErrorCategoryBenign, wait.Category())
			require.Equal(t, in.Rules.Poll.Std(), wait.NextRetryDelay())

			require.NoError(t, w.Advance(in.Rules.Within.Std()))
			news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
			require.Len(t, news, 1)
			require.Equal(t, migration.RunPending, news[0].Status)
			require.True(t, news[0].Overdue)
			require.Contains(t, news[0].Reason, c.reason)

			in.Copies[0].Overdue = true
			_, err = do[[]migration.RunVerdict](w, "AwaitRuns", in)
			failed(t, err, NotYet)
			w.edit(in.Copies[0].Dataflow, emulator.Edit{Runs: new(emulator.RunsByRule), Profiles: new(5000)})
			require.NoError(t, w.Advance(6*time.Hour))
			require.Equal(t, migration.RunSucceeded, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Status)
		})
	}
}

// A failure is told once; after it only a success is news.
func TestAwaitRunsOfACopyThatFails(t *testing.T) {
	t.Parallel()
	w, in := running(t, emulator.Edit{Runs: new(emulator.RunsFail)})
	require.Equal(t, migration.RunFailed, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Status)
	in.Copies[0].Failing = true
	require.NoError(t, w.Advance(in.Rules.Within.Std()))
	_, err := do[[]migration.RunVerdict](w, "AwaitRuns", in)
	failed(t, err, NotYet)
	w.edit(in.Copies[0].Dataflow, emulator.Edit{Runs: new(emulator.RunsByRule)})
	require.NoError(t, w.Advance(2*time.Hour))
	require.Equal(t, migration.RunSucceeded, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Status)
}

// The runs of a switch that was rolled back say nothing about the next one, however soon it follows.
func TestAwaitRunsAfterARollback(t *testing.T) {
	t.Parallel()
	w, in := running(t, emulator.Edit{Runs: new(emulator.RunsFail)})
	in.Copies[0].SwitchedAt = w.Emulator.Now()
	require.Less(t, in.Copies[0].SwitchedAt.Sub(in.Copies[0].SwitchedAt.Truncate(time.Hour)), time.Minute, "a run ended just before")
	require.Equal(t, migration.RunFailed, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Status, "the vendor's clock may be slow")
	in.Copies[0].Again = true
	_, err := do[[]migration.RunVerdict](w, "AwaitRuns", in)
	failed(t, err, NotYet)
}

// Without a baseline the sample alone decides whether the counts say anything.
func TestAwaitRunsWithoutABaseline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profiles int
		want     migration.RunStatus
	}{
		"enough": {1000, migration.RunSucceeded},
		"few":    {10, migration.RunPending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := running(t, emulator.Edit{Profiles: new(c.profiles)})
			require.NoError(t, os.Remove(w.path(baselineFile)))
			require.NoError(t, w.Advance(2*time.Hour)) // past the bound, so that what is inconclusive is news too
			news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
			require.Equal(t, c.want, news[0].Status)
			require.Zero(t, news[0].Expected)
		})
	}
}

// Verdicts by another dataflow's numbers would be worse than none.
func TestAwaitRunsWithAnUnreadableBaseline(t *testing.T) {
	t.Parallel()
	w, in := running(t, emulator.Edit{})
	require.NoError(t, os.WriteFile(w.path(baselineFile), []byte("[]"), 0o600))
	_, err := do[[]migration.RunVerdict](w, "AwaitRuns", in)
	require.Contains(t, failed(t, err, Misconfigured).Message(), baselineFile)
	in.Rules.Sample = 0
	require.Equal(t, migration.RunSucceeded, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Status, "who does not count needs no baseline")
}

// One copy's news does not wait for another's.
func TestAwaitRunsOfSeveralCopies(t *testing.T) {
	t.Parallel()
	w, in := running(t, emulator.Edit{})
	w.edit(w.flow("new", holiday).ID, emulator.Edit{Runs: new(emulator.RunsStall)})
	w.switched(migration.EnableFirst, holiday)
	in.Copies = append(in.Copies, Copy{Dataflow: w.flow("new", holiday).ID, Sandbox: prod, SwitchedAt: w.Emulator.Now()})
	require.NoError(t, w.Advance(time.Hour))
	news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
	require.Len(t, news, 1)
	require.Equal(t, in.Copies[0].Dataflow, news[0].Dataflow)
}
