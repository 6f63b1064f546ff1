package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cutover/internal/migration"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"lower": strings.ToLower}).Parse(pageText))

// HTML is the evidence for people: one page that needs nothing else and does nothing. Long lists are cut, and say so: the JSON beside it has all.
func (e Evidence) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, pageOf(e)); err != nil {
		return nil, fmt.Errorf("write the page about %s: %w", e.Status.Organization, err)
	}
	return b.Bytes(), nil
}

// page is what the template shows.
type page struct {
	Name, Organization, Title, Guide string
	Phase, Tone, Meaning             string
	Facts                            []fact
	Picture                          *picture
	Sections                         []section
	Written                          string
}

// fact is a short value with its name.
type fact struct{ Name, Value string }

// section is a table under a heading; without rows it says none.
type section struct {
	ID, Title, Intro string
	Head             []string
	Rows             [][]cell
	More             int    // rows that are cut
	After            string // what the rows mean, if there are any
}

// cell is a value in a table. Its text may have several lines.
type cell struct {
	Text  string
	Note  string // smaller, below
	Tone  string // good, bad or wait: a mark around the text
	Class string // fixed, code or id: how the text is set
}

func pageOf(e Evidence) page {
	s := e.Status
	p := page{
		Name: brief(s.Name), Organization: brief(s.Organization), Title: brief(e.Title), Guide: link(e.Guide),
		Phase: words(string(s.Phase)), Tone: phaseTone(s.Phase), Meaning: meaning(s),
		Facts:   facts(s),
		Picture: draw(e), Sections: sections(e), Written: instant(e.Written),
	}
	if p.Title == "" {
		p.Title = brief(s.Playbook)
	}
	if p.Name == "" {
		p.Name = p.Organization
	}
	return p
}

func facts(s migration.Status) []fact {
	all := []fact{
		{"Since", instant(s.Since)},
		{"Dataflows", tally(s.Pairs)},
		{"Stage", words(string(s.Stage)) + ": " + s.Guarantee},
		{"New card available", instant(s.Timeline.Available)},
		{"Re-authenticate before", instant(s.Timeline.ReauthenticateBy)},
		{"Old API closed from", instant(s.Timeline.Shutdown)},
	}
	if s.Timeline.ReauthenticateBy.Equal(s.Timeline.Shutdown) {
		all = slices.Delete(all, 4, 5) // one deadline alone
	}
	return all
}

// words writes a name of ours as people would: NeedsAttention as Needs attention.
func words(name string) string {
	var b strings.Builder
	for i, r := range brief(name) {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// link keeps what a browser may follow.
func link(text string) string {
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return text
}

func phaseTone(p migration.Phase) string {
	switch p {
	case migration.Migrated, migration.NotAffected, migration.Watching:
		return "good"
	case migration.NeedsAttention, migration.RolledBack, migration.Cancelled:
		return "bad"
	default:
		return "wait"
	}
}

// meaning says in a sentence how the organization stands.
func meaning(s migration.Status) string {
	switch s.Phase {
	case migration.Migrated:
		return "Everything runs on the new card."
	case migration.NotAffected:
		return "This organization has nothing to migrate."
	case migration.Watching:
		return "Everything runs on the new card. Both cards are watched until the old API closes."
	case migration.NeedsAttention:
		return "Nothing more is changed until a person acts; see what is waited for."
	case migration.RolledBack:
		return "What was switched is back on the old card, and the migration was ended."
	case migration.Cancelled:
		return "The migration was ended before it was complete. Each dataflow stands as listed here."
	default:
		return "The migration is under way."
	}
}

// tally counts the dataflows by where they stand, in the order in which they move.
func tally(pairs []migration.PairState) string {
	counts := map[migration.Progress]int{}
	for _, pair := range pairs {
		counts[pair.Progress]++
	}
	var parts []string
	for _, progress := range []migration.Progress{migration.Verified, migration.Switched, migration.Ready, migration.Held, migration.WentBack, migration.LeftOff} {
		if n := counts[progress]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, progress))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", len(pairs), strings.Join(parts, ", "))
}

// instant is a moment as it stands everywhere on the page, in UTC.
func instant(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// maxText bounds a text in a table, in characters.
const maxText = 400

// brief cuts a text that would swell the page.
func brief(text string) string {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text)[:maxText]) + " …"
}
