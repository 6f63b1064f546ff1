package activities

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/engine"
	"cutover/internal/migration"
)

// byOperator is what the gate says while writes are stopped.
func byOperator() error {
	return &engine.GateError{Queue: WritesTaskQueue, Limit: engine.QueueLimit{Set: true, Reason: "wrong audiences", By: "operator", Since: noon}}
}

// standings is where a drifted pair stands when writes are stopped after so many of them; the last write is between the two sides.
func standings(order migration.Order, in SwitchInput, writes int) string {
	switch {
	case writes < 3:
		return "not sent: writes are stopped by operator since 2023-12-01T12:00:00Z: wrong audiences"
	case writes == 3:
		return fmt.Sprintf("dataflow %s stays enabled and %s disabled until writes are released: ", in.Old, in.New)
	case order == migration.EnableFirst:
		return fmt.Sprintf("dataflows %s and %s both stay enabled, between the two writes until writes are released: ", in.Old, in.New)
	}
	return fmt.Sprintf("dataflows %s and %s both stay disabled, between the two writes until writes are released: ", in.Old, in.New)
}

// Whichever write is the first that a stop keeps from beginning, nothing is written before the release, and each write is made once.
func TestSwitchStopsBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		for writes := range 5 {
			t.Run(fmt.Sprintf("%s, %d begun", order, writes), func(t *testing.T) {
				t.Parallel()
				w, in := drifted(t, order, slow)
				seen := w.look(in.Old, in.New, order)
				release := w.stopAfter(writes, byOperator())
				for range 3 { // an attempt that slips through begins nothing either
					_, err := do[migration.Moved](w, "SwitchPair", in)
					failure := failed(t, err, Stopped)
					require.False(t, failure.NonRetryable())
					require.Equal(t, time.Second, failure.NextRetryDelay())
					require.Contains(t, failure.Message(), standings(order, in, writes))
					require.Contains(t, failure.Message(), "writes are stopped by operator since 2023-12-01T12:00:00Z: wrong audiences")
					require.NoError(t, w.Advance(time.Hour))
				}
				require.Equal(t, append([]string(nil), driftedWrites(order)[:writes]...), seen.writes())
				seen.check(t)
				release()
				must[migration.Moved](w, "SwitchPair", in)
				seen.moved(t, driftedWrites(order), "disabled", "enabled")
				seen.check(t)
			})
		}
	}
}

func TestRollBackStopsBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	for _, order := range orders {
		for writes := range 3 {
			t.Run(fmt.Sprintf("%s, %d begun", order, writes), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, alone)
				w.assess()
				in := w.switched(order, loyal)
				w.add(in.New, "Bronze tier")
				seen := w.look(in.New, in.Old, order)
				release := w.stopAfter(writes, byOperator())
				_, err := do[migration.Moved](w, "RollBackPair", in)
				failed(t, err, Stopped)
				want := []string{"add-audience old", "enable old", "disable new"}
				if order == migration.DisableFirst {
					want = []string{"add-audience old", "disable new", "enable old"}
				}
				require.Equal(t, append([]string(nil), want[:writes]...), seen.writes())
				release()
				must[migration.Moved](w, "RollBackPair", in)
				require.Equal(t, want, seen.writes())
			})
		}
	}
}

// Late, a refusal to disable the old side is taken note of and nothing more; a stop is no refusal.
func TestALateSwitchDoesNotTakeAStopForARefusal(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{"stopped": byOperator(), "not known": &engine.GateError{Cause: errors.New("no answer")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, alone)
			w.assess()
			in := w.moving(lateTerms(), loyal)
			in.Late = true
			seen := w.look(in.Old, in.New, migration.EnableFirst)
			release := w.stopAfter(1, refusal)
			_, err := do[migration.Moved](w, "SwitchPair", in)
			require.Error(t, err)
			require.Equal(t, []string{"enable new"}, seen.writes())
			release()
			require.Empty(t, must[migration.Moved](w, "SwitchPair", in).Note)
			require.Equal(t, []string{"enable new", "disable old"}, seen.writes())
		})
	}
}

// lateTerms are those of a plan after the shutdown.
func lateTerms() migration.Terms {
	terms := carrying()
	terms.Late = true
	return terms
}

// While writes are stopped, no grant is spent for the sake of a write; keeping grants ahead of their end goes on.
func TestRenewAccountStops(t *testing.T) {
	t.Parallel()
	w, _, in := renewable(t, taken)
	release := w.stopAfter(0, byOperator())
	_, err := do[Look](w, "RenewAccount", in)
	require.Contains(t, failed(t, err, Stopped).Message(), "refresh grant: not sent: writes are stopped by operator")
	require.Zero(t, w.refreshes())
	require.Zero(t, w.patched())
	release()

	release = w.stopAfter(1, byOperator()) // after the refresh
	_, err = do[Look](w, "RenewAccount", in)
	require.Contains(t, failed(t, err, Stopped).Message(), "patch account "+in.Account.ID)
	require.Equal(t, 1, w.refreshes())
	require.Zero(t, w.patched())
	release()
	require.True(t, must[Look](w, "RenewAccount", in).Verdict.Verified)
	require.Equal(t, 1, w.refreshes(), "the fresh grant was kept")
	require.Equal(t, 1, w.patched())
}

func TestGrantsAreKeptWhileWritesAreStopped(t *testing.T) {
	t.Parallel()
	w, _, _ := renewable(t)
	w.stopAfter(0, byOperator())
	require.NoError(t, w.Advance(25*24*time.Hour))
	_, err := do[any](w, "RenewGrants", nil)
	require.Contains(t, failed(t, err, NotYet).Message(), "1 renewed now")
	require.Equal(t, 1, w.refreshes())
}

// Reading, planning and looking go on while writes are stopped.
func TestReadsGoOnWhileWritesAreStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stopAfter(0, byOperator())
	w.assess()
	require.NotEmpty(t, w.plan(carrying()).Pairs)
	require.ErrorAs(t, w.beforeWrite(t.Context()), new(*engine.GateError))
}
