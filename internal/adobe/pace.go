package adobe

import (
	"context"
	"fmt"
)

type aheadKey struct{}

// Ahead has requests made with the returned context paced ahead of all others. It is for the few requests between two writes that belong together: both
// dataflows of a pair run, or neither does, until the second one is done, and 200 readings that wait must not make that last for seconds.
func Ahead(ctx context.Context) context.Context { return context.WithValue(ctx, aheadKey{}, true) }

// pace waits for the client's rate limit. The limiter serves whoever asks first, so that of ordinary requests one at a time may ask it.
func (c *Client) pace(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	if ahead, _ := ctx.Value(aheadKey{}).(bool); !ahead {
		select {
		case c.turn <- struct{}{}:
			defer func() { <-c.turn }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := c.limiter.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		// The limiter gives up at once when the deadline would pass, with an error of no type.
		return fmt.Errorf("own rate limit: %w", context.DeadlineExceeded)
	}
	return err
}
