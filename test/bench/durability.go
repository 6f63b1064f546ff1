package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/test/stack"
)

const (
	durableOrganizations = 200
	vendorLimit          = 50 // requests per second, of all together
	belowLimit           = 49 // what either program asks for at most
	allowedCalls         = 2  // more of either than of the other, per organization
)

// measureDurability has 200 organizations of three dataflows carried over within a vendor's limit of 50 requests per second, by the product and by a
// plain program that makes the same calls in the same order and verifies the same, and of which a crash would leave nothing but what the vendor knows.
// People sign in as soon as the program waits for them. The time is that from the first start to the end of the last. Of the product that has starting the
// workflows in it, and the questions by which this program learns who waits and when all are done; of the plain one neither.
//
// Each runs alone, one after the other, on vendors of its own. The limited round is made once: it takes two and a half minutes per program whatever the
// machine does, since the rate dominates. Without a limit it is made as often as everything else.
func measureDurability(ctx context.Context, b *bench) error {
	n := b.of(durableOrganizations, 10)
	limited := fleet{organizations: n, limit: vendorLimit, rps: belowLimit, reads: true}
	product, plainly, err := b.bothWays(ctx, limited)
	if err != nil {
		return fmt.Errorf("with the vendor's limit: %w", err)
	}
	b.bar(bar{Name: "durability_tax", Measured: product.took.Seconds() / plainly.took.Seconds(), Limit: 1.1})
	b.bar(bar{Name: "vendor_refused", Measured: float64(product.refused), Limit: 0, Unit: "requests"}) // of all, also while warming up
	b.figure(figure{Name: "durability_product_s", Value: product.took.Seconds(), Unit: "s"})
	b.figure(figure{Name: "durability_plain_s", Value: plainly.took.Seconds(), Unit: "s"})
	b.figure(figure{Name: "durability_rate", Value: float64(product.total()) / product.took.Seconds(), Unit: "requests per second"})
	b.figure(figure{Name: "durability_plain_rate", Value: float64(plainly.total()) / plainly.took.Seconds(), Unit: "requests per second"})
	b.figure(figure{Name: "durability_calls", Value: float64(product.total()) / float64(n), Unit: "per organization"})
	b.figure(figure{Name: "durability_plain_calls", Value: float64(plainly.total()) / float64(n), Unit: "per organization"})
	var tax, products, plains []float64
	for run := range b.runs {
		product, plainly, err := b.bothWays(ctx, fleet{organizations: n, reads: true})
		if err != nil {
			return fmt.Errorf("without a limit, run %d: %w", run+1, err)
		}
		products, plains = append(products, product.took.Seconds()), append(plains, plainly.took.Seconds())
		tax = append(tax, product.took.Seconds()/plainly.took.Seconds())
	}
	b.figure(figure{Name: "durability_tax_unlimited", Runs: tax})
	b.figure(figure{Name: "durability_product_unlimited_s", Unit: "s", Runs: products})
	b.figure(figure{Name: "durability_plain_unlimited_s", Unit: "s", Runs: plains})
	return nil
}

// carriage is how carrying everybody over went.
type carriage struct {
	took    time.Duration
	calls   map[string]int // what was asked of the vendors, by kind
	refused int            // by the vendors' rate
}

func (c carriage) total() int {
	sum := 0
	for _, n := range c.calls {
		sum += n
	}
	return sum
}

// bothWays carries the fleet over by the product and by the plain program, which must have made the same calls.
func (b *bench) bothWays(ctx context.Context, f fleet) (product, plainly carriage, err error) {
	if product, err = b.carryDurably(ctx, f); err != nil {
		return product, plainly, fmt.Errorf("the product: %w", err)
	}
	b.say("the product took %s s for %d calls", number(product.took.Seconds()), product.total())
	if plainly, err = b.carryPlainly(ctx, f); err != nil {
		return product, plainly, fmt.Errorf("the plain program: %w", err)
	}
	b.say("the plain program took %s s for %d calls", number(plainly.took.Seconds()), plainly.total())
	return product, plainly, sameCalls(product.calls, plainly.calls, f.organizations)
}

// sameCalls is an error unless both made the same calls, but for a few per organization.
func sameCalls(product, plainly map[string]int, organizations int) error {
	apart := 0
	for _, kind := range slices.Sorted(maps.Keys(product)) {
		apart += max(product[kind]-plainly[kind], plainly[kind]-product[kind])
	}
	for kind, n := range plainly {
		if _, is := product[kind]; !is {
			apart += n
		}
	}
	if apart > allowedCalls*organizations {
		return fmt.Errorf("not the same work: %d calls apart, of %d organizations: the product made %v and the plain program %v", apart, organizations, product, plainly)
	}
	return nil
}

func (b *bench) carryDurably(ctx context.Context, f fleet) (c carriage, err error) {
	w, err := b.newWorld(ctx, f)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	s := &stream{world: w, carrier: w.productCarrier(), last: f.organizations}
	began := time.Now()
	if err := s.run(ctx, f.organizations, func(context.Context) error { return nil }); err != nil {
		return c, err
	}
	c.took = time.Since(began)
	err = c.judge(ctx, w)
	return c, err
}

// carryPlainly runs the plain program in this process, on vendors of its own.
func (b *bench) carryPlainly(ctx context.Context, f fleet) (c carriage, err error) {
	w, err := b.newVendors(ctx, f)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, w.closers.Close()) }()
	p, err := newPlainProgram(w)
	if err != nil {
		return c, err
	}
	began := time.Now()
	if err := each(ctx, 0, f.organizations, f.organizations, p.carry); err != nil {
		return c, err
	}
	c.took = time.Since(began)
	err = c.judge(ctx, w)
	return c, err
}

// newVendors are the vendors of a fleet alone.
func (b *bench) newVendors(ctx context.Context, f fleet) (w *world, err error) {
	b.worlds++
	w = &world{fleet: f, bench: b, dir: filepath.Join(b.dir, fmt.Sprintf("world-%02d", b.worlds))}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if w.playbook, err = plain(); err != nil {
		return nil, err
	}
	scenario, _ := w.scenario()
	file, err := stack.WriteScenario(w.dir, scenario)
	if err != nil {
		return nil, err
	}
	if w.vendor, err = stack.StartVendor(ctx, b.binaries.Emulator, w.dir, file, 1); err != nil {
		return nil, err
	}
	w.closers.Add(w.vendor.Stop)
	return w, nil
}

// judge makes sure that each dataflow was switched once, and counts what was asked.
func (c *carriage) judge(ctx context.Context, w *world) error {
	entries, err := w.vendor.Ledger(ctx, 0)
	if err != nil {
		return fmt.Errorf("read the vendors' ledger: %w", err)
	}
	t := newTimeline()
	t.see(entries)
	c.calls, c.refused = callsOf(entries)
	return t.switchedOnce(w.pairs())
}

// tooMany is the status of what a vendor's rate refuses.
const tooMany = 429

// callsOf counts requests by kind, and those that were refused by the rate.
func callsOf(entries []emulator.Entry) (calls map[string]int, refused int) {
	calls = map[string]int{}
	for _, e := range entries {
		switch {
		case e.Status == tooMany:
			refused++
		case e.Kind == emulator.KindToken, e.Kind == emulator.KindRead, e.Kind == emulator.KindList, e.Kind == emulator.KindWrite, e.Kind == emulator.KindRefused:
			calls[strings.Join(strings.Fields(e.Kind+" "+e.Entity+" "+e.Op), " ")]++
		}
	}
	return calls, refused
}
