package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"cutover/internal/migration"
	"cutover/internal/words"
	"cutover/workflows"
)

func TestThePageSaysWhatIsAffectedWhatToDoAndByWhen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	printer := words.In(words.English)
	b.says(
		"Acme", "Pinterest v4 to v5", "Holiday shoppers", "Loyal customers", "Newsletter readers",
		en("page.flows.count", "moved", 0, "all", 3), "Acme Pinterest", en("page.account.sandbox", "sandbox", "prod"),
		en("page.account.why", "why", "no sign-in since the account was made"),
		en("page.when.open", "by", printer.Day(timeline().ReauthenticateBy, "America/Los_Angeles"), "shutdown", printer.Day(timeline().Shutdown, "America/Los_Angeles")),
		en("page.connect.enough"), en("page.adobe.reconnect", "account", "Acme Pinterest"),
		"Acme second", en("page.account.until", "at", "2023-12-21T12:00:00Z"), en("page.state.asked", "count", 1),
	)
	require.True(t, b.has("connect-"+acmeAccount))
	require.True(t, b.has("reconnected-"+acmeAccount))
	require.False(t, b.has("connect-"+signed), "nobody is asked for an account that is signed in")
	require.NotContains(t, b.text(), "Globex")

	planned := acmeStatus()
	planned.ByGrant, planned.Listed = false, 24
	planned.Pairs = []migration.PairState{
		{Pair: migration.Pair{Name: "Holiday shoppers", Account: acmeAccount}, Progress: migration.Verified},
		{Pair: migration.Pair{Name: "Loyal customers", Account: acmeAccount}, Progress: migration.WentBack},
	}
	planned.Accounts[0].Verified, planned.Accounts[0].LeaseEnd, planned.Accounts[0].RenewSince = true, noon.AddDate(0, 0, 2), noon
	planned.Accounts[0].ClaimedBy = "operator"
	w.workflows.set(planned)
	b.open("/")
	b.says(en("page.flows.count", "moved", 1, "all", 24), en("page.flows.more", "count", 21), en("page.flow.back"), en("page.connect.checks"),
		en("page.account.ends", "at", "2023-12-03T12:00:00Z"), en("page.account.claimed"))
}

func TestThePageSaysEveryStageAndOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	once := timeline()
	once.ReauthenticateBy = once.Shutdown
	for _, tc := range []struct {
		change func(*migration.Status)
		key    string
	}{
		{func(s *migration.Status) { s.Phase = migration.Migrated }, "page.state.migrated"},
		{func(s *migration.Status) { s.Phase = migration.NotAffected }, "page.state.notaffected"},
		{func(s *migration.Status) { s.Phase = migration.RolledBack }, "page.state.rolledback"},
		{func(s *migration.Status) { s.Phase = migration.Cancelled }, "page.state.cancelled"},
		{func(s *migration.Status) { s.Phase, s.Accounts = migration.Assessing, nil }, "page.state.assessing"},
		{func(s *migration.Status) { s.Phase = migration.NeedsAttention }, "page.state.attention"},
		{func(s *migration.Status) { s.Paused = true }, "page.state.paused"},
		{func(s *migration.Status) { s.Accounts = s.Accounts[1:] }, "page.state.nothing"},
		{func(s *migration.Status) { s.Timeline = once }, "page.when.once"},
		{func(s *migration.Status) { s.Timeline.Available = noon.Add(time.Hour) }, "page.when.scheduled"},
		{func(s *migration.Status) { s.Timeline.ReauthenticateBy = noon }, "page.when.atrisk"},
		{func(s *migration.Status) { s.Timeline.ReauthenticateBy, s.Timeline.Shutdown = noon, noon }, "page.when.shutdown"},
	} {
		s := acmeStatus()
		tc.change(&s)
		w.workflows.set(s)
		b.open("/")
		day := words.In(words.English)
		b.says(en(tc.key, "available", day.Instant(s.Timeline.Available), "by", day.Day(s.Timeline.ReauthenticateBy, s.Zone), "shutdown", day.Day(s.Timeline.Shutdown, s.Zone)))
		require.Equal(t, !s.Phase.Done() && len(s.Accounts) == 2, b.has("connect-"+acmeAccount), tc.key)
	}
	w.workflows.change(func(f *fakeWorkflows) { clear(f.status) })
	b.open("/")
	b.says(en("page.state.none"))
	require.Equal(t, http.StatusOK, b.status)
}

func TestIHaveReconnectedIsSignalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	b.click("reconnected-" + acmeAccount)
	b.says(en("page.said.reconnected"))
	require.Equal(t, []workflows.ReauthCompleted{{Account: acmeAccount, By: "reconnect page"}}, w.workflows.got())
	require.Equal(t, []string{workflows.WorkflowID(playbook, acme)}, w.workflows.to)

	w.workflows.change(func(f *fakeWorkflows) { f.down = errors.New("no connection") })
	b.click("reconnected-" + acmeAccount)
	b.says(en("page.said.notpassed"))
	require.NotNil(t, find(b.doc, func(n *html.Node) bool { return attribute(n, "role") == "alert" }))

	w.workflows.change(func(f *fakeWorkflows) { clear(f.status); f.down = nil })
	b.open("/")
	b.do(http.MethodPost, "/reconnected", url.Values{"account": {acmeAccount}})
	b.says(en("page.said.ended"))
	require.Len(t, w.workflows.got(), 1)

	b.open("/?said=" + url.QueryEscape("<b>anything else</b>"))
	require.NotContains(t, b.body, "anything else")
}

func TestAnotherOrganizationsAccountIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	w.visitor(globex) // whose accounts are known here, too
	for _, id := range []string{foreign, "", "unheard of"} {
		for _, path := range []string{"/reconnected", "/connect"} {
			b.do(http.MethodPost, path, url.Values{"account": {id}})
			require.Equal(t, http.StatusNotFound, b.status, path)
			b.says(en("page.foreign.what"))
			require.Equal(t, path, b.at.Path, "nobody is sent to Pinterest")
		}
	}
	require.Empty(t, w.workflows.got())
	_, held := w.grant(globex, foreign)
	require.False(t, held)
}

func TestThePageWorksWhileTemporalDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	silence := func(f *fakeWorkflows) { f.silent = errors.New("no poller") }
	w.workflows.change(silence)
	b := w.visitor(acme)
	require.Equal(t, http.StatusOK, b.status)
	b.says(en("page.down.title"), en("page.down.unknown"), en("page.adobe.reconnect.any"))
	b.do(http.MethodPost, "/reconnected", url.Values{"account": {acmeAccount}})
	require.Equal(t, http.StatusServiceUnavailable, b.status)
	b.says(en("page.unchecked.what"))
	require.Empty(t, w.workflows.got())

	w.workflows.change(func(f *fakeWorkflows) { f.silent = nil })
	b.open("/")
	require.NotContains(t, b.text(), en("page.down.title"))
	w.workflows.change(silence)
	w.clock.pass(time.Minute)
	b.open("/")
	b.says(en("page.down.title"), en("page.down.known", "at", migration.Instant(noon)), "Acme Pinterest")
	b.click("reconnected-" + acmeAccount)
	b.says(en("page.said.reconnected"))
	require.Len(t, w.workflows.got(), 1)
	b.click("connect-" + acmeAccount)
	b.answer("approve", acme)
	b.says(en("page.said.connected"))
	_, held := w.grant(acme, acmeAccount)
	require.True(t, held)
}

func TestThePageSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zh := words.In(words.Chinese)
	b := w.browser()
	b.header.Set("Accept-Language", "zh-TW,zh;q=0.9,en;q=0.5")
	link := w.link(acme)
	b.open(link)
	b.says(zh.Say("page.link.what"))
	b.open(link + "?lang=en")
	b.says(en("page.link.what"))
	b.click("open")
	b.says(en("page.todo"))
	require.Equal(t, "en", attribute(find(b.doc, func(n *html.Node) bool { return n.Data == "html" }), "lang"))

	switching := find(b.doc, func(n *html.Node) bool { return n.Data == "a" && attribute(n, "hreflang") == "zh-Hant" })
	b.open(attribute(switching, "href"))
	b.says(zh.Say("page.todo"), zh.Say("page.adobe.button"), "Acme Pinterest")
	require.Equal(t, "zh-Hant", attribute(find(b.doc, func(n *html.Node) bool { return n.Data == "html" }), "lang"))
	b.click("reconnected-" + acmeAccount)
	b.says(zh.Say("page.said.reconnected"))
	b.do(http.MethodPost, "/connect", url.Values{"account": {foreign}})
	b.says(zh.Say("page.foreign.what"))
	switching = find(b.doc, func(n *html.Node) bool { return n.Data == "a" && attribute(n, "hreflang") == "en" })
	require.Equal(t, "/?lang=en", attribute(switching, "href"), "an answer to a form cannot be loaded again")
}

func TestWhatOthersWroteIsTextAndShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hostile := `"><script>alert(1)</script>` + "\u202eevil"
	s := acmeStatus()
	s.Name, s.Title, s.Reason, s.Dataflows = hostile, hostile, hostile, []string{hostile, strings.Repeat("x", 5000)}
	s.Accounts[0].Name, s.Accounts[0].Sandbox, s.Accounts[0].Note, s.Accounts[0].ID = hostile, hostile, hostile, hostile
	s.Links = migration.Links{Accounts: "javascript:alert(1)", Guide: "javascript:alert(1)"}
	w.workflows.set(s)
	b := w.visitor(acme)
	require.Nil(t, find(b.doc, func(n *html.Node) bool { return n.Data == "script" }))
	require.NotContains(t, b.body, `href="javascript`)
	require.NotContains(t, b.body, strings.Repeat("x", 400))
	require.NotContains(t, b.text(), "\u202e")
	b.says(`"><script>alert(1)</script>`)
	b.click("reconnected-" + hostile)
	b.says(en("page.said.reconnected"))
}
