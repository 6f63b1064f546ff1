package workflows_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// Whatever a vendor does to any one call, the organization ends on the new card with no gap: by itself where repeating helps, and after an
// operator's word where it does not.
func TestEveryFaultAtEveryStep(t *testing.T) {
	t.Parallel()
	faults := []emulator.Fault{
		{Effect: emulator.EffectStatus, Status: 429},
		{Effect: emulator.EffectStatus, Status: 429, RetryAfter: time.Hour},
		{Effect: emulator.EffectStatus, Status: 500},
		{Effect: emulator.EffectStatus, Status: 503},
		{Effect: emulator.EffectStatus, Status: 403},
		{Effect: emulator.EffectCutBefore},
		{Effect: emulator.EffectCutAfter},
		{Effect: emulator.EffectExpiredToken},
		{Effect: emulator.EffectHTML},
		{Effect: emulator.EffectHTML, Status: 200},
		{Effect: emulator.EffectTruncated},
		{Effect: emulator.EffectRedirect},
		{Effect: emulator.EffectStaleEtag},
		{Effect: emulator.EffectDuplicatePage},
		{Effect: emulator.EffectTransition, Delay: 2 * time.Second},
	}
	var struck sync.Map
	for _, fault := range faults {
		for _, route := range []string{"POST /flows/{id}/action", "GET /flows/{id}", "GET /flows", "GET /connections*", "GET /targetConnections", "GET /connectionSpecs", "GET /runs", "POST /ims/token/v3"} {
			for after := range 2 {
				fault := fault
				fault.Route, fault.After, fault.Times = route, after*3, 1
				t.Run(fmt.Sprintf("%s %d %s after %d", fault.Effect, fault.Status, route, fault.After), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) { s.Faults = []emulator.Fault{fault} })
					for hour := range 48 {
						w.maybe(nov20.Add(time.Duration(hour+1)*time.Hour), func() {
							status := w.status()
							if hour == 0 {
								signedIn(w)
							} else if status.Phase == migration.NeedsAttention {
								w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
							}
						})
					}
					result, err := w.run()
					require.NoError(t, err)
					require.Equal(t, migration.Migrated, result.Outcome)
					w.requireSwitched()
					w.requireNoGap()
					if slices.ContainsFunc(w.emu.Ledger(0), func(e emulator.Entry) bool { return e.Fault != "" }) {
						struck.Store(t.Name(), true)
					}
				})
			}
		}
	}
	t.Cleanup(func() {
		n := 0
		struck.Range(func(any, any) bool { n++; return true })
		t.Logf("%d faults struck", n)
		require.Greater(t, n, 140, "faults that do not strike prove nothing")
	})
}

// A dataflow edited while the plan is carried out is not switched from that plan.
func TestEditBetweenPlanAndSwitch(t *testing.T) {
	t.Parallel()
	for _, card := range []string{"old", "new"} {
		t.Run(card, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Drift.AudienceMissing = migration.Ignore })
			w.at(nov20.Add(time.Hour), func() {
				signedIn(w)
			})
			var edited emulator.FlowState
			w.SetOnActivityStartedListener(onSwitch(func(in activities.SwitchInput) {
				if in.Old == w.flow("old", "Loyal customers").ID && edited.ID == "" {
					edited = w.flow(card, "Loyal customers")
					audience := []emulator.Audience{{Name: "Added in between"}}
					require.NoError(t, w.emu.EditFlow(acme, "prod", edited.ID, emulator.Edit{By: "customer", AddAudiences: audience}))
				}
			}))
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			require.NotEmpty(t, edited.ID)
			requireReadAfterEdit(t, w, edited.ID)
		})
	}
}

// A pair that changes under every plan is held and not tried for ever.
func TestPairThatNeverHoldsStill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Drift.AudienceMissing = migration.Ignore })
	w.at(nov20.Add(time.Hour), func() { signedIn(w) })
	edits := 0
	w.SetOnActivityStartedListener(onSwitch(func(in activities.SwitchInput) {
		if in.Old == w.flow("old", "Loyal customers").ID && edits < 3 {
			edits++
			require.NoError(t, w.emu.EditFlow(acme, "prod", in.Old, emulator.Edit{By: "customer", AddAudiences: []emulator.Audience{{Name: fmt.Sprint("Edit ", edits)}}}))
		}
	}))
	w.at(nov20.Add(2*time.Hour), func() {
		status := w.status()
		require.Equal(t, migration.NeedsAttention, status.Phase)
		require.Contains(t, status.Waits[0].What, "changed under 3 plans in a row")
		require.Equal(t, "enabled", w.flow("old", "Loyal customers").State)
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}
