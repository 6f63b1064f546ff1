package badinput_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/test/stack"
)

// enough is how many bad inputs the table must hold at least.
const enough = 40

func TestBadInput(t *testing.T) {
	t.Parallel()
	offline := slices.Concat(starterRows(), workerRows(), emulatorRows())
	decisions, holdings := decisionStories(), holdings()
	inputs := len(offline) + len(holdings) + len(temporalRows("", "")) + len(outageRows("", ""))
	for _, st := range decisions {
		inputs += st.inputs()
	}
	t.Logf("%d bad inputs", inputs)
	require.GreaterOrEqual(t, inputs, enough)

	binaries, err := stack.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	for _, r := range offline {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.run(t, place{binaries: binaries, dir: t.TempDir(), env: []string{"TEMPORAL_CONFIG_FILE=none.toml"}})
		})
	}
	t.Run("online", func(t *testing.T) {
		t.Parallel()
		online(t, binaries, decisions, holdings)
	})
}

// online plays everything that needs a server, the vendors and a worker.
func online(t *testing.T, binaries stack.Binaries, decisions []story, holdings []holding) {
	t.Helper()
	stories := append(slices.Clone(decisions), outage())
	for _, h := range holdings {
		stories = append(stories, h.story)
	}
	s := newSite(t, binaries, stories)
	addNamespaces(t, s)
	t.Run("without a worker", func(t *testing.T) {
		for _, st := range decisions {
			t.Run(st.name, func(t *testing.T) {
				t.Parallel()
				st.play(t, s, st.idle)
			})
		}
	})
	s.start(t)
	t.Run("with a worker", func(t *testing.T) {
		for _, st := range decisions {
			t.Run(st.name, func(t *testing.T) {
				t.Parallel()
				st.play(t, s, st.steps)
			})
		}
		for _, h := range holdings {
			t.Run(h.what, func(t *testing.T) {
				t.Parallel()
				h.holds(t, s)
			})
		}
		for _, r := range temporalRows(s.temporal.Address, s.vendor.URL) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.runOnce(t, s.place)
			})
		}
	})
	s.mended(t, stories)
	t.Run("mended", func(t *testing.T) {
		for _, h := range holdings {
			t.Run(h.what, func(t *testing.T) {
				t.Parallel()
				h.goesOn(t, s)
			})
		}
	})
	survivesOutage(t, s)
	s.leaks(t)
}
