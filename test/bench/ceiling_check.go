package main

import (
	"context"
	"fmt"
	"maps"

	"cutover/workflows"
)

// ceiling is what was measured in all rounds.
type ceiling struct {
	shape shape  // of every organization, of whichever kind
	of    string // the first that was seen; empty: none was
	tasks map[string][]float64
	runs  map[string][]float64
}

// check reads the histories of everything that a stream began, all of which has ended: they have the same shape as all others.
func (c *ceiling) check(ctx context.Context, s *stream, p pace) error {
	histories := make([]recorded, p.begun)
	err := each(ctx, 0, p.begun, startersAtOnce, func(ctx context.Context, i int) (err error) {
		histories[i], err = readHistory(ctx, s.engine, s.id(s.first+i))
		return err
	})
	if err != nil {
		return err
	}
	tasks := 0
	for i, h := range histories {
		id := s.id(s.first + i)
		if c.of == "" {
			c.shape, c.of = h.shape, id
		}
		if h.shape != c.shape {
			return fmt.Errorf("%s has another shape than %s: %s instead of %s", id, c.of, h.shape, c.shape)
		}
		tasks += h.tasks
	}
	c.tasks[s.workflow] = append(c.tasks[s.workflow], float64(tasks)/float64(p.begun))
	if s.workflow == bareName {
		return nil
	}
	return s.switched(ctx, p.begun)
}

// switched asks the ledger whether each dataflow of what was begun was switched once.
func (s *stream) switched(ctx context.Context, begun int) error {
	t := newTimeline()
	if err := s.follow(ctx, t); err != nil {
		return err
	}
	theirs, pairs := map[string]bool{}, 0
	for number := s.first; number < s.first+begun; number++ {
		theirs[idOf(number)] = true
		pairs += s.flows(number)
	}
	maps.DeleteFunc(t.pairs, func(_ string, p *pairTimes) bool { return !theirs[p.organization] })
	return t.switchedOnce(pairs)
}

// add takes one round.
func (c *ceiling) add(product, bare pace) {
	share := product.vendor.Seconds() / (product.worker + product.server + product.vendor + product.itself).Seconds()
	for name, v := range map[string]float64{
		"ceiling_ratio":             product.perSecond() / bare.perSecond(),
		"worker_cpu_ratio":          product.each(product.worker) / bare.each(bare.worker),
		"ceiling_organizations":     product.perSecond(),
		"ceiling_bare":              bare.perSecond(),
		"ceiling_vendor_cpu_share":  share,
		"ceiling_server_cpu_ratio":  product.each(product.server) / bare.each(bare.server),
		"ceiling_worker_cpu_ms":     product.each(product.worker),
		"ceiling_bare_worker_ms":    bare.each(bare.worker),
		"ceiling_server_cpu_ms":     product.each(product.server),
		"ceiling_bare_server_ms":    bare.each(bare.server),
		"ceiling_vendor_cpu_ms":     product.each(product.vendor),
		"ceiling_beside_vendor_cpu": product.perSecond() / bare.perSecond() / (1 - share),
	} {
		c.runs[name] = append(c.runs[name], v)
	}
}

func (c *ceiling) report(b *bench) {
	b.say("shape of every organization: %s", c.shape)
	b.bar(bar{Name: "ceiling_ratio", Limit: 0.8, AtLeast: true, Runs: c.runs["ceiling_ratio"]})
	b.bar(bar{Name: "worker_cpu_ratio", Limit: 2.5, Runs: c.runs["worker_cpu_ratio"]})
	for _, f := range []figure{
		{Name: "ceiling_organizations", Unit: "per second"},
		{Name: "ceiling_bare", Unit: "per second"},
		{Name: "ceiling_vendor_cpu_share", Unit: "of all that computed"},
		{Name: "ceiling_beside_vendor_cpu", Unit: "of bare, had the vendors taken no time"},
		{Name: "ceiling_server_cpu_ratio", Unit: "of bare"},
		{Name: "ceiling_server_cpu_ms", Unit: "ms per organization"},
		{Name: "ceiling_bare_server_ms", Unit: "ms per organization"},
		{Name: "ceiling_worker_cpu_ms", Unit: "ms per organization"},
		{Name: "ceiling_bare_worker_ms", Unit: "ms per organization"},
		{Name: "ceiling_vendor_cpu_ms", Unit: "ms per organization"},
	} {
		f.Runs = c.runs[f.Name]
		b.figure(f)
	}
	b.figure(figure{Name: "ceiling_workflow_tasks", Unit: "per organization", Runs: c.tasks[workflows.MigrateOrganizationName]})
	b.figure(figure{Name: "ceiling_bare_workflow_tasks", Unit: "per organization", Runs: c.tasks[bareName]})
}
