package main

import (
	"slices"
	"time"

	"cutover/internal/emulator"
)

// begins is when a call was begun whose entry was written after the vendor's latency.
func begins(e emulator.Entry, latency time.Duration) time.Time { return e.At.Add(-latency) }

// writes tells that a program asked a vendor for a change, whatever the answer.
func writes(e emulator.Entry) bool { return e.Kind == emulator.KindWrite }

// lastWrite is when the last write before an instant was begun; zero if there was none.
func lastWrite(entries []emulator.Entry, before time.Time, latency time.Duration) (last time.Time) {
	for _, e := range entries {
		if at := begins(e, latency); writes(e) && at.Before(before) && at.After(last) {
			last = at
		}
	}
	return last
}

// firstWrite is when the first write from an instant on was begun; zero if there was none.
func firstWrite(entries []emulator.Entry, from time.Time, latency time.Duration) (first time.Time) {
	for _, e := range entries {
		if at := begins(e, latency); writes(e) && !at.Before(from) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// most is how many entries from one instant to another fall into any one second, which may begin at any moment.
func most(entries []emulator.Entry, from, to time.Time) (n int) {
	var times []time.Time
	for _, e := range entries {
		if !e.At.Before(from) && e.At.Before(to) {
			times = append(times, e.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	for first, last := 0, 0; last < len(times); last++ {
		for times[last].Sub(times[first]) >= time.Second {
			first++
		}
		n = max(n, last-first+1)
	}
	return n
}

// between counts the pairs whose copy was enabled and whose old dataflow was not disabled yet at an instant.
func between(entries []emulator.Entry, at time.Time) int {
	on := map[string]bool{}
	for _, e := range entries {
		switch {
		case e.At.After(at):
		case arrives(e):
			on[e.Origin] = true
		case leaves(e):
			delete(on, e.ID)
		}
	}
	return len(on)
}
