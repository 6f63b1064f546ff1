package stack

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClosersEndTheLastFirst(t *testing.T) {
	t.Parallel()
	var order []int
	var all Closers
	failure := errors.New("it did not end")
	for i := range 3 {
		all.Add(func() error {
			order = append(order, i)
			if i == 1 {
				return failure
			}
			return nil
		})
	}
	require.ErrorIs(t, all.Close(), failure)
	require.Equal(t, []int{2, 1, 0}, order, "one that fails keeps no other from its end")
	require.NoError(t, all.Close())
	require.Len(t, order, 3, "each ends once")
}
