package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.temporal.io/sdk/client"

	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

const (
	ceilingInFlight = 50
	// ceilingDropped are the first: those that were started together end together, and after twice as many ends there is a steady stream.
	ceilingDropped = 2 * ceilingInFlight
	ceilingLasts   = 30 * time.Second
	// ceilingReserve is more than end in that time on any machine on which the server is the limit.
	ceilingReserve = 2000
)

// measureCeiling sets the product's pace beside that of a bare workflow of the same shape, in turn on one server, with 50 in flight. Each in its turn is
// measured for 30 seconds, after the first hundred have ended; what was measured first comes last in the next round. The bare one does nothing in its
// activities, carries no data, has one task queue and no heartbeats, and its worker is a process with the options of the product's. Histories of all of
// either are read and must have the same shape.
//
// Both people are told by this program, as soon as visibility shows that they are waited for. The vendors answer at once, but on the same cores: their
// time is not the product's, is left in its pace all the same, and comes as ceiling_vendor_cpu_share.
func measureCeiling(ctx context.Context, b *bench) (err error) {
	atOnce, dropped, lasts, reserve := ceilingInFlight, ceilingDropped, ceilingLasts, ceilingReserve
	if b.small {
		atOnce, dropped, lasts, reserve = 10, 20, 3*time.Second, 300
	}
	w, err := b.newWorld(ctx, fleet{organizations: b.runs * reserve})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	bareOne := w.bareCarrier()
	if bareOne.worker, err = w.startBareWorker(ctx); err != nil {
		return err
	}
	c := ceiling{tasks: map[string][]float64{}, runs: map[string][]float64{}}
	for run := range b.runs {
		turns := []carrier{bareOne, w.productCarrier()}
		if run%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		measured := map[string]pace{}
		for _, turn := range turns {
			s := &stream{world: w, carrier: turn, first: run * reserve, last: (run + 1) * reserve}
			p, err := s.measure(ctx, atOnce, dropped, lasts)
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", turn.workflow, run+1, err)
			}
			if err := c.check(ctx, s, p); err != nil {
				return fmt.Errorf("%s, run %d: %w", turn.workflow, run+1, err)
			}
			measured[turn.workflow] = p
			b.say("%s: %s organizations per second; for each the worker computed %s ms, the server %s ms, the vendors %s ms, this program %s ms", turn.workflow,
				number(p.perSecond()), number(p.each(p.worker)), number(p.each(p.server)), number(p.each(p.vendor)), number(p.each(p.itself)))
		}
		c.add(measured[workflows.MigrateOrganizationName], measured[bareName])
	}
	c.report(b)
	return nil
}

// startBareWorker starts the worker of bare organizations, which is this program.
func (w *world) startBareWorker(ctx context.Context) (*stack.Worker, error) {
	itself, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	worker, err := stack.StartWorker(ctx, stack.WorkerOptions{
		Binary: itself, Dir: w.dir, Name: roleBareWorker, Temporal: w.temporal, VendorURL: w.vendor.URL, Env: []string{envRole + "=" + roleBareWorker},
	})
	if err != nil {
		return nil, err
	}
	w.closers.Add(worker.Stop)
	return worker, nil
}

func (w *world) bareCarrier() carrier {
	id := func(number int) string { return fmt.Sprintf("bare/%05d", number) }
	return carrier{
		workflow: bareName, id: id,
		carry: func(ctx context.Context, number int) error {
			run, err := w.engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id(number), TaskQueue: bareQueue}, bareName)
			if err == nil {
				err = run.Get(ctx, nil)
			}
			if err != nil {
				return fmt.Errorf("bare organization %d: %w", number, err)
			}
			return nil
		},
		tell: func(ctx context.Context, number int) error {
			if err := w.engine.SignalWorkflow(ctx, id(number), "", bareSignal, nil); err != nil {
				return fmt.Errorf("signal bare organization %d: %w", number, err)
			}
			return nil
		},
	}
}

func (w *world) productCarrier() carrier {
	return carrier{
		workflow: workflows.MigrateOrganizationName, worker: w.workers[0], id: w.workflowID,
		carry: w.carryOne,
		tell: func(ctx context.Context, number int) error {
			if err := w.reconnect(ctx, number); err != nil {
				return err
			}
			return w.tell(ctx, number)
		},
	}
}

// carryOne starts an organization and waits for its end, which must be that it migrated all its dataflows.
func (w *world) carryOne(ctx context.Context, number int) error {
	if err := w.start(ctx, number, number+1); err != nil {
		return err
	}
	var result workflows.Result
	if err := w.engine.GetWorkflow(ctx, w.workflowID(number), "").Get(ctx, &result); err != nil {
		return fmt.Errorf("organization %s: %w", idOf(number), err)
	}
	if result.Outcome != migration.Migrated || result.Switched != w.flows(number) {
		return fmt.Errorf("organization %s ended %s with %d dataflows switched", idOf(number), result.Outcome, result.Switched)
	}
	return nil
}
