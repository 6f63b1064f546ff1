package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func TestStageAndDeadlineAtTheirEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now      time.Time
		stage    migration.Stage
		deadline string
		by       time.Time
	}{
		{time.Time{}, migration.Scheduled, "re-authenticate", atRisk},
		{available.Add(-time.Second), migration.Scheduled, "re-authenticate", atRisk},
		{available, migration.Open, "re-authenticate", atRisk},
		{available.Add(time.Second), migration.Open, "re-authenticate", atRisk},
		{atRisk.Add(-time.Second), migration.Open, "re-authenticate", atRisk},
		{atRisk, migration.AtRisk, "shutdown of the old API", shutdown},
		{atRisk.Add(time.Second), migration.AtRisk, "shutdown of the old API", shutdown},
		{shutdown.Add(-time.Second), migration.AtRisk, "shutdown of the old API", shutdown},
		{shutdown, migration.ShutDown, "", time.Time{}},
		{shutdown.Add(time.Second), migration.ShutDown, "", time.Time{}},
		{shutdown.Add(1000 * day), migration.ShutDown, "", time.Time{}},
	} {
		timeline := pinterest().Timeline
		require.Equal(t, c.stage, timeline.Stage(c.now), "at %s", c.now)
		name, by := timeline.Deadline(c.now)
		require.Equal(t, c.deadline, name, "at %s", c.now)
		require.Equal(t, c.by, by, "at %s", c.now)
	}
}

func TestGuarantee(t *testing.T) {
	t.Parallel()
	require.Contains(t, migration.Scheduled.Guarantee(), "not available yet")
	require.Equal(t, "the old card works", migration.Open.Guarantee())
	require.Contains(t, migration.AtRisk.Guarantee(), "not guaranteed")
	require.Contains(t, migration.ShutDown.Guarantee(), "fail")
	require.Empty(t, migration.Stage("").Guarantee())
}

func TestTimelineCheck(t *testing.T) {
	t.Parallel()
	good := pinterest().Timeline
	require.NoError(t, good.Check())
	require.NoError(t, migration.Timeline{available, available.Add(1), available.Add(2)}.Check())
	require.NoError(t, migration.Timeline{available, shutdown, shutdown}.Check(), "one deadline")
	for want, bad := range map[string]migration.Timeline{
		"reauthenticate_by (2023-11-16T08:00:00Z) must be later than available (2023-11-16T08:00:00Z)": {available, available, shutdown},
		"reauthenticate_by (2023-11-16T08:00:00Z) must be later than available (2023-12-16T08:00:00Z)": {atRisk, available, shutdown},
		"shutdown (2023-12-16T08:00:00Z) must be later than reauthenticate_by (2024-01-19T08:00:00Z)":  {available, shutdown, atRisk},
		"shutdown (3000-01-01T00:00:00Z) must lie between the years 2000 and 2999":                     {available, shutdown, at("3000-01-01T00:00:00Z")},
	} {
		require.EqualError(t, bad.Check(), want)
	}
}

// one is a playbook with one deadline.
func one() migration.Playbook {
	return with(pinterest(), func(p *migration.Playbook) {
		p.Timeline.ReauthenticateBy, p.Reminders.BeforeReauthenticateBy, p.Reauthentication.Needed = shutdown, nil, false
	})
}

func TestOneDeadlineIsSaidOnce(t *testing.T) {
	t.Parallel()
	timeline := one().Timeline
	require.NoError(t, timeline.Check())
	for now, stage := range map[time.Time]migration.Stage{available: migration.Open, atRisk: migration.Open, shutdown.Add(-1): migration.Open, shutdown: migration.ShutDown} {
		require.Equal(t, stage, timeline.Stage(now))
	}
	name, by := timeline.Deadline(available)
	require.Equal(t, "shutdown of the old API", name)
	require.Equal(t, shutdown, by)
	name, _ = timeline.Deadline(shutdown)
	require.Empty(t, name)
	require.Equal(t, []migration.Milestone{
		{migration.Opening, "available", available},
		{migration.Reminder, "shutdown-14d", shutdown.Add(-14 * day)},
		{migration.Reminder, "shutdown-7d", shutdown.Add(-7 * day)},
		{migration.Reminder, "shutdown-3d", shutdown.Add(-3 * day)},
		{migration.Reminder, "shutdown-1d", shutdown.Add(-day)},
		{migration.Deadline, "shutdown", shutdown},
		{migration.Reminder, "late-2024-01-26T08:00:00Z", shutdown.Add(7 * day)},
	}, walk(one(), time.Time{}, 7))
	n := told().NewNotice(migration.NoticeStart, "1", acme(), one(), look)
	require.Equal(t, shutdown, n.Shutdown)
	require.Equal(t, n.Shutdown, n.By)
}

