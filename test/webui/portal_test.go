package webui

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/test/e2e/world"
	"cutover/test/stack"
)

const pageText = `document.body.innerText`

// holds waits until the page says all of these.
func (w *window) holds(t *testing.T, texts ...string) string {
	t.Helper()
	return read(t, w, "a page with "+strings.Join(texts, " and "), pageText, func(said string) bool {
		for _, text := range texts {
			if !strings.Contains(said, text) {
				return false
			}
		}
		return true
	})
}

// A contact opens the organization's own link, on a phone and in their language, consents at Pinterest, and the migration goes on by itself.
func TestTheReconnectPage(t *testing.T) {
	t.Parallel()
	path := chromium(t)
	acme, globex := world.Company("Acme", "Retargeting", "Newsletter"), world.Company("Globex", "Loyalty")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme, globex}, Portal: true})
	w.Type(t, "start", "--all")
	account, foreign := w.Waits(t, acme, 1)[0], w.Waits(t, globex, 1)[0]
	link := func() string {
		answer, err := w.Portal.Command().Do(t.Context(), "link", "--org", acme.ID())
		require.NoError(t, err)
		return stack.LinkIn(answer.Stdout)
	}

	browser := open(t, path)
	require.NoError(t, chromedp.Do(browser.ctx, chromedp.EmulateViewport(412, 915)))
	first := link()
	browser.show(t, first)
	browser.click(t, "#open", "")
	browser.holds(t, "Retargeting", "Newsletter")
	said := browser.holds(t, "Acme Ads")
	require.NotContains(t, said, "Globex")
	require.NotContains(t, said, foreign)
	wide, err := script[bool](t.Context(), browser, `document.documentElement.scrollWidth > window.innerWidth`)
	require.NoError(t, err)
	require.False(t, wide, "nothing sticks out on a phone")
	browser.picture(t, "portal-phone.png")

	browser.click(t, `a[hreflang="zh-Hant"]`, "")
	read(t, browser, "the page in Chinese", `document.documentElement.lang`, func(lang string) bool { return lang == "zh-Hant" })
	browser.holds(t, "帳戶", "Retargeting")
	require.NoError(t, chromedp.Do(browser.ctx, chromedp.EmulateViewport(width, height)))
	browser.picture(t, "portal-zh.png")
	browser.click(t, `a[hreflang="en"]`, "")

	// Consent that is declined changes nothing, and can be given after all.
	browser.click(t, `[id="connect-`+account+`"]`, "")
	browser.click(t, `[value="deny"]`, "")
	browser.holds(t, "Retargeting")
	require.Zero(t, w.Status(t, acme).Accounts[0].GrantedAt)
	browser.click(t, `[id="connect-`+account+`"]`, "")
	choose := `(() => { const who = document.querySelector("select"); if (who) who.value = "` + acme.ID() + `"; return who?.value === "` + acme.ID() + `"; })()`
	read(t, browser, "the choice of who consents", choose, func(chosen bool) bool { return chosen })
	browser.click(t, `[value="approve"]`, "")
	browser.holds(t, "Retargeting")
	w.Migrated(t, acme)
	require.True(t, w.Status(t, acme).Accounts[0].ByGrant, "nobody had to sign in at Adobe")
	require.Equal(t, migration.AwaitingReauth, w.Status(t, globex).Phase)
	browser.reload(t)
	browser.holds(t, "Retargeting")
	gone, err := script[bool](t.Context(), browser, `document.querySelector("[id^=connect-]") === null`)
	require.NoError(t, err)
	require.True(t, gone, "nothing is left to do")

	// A link is for once: whoever finds it later finds nothing.
	browser.click(t, "#leave", "")
	browser.holds(t, "You are signed out")
	browser.show(t, first)
	said = browser.holds(t, "This link was used already")
	require.NotContains(t, said, "Retargeting")
}
