package words

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// phrase is an English phrase of the domain, as a pattern, and what it is in another language.
type phrase struct {
	english *regexp.Regexp
	parts   []string // names of what the pattern catches
	other   string
}

// parts of phrases have names in braces. These are caught by what they look like; any other is whatever stands there.
var (
	part  = regexp.MustCompile(`\{\w+\}`)
	looks = map[string]string{
		"{time}":  `\d{4}-\d\d-\d\dT[\d:.]+Z`,
		"{count}": `\d+`,
	}
)

// phrases is compiled when the first one is looked up: most programs that say something look up none.
var phrases = sync.OnceValue(func() map[Language][]phrase {
	all := map[Language][]phrase{}
	for _, l := range Languages() {
		if l == English {
			continue // which the domain speaks
		}
		in := read[string]("phrases", l)
		// The pattern with the most words of its own says best what a phrase is.
		english := slices.SortedFunc(maps.Keys(in), func(a, b string) int {
			return cmp.Or(len(part.ReplaceAllString(b, ""))-len(part.ReplaceAllString(a, "")), strings.Compare(a, b))
		})
		for _, pattern := range english {
			all[l] = append(all[l], compile(pattern, in[pattern]))
		}
	}
	return all
})

func compile(pattern, other string) phrase {
	p := phrase{parts: part.FindAllString(pattern, -1), other: other}
	b := strings.Builder{}
	for i, literal := range part.Split(pattern, -1) {
		b.WriteString(regexp.QuoteMeta(literal))
		if i < len(p.parts) {
			b.WriteString("(" + cmp.Or(looks[p.parts[i]], ".+") + ")")
		}
	}
	p.english = regexp.MustCompile("(?s)^" + b.String() + "$")
	return p
}

// Phrase says a phrase of the domain in the printer's language: why a sign-in does not count, why an organization is affected, where it stands. The
// English phrase is the key, with the parts that vary left open. What is not known stays English.
func (p Printer) Phrase(text string) string {
	for _, known := range phrases()[p.language] {
		m := known.english.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		var pairs []string
		for i, name := range known.parts {
			pairs = append(pairs, name, p.part(name, m[i+1]))
		}
		return strings.NewReplacer(pairs...).Replace(known.other)
	}
	return text
}

// part says a part of a phrase: a moment as this language writes it, a reason as a phrase of its own, a name as it is.
func (p Printer) part(name, text string) string {
	switch name {
	case "{time}":
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return p.Instant(at)
		}
	case "{why}":
		return p.Phrase(text)
	}
	return text
}
