package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// QueueConfigurer reads and writes the configuration of task queues; the WorkflowService of a client.Client is one.
type QueueConfigurer interface {
	DescribeTaskQueue(ctx context.Context, in *workflowservice.DescribeTaskQueueRequest, opts ...grpc.CallOption) (*workflowservice.DescribeTaskQueueResponse, error)
	UpdateTaskQueueConfig(ctx context.Context, in *workflowservice.UpdateTaskQueueConfigRequest, opts ...grpc.CallOption) (*workflowservice.UpdateTaskQueueConfigResponse, error)
}

// ErrNotShown is wrapped when the server keeps the configuration of its task queues from this client, as a hosted one may.
var ErrNotShown = errors.New("the server does not show the task queue's configuration")

// QueueLimit is how many activities of a task queue are begun per second. The zero value is no limit.
type QueueLimit struct {
	Set       bool
	PerSecond float64
	Reason    string    // as whoever set it says
	By        string    // the identity of who set it
	Since     time.Time // when it was set
}

// Stopped tells that nothing is begun.
func (l QueueLimit) Stopped() bool { return l.Set && l.PerSecond <= 0 }

// ReadQueueLimit reads the limit of a queue of activities, whoever set it: SetQueueLimit or Temporal's own command.
func ReadQueueLimit(ctx context.Context, c QueueConfigurer, namespace, queue string) (QueueLimit, error) {
	answer, err := c.DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue, Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
		TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, ReportConfig: true,
	})
	if err != nil {
		return QueueLimit{}, limitError("read", queue, err)
	}
	return limitOf(answer.GetConfig()), nil
}

// SetQueueLimit sets the limit of a queue of activities for all workers, and returns the one that holds now. One that is not Set takes the limit away.
func SetQueueLimit(ctx context.Context, c QueueConfigurer, namespace, queue string, limit QueueLimit) (QueueLimit, error) {
	update := &workflowservice.UpdateTaskQueueConfigRequest_RateLimitUpdate{Reason: limit.Reason}
	if limit.Set {
		update.RateLimit = &taskqueuepb.RateLimit{RequestsPerSecond: float32(limit.PerSecond)}
	}
	answer, err := c.UpdateTaskQueueConfig(ctx, &workflowservice.UpdateTaskQueueConfigRequest{
		Namespace: namespace, Identity: limit.By, TaskQueue: queue, TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, UpdateQueueRateLimit: update,
	})
	if err != nil {
		return QueueLimit{}, limitError("set", queue, err)
	}
	return limitOf(answer.GetConfig()), nil
}

func limitError(doing, queue string, err error) error {
	var denied *serviceerror.PermissionDenied
	var absent *serviceerror.Unimplemented
	if errors.As(err, &denied) || errors.As(err, &absent) {
		err = fmt.Errorf("%w: %w", ErrNotShown, err)
	}
	return fmt.Errorf("%s the rate limit of task queue %s: %w", doing, queue, err)
}

func limitOf(config *taskqueuepb.TaskQueueConfig) QueueLimit {
	set := config.GetQueueRateLimit()
	if set.GetRateLimit() == nil {
		return QueueLimit{}
	}
	limit := QueueLimit{
		Set: true, PerSecond: float64(set.GetRateLimit().GetRequestsPerSecond()),
		Reason: set.GetMetadata().GetReason(), By: set.GetMetadata().GetUpdateIdentity(),
	}
	if at := set.GetMetadata().GetUpdateTime(); at != nil {
		limit.Since = at.AsTime()
	}
	return limit
}
