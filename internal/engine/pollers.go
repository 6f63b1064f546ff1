package engine

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// pollerAge is how old a poller's last poll may be. A poll with nothing to do lasts a minute at the server; a poller that has not been seen for
// longer than that and a half is gone.
const pollerAge = 90 * time.Second

// Queue is one kind of tasks of a task queue.
type Queue struct {
	Name string
	Kind enumspb.TaskQueueType
}

func (q Queue) String() string { return fmt.Sprintf("%s (%s)", q.Name, q.Kind) }

// QueueDescriber describes task queues; a client.Client is one.
type QueueDescriber interface {
	DescribeTaskQueue(ctx context.Context, taskQueue string, kind enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error)
}

// Pollers returns the identities of those who polled the queue lately.
func Pollers(ctx context.Context, c QueueDescriber, q Queue, now time.Time) ([]string, error) {
	answer, err := c.DescribeTaskQueue(ctx, q.Name, q.Kind)
	if err != nil {
		return nil, fmt.Errorf("describe task queue %s: %w", q, err)
	}
	var identities []string
	for _, poller := range answer.GetPollers() {
		if now.Sub(poller.GetLastAccessTime().AsTime()) < pollerAge {
			identities = append(identities, poller.GetIdentity())
		}
	}
	return identities, nil
}
