package emulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// closed starts the small scenario with the old API closed and this setting for what the old card had.
func closed(t *testing.T, setting string) *bench {
	t.Helper()
	b := small(t, hourly, func(s *emulator.Scenario) { s.Settings.OldDataflows = setting }).login()
	on := true
	require.NoError(t, b.SetStages(emulator.StageSwitch{OldAPIClosed: &on}))
	return b
}

func TestOldFlowsAreKept(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"", emulator.OldKept} {
		b := closed(t, setting)
		id := b.flow("old", "Holiday shoppers").ID
		require.Equal(t, http.StatusOK, b.act(id, "disable").status)
		require.Equal(t, http.StatusOK, b.act(id, "enable").status)
	}
}

func TestOldFlowsAreRefused(t *testing.T) {
	t.Parallel()
	b := closed(t, emulator.OldRefused)
	id, path := b.flow("old", "Holiday shoppers").ID, "/flows/"+b.flow("old", "Holiday shoppers").ID
	refusal(t, b.act(id, "disable"), 410, "1101-410")
	require.False(t, b.last(emulator.KindWrite).Applied)
	refusal(t, b.patch(path, text(b.get(path).items(t)[0], "etag"), `[{"op":"replace","path":"/name","value":"x"}]`), 410, "1101-410")
	refusal(t, b.must("DELETE", basePath+path, "", b.headers()), 410, "1101-410")
	require.Equal(t, "enabled", b.get(path).items(t)[0]["state"], "it can still be read")
	require.Len(t, b.filtered("/flows"), 8)
	require.NotEmpty(t, b.history(id))
	require.Equal(t, http.StatusOK, b.act(b.flow("new", "Holiday shoppers").ID, "enable").status, "the new card is open")

	open := false
	require.NoError(t, b.SetStages(emulator.StageSwitch{OldAPIClosed: &open}))
	require.Equal(t, http.StatusOK, b.act(id, "disable").status, "only while the API is closed")
}

func TestOldFlowsAreGone(t *testing.T) {
	t.Parallel()
	b := closed(t, emulator.OldKept)
	id, account, old := b.flow("old", "Holiday shoppers").ID, b.account("old").ID, b.State().Cards["old"].ID
	target, ok := b.get("/flows/" + id).items(t)[0]["targetConnectionIds"].([]any)[0].(string)
	require.True(t, ok)
	before := b.Ledger(0)
	require.NoError(t, b.Configure(func(s *emulator.Settings) { s.OldDataflows = emulator.OldGone }))

	require.Equal(t, []int{5, 3, 5}, []int{
		len(b.filtered("/flows")), len(b.filtered("/connections")), len(b.filtered("/targetConnections")),
	}, "the copies and what belongs to other destinations")
	require.Empty(t, b.filtered("/flows", "inheritedAttributes.targetConnections[].connectionSpec.id=="+old))
	refusal(t, b.get("/flows/"+id), 404, "1439-404")
	refusal(t, b.act(id, "disable"), 404, "1439-404")
	refusal(t, b.patch("/flows/"+id, `"x"`, `[]`), 404, "1439-404")
	for _, path := range []string{"/connections/" + account, "/connections/" + account + "/test", "/targetConnections/" + target} {
		refusal(t, b.get(path), 404, "1101-404")
	}
	refusal(t, b.patch("/targetConnections/"+target, `"x"`, `[]`), 404, "1101-404")
	require.Empty(t, b.history(id))
	require.Len(t, b.filtered("/connectionSpecs", "id=="+old), 1, "the card itself can still be named")
	require.Equal(t, before, b.Ledger(0)[:len(before)], "the ledger keeps what was")
	require.NotNil(t, b.flow("old", "Holiday shoppers"), "and so does the emulator's own view")
}
