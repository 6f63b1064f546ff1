package activities

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/store"
)

// looked is a pair that was switched two hours ago, planned with a look at the destination, and how its runs are asked for. Both sides' runs are edited
// before. The person of the organization consented, unless nobody did.
func looked(t *testing.T, consented bool, edits ...emulator.Edit) (*world, *store.Database, RunsInput) {
	t.Helper()
	w := newWorld(t)
	d := w.holding()
	w.assess()
	old, copied := w.flow("old", loyal), w.flow("new", loyal)
	require.NoError(t, w.Reconnect(acme, prod, copied.Account, emulator.Reconnection{By: "customer"}))
	for _, edit := range edits {
		w.edit(old.ID, edit)
		w.edit(copied.ID, edit)
	}
	require.NoError(t, w.Advance(24*time.Hour)) // with runs as they are now
	if consented {
		w.consent(d, acme, copied.Account)
	}
	in := PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: carrying(), Measured: true, Partner: true}
	must[migration.Plan](w, "Plan", in)
	runs := RunsInput{Who: w.who, Playbook: book, Rules: sampled(), Copies: []Copy{{Dataflow: copied.ID, Sandbox: prod}}}
	runs.Rules.AtPartner = true
	w.switched(migration.EnableFirst, loyal)
	runs.Copies[0].SwitchedAt = w.Emulator.Now()
	require.NoError(t, w.Advance(2*time.Hour))
	return w, d, runs
}

// listings counts how often an ad account's audiences were listed since then.
func (w *world) listings(since int64) (n int) {
	for _, e := range w.Ledger(since) {
		if e.Entity == "pinterest" && e.Kind == emulator.KindList {
			n++
		}
	}
	return n
}

func TestPlanKeepsHowTheDestinationStands(t *testing.T) {
	t.Parallel()
	for name, consented := range map[string]bool{"with a grant": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _, runs := looked(t, consented)
			kept, err := w.measured(t.Context(), book, acme)
			require.NoError(t, err)
			base := kept[runs.Copies[0].Dataflow]
			require.Positive(t, base.Runs, "a look at the destination replaces no baseline")
			require.NotNil(t, base.Partner)
			require.Equal(t, w.flow("new", loyal).Account, base.Partner.Account)
			require.Equal(t, advertiser, base.Partner.Advertiser)
			require.ElementsMatch(t, []string{"Gold tier", "Silver tier"}, base.Partner.Names)
			if !consented {
				require.Empty(t, base.Partner.Before)
				return
			}
			require.Len(t, base.Partner.Before, 2)
			for _, before := range base.Partner.Before {
				require.WithinDuration(t, runs.Copies[0].SwitchedAt, before.Updated, 2*time.Hour, "the old dataflow's last delivery")
			}
		})
	}
}

// What a copy exports is what it has and what is carried over to it.
func TestExportedAudiences(t *testing.T) {
	t.Parallel()
	audience := func(id string) migration.Audience { return migration.Audience{ID: id, Name: "name of " + id} }
	copied := migration.Dataflow{Audiences: []migration.Audience{audience("a"), audience("b"), {ID: "unnamed"}}}
	names := exported(copied, []migration.Carry{{Audience: audience("b"), Remove: true}, {Audience: audience("c")}, {Audience: audience("a")}})
	require.ElementsMatch(t, []string{"name of a", "name of c"}, names)
}

func TestAwaitRunsLooksAtTheDestination(t *testing.T) {
	t.Parallel()
	updated := migration.PartnerLook{Exported: 2, Found: 2, Updated: 2}
	for name, c := range map[string]struct {
		edit   emulator.Edit
		status migration.RunStatus
		reason string
		look   migration.PartnerLook
	}{
		"enough anyway": {emulator.Edit{}, migration.RunSucceeded, "", updated},
		"too few to tell, but all updated": {
			emulator.Edit{Profiles: new(150)}, migration.RunSucceeded, "every audience was updated at the destination since the switch", updated,
		},
		"too small to be served": {
			emulator.Edit{Profiles: new(50)},
			migration.RunSucceeded, "every audience was updated",
			migration.PartnerLook{Exported: 2, Found: 2, Updated: 2, TooSmall: []string{"Gold tier", "Silver tier"}},
		},
		"failed all the same": {emulator.Edit{Runs: new(emulator.RunsFail)}, migration.RunFailed, "the flow run failed", migration.PartnerLook{Exported: 2, Found: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _, in := looked(t, true, c.edit)
			since := int64(len(w.Ledger(0)))
			news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
			require.Len(t, news, 1)
			require.Equal(t, c.status, news[0].Status, news[0].Reason)
			require.Contains(t, news[0].Reason, c.reason)
			require.NotNil(t, news[0].Partner)
			require.ElementsMatch(t, c.look.TooSmall, news[0].Partner.TooSmall)
			c.look.TooSmall = news[0].Partner.TooSmall // in any order
			require.Equal(t, c.look, *news[0].Partner)
			require.Equal(t, 1, w.listings(since))
		})
	}
}

