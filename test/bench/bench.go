package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"cutover/internal/engine"
	"cutover/test/stack"
)

// measurement is one thing to measure.
type measurement struct {
	name  string
	about string
	run   func(context.Context, *bench) error
}

// measurements are all there are, in the order in which they are made.
func measurements() []measurement {
	return []measurement{
		{"budget", "what one organization costs in history, vendor calls and actions", measureBudget},
		{"ceiling", "organizations per second beside a bare workflow of the same shape", measureCeiling},
		{"durability", "200 organizations within the vendor's limit beside a program without durability", measureDurability},
		{"overlap", "how long both dataflows of a pair run, 200 organizations at once", measureOverlap},
		{"neighbours", "everybody else beside one that hangs, one that is large and one that floods", measureNeighbours},
		{"parking", "organizations that wait: time, memory and storage; signals among them; the kill switch", measureParking},
	}
}

func names() []string {
	var all []string
	for _, m := range measurements() {
		all = append(all, m.name)
	}
	return all
}

// bench is a run of the program.
type bench struct {
	settings

	binaries stack.Binaries
	out      io.Writer
	began    time.Time

	mu      sync.Mutex
	results results
	worlds  int
}

// say tells how it goes.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, "%7.1fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// bar takes a figure with a limit. One that was measured several times comes with its runs, and their median counts.
func (b *bench) bar(v bar) {
	if len(v.Runs) > 0 {
		v.Measured = median(v.Runs)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results.Bars = append(b.results.Bars, v)
	b.say("%s", v.line())
}

// figure takes a figure that has no limit.
func (b *bench) figure(v figure) {
	if len(v.Runs) > 0 {
		v.Value = median(v.Runs)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results.Figures = append(b.results.Figures, v)
	b.say("%s: %s %s", v.Name, number(v.Value), v.Unit)
}

// of is n, or a hundredth of it (but at least least) when everything is small.
func (b *bench) of(n, least int) int {
	if b.small {
		return max(n/100, least)
	}
	return n
}

func measureAll(ctx context.Context, s settings, all []measurement, stdout io.Writer) (held bool, err error) {
	b := &bench{settings: s, out: stdout, began: time.Now()}
	remove := func() error { return nil }
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "cutover-bench-"); err != nil {
			return false, fmt.Errorf("make a folder: %w", err)
		}
		remove = func() error { return os.RemoveAll(b.dir) }
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return false, fmt.Errorf("find the folder: %w", err)
	}
	defer func() {
		if err == nil {
			err = remove()
		} else {
			err = errors.Join(err, fmt.Errorf("logs and databases: %s", b.dir))
		}
	}()
	if b.binaries, err = stack.Build(ctx, b.dir); err != nil {
		return false, err
	}
	b.results.Machine = machine(s.server)
	b.say("%s", b.results.Machine)
	for _, m := range all {
		if len(s.only) > 0 && !s.only[m.name] {
			continue
		}
		b.say("%s: %s", m.name, m.about)
		if err := m.run(ctx, b); err != nil {
			return false, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	b.results.print(stdout)
	if s.json != "" {
		err = b.results.write(s.json)
	}
	return b.small || b.results.held(), err
}

// facts are what the figures depend on.
type facts struct {
	Cores   int       `json:"cores"`
	Memory  int64     `json:"memory_mib,omitempty"`
	System  string    `json:"system"`
	Go      string    `json:"go"`
	Server  string    `json:"server"` // kind of Temporal server
	Version string    `json:"version"`
	At      time.Time `json:"at"`
}

func machine(server string) facts {
	return facts{
		Cores: runtime.NumCPU(), Memory: memory(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Server: server,
		Version: engine.Version(), At: time.Now().UTC().Truncate(time.Second),
	}
}

func (f facts) String() string {
	return fmt.Sprintf("%d cores, %d MiB, %s, %s, %s server, cutover %s", f.Cores, f.Memory, f.System, f.Go, f.Server, f.Version)
}

// memory is what the machine has, in MiB; 0 where it does not say.
func memory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kib int64
	_, _ = fmt.Sscanf(string(text), "MemTotal: %d kB", &kib) // nothing read leaves 0
	return kib >> 10
}
