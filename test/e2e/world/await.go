package world

import (
	"context"
	"testing"
	"time"
)

// Await looks until it sees what is waited for, and fails the test with what it saw last if that takes too long.
func Await[T any](t *testing.T, what string, look func(context.Context) (T, error), good func(T) bool) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var last T
	for {
		seen, err := look(ctx)
		if err == nil && good(seen) {
			return seen
		}
		if err == nil {
			last = seen
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited for: %s\nlast error: %v\nlast seen: %+v", what, err, last)
		}
	}
}
