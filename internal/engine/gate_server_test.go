package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// What is set is what the next gate to ask sees, and a release leaves nothing behind.
func TestQueueLimitAtAServer(t *testing.T) {
	t.Parallel()
	address, ok := devServer(t)
	if !ok {
		return
	}
	options, err := ClientOptions(Environment{noFile, "TEMPORAL_ADDRESS=" + address}, zap.NewNop())
	require.NoError(t, err)
	connected, err := Dial(t.Context(), options, zap.NewNop())
	require.NoError(t, err)
	defer connected.Close()
	server := connected.WorkflowService()
	gate := func() *Gate {
		g := NewGate("gated")
		g.Open(server, "default", zap.NewNop())
		return g
	}

	limit, err := ReadQueueLimit(t.Context(), server, "default", "gated")
	require.NoError(t, err)
	require.Equal(t, QueueLimit{}, limit)
	require.NoError(t, gate().Pass(t.Context()))

	began := time.Now()
	limit, err = SetQueueLimit(t.Context(), server, "default", "gated", QueueLimit{Set: true, Reason: "audit", By: "operator"})
	require.NoError(t, err)
	require.True(t, limit.Stopped())
	require.Equal(t, []string{"audit", "operator"}, []string{limit.Reason, limit.By})
	require.WithinDuration(t, began, limit.Since, time.Minute)
	require.EqualError(t, gate().Pass(t.Context()), (&GateError{Limit: limit}).Error(), "at once")
	again, err := ReadQueueLimit(t.Context(), server, "default", "gated")
	require.NoError(t, err)
	require.Equal(t, limit, again)

	limit, err = SetQueueLimit(t.Context(), server, "default", "gated", QueueLimit{By: "operator", Reason: "released"})
	require.NoError(t, err)
	require.Equal(t, QueueLimit{}, limit)
	require.NoError(t, gate().Pass(t.Context()))
}
