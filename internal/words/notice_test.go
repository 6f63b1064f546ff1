package words_test

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/words"
)

// at reads an instant; the tests' own texts are well formed.
func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

var (
	atRisk   = at("2023-12-16T08:00:00Z")
	shutdown = at("2024-01-19T08:00:00Z")
)

const page = "https://portal.example/l/0123456789abcdef"

// notice is a notice of that kind as the domain puts it together.
func notice(kind migration.NoticeKind, l words.Language) migration.Notice {
	n := migration.Notice{
		Key: "pinterest-v5/canary-key", Kind: kind, Organization: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Title: "Pinterest v4 to v5",
		By: atRisk, Shutdown: shutdown, Zone: "America/Los_Angeles", NotBefore: at("2001-02-03T04:05:06Z"), Language: string(l),
		Affected: "2 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z",
	}
	switch kind {
	case migration.NoticeAttention, migration.NoticeDeadline:
		n.Waits = []migration.Wait{{
			On: migration.OnOperator, Who: "operator", What: `dataflow "Shoppers" (o1): audience missing on the copy: "Buyers" (c)`,
			Since: at("2023-11-20T10:00:00Z"), By: atRisk, Command: "starter resume --by NAME --org 1A2B3C4D5E6F@AdobeOrg",
		}}
		return n
	case migration.NoticeUndelivered:
		n.Missed = []migration.Missed{{Name: "Visitors", From: shutdown, To: at("2024-01-21T08:00:00Z")}}
	default:
		n.Link, n.Dataflows = "https://adobe.example/accounts", []string{"Shoppers", "Visitors"}
		n.Accounts = []migration.SignIn{{ID: "v5", Name: "Pinterest v5", Sandbox: "prod"}}
	}
	n.To = []string{"canary@acme.example"}
	switch kind {
	case migration.NoticeStart:
		n.Guide = "https://vendor.example/guide"
	case migration.NoticeRefused:
		n.Accounts[0].Why = "the account has not changed since it was first read"
	case migration.NoticeRenew:
		n.Accounts[0].Ends = at("2023-12-20T10:00:00Z")
	default:
	}
	return n
}

var kinds = []migration.NoticeKind{
	migration.NoticeStart, migration.NoticeReminder, migration.NoticeRefused, migration.NoticeRescheduled, migration.NoticeRenew,
	migration.NoticeUndelivered, migration.NoticeDeadline, migration.NoticeAttention,
}

// told tells whether the organization is told.
func told(kind migration.NoticeKind) bool {
	return kind != migration.NoticeDeadline && kind != migration.NoticeAttention
}

// golden compares with a file under testdata; CUTOVER_UPDATE_GOLDEN=1 writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("CUTOVER_UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, name)
}

func TestLetters(t *testing.T) {
	t.Parallel()
	late := func(n migration.Notice, stage migration.Stage) migration.Notice {
		n.Stage = stage
		return n
	}
	for _, l := range words.Languages() {
		for name, n := range map[string]migration.Notice{
			"start": notice(migration.NoticeStart, l), "refused": notice(migration.NoticeRefused, l), "renew": notice(migration.NoticeRenew, l),
			"rescheduled": notice(migration.NoticeRescheduled, l), "undelivered": notice(migration.NoticeUndelivered, l),
			"reminder": late(notice(migration.NoticeReminder, l), migration.AtRisk), "late": late(notice(migration.NoticeReminder, l), migration.ShutDown),
		} {
			letter := words.Notice(n, "")
			golden(t, name+"."+string(l)+".txt", letter.Subject+"\n\n"+letter.Text)
		}
		for _, kind := range []migration.NoticeKind{migration.NoticeStart, migration.NoticeUndelivered} {
			letter := words.Notice(notice(kind, l), page)
			golden(t, fmt.Sprintf("%s-link.%s.txt", kind, l), letter.Subject+"\n\n"+letter.Text)
			golden(t, fmt.Sprintf("%s-link.%s.html", kind, l), letter.HTML)
		}
	}
	for _, kind := range []migration.NoticeKind{migration.NoticeAttention, migration.NoticeDeadline} {
		letter := words.Notice(notice(kind, words.Chinese), page)
		golden(t, string(kind)+".txt", letter.Subject+"\n\n"+letter.Text)
		golden(t, string(kind)+".html", letter.HTML)
	}
}

var (
	tag      = regexp.MustCompile(`<[^>]*>`)
	address  = regexp.MustCompile(`https?://[^\s)<"）]+`)
	names    = regexp.MustCompile(`Pinterest v4 to v5|\(Deprecating\) Pinterest|Adobe Experience Platform`)
	sentence = regexp.MustCompile(`[A-Za-z']+([ ,.;:]+[A-Za-z']+){3,}`)
)

// requireChinese finds whole English in a Chinese text.
func requireChinese(t *testing.T, text, about string) {
	t.Helper()
	text = address.ReplaceAllString(names.ReplaceAllString(text, "名"), "址")
	require.Empty(t, sentence.FindString(text), "%s: %s", about, text)
}

