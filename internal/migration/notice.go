package migration

import (
	"fmt"
	"strings"
	"time"
)

// NoticeKind is why a notice is sent.
type NoticeKind string

// The kinds. Those about a deadline or an operator's part go to the operator, the others to the organization.
const (
	NoticeStart       NoticeKind = "start"       // what happens, what to do, by when
	NoticeReminder    NoticeKind = "reminder"    // the same, again
	NoticeRefused     NoticeKind = "refused"     // a claimed re-authentication did not show
	NoticeRescheduled NoticeKind = "rescheduled" // the dates moved
	NoticeDeadline    NoticeKind = "deadline"    // a deadline passed while people were waited for
	NoticeAttention   NoticeKind = "attention"   // an operator must act
	NoticeRenew       NoticeKind = "renew"       // a sign-in ends soon
	NoticeUndelivered NoticeKind = "undelivered" // what a late organization did not deliver
)

// A notice names this many waits.
const namedWaits = 20

// Notice is everything that a notice says, before it is put in words.
type Notice struct {
	Key          string     `json:"key"` // idempotency key: the same key is delivered once
	Kind         NoticeKind `json:"kind"`
	Organization string     `json:"organization"`
	Name         string     `json:"name"`
	To           []string   `json:"to,omitempty"`
	Title        string     `json:"title"` // the playbook's
	By           time.Time  `json:"by"`    // re-authenticate by
	Shutdown     time.Time  `json:"shutdown"`
	Zone         string     `json:"zone"`
	Stage        Stage      `json:"stage,omitempty"`    // when it is due; empty while both deadlines lie ahead
	Link         string     `json:"link,omitempty"`     // to Adobe's accounts page
	Guide        string     `json:"guide,omitempty"`    // to more about it
	Affected     string     `json:"affected,omitempty"` // why the organization is told
	Dataflows    []string   `json:"dataflows,omitempty"`
	More         int        `json:"more,omitempty"`      // dataflows, or waits, that are not named
	Accounts     []string   `json:"accounts,omitempty"`  // to sign in to
	Missed       []Missed   `json:"missed,omitempty"`    // what was not delivered, without audiences
	Waits        []Wait     `json:"waits,omitempty"`     // what the operator must do
	NotBefore    time.Time  `json:"not_before,omitzero"` // a reminder is a notice that is not due yet
}

// NewNotice puts together a notice about the organization as it stands, due at now. What tells it apart from others of its kind.
func (s *State) NewNotice(kind NoticeKind, what string, o Organization, p Playbook, now time.Time) Notice {
	n := Notice{
		Key:  strings.Join([]string{p.Name, o.ID, string(kind), what}, "/"),
		Kind: kind, Organization: o.ID, Name: o.Name, Title: p.Title, By: p.Timeline.ReauthenticateBy, Shutdown: p.Timeline.Shutdown, Zone: p.Zone,
		Affected: s.Assessment.Reason,
	}
	if stage := p.Timeline.Stage(now); stage == AtRisk || stage == ShutDown {
		n.Stage = stage
	}
	if kind == NoticeAttention || kind == NoticeDeadline {
		n.Waits = s.Waits(o, p, now) // to the operator's own channel
		if n.More = max(0, len(n.Waits)-namedWaits); n.More > 0 {
			n.Waits = n.Waits[:namedWaits]
		}
		return n
	}
	n.To = o.Contacts
	if kind == NoticeUndelivered {
		n.Missed = s.Undelivered()
		if n.More = len(n.Missed) - namedDataflows; n.More > 0 {
			n.Missed = n.Missed[:namedDataflows]
		}
		n.More = max(0, n.More)
		return n
	}
	n.Link = p.Links.Accounts
	if kind == NoticeStart {
		n.Guide = p.Links.Guide
	}
	n.Dataflows, n.More = s.Assessment.Names, s.Assessment.Listed-len(s.Assessment.Names)
	for _, account := range s.Asked() {
		words := because(account.Note)
		if account.Verified && kind != NoticeRefused {
			words = ", whose sign-in ends at " + Instant(account.LeaseEnd)
		}
		n.Accounts = append(n.Accounts, account.label()+words)
	}
	return n
}

