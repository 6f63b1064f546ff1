package emulator

import (
	"container/heap"
	"time"
)

// clock is the base clock plus an offset that Advance moves.
type clock struct {
	base   func() time.Time
	offset time.Duration
}

func (c *clock) now() time.Time { return c.base().Add(c.offset).UTC() }

// agenda holds what will happen at a later moment, earliest first.
type agenda struct {
	items []appointment
	count int
}

type appointment struct {
	at    time.Time
	order int
	do    func(at time.Time)
}

func (a *agenda) Len() int { return len(a.items) }

func (a *agenda) Less(i, j int) bool {
	if a.items[i].at.Equal(a.items[j].at) {
		return a.items[i].order < a.items[j].order
	}
	return a.items[i].at.Before(a.items[j].at)
}

func (a *agenda) Swap(i, j int) { a.items[i], a.items[j] = a.items[j], a.items[i] }

// Push is for container/heap.
func (a *agenda) Push(x any) {
	if item, ok := x.(appointment); ok {
		a.items = append(a.items, item)
	}
}

// Pop is for container/heap.
func (a *agenda) Pop() any {
	last := len(a.items) - 1
	item := a.items[last]
	a.items[last] = appointment{}
	a.items = a.items[:last]
	return item
}

// plan has do called once the clock has reached at.
func (a *agenda) plan(at time.Time, do func(at time.Time)) {
	a.count++
	heap.Push(a, appointment{at, a.count, do})
}

// catchUp does everything that is due, in order, and calls arrive before each; what it does may plan more.
func (a *agenda) catchUp(now time.Time, arrive func(at time.Time)) {
	for len(a.items) > 0 && !a.items[0].at.After(now) {
		item, ok := heap.Pop(a).(appointment)
		if !ok {
			return
		}
		arrive(item.at)
		item.do(item.at)
	}
}