// Whatever a notice holds, its letter is whole, in its language, and holds nothing else.
func TestEveryLetterIsWhole(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, l := range words.Languages() {
			for _, stage := range []migration.Stage{"", migration.AtRisk, migration.ShutDown} {
				for _, link := range []string{"", page} {
					for _, one := range []bool{false, true} {
						n := notice(kind, l)
						n.Stage = stage
						if one {
							n.By = n.Shutdown
						}
						about := fmt.Sprintf("%s %s %s %q %v", kind, l, stage, link, one)
						requireWhole(t, n, words.Notice(n, link), link, about)
					}
				}
			}
		}
	}
}

func requireWhole(t *testing.T, n migration.Notice, letter words.Letter, link, about string) {
	t.Helper()
	require.True(t, strings.HasPrefix(letter.Subject, "Pinterest v4 to v5") && len(letter.Subject) > len("Pinterest v4 to v5: "), about)
	for _, text := range []string{letter.Subject, letter.Text, letter.HTML} {
		for _, broken := range []string{"%!", "{", "}", "notice.", "<no value>", "ZgotmplZ", "()", "（）", "「」", "canary", "2001-02-03", "0001-01-01"} {
			require.NotContains(t, text, broken, about)
		}
	}
	for _, text := range []string{letter.Text, letter.HTML} {
		require.Equal(t, link != "" && len(n.Accounts) > 0, strings.Contains(text, page), "%s: the page where a sign-in is asked for, and nowhere else", about)
		for _, found := range address.FindAllString(text, -1) {
			require.Contains(t, []string{n.Link, n.Guide, link}, found, about)
		}
	}
	require.NotContains(t, letter.Subject, "https://", about)
	language := words.English
	if told(n.Kind) {
		language = words.Language(n.Language)
	}
	require.Contains(t, letter.HTML, `<html lang="`+string(language)+`">`, about)
	shown := html.UnescapeString(tag.ReplaceAllString(letter.HTML, ""))
	for line := range strings.Lines(letter.Text) {
		require.Contains(t, shown, strings.TrimLeft(strings.TrimSpace(line), "- "), "%s: HTML says what the text says", about)
	}
	if language == words.Chinese {
		requireChinese(t, letter.Subject, about)
		requireChinese(t, letter.Text, about)
		requireChinese(t, shown, about)
	} else {
		require.NotRegexp(t, `\p{Han}`, letter.Subject+letter.Text+letter.HTML, about)
	}
}

func TestTheLanguageOfALetter(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"": "en", "en-GB": "en", "fr": "en", "zh-TW": "zh-Hant", "zh": "zh-Hant", "zh-Hant": "zh-Hant"} {
		require.Contains(t, words.Notice(notice(migration.NoticeStart, words.Language(code)), "").HTML, `<html lang="`+want+`">`, code)
	}
}

// What is asked for is asked for by a day that is still to come.
func TestALetterKnowsTheStage(t *testing.T) {
	t.Parallel()
	for stage, want := range map[migration.Stage]string{
		"": "by 2023-12-15", migration.AtRisk: "by 2024-01-18", migration.ShutDown: "now, since the old API is closed",
	} {
		n := notice(migration.NoticeStart, words.English)
		n.Stage = stage
		for _, link := range []string{"", page} {
			letter := words.Notice(n, link)
			require.Contains(t, letter.Subject, "action needed "+want)
			require.Contains(t, letter.Text, "\nTo do "+want)
		}
	}
}

// With a page, it comes before everything else that there is to do.
func TestThePageComesFirst(t *testing.T) {
	t.Parallel()
	for _, l := range words.Languages() {
		n := notice(migration.NoticeStart, l)
		letter := words.Notice(n, page)
		require.Less(t, strings.Index(letter.Text, page+"\n"), strings.Index(letter.Text, n.Link), "on a line of its own")
		require.Equal(t, 2, strings.Count(letter.HTML, `<a href="`+page+`"`), "as a button and as text")
		n.Accounts = nil
		letter = words.Notice(n, page)
		require.NotContains(t, letter.Text+letter.HTML, page, "nothing to do there")
	}
}

func TestLettersCountWhatTheyDoNotName(t *testing.T) {
	t.Parallel()
	for kind, more := range map[migration.NoticeKind]string{
		migration.NoticeStart: "- and 80 more\n", migration.NoticeUndelivered: "- and 80 more dataflows\n", migration.NoticeAttention: "- and 80 more\n",
	} {
		n := notice(kind, words.English)
		require.NotContains(t, words.Notice(n, "").Text, " more\n", kind)
		n.More = 80
		require.Contains(t, words.Notice(n, "").Text, more, kind)
	}
}

func TestALetterWithoutAReason(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		n := notice(kind, words.English)
		n.Affected = ""
		letter := words.Notice(n, "")
		require.NotContains(t, letter.Text, "Why you are told", kind)
		require.True(t, strings.HasPrefix(letter.Text, "Acme (1A2B3C4D5E6F@AdobeOrg)\n\n"), kind)
	}
}

// Notices that were under way before accounts had fields of their own hold a label.
func TestAnAccountThatIsALabel(t *testing.T) {
	t.Parallel()
	n := notice(migration.NoticeStart, words.English)
	n.Accounts = []migration.SignIn{{Name: `"Pinterest v5" (v5) in sandbox prod`}}
	require.Contains(t, words.Notice(n, "").Text, `- account "Pinterest v5" (v5) in sandbox prod`+"\n")
}
