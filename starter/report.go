package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"cutover/internal/engine"
	"cutover/workflows"
)

// askedAtOnce bounds the workflows that are asked at a time: one that is not in a worker's memory is replayed for the answer.
const askedAtOnce = 8

func (a *app) reportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "report [--out FILE]",
		Short: "Show the progress of all organizations, who waits for whom since when, and totals",
		Long: `Show the progress of all organizations, who waits for whom since when, and totals. Whoever needs something from a person comes first.

It holds the same organizations as starter status, and asks each one's workflow; without a worker, or of one that does not answer, its search
attributes tell less. -o html is one file that loads nothing from elsewhere. With --out, a file's ending (.html, .json, .csv) chooses the format
unless -o does.`,
		Example: `  starter report
  starter report --out progress.html
  starter report -o csv > progress.csv`,
		Args:        noArguments,
		Annotations: map[string]string{moreFormats: formatHTML + " " + formatCSV},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("out") {
				if err := need(cmd, "out"); err != nil {
					return err
				}
				if ending := strings.TrimPrefix(filepath.Ext(out), "."); !cmd.Flags().Changed("output") && slices.Contains(formats(cmd), ending) {
					a.output = ending
				}
			}
			return a.reportAll(cmd.Context(), cmd.Flags().Changed("manifest"), out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, instead of standard output")
	_ = cmd.MarkFlagFilename("out") // the flag is there
	return cmd
}

func (a *app) reportAll(ctx context.Context, manifestGiven bool, out string) error {
	manifest, playbook, err := a.listed(manifestGiven)
	if err != nil {
		return err
	}
	return a.with(ctx, func(c connection) error {
		summaries, err := c.list(ctx, playbook)
		if err != nil {
			return err
		}
		a.warnStopped(c.stopped(ctx))
		rows, err := a.ask(ctx, c, withManifest(summaries, manifest, playbook))
		if err != nil {
			return err
		}
		return a.writeReport(newFleetReport(playbook, rows, a.now()), out)
	})
}

// ask has the workflow of every organization tell how it stands.
func (a *app) ask(ctx context.Context, c connection, summaries []summary) ([]fleetRow, error) {
	rows := make([]fleetRow, len(summaries))
	for i, s := range summaries {
		rows[i] = rowOf(s)
	}
	polled, err := c.polled(ctx)
	switch {
	case err != nil:
		a.warn("whether a worker runs is not known (%v): this is what search attributes tell", err)
		return rows, nil
	case !polled: // a query would hang
		a.warn("no worker polls task queue %s: this is what search attributes tell", workflows.TaskQueue)
		return rows, nil
	}
	tick, done := a.progress(len(rows), "asking")
	var locked atomic.Int64
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for i := range rows {
		group.Go(func() error {
			defer tick()
			if rows[i].Execution == notStarted || ctx.Err() != nil {
				return nil
			}
			status, err := c.queryStatus(ctx, rows[i].WorkflowID)
			switch {
			case err == nil:
				rows[i].take(*status)
			case engine.IsSealed(err):
				locked.Add(1)
			}
			return nil // the row says that it did not answer
		})
	}
	_ = group.Wait()
	done()
	if err := ctx.Err(); err != nil {
		return nil, err // the caller says that it was interrupted
	}
	silent := 0
	for _, row := range rows {
		if row.Execution != notStarted && !row.Answered {
			silent++
		}
	}
	if n := locked.Load(); n > 0 {
		a.warn("of %d of %d workflows this is what search attributes tell: %v", n, len(rows), c.needKeys())
		silent -= int(n)
	}
	if silent > 0 {
		a.warn("%d of %d workflows did not answer: of these this is what search attributes tell", silent, len(rows))
	}
	return rows, nil
}

// writeReport writes it in the format asked for, to out or to standard output.
func (a *app) writeReport(report fleetReport, out string) error {
	write := func(w io.Writer) error {
		switch a.output {
		case formatHTML:
			return reportHTML(w, report)
		case formatCSV:
			return writeCSV(w, report.rows())
		case formatJSON:
			return writeJSON(w, report)
		}
		reportTable(w, report, a.again())
		return nil
	}
	if out == "" {
		return write(a.stdout)
	}
	var whole strings.Builder
	if err := write(&whole); err != nil {
		return err
	}
	if err := os.WriteFile(out, []byte(whole.String()), 0o600); err != nil {
		return fail(kindFailed, "write the report: %w: give --out another file", err)
	}
	fmt.Fprintf(a.stderr, "%s: report of %d organizations\n", out, len(report.Organizations))
	return nil
}
