package stack

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// envParent makes a run of the test binary a parent that starts a child, says its id and dies only when killed.
const envParent = "CUTOVER_TEST_PARENT"

func TestChildDiesWithItsParent(t *testing.T) {
	if log := os.Getenv(envParent); log != "" {
		child, err := start(t.Context(), command{name: "child", path: "/bin/sleep", args: []string{"600"}, log: log})
		require.NoError(t, err)
		fmt.Fprintf(os.Stdout, "child %d\n", child.PID())
		<-child.Done()
		return
	}
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildDiesWithItsParent$")
	parent.Env = append(os.Environ(), envParent+"="+filepath.Join(t.TempDir(), "log"))
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	var child string
	lines := bufio.NewScanner(output)
	for child == "" && lines.Scan() {
		child, _ = strings.CutPrefix(lines.Text(), "child ")
	}
	pid, err := strconv.Atoi(child)
	require.NoError(t, err)
	require.True(t, alive(pid))

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	require.Eventually(t, func() bool { return !alive(pid) }, time.Minute, 10*time.Millisecond)
}

// Whoever works in a folder is found, also when its parent is gone.
func TestWorkersInAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none, err := workersIn(dir)
	require.NoError(t, err)
	require.Empty(t, none)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "sleep 60 & echo $!")
	cmd.Dir = dir
	said, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var orphan int
	_, err = fmt.Fscan(said, &orphan)
	require.NoError(t, err)
	found, err := workersIn(dir)
	require.NoError(t, err)
	require.Contains(t, found, orphan)
	require.NoError(t, syscall.Kill(orphan, syscall.SIGKILL))
	require.NoError(t, cmd.Wait())
	require.Eventually(t, func() bool { left, err := workersIn(dir); return err == nil && len(left) == 0 }, time.Minute, 10*time.Millisecond)
}
