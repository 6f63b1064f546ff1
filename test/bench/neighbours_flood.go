package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cutover/workflows"
)

const (
	floodEvery   = 5 * time.Millisecond // 200 signals a second
	floodersBusy = 20                   // at once: what a server that answers late is sent
)

// flood sends signals to one organization whose people have not signed in, so that it stays there to be flooded: claims of its account, which are looked
// at, claims of an account that it has not, payloads that mean nothing and names that do not exist.
type flood struct {
	*world

	number        int
	sent, refused atomic.Int64
	first         atomic.Pointer[error] // of the refusals
	began         time.Time
	stop          context.CancelFunc
	ended         sync.WaitGroup
}

func (w *world) startFlood(ctx context.Context, number int) *flood {
	ctx, stop := context.WithCancel(ctx)
	f := &flood{world: w, number: number, began: time.Now(), stop: stop}
	turns := make(chan int, floodersBusy)
	for range floodersBusy {
		f.ended.Go(func() {
			for turn := range turns {
				f.send(ctx, turn)
			}
		})
	}
	f.ended.Go(func() {
		defer close(turns)
		tick := time.NewTicker(floodEvery)
		defer tick.Stop()
		for turn := 0; ; turn++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			select {
			case turns <- turn:
			case <-ctx.Done():
				return
			}
		}
	})
	return f
}

func (f *flood) send(ctx context.Context, turn int) {
	name, payload := workflows.SignalReauthCompleted, any(workflows.ReauthCompleted{Account: accountOf(f.number), By: "customer"})
	switch turn % 4 {
	case 1:
		payload = workflows.ReauthCompleted{Account: fmt.Sprintf("unknown-%d", turn), By: "customer"}
	case 2:
		payload = fmt.Sprintf("nonsense %d", turn)
	case 3:
		name = "reauthenticated"
	}
	err := f.engine.SignalWorkflow(ctx, f.workflowID(f.number), "", name, payload)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		f.refused.Add(1)
		f.first.CompareAndSwap(nil, &err)
	default:
		f.sent.Add(1)
	}
}

// end ends the flood; then the organization's people sign in at last, and the workflow must hear of it and go on as every other.
func (f *flood) end(ctx context.Context) error {
	f.stop()
	f.ended.Wait()
	lasted := time.Since(f.began).Seconds()
	f.bench.say("flood: %d signals in %s s, %s per second, %d refused", f.sent.Load(), number(lasted), number(float64(f.sent.Load())/lasted), f.refused.Load())
	if first := f.first.Load(); first != nil {
		f.bench.say("flood: the first refusal: %v", *first)
	}
	if err := f.reconnect(ctx, f.number); err != nil {
		return err
	}
	return f.tell(ctx, f.number)
}
