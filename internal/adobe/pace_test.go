package adobe

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Twenty readings wait for the client's rate; what stands between two writes passes them.
func TestWhatIsBetweenTwoWritesGoesAhead(t *testing.T) {
	t.Parallel()
	const readings = 20
	started := make(chan struct{}, readings+1)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		theFlow(w, r)
	})
	s := f.sandbox(t, func(c *Config) { c.RequestsPerSecond = 20 }).signedIn()
	var all sync.WaitGroup
	for range readings {
		all.Go(func() { _, _ = s.Dataflow(t.Context(), "flow-1") }) // the order is what counts
	}
	<-started
	require.NoError(t, s.Enable(Ahead(t.Context()), "flow-1"))
	all.Wait()
	place := slices.IndexFunc(f.seen(), func(c seen) bool { return c.method == http.MethodPost })
	require.Less(t, place, 6, "after those that had been let through, and one that waits for the rate")
	require.Len(t, f.seen(), readings+1)
}
