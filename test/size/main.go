// Command size migrates one large organization on a real server and checks that it stays within the server's limits and readable: 500 dataflows with
// lists of 1,000 audiences, 20 accounts, 8 sandboxes. It prints one line per bar and exits 1 if one falls short or an invariant is broken.
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

// patience bounds the whole on a machine that is busy with other things.
const patience = 20 * time.Minute

func main() {
	var s size
	suggest := flag.Int("continue-as-new", 1000, "events after which the server suggests to continue as new; its own default of 4,096 is not met by 500 dataflows")
	flag.IntVar(&s.dataflows, "dataflows", 500, "dataflows of the old card")
	flag.IntVar(&s.accounts, "accounts", 20, "accounts that somebody signs in to")
	flag.IntVar(&s.sandboxes, "sandboxes", 8, "sandboxes that the dataflows are spread over")
	flag.IntVar(&s.audiences, "audiences", 1000, "audiences in each dataflow's list")
	flag.Parse()
	s.server = suggestAt(*suggest)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no end after %s", patience))
	code := run(ctx, s, os.Stdout, os.Stderr)
	cancel()
	stop()
	os.Exit(code)
}

// suggestAt has the Temporal server suggest to continue as new after this many events.
func suggestAt(events int) []string {
	return []string{"--dynamic-config-value", fmt.Sprintf("limit.historyCount.suggestContinueAsNew=%d", events)}
}

func run(ctx context.Context, s size, stdout, stderr io.Writer) (code int) {
	began := time.Now()
	dir, err := os.MkdirTemp("", "cutover-size-")
	var m measured
	if err == nil {
		m, err = measure(ctx, s, dir)
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(stderr, "size:", err)
		return 1
	}
	for _, v := range m.violations {
		fmt.Fprintln(stdout, "broken:", v)
		code = 1
	}
	for _, b := range m.bars(s) {
		verdict := "ok"
		if !b.holds() {
			verdict, code = "short", 1
		}
		fmt.Fprintf(stdout, "bar %s %d %s %d %s\n", b.name, b.measured, b.relation(), b.limit, verdict)
	}
	fmt.Fprintf(stdout, "took %s\n", time.Since(began).Round(time.Second))
	return code
}
