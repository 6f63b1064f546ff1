package words

import (
	"time"

	"cutover/internal/migration"
)

// Letter is a notice in words: a one-line subject, and twice the same text.
type Letter struct {
	Subject string
	Text    string
	HTML    string // a whole page that fetches nothing
}

// Notice puts a notice in words. Link is the organization's own page, at which it reconnects; it is shown where a sign-in is asked for, and empty there is
// none. What operators are told is English.
func Notice(n migration.Notice, link string) Letter {
	if n.Kind == migration.NoticeAttention || n.Kind == migration.NoticeDeadline {
		return operatorLetter(n).lay()
	}
	w := writer{Printer: In(Match(n.Language, English)), notice: n, page: link}
	l := letter{Language: w.language, Subject: w.subject(), Lead: w.lead(), Open: w.Say("notice.page.open")}
	if n.Kind == migration.NoticeUndelivered {
		l.Sections = w.missed()
		return l.lay()
	}
	l.Sections = append(l.Sections, w.dataflows()...)
	l.Sections = append(l.Sections, w.steps()...)
	l.Sections = append(l.Sections, w.rest())
	l.URLs = []string{n.Link, n.Guide}
	return l.lay()
}

// writer writes what an organization is told.
type writer struct {
	Printer

	notice migration.Notice
	page   string
}

func (w writer) subject() string {
	n := w.notice
	args := []any{"title", n.Title, "day", w.Day(w.due(), n.Zone), "by", w.Day(n.By, n.Zone), "shutdown", w.Day(n.Shutdown, n.Zone)}
	switch {
	case n.Kind == migration.NoticeStart && n.Stage == migration.ShutDown:
		return w.Say("notice.subject.start_late", args...)
	case n.Kind == migration.NoticeStart:
		return w.Say("notice.subject.start", args...)
	case n.Kind == migration.NoticeReminder:
		return w.Say("notice.subject.reminder", args...)
	case n.Kind == migration.NoticeRefused:
		return w.Say("notice.subject.refused", args...)
	case n.Kind == migration.NoticeRescheduled && n.By.Equal(n.Shutdown):
		return w.Say("notice.subject.rescheduled_one", args...)
	case n.Kind == migration.NoticeRescheduled:
		return w.Say("notice.subject.rescheduled", args...)
	case n.Kind == migration.NoticeRenew:
		return w.Say("notice.subject.renew", args...)
	case n.Kind == migration.NoticeUndelivered:
		return w.Say("notice.subject.undelivered", args...)
	}
	return n.Title
}

// lead says whom the notice is about and why.
func (w writer) lead() []string {
	lead := []string{w.Say("notice.organization", "name", w.notice.Name, "id", w.notice.Organization)}
	if w.notice.Affected != "" {
		lead = append(lead, w.Say("notice.why", "why", w.Phrase(w.notice.Affected)))
	}
	return lead
}

func (w writer) dataflows() []section {
	if len(w.notice.Dataflows) == 0 {
		return nil
	}
	s := section{Title: w.Say("notice.dataflows")}
	for _, name := range w.notice.Dataflows {
		s.add(w.listed(name))
	}
	if w.notice.More > 0 {
		s.add(w.Say("notice.more", "count", w.notice.More))
	}
	return []section{s}
}

// steps are what a person must do, with the page first: it needs no knowledge of Adobe's user interface.
func (w writer) steps() []section {
	if len(w.notice.Accounts) == 0 {
		return nil
	}
	when, day := w.when(), w.Day(w.due(), w.notice.Zone)
	where := w.Say("notice.accounts")
	if w.notice.Link != "" {
		where = w.Say("notice.accounts.link", "link", w.notice.Link)
	}
	accounts := section{Title: w.Say("notice.todo."+when, "day", day), Notes: []string{w.Say("notice.steps", "accounts", where)}}
	var all []section
	if w.page != "" {
		all = append(all, section{Title: w.Say("notice.page."+when, "day", day), Link: w.page, Notes: []string{w.Say("notice.page.once")}})
		accounts = section{Title: w.Say("notice.page.accounts"), Notes: []string{w.Say("notice.page.without", "accounts", where)}}
	}
	for _, account := range w.notice.Accounts {
		accounts.add(w.account(account))
	}
	return append(all, accounts)
}

func (w writer) account(a migration.SignIn) string {
	said := w.Say("notice.account", "name", w.quote(a.Name), "id", a.ID, "sandbox", a.Sandbox)
	switch {
	case a.ID == "":
		return w.Say("notice.account.label", "name", a.Name) // of a notice that was under way before accounts had their own fields
	case !a.Ends.IsZero():
		return w.Say("notice.account.ends", "account", said, "time", w.Instant(a.Ends))
	case a.Why != "":
		return w.Say("notice.account.why", "account", said, "why", w.Phrase(a.Why))
	}
	return said
}

// when is how soon the person must act, as the keys of messages end.
func (w writer) when() string {
	switch {
	case w.notice.Kind == migration.NoticeRenew:
		return "renew"
	case w.notice.Stage == migration.ShutDown:
		return "late"
	}
	return "by"
}

// due is the next deadline.
func (w writer) due() time.Time {
	if w.notice.Stage == migration.AtRisk {
		return w.notice.Shutdown
	}
	return w.notice.By
}

// rest says what is done without anybody, and what happens otherwise.
func (w writer) rest() section {
	n := w.notice
	after := "notice.after"
	if n.By.Equal(n.Shutdown) {
		after = "notice.after_one"
	}
	s := section{Notes: []string{w.Say("notice.rest"), w.Say(after, "by", w.Day(n.By, n.Zone), "shutdown", w.Day(n.Shutdown, n.Zone))}}
	if n.Guide != "" {
		s.Notes = append(s.Notes, w.Say("notice.guide", "link", n.Guide))
	}
	return s
}

// missed says what was not delivered and what of it nobody can bring back.
func (w writer) missed() []section {
	s := section{Title: w.Say("notice.missed")}
	for _, m := range w.notice.Missed {
		s.add(w.Say("notice.missed.dataflow", "name", w.listed(m.Name), "from", w.Instant(m.From), "to", w.Instant(m.To)))
	}
	if w.notice.More > 0 {
		s.add(w.Say("notice.missed.more", "count", w.notice.More))
	}
	return []section{s, {Notes: []string{w.Say("notice.missed.lost"), w.Say("notice.missed.compare")}}}
}

// listed is the name of a dataflow in a list, where English needs no marks around it.
func (w writer) listed(name string) string {
	if w.language == English {
		return name
	}
	return w.quote(name)
}
