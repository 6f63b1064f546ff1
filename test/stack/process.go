package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to end by itself before it is killed: longer than a worker takes to finish what it has begun.
const stopGrace = 30 * time.Second

// Process is a child process whose output goes to a file. It never outlives its parent: see attributes.
type Process struct {
	Name string
	Log  string // file that stdout and stderr are appended to

	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended, never nil; set before done is closed
}

// command is what a process runs.
type command struct {
	name string
	path string
	args []string
	env  []string
	dir  string               // working directory
	log  string               // file to append output to
	as   *syscall.SysProcAttr // nil: see attributes
}

// start runs the command. The process does not end with ctx; Stop or Kill end it.
func start(ctx context.Context, c command) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	defer log.Close() // the child has its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.path, c.args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env, log, log
	cmd.SysProcAttr = cmp.Or(c.as, attributes())
	p := &Process{Name: c.name, Log: c.log, cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel ends the child when the thread that started it ends, so that thread waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmp.Or(cmd.Wait(), errEnded)
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return p, nil
}

// startReady runs a command that serves at a base URL and waits until it says that it is ready. One that does not is ended.
func startReady(ctx context.Context, c command, url string) (*Process, error) {
	process, err := start(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := process.ready(ctx, func(ctx context.Context) error { return ask(ctx, url+"/readyz") }); err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	return process, nil
}

// runToEnd runs a command that ends by itself. The error of one that failed has the end of its output.
func runToEnd(ctx context.Context, c command) error {
	process, err := start(ctx, c)
	if err != nil {
		return err
	}
	select {
	case <-process.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s: %w", c.name, ctx.Err()), process.Kill())
	}
	if !errors.Is(process.err, errEnded) {
		return fmt.Errorf("%s: %w%s", c.name, process.err, process.tail())
	}
	return nil
}

// errEnded is how a process ended that nobody would miss, were it not expected to run on.
var errEnded = errors.New("exit status 0")

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Runs tells whether the process has not ended yet.
func (p *Process) Runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Done is closed when the process has ended, whoever ended it.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the process as a crash does, and waits until it is gone.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL, stopGrace) }

// Stop asks the process to end, kills it if it does not within half a minute, and waits until it is gone. It may be called again.
func (p *Process) Stop() error { return p.end(syscall.SIGTERM, stopGrace) }

func (p *Process) end(how syscall.Signal, grace time.Duration) error {
	if err := p.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end %s: %w", p.Name, err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.Name, err)
	}
	<-p.done
	return fmt.Errorf("%s did not end within %s of %s and was killed; its output is in %s", p.Name, grace, how, p.Log)
}

// ready asks until the answer is nil, the process ends or patience does. The error holds the last answer and the end of the log.
func (p *Process) ready(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready (%w)%s", p.Name, p.err, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready within %s: %w%s", p.Name, patience, err, p.tail())
		case <-ticker.C:
		}
	}
}

const (
	// patience is for a machine that is busy with other builds.
	patience = 90 * time.Second
	askEvery = 25 * time.Millisecond
	// tailLines is enough to hold an error and what led to it.
	tailLines = 15
)

// tail is the end of the log, for errors.
func (p *Process) tail() string {
	data, err := os.ReadFile(p.Log)
	if err != nil || len(data) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "; the end of " + filepath.Base(p.Log) + ":\n  " + strings.Join(lines, "\n  ")
}

// environment is this process's own without what would lead a child elsewhere, and with more.
func environment(more ...string) []string {
	own := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "TEMPORAL_") || strings.HasPrefix(variable, "CUTOVER_")
	})
	return append(own, more...)
}
