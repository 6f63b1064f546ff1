package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// readyFor is how long an answer about the pollers is reused, so that probes cost the server nothing.
	readyFor = 5 * time.Second
	// readyTimeout keeps a probe shorter than the second or two that orchestrators give it.
	readyTimeout = 900 * time.Millisecond
)

// Health answers whether this process lives and whether its workers get work. Ready is what the server says: it has seen this process poll
// every queue lately. A worker that only believes it polls is not ready.
type Health struct {
	identity string
	queues   []Queue
	now      func() time.Time

	mu      sync.Mutex
	server  QueueDescriber
	state   string // why it cannot be ready whatever the server says; empty when started
	checked time.Time
	reason  string
}

// NewHealth returns the health of a process that polls queues under identity. It is not ready until Started.
func NewHealth(identity string, now func() time.Time, queues ...Queue) *Health {
	return &Health{identity: identity, queues: queues, now: now, state: "connecting to Temporal and starting the workers"}
}

// Started says that the workers run and which server to ask about them.
func (h *Health) Started(server QueueDescriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server, h.state, h.checked = server, "", time.Time{}
}

// Stopping says that the workers take no more work.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = "stopping"
}

// Ready is empty when the workers get work, else the reason why not.
func (h *Health) Ready(ctx context.Context) string {
	h.mu.Lock() // held over the call: probes that come meanwhile share its answer
	defer h.mu.Unlock()
	if h.state != "" {
		return h.state
	}
	if now := h.now(); now.Sub(h.checked) >= readyFor {
		h.reason, h.checked = h.look(ctx, now), now
	}
	return h.reason
}

func (h *Health) look(ctx context.Context, now time.Time) string {
	// One probe's impatience must not become the cached answer of the next ones.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	for _, q := range h.queues {
		identities, err := Pollers(ctx, h.server, q, now)
		if err != nil {
			return fmt.Sprintf("Temporal does not answer: %v", err)
		}
		if !slices.Contains(identities, h.identity) {
			return fmt.Sprintf("Temporal has not seen this worker poll %s lately", q)
		}
	}
	return ""
}

type healthAnswer struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// Handler serves GET /livez, which answers 200 while the process runs, and GET /readyz, which answers 200 when it is ready and else 503 with
// the reason.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, "") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, h.Ready(r.Context())) })
	return mux
}

func answer(w http.ResponseWriter, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if reason != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(healthAnswer{OK: reason == "", Reason: reason}) // whoever asked is gone: nobody to tell
}
