package words_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"cutover/internal/migration"
	"cutover/internal/words"
)

var hostile = []string{
	"Shoppers", "a\r\nSubject: b\n\n- c", "</title><script>alert(1)</script>", `"><img src=x onerror=y>`, "{day} {{.}} %s", "\u202egnp.exe\u2066", "\u2028\u2029\u0085\x00\x1b[2J",
	"javascript:alert(1)", "https://elsewhere.example/", page, "https://adobe.example/accounts", "a\xffb", "&lt;b&gt;", "<!--", "「」（UTC）", "\u061c\u200f", "notice.rest",
}

// FuzzNotice writes every kind of notice with names that the vendor, or a customer, made up. None of them makes a line, an element or a link of its own.
func FuzzNotice(f *testing.F) {
	for i, name := range hostile {
		for kind := range kinds {
			f.Add(uint8(kind), i%2 == 0, name, hostile[(i+kind)%len(hostile)])
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, chinese bool, name, other string) {
		language := words.English
		if chinese {
			language = words.Chinese
		}
		if name == "" || other == "" {
			return // a sentence that is empty has no line
		}
		plain := named(notice(kinds[int(kind)%len(kinds)], language), "x", "y")
		changed := named(notice(kinds[int(kind)%len(kinds)], language), name, other)
		want, got := words.Notice(plain, page), words.Notice(changed, page)
		require.Equal(t, strings.Count(want.Text, "\n"), strings.Count(got.Text, "\n"), "%q", got.Text)
		for _, text := range []string{got.Subject, strings.ReplaceAll(got.Text, "\n", ""), strings.ReplaceAll(got.HTML, "\n", "")} {
			require.Negative(t, strings.IndexFunc(text, func(r rune) bool {
				return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
			}), "%q", text)
		}
		elements, links := skeleton(t, got.HTML)
		wanted, _ := skeleton(t, want.HTML)
		require.Equal(t, wanted, elements, "%s", got.HTML)
		for _, link := range links {
			require.Contains(t, []string{page, plain.Link, plain.Guide}, link)
		}
	})
}

// named is a notice with these names wherever one stands that is not ours.
func named(n migration.Notice, name, other string) migration.Notice {
	n.Name, n.Title, n.Affected = name, other, name
	n.Dataflows = replaced(n.Dataflows, name, other)
	for i := range n.Accounts {
		n.Accounts[i].Name, n.Accounts[i].Sandbox = name, other
		if n.Accounts[i].Why != "" {
			n.Accounts[i].Why = other
		}
	}
	for i := range n.Waits {
		n.Waits[i].Who, n.Waits[i].What, n.Waits[i].Command = name, other, name
	}
	for i := range n.Missed {
		n.Missed[i].Name = other
	}
	return n
}

func replaced(list []string, name, other string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = []string{name, other}[i%2]
	}
	return list
}

// skeleton is a page without its texts: its elements but for links, and where the links lead.
func skeleton(t *testing.T, text string) (elements, links []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "a":
			for _, a := range n.Attr {
				if a.Key == "href" {
					links = append(links, a.Val)
				}
			}
		case n.Type == html.ElementNode:
			elements = append(elements, fmt.Sprint(n.Data, n.Attr))
		case n.Type == html.CommentNode:
			elements = append(elements, "a comment")
		}
	}
	return elements, links
}

// FuzzPhrase says any text as a phrase, however deep reasons stand in reasons, and any text as a language.
func FuzzPhrase(f *testing.F) {
	for _, seed := range []string{
		"no sign-in since the account was made", "3 dataflows were set up on (Deprecating) Pinterest", "the sign-in ended at 2023-12-20T10:00:00Z", "99999999999999999999 dataflows",
		"zh-Hant-TW-x-a", "en-US;q=0.8, zh;q=1e9", strings.Repeat("not tried again: ", 50), "", "\xff", "{why}", "*",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range words.Languages() {
			said := words.In(l).Phrase(text)
			require.True(t, l != words.English || said == text, "English is what phrases are in")
			require.Contains(t, words.Languages(), words.Match(text, l))
		}
		if words.Known(text) {
			require.Equal(t, words.Match(text, words.English), words.Match(text, words.Chinese), "a known language needs no fallback")
		}
	})
}
