package words

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// letter is a notice in words before it is laid out.
type letter struct {
	Language Language
	Subject  string
	Lead     []string // whom it is about, and why
	Sections []section
	Open     string   // what the button says that opens a section's link
	URLs     []string // that sentences hold, and that are links in HTML
}

// section is a part of a letter. All of it may be empty.
type section struct {
	Title string
	Link  string // to open before anything else
	Items []item
	Notes []string
}

// item is an entry of a list, with what to type.
type item struct{ Text, Command string }

func (s *section) add(text string) { s.Items = append(s.Items, item{Text: text}) }

// lay lays the letter out both ways.
func (l letter) lay() Letter {
	l.clean()
	return Letter{Subject: l.Subject, Text: l.text(), HTML: l.html()}
}

// clean keeps every text on its line and in its direction: names come from the vendor, and one with line breaks would write lines of its own.
func (l *letter) clean() {
	each := func(texts ...*string) {
		for _, text := range texts {
			*text = oneLine(*text)
		}
	}
	each(&l.Subject)
	for i := range l.Lead {
		each(&l.Lead[i])
	}
	for i := range l.Sections {
		s := &l.Sections[i]
		each(&s.Title, &s.Link)
		for j := range s.Items {
			each(&s.Items[j].Text, &s.Items[j].Command)
		}
		for j := range s.Notes {
			each(&s.Notes[j])
		}
	}
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, text)
}

func (l letter) text() string {
	var b strings.Builder
	line := func(text string) {
		if text != "" {
			b.WriteString(text + "\n")
		}
	}
	for _, text := range l.Lead {
		line(text)
	}
	for _, s := range l.Sections {
		b.WriteString("\n")
		line(s.Title)
		line(s.Link)
		for _, i := range s.Items {
			line("- " + i.Text)
			if i.Command != "" {
				line("  type: " + i.Command)
			}
		}
		for _, text := range s.Notes {
			line(text)
		}
	}
	return b.String()
}

//go:embed letter.html
var letterHTML string

var letterTemplate = template.Must(template.New("letter").Parse(letterHTML))

// html is the letter as a page. Its template takes any text, so that writing it cannot fail.
func (l letter) html() string {
	var b strings.Builder
	if err := letterTemplate.Execute(&b, l); err != nil {
		panic(fmt.Errorf("write a letter: %w", err))
	}
	return b.String()
}

// span is a piece of a sentence: words, or an address that is a link.
type span struct{ Text, URL string }

// Spans parts a sentence at the addresses that the letter knows. An address in a vendor's name stays text.
func (l letter) Spans(text string) (spans []span) {
	for text != "" {
		at, address := len(text), ""
		for _, u := range l.URLs {
			if i := strings.Index(text, u); webAddress(u) && i >= 0 && (i < at || i == at && len(u) > len(address)) {
				at, address = i, u
			}
		}
		if at > 0 {
			spans = append(spans, span{Text: text[:at]})
		}
		if address == "" {
			break
		}
		spans = append(spans, span{Text: address, URL: address})
		text = text[at+len(address):]
	}
	return spans
}

func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && slices.Contains([]string{"http", "https"}, u.Scheme)
}
