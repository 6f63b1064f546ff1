package migration_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Pairs[0].Progress, s.Pairs[0].SwitchedAt = migration.Switched, look
	s.Paused = &migration.Deed{At: look, By: "operator", What: "a freeze"}
	s.Record(migration.Deed{At: look, By: "operator", What: "paused"})
	s.Raise(migration.Problem{At: look, What: "slow"})
	got := s.Status(acme(), pinterest(), atRisk)
	pairs := slices.Clone(s.Pairs)
	pairs[0].RollbackUntil = shutdown
	require.Equal(t, migration.Status{
		Organization: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Playbook: "pinterest-v5", Phase: migration.Assessing, Since: assessed,
		Timeline: pinterest().Timeline, Stage: migration.AtRisk, Guarantee: migration.AtRisk.Guarantee(), Deadline: "shutdown of the old API", DeadlineAt: shutdown,
		Paused: true, Reason: s.Assessment.Reason, PlanHash: s.Plan.Hash,
		Waits: s.Waits(acme(), pinterest(), atRisk), Accounts: s.Accounts, Pairs: pairs, Choices: map[string]string{}, Problems: s.Problems, Deeds: s.Deeds,
		Terms: s.Terms(pinterest(), atRisk), Consents: []migration.Consent{}, Notices: []migration.Sent{}, Links: pinterest().Links,
		Title: "Pinterest v4 to v5", Zone: "America/Los_Angeles", Dataflows: []string{"Shoppers", "Visitors"}, Listed: 2,
	}, got)
	require.NotEmpty(t, got.Waits)
	late := s.Status(acme(), pinterest(), shutdown)
	require.Equal(t, migration.ShutDown, late.Stage)
	require.Empty(t, late.Deadline)
	require.Zero(t, late.DeadlineAt)
}

// Programs range over every list without asking whether it is there.
func TestStatusHasNoNull(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*migration.State{"new": {}, "begun": begun(twoPairs(), pinterest()), "planned": planned(twoPairs(), pinterest()), "done": {Phase: migration.Migrated}} {
		data, err := json.Marshal(s.Status(acme(), pinterest(), look))
		require.NoError(t, err)
		require.NotContains(t, string(data), "null", name)
		var object map[string]any
		require.NoError(t, json.Unmarshal(data, &object))
		for _, list := range []string{"waits", "accounts", "pairs", "problems", "deeds", "consents", "notices"} {
			require.IsType(t, []any{}, object[list], "%s of %s", list, name)
		}
		require.Contains(t, object, "paused", "a flag says false too")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, (&migration.State{}).Open())
	require.Equal(t, 2, begun(twoPairs(), pinterest()).Open())
	look := twoPairs()
	look.Old = append(look.Old, old("o3", "Gone"), old("o4", "Unwanted"))
	p := pinterest()
	s := begun(look, p)
	s.Follow(makePlan(look, p, map[string]string{"o4": migration.LeaveOut}), p)
	require.Equal(t, 3, s.Open(), "two pairs and a question")
	for progress, open := range map[migration.Progress]int{migration.Ready: 3, migration.Held: 3, migration.Switched: 3, migration.Verified: 2, migration.LeftOff: 2} {
		s.Pairs[0].Progress = progress
		require.Equal(t, open, s.Open(), progress)
	}
}

// A status that is read later tells the stage of then.
func TestStatusAtALaterTime(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest()).Status(acme(), pinterest(), look)
	require.Equal(t, migration.Open, s.Stage)
	s.At(shutdown.Add(time.Second))
	require.Equal(t, migration.ShutDown, s.Stage)
	require.Equal(t, migration.ShutDown.Guarantee(), s.Guarantee)
	require.Zero(t, s.DeadlineAt)
}
