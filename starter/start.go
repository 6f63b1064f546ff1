package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"cutover/internal/migration"
	"cutover/workflows"
)

// startsAtOnce keeps a long manifest from flooding the server; a start takes it milliseconds.
const startsAtOnce = 8

// What a start came to.
const (
	resultStarted  = "started"
	resultRunning  = "already running"
	resultFinished = "already finished"
	resultFailed   = "failed"
)

// startResult is what the start of one organization came to.
type startResult struct {
	Organization string `json:"organization"`
	Name         string `json:"name"`
	Result       string `json:"result"`            // started, already running, already finished, failed
	Outcome      string `json:"outcome,omitempty"` // of one that finished
	Error        string `json:"error,omitempty"`   // of one that failed
	WorkflowID   string `json:"workflow_id"`
	RunID        string `json:"run_id,omitempty"`
	URL          string `json:"url,omitempty"`
}

type startAnswer struct {
	Playbook      string        `json:"playbook"`
	WorkerPolling bool          `json:"worker_polling"` // false: the workflows wait for a worker
	Organizations []startResult `json:"organizations"`
}

func (a *app) startCommand() *cobra.Command {
	var ids []string
	var all bool
	cmd := &cobra.Command{
		Use:   "start --org ID | --all",
		Short: "Start the migration of an organization, of several (--org again) or of the whole manifest",
		Long: `Start the migration of an organization, of several (--org again) or of the whole manifest.

An organization whose migration runs or has finished is left alone, so starting again is safe. One whose workflow was cancelled, terminated or
failed starts anew. Exit code 1 if any start failed.`,
		Example: `  starter start --all
  starter start --org 1A2B3C4D5E6F@AdobeOrg`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.start(cmd.Context(), ids, all) },
	}
	cmd.Flags().StringSliceVar(&ids, "org", nil, "the organization's `ID`")
	cmd.Flags().BoolVar(&all, "all", false, "all organizations of the manifest")
	return cmd
}

func (a *app) start(ctx context.Context, ids []string, all bool) error {
	if all == (len(ids) > 0) {
		return usage("give either --org ID or --all: what to start must be said")
	}
	manifest, err := a.manifest()
	if err != nil {
		return err
	}
	organizations := manifest.Organizations
	if !all {
		organizations = nil
		for _, id := range ids {
			o, err := manifest.Find(id)
			if err != nil {
				return usage("flag --org: %w", err)
			}
			organizations = append(organizations, o)
		}
	}
	playbook, err := a.loadPlaybook(manifest)
	if err != nil {
		return err
	}
	return a.with(ctx, func(c connection) error { return a.startAll(ctx, c, organizations, playbook) })
}

func (a *app) startAll(ctx context.Context, c connection, organizations []migration.Organization, playbook migration.Playbook) error {
	answer := startAnswer{Playbook: playbook.Name, Organizations: make([]startResult, len(organizations))}
	tick, done := a.progress(len(organizations), "starting")
	var group errgroup.Group
	group.SetLimit(startsAtOnce)
	for i, o := range organizations {
		group.Go(func() error {
			answer.Organizations[i] = c.startOne(ctx, a.targetOf(playbook.Name, o.ID), o, playbook)
			tick()
			return nil
		})
	}
	_ = group.Wait() // each result has its own error
	done()

	polled, err := c.polled(ctx)
	answer.WorkerPolling = polled
	switch {
	case err != nil:
		a.warn("whether a worker runs is not known: %v", err)
	case !polled && answer.anyRuns():
		a.warn("no worker polls task queue %s in namespace %s: the workflows wait until one does (run: worker)", workflows.TaskQueue, c.namespace)
	}
	if err := a.print(answer, func(w io.Writer) { startTable(w, answer) }); err != nil {
		return err
	}
	failed := 0
	for _, r := range answer.Organizations {
		if r.Result == resultFailed {
			failed++
		}
	}
	if failed > 0 {
		return toldError{fail(kindFailed, "%d of %d organizations could not be started: the result says why", failed, len(organizations))}
	}
	return nil
}

// anyRuns tells whether a workflow is there that a worker has to carry on.
func (s startAnswer) anyRuns() bool {
	return slices.ContainsFunc(s.Organizations, func(r startResult) bool { return r.Result == resultStarted || r.Result == resultRunning })
}

func (c connection) startOne(ctx context.Context, t target, o migration.Organization, playbook migration.Playbook) startResult {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	in := workflows.Input{Organization: o, Playbook: playbook}
	result := startResult{Organization: o.ID, Name: o.Name, WorkflowID: t.workflowID}
	run, err := c.ExecuteWorkflow(ctx, workflows.StartOptions(in, c.now()), workflows.MigrateOrganizationName, in)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case err == nil:
		result.Result, result.RunID = resultStarted, run.GetRunID()
	case errors.As(err, &already):
		s, describeErr := c.stand(ctx, t)
		if describeErr != nil {
			result.Result, result.Error = resultFailed, describeErr.Error()
			break
		}
		result.Result, result.RunID = resultRunning, s.runID
		if !s.running {
			result.Result, result.Outcome = resultFinished, s.ended
		}
	default:
		result.Result, result.Error = resultFailed, c.lacking(err).Error()
	}
	if result.RunID != "" {
		result.URL = c.link(t.workflowID, result.RunID)
	}
	return result
}

func startTable(w io.Writer, answer startAnswer) {
	rows := [][]string{{"ORGANIZATION", "NAME", "RESULT", "WEB UI"}}
	for _, r := range answer.Organizations {
		result := r.Result
		switch r.Result {
		case resultFinished:
			result += " (" + r.Outcome + ")"
		case resultFailed:
			result += ": " + r.Error
		}
		rows = append(rows, []string{r.Organization, r.Name, result, r.URL})
	}
	writeTable(w, rows)
	fmt.Fprintf(w, "\n%s\n", strings.Join(countResults(answer.Organizations), ", "))
}

func countResults(results []startResult) []string {
	var counts []string
	for _, what := range []string{resultStarted, resultRunning, resultFinished, resultFailed} {
		n := 0
		for _, r := range results {
			if r.Result == what {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, what))
		}
	}
	return counts
}

// progress shows a bar to a person who waits, and nothing to anybody else.
func (a *app) progress(n int, what string) (tick, done func()) {
	if !a.terminal || n < 2 {
		return func() {}, func() {}
	}
	bar := progressbar.NewOptions(n, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
	return func() { _ = bar.Add(1) }, func() { _ = bar.Finish() } // a bar that cannot be drawn is no failure
}
