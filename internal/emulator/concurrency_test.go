package emulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"cutover/internal/emulator"
)

// Many callers at once: the ledger stays one line of time, and every change begins where the one before ended.
func TestManyCallersOneHistory(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.Transition = time.Second }).login()
	id, account := b.flow("new", "Holiday shoppers").ID, b.account("new").ID
	var group errgroup.Group
	for worker := range 6 {
		group.Go(func() error {
			for i := range 20 {
				op := []string{"enable", "disable"}[(worker+i)%2]
				for _, call := range []struct{ method, path string }{
					{http.MethodPost, "/flows/" + id + "/action?op=" + op},
					{http.MethodGet, "/flows?limit=3"},
					{http.MethodGet, "/runs?limit=2"},
					{http.MethodGet, "/connections/" + account + "/test"},
				} {
					if _, err := b.send(call.method, basePath+call.path, "", b.headers()); err != nil {
						return err
					}
				}
				if err := b.Reconnect(acme, "prod", account, emulator.Reconnection{Lease: 3 * time.Second}); err != nil {
					return err
				}
				if err := b.Advance(300 * time.Millisecond); err != nil {
					return err
				}
				b.Ledger(0)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())

	state := ""
	var seq int64
	var at time.Time
	changes := 0
	for _, e := range b.Ledger(0) {
		require.Equal(t, seq+1, e.Seq)
		require.False(t, e.At.Before(at), "entry %d goes back in time", e.Seq)
		seq, at = e.Seq, e.At
		if e.ID != id || !e.Applied || e.Before == e.After || e.After == "" {
			continue
		}
		require.Equal(t, state, e.Before, "entry %d", e.Seq)
		state = e.After
		changes++
	}
	require.Greater(t, changes, 10)
	require.Equal(t, state, b.flow("new", "Holiday shoppers").State)
}