// Nothing delivered since the switch confirms nothing, although the audiences were updated before it.
func TestAwaitRunsIsNotConfirmedByWhatWasBefore(t *testing.T) {
	t.Parallel()
	w, _, in := looked(t, true)
	w.edit(in.Copies[0].Dataflow, emulator.Edit{Runs: new(emulator.RunsEmpty)})
	in.Copies[0].SwitchedAt = w.Emulator.Now()
	require.NoError(t, w.Advance(2*time.Hour))
	_, err := do[[]migration.RunVerdict](w, "AwaitRuns", in)
	failed(t, err, NotYet)
	require.NoError(t, w.Advance(in.Rules.Within.Std()))
	news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
	require.True(t, news[0].Overdue)
	require.Equal(t, migration.PartnerLook{Exported: 2, Found: 2}, *news[0].Partner)
}

// A destination that cannot be looked at is told and stops no verdict.
func TestAwaitRunsWithoutALook(t *testing.T) {
	t.Parallel()
	path := "/ad_accounts/" + advertiser + "/audiences"
	for name, c := range map[string]struct {
		prepare func(*testing.T, *world, *store.Database)
		skipped string
	}{
		"no grant": {func(t *testing.T, _ *world, d *store.Database) {
			t.Helper()
			_, err := d.RemoveGrants(t.Context(), acme)
			require.NoError(t, err)
		}, "no grant is held for account "},
		"revoked": {func(t *testing.T, w *world, _ *store.Database) {
			t.Helper()
			require.NoError(t, w.RevokePinterest(acme))
		}, "Pinterest refuses the grant for account "},
		"another ad account": {func(_ *testing.T, w *world, _ *store.Database) {
			w.answers(http.MethodGet, path, http.StatusNotFound, `{"code":2,"message":"AdAccount not found"}`)
		}, "ad account " + advertiser + " is not visible"},
		"down": {func(_ *testing.T, w *world, _ *store.Database) {
			w.answers(http.MethodGet, path, http.StatusServiceUnavailable, `{}`)
		}, "no answer: pinterest: list audiences"},
		"no answer": {func(_ *testing.T, w *world, _ *store.Database) {
			w.answers(http.MethodGet, path, 0, "")
		}, "no answer: pinterest: list audiences"},
		"the store is down": {func(t *testing.T, _ *world, d *store.Database) {
			t.Helper()
			require.NoError(t, d.Close())
		}, "no answer: "},
		"no app": {func(_ *testing.T, w *world, _ *store.Database) { w.Pinterest = nil }, "no grant is held for account "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d, in := looked(t, true)
			c.prepare(t, w, d)
			news := must[[]migration.RunVerdict](w, "AwaitRuns", in)
			require.Len(t, news, 1)
			require.Equal(t, migration.RunSucceeded, news[0].Status, news[0].Reason)
			require.Contains(t, news[0].Partner.Skipped, c.skipped)
			for _, secret := range w.Secrets() {
				require.NotContains(t, news[0].Partner.Skipped, secret.Value)
			}
		})
	}
}

// A token that is over before its grant is renewed is renewed once.
func TestAwaitRunsRenewsATokenOnce(t *testing.T) {
	t.Parallel()
	w, _, in := looked(t, true)
	mend := w.fault(emulator.Fault{Route: "* /v5/ad_accounts*", Effect: emulator.EffectExpiredToken, Times: 1})
	require.Equal(t, 2, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Partner.Updated)
	mend()
	require.Equal(t, 1, w.refreshes())
	w.fault(emulator.Fault{Route: "* /v5/ad_accounts*", Effect: emulator.EffectExpiredToken})
	require.Contains(t, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Partner.Skipped, "Pinterest refuses the grant")
	require.Equal(t, 2, w.refreshes())
}

// Copies of one ad account share one look, and what was planned before there were looks is told.
func TestAwaitRunsLooksOncePerAdAccount(t *testing.T) {
	t.Parallel()
	w, _, in := looked(t, true)
	in.Copies = append(in.Copies, in.Copies[0])
	since := int64(len(w.Ledger(0)))
	require.Len(t, must[[]migration.RunVerdict](w, "AwaitRuns", in), 2)
	require.Equal(t, 1, w.listings(since))

	in.Playbook = strings.ToUpper(book) // of which nothing was kept
	require.Equal(t, "its audiences were not kept before the switch", must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Partner.Skipped)
	in.Rules.AtPartner = false
	require.Nil(t, must[[]migration.RunVerdict](w, "AwaitRuns", in)[0].Partner)
	require.Equal(t, 1, w.listings(since))
}
