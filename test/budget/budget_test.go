package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	"cutover/workflows"
)

func TestEveryBarHolds(t *testing.T) {
	t.Parallel()
	var trace bytes.Buffer
	bars, err := measureAll(t.Context(), &trace)
	require.NoError(t, err)
	document, err := os.ReadFile("../../docs/benchmarks.md")
	require.NoError(t, err)
	measured := map[string]int{}
	for _, b := range bars {
		require.Contains(t, string(document), fmt.Sprintf("\n| `%s` | %d |", b.name, b.limit), "docs/benchmarks.md has every bar with its limit")
		require.True(t, b.holds(), "%s; go run ./test/budget -v lists what it consists of", b)
		measured[b.name] = b.measured
	}
	// What was not measured holds every limit.
	for _, name := range []string{
		"history_events", "history_kib", "vendor_calls", "actions", "full_history_events", "full_history_kib", "full_vendor_calls", "full_actions",
		"dataflow_events", "dataflow_calls", "dataflow_actions", "poll_calls", "poll_actions", "parked_day_actions", "reminder_events", "reminder_actions",
	} {
		require.Positive(t, measured[name], name)
	}
	require.Contains(t, measured, "poll_events")
	require.Contains(t, trace.String(), "event 1 WorkflowExecutionStarted")
}

// The minimum that the calls are held against is derived row by row in the document.
func TestTheMinimumIsTheSumOfItsParts(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/benchmarks.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(document), "## The minimum of vendor calls")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	sum := 0
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(table, -1) {
		calls, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		sum += calls
	}
	require.Equal(t, minimumCalls, sum)
	require.Contains(t, table, fmt.Sprintf("| **%d** | |", sum))
}

func TestABarThatFallsShortSaysSo(t *testing.T) {
	t.Parallel()
	require.Equal(t, "bar history_events 80 80 ok", bar{"history_events", 80, 80}.String())
	require.Equal(t, "bar history_events 81 80 short", bar{"history_events", 81, 80}.String())
	require.False(t, bar{"history_events", 81, 80}.holds())
}

func TestAShareIsRoundedUp(t *testing.T) {
	t.Parallel()
	require.Equal(t, cost{9, 1, 8, 0}, cost{25, 3, 24, 0}.per(3))
	require.Equal(t, cost{events: 1}, cost{events: 1}.per(30), "one event in thirty polls is an event too many")
}

func TestAMeasureThatFailsIsNoSuccess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr, trace bytes.Buffer
	require.Equal(t, 1, run(ctx, &stdout, &stderr, &trace))
	require.Contains(t, stderr.String(), "budget: ")
	require.Empty(t, stdout.String())
}

func TestTheMeterCountsWhatIsBilled(t *testing.T) {
	t.Parallel()
	asks := func(name string) *workflowservice.QueryWorkflowRequest {
		return &workflowservice.QueryWorkflowRequest{Query: &query.WorkflowQuery{QueryType: name}}
	}
	for name, test := range map[string]struct {
		request, reply any
		failure        error
		actions        int
		heartbeats     int64
	}{
		"an attempt":              {reply: &workflowservice.PollActivityTaskQueueResponse{TaskToken: []byte{1}}, actions: 1},
		"a poll that came back":   {reply: &workflowservice.PollActivityTaskQueueResponse{}},
		"eager attempts":          {reply: &workflowservice.RespondWorkflowTaskCompletedResponse{ActivityTasks: make([]*workflowservice.PollActivityTaskQueueResponse, 2)}, actions: 2},
		"a heartbeat":             {reply: &workflowservice.RecordActivityTaskHeartbeatResponse{}, heartbeats: 1},
		"the report's question":   {request: asks(workflows.QueryEvidence), reply: &workflowservice.QueryWorkflowResponse{}, actions: 1},
		"this program's question": {request: asks(workflows.QueryStatus), reply: &workflowservice.QueryWorkflowResponse{}},
		"a call that failed":      {reply: &workflowservice.RecordActivityTaskHeartbeatResponse{}, failure: errors.New("away")},
		"anything else":           {reply: &workflowservice.PollWorkflowTaskQueueResponse{TaskToken: []byte{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m meter
			err := m.count(t.Context(), "", test.request, test.reply, nil, func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
				return test.failure
			})
			require.ErrorIs(t, err, test.failure)
			require.Equal(t, test.actions, m.actions())
			require.Equal(t, test.heartbeats, m.heartbeats.Load())
		})
	}
}
