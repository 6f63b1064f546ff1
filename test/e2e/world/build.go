package world

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/test/stack"
)

// envBinaries names the directory of the commands that Main built.
const envBinaries = "CUTOVER_TEST_BINARIES"

// buildPatience bounds a build from scratch on a busy machine.
const buildPatience = 5 * time.Minute

// Main runs a package's tests with commands that are built once for all of them, and returns the exit code.
func Main(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), buildPatience)
	defer cancel()
	dir, err := os.MkdirTemp("", "cutover-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }() // in the system's temporary directory, which is emptied anyway
		_, err = stack.Build(ctx, dir)
	}
	if err == nil {
		err = os.Setenv(envBinaries, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// commands are those that Main built, or are built for this test alone.
func commands(t *testing.T) stack.Binaries {
	t.Helper()
	if dir := os.Getenv(envBinaries); dir != "" {
		return stack.Binaries{
			Worker: filepath.Join(dir, "worker"), Starter: filepath.Join(dir, "starter"), Emulator: filepath.Join(dir, "emulator"),
		}
	}
	binaries, err := stack.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	return binaries
}
