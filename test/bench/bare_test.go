package main

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"cutover/internal/engine"
	"cutover/test/stack"
)

// productShape is that of workflows.MigrateOrganization for three dataflows, by the benchmark's playbook: the benchmark compares with the product itself.
func productShape() shape {
	return shape{activities: 11, completed: 9, cancelled: 2, signals: 1, attributes: 4}
}

func TestABareOrganizationHasTheShapeOfARealOne(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server, err := stack.StartTemporal(ctx, stack.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	connected, err := server.Client(ctx)
	require.NoError(t, err)
	t.Cleanup(connected.Close)

	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	env := append(engine.Environment(stack.TemporalEnv(t.TempDir(), server)), "CUTOVER_HEALTH_ADDRESS=127.0.0.1:0")
	go func() { ended <- serveBare(working, env, io.Discard) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })

	b := &bench{out: io.Discard}
	w := &world{temporal: server, engine: connected, bench: b}
	c := w.bareCarrier()
	s := &stream{world: w, carrier: c, last: 3}
	require.NoError(t, s.run(ctx, 2, func(context.Context) error { return nil }))
	for number := range 3 {
		h, err := readHistory(ctx, connected, c.id(number))
		require.NoError(t, err)
		require.Equal(t, productShape(), h.shape)
		require.Positive(t, h.tasks)
	}

	check := &ceiling{tasks: map[string][]float64{}}
	require.NoError(t, check.check(ctx, s, pace{begun: 3}))
	require.Len(t, check.tasks[bareName], 1)
	check.shape.timers++
	require.ErrorContains(t, check.check(ctx, s, pace{begun: 3}), "another shape")
}

func TestAShapeCountsWhatTheEngineIsAskedFor(t *testing.T) {
	t.Parallel()
	var s shape
	for _, kind := range []enumspb.EventType{
		enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED, enumspb.EVENT_TYPE_TIMER_STARTED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
	} {
		s.see(kind)
	}
	require.Equal(t, shape{activities: 2, completed: 1, cancelled: 1, timers: 1, signals: 1, attributes: 1}, s)
}
