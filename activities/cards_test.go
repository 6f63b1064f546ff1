package activities

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// withdrawn has Adobe's catalog without these cards, and a worker that was started since. It counts the catalog's readings.
func (w *world) withdrawn() (readings func() int64) {
	w.specs = specCache{}
	return w.answers(http.MethodGet, "/connectionSpecs", http.StatusOK, `{"items":[]}`).Load
}

// A card that Adobe took out of its catalog is known by the id by which it was first seen.
func TestCardsThatAreNotInTheCatalogAnyMore(t *testing.T) {
	t.Parallel()
	w, in := watching(t)
	in.Playbook = book
	w.withdrawn()
	require.Len(t, w.plan(carrying()).Pairs, 3)
	require.Equal(t, 3, w.assess().Listed)
	_, err := poll[[]string](w, "AwaitChanges", in, 2)
	failed(t, err, NotYet)
	w.edit(in.Pairs[0].Old, emulator.Edit{By: "customer", State: "enabled"})
	changed, err := poll[[]string](w, "AwaitChanges", in, 2)
	require.NoError(t, err)
	require.Equal(t, []string{in.Pairs[0].Old}, changed)

	// What the base of one organization knows serves no other one, of which nothing was seen.
	require.NoError(t, os.Remove(w.path(baseFile)))
	for name, in := range map[string]any{
		"Assess": AssessInput{Who: w.who, Cards: w.cards, Playbook: book, Available: available},
		"Plan":   PlanInput{Who: w.who, Cards: w.cards, Playbook: book, Terms: carrying()},
	} {
		_, err := do[any](w, name, in)
		require.Contains(t, failed(t, err, Misconfigured).Message(), "no card named")
	}
	_, err = poll[[]string](w, "AwaitChanges", in, 2)
	failed(t, err, Misconfigured)
	in.Playbook = ""
	_, err = poll[[]string](w, "AwaitChanges", in, 2)
	failed(t, err, Misconfigured)
}

// The ids are kept with the first look, and also with a later one where that one did not keep them.
func TestAssessKeepsTheCards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assess()
	base := kept[migration.Base](w, baseFile)
	require.NotEmpty(t, base.OldCard)
	require.NotEmpty(t, base.NewCard)
	require.NotEqual(t, base.OldCard, base.NewCard)

	bare := base
	bare.OldCard, bare.NewCard = "", ""
	require.NoError(t, w.put(t.Context(), book, acme, baseFile, bare))
	w.assess()
	require.Equal(t, base.OldCard, kept[migration.Base](w, baseFile).OldCard)
	require.Equal(t, base.NewCard, kept[migration.Base](w, baseFile).NewCard)
}

// What the catalog answered is remembered; what it lacks is asked for again.
func TestCardsAreRememberedOnlyFromTheCatalog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assess()
	readings := w.withdrawn()
	w.plan(carrying())
	w.plan(carrying())
	require.EqualValues(t, 2, readings())
	w.front(nil)
	w.plan(carrying())
	readings = w.answers(http.MethodGet, "/connectionSpecs", http.StatusOK, `{"items":[]}`).Load
	w.plan(carrying())
	require.Zero(t, readings())
}
