package workflows_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/activities"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// Audiences that were activated to the old dataflow after the copy was made are added to the copy, one request each, and seen there before it runs.
func TestAudiencesAddedAreCarriedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		w.add("old", "Loyal customers", "new-year")
		w.add("old", "Loyal customers", "birthdays")
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	w.requireSwitched()
	require.Equal(t, []string{
		"add-audience new Loyal customers birthdays", "add-audience new Loyal customers new-year",
		"enable new Loyal customers", "disable old Loyal customers",
	}, w.wrote("Loyal customers"))
	require.Len(t, w.wrote(""), 8, "nothing is carried over to the others")
	requireSeenBeforeEnabled(t, w, w.flow("new", "Loyal customers").ID)
	var carried []string
	for _, p := range w.reports.evidence(t, "pinterest-v5", acme).Status.Pairs {
		for _, c := range p.Carried {
			carried = append(carried, p.Name+": "+c.String())
			require.False(t, c.At.IsZero() || c.Back)
		}
	}
	require.Equal(t, []string{`Loyal customers: add audience "birthdays" (birthdays)`, `Loyal customers: add audience "new-year" (new-year)`}, carried)
}

// requireSeenBeforeEnabled checks that the last audience of a copy was read back before the copy was enabled.
func requireSeenBeforeEnabled(t *testing.T, w *world, copied string) {
	t.Helper()
	version, seen := 0, 0
	for _, e := range w.emu.Ledger(0) {
		switch {
		case e.ID != copied:
		case e.Kind == "write" && e.Op == emulator.OpAddAudience:
			version = e.ContentVersion
		case e.Kind == "read" && len(e.Served) > 0:
			seen = e.Served[0].ContentVersion
		case e.Kind == "write" && e.Op == "enable":
			require.Equal(t, version, seen, "enabled with what was carried over not seen there")
		}
	}
	require.Positive(t, version)
}

// What the playbook does not carry over by itself is asked, and a person's answer is followed.
func TestDriftIsHeldUntilSettled(t *testing.T) {
	t.Parallel()
	removed := func(w *world) {
		w.edit("old", "Loyal customers", emulator.Edit{RemoveAudiences: []string{"Silver tier"}})
	}
	for name, c := range map[string]struct {
		drift  func(*world)
		policy func(*migration.DriftPolicy)
		asks   string
		offers string // if not both
		answer migration.Answer
		wrote  []string
	}{
		"removed, carried over": {drift: removed, asks: "audience removed from the old dataflow", answer: migration.AnswerCarry, wrote: []string{"remove-audience new"}},
		"removed, accepted":     {drift: removed, asks: "audience removed from the old dataflow", answer: migration.AnswerAccept},
		"added, carried over": {
			drift:  func(w *world) { w.add("old", "Loyal customers", "new-year") },
			policy: func(p *migration.DriftPolicy) { p.AudienceAdded = migration.Ask },
			asks:   "audience added to the old dataflow", answer: migration.AnswerCarry, wrote: []string{"add-audience new"},
		},
		"another mapping, accepted": {drift: func(w *world) { w.remap("old", "Loyal customers") }, asks: "mapping differs", offers: "accept", answer: migration.AnswerAccept},
		"only on the copy, asked": {
			drift:  func(w *world) { w.add("new", "Loyal customers", "stray") },
			policy: func(p *migration.DriftPolicy) { p.AudienceExtra = migration.Ask },
			asks:   "audience only on the copy", offers: "accept", answer: migration.AnswerAccept,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) {
				if c.policy != nil {
					c.policy(&in.Playbook.Drift)
				}
			})
			w.at(hours(1), func() {
				c.drift(w)
				signedIn(w)
			})
			w.at(hours(2), func() {
				status := w.status()
				old := w.flow("old", "Loyal customers").ID
				require.Equal(t, migration.NeedsAttention, status.Phase)
				require.Contains(t, status.Waits[0].What, c.asks)
				require.Equal(t, "starter settle --by NAME --old "+old+" --answer "+cmp.Or(c.offers, "carry|accept")+" --org "+acme, status.Waits[0].Command)
				require.Contains(t, w.notices.text(migration.NoticeAttention), c.asks)
				require.Contains(t, w.details(), c.asks)
				require.Equal(t, "enabled disabled", w.sides("Loyal customers"), "a held pair runs on the old card")
				require.Equal(t, "disabled enabled", w.sides("Holiday shoppers"), "the others go on")
				w.refused(workflows.UpdateSettle, "answer \"maybe\" is unknown", workflows.Settle{By: "operator", Old: old, Answer: "maybe"})
				w.refused(workflows.UpdateSettle, "by is missing", workflows.Settle{Old: old, Answer: c.answer})
				w.refused(workflows.UpdateSettle, "nothing is asked about dataflow", workflows.Settle{By: "operator", Old: w.flow("old", "Holiday shoppers").ID, Answer: c.answer})
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: old, Answer: c.answer})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3, result.Switched)
			w.requireSwitched()
			require.Equal(t, "start attention", w.notices.kinds())
			var edits []string
			for _, e := range w.writes() {
				if e.Op == emulator.OpAddAudience || e.Op == emulator.OpRemoveAudience {
					edits = append(edits, e.Op+" "+e.Card)
				}
			}
			require.Equal(t, c.wrote, edits)
			deeds := w.reports.evidence(t, "pinterest-v5", acme).Status.Deeds
			require.Contains(t, deeds[len(deeds)-1].What, ": "+string(c.answer))
		})
	}
}

