package webui

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"cutover/internal/engine"
	"cutover/test/e2e/world"
	"cutover/workflows"
)

// fleet opens the list of the workflows that a query finds.
func (w *window) fleet(t *testing.T, of *world.World, query string) {
	t.Helper()
	w.show(t, of.Temporal.WebURL+"/namespaces/"+of.Temporal.Namespace+"/workflows?query="+url.QueryEscape(query))
}

// rows are the list's rows as an operator reads them, each by the names of its columns.
const rows = `(() => {
	const names = [...document.querySelectorAll('[data-testid^="workflows-summary-table-header-cell-"]')].map(cell => cell.innerText.trim());
	return [...document.querySelectorAll('[data-testid="workflows-summary-configurable-table-row"]')].map(row => Object.fromEntries(
		[...row.querySelectorAll('[data-testid="workflows-summary-table-body-cell"]')].map((cell, i) => [names[i], cell.innerText.trim()])));
})()`

// list waits until the list shows exactly these values in a column, in any order.
func (w *window) list(t *testing.T, column string, values ...string) []map[string]string {
	t.Helper()
	slices.Sort(values)
	return read(t, w, "column "+column+" with "+strings.Join(values, ", "), rows, func(all []map[string]string) bool {
		var shown []string
		for _, row := range all {
			shown = append(shown, row[column])
		}
		slices.Sort(shown)
		return slices.Equal(shown, values)
	})
}

// widen makes room for the list's columns.
func (w *window) widen(t *testing.T) {
	t.Helper()
	w.click(t, `[aria-label="Collapse saved views"]`, "")
	w.gone(t, `[aria-label="Collapse saved views"]`)
}

// columns sets what the list shows, in the drawer that the list has for it.
func (w *window) columns(t *testing.T, without, with []string) {
	t.Helper()
	w.click(t, `[data-testid="workflows-summary-table-configuration-button"]`, "")
	for _, column := range without {
		w.click(t, `[data-testid="orderable-list-item-`+column+`-remove-button"]`, "")
	}
	for _, column := range with {
		w.click(t, `[data-testid="orderable-list-item-`+column+`-add-button"]`, "")
	}
	w.click(t, `[data-testid="drawer-close-button"]`, "")
	w.gone(t, `[data-testid="drawer-close-button"]`)
}

// organization opens an organization's page at what its workflow says of itself.
func (w *window) organization(t *testing.T, of *world.World, o world.Organization) {
	t.Helper()
	w.show(t, engine.WebURL(of.Temporal.WebURL, of.Temporal.Namespace, of.WorkflowID(o), ""))
	w.click(t, `[data-testid="user-metadata-tab"]`, "")
}

// told is all Markdown of the page. Each piece is rendered in a frame of its own.
const told = `[...document.querySelectorAll("iframe")].map(frame => frame.contentDocument?.body?.innerText ?? "").join("\n")`

// says waits until the page says all of these, and returns everything that it says.
func (w *window) says(t *testing.T, texts ...string) string {
	t.Helper()
	return read(t, w, "the details with "+strings.Join(texts, " and "), told, func(all string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(all, text) })
	})
}

// dialog is the one in which a signal is sent.
const dialog = `[data-testid="signal-confirmation-modal"] `

// signal sends the signal reauth-completed from the page's menu.
func (w *window) signal(t *testing.T, claim workflows.ReauthCompleted) {
	t.Helper()
	input, err := json.Marshal(claim)
	require.NoError(t, err)
	w.click(t, "button", "More Actions")
	w.click(t, `[data-testid="signal-button"]`, "")
	w.click(t, dialog+`[data-testid="signal-select-button"]`, "")
	w.click(t, dialog+`[role="option"]`, workflows.SignalReauthCompleted)
	w.click(t, dialog+`[role="textbox"]`, "")
	w.write(t, string(input))
	read(t, w, "the editor with the signal's input", `[...document.querySelectorAll('`+dialog+`[role="textbox"]')].map(e => e.innerText).join("")`,
		func(typed string) bool { return typed == string(input) })
	// Leaving the editor formats the input, and the dialog grows with it: by key, since under a mouse the button would slip away in mid-click.
	w.write(t, kb.Tab)
	read(t, w, "the focus elsewhere", `document.activeElement.getAttribute("role") !== "textbox"`, func(left bool) bool { return left })
	w.click(t, dialog+`[data-testid="confirm-modal-button"]`, "")
	w.gone(t, dialog+`[data-testid="confirm-modal-button"]`)
}
