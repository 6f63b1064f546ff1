package stack

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	rss, cpu, err := Usage(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, rss, int64(1<<20))
	require.Less(t, rss, int64(8<<30))
	require.Eventually(t, func() bool { // busy asking
		_, now, err := Usage(os.Getpid())
		return err == nil && now > cpu+30*time.Millisecond
	}, time.Minute, time.Microsecond)

	gone, err := start(t.Context(), command{name: "true", path: "/bin/true", log: os.DevNull})
	require.NoError(t, err)
	<-gone.Done()
	_, _, err = Usage(gone.PID())
	require.ErrorContains(t, err, "none of them runs")
	with, _, err := Usage(os.Getpid(), gone.PID())
	require.NoError(t, err, "a process that ended meanwhile is left out")
	require.Positive(t, with)
}