// A mapping cannot be carried over, and says so.
func TestMappingCannotBeCarriedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		w.remap("old", "Loyal customers")
		signedIn(w)
	})
	w.at(hours(2), func() {
		answer := workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: migration.AnswerCarry}
		w.refused(workflows.UpdateSettle, "cannot be carried over; change it in Adobe and resume, or accept it", answer)
		w.remap("new", "Loyal customers")
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// An answer holds for the differences it was given to and for no others.
func TestAnswerToOtherDriftIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	settle := func() {
		w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: migration.AnswerAccept})
	}
	w.at(hours(1), func() {
		w.edit("old", "Loyal customers", emulator.Edit{RemoveAudiences: []string{"Silver tier"}})
		signedIn(w)
	})
	w.at(hours(2), func() {
		w.edit("old", "Loyal customers", emulator.Edit{RemoveAudiences: []string{"Gold tier"}})
		settle()
	})
	w.at(hours(3), func() {
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"))
		require.Contains(t, w.status().Waits[0].What, "Gold tier")
		settle()
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
}

// Several answers at once: what is said while a plan is being made is not lost with it.
func TestAnswersDuringAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() {
		for _, name := range shoppers {
			w.add("old", name, "new-year")
			w.edit("old", name, emulator.Edit{RemoveAudiences: []string{"Cart abandoners", "Silver tier", "Newsletter"}})
		}
		signedIn(w)
	})
	w.at(hours(2), func() {
		w.requireUntouched()
		for _, name := range shoppers {
			w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", name).ID, Answer: migration.AnswerCarry})
		}
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Len(t, w.wrote(""), 12)
}

// Drift that the playbook blocks is released by nobody's word, only by its going away.
func TestBlockedDriftIsReleasedByItsRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Drift.AudienceAdded = migration.Block })
	w.at(hours(1), func() {
		w.add("old", "Loyal customers", "new-year")
		signedIn(w)
	})
	held := func() {
		wait := w.status().Waits[0]
		require.Contains(t, wait.What, "audience added to the old dataflow")
		require.Equal(t, "starter resume --by NAME --org "+acme, wait.Command, "no answer is offered")
		require.Equal(t, "enabled disabled", w.sides("Loyal customers"))
	}
	w.at(hours(2), func() {
		held()
		for _, answer := range []migration.Answer{migration.AnswerCarry, migration.AnswerAccept} {
			w.refused(workflows.UpdateSettle, "nothing is asked about dataflow", workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: answer})
		}
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	w.at(hours(3), func() {
		held()
		require.Equal(t, "start attention attention", w.notices.kinds(), "whoever resumed is told that it was not enough")
		w.edit("old", "Loyal customers", emulator.Edit{RemoveAudiences: []string{"new-year"}})
		w.update(workflows.UpdateResume, workflows.Resume{By: "operator"})
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, []string{"enable new Loyal customers", "disable old Loyal customers"}, w.wrote("Loyal customers"))
}

func TestIgnoredDriftIsListedAndLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Drift.AudienceAdded = migration.Ignore })
	w.at(hours(1), func() {
		w.add("old", "Loyal customers", "new-year")
		w.add("new", "Newsletter readers", "beta")
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Len(t, w.wrote(""), 6)
	var drift []string
	for _, p := range w.reports.evidence(t, "pinterest-v5", acme).Plan.Pairs {
		for _, d := range p.Drift {
			drift = append(drift, p.Name+": "+string(d.Kind)+", "+string(d.Policy))
		}
	}
	require.Equal(t, []string{"Loyal customers: audience added to the old dataflow, ignore", "Newsletter readers: audience only on the copy, ignore"}, drift)
}

// Both sides are compared again right before each switch: what came after the plan is carried over by the next one.
func TestAudienceAddedBetweenPlanAndSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20)
	w.at(hours(1), func() { signedIn(w) })
	edited := false
	w.SetOnActivityStartedListener(onSwitch(func(in activities.SwitchInput) {
		if in.Old == w.flow("old", "Loyal customers").ID && !edited {
			edited = true
			w.add("old", "Loyal customers", "new-year")
		}
	}))
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, []string{"add-audience new Loyal customers new-year", "enable new Loyal customers", "disable old Loyal customers"}, w.wrote("Loyal customers"))
}

