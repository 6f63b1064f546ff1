//go:build !linux

package stack

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes leave a child in its owner's process group: without the kernel's help of Linux, Ctrl-C at the terminal is what ends it when the
// owner dies without doing so.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// childrenOf are the processes that a process started and that still run.
func childrenOf(parent int) ([]int, error) {
	return listed(exec.Command("pgrep", "-P", strconv.Itoa(parent)))
}

// workersIn are the processes whose working directory is dir and that still run.
func workersIn(dir string) ([]int, error) {
	return listed(exec.Command("lsof", "-t", "-a", "-d", "cwd", dir))
}

// listed are the processes that the command prints; it fails with 1 where there is none.
func listed(cmd *exec.Cmd) ([]int, error) {
	output, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return nil, nil // there is none
	}
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for _, line := range strings.Fields(string(output)) {
		if pid, err := strconv.Atoi(line); err == nil {
			found = append(found, pid)
		}
	}
	return found, nil
}

// alive tells whether the process is there.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
