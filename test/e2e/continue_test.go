package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/workflows"
)

// rounds of what people say are enough for several runs, and fewer than an organization remembers.
const rounds = 6

// People talk to an organization all the while it starts over with an empty history.
func TestContinueAsNewLosesNothing(t *testing.T) {
	t.Parallel()
	acme := world.Organization{Name: "Acme", Accounts: []string{"Agency", "Brand"}, Dataflows: []world.Dataflow{
		{Name: "Retargeting", Account: "Brand"}, {Name: "Newsletter", Account: "Brand"}, {Name: "Lookalikes", Account: "Agency"},
	}}
	w := world.New(t, world.Options{
		Organizations: []world.Organization{acme},
		Server:        []string{"--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=25"},
	})
	w.Type(t, "start", "--all")
	accounts := w.Waits(t, acme, 2)
	var want []string
	deadlines := w.Playbook.Timeline
	for round := range rounds {
		by := fmt.Sprintf("person-%d", round)
		var customers errgroup.Group // speak while the operator does
		for _, account := range append(slices.Clone(accounts), "unknown") {
			customers.Go(func() error {
				return w.Client.SignalWorkflow(t.Context(), w.WorkflowID(acme), "", workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: account, By: by})
			})
			want = append(want, by+" re-authenticated account "+account)
		}
		deadlines.ReauthenticateBy, deadlines.Shutdown = deadlines.ReauthenticateBy.Add(day), deadlines.Shutdown.Add(day)
		update(t, w, acme, workflows.UpdatePause, workflows.Pause{By: by, Reason: "stocktaking"})
		update(t, w, acme, workflows.UpdateResume, workflows.Resume{By: by})
		update(t, w, acme, workflows.UpdateReschedule, workflows.Reschedule{
			By: by, Reason: "agreed", ReauthenticateBy: deadlines.ReauthenticateBy, Shutdown: deadlines.Shutdown,
		})
		require.NoError(t, customers.Wait())
		want = append(want, by+" paused: stocktaking", by+" resumed", fmt.Sprintf("%s moved the deadlines to %s and %s: agreed",
			by, migration.Instant(deadlines.ReauthenticateBy), migration.Instant(deadlines.Shutdown)))
		if round%2 == 0 {
			continue // and the next one speaks while this one is still being heard, perhaps by a run that is about to end
		}
		slices.Sort(want)
		w.Until(t, acme, "remembers everything that was said", func(s migration.Status) bool { return slices.Equal(deeds(s), want) })
		world.Await(t, "another run", func(context.Context) ([]string, error) { return runs(t, w, acme), nil },
			func(all []string) bool { return len(all) > 1+round/2 })
	}
	heard := w.Status(t, acme)
	require.True(t, deadlines.ReauthenticateBy.Equal(heard.DeadlineAt), "the deadline is %s and not %s", heard.DeadlineAt, deadlines.ReauthenticateBy)
	require.Equal(t, []bool{false, false}, []bool{heard.Accounts[0].Verified, heard.Accounts[1].Verified}, "claims are not believed")
	require.Greater(t, len(runs(t, w, acme)), 2)

	for _, account := range accounts {
		w.SignIn(t, acme, account)
		claim(t, w, acme, account, "marketing")
		want = append(want, "marketing re-authenticated account "+account)
	}
	slices.Sort(want)
	w.Migrated(t, acme)
	w.SwitchedOnce(t, acme)
	require.Equal(t, want, deeds(w.Status(t, acme)))
}

const day = 24 * time.Hour
