package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/workflows"
)

const (
	// readsAtOnce bounds activities that change nothing. They wait for the vendor's rate most of the time; this many keep it busy.
	readsAtOnce = 200
	// searchTimeout bounds the start-up check of search attributes, and the start of the workflow that keeps the grants.
	searchTimeout = 30 * time.Second
)

// writesAtOnce bounds pairs that are switched at once. All of them share the vendor's rate, and between "new on" and "old off" lie about four
// requests: with a fifth of the rate at once, both sides of a pair run together for less than a second.
func writesAtOnce(rps float64) int { return max(1, int(math.Ceil(rps/5))) }

// serve runs the worker until ctx ends or it cannot go on.
func serve(ctx context.Context, env engine.Environment, stderr io.Writer) error {
	s, err := configure(ctx, env, stderr)
	if err != nil {
		return err
	}
	defer func() { _ = s.logger.Sync() }()    // a terminal cannot be synced, and nothing is lost there
	defer func() { _ = s.reports.Close() }()  // every report was written when its activity ended
	defer func() { _ = s.database.Close() }() // so was everything in the store
	engine.SpareMemory(env)
	health := engine.NewHealth(s.temporal.Identity, time.Now,
		engine.Queue{Name: workflows.TaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_WORKFLOW},
		engine.Queue{Name: workflows.TaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_ACTIVITY},
		engine.Queue{Name: workflows.WritesTaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_ACTIVITY},
	)
	closeHealth, err := listen(ctx, config.EnvHealthAddress, s.config.HealthAddress, health.Handler())
	if err != nil {
		return err
	}
	defer closeHealth()
	if s.codec != nil {
		closeCodec, err := listen(ctx, config.EnvCodecAddress, s.config.CodecAddress, s.codec)
		if err != nil {
			return err
		}
		defer closeCodec()
	}
	s.logger.Info("starting", zap.String("version", engine.Version()), zap.String("temporal", s.temporal.HostPort),
		zap.String("namespace", s.temporal.Namespace), zap.String("adobe", s.config.AdobeURL), zap.String("health", s.config.HealthAddress))

	connected, err := engine.Dial(ctx, s.temporal, s.logger)
	if err != nil {
		if ctx.Err() != nil {
			s.logger.Info("stopped before Temporal could be reached")
			return nil
		}
		return err
	}
	defer connected.Close()
	if err := s.checkAttributes(ctx, connected); err != nil {
		return err
	}
	if err := s.keepGrants(ctx, connected); err != nil {
		return err
	}
	return s.work(ctx, connected, health)
}

// checkAttributes refuses to work in a namespace where every workflow would hang on its first search attribute.
func (s setup) checkAttributes(ctx context.Context, c client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	err := engine.CheckSearchAttributes(ctx, c.OperatorService(), s.temporal.Namespace, workflows.SearchAttributes())
	if errors.Is(err, engine.ErrCannotList) {
		s.logger.Warn("search attributes could not be checked: make sure that the namespace has them (starter search-attributes)", zap.Error(err))
		return nil
	}
	return err
}

// keepGrants has the grants renewed ahead of their end, as long as there are workers with an app at Pinterest.
func (s setup) keepGrants(ctx context.Context, c client.Client) error {
	if s.activities.Grants == nil {
		s.logger.Info("no grants are held: people reconnect in Adobe's user interface", zap.String("to hold them set", config.EnvPinterestApp))
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	if _, err := c.ExecuteWorkflow(ctx, workflows.GrantsOptions(), workflows.KeepGrantsName); err != nil {
		return fmt.Errorf("start workflow %s, which renews the grants: %w", workflows.GrantsID, err)
	}
	return nil
}

// work runs both workers until ctx ends or one of them gives up.
func (s setup) work(ctx context.Context, connected client.Client, health *engine.Health) error {
	fatal := make(chan error, 2) // one place per worker: neither ever waits
	onFatal := func(err error) { fatal <- err }

	s.gate.Open(connected.WorkflowService(), s.temporal.Namespace, s.logger)
	reads := worker.New(connected, workflows.TaskQueue, s.redacted(engine.WorkerOptions(readsAtOnce, onFatal)))
	workflows.Register(reads)
	s.activities.Register(reads)
	writes := worker.New(connected, workflows.WritesTaskQueue, s.redacted(engine.GatedWorkerOptions(writesAtOnce(s.config.AdobeRPS), onFatal)))
	s.activities.RegisterWrites(writes)

	if err := reads.Start(); err != nil {
		return fmt.Errorf("start the worker of %s: %w", workflows.TaskQueue, err)
	}
	if err := writes.Start(); err != nil {
		reads.Stop()
		return fmt.Errorf("start the worker of %s: %w", workflows.WritesTaskQueue, err)
	}
	health.Started(connected)
	s.logger.Info("working", zap.Strings("queues", []string{workflows.TaskQueue, workflows.WritesTaskQueue}))

	err := s.untilEnd(ctx, fatal)
	health.Stopping()
	stopTogether(reads, writes)
	s.logger.Info("stopped")
	return err
}

// redacted keeps secrets out of what activities fail with.
func (s setup) redacted(options worker.Options) worker.Options {
	options.Interceptors = append(options.Interceptors, s.redactor.Interceptor())
	return options
}

// untilEnd waits until ctx ends, which is no error, or a worker gives up, such as when its namespace was deleted.
func (s setup) untilEnd(ctx context.Context, fatal <-chan error) error {
	select {
	case <-ctx.Done():
		s.logger.Info("stopping: activities in flight finish first", zap.Duration("at most", engine.StopTimeout))
		return nil
	case cause := <-fatal:
		return fmt.Errorf("a worker gave up: %w", cause)
	}
}

// stopTogether gives all workers the same time to finish instead of one after the other.
func stopTogether(workers ...worker.Worker) {
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(w.Stop)
	}
	all.Wait()
}
