package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Receipts remembers over which channel a notice was delivered, and when. Many processes may share one.
type Receipts interface {
	// Receipt returns the kept receipt of the key; channel is empty if there is none.
	Receipt(ctx context.Context, key string) (channel string, at time.Time, err error)
	// KeepReceipt keeps the receipt unless there is one, and returns the one that is kept: the first wins.
	KeepReceipt(ctx context.Context, key, channel string, at time.Time) (keptChannel string, keptAt time.Time, err error)
}

const (
	// maxSend is what a channel may take: a slow mail server needs some seconds, a dead one must leave time for the next.
	maxSend = 20 * time.Second
	// keepWithin bounds keeping a receipt, which goes on when the caller gives up: a receipt lost is a notice sent twice.
	keepWithin = 10 * time.Second
	// rest is how long a channel that failed is tried last: long enough to spare a server that is down, short for those who wait for a mail.
	rest = 5 * time.Minute
)

// UndeliveredError says that no channel delivered a notice, and why for each.
type UndeliveredError struct {
	Kind, Organization string
	Faults             []Fault
}

func (e *UndeliveredError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "deliver notice %s of %s: no channel took it", e.Kind, e.Organization)
	separator := ": "
	for _, fault := range e.Faults {
		b.WriteString(separator + fault.Channel + ": " + fault.Why)
		separator = "; "
	}
	if len(e.Faults) == 0 {
		b.WriteString(": none is configured: add one to the channels file")
	}
	return b.String()
}

// Notifier delivers each notice once, over the first channel that takes it. At least once, to be exact: a crash between sending and keeping the
// receipt sends it again, under the same Message-ID or Idempotency-Key.
type Notifier struct {
	organizations, operator []*station

	receipts Receipts
	now      func() time.Time
	keys     keyLock

	mu     sync.Mutex
	unkept map[string]Receipt // sent, but the receipt could not be kept: trying again must not send again
}

// NewNotifier returns a notifier with the channels for people of the organizations and for the operator, each in order of preference. now is
// the clock of receipts.
func NewNotifier(organizations, operator []Channel, receipts Receipts, now func() time.Time) *Notifier {
	return &Notifier{
		organizations: stations(organizations), operator: stations(operator), receipts: receipts, now: now,
		keys: keyLock{held: map[string]chan struct{}{}}, unkept: map[string]Receipt{},
	}
}

// Deliver sends the notice unless its key has a receipt, which is returned then. What kept better channels from delivering comes with the
// receipt. When none delivers, the error is an *UndeliveredError. It wants a minute: ctx's time is shared among the channels.
func (n *Notifier) Deliver(ctx context.Context, notice Notice) (Receipt, error) {
	if notice.Key == "" {
		return Receipt{}, ErrNoKey
	}
	unlock, err := n.keys.lock(ctx, notice.Key)
	if err != nil {
		return Receipt{}, err
	}
	defer unlock()
	receipt, sent := n.sent(notice.Key)
	if !sent {
		kept, at, err := n.receipts.Receipt(ctx, notice.Key)
		if err != nil {
			return Receipt{}, fmt.Errorf("deliver notice %s of %s: look for its receipt: %w", notice.Kind, notice.Organization, err)
		}
		if kept != "" {
			return Receipt{Key: notice.Key, At: at, Channel: kept}, nil
		}
		if receipt, err = n.send(ctx, notice); err != nil {
			return Receipt{}, err
		}
	}
	if err := n.keep(ctx, &receipt); err != nil {
		return Receipt{}, fmt.Errorf("keep the receipt of notice %s of %s, which was delivered: %w", notice.Kind, notice.Organization, err)
	}
	return receipt, nil
}

// send tries one channel after another: those that failed lately come last.
func (n *Notifier) send(ctx context.Context, notice Notice) (Receipt, error) {
	stations := n.organizations
	if len(notice.To) == 0 {
		stations = n.operator
	}
	why := map[*station]string{}
	ordered := order(stations, n.now(), why)
	for i, s := range ordered {
		err := s.try(ctx, notice, len(ordered)-i, n.now)
		if err == nil {
			delete(why, s) // it is well again
		} else {
			why[s] = err.Error()
		}
		if _, partly := errors.AsType[*PartialError](err); err == nil || partly {
			return Receipt{Key: notice.Key, At: n.now().UTC().Round(0), Channel: s.Name(), Faults: faults(stations, why)}, nil
		}
		if ctx.Err() != nil {
			return Receipt{}, ctx.Err() // the caller gave up: that is no fault of the channel
		}
	}
	return Receipt{}, &UndeliveredError{Kind: notice.Kind, Organization: notice.Organization, Faults: faults(stations, why)}
}

// keep keeps the receipt, also when the caller gave up meanwhile, and makes it that of the first delivery.
func (n *Notifier) keep(ctx context.Context, receipt *Receipt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
	defer cancel()
	kept, at, err := n.receipts.KeepReceipt(ctx, receipt.Key, receipt.Channel, receipt.At)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.unkept[receipt.Key] = *receipt
		return err
	}
	delete(n.unkept, receipt.Key)
	receipt.Channel, receipt.At = kept, at
	return nil
}

func (n *Notifier) sent(key string) (Receipt, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	receipt, ok := n.unkept[key]
	return receipt, ok
}

// keyLock lets one at a time work on a key.
type keyLock struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the key is free
}

func (l *keyLock) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		busy, taken := l.held[key]
		if !taken {
			free := make(chan struct{})
			l.held[key] = free
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, key)
				l.mu.Unlock()
				close(free)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
		}
	}
}
