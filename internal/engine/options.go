package engine

import (
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
)

const (
	// stickyCache is how many workflows stay in memory. Replaying a short history costs nothing measurable, while a cache for everything takes
	// 30 KB per workflow: 10,000 of them would fill 300 MB.
	stickyCache = 500

	// garbage may be this many percent of what lives before it is collected: half of Go's default, since a worker waits most of its life.
	garbage = 50

	// StopTimeout is how long a stopping worker lets its activities finish: longer than the few vendor calls of one activity, shorter than the
	// 30 seconds an orchestrator waits by default before it kills.
	StopTimeout = 20 * time.Second

	// workflowTasks bounds workflow tasks at once. They only compute, so more of them than this wait for each other.
	workflowTasks = 100

	// pollers per kind and queue. One poller hands over one task per round trip; five keep up with every rate the vendors allow.
	pollers = 5

	// heartbeatThrottle bounds how long a worker keeps a heartbeat to itself, and so how late an activity learns that it was cancelled.
	heartbeatThrottle = 5 * time.Second

	// buildIDLength is enough for a release or the start of a commit.
	buildIDLength = 12

	// deadlockAfter is the time a workflow task may take without yielding. The default second is too short for a machine that is busy.
	deadlockAfter = 5 * time.Second
)

// ClientOptions reads how to reach Temporal from the variables and the file that Temporal's own tools use: TEMPORAL_ADDRESS,
// TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE (temporal.toml).
func ClientOptions(env Environment, logger *zap.Logger) (client.Options, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: env})
	if err != nil {
		return client.Options{}, fmt.Errorf("read Temporal's client configuration (TEMPORAL_* or temporal.toml): %w", err)
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	if local(options.HostPort) {
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	options.Logger = SDKLogger(logger)
	return options, nil
}

// local tells that the server is on this machine: there compression costs computing on both sides and saves nothing.
func local(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// Identity names this process in Temporal: in the Web UI, among a task queue's pollers, in histories.
func Identity(program string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s@%s:%d", program, host, os.Getpid())
}

// SpareMemory sets the size of the cache that all workers of this process share, and how much garbage may pile up, unless GOGC says so. It works only
// before the first worker is made.
func SpareMemory(env Environment) {
	worker.SetStickyWorkflowCacheSize(stickyCache)
	if env.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// WorkerOptions are the options of a worker that runs at most activities at once. onFatal is called at most once, when the worker gave up.
func WorkerOptions(activities int, onFatal func(error)) worker.Options {
	return worker.Options{
		MaxConcurrentActivityExecutionSize:     activities,
		MaxConcurrentWorkflowTaskExecutionSize: workflowTasks,
		MaxConcurrentActivityTaskPollers:       pollers,
		MaxConcurrentWorkflowTaskPollers:       pollers,
		WorkerStopTimeout:                      StopTimeout,
		MaxHeartbeatThrottleInterval:           heartbeatThrottle,
		DefaultHeartbeatThrottleInterval:       heartbeatThrottle,
		DeadlockDetectionTimeout:               deadlockAfter,
		// Names are part of recorded histories: one name per function, no second one by accident.
		DisableRegistrationAliasing: true,
		OnFatalError:                onFatal,
		// Every task of a history names the build; the default is a checksum of 32 characters that tells nobody anything.
		BuildID: buildID(), //nolint:staticcheck // what replaces it writes more into every history, and is for versioned deployments
	}
}

// buildID is the version, short enough to stand in every event.
func buildID() string {
	version, _, _ := strings.Cut(Version(), " ")
	return version[:min(len(version), buildIDLength)]
}

// GatedWorkerOptions are those of a worker whose task queue's rate limit must hold every activity: it runs activities only, and none eagerly,
// since an eager activity reaches the worker past the queue.
func GatedWorkerOptions(activities int, onFatal func(error)) worker.Options {
	options := WorkerOptions(activities, onFatal)
	options.DisableWorkflowWorker = true
	options.DisableEagerActivities = true
	return options
}
