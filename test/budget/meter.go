package main

import (
	"context"
	"sync/atomic"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	"cutover/workflows"
)

// meter counts what Temporal Cloud bills and no history shows, on the wire between this program and the server.
type meter struct {
	attempts   atomic.Int64 // at activities, retries too
	queries    atomic.Int64 // the product's own
	heartbeats atomic.Int64 // that reached the server: billed too, and left out of the bars, since only an attempt that takes more than two seconds sends one
}

func (m *meter) actions() int { return int(m.attempts.Load() + m.queries.Load()) }

// count is a gRPC client interceptor.
func (m *meter) count(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if err := invoke(ctx, method, request, reply, conn, opts...); err != nil {
		return err
	}
	switch reply := reply.(type) {
	case *workflowservice.PollActivityTaskQueueResponse:
		if len(reply.GetTaskToken()) > 0 { // else the poll came back empty
			m.attempts.Add(1)
		}
	case *workflowservice.RespondWorkflowTaskCompletedResponse:
		m.attempts.Add(int64(len(reply.GetActivityTasks()))) // eager ones
	case *workflowservice.RecordActivityTaskHeartbeatResponse:
		m.heartbeats.Add(1)
	case *workflowservice.QueryWorkflowResponse:
		if q, ok := request.(*workflowservice.QueryWorkflowRequest); ok && q.GetQuery().GetQueryType() != workflows.QueryStatus { // this program asks for that
			m.queries.Add(1)
		}
	}
	return nil
}
