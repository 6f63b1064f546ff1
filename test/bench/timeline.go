package main

import (
	"fmt"
	"slices"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// pairTimes is how long the two sides of one pair stood together, from the vendors' ledger.
type pairTimes struct {
	organization string
	old, copied  string        // states
	overlap      time.Duration // both sides enabled
	gap          time.Duration // the longest stretch with neither side enabled, since one was
	offSince     time.Time     // neither side is enabled since; zero: one is
	last         time.Time     // of what was seen of either side
	done         time.Time     // when the old side was disabled
	enables      int           // of the copy, by a program
	disables     int           // of the old side, by a program
}

// timeline is what the ledger tells of all pairs.
type timeline struct {
	seq    int64
	until  time.Time
	pairs  map[string]*pairTimes // by original
	origin map[string]string     // copy to original
}

func newTimeline() *timeline {
	return &timeline{pairs: map[string]*pairTimes{}, origin: map[string]string{}}
}

// see takes in the next entries of the ledger.
func (t *timeline) see(entries []emulator.Entry) {
	for _, e := range entries {
		t.seq, t.until = e.Seq, e.At
		sets := e.Kind == emulator.KindState || e.Kind == emulator.KindEdit || e.Kind == emulator.KindWrite // a read carries a state too
		if e.Entity != "flow" || !e.Applied || e.After == "" || !sets {
			continue
		}
		original := e.ID
		if e.Origin != "" {
			original = e.Origin
			t.origin[e.ID] = original
		}
		p := t.pairs[original]
		if p == nil {
			p = &pairTimes{organization: e.Organization}
			t.pairs[original] = p
		}
		p.see(e, e.ID == original)
	}
}

func (p *pairTimes) see(e emulator.Entry, isOld bool) {
	on := func(state string) bool { return state == string(migration.Enabled) }
	if on(p.old) && on(p.copied) {
		p.overlap += e.At.Sub(p.last)
	}
	was := on(p.old) || on(p.copied)
	moved := e.Kind == emulator.KindWrite && e.Before != e.After
	if isOld {
		p.old = e.After
		if moved && !on(e.After) {
			p.disables++
			p.done = e.At
		}
	} else {
		p.copied = e.After
		if moved && on(e.After) {
			p.enables++
		}
	}
	switch is := on(p.old) || on(p.copied); {
	case was && !is:
		p.offSince = e.At
	case is && !p.offSince.IsZero():
		p.gap, p.offSince = max(p.gap, e.At.Sub(p.offSince)), time.Time{}
	}
	p.last = e.At
}

// longestGap is the longest time that any pair had neither side enabled; one that lasts counts up to the ledger's last entry.
func (t *timeline) longestGap() time.Duration {
	var longest time.Duration
	for _, p := range t.pairs {
		longest = max(longest, p.gap)
		if !p.offSince.IsZero() {
			longest = max(longest, t.until.Sub(p.offSince), time.Nanosecond) // it is a gap, however soon the ledger ended
		}
	}
	return longest
}

// overlaps are how long both sides of each pair were enabled, in seconds.
func (t *timeline) overlaps() []float64 {
	all := make([]float64, 0, len(t.pairs))
	for _, p := range t.pairs {
		all = append(all, p.overlap.Seconds())
	}
	return all
}

// done is when the organization's dataflows were switched that are, the first one first.
func (t *timeline) done(organization string) []time.Time {
	var all []time.Time
	for _, p := range t.pairs {
		if p.organization == organization && !p.done.IsZero() {
			all = append(all, p.done)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// switchedOnce is an error unless each of n dataflows was switched, once.
func (t *timeline) switchedOnce(n int) error {
	if len(t.pairs) != n {
		return fmt.Errorf("the ledger knows %d pairs instead of %d", len(t.pairs), n)
	}
	for original, p := range t.pairs {
		if p.enables != 1 || p.disables != 1 || p.copied != string(migration.Enabled) || p.old != string(migration.Disabled) {
			return fmt.Errorf("organization %s: dataflow %s is %s and its copy %s, after %d writes that enabled the copy and %d that disabled the old one",
				p.organization, original, p.old, p.copied, p.enables, p.disables)
		}
	}
	return nil
}
