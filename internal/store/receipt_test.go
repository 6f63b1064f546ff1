package store

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheFirstReceiptStays(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		workers := []*Database{s.open(t), s.open(t)}
		channel, at, err := workers[0].Receipt(t.Context(), "acme/first")
		require.NoError(t, err)
		require.Empty(t, channel)
		require.True(t, at.IsZero())

		var all sync.WaitGroup
		told := make([]string, 10)
		for i := range told {
			all.Go(func() {
				var err error
				told[i], _, err = workers[i%2].KeepReceipt(t.Context(), "acme/first", string(rune('a'+i)), s.clock().Add(time.Duration(i)*time.Second))
				require.NoError(t, err)
			})
		}
		all.Wait()
		channel, at, err = workers[1].Receipt(t.Context(), "acme/first")
		require.NoError(t, err)
		require.Equal(t, s.clock().Add(time.Duration(channel[0]-'a')*time.Second), at)
		for _, other := range told {
			require.Equal(t, channel, other)
		}
		channel, _, err = workers[1].Receipt(t.Context(), "acme/second")
		require.NoError(t, err)
		require.Empty(t, channel)
	})
}
