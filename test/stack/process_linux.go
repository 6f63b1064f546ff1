package stack

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// attributes put a child into a process group of its own, so that Ctrl-C reaches its owner alone and the owner ends it in order, and have the
// kernel kill it when the owner dies without doing so.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// childrenOf are the processes that a process started and that still run.
func childrenOf(parent int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var children []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // not a process
		}
		if stat := statOf(pid); len(stat) > 1 && stat[1] == strconv.Itoa(parent) {
			children = append(children, pid)
		}
	}
	return children, nil
}

// workersIn are the processes whose working directory is dir and that still run.
func workersIn(dir string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // not a process
		}
		if in, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && in == dir { // one that ended works nowhere
			found = append(found, pid)
		}
	}
	return found, nil
}

// alive tells whether the process runs; one that ended and was not taken note of yet does not.
func alive(pid int) bool {
	stat := statOf(pid)
	return len(stat) > 0 && stat[0] != "Z" && stat[0] != "X"
}

// statOf are the fields of /proc/PID/stat from the third, the state, on (man 5 proc_pid_stat); none of a process that is gone.
func statOf(pid int) []string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	end := bytes.LastIndex(stat, []byte(") ")) // of the second field, a name that may have anything in it
	return strings.Fields(string(stat[end+1:]))
}
