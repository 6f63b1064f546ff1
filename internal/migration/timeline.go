package migration

import (
	"slices"
	"time"
)

// Stage is where the clock stands on a playbook's timeline. It is the same for every organization of a playbook unless its dates were moved.
type Stage string

// The stages, in their order.
const (
	Scheduled Stage = "Scheduled" // the new card is not available yet
	Open      Stage = "Open"      // both cards work
	AtRisk    Stage = "AtRisk"    // the old card is no longer guaranteed
	ShutDown  Stage = "ShutDown"  // the vendor closed the old API
)

// Guarantee says in plain words what an organization on the old card can rely on in this stage.
func (s Stage) Guarantee() string {
	switch s {
	case Scheduled:
		return "the old card works; the new card is not available yet"
	case Open:
		return "the old card works"
	case AtRisk:
		return "the integrity of dataflows to the old card is not guaranteed"
	case ShutDown:
		return "the old API is closed: dataflows to the old card fail"
	}
	return ""
}

// Timeline holds the three instants of a playbook. Each is the first moment of what follows, so a deadline "December 15" is the first moment
// of December 16 in the playbook's zone: the whole day still counts.
type Timeline struct {
	Available        time.Time `json:"available"`         // the new card and the copies exist from here
	ReauthenticateBy time.Time `json:"reauthenticate_by"` // AtRisk from here
	Shutdown         time.Time `json:"shutdown"`          // ShutDown from here
}

// Stage is the stage at the instant now.
func (t Timeline) Stage(now time.Time) Stage {
	switch {
	case now.Before(t.Available):
		return Scheduled
	case now.Before(t.ReauthenticateBy):
		return Open
	case now.Before(t.Shutdown):
		return AtRisk
	}
	return ShutDown
}

// Deadline is the next deadline after now: what it is called and when it is. After the shutdown there is none: late is a stage, not a failure.
func (t Timeline) Deadline(now time.Time) (name string, at time.Time) {
	switch {
	case now.Before(t.ReauthenticateBy) && !t.oneDeadline():
		return "re-authenticate", t.ReauthenticateBy
	case now.Before(t.Shutdown):
		return "shutdown of the old API", t.Shutdown
	}
	return "", time.Time{}
}

// oneDeadline tells that nobody has to act before the shutdown.
func (t Timeline) oneDeadline() bool { return t.ReauthenticateBy.Equal(t.Shutdown) }

// beforeShutdown is what comes before the shutdown.
func (t Timeline) beforeShutdown() time.Time {
	if t.oneDeadline() {
		return t.Available
	}
	return t.ReauthenticateBy
}

// Move is the timeline with other deadlines; a zero instant leaves that one as it is.
func (t Timeline) Move(reauthenticateBy, shutdown time.Time) Timeline {
	if t.oneDeadline() && reauthenticateBy.IsZero() {
		reauthenticateBy = shutdown
	}
	if !reauthenticateBy.IsZero() {
		t.ReauthenticateBy = reauthenticateBy.UTC()
	}
	if !shutdown.IsZero() {
		t.Shutdown = shutdown.UTC()
	}
	return t
}

// MilestoneKind says what a milestone asks for.
type MilestoneKind string

// The opening ends the wait for the new card. A reminder goes to the organization's contacts; a deadline changes the stage and is escalated.
const (
	Opening  MilestoneKind = "opening"
	Reminder MilestoneKind = "reminder"
	Deadline MilestoneKind = "deadline"
)

// Milestone is a moment at which something is said while an organization waits on people.
type Milestone struct {
	Kind MilestoneKind `json:"kind"`
	Name string        `json:"name"` // unique within a timeline; part of a notice's idempotency key
	At   time.Time     `json:"at"`
}

// NextMilestone is the first milestone later than after. Milestones that passed while nothing waited are not made up for: the one notice that
// starts a wait says where things stand.
func (p Playbook) NextMilestone(after time.Time) (Milestone, bool) {
	milestones := p.milestones()
	if i := slices.IndexFunc(milestones, func(m Milestone) bool { return m.At.After(after) }); i >= 0 {
		return milestones[i], true
	}
	every := p.Reminders.AfterShutdownEvery.Std()
	if every <= 0 || after.Before(p.Timeline.Shutdown) {
		return Milestone{}, false
	}
	passed := int64(after.Sub(p.Timeline.Shutdown) / every)
	at := p.Timeline.Shutdown.Add(time.Duration(passed+1) * every)
	return Milestone{Kind: Reminder, Name: "late-" + at.UTC().Format(time.RFC3339), At: at}, true
}

func (p Playbook) milestones() []Milestone {
	t := p.Timeline
	list := []Milestone{{Opening, "available", t.Available}, {Deadline, "shutdown", t.Shutdown}}
	if !t.oneDeadline() {
		list = append(list, Milestone{Deadline, "reauthenticate-by", t.ReauthenticateBy})
	}
	ladder := func(name string, deadline, notBefore time.Time, rungs []Duration) {
		for _, rung := range rungs {
			// A rung that a moved date pushed behind the deadline before it would repeat what that one said.
			if at := deadline.Add(-rung.Std()); at.After(notBefore) {
				list = append(list, Milestone{Reminder, name + "-" + rung.String(), at})
			}
		}
	}
	ladder("reauthenticate-by", t.ReauthenticateBy, t.Available, p.Reminders.BeforeReauthenticateBy)
	ladder("shutdown", t.Shutdown, t.beforeShutdown(), p.Reminders.BeforeShutdown)
	slices.SortStableFunc(list, func(a, b Milestone) int { return a.At.Compare(b.At) })
	return list
}
