package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// A copy that was rolled back is not judged by what it did before it was switched again.
func TestRunsOfAnEarlierSwitch(t *testing.T) {
	t.Parallel()
	again := time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)
	runs := []migration.Run{{ID: "before", Completed: again.Add(-time.Second)}, {ID: "after", Completed: again}}
	require.Equal(t, runs, Copy{SwitchedAt: again}.since(runs), "clocks may differ")
	require.Equal(t, runs[1:], Copy{SwitchedAt: again, Again: true}.since(runs))
}
