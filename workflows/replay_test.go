package workflows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"cutover/workflows"
)

// manifest is the provenance of the recorded histories.
type manifest struct {
	Commit    string            `json:"commit"`
	SDK       string            `json:"sdk"`
	Recorded  string            `json:"recorded"`
	Command   string            `json:"command"`
	Scenarios map[string]string `json:"scenarios"` // file to what happens in it
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	data, err := os.ReadFile("testdata/replay/manifest.json")
	require.NoError(t, err)
	var m manifest
	require.NoError(t, json.Unmarshal(data, &m))
	return m
}

func TestReplayManifest(t *testing.T) {
	t.Parallel()
	m := readManifest(t)
	require.NotEmpty(t, m.Commit)
	require.NotEmpty(t, m.SDK)
	require.NotEmpty(t, m.Command)
	files, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(m.Scenarios)+1, "every recorded history is in the manifest, and the other way round")
	// Each of these paths through the workflow must stay covered.
	for _, scenario := range []string{"on_time", "after_shutdown", "not_affected", "several_accounts", "ambiguous_pair", "hidden_dataflows", "paused_resumed", "signal_false", "cancelled"} {
		require.Contains(t, m.Scenarios, scenario+".json")
	}
}

// The code must still issue the commands that running workflows were recorded with. Where it must not, versions.go says how.
func TestReplayRecordedHistories(t *testing.T) {
	t.Parallel()
	for file, scenario := range readManifest(t).Scenarios {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, filepath.Join("testdata/replay", file))
			require.NoError(t, err, "%s: running workflows would get stuck", scenario)
		})
	}
}
