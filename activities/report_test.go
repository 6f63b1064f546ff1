package activities

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// The evidence names the audiences that were not delivered: the history is no place for them.
func TestReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assess()
	old := w.flow("old", loyal)
	missed := migration.Missed{Dataflow: old.ID, Name: loyal, From: shutdown, To: shutdown.Add(time.Hour)}
	w.Ask = func(context.Context) (Evidence, error) {
		return Evidence{Status: migration.Status{Organization: acme, Playbook: book}, Missed: []migration.Missed{missed}}, nil
	}
	for range 2 {
		location := must[string](w, "Report", nil)
		require.Equal(t, w.path("evidence.json"), location)
		e := kept[Evidence](w, "evidence.json")
		require.Equal(t, w.Emulator.Now(), e.Written)
		require.Equal(t, []string{"Gold tier", "Silver tier"}, audienceNames([]migration.Dataflow{{Audiences: e.Missed[0].Audiences}}, ""))
		require.Equal(t, missed.To, e.Missed[0].To)
		require.NoError(t, w.Advance(time.Minute))
	}

	require.NoError(t, os.WriteFile(w.path(baseFile), nil, 0o600))
	_, err := do[string](w, "Report", nil)
	failed(t, err, Misconfigured)
	require.NoError(t, os.Remove(w.path(baseFile)))
	must[string](w, "Report", nil)
	require.Empty(t, kept[Evidence](w, "evidence.json").Missed[0].Audiences)

	w.Ask = func(context.Context) (Evidence, error) { return Evidence{}, errors.New("the workflow does not answer") }
	_, err = do[string](w, "Report", nil)
	require.False(t, failed(t, err, Unavailable).NonRetryable())
}
