package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// tick is the unit of times in /proc: 100 a second on every architecture that Go runs on (man 5 proc_pid_stat).
	tick = time.Second / 100
	// firstTime is where four times stand in statOf: user and system, its own and those of its children that ended.
	firstTime = 11
)

// Usage is what processes use together: rss is resident memory in bytes, of which a page that several share counts once, and cpu is the time they have
// computed, with their children that ended. A process that is gone counts nothing; that none is left is an error.
func Usage(pids ...int) (rss int64, cpu time.Duration, err error) {
	found := 0
	for _, pid := range pids {
		memory, err := residentOf(pid)
		stat := statOf(pid)
		if len(stat) < firstTime+4 || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return 0, 0, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		for _, field := range stat[firstTime : firstTime+4] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("time of process %d: %w", pid, err)
			}
			cpu += time.Duration(ticks) * tick
		}
		rss += memory
		found++
	}
	if found == 0 {
		return 0, 0, fmt.Errorf("usage of processes %v: none of them runs", pids)
	}
	return rss, cpu, nil
}

// residentOf is a process's memory in bytes; a shared page counts in parts for each who shares it.
func residentOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("smaps_rollup has no Pss")
}
