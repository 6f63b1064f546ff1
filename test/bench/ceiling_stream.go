package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// carrier is a kind of workflow whose pace is measured.
type carrier struct {
	workflow string
	worker   *stack.Worker
	carry    func(ctx context.Context, number int) error // from the start to the end, which must be right
	tell     func(ctx context.Context, number int) error // that somebody signed in
	id       func(number int) string
}

// pace is what a stream came to.
type pace struct {
	ended  int
	took   time.Duration
	worker time.Duration // computed
	server time.Duration
	vendor time.Duration
	itself time.Duration // this program: starter and people
	begun  int           // from the first number, also before and after what was measured
}

func (p pace) perSecond() float64 { return float64(p.ended) / p.took.Seconds() }

// each is the milliseconds that a process computed for one organization.
func (p pace) each(computed time.Duration) float64 {
	return float64(computed) / float64(time.Millisecond) / float64(p.ended)
}

// stream keeps organizations in flight: whenever one ends the next is started, and whoever waits for a person is told at once.
type stream struct {
	*world
	carrier

	first, last int // numbers; the last is not one

	next, ended atomic.Int64
	stopped     atomic.Bool

	mu     sync.Mutex
	untold map[string]int // workflow id to number, from its start until its people were told
}

// measure drops the first organizations, takes what ends while the time lasts, and then lets those in flight come to their end.
func (s *stream) measure(ctx context.Context, atOnce, dropped int, lasts time.Duration) (p pace, err error) {
	err = s.run(ctx, atOnce, func(ctx context.Context) (err error) {
		p, err = s.between(ctx, dropped, lasts)
		s.stopped.Store(true)
		return err
	})
	p.begun = int(s.next.Load()) - s.first
	return p, err
}

// run carries one after the other, so many at once, until the last or until it is stopped. beside is done meanwhile.
func (s *stream) run(ctx context.Context, atOnce int, beside func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	until := func(err error) {
		if err != nil {
			cancel(err) // the first one counts: it ends all others
		}
	}
	s.next.Store(int64(s.first))
	s.untold = map[string]int{}
	over := make(chan struct{})
	var carrying, telling sync.WaitGroup
	for range atOnce {
		carrying.Go(func() { until(s.carryOn(ctx)) })
	}
	telling.Go(func() { until(s.tellAll(ctx, over)) })
	until(beside(ctx))
	carrying.Wait()
	close(over)
	telling.Wait()
	return context.Cause(ctx)
}

// between measures from the end of the last one dropped, for as long as is said and until as many more have ended.
func (s *stream) between(ctx context.Context, dropped int, lasts time.Duration) (p pace, err error) {
	for s.ended.Load() < int64(dropped) {
		if err := stack.Pause(ctx, time.Millisecond); err != nil {
			return p, fmt.Errorf("%d of the %d to be dropped ended: %w", s.ended.Load(), dropped, err)
		}
	}
	before, err := s.look()
	if err != nil {
		return p, err
	}
	if err := stack.Pause(ctx, lasts); err != nil {
		return p, err
	}
	for s.ended.Load() < before.ended+int64(dropped) { // on a machine that is busy: fewer tell nothing
		if err := stack.Pause(ctx, lookEvery); err != nil {
			return p, err
		}
	}
	after, err := s.look()
	if err != nil {
		return p, err
	}
	if int(s.next.Load()) >= s.last {
		return p, fmt.Errorf("%d organizations are too few for %s", s.last-s.first, lasts)
	}
	return after.less(before), nil
}

// sight is how things stand at a moment.
type sight struct {
	at                             time.Time
	ended                          int64
	worker, server, vendor, itself time.Duration
}

func (s *stream) look() (is sight, err error) {
	is = sight{at: time.Now(), ended: s.ended.Load()}
	for _, process := range []struct {
		into *time.Duration
		pids []int
	}{
		{&is.worker, []int{s.worker.PID()}}, {&is.server, s.temporal.PIDs()}, {&is.vendor, []int{s.vendor.PID()}}, {&is.itself, []int{os.Getpid()}},
	} {
		if _, *process.into, err = stack.Usage(process.pids...); err != nil {
			return is, err
		}
	}
	return is, nil
}

func (s sight) less(t sight) pace {
	return pace{
		ended: int(s.ended - t.ended), took: s.at.Sub(t.at),
		worker: s.worker - t.worker, server: s.server - t.server, vendor: s.vendor - t.vendor, itself: s.itself - t.itself,
	}
}

// carryOn carries one after the other until it is stopped.
func (s *stream) carryOn(ctx context.Context) error {
	for !s.stopped.Load() {
		number := int(s.next.Add(1)) - 1
		if number >= s.last {
			s.next.Store(int64(s.last))
			return nil
		}
		s.mu.Lock()
		s.untold[s.id(number)] = number
		s.mu.Unlock()
		if err := s.carry(ctx, number); err != nil {
			return err
		}
		s.ended.Add(1)
	}
	return nil
}

// tellAll tells everybody's people, as soon as visibility shows that they are waited for, until over is closed.
func (s *stream) tellAll(ctx context.Context, over <-chan struct{}) error {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND %s = '%s'", s.workflow, workflows.AttributePhase.GetName(), migration.AwaitingReauth)
	for {
		list, err := s.engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.temporal.Namespace, Query: query, PageSize: 1000})
		if err != nil {
			return fmt.Errorf("list who waits: %w", err)
		}
		told := errgroup.Group{}
		told.SetLimit(tellAtOnce)
		for _, found := range list.GetExecutions() {
			if number, is := s.take(found.GetExecution().GetWorkflowId()); is {
				told.Go(func() error { return s.carrier.tell(ctx, number) })
			}
		}
		if err := told.Wait(); err != nil {
			return err
		}
		select {
		case <-over:
			return nil
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take is the number of a workflow whose people were not told yet, once.
func (s *stream) take(id string) (number int, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, is = s.untold[id]
	delete(s.untold, id)
	return number, is
}