func TestMove(t *testing.T) {
	t.Parallel()
	two, single := pinterest().Timeline, one().Timeline
	later := shutdown.Add(30 * day)
	require.Equal(t, two, two.Move(time.Time{}, time.Time{}))
	require.Equal(t, migration.Timeline{available, atRisk, later}, two.Move(time.Time{}, later))
	require.Equal(t, migration.Timeline{available, atRisk.Add(day), shutdown}, two.Move(atRisk.Add(day), time.Time{}))
	require.Equal(t, migration.Timeline{available, later, later.Add(day)}, two.Move(later, later.Add(day)))
	require.Equal(t, migration.Timeline{available, later, later}, single.Move(time.Time{}, later), "one deadline stays one")
	require.Equal(t, migration.Timeline{available, atRisk, later}, single.Move(atRisk, later), "unless a person parts it")
	require.Equal(t, single, single.Move(time.Time{}, time.Time{}))
	require.Equal(t, time.UTC, two.Move(later.In(time.FixedZone("", 3600)), later.In(time.FixedZone("", 3600))).Shutdown.Location())
}

// walk follows the ladder from an instant, a number of steps.
func walk(p migration.Playbook, from time.Time, steps int) []migration.Milestone {
	var out []migration.Milestone
	for range steps {
		m, ok := p.NextMilestone(from)
		if !ok {
			break
		}
		out = append(out, m)
		from = m.At
	}
	return out
}

func TestMilestonesInOrder(t *testing.T) {
	t.Parallel()
	require.Equal(t, []migration.Milestone{
		{migration.Opening, "available", available},
		{migration.Reminder, "reauthenticate-by-14d", at("2023-12-02T08:00:00Z")},
		{migration.Reminder, "reauthenticate-by-7d", at("2023-12-09T08:00:00Z")},
		{migration.Reminder, "reauthenticate-by-3d", at("2023-12-13T08:00:00Z")},
		{migration.Reminder, "reauthenticate-by-1d", at("2023-12-15T08:00:00Z")},
		{migration.Deadline, "reauthenticate-by", atRisk},
		{migration.Reminder, "shutdown-14d", at("2024-01-05T08:00:00Z")},
		{migration.Reminder, "shutdown-7d", at("2024-01-12T08:00:00Z")},
		{migration.Reminder, "shutdown-3d", at("2024-01-16T08:00:00Z")},
		{migration.Reminder, "shutdown-1d", at("2024-01-18T08:00:00Z")},
		{migration.Deadline, "shutdown", shutdown},
		{migration.Reminder, "late-2024-01-26T08:00:00Z", at("2024-01-26T08:00:00Z")},
		{migration.Reminder, "late-2024-02-02T08:00:00Z", at("2024-02-02T08:00:00Z")},
	}, walk(pinterest(), time.Time{}, 13))
}

func TestNextMilestoneIsLaterThanAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		after time.Time
		want  string
	}{
		{"one second before a rung", at("2023-12-02T07:59:59Z"), "reauthenticate-by-14d"},
		{"at the rung", at("2023-12-02T08:00:00Z"), "reauthenticate-by-7d"},
		{"one second after it", at("2023-12-02T08:00:01Z"), "reauthenticate-by-7d"},
		{"one second before a deadline", atRisk.Add(-time.Second), "reauthenticate-by"},
		{"at the deadline", atRisk, "shutdown-14d"},
		{"passed rungs are not made up for", at("2023-12-15T20:00:00Z"), "reauthenticate-by"},
		{"one second before the shutdown", shutdown.Add(-time.Second), "shutdown"},
		{"at the shutdown", shutdown, "late-2024-01-26T08:00:00Z"},
		{"one second before a late one", at("2024-01-26T07:59:59Z"), "late-2024-01-26T08:00:00Z"},
		{"at a late one", at("2024-01-26T08:00:00Z"), "late-2024-02-02T08:00:00Z"},
		{"years later", at("2030-01-01T00:00:00Z"), "late-2030-01-04T08:00:00Z"},
	} {
		m, ok := pinterest().NextMilestone(c.after)
		require.True(t, ok, c.name)
		require.Equal(t, c.want, m.Name, c.name)
	}
}

