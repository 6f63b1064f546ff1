package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cutover/internal/emulator"
	"cutover/test/stack"
)

const (
	ordinaryOrganizations = 50
	largeDataflows        = 500
	hangingDataflows      = 4 // the first is switched alone, and three at once follow
	callsOfPair           = 6 // of a dataflow: both sides read, and each written and read back
	neighbourLatency      = 20 * time.Millisecond
	fastRPS               = 400  // more than the engine asks for here
	leastSpread           = 1.25 // of the others' p99, also where a few runs happen to agree better
	lookAtLedger          = 50 * time.Millisecond
)

// neighbour is who is there beside the ordinary organizations.
type neighbour struct {
	name                 string
	hangs, large, floods bool
}

func neighbourhoods() []neighbour {
	return []neighbour{
		{name: "alone"},
		{name: "hanging", hangs: true},
		{name: "large", large: true},
		{name: "flooding", floods: true},
		{name: "all", hangs: true, large: true, floods: true},
	}
}

// measureNeighbours takes the time from signal to last dataflow switched of 50 organizations of three dataflows that sign in together: alone, beside an
// organization whose vendor does not answer about its dataflows, beside one that is cutting over 500 dataflows, beside one that gets 200 signals a
// second, and beside all three. These neighbours are at it before the others sign in, and until the last of them is done.
//
// A bar is the median over the runs of p99 beside the neighbour by p99 alone, of the same round; its limit is what the p99 alone varies by in this run.
// The worker's rate is ten times the product's, so that it is not the vendor's limit that is measured: whoever has 500 dataflows takes a share of that
// as everybody does. One round at the product's own rate gives figures beside the bars: eight slots for writes, of which the one that hangs holds three.
func measureNeighbours(ctx context.Context, b *bench) error {
	p50, p99 := map[string][]float64{}, map[string][]float64{}
	for run := range b.runs {
		for _, n := range neighbourhoods() {
			took, err := beside(ctx, b, n, fastRPS)
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", n.name, run+1, err)
			}
			p50[n.name], p99[n.name] = append(p50[n.name], median(took)), append(p99[n.name], percentile(took, 99))
		}
	}
	alone := p99["alone"]
	limit := max(leastSpread, slices.Max(alone)/slices.Min(alone))
	for _, n := range neighbourhoods() {
		b.figure(figure{Name: "neighbour_" + n.name + "_p50_s", Unit: "s", Runs: p50[n.name]})
		b.figure(figure{Name: "neighbour_" + n.name + "_p99_s", Unit: "s", Runs: p99[n.name]})
		if n.name == "alone" {
			continue
		}
		ratios := make([]float64, b.runs)
		for run := range ratios {
			ratios[run] = p99[n.name][run] / alone[run]
		}
		name := "neighbour_" + n.name + "_p99_ratio"
		if n.hangs && n.large && n.floods {
			b.figure(figure{Name: name, Runs: ratios}) // each alone has a limit; together they take what the machine has
			continue
		}
		b.bar(bar{Name: name, Limit: limit, Runs: ratios})
	}
	return atProductRate(ctx, b)
}

func atProductRate(ctx context.Context, b *bench) error {
	var alone float64
	for _, n := range neighbourhoods() {
		took, err := beside(ctx, b, n, productRPS)
		if err != nil {
			return fmt.Errorf("%s at %d requests per second: %w", n.name, productRPS, err)
		}
		p99 := percentile(took, 99)
		if n.name == "alone" {
			alone = p99
			b.figure(figure{Name: "neighbour_alone_40rps_p99_s", Unit: "s", Value: p99})
			continue
		}
		b.figure(figure{Name: "neighbour_" + n.name + "_40rps_p99_ratio", Value: p99 / alone})
	}
	return nil
}

// street is one world with its neighbours. The ordinary organizations have the first numbers.
type street struct {
	*world

	with                    neighbour
	ordinary                int
	hanging, large, flooded int // numbers
	line                    *timeline
}

