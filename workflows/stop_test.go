package workflows_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/workflows"
)

// queued plays the queue of writes, which the test environment has not: what was stopped is not begun again in the next second.
func queued(err error) error {
	if stopped, ok := errors.AsType[*temporal.ApplicationError](err); ok && stopped.Type() == activities.Stopped {
		return temporal.NewApplicationErrorWithOptions(stopped.Message(), stopped.Type(), temporal.ApplicationErrorOptions{NextRetryDelay: 20 * time.Minute})
	}
	return err
}

// stoppedAfter stops writes once so many have begun, until release is called.
func (w *world) stoppedAfter(writes int64) (release func()) {
	var begun atomic.Int64
	var released atomic.Bool
	w.gate = func() error {
		if begun.Add(1) > writes && !released.Load() {
			return &engine.GateError{Limit: engine.QueueLimit{Set: true, Reason: "wrong audiences", By: "operator"}}
		}
		return nil
	}
	w.OnActivity("SwitchPair", mock.Anything, mock.Anything).Return(func(ctx context.Context, in activities.SwitchInput) (migration.Moved, error) {
		done, err := w.acts.SwitchPair(ctx, in)
		return done, queued(err)
	})
	w.OnActivity("RollBackPair", mock.Anything, mock.Anything).Return(func(ctx context.Context, in activities.RollBackInput) (migration.Moved, error) {
		done, err := w.acts.RollBackPair(ctx, in)
		return done, queued(err)
	})
	return func() { released.Store(true) }
}

// requireStopped holds that a stop is said, and is nobody's fault.
func (w *world) requireStopped(writes int) {
	w.t.Helper()
	status := w.status()
	require.Equal(w.t, migration.CuttingOver, status.Phase)
	require.Len(w.t, w.writes(), writes)
	for _, p := range status.Pairs {
		require.NotEqual(w.t, migration.Held, p.Progress)
		require.Zero(w.t, p.Unanswered)
	}
	between := false
	for _, problem := range status.Problems {
		require.Equal(w.t, activities.Stopped, problem.Type)
		require.False(w.t, problem.Holds)
		require.Contains(w.t, problem.What, "writes are stopped by operator: wrong audiences")
		between = between || strings.Contains(problem.What, "both stay enabled, between the two writes until writes are released: ")
	}
	require.True(w.t, between, "it is said that both sides of a pair run")
}

// A stop that outlasts the patience with a write many times, met between the two writes of a pair, holds nothing: the pair goes on where it stands.
func TestAStopBetweenTwoWritesOfASwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Canary = false })
	release := w.stoppedAfter(1)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(40), func() {
		w.requireStopped(1)
		require.Empty(t, w.notices.text(migration.NoticeAttention))
		release()
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
	w.requireNoGap()
	require.Len(t, w.writes(), 6)
}

func TestAStopBetweenTwoWritesOfARollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) {
		in.Playbook.CutOver.Canary = false
		in.Playbook.Watch = migration.Watch{Poll: migration.Duration(6 * time.Hour)}
	})
	release := w.stoppedAfter(7)
	w.at(hours(1), func() { signedIn(w) })
	w.at(hours(48), func() { w.update(workflows.UpdateRollback, workflows.Rollback{By: "operator", Reason: "counts fell"}) })
	w.at(hours(60), func() {
		w.requireStopped(7)
		release()
	})
	w.at(hours(62), func() {
		require.Len(t, w.writes(), 12, "each pair back, each write once")
		for _, p := range w.status().Pairs {
			require.Equal(t, migration.WentBack, p.Progress)
		}
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}