func TestNoLateRemindersUnlessAsked(t *testing.T) {
	t.Parallel()
	p := pinterest()
	p.Reminders.AfterShutdownEvery = 0
	_, ok := p.NextMilestone(shutdown)
	require.False(t, ok)
	m, ok := p.NextMilestone(shutdown.Add(-1))
	require.True(t, ok)
	require.Equal(t, "shutdown", m.Name)
}

func TestMilestonesAfterTheDatesMoved(t *testing.T) {
	t.Parallel()
	p := pinterest()
	p.Timeline.ReauthenticateBy = available.Add(2 * day)
	p.Timeline.Shutdown = available.Add(5 * day)
	require.Equal(t, []migration.Milestone{
		{migration.Opening, "available", available},
		{migration.Reminder, "reauthenticate-by-1d", available.Add(day)},
		{migration.Deadline, "reauthenticate-by", available.Add(2 * day)},
		{migration.Reminder, "shutdown-1d", available.Add(4 * day)},
		{migration.Deadline, "shutdown", available.Add(5 * day)},
		{migration.Reminder, "late-2023-11-28T08:00:00Z", available.Add(12 * day)},
	}, walk(p, available.Add(-1), 6), "a rung that would stand before the deadline that came before is dropped, the one upon it too")

	p = pinterest()
	p.Timeline.ReauthenticateBy = atRisk.Add(30 * day)
	p.Timeline.Shutdown = shutdown.Add(30 * day)
	m, ok := p.NextMilestone(at("2023-12-20T00:00:00Z"))
	require.True(t, ok)
	require.Equal(t, migration.Milestone{migration.Reminder, "reauthenticate-by-14d", at("2024-01-01T08:00:00Z")}, m, "a later deadline has its whole ladder again")
}

func drawPlaybook(t *rapid.T) migration.Playbook {
	p := pinterest()
	gap := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(1, 60*24).Draw(t, "hours")) * time.Hour
	})
	p.Timeline.ReauthenticateBy = available.Add(gap.Draw(t, "to the first deadline"))
	p.Timeline.Shutdown = p.Timeline.ReauthenticateBy.Add(gap.Draw(t, "to the shutdown"))
	p.Reminders.AfterShutdownEvery = migration.Duration(rapid.IntRange(0, 3).Draw(t, "late")) * migration.Duration(day)
	return p
}

// Whatever the dates: milestones only go forward, names and instants are unique, both deadlines are said, each between its rungs.
func TestMilestoneProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlaybook(t)
		from := available.Add(time.Duration(rapid.IntRange(-100, 2000).Draw(t, "from")) * time.Hour)
		seen := map[string]bool{}
		last := from
		for _, m := range walk(p, from, 20) {
			require.True(t, m.At.After(last), "%s", m.Name)
			require.False(t, seen[m.Name], "%s twice", m.Name)
			require.NotEmpty(t, m.Kind)
			require.Equal(t, m.Kind == migration.Deadline, m.At.Equal(p.Timeline.ReauthenticateBy) || m.At.Equal(p.Timeline.Shutdown), "%s", m.Name)
			seen[m.Name], last = true, m.At
		}
		require.Equal(t, from.Before(p.Timeline.ReauthenticateBy), seen["reauthenticate-by"])
		require.Equal(t, from.Before(p.Timeline.Shutdown), seen["shutdown"])
	})
}

// The stage depends on the clock alone and only ever moves forward.
func TestStageProperties(t *testing.T) {
	t.Parallel()
	order := map[migration.Stage]int{migration.Scheduled: 0, migration.Open: 1, migration.AtRisk: 2, migration.ShutDown: 3}
	rapid.Check(t, func(t *rapid.T) {
		timeline := drawPlaybook(t).Timeline
		now := available.Add(time.Duration(rapid.IntRange(-100, 4000).Draw(t, "now")) * time.Hour)
		later := now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "later")) * time.Hour)
		require.LessOrEqual(t, order[timeline.Stage(now)], order[timeline.Stage(later)])
		name, by := timeline.Deadline(now)
		require.Equal(t, name == "", by.IsZero())
		require.Equal(t, timeline.Stage(now) == migration.ShutDown, by.IsZero())
		if !by.IsZero() {
			require.True(t, by.After(now))
		}
	})
}
