package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	workflowpb "go.temporal.io/api/workflow/v1"
	sdk "go.temporal.io/sdk/temporal"

	"cutover/activities"
	"cutover/internal/engine"
	"cutover/workflows"
)

// stopAnswer is how writes stand after a command.
type stopAnswer struct {
	Stopped       bool  `json:"stopped"`
	Changed       bool  `json:"changed"` // false: they stood so before
	WritesStopped *stop `json:"writes_stopped,omitempty"`
}

// stop is that all writes of all organizations are stopped.
type stop struct {
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	Since   time.Time `json:"since,omitzero"`
	Release string    `json:"release"` // the command that ends it
}

const releaseCommand = "starter release --by NAME"

// stopOf is nil if writes are not stopped.
func stopOf(limit engine.QueueLimit) *stop {
	if !limit.Stopped() {
		return nil
	}
	return &stop{Reason: limit.Reason, By: limit.By, Since: limit.Since.UTC(), Release: releaseCommand}
}

func (s stop) String() string {
	text := "all writes are stopped"
	if !s.Since.IsZero() {
		text += " since " + instant(s.Since)
	}
	if s.By != "" {
		text += " by " + s.By
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return oneLine(text)
}

func (a *app) stopCommand() *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use:   "stop --by NAME --reason TEXT",
		Short: "Stop every write of all organizations within a second (starter pause stops one organization)",
		Long: `Stop every write of all organizations: no request that changes something at a vendor starts later than a second after this command. Looking,
asking people and planning go on. Who, since when and why show in starter status.

A dataflow whose switch was under way stays as it is until starter release, which may be with both sides on, and then goes on from there.

Temporal's own tools do the same:
  temporal task-queue config set --task-queue ` + workflows.WritesTaskQueue + ` --task-queue-type activity --queue-rps-limit 0 --queue-rps-limit-reason TEXT`,
		Example: `  starter stop --by operator --reason "wrong audiences at the partner"`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "by", "reason"); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(c connection) error { return a.stop(cmd.Context(), c, by, reason) })
		},
	}
	byFlag(cmd, &by)
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` for whoever wonders why nothing goes on")
	return cmd
}

func (a *app) stop(ctx context.Context, c connection, by, reason string) error {
	before, err := c.limit(ctx) // what cannot be read may still be set
	if err == nil && before.Stopped() {
		return a.print(stopAnswer{Stopped: true, WritesStopped: stopOf(before)}, func(w io.Writer) {
			fmt.Fprintf(w, "%s; it stays so. To release: %s\n", stopOf(before), releaseCommand)
		})
	}
	now, err := c.setLimit(ctx, engine.QueueLimit{Set: true, Reason: reason, By: by})
	if err != nil {
		return fail(kindFailed, "stop all writes: %w", err)
	}
	if !now.Stopped() {
		return fail(kindFailed, "stop all writes: Temporal took the limit and shows another one: try again")
	}
	if before.Set {
		a.warn("the limit of %g writes per second that stood before (%s) is gone with the release: set it again then", before.PerSecond, oneLine(before.Reason))
	}
	return a.print(stopAnswer{Stopped: true, Changed: true, WritesStopped: stopOf(now)}, func(w io.Writer) {
		fmt.Fprintf(w, "%s. To release: %s\n", stopOf(now), releaseCommand)
	})
}

func (a *app) releaseCommand() *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "release --by NAME",
		Short: "End starter stop: writes go on where they stood",
		Long: `End starter stop, or the same by Temporal's own tools. Writes go on where they stood, as fast as the vendor's rate allows and no faster. A limit
that is not zero stays.`,
		Example: "  starter release --by operator",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "by"); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(c connection) error { return a.release(cmd.Context(), c, by) })
		},
	}
	byFlag(cmd, &by)
	return cmd
}

func (a *app) release(ctx context.Context, c connection, by string) error {
	before, err := c.limit(ctx)
	if err == nil && !before.Stopped() {
		return a.print(stopAnswer{}, func(w io.Writer) { fmt.Fprintln(w, "writes were not stopped") })
	}
	now, err := c.setLimit(ctx, engine.QueueLimit{By: by, Reason: "released by " + by})
	if err != nil {
		return fail(kindFailed, "release writes: %w", err)
	}
	if now.Stopped() {
		return fail(kindFailed, "release writes: Temporal took it and shows that %s: try again", stopOf(now))
	}
	return a.print(stopAnswer{Changed: true}, func(w io.Writer) { fmt.Fprintln(w, "writes are released and go on where they stood") })
}

// stopped is how writes are stopped; nil if they are not, or if the server does not say.
func (c connection) stopped(ctx context.Context) *stop {
	limit, err := c.limit(ctx)
	if err != nil {
		return nil // everything else of a status is still worth reading
	}
	return stopOf(limit)
}

func (c connection) limit(ctx context.Context) (engine.QueueLimit, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return engine.ReadQueueLimit(ctx, c.WorkflowService(), c.namespace, workflows.WritesTaskQueue)
}

func (c connection) setLimit(ctx context.Context, limit engine.QueueLimit) (engine.QueueLimit, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	now, err := engine.SetQueueLimit(ctx, c.WorkflowService(), c.namespace, workflows.WritesTaskQueue, limit)
	if errors.Is(err, engine.ErrNotShown) {
		return now, fmt.Errorf("%w: it takes the right to change task queues, or stop the worker instead", err)
	}
	return now, err
}

// held is where a stop left the writes that were under way, in the words of the attempts that it ended.
func (c connection) held(pending []*workflowpb.PendingActivityInfo) (where []string) {
	failures := sdk.NewDefaultFailureConverter(sdk.DefaultFailureConverterOptions{DataConverter: c.data})
	for _, p := range pending {
		failure := p.GetLastFailure()
		if failure.GetApplicationFailureInfo().GetType() != activities.Stopped {
			continue
		}
		if stopped, ok := errors.AsType[*sdk.ApplicationError](failures.FailureToError(failure)); ok && !engine.IsSealed(stopped) {
			where = append(where, oneLine(stopped.Message()))
		}
	}
	return where
}

// stopLine says that all writes are stopped, if they are.
func stopLine(w io.Writer, s *stop) {
	if s != nil {
		wrap(w, "STOPPED: "+s.String()+". To release: "+s.Release, 0)
		fmt.Fprintln(w)
	}
}

func (a *app) warnStopped(s *stop) {
	if s != nil {
		a.warn("%s; to release: %s", s, s.Release)
	}
}
