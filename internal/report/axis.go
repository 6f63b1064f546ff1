package report

import (
	"slices"
	"time"
)

// maxTicks keeps their labels apart.
const maxTicks = 9

const day = 24 * time.Hour

// steps are the distances between ticks that people read without reckoning; longer ones are counted in months.
var (
	steps = []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day,
	}
	months = []int{1, 2, 3, 4, 6, 12, 24, 60, 120}
)

// ticks are moments on the axis, at round times.
func (s scale) ticks() (ticks []tick) {
	first, next := s.round()
	for t := first; t.Before(s.to); t = next(t) {
		label := s.label(t)
		ticks = append(ticks, tick{X: s.x(t), LabelX: min(s.x(t), width-wide(label)/2-1), Label: label})
	}
	return ticks
}

// round is the first round time after the scale's begin, and how the next one is found.
func (s scale) round() (first time.Time, next func(time.Time) time.Time) {
	span := s.to.Sub(s.from)
	fits := func(step time.Duration) bool { return span/step < maxTicks }
	if i := slices.IndexFunc(steps, fits); i >= 0 {
		return s.from.Truncate(steps[i]).Add(steps[i]), func(t time.Time) time.Time { return t.Add(steps[i]) }
	}
	n := months[len(months)-1]
	if i := slices.IndexFunc(months, func(n int) bool { return fits(time.Duration(n) * 30 * day) }); i >= 0 {
		n = months[i]
	}
	begun := (s.from.Year()*12 + int(s.from.Month()) - 1) / n * n // months before the first one
	return time.Date(0, time.Month(begun+n+1), 1, 0, 0, 0, 0, time.UTC), func(t time.Time) time.Time { return t.AddDate(0, n, 0) }
}
