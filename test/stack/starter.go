package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// commandTimeout bounds one command: the starter bounds its own waits, and this one is for a starter that hangs.
const commandTimeout = 2 * time.Minute

// Starter runs the operator's command, or another command that ends by itself.
type Starter struct {
	Binary string
	Dir    string // its working directory, where it finds organizations.yaml
	Env    []string
	Input  string // on its standard input
}

// NewStarter is the command for the server, run where the manifest is.
func NewStarter(binary, dir string, t *Temporal) Starter {
	return Starter{Binary: binary, Dir: dir, Env: TemporalEnv(dir, t)}
}

// Answer is what a command did.
type Answer struct {
	Args           []string
	Stdout, Stderr string
	Code           int // exit code
}

// Run runs a command to its end. The error is for a command that could not be run; one that failed says so in its Code.
func (s Starter) Run(ctx context.Context, args ...string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, s.Binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.Dir, environment(s.Env...), &stdout, &stderr
	cmd.Stdin = strings.NewReader(s.Input)
	err := cmd.Run()
	answer := Answer{Args: args, Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		return answer, fmt.Errorf("%s %s: %w", filepath.Base(s.Binary), strings.Join(args, " "), errors.Join(ctx.Err(), err))
	}
	return answer, nil
}

// Do runs a command that must succeed.
func (s Starter) Do(ctx context.Context, args ...string) (Answer, error) {
	answer, err := s.Run(ctx, args...)
	if err == nil && answer.Code != 0 {
		err = fmt.Errorf("%s %s: exit code %d: %s", filepath.Base(s.Binary), strings.Join(args, " "), answer.Code, strings.TrimSpace(answer.Stderr+" "+answer.Stdout))
	}
	return answer, err
}
