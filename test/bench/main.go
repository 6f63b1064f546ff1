// Command bench measures the bars of the product: how fast, how cheap, how close to the limit. What takes time is measured beside something that does
// the same without the product, in the same run, several times; warm-ups are thrown away, and the median counts.
//
// Its last lines are for programs: `bar NAME MEASURED LIMIT ok|short`. It exits 0 only if every bar holds, 1 if not, and 2 on wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const (
	exitDone  = 0
	exitShort = 1
	exitUsage = 2
)

const (
	development = "development"
	production  = "production"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, taken := role(ctx, os.Stderr)
	if !taken {
		code = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	os.Exit(code)
}

// settings are the flags.
type settings struct {
	server string
	only   map[string]bool // measurements; empty: all
	small  bool
	dir    string
	json   string
	runs   int
	parked int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	held, err := measureAll(ctx, s, measurements(), stdout)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	if err != nil || !held {
		return exitShort
	}
	return exitDone
}

func parse(args []string, stderr io.Writer) (s settings, err error) {
	var only string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.server, "server", development, "`KIND` of Temporal server: "+development+", or "+production+" (make tools-production; on PostgreSQL)")
	flags.StringVar(&only, "only", "", "measure these alone, `NAMES` with commas: "+strings.Join(names(), ", "))
	flags.BoolVar(&s.small, "small", false, "a hundredth of the work, to see that everything runs: the bars mean nothing then and do not count")
	flags.StringVar(&s.dir, "dir", "", "keep logs and databases in this `FOLDER` (default: a temporary one, kept when something goes wrong)")
	flags.StringVar(&s.json, "json", "", "write everything measured into this `FILE` too")
	flags.IntVar(&s.runs, "runs", 3, "how often what takes time is measured; the median counts")
	flags.IntVar(&s.parked, "parked", 10000, "how many organizations wait in the end, after a hundredth and a tenth of them")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.only = map[string]bool{}
	for name := range strings.SplitSeq(only, ",") {
		if name = strings.TrimSpace(name); name != "" {
			s.only[name] = true
		}
	}
	for name := range s.only {
		if !strings.Contains(" "+strings.Join(names(), " ")+" ", " "+name+" ") {
			return s, fmt.Errorf("-only %s: nothing of this name is measured; there are %s", name, strings.Join(names(), ", "))
		}
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unknown argument %q", flags.Arg(0))
	case s.server != development && s.server != production:
		return s, fmt.Errorf("-server %s: write %s or %s", s.server, development, production)
	case s.parked < 1000:
		return s, fmt.Errorf("-parked %d: write a number from 1000", s.parked)
	case s.runs < 1:
		return s, fmt.Errorf("-runs %d: write a number from 1", s.runs)
	}
	return s, nil
}
