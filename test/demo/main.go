// Command demo rehearses a whole migration in about a minute: a Temporal server with its Web UI, the emulated vendors, a worker, and two
// dozen organizations, each with another fate, on a compressed timeline. People act through the interfaces that people have.
//
// Its last lines are for programs: `outcome FATE ORGANIZATION OUTCOME` per organization and `invariant NAME ok|broken` per invariant. It exits
// 0 only if every organization came to its end and every invariant holds, 1 if not, and 2 on wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitDone   = 0
	exitBroken = 1
	exitUsage  = 2
)

// patience bounds the whole play on a machine that is busy with other things; it takes about a minute on one that is not.
const patience = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are the flags.
type settings struct {
	seed   int64
	stay   bool
	dir    string
	record string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s settings
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Int64Var(&s.seed, "seed", 1, "seed of whatever is left to chance at the emulated vendors")
	flags.BoolVar(&s.stay, "stay", false, "start everything, let nobody act, and stay up until Ctrl-C")
	flags.StringVar(&s.dir, "dir", "", "keep logs, ledger and database in this `FOLDER` (default: a temporary one, kept when something is broken)")
	flags.StringVar(&s.record, "record", "", "write every organization's history to this `FOLDER`, for replay tests; needs a committed tree")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitDone
		}
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "demo: unknown argument %q\n", flags.Arg(0))
		return exitUsage
	}
	held, err := rehearse(ctx, s, stdout)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "demo:", err)
		return exitBroken
	case !held:
		return exitBroken
	}
	return exitDone
}

// rehearse sets the stage, plays and judges. held tells that everything came out as it should.
func rehearse(ctx context.Context, s settings, stdout io.Writer) (held bool, err error) {
	dir, remove, err := folder(s.dir)
	if err != nil {
		return false, err
	}
	say := newVoice(stdout)
	defer func() {
		if held && err == nil {
			err = remove()
		} else if err != nil {
			err = fmt.Errorf("%w\nlogs, ledger and database: %s", err, dir)
		}
	}()
	p, err := setUp(ctx, s, dir, say)
	if err != nil {
		return false, err
	}
	if s.stay {
		p.stay(ctx)
		return true, p.closers.Close()
	}
	verdict, err := p.perform(ctx)
	if err == nil && s.record != "" {
		err = p.record(ctx, s.record)
	}
	if err := errors.Join(err, p.closers.Close()); err != nil {
		return false, err
	}
	if !verdict.held() {
		say.line("logs, ledger and database: %s", dir)
	}
	verdict.print(stdout)
	return verdict.held(), nil
}

// folder is where a run keeps its files; remove drops it if it was made for this run alone.
func folder(named string) (dir string, remove func() error, err error) {
	if named != "" {
		return named, func() error { return nil }, os.MkdirAll(named, 0o700)
	}
	dir, err = os.MkdirTemp("", "cutover-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
