package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// A vendor that answers no write for hours needs nobody; one that goes on like that needs a person.
func TestWritesThatAreNotAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		down time.Duration
		held bool
	}{"hours": {5 * time.Hour, false}, "two days": {48 * time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.CutOver.Canary = false })
			w.at(hours(1), func() {
				signedIn(w)
				_, err := w.emu.AddFault(emulator.Fault{ID: "down", Route: "POST /flows/{id}/action", Effect: emulator.EffectStatus, Status: 503})
				require.NoError(t, err)
			})
			w.at(hours(1).Add(c.down), func() {
				status := w.status()
				require.Equal(t, c.held, status.Phase == migration.NeedsAttention, status.Phase)
				require.NoError(t, w.emu.RemoveFault("down"))
				if c.held {
					require.Contains(t, status.Waits[0].What, "503")
					w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
				}
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
			w.requireNoGap()
			require.Equal(t, c.held, w.notices.text(migration.NoticeAttention) != "")
		})
	}
}

// While one pair is not answered, what happens to the others is seen to: one that fails goes back, and an operator's rollback is carried out.
func TestFailureBesideAWriteThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, s *emulator.Scenario) {
		in.Playbook.CutOver.Canary = false
		s.Organizations[0].Sandboxes[0].Dataflows[0].Copy = &emulator.Copy{Runs: emulator.RunsFail}
	})
	w.at(hours(1), func() {
		signedIn(w)
		_, err := w.emu.AddFault(emulator.Fault{ID: "down", Route: "POST /flows/{id}/action", After: 2, Times: 400, Effect: emulator.EffectStatus, Status: 503})
		require.NoError(t, err)
	})
	w.at(hours(20), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, w.details(), "rolled back")
		require.Equal(t, "enabled disabled", w.sides("Holiday shoppers"))
		w.CancelWorkflow()
	})
	_, err := w.run()
	require.Error(t, err)
	w.requireNoGap()
}
