// Command budget measures what one organization costs: history events, history bytes, vendor calls and Temporal actions, for three dataflows, one
// account and a signal before any reminder. It does so twice: for the work that the bars were set for, all pairs switched at once and a flow run that
// succeeded enough, and for the playbook as it is. Then it measures what each further dataflow, poll and reminder adds. It prints one line per bar and
// exits 1 if one falls short. Nothing it measures depends on time. docs/benchmarks.md says what the figures mean.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// patience bounds everything together: half a minute on a machine that has nothing else to do.
const patience = 5 * time.Minute

func main() {
	verbose := flag.Bool("v", false, "list every event, vendor call and kind of action on standard error")
	flag.Parse()
	trace := io.Discard
	if *verbose {
		trace = os.Stderr
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	code := run(ctx, os.Stdout, os.Stderr, trace)
	cancel()
	os.Exit(code)
}

func run(ctx context.Context, stdout, stderr, trace io.Writer) (code int) {
	bars, err := measureAll(ctx, trace)
	for _, b := range bars {
		fmt.Fprintln(stdout, b)
		if !b.holds() {
			code = 1
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "budget:", err)
		return 1
	}
	return code
}
