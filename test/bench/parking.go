package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

const (
	parkedLimitMinutes = 5
	parkedLimitMiB     = 120
	parkedLimitKiB     = 32
	parkedLimitFlat    = 1.2

	// parkedEvery is rare enough that looking does not slow down what is looked at: visibility counts thousands of rows each time.
	parkedEvery = 500 * time.Millisecond
	// startedAhead is how many organizations that do not wait yet there are at a time: the worker keeps 500 in memory, and whoever starts more has
	// each of them replayed at every step.
	startedAhead = 300
	// startTries is how often one organization's start is tried.
	startTries = 5
	// atRest is how long computing at rest is watched.
	atRest = 30 * time.Second
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// measureParking grows one world to 10,000 organizations that wait for their people, and then has people act among them.
func measureParking(ctx context.Context, b *bench) (err error) {
	sizes := []int{b.of(b.parked/100, 10), b.of(b.parked/10, 20), b.of(b.parked, 100)}
	w, err := b.newWorld(ctx, fleet{organizations: sizes[len(sizes)-1], reads: true, runs: runsEvery, serverArgs: roomy()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	if err := w.parkAll(ctx, sizes); err != nil {
		return err
	}
	if err := w.rest(ctx); err != nil {
		return err
	}
	taken, err := w.measureSignals(ctx)
	if err != nil {
		return fmt.Errorf("signals: %w", err)
	}
	if err := w.measureKillSwitch(ctx, taken); err != nil {
		return fmt.Errorf("kill switch: %w", err)
	}
	return nil
}

// roomy has the development server keep in memory what its SQLite needs of a database that grows to hundreds of megabytes; by default that is two.
func roomy() []string {
	return []string{"--sqlite-pragma", "cache_size=-131072", "--sqlite-pragma", "mmap_size=1073741824", "--sqlite-pragma", "temp_store=memory"}
}

// parked is what it cost to have more organizations wait.
type parked struct {
	organizations int // those that were added
	took          time.Duration
	worker        time.Duration // computed by the worker
	server        time.Duration // computed by the server, with its database
}

func (p parked) cpu() time.Duration { return p.worker + p.server }

func (p parked) each(d time.Duration) float64 { return d.Seconds() / float64(p.organizations) }

// parkAll measures the time until all wait, the memory of who serves them, and what the database grew by. The clock stands while memory settles and
// while every single organization is looked at. What one organization costs is compared in computed seconds of worker and server, since the machine's
// other work lengthens what the clock shows and not those; the first hundred, who warm everything up, are left out of the comparison.
func (w *world) parkAll(ctx context.Context, sizes []int) error {
	empty, err := w.temporal.DatabaseBytes(ctx)
	if err != nil {
		return err
	}
	var steps []parked
	var waited time.Duration
	var bytes int64
	have := 0
	for i, n := range sizes {
		step, err := w.park(ctx, have, n)
		if err != nil {
			return err
		}
		waited += step.took
		steps = append(steps, step)
		nominal := []string{"100", "1000", "10000"}[i]
		w.bench.figure(figure{Name: "parked_" + nominal + "_s", Value: waited.Seconds(), Unit: "s, since the first was started"})
		if bytes, err = w.measureMemory(ctx, nominal, n, empty); err != nil {
			return err
		}
		if err := w.checkParked(ctx, have, n, i == len(sizes)-1); err != nil {
			return err
		}
		have = n
	}
	b, early, late := w.bench, steps[1], steps[2]
	b.figure(figure{Name: "parked_worker_cpu_early_ms", Value: 1000 * early.each(early.worker), Unit: "ms each, from 100 to 1,000"})
	b.figure(figure{Name: "parked_worker_cpu_late_ms", Value: 1000 * late.each(late.worker), Unit: "ms each, from 1,000 to 10,000"})
	b.figure(figure{Name: "parked_server_cpu_early_ms", Value: 1000 * early.each(early.server), Unit: "ms each, with its database"})
	b.figure(figure{Name: "parked_server_cpu_late_ms", Value: 1000 * late.each(late.server), Unit: "ms each, with its database"})
	b.figure(figure{Name: "parked_clock_flat", Value: late.each(late.took) / early.each(early.took), Unit: "time each, last 9,000 over first 1,000"})
	b.bar(bar{Name: "parked_10000_minutes", Measured: waited.Minutes(), Limit: parkedLimitMinutes, Unit: "min"})
	b.bar(bar{Name: "parked_storage_kib", Measured: float64(bytes-empty) / kib / float64(have), Limit: parkedLimitKiB, Unit: "KiB each"})
	b.bar(bar{Name: "parked_cost_flat", Measured: late.each(late.cpu()) / early.each(early.cpu()), Limit: parkedLimitFlat, Unit: "CPU each, last 9,000 over first 1,000"})
	return nil
}

// park starts the organizations from first to last-1 and waits until all there are wait for their people, and their last polls are waiting too.
func (w *world) park(ctx context.Context, first, last int) (step parked, err error) {
	worker, server, err := w.computed()
	if err != nil {
		return step, err
	}
	began := time.Now()
	query := fmt.Sprintf("%s = '%s'", workflows.AttributePhase.GetName(), migration.AwaitingReauth)
	for started, found := first, first; found < last; {
		ahead := min(found+startedAhead, last)
		if err := each(ctx, started, ahead, startersAtOnce, w.startPatiently); err != nil {
			return step, err
		}
		started = max(started, ahead)
		if err := stack.Pause(ctx, parkedEvery); err != nil {
			return step, fmt.Errorf("wait until %d organizations wait, %d do: %w", last, found, err)
		}
		if found, err = w.count(ctx, query); err != nil {
			return step, err
		}
	}
	if _, err := w.polls(ctx, max(first, last-startersAtOnce), last); err != nil {
		return step, err
	}
	step = parked{organizations: last - first, took: time.Since(began)}
	workerAfter, serverAfter, err := w.computed()
	step.worker, step.server = workerAfter-worker, serverAfter-server
	return step, err
}

// startPatiently starts one organization, again where the server was too busy to answer: among thousands one may wait longer than its client does.
func (w *world) startPatiently(ctx context.Context, number int) error {
	err := w.start(ctx, number, number+1)
	for tries := 1; tries < startTries && tooBusy(err) && ctx.Err() == nil; tries++ {
		err = w.start(ctx, number, number+1)
		if _, started := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); started {
			return nil // the answer to an earlier try was late
		}
	}
	return err
}

// tooBusy tells that an answer of the server did not come in time.
func tooBusy(err error) bool {
	_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
	return late || errors.Is(err, context.DeadlineExceeded)
}

// computed is how long the worker and the server, with its database, have computed until now.
func (w *world) computed() (worker, server time.Duration, err error) {
	if _, worker, err = stack.Usage(w.workers[0].PID()); err != nil {
		return 0, 0, err
	}
	_, server, err = stack.Usage(w.temporal.PIDs()...)
	return worker, server, err
}

// rest measures what waiting alone costs. Each organization's account is polled every quarter of an hour, first that long after it parked, so that
// how many polls fall into the time is said beside it.
func (w *world) rest(ctx context.Context) error {
	mark, err := w.mark()
	if err != nil {
		return err
	}
	worker, server, err := w.computed()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := stack.Pause(ctx, w.bench.long(atRest)); err != nil {
		return err
	}
	workerAfter, serverAfter, err := w.computed()
	if err != nil {
		return err
	}
	took := time.Since(began)
	entries, _, err := w.since(mark)
	if err != nil {
		return err
	}
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / took.Seconds() }
	w.bench.figure(figure{Name: "rest_worker_cpu", Value: share(workerAfter - worker), Unit: "% of a core"})
	w.bench.figure(figure{Name: "rest_server_cpu", Value: share(serverAfter - server), Unit: "% of a core"})
	w.bench.figure(figure{Name: "rest_polls", Value: float64(len(asked(entries))) / took.Seconds(), Unit: "vendor calls per second meanwhile"})
	return nil
}

// long is d, or a quarter of it when everything is small.
func (b *bench) long(d time.Duration) time.Duration {
	if b.small {
		return d / 4
	}
	return d
}
