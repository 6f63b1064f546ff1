// Package service is what the programs that serve have in common: how they begin and end, whose fault a failure is, in which form they log, and how one asks
// whether they are ready.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cutover/internal/engine"
)

// Exit codes.
const (
	Done   = 0
	Failed = 1
	Usage  = 2 // wrong command line or configuration: starting again will not help
)

// UsageError is the operator's to correct: a command line or a configuration.
type UsageError struct{ error }

// Misused makes err one that the operator must correct.
func Misused(err error) error { return UsageError{err} }

// Unwrap returns what is wrong.
func (e UsageError) Unwrap() error { return e.error }

// Main is the program's main: run gets its surroundings and a context that SIGTERM and SIGINT end, and gives the exit code.
func Main(run func(ctx context.Context, args []string, env engine.Environment, stdout, stderr io.Writer) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:revive // the mains call nothing else
}

// Run runs a command to its end, tells of its failure and gives the exit code.
func Run(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return Misused(fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath()))
	})
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return Done
	}
	fmt.Fprintln(stderr, root.Name()+": "+err.Error())
	if _, usage := errors.AsType[UsageError](err); usage {
		return Usage
	}
	return Failed
}

// NoArguments refuses arguments.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Misused(fmt.Errorf("unknown argument %q (see %s --help)", args[0], cmd.CommandPath()))
	}
	return nil
}

// LogFormat is what was asked for, or what suits whoever reads: a person at a terminal, a program elsewhere.
func LogFormat(asked string, logs io.Writer) string {
	if asked != "" {
		return asked
	}
	if file, ok := logs.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return engine.FormatConsole
	}
	return engine.FormatJSON
}

// LibrarySecrets are those that libraries read from the environment by themselves: no log may hold them either.
func LibrarySecrets(env engine.Environment) []string {
	var all []string
	for _, name := range []string{"TEMPORAL_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY", "AZURE_CLIENT_SECRET"} {
		all = append(all, env.Getenv(name))
	}
	return all
}
