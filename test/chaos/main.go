// Command chaos migrates many organizations while an adversary kills workers and the Temporal server, cuts connections, makes the vendors fail, edits
// dataflows between steps, and has people act late, twice and out of order. Every organization has a script whose right end is known. When all have
// ended, the vendors' ledger, what the workflows said and everything that was kept are checked against the nine invariants.
//
// Every choice comes from one seed, each organization's from its own part of it: -only runs one organization's case of that seed again.
//
// Its last lines are for programs: `invariant NAME ok|broken COUNT`. It exits 0 only if all hold, 1 if not, and 2 on wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	exitDone   = 0
	exitBroken = 1
	exitUsage  = 2
)

const (
	// envOrgs is how many organizations are carried over, unless -orgs says so.
	envOrgs = "CHAOS_ORGS"
	// defaultOrgs take about ten minutes on two cores.
	defaultOrgs = 800
	// defaultMinutes bound a run on a machine that is busy with other things.
	defaultMinutes = 30
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv(envOrgs), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are the flags.
type settings struct {
	orgs    int
	seed    int64
	only    string
	dir     string
	minutes int
	server  string
}

// Kinds of Temporal servers.
const (
	development = "development"
	production  = "production" // as an operator runs it, on PostgreSQL
)

func (s settings) production() bool { return s.server == production }

func run(ctx context.Context, args []string, orgs string, stdout, stderr io.Writer) int {
	s, err := parse(args, orgs, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "chaos:", err)
		return exitUsage
	}
	held, err := torment(ctx, s, stdout)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "chaos:", err)
		return exitBroken
	case !held:
		return exitBroken
	}
	return exitDone
}

func parse(args []string, orgs string, stderr io.Writer) (s settings, err error) {
	s.orgs = defaultOrgs
	if orgs != "" {
		if s.orgs, err = strconv.Atoi(orgs); err != nil {
			return s, fmt.Errorf("%s: write a number of organizations, not %q", envOrgs, orgs)
		}
	}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.orgs, "orgs", s.orgs, "organizations to carry over; "+envOrgs+" sets it too")
	flags.Int64Var(&s.seed, "seed", 1, "what every choice comes from")
	flags.StringVar(&s.only, "only", "", "run the case of this `ORGANIZATION` alone, as the same seed and number of organizations draw it")
	flags.StringVar(&s.dir, "dir", "", "keep logs, ledger and database in this `FOLDER` (default: a temporary one, kept when something is broken)")
	flags.StringVar(&s.server, "server", development, "Temporal `KIND`: "+development+", or "+production+", whose database is killed too")
	flags.IntVar(&s.minutes, "minutes", defaultMinutes, "whoever has not ended by then is lost")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unknown argument %q", flags.Arg(0))
	case s.server != development && s.server != production:
		return s, fmt.Errorf("-server %s: write %s or %s", s.server, development, production)
	case s.orgs < 1:
		return s, fmt.Errorf("-orgs %d: write a number from 1", s.orgs)
	case s.minutes < 1:
		return s, fmt.Errorf("-minutes %d: write a number from 1", s.minutes)
	case s.only != "" && numberOf(s.only, s.orgs) < 0:
		return s, fmt.Errorf("-only %s: of %d organizations the last is %s", s.only, s.orgs, idOf(s.orgs-1))
	}
	return s, nil
}

// torment sets everything up, lets it loose and judges. held tells that every invariant holds.
func torment(ctx context.Context, s settings, stdout io.Writer) (held bool, err error) {
	dir, remove, err := folder(s.dir)
	if err != nil {
		return false, err
	}
	defer func() {
		if held && err == nil {
			err = remove()
		} else {
			err = errors.Join(err, fmt.Errorf("logs, ledger and database: %s", dir))
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(s.minutes)*time.Minute, fmt.Errorf("no end after %d minutes", s.minutes))
	defer cancel()
	p, err := setUp(ctx, s, dir, stdout)
	if err != nil {
		return false, err
	}
	v, err := p.perform(ctx)
	if err := errors.Join(err, p.closers.Close()); err != nil {
		return false, err
	}
	v.print(stdout)
	return v.held(), nil
}

// folder is where a run keeps its files; remove drops it if it was made for this run alone.
func folder(named string) (dir string, remove func() error, err error) {
	if named != "" {
		if _, err := os.Stat(filepath.Join(named, "ledger.jsonl")); err == nil {
			return "", nil, fmt.Errorf("-dir %s holds another run: name an empty folder", named)
		}
		return named, func() error { return nil }, os.MkdirAll(named, 0o700)
	}
	dir, err = os.MkdirTemp("", "cutover-chaos-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