// beside is one run: how long each ordinary organization took from its signal to its last dataflow switched, in seconds.
func beside(ctx context.Context, b *bench, n neighbour, rps float64) (took []float64, err error) {
	s := &street{with: n, ordinary: b.of(ordinaryOrganizations, 5), line: newTimeline()}
	f := fleet{organizations: s.ordinary, latency: neighbourLatency, rps: rps, sized: map[int]int{}}
	if n.hangs {
		s.hanging = f.organizations
		f.sized[s.hanging] = hangingDataflows
		f.organizations++
	}
	if n.large {
		s.large = f.organizations
		f.sized[s.large] = b.of(largeDataflows, 20)
		f.organizations++
	}
	if n.floods {
		s.flooded = f.organizations
		f.organizations++
	}
	if s.world, err = b.newWorld(ctx, f); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.closers.Close()) }()
	if err := s.start(ctx, 0, f.organizations); err != nil {
		return nil, err
	}
	if err := s.untilParked(ctx, f.organizations); err != nil {
		return nil, err
	}
	calm, err := s.disturb(ctx)
	if err != nil {
		return nil, err
	}
	if took, err = s.measure(ctx); err != nil {
		return nil, errors.Join(err, calm(ctx))
	}
	b.say("beside %s at %g requests per second: p50 %s s, p99 %s s", n.name, rps, number(median(took)), number(percentile(took, 99)))
	if err := calm(ctx); err != nil {
		return nil, err
	}
	if err := s.untilMigrated(ctx, f.organizations); err != nil {
		return nil, err
	}
	if err := s.follow(ctx, s.line); err != nil {
		return nil, err
	}
	return took, s.line.switchedOnce(f.pairs())
}

// measure signs all ordinary organizations in, tells, and waits until the last of them is switched.
func (s *street) measure(ctx context.Context) ([]float64, error) {
	if err := each(ctx, 0, s.ordinary, tellAtOnce, s.reconnect); err != nil {
		return nil, err
	}
	told := make([]time.Time, s.ordinary)
	if err := each(ctx, 0, s.ordinary, tellAtOnce, func(ctx context.Context, i int) error {
		told[i] = time.Now()
		return s.tell(ctx, i)
	}); err != nil {
		return nil, err
	}
	took := make([]float64, 0, s.ordinary)
	for i := range s.ordinary {
		done, err := s.untilSwitched(ctx, i, s.flows(i))
		if err != nil {
			return nil, err
		}
		took = append(took, done.Sub(told[i]).Seconds())
	}
	if s.with.large {
		if len(s.line.done(idOf(s.large))) == s.flows(s.large) && !s.bench.small {
			return nil, fmt.Errorf("organization %s was done before the others: it was no neighbour to the end", idOf(s.large))
		}
	}
	return took, nil
}

// untilSwitched waits until n of the organization's dataflows are switched, and tells when the last of them was.
func (s *street) untilSwitched(ctx context.Context, number, n int) (time.Time, error) {
	for {
		if done := s.line.done(idOf(number)); len(done) >= n {
			return done[n-1], nil
		}
		if err := stack.Pause(ctx, lookAtLedger); err != nil {
			return time.Time{}, fmt.Errorf("wait until %d dataflows of organization %s are switched: %w", n, idOf(number), err)
		}
		if err := s.follow(ctx, s.line); err != nil {
			return time.Time{}, err
		}
	}
}

// disturb has the neighbours at it, and returns what lets them end as everybody does.
func (s *street) disturb(ctx context.Context) (calm func(context.Context) error, err error) {
	var fault emulator.Fault
	var flood *flood
	if s.with.hangs {
		if fault, err = s.vendor.AddFault(ctx, emulator.Fault{
			Route: "* /flows/{id}*", Organization: idOf(s.hanging), After: callsOfPair, Effect: emulator.EffectDelay, Delay: s.bench.unanswered(),
		}); err != nil {
			return nil, fmt.Errorf("have the vendor of organization %s hang: %w", idOf(s.hanging), err)
		}
		if err := s.begin(ctx, s.hanging); err != nil {
			return nil, err
		}
	}
	if s.with.large {
		if err := s.begin(ctx, s.large); err != nil {
			return nil, err
		}
	}
	if s.with.floods {
		flood = s.startFlood(ctx, s.flooded)
	}
	var once sync.Once
	return func(ctx context.Context) (err error) {
		once.Do(func() {
			if s.with.hangs {
				err = errors.Join(err, s.vendor.RemoveFault(ctx, fault.ID))
			}
			if flood != nil {
				err = errors.Join(err, flood.end(ctx))
			}
		})
		return err
	}, nil
}

// unanswered is how long a vendor that hangs takes: longer than any client waits, or, where everything is small, than the others need.
func (b *bench) unanswered() time.Duration {
	if b.small {
		return 3 * time.Second
	}
	return 10 * time.Minute
}

// begin signs an organization in, tells, and waits until the first of its dataflows is switched: then several are under way.
func (s *street) begin(ctx context.Context, number int) error {
	if err := s.reconnect(ctx, number); err != nil {
		return err
	}
	if err := s.tell(ctx, number); err != nil {
		return err
	}
	_, err := s.untilSwitched(ctx, number, 1)
	return err
}
