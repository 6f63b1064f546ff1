package emulator

import (
	"sort"
	"time"
)

// timeline remembers what a value was at every moment, so that flow runs can be computed for the past.
type timeline[T any] struct {
	points []point[T]
}

type point[T any] struct {
	at    time.Time
	value T
}

// set appends a value that holds from at on. Moments never go backwards.
func (t *timeline[T]) set(at time.Time, value T) {
	t.points = append(t.points, point[T]{at, value})
}

// now is the latest value.
func (t *timeline[T]) now() T {
	if len(t.points) == 0 {
		var zero T
		return zero
	}
	return t.points[len(t.points)-1].value
}

// at is the value that held at the moment, and false before the first one.
func (t *timeline[T]) at(moment time.Time) (T, bool) {
	i := sort.Search(len(t.points), func(i int) bool { return t.points[i].at.After(moment) })
	if i == 0 {
		var zero T
		return zero, false
	}
	return t.points[i-1].value, true
}

// spans lists, oldest first, the stretches during which the value satisfied holds; the last may be open (zero end).
func (t *timeline[T]) spans(holds func(T) bool) []span {
	var spans []span
	open := false
	for _, p := range t.points {
		switch {
		case holds(p.value) && !open:
			spans, open = append(spans, span{from: p.at}), true
		case !holds(p.value) && open:
			spans[len(spans)-1].to, open = p.at, false
		}
	}
	return spans
}

// span is a stretch of time; a zero end means it still lasts.
type span struct {
	from, to time.Time
}