// Deleted before the shutdown: whether the copy is to take over is a person's to say.
func TestOldDataflowDeletedBeforeTheShutdown(t *testing.T) {
	t.Parallel()
	for answer, want := range map[migration.Answer]struct {
		state   string
		left    int
		written []string
	}{
		migration.AnswerCarry:  {"enabled", 0, []string{"enable new Loyal customers"}},
		migration.AnswerAccept: {"disabled", 1, []string{}},
	} {
		t.Run(string(answer), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20)
			var old string
			w.at(hours(1), func() {
				old = w.flow("old", "Loyal customers").ID
				w.delete("old", "Loyal customers")
				signedIn(w)
			})
			w.at(hours(2), func() {
				require.Equal(t, migration.NeedsAttention, w.status().Phase)
				require.Contains(t, w.status().Waits[0].What, "old dataflow not listed: seen at 2023-11-20T12:00:00Z")
				require.Equal(t, "disabled", w.flow("new", "Loyal customers").State)
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: old, Answer: answer})
			})
			result, err := w.run()
			require.NoError(t, err)
			require.Equal(t, 3-want.left, result.Switched)
			require.Equal(t, want.left, result.LeftOff)
			require.Equal(t, want.state, w.flow("new", "Loyal customers").State)
			require.Equal(t, want.written, w.wrote("Loyal customers"))
		})
	}
}

// Somebody switched the old dataflow off after it was first seen: neither side runs, and nobody but a person knows whether that is meant.
func TestStateSwitchedBySomebody(t *testing.T) {
	t.Parallel()
	for answer, want := range map[migration.Answer]string{migration.AnswerCarry: "disabled enabled", migration.AnswerAccept: "disabled disabled"} {
		t.Run(string(answer), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nov20)
			w.at(hours(1), func() {
				w.edit("old", "Loyal customers", emulator.Edit{State: "disabled"})
				signedIn(w)
			})
			w.at(hours(2), func() {
				require.Equal(t, migration.NeedsAttention, w.status().Phase)
				require.Contains(t, w.status().Waits[0].What, "switched by somebody: the old dataflow was enabled at first and is disabled now: neither runs")
				require.Equal(t, "disabled disabled", w.sides("Loyal customers"))
				w.update(workflows.UpdateSettle, workflows.Settle{By: "operator", Old: w.flow("old", "Loyal customers").ID, Answer: answer})
			})
			_, err := w.run()
			require.NoError(t, err)
			require.Equal(t, want, w.sides("Loyal customers"))
		})
	}
}

// A policy of the playbook's answers instead of a person.
func TestStateIsRevivedByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(in *workflows.Input, _ *emulator.Scenario) { in.Playbook.Drift.State = migration.CarryOver })
	w.at(hours(1), func() {
		w.edit("old", "Loyal customers", emulator.Edit{State: "disabled"})
		signedIn(w)
	})
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	require.Equal(t, []string{"enable new Loyal customers"}, w.wrote("Loyal customers"))
	require.Equal(t, "start", w.notices.kinds())
}

// A crash in the middle of carrying over goes on with what is missing, and repeats nothing.
func TestCarryingOverGoesOnAfterALostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nov20, func(_ *workflows.Input, s *emulator.Scenario) {
		s.Faults = []emulator.Fault{{Route: "PATCH /flows/{id}", Effect: emulator.EffectCutAfter, After: 1, Times: 1}}
	})
	w.at(hours(1), func() {
		for _, audience := range []string{"a", "b", "c"} {
			w.add("old", "Loyal customers", audience)
		}
		signedIn(w)
	})
	w.maybe(hours(2), func() { w.update(workflows.UpdateResume, workflows.Resume{By: "operator"}) })
	result, err := w.run()
	require.NoError(t, err)
	require.Equal(t, 3, result.Switched)
	wrote := w.wrote("Loyal customers")
	require.Equal(t, slices.Compact(slices.Clone(wrote)), wrote)
	require.Len(t, wrote, 5, "each audience once")
	require.WithinDuration(t, hours(1), w.Now(), 2*time.Hour)
}
