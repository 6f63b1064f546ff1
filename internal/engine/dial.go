package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
)

const (
	// connectTimeout bounds one attempt to reach the server.
	connectTimeout = 5 * time.Second
	// The server needs seconds to start, not milliseconds; once it runs, nobody waits longer than maxBackoff to notice.
	minBackoff = 200 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// UnreachableError says that no Temporal server answers.
type UnreachableError struct {
	Address string
	Cause   error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach Temporal at %s: start the server there or set TEMPORAL_ADDRESS (%v)", e.Address, e.Cause)
}

func (e *UnreachableError) Unwrap() error { return e.Cause }

// NamespaceError says that the server runs but lacks the namespace.
type NamespaceError struct{ Address, Namespace string }

func (e *NamespaceError) Error() string {
	return fmt.Sprintf("Temporal at %s has no namespace %q: create it with: temporal operator namespace create --address %s --namespace %s --retention 30d, or set TEMPORAL_NAMESPACE",
		e.Address, e.Namespace, e.Address, e.Namespace)
}

// Connect reaches the server once, within 5 seconds, and makes sure that the namespace exists. Its errors are *UnreachableError,
// *NamespaceError, and those of a server that refuses.
func Connect(ctx context.Context, options client.Options) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	connected, err := client.DialContext(ctx, options)
	if err == nil {
		_, err = connected.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: options.Namespace})
		if err == nil {
			return connected, nil
		}
	}
	var denied *serviceerror.PermissionDenied
	var missing *serviceerror.NamespaceNotFound
	var notFound *serviceerror.NotFound
	switch {
	case connected != nil && errors.As(err, &denied):
		return connected, nil // may use the namespace and not describe it
	case errors.As(err, &missing), errors.As(err, &notFound):
		err = &NamespaceError{Address: options.HostPort, Namespace: options.Namespace}
	case unreachable(err):
		err = &UnreachableError{Address: options.HostPort, Cause: err}
	default:
		err = fmt.Errorf("connect to Temporal at %s, namespace %s: %w", options.HostPort, options.Namespace, err)
	}
	if connected != nil {
		connected.Close()
	}
	return nil, err
}

// unreachable tells whether trying again may help.
func unreachable(err error) bool {
	var unavailable *serviceerror.Unavailable
	var late *serviceerror.DeadlineExceeded
	return errors.As(err, &unavailable) || errors.As(err, &late) || errors.Is(err, context.DeadlineExceeded)
}

// Dial connects and goes on trying, with growing pauses, for as long as the server cannot be reached and ctx lasts. What waiting does not
// mend, such as a missing namespace or a refusal, ends it at once.
func Dial(ctx context.Context, options client.Options, logger *zap.Logger) (client.Client, error) {
	backoff := minBackoff
	for attempt := 1; ; attempt++ {
		connected, err := Connect(ctx, options)
		if err == nil {
			return connected, nil
		}
		var waiting *UnreachableError
		if !errors.As(err, &waiting) || ctx.Err() != nil {
			return nil, err
		}
		pause := backoff/2 + rand.N(backoff/2) //nolint:gosec // jitter, no secret
		logger.Warn("Temporal cannot be reached, trying again",
			zap.String("address", options.HostPort), zap.Int("attempt", attempt), zap.Duration("pause", pause), zap.Error(waiting.Cause))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
		backoff = min(2*backoff, maxBackoff)
	}
}
