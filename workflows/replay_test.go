package workflows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

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

// A change that a running workflow cannot take is caught: here one that waits a moment before it does anything.
func TestReplayCatchesAChangeOfCommands(t *testing.T) {
	t.Parallel()
	changed := func(ctx workflow.Context, in workflows.Input) (workflows.Result, error) {
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return workflows.Result{}, err
		}
		return workflows.MigrateOrganization(ctx, in)
	}
	for file := range readManifest(t).Scenarios {
		replayer := worker.NewWorkflowReplayer()
		replayer.RegisterWorkflowWithOptions(changed, workflow.RegisterOptions{Name: workflows.MigrateOrganizationName})
		err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, filepath.Join("testdata/replay", file))
		require.ErrorContains(t, err, "TMPRL1100", file)
	}
}
