package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// configured is a server with one task queue.
type configured struct {
	takes time.Duration // to answer

	mu    sync.Mutex
	limit *taskqueuepb.RateLimitConfig
	fails error
	asked []time.Time
}

func (c *configured) DescribeTaskQueue(
	ctx context.Context, in *workflowservice.DescribeTaskQueueRequest, _ ...grpc.CallOption,
) (*workflowservice.DescribeTaskQueueResponse, error) {
	c.mu.Lock()
	c.asked = append(c.asked, time.Now())
	limit, fails := c.limit, c.fails
	c.mu.Unlock()
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
		return nil, serviceerror.NewDeadlineExceeded(ctx.Err().Error())
	}
	if fails != nil {
		return nil, fails
	}
	answer := &workflowservice.DescribeTaskQueueResponse{}
	if in.GetReportConfig() && in.GetTaskQueue().GetName() == "gated" && in.GetNamespace() == "acme" {
		answer.Config = &taskqueuepb.TaskQueueConfig{QueueRateLimit: limit}
	}
	return answer, nil
}

func (c *configured) UpdateTaskQueueConfig(
	context.Context, *workflowservice.UpdateTaskQueueConfigRequest, ...grpc.CallOption,
) (*workflowservice.UpdateTaskQueueConfigResponse, error) {
	return nil, errors.New("a gate sets nothing")
}

func (c *configured) set(perSecond float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = &taskqueuepb.RateLimitConfig{
		RateLimit: &taskqueuepb.RateLimit{RequestsPerSecond: perSecond},
		Metadata:  &taskqueuepb.ConfigMetadata{Reason: "wrong audiences", UpdateIdentity: "operator", UpdateTime: timestamppb.New(time.Now())},
	}
}

func (c *configured) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = err
}

func (c *configured) questions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

func opened(server QueueConfigurer) *Gate {
	g := NewGate("gated")
	g.Open(server, "acme", zap.NewNop())
	return g
}

func TestGateAsksOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &configured{takes: 20 * time.Millisecond}
		g := opened(server)
		time.Sleep(time.Hour)
		require.Zero(t, server.questions(), "nobody asks while nothing is changed")
		var passed atomic.Int64
		var all sync.WaitGroup
		began := time.Now()
		for range 200 {
			all.Go(func() {
				if g.Pass(t.Context()) == nil {
					passed.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 200, passed.Load())
		require.Equal(t, 1, server.questions())
		require.Equal(t, server.takes, time.Since(began))

		for range 1000 { // ten seconds of writes, a hundred each
			require.NoError(t, g.Pass(t.Context()))
			time.Sleep(10 * time.Millisecond)
		}
		require.LessOrEqual(t, server.questions(), 1+4*10)
	})
}

// However slowly the server answers, nothing passes later than 0.85 s after the stop, and the first of those who wait after the release does.
func TestGateStopsWithinTheSecond(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{0, 5 * time.Millisecond, 200 * time.Millisecond, 590 * time.Millisecond} {
		t.Run(takes.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &configured{takes: takes}
				server.set(40)
				g := opened(server)
				var mu sync.Mutex
				var last time.Time
				var refused error
				var all sync.WaitGroup
				ctx, end := context.WithCancel(t.Context())
				for i := range 20 {
					all.Go(func() {
						time.Sleep(time.Duration(i) * time.Millisecond)
						for ctx.Err() == nil {
							err := g.Pass(ctx)
							mu.Lock()
							if err == nil {
								last = time.Now()
							} else if ctx.Err() == nil {
								refused = err
							}
							mu.Unlock()
							time.Sleep(7 * time.Millisecond)
						}
					})
				}
				time.Sleep(3*time.Second + 13*time.Millisecond)
				stopped := time.Now()
				server.set(0)
				time.Sleep(10 * time.Second)
				end()
				all.Wait()
				require.Positive(t, last.Sub(stopped)+time.Second, "it passed before")
				require.LessOrEqual(t, last.Sub(stopped), answerWithin+knownFor)
				var gate *GateError
				require.ErrorAs(t, refused, &gate)
				require.NoError(t, gate.Cause)
				require.Equal(t, QueueLimit{Set: true, Reason: "wrong audiences", By: "operator", Since: stopped.UTC()}, gate.Limit)
				require.EqualError(t, gate, "writes are stopped by operator since "+stopped.UTC().Format(time.RFC3339)+": wrong audiences")

				server.set(0.5)
				time.Sleep(knownFor)
				require.NoError(t, g.Pass(t.Context()), "a limit that is not zero stops nothing")
			})
		})
	}
}

func TestGateLetsNothingPassWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*configured{
		"silent":  {takes: time.Hour},
		"refuses": {fails: serviceerror.NewUnavailable("shutting down")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := opened(server)
				began := time.Now()
				var all sync.WaitGroup
				for range 50 {
					all.Go(func() {
						var gate *GateError
						if err := g.Pass(t.Context()); errors.As(err, &gate) && gate.Cause != nil {
							return
						}
						t.Error("it passed, or with another error")
					})
				}
				all.Wait()
				require.LessOrEqual(t, time.Since(began), askFor+answerWithin)
				require.LessOrEqual(t, server.questions(), 25, "all who wait share the questions")
				var gate *GateError
				require.ErrorAs(t, g.Pass(t.Context()), &gate)
				require.Contains(t, gate.Error(), "whether writes are stopped is not known, so nothing is written: read the rate limit of task queue gated")

				server.fail(nil)
				server.takes = 0
				time.Sleep(knownFor)
				require.NoError(t, g.Pass(t.Context()), "it asks again")
			})
		})
	}
}

func TestGateSurvivesAServerThatIsAwayForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &configured{fails: serviceerror.NewUnavailable("restarting")}
		g := opened(server)
		time.AfterFunc(time.Second, func() { server.fail(nil) })
		require.NoError(t, g.Pass(t.Context()))
	})
}

// The end of one activity says nothing about whether others may write.
func TestGateOutlivesWhoAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &configured{takes: 50 * time.Millisecond}
		g := opened(server)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		require.NoError(t, g.Pass(ctx))
		require.NoError(t, g.Pass(t.Context()))
		require.Equal(t, 1, server.questions())
	})
}

func TestGateIsClosedBeforeThereIsAServer(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, NewGate("gated").Pass(t.Context()), "there is no connection to Temporal yet")
}

// A server that keeps its configuration from the worker leaves the queue's own limit; that is said once.
func TestGateWithoutPermission(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{
		"denied": serviceerror.NewPermissionDenied("Request unauthorized.", ""), "unimplemented": serviceerror.NewUnimplemented("unknown method"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.WarnLevel)
				g := NewGate("gated")
				g.Open(&configured{fails: refusal}, "acme", zap.New(core))
				for range 10 {
					require.NoError(t, g.Pass(t.Context()))
					time.Sleep(time.Second)
				}
				require.Equal(t, 1, logs.Len())
				require.Contains(t, logs.All()[0].Message, "stopping holds what has not begun alone")
			})
		})
	}
}
