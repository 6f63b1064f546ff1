package notify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// station is a channel and how it fared lately, as this process knows.
type station struct {
	Channel

	mu    sync.Mutex
	until time.Time // it rests
	why   string
}

func stations(channels []Channel) []*station {
	all := make([]*station, len(channels))
	for i, c := range channels {
		all[i] = &station{Channel: c}
	}
	return all
}

// order puts those that rest behind the others and says why they do.
func order(all []*station, now time.Time, why map[*station]string) []*station {
	ordered := slices.Clone(all)
	for _, s := range all {
		if text := s.resting(now); text != "" {
			why[s] = "failed lately and is left alone for some minutes: " + text
		}
	}
	slices.SortStableFunc(ordered, func(a, b *station) int { return min(len(why[a]), 1) - min(len(why[b]), 1) })
	return ordered
}

// faults are the whys in the order of preference.
func faults(all []*station, why map[*station]string) []Fault {
	var list []Fault
	for _, s := range all {
		if text, ok := why[s]; ok {
			list = append(list, Fault{Channel: s.Name(), Why: text})
		}
	}
	return list
}

func (s *station) resting(now time.Time) (why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.until) {
		return s.why
	}
	return ""
}

// try sends within its share of the time; left is how many channels share what remains, this one included. One share stays for the receipt.
func (s *station) try(ctx context.Context, n Notice, left int, now func() time.Time) error {
	share := maxSend
	if deadline, ok := ctx.Deadline(); ok {
		share = min(share, time.Until(deadline)/time.Duration(left+1))
	}
	within, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	err := s.Send(within, n)
	if ctx.Err() == nil {
		s.note(err, now())
	}
	return err
}

// note lets the channel rest if it is down. A notice that it refused says nothing of the next one.
func (s *station) note(err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := errors.AsType[*failure](err)
	switch {
	case ok && f.down, errors.Is(err, context.DeadlineExceeded):
		s.until, s.why = now.Add(rest), err.Error()
	case err == nil:
		s.until = time.Time{}
	}
}
