package words_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/words"
)

// Names are the vendor's: they are neither markup, nor lines or links of our own, nor placeholders.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const evil = "<script>alert(1)</script>\r\n\u2028To do now:\x1b[2J {link} %s \u202Ehttps://evil.example/\" onclick=\"x"
	for _, l := range words.Languages() {
		for _, kind := range kinds {
			plain := notice(kind, l)
			lines := strings.Count(words.Notice(plain, page).Text, "\n")
			n := plain
			n.Name, n.Title, n.Affected = evil, evil, evil
			for i := range n.Dataflows {
				n.Dataflows[i] = evil
			}
			for i := range n.Accounts {
				n.Accounts[i] = migration.SignIn{ID: evil, Name: evil, Sandbox: evil, Why: evil}
			}
			for i := range n.Missed {
				n.Missed[i].Name = evil
			}
			for i := range n.Waits {
				n.Waits[i].Who, n.Waits[i].What, n.Waits[i].Command = evil, evil, evil
			}
			letter := words.Notice(n, page)
			require.NotRegexp(t, `[\x00-\x1f\x{2028}\x{202e}]`, letter.Subject, kind)
			require.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x{2028}\x{202e}]`, letter.Text, kind)
			require.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x{2028}\x{202e}]`, letter.HTML, kind)
			require.Equal(t, lines, strings.Count(letter.Text, "\n"), kind)
			require.NotContains(t, letter.HTML, "<script", kind)
			require.NotContains(t, letter.HTML, `onclick="`, kind)
			require.NotContains(t, letter.HTML, `href="https://evil`, kind)
			require.Contains(t, letter.HTML, "&lt;script&gt;", kind)
			require.Contains(t, letter.Text, "{link} %s", kind)
		}
	}
}

// What a link is follows from the playbook, and only web addresses are links.
func TestOnlyWebAddressesAreLinks(t *testing.T) {
	t.Parallel()
	n := notice(migration.NoticeStart, words.English)
	require.Contains(t, words.Notice(n, "").HTML, `<a href="https://adobe.example/accounts"`)
	n.Link, n.Guide = "https://adobe.example/", "https://adobe.example/guide"
	require.Contains(t, words.Notice(n, "").HTML, `<a href="https://adobe.example/guide"`, "an address that begins with another one")
	n.Link, n.Guide = "javascript:alert(1)", "data:text/html,x"
	letter := words.Notice(n, "")
	require.NotContains(t, letter.HTML, "<a ")
	require.Contains(t, letter.Text, "(javascript:alert(1))", "as text it is harmless, and shows what is wrong")
}

// Mail programs show no more than a page that fetches and runs nothing.
func TestALetterIsSelfContained(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		page := words.Notice(notice(kind, words.English), page).HTML
		require.NotRegexp(t, `(?i)<(script|img|link|iframe|form|style|svg|base|meta http)|\ssrc=|url\(|@import`, page, kind)
		require.Equal(t, 1, strings.Count(page, "<h1"), kind)
		require.Regexp(t, `<title>[^<]+</title>`, page, kind)
	}
}

// A playbook need not give links.
func TestALetterWithoutLinks(t *testing.T) {
	t.Parallel()
	for l, steps := range map[words.Language]string{words.English: "Open Destinations > Accounts, filter", words.Chinese: "請開啟「目的地 > 帳戶」，篩選"} {
		n := notice(migration.NoticeStart, l)
		n.Link, n.Guide = "", ""
		letter := words.Notice(n, "")
		require.Contains(t, letter.Text, steps)
		require.NotContains(t, letter.HTML, "<a ")
		requireWhole(t, n, letter, "", string(l))
	}
}
