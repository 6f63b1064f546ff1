package world

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/test/stack"
)

// CLI runs Temporal's own command against the world's server. It must succeed.
func (w *World) CLI(t *testing.T, args ...string) string {
	t.Helper()
	path := os.Getenv(stack.EnvTemporalCLI)
	if path == "" {
		root, err := stack.ModuleRoot()
		require.NoError(t, err)
		path = filepath.Join(root, ".bin", "temporal")
	}
	args = append(args, "--address", w.Temporal.Address, "--namespace", w.Temporal.Namespace)
	cmd := exec.CommandContext(t.Context(), path, args...) //nolint:gosec // the path is the developer's own setting
	cmd.Env = append(os.Environ(), "TEMPORAL_ENV_FILE="+filepath.Join(w.Dir, "none.yaml"), "TEMPORAL_CONFIG_FILE="+filepath.Join(w.Dir, "none.toml"))
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "temporal %v: %s", args, output)
	return string(output)
}
