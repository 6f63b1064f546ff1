package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"cutover/test/stack"
)

const (
	// waitsWithin is how long an organization that says it waits may take until its poll does.
	waitsWithin = 2 * time.Minute
	// settlesWithin bounds how long memory is watched, settlesFor how long it must have stopped falling.
	settlesWithin = 90 * time.Second
	settlesFor    = 10 * time.Second
	settlesBy     = 0.01
)

// history is how long the history of one that waits is.
type history struct{ events, bytes float64 }

// polls waits until the poll for a sign-in of each organization from first to last-1 has been tried and waits to be tried again.
func (w *world) polls(ctx context.Context, first, last int) ([]history, error) {
	all := make([]history, last-first)
	err := each(ctx, first, last, startersAtOnce, func(ctx context.Context, number int) error {
		ctx, cancel := context.WithTimeout(ctx, waitsWithin)
		defer cancel()
		for {
			described, err := w.engine.DescribeWorkflowExecution(ctx, w.workflowID(number), "")
			if err != nil {
				return fmt.Errorf("look whether organization %s waits: %w", idOf(number), err)
			}
			for _, p := range described.GetPendingActivities() {
				if p.GetActivityType().GetName() == "AwaitAccounts" && p.GetAttempt() > 1 && p.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
					info := described.GetWorkflowExecutionInfo()
					all[number-first] = history{float64(info.GetHistoryLength()), float64(info.GetHistorySizeBytes())}
					return nil
				}
			}
			if err := stack.Pause(ctx, lookEvery); err != nil {
				return fmt.Errorf("organization %s polls for no sign-in: %w", idOf(number), err)
			}
		}
	})
	return all, err
}

// checkParked looks at every organization. The last time it also tells how long their histories are.
func (w *world) checkParked(ctx context.Context, first, last int, tell bool) error {
	all, err := w.polls(ctx, first, last)
	if err != nil || !tell {
		return err
	}
	var lengths, sizes []float64
	for _, h := range all {
		lengths, sizes = append(lengths, h.events), append(sizes, h.bytes)
	}
	w.bench.figure(figure{Name: "parked_events", Value: median(lengths), Unit: "events of one that waits"})
	w.bench.figure(figure{Name: "parked_history_bytes", Value: median(sizes), Unit: "bytes"})
	return nil
}

// measureMemory waits until the worker's memory has settled and takes it, the server's and the database's size.
func (w *world) measureMemory(ctx context.Context, nominal string, organizations int, empty int64) (database int64, err error) {
	worker := w.workers[0].PID()
	memory, err := w.bench.settled(ctx, worker)
	if err != nil {
		return 0, err
	}
	server, _, err := stack.Usage(w.temporal.PIDs()...)
	if err != nil {
		return 0, err
	}
	if database, err = w.temporal.DatabaseBytes(ctx); err != nil {
		return 0, err
	}
	b := w.bench
	b.figure(figure{Name: "parked_" + nominal + "_worker_mib", Value: float64(memory) / mib, Unit: "MiB"})
	b.figure(figure{Name: "parked_" + nominal + "_server_mib", Value: float64(server) / mib, Unit: "MiB, with its database"})
	b.figure(figure{Name: "parked_" + nominal + "_storage_kib", Value: float64(database-empty) / kib / float64(organizations), Unit: "KiB each"})
	if organizations == w.organizations {
		b.figure(figure{Name: "parked_worker_peak_mib", Value: float64(peak(worker)) / mib, Unit: "MiB, the most it ever had"})
		b.bar(bar{Name: "parked_worker_mib", Measured: float64(memory) / mib, Limit: parkedLimitMiB, Unit: "MiB"})
	}
	return database, nil
}

// settled is a process's memory once it has stopped falling: after load, garbage is given back in the minute that follows.
func (b *bench) settled(ctx context.Context, pid int) (least int64, err error) {
	began := time.Now()
	for fell := began; time.Since(began) < b.long(settlesWithin) && time.Since(fell) < b.long(settlesFor); {
		now, _, err := stack.Usage(pid)
		if err != nil {
			return 0, err
		}
		if least == 0 || float64(now) < (1-settlesBy)*float64(least) {
			least, fell = now, time.Now()
		}
		if err := stack.Pause(ctx, lookEvery); err != nil {
			return 0, err
		}
	}
	now, _, err := stack.Usage(pid)
	return now, err
}

// peak is the most memory that a process ever had, in bytes; 0 where the system does not say.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kilobytes int64
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		_, _ = fmt.Sscan(after, &kilobytes) // nothing read leaves 0
	}
	return kilobytes * kib
}
