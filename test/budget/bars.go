package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"cutover/internal/migration"
	"cutover/test/stack"
)

// What the work is measured by, three dataflows switched at once. The minimum of vendor calls is derived in docs/benchmarks.md; two more are Adobe's test
// of the account, a probe the API offers and does not need, and the new card's accounts in the fresh look.
const (
	dataflows    = 3
	callsPerPair = 8
	minimumCalls = 1 + 1 + 4 + 1 + 2 + dataflows*callsPerPair + 1

	maxEvents = 80
	maxKiB    = 16
	maxCalls  = minimumCalls + 2
	// The start and the signal (2), search attributes (4), one attempt at each activity (11: assess, two notices of which one is not due yet, await, check,
	// plan, three switches, runs, report), the report's question to its own workflow (1); and one more, for search attributes that are set twice where two
	// things come at once.
	maxActions = 2 + 4 + 11 + 1 + 1
)

// The same for the playbook as it is: flow runs of the old dataflows are read once more, for the plan, since copies are measured by them; the first
// pair is verified alone, which takes one more list of flow runs; and then everything is watched until the operator moves the shutdown near, by an
// update. The limits of events and bytes are the most of five runs, and two events: what differs is which of two things at once comes first.
const (
	maxFullEvents = 109
	maxFullKiB    = 27
	maxFullCalls  = maxCalls + 1 + 1
	// As above, with the update; a timer for the end of the sign-in at each of four waits; four search attributes more; and four attempts more: the second
	// look at flow runs, the watch, the watch that the update begins anew, and its last look.
	maxFullActions = 3 + 8 + 4 + 15 + 1 + 1
)

// What is added by each further dataflow, poll of an account, and reminder. A poll is one read of the account and one attempt; that attempt is all that
// a day of waiting costs, as often as the playbook looks.
const (
	maxDataflowEvents  = 8
	maxDataflowCalls   = callsPerPair + 1 // a day has 24 runs of an old dataflow, and a page of the list holds 100
	maxDataflowActions = 1
	maxPollEvents      = 0
	maxPollCalls       = 1
	maxPollActions     = 1
	maxReminderEvents  = 8
	maxReminderActions = 2
)

// bar is a limit that a measure must not exceed.
type bar struct {
	name            string
	measured, limit int
}

func (b bar) holds() bool { return b.measured <= b.limit }

func (b bar) String() string {
	verdict := "ok"
	if !b.holds() {
		verdict = "short"
	}
	return fmt.Sprintf("bar %s %d %d %s", b.name, b.measured, b.limit, verdict)
}

// measureAll measures everything. With an error come the bars that were measured before it.
func measureAll(ctx context.Context, trace io.Writer) ([]bar, error) {
	p, err := stack.Playbook()
	if err != nil {
		return nil, err
	}
	bare := stack.PlainWork(p)
	three, err := migrate(ctx, bare, dataflows, trace)
	if err != nil {
		return nil, err
	}
	bars := three.bars("", cost{maxEvents, maxKiB << 10, maxCalls, maxActions})
	full, err := migrate(ctx, p, dataflows, trace)
	if err != nil {
		return bars, err
	}
	bars = append(bars, full.bars("full_", cost{maxFullEvents, maxFullKiB << 10, maxFullCalls, maxFullActions})...)
	six, err := migrate(ctx, bare, 2*dataflows, trace)
	if err != nil {
		return bars, err
	}
	further := six.less(three).per(dataflows)
	bars = append(bars,
		bar{"dataflow_events", further.events, maxDataflowEvents},
		bar{"dataflow_calls", further.calls, maxDataflowCalls},
		bar{"dataflow_actions", further.actions, maxDataflowActions},
	)
	parked, poll, err := pollMany(ctx, bare)
	if err != nil {
		return bars, err
	}
	day := migration.Duration(24 * time.Hour)
	perDay := int((day + p.Reauthentication.Poll - 1) / p.Reauthentication.Poll)
	bars = append(bars,
		bar{"poll_events", poll.events, maxPollEvents},
		bar{"poll_calls", poll.calls, maxPollCalls},
		bar{"poll_actions", poll.actions, maxPollActions},
		bar{"parked_day_actions", perDay * poll.actions, perDay * maxPollActions},
	)
	reminded, err := remind(ctx, bare, trace)
	if err != nil {
		return bars, err
	}
	reminder := reminded.less(parked).per(reminders)
	return append(bars,
		bar{"reminder_events", reminder.events, maxReminderEvents},
		bar{"reminder_actions", reminder.actions, maxReminderActions},
	), nil
}

// cost is what something takes.
type cost struct {
	events, bytes int // of history
	calls         int // at the vendors
	actions       int // as Temporal Cloud bills them
}

func (c cost) bars(prefix string, limit cost) []bar {
	return []bar{
		{prefix + "history_events", c.events, limit.events},
		{prefix + "history_kib", kib(c.bytes), kib(limit.bytes)},
		{prefix + "vendor_calls", c.calls, limit.calls},
		{prefix + "actions", c.actions, limit.actions},
	}
}

func (c cost) less(d cost) cost {
	return cost{c.events - d.events, c.bytes - d.bytes, c.calls - d.calls, c.actions - d.actions}
}

// per is the share of each of n, rounded up: a bar is not kept by a fraction.
func (c cost) per(n int) cost {
	up := func(total int) int { return (total + n - 1) / n }
	return cost{up(c.events), up(c.bytes), up(c.calls), up(c.actions)}
}

func kib(bytes int) int { return (bytes + 1023) / 1024 }
