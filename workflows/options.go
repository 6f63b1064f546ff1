package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"cutover/activities"
	"cutover/internal/migration"
)

// Bounds, each with its reason.
const (
	// A worker that died is noticed after this; activities.keepAlive beats every two seconds.
	heartbeat = 10 * time.Second
	// One attempt at a listing: 100 pages at three seconds each.
	readAttempt = 5 * time.Minute
	// A vendor that is down all night is back in the morning; after that a person is told.
	readPatience = 12 * time.Hour
	// One attempt at a pair: six calls of at most 30 seconds, and 30 seconds for the sides to settle.
	switchAttempt = 4 * time.Minute
	// Long enough for a Retry-After of an hour; then what happened meanwhile is seen to, and the pair is tried again (migration.State.Unanswered).
	switchPatience = 65 * time.Minute
	// Three calls and what the vendors make of them. Whoever could sign in is not asked meanwhile, also while writes are stopped.
	renewPatience = 15 * time.Minute
	// Somebody waits for the answer to a claim; polling goes on where this ends.
	checkPatience = 10 * time.Minute
	// Notices and reports go to disks and mail servers, which come back within this or need a person.
	tellAttempt  = time.Minute
	tellPatience = time.Hour
	// starter plan waits for this; a person sits in front of it.
	planTimeout = 2 * time.Minute
	// Attempts: two years of looking once a minute. At a server zero is no bound, in the SDK's test environment it is ten.
	unbounded = 1 << 20
)

// eager first, then patient: most faults pass in seconds, and a vendor that is down must not be hammered.
func backoff() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute, MaximumAttempts: unbounded}
}

// reading is for activities that read at a vendor and change nothing.
func reading(ctx workflow.Context, summary string, patience time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary: summary, StartToCloseTimeout: readAttempt, ScheduleToCloseTimeout: patience, HeartbeatTimeout: heartbeat, RetryPolicy: backoff(),
	})
}

// switching is for carrying a pair over: on the queue that the kill switch stops.
func switching(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: WritesTaskQueue, Summary: summary, StartToCloseTimeout: switchAttempt, ScheduleToCloseTimeout: switchPatience,
		HeartbeatTimeout: heartbeat, RetryPolicy: backoff(), DisableEagerExecution: true,
	})
}

// renewing is for signing in by a grant: it changes an account at the vendor, so that the kill switch stops it too.
func renewing(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: WritesTaskQueue, Summary: summary, StartToCloseTimeout: switchAttempt, ScheduleToCloseTimeout: renewPatience,
		HeartbeatTimeout: heartbeat, RetryPolicy: backoff(), DisableEagerExecution: true,
	})
}

// telling is for notices and reports.
func telling(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary: summary, StartToCloseTimeout: tellAttempt, ScheduleToCloseTimeout: tellPatience, HeartbeatTimeout: heartbeat, RetryPolicy: backoff(),
	})
}

// waiting is for activities whose retry interval is how often they look. They have no other bound than their cancellation: people take weeks,
// and retries write no history.
func waiting(ctx workflow.Context, summary string, every migration.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary: summary, StartToCloseTimeout: readAttempt, HeartbeatTimeout: heartbeat,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: every.Std(), BackoffCoefficient: 1, MaximumAttempts: unbounded},
	})
}

// due is for a notice that waits for its time: its first attempt learns when that is, its last one delivers.
func due(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Summary: summary, StartToCloseTimeout: tellAttempt, HeartbeatTimeout: heartbeat, RetryPolicy: backoff(),
	})
}

// The methods of the zero value name the activities; the worker registers the real ones under the same names.
var do *activities.Activities

// acting returns when an activity must not be cut short: it goes on although the workflow was cancelled.
func acting(ctx workflow.Context) (workflow.Context, workflow.CancelFunc) {
	return workflow.NewDisconnectedContext(ctx)
}