// Subject is the notice's one-line summary.
func (n Notice) Subject() string {
	switch n.Kind {
	case NoticeStart:
		return fmt.Sprintf("%s: action needed %s", n.Title, n.when())
	case NoticeReminder:
		return n.Title + ": your action is still needed"
	case NoticeRefused:
		return n.Title + ": the sign-in could not be confirmed"
	case NoticeRescheduled:
		if n.By.Equal(n.Shutdown) {
			return fmt.Sprintf("%s: the date moved, now %s", n.Title, n.day(n.Shutdown))
		}
		return fmt.Sprintf("%s: the dates moved, now %s and %s", n.Title, n.day(n.By), n.day(n.Shutdown))
	case NoticeDeadline:
		return fmt.Sprintf("%s: %s passed a deadline", n.Title, n.Name)
	case NoticeAttention:
		return fmt.Sprintf("%s: %s needs an operator", n.Title, n.Name)
	case NoticeRenew:
		return n.Title + ": a sign-in ends soon"
	case NoticeUndelivered:
		return n.Title + ": what was not delivered"
	}
	return n.Title
}

// Text is the notice in plain words: why it is sent, what is affected, what to do with links, by when, and what happens otherwise.
func (n Notice) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(fmt.Sprintf(format, args...) + "\n") }
	line("%s (%s)", n.Name, n.Organization)
	if n.Affected != "" {
		line("Why you are told: %s.", n.Affected)
	}
	if len(n.Waits) > 0 {
		line("\nWhat is waited for:")
		for _, w := range n.Waits {
			line("- %s, since %s: %s, by %s", w.Who, Instant(w.Since), w.What, Instant(w.By))
			if w.Command != "" {
				line("  type: %s", w.Command)
			}
		}
		if n.More > 0 {
			line("- and %d more", n.More)
		}
		return b.String()
	}
	if len(n.Missed) > 0 {
		n.writeMissed(line)
		return b.String()
	}
	if len(n.Dataflows) > 0 {
		line("\nDataflows:")
		for _, name := range n.Dataflows {
			line("- %s", name)
		}
		if n.More > 0 {
			line("- and %d more", n.More)
		}
	}
	if len(n.Accounts) > 0 {
		when := n.when()
		if n.Kind == NoticeRenew {
			when = "before the sign-in ends"
		}
		line("\nTo do %s: sign in again to", when)
		for _, account := range n.Accounts {
			line("- account %s", account)
		}
		line("Open Destinations > Accounts (%s), filter by the new card, choose Edit details, then Reconnect OAuth. That is noticed by itself; telling the operator makes it quicker.", n.Link)
	}
	line("\nEverything else is done for you: dataflows of the new card are enabled and the old ones disabled, one by one, checked each time.")
	if n.By.Equal(n.Shutdown) {
		line("After %s dataflows to the old card fail.", n.day(n.Shutdown))
	} else {
		line("After %s the integrity of dataflows to the old card is not guaranteed. After %s they fail; signing in later still brings them back.",
			n.day(n.By), n.day(n.Shutdown))
	}
	if n.Guide != "" {
		line("More: %s", n.Guide)
	}
	return b.String()
}

// writeMissed says what was not delivered and what of it nobody can bring back.
func (n Notice) writeMissed(line func(string, ...any)) {
	line("\nThe dataflows run again on the new card. Meanwhile nothing was delivered:")
	for _, m := range n.Missed {
		line("- %s, from %s to %s", m.Name, Instant(m.From), Instant(m.To))
	}
	if n.More > 0 {
		line("- and %d more dataflows", n.More)
	}
	line("\nAudience changes of that time may be lost: Adobe documents no way to send them again. Profiles that enter or leave an audience from now on are delivered.")
	line("Compare the audience sizes in the destination's own user interface, and ask Adobe about a backfill where they differ. The evidence file lists every audience.")
}

// when is how soon the person must act.
func (n Notice) when() string {
	switch n.Stage {
	case AtRisk:
		return "by " + n.day(n.Shutdown)
	case ShutDown:
		return "now, since the old API is closed"
	case Scheduled, Open:
	}
	return "by " + n.day(n.By)
}

// day writes a deadline as people say it: an instant that ends a day in the playbook's zone is that day.
func (n Notice) day(end time.Time) string {
	zone, err := time.LoadLocation(n.Zone)
	if err != nil || end.IsZero() {
		return Instant(end)
	}
	last := end.Add(-time.Nanosecond).In(zone)
	if !startOfDay(last.AddDate(0, 0, 1), zone).Equal(end) {
		return Instant(end)
	}
	return last.Format(time.DateOnly) + " (end of day, " + n.Zone + ")"
}
