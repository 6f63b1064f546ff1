package words

import (
	"fmt"

	"cutover/internal/migration"
)

// operatorLetter is a notice to the operator: what is waited for, and what to type. Operators, their commands and their channel speak English, so that
// these words are in no message file.
func operatorLetter(n migration.Notice) letter {
	l := letter{Language: English, Subject: n.Title + ": " + n.Name + " needs an operator", Lead: writer{Printer: In(English), notice: n}.lead()}
	if n.Kind == migration.NoticeDeadline {
		l.Subject = n.Title + ": " + n.Name + " passed a deadline"
	}
	if len(n.Waits) == 0 {
		return l
	}
	s := section{Title: "What is waited for:"}
	for _, w := range n.Waits {
		s.Items = append(s.Items, item{
			Text:    fmt.Sprintf("%s, since %s: %s, by %s", w.Who, migration.Instant(w.Since), w.What, migration.Instant(w.By)),
			Command: w.Command,
		})
	}
	if n.More > 0 {
		s.add(fmt.Sprintf("and %d more", n.More))
	}
	l.Sections = []section{s}
	return l
}
