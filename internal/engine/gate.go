package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// A write begins at most answerWithin + knownFor after the server was asked: a stop holds within the second.
const (
	// knownFor is how long an answer is reused, so that the server is asked at most four times a second.
	knownFor = 250 * time.Millisecond
	// answerWithin bounds one question.
	answerWithin = 600 * time.Millisecond
	// askFor bounds how long is asked before nothing passes; a server that is well answers in milliseconds.
	askFor = 2 * time.Second
	// askPause keeps a server that refuses at once from being asked in a loop.
	askPause = 100 * time.Millisecond
)

// GateError says that nothing passes a Gate.
type GateError struct {
	Queue string
	Limit QueueLimit // that stops everything
	Cause error      // why it is not known whether everything is stopped; nil: it is
}

func (e *GateError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("whether writes are stopped is not known, so nothing is written: %v", e.Cause)
	}
	text := "writes are stopped"
	if e.Limit.By != "" {
		text += " by " + e.Limit.By
	}
	if !e.Limit.Since.IsZero() {
		text += " since " + e.Limit.Since.UTC().Format(time.RFC3339)
	}
	if e.Limit.Reason != "" {
		text += ": " + e.Limit.Reason
	}
	return text
}

func (e *GateError) Unwrap() error { return e.Cause }

// Gate has whatever an activity is about to change ask once more whether its queue is stopped: the queue's rate limit holds what has not begun,
// the Gate what has. All who wait share one question, and nobody asks while nothing is changed. It is safe for concurrent use.
type Gate struct {
	queue string
	turn  chan struct{} // held by who asks

	// Written before anything passes.
	server    QueueConfigurer
	namespace string
	log       *zap.Logger

	// Under turn.
	answered time.Time // zero: not yet
	answer   error
	warned   bool
}

// NewGate returns the gate of a queue of activities. Nothing passes before it is Opened.
func NewGate(queue string) *Gate { return &Gate{queue: queue, turn: make(chan struct{}, 1)} }

// Open says which server to ask. It must be called before the workers start.
func (g *Gate) Open(server QueueConfigurer, namespace string, log *zap.Logger) {
	g.server, g.namespace, g.log = server, namespace, log
}

// Pass is nil if a write may begin now. Its errors are *GateError: the queue is stopped, or the server did not say within two seconds. A server that
// refuses to say lets everything pass, with a warning in the log: there the queue's limit alone is the kill switch.
func (g *Gate) Pass(ctx context.Context) error {
	waited, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-waited.Done():
		return &GateError{Queue: g.queue, Cause: fmt.Errorf("wait for the answer about task queue %s: %w", g.queue, waited.Err())}
	}
	if time.Since(g.answered) >= knownFor {
		g.answer = g.ask(ctx)
		g.answered = time.Now()
	}
	return g.answer
}

// ask asks until there is an answer, for two seconds.
func (g *Gate) ask(ctx context.Context) error {
	if g.server == nil {
		return &GateError{Queue: g.queue, Cause: errors.New("there is no connection to Temporal yet")}
	}
	// The end of one activity must not become the answer for all who wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askFor)
	defer cancel()
	for {
		limit, err := g.askOnce(ctx)
		switch {
		case errors.Is(err, ErrNotShown):
			if !g.warned {
				g.warned = true
				g.log.Warn("whether writes are stopped cannot be asked right before each: stopping holds what has not begun alone", zap.Error(err))
			}
			return nil
		case err == nil && limit.Stopped():
			return &GateError{Queue: g.queue, Limit: limit}
		case err == nil:
			return nil
		}
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
			return &GateError{Queue: g.queue, Cause: err}
		}
	}
}

func (g *Gate) askOnce(ctx context.Context) (QueueLimit, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return ReadQueueLimit(ctx, g.server, g.namespace, g.queue)
}
