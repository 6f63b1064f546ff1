package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// submit sends a console form.
func (b *bench) submit(path string, form url.Values) result {
	b.t.Helper()
	return b.must("POST", path, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func TestConsoleShowsBothCards(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) {
		s.Organizations[0].Name = "Acme <& Sons>"
		s.Stages.CardsAvailable = emulator.FromStart(time.Hour)
	})
	page := b.must("GET", "/", "", nil)
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.header.Get("Content-Type"), "text/html")
	require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'")
	body := string(page.body)
	require.Contains(t, body, "Acme &lt;&amp; Sons&gt;")
	require.Contains(t, body, "(Deprecating) Pinterest")
	require.NotContains(t, body, "(New) Pinterest")
	b.submit("/console/stages", url.Values{"stage": {"cards_available"}})
	body = string(b.must("GET", "/", "", nil).body)
	require.Contains(t, body, "(New) Pinterest")
	require.Contains(t, body, "Holiday shoppers")
	require.Contains(t, body, "Reconnect OAuth")
	require.NotContains(t, body, "Amazon S3", "only the two cards")
	require.Contains(t, body, `role="switch" disabled`, "nothing flips by accident")
	require.NotContains(t, body, "<script")
}

func TestConsoleReconnect(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	form := url.Values{"organization": {acme}, "sandbox": {"prod"}, "id": {b.account("new").ID}, "by": {"customer"}}
	out := b.submit("/console/reconnect", form)
	require.Equal(t, http.StatusSeeOther, out.status)
	require.Equal(t, true, b.probe())
	require.Equal(t, "person:customer", b.last(emulator.KindEdit).Actor)
	form.Set("missing_scope", "1")
	b.submit("/console/reconnect", form)
	require.Equal(t, false, b.probe())
	form.Set("id", "nope")
	out = b.submit("/console/reconnect", form)
	require.Equal(t, http.StatusBadRequest, out.status)
	require.Contains(t, string(out.body), "That did not work")
}

func TestConsoleToggleIsDeliberate(t *testing.T) {
	t.Parallel()
	b := small(t)
	flow := b.flow("new", "Holiday shoppers")
	q := url.Values{"organization": {acme}, "sandbox": {"prod"}, "id": {flow.ID}}
	page := b.must("GET", "/console/dataflow?"+q.Encode(), "", nil)
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, string(page.body), "Confirm: set it to enabled")
	require.Equal(t, "disabled", b.flow("new", "Holiday shoppers").State, "looking changes nothing")
	q.Set("state", "enabled")
	require.Equal(t, http.StatusSeeOther, b.submit("/console/dataflow", q).status)
	require.Equal(t, "enabled", b.flow("new", "Holiday shoppers").State)
	require.Contains(t, string(b.must("GET", "/console/dataflow?"+q.Encode(), "", nil).body), "Confirm: set it to disabled")
	require.Equal(t, http.StatusNotFound, b.must("GET", "/console/dataflow?id=x", "", nil).status)
}

func TestConsoleClockAndStages(t *testing.T) {
	t.Parallel()
	b := small(t)
	b.submit("/console/clock", url.Values{"advance": {"2h"}})
	require.Equal(t, noon().Add(2*time.Hour), b.Now())
	require.Equal(t, http.StatusBadRequest, b.submit("/console/clock", url.Values{"advance": {"much"}}).status)
	b.submit("/console/stages", url.Values{"stage": {"old_api_closed"}})
	require.True(t, b.State().OldAPIClosed)
	require.Equal(t, http.StatusBadRequest, b.submit("/console/stages", url.Values{"stage": {"x"}}).status)
}

func TestConsolePages(t *testing.T) {
	t.Parallel()
	var scenario emulator.Scenario
	for i := range 23 {
		scenario.Organizations = append(scenario.Organizations, emulator.Organization{
			ID: fmt.Sprintf("org-%02d", i), Sandboxes: []emulator.Sandbox{{Name: "prod"}},
		})
	}
	b := start(t, scenario)
	body := string(b.must("GET", "/?page=3", "", nil).body)
	require.Contains(t, body, "org-22")
	require.NotContains(t, body, "org-19")
	require.Contains(t, body, "page=2")
	require.NotContains(t, body, "page=4")
	body = string(b.must("GET", "/?q=ORG-07", "", nil).body)
	require.Contains(t, body, "org-07")
	require.NotContains(t, body, "org-08")
	require.Contains(t, string(b.must("GET", "/?q=nobody", "", nil).body), "No organization fits")
}
