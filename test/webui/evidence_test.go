package webui

import (
	"encoding/base64"
	"html"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/e2e/world"
)

// What an operator approves and what stays behind are read by people: the plan as the starter prints it, the evidence as a page.
func TestPlanAndEvidenceToLookAt(t *testing.T) {
	t.Parallel()
	path := chromium(t)
	acme := world.Company("Acme", "Retargeting", "Newsletter", "Lookalikes")
	w := world.New(t, world.Options{
		Organizations: []world.Organization{acme}, Rules: "approval: two-persons\ndrift: {audience_added: carry, audience_missing: ask}\n",
	})
	w.Type(t, "start", "--all")
	account := w.Waits(t, acme, 1)[0]
	state, err := w.Vendor.State(t.Context())
	require.NoError(t, err)
	for _, flow := range state.Organizations[0].Sandboxes[0].Flows {
		if flow.Name == "Newsletter" && flow.Card == "old" {
			edit := emulator.Edit{By: "customer", AddAudiences: []emulator.Audience{{Name: "Holiday shoppers"}}}
			require.NoError(t, w.Vendor.EditFlow(t.Context(), acme.ID(), "prod", flow.ID, edit))
		}
	}
	w.SignIn(t, acme, account)
	w.Type(t, "signal", "reauth-completed", "--org", acme.ID(), "--account", account, "--by", "customer")
	status := w.Until(t, acme, "waits for an approval", func(s migration.Status) bool { return s.Phase == migration.AwaitingApproval })
	w.Type(t, "approve", "--org", acme.ID(), "--by", "first operator", "--plan", status.PlanHash)

	browser := open(t, path)
	plan := w.Type(t, "plan", "--org", acme.ID()).Stdout
	require.Contains(t, plan, `Holiday shoppers`)
	page := `<!doctype html><meta charset="utf-8"><body style="margin:0;background:#14181d"><main><pre style="margin:24px;color:#e6e8eb;font:14px/1.45 'DejaVu Sans Mono',monospace">$ starter plan --org ` +
		html.EscapeString(acme.ID()+"\n"+plan) + `</pre></main></body>`
	browser.show(t, "data:text/html;base64,"+base64.StdEncoding.EncodeToString([]byte(page)))
	browser.picture(t, "starter-plan.png")

	w.Type(t, "approve", "--org", acme.ID(), "--by", "second operator", "--plan", status.PlanHash)
	w.Migrated(t, acme)
	browser.show(t, "file://"+filepath.Join(filepath.Dir(w.Report(acme)), "evidence.html"))
	read(t, browser, "the evidence", `document.body.innerText`, func(text string) bool { return text != "" })
	text, err := script[string](t.Context(), browser, `document.body.innerText`)
	require.NoError(t, err)
	for _, said := range []string{"Acme", "Migrated", "first operator", "second operator", "Holiday shoppers", status.PlanHash} {
		require.Contains(t, text, said)
	}
	browser.picture(t, "evidence.png")
}
