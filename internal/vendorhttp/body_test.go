package vendorhttp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadBodyShowsThatAnAnswerIsTooLong(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{0: 0, MaxBody: MaxBody, MaxBody + 1: MaxBody + 1, MaxBody + 9: MaxBody + 1} {
		body, err := ReadBody(strings.NewReader(strings.Repeat(" ", length)))
		require.NoError(t, err)
		require.Len(t, body, want)
	}
}
