package activities

import (
	"context"
	"slices"
	"time"

	"cutover/internal/migration"
)

// AssessInput asks for the first look at an organization.
type AssessInput struct {
	Who       Who       `json:"who"`
	Cards     Cards     `json:"cards"`
	Playbook  string    `json:"playbook"` // its name
	Available time.Time `json:"available"`
}

// PlanInput asks for a plan. It has no more of a playbook than a plan depends on.
type PlanInput struct {
	Who      Who    `json:"who"`
	Cards    Cards  `json:"cards"`
	Playbook string `json:"playbook"` // its name
	migration.Terms
	Known    []string `json:"known,omitempty"`    // accounts that need no introduction in the plan
	Measured bool     `json:"measured,omitempty"` // the old dataflows' runs are kept, for their copies to be judged by
	Partner  bool     `json:"partner,omitempty"`  // so are the audiences at the destination
}

// Cards are the card that goes and the one that replaces it.
type Cards struct {
	Old migration.Card `json:"old"`
	New migration.Card `json:"new"`
}

// Assess reads the organization, keeps what it read as the base for later changes, and decides whether it is affected and why. What was kept by an
// earlier first look stays, so that an organization that is started again, or comes late, is measured by what it was. It changes nothing at the
// vendor.
func (a *Activities) Assess(ctx context.Context, in AssessInput) (migration.Assessment, error) {
	defer keepAlive(ctx)()
	earlier, err := a.base(ctx, in.Playbook, in.Who.ID)
	if err != nil {
		return migration.Assessment{}, mapError(ctx, "read the base snapshot", err)
	}
	s, found, err := a.snapshot(ctx, in.Who, in.Cards, earlier)
	if err != nil {
		return migration.Assessment{}, mapError(ctx, "assess", err)
	}
	assessment := migration.Assess(s.WithGone(earlier), in.Cards.Old, in.Available)
	if !assessment.Affected {
		return assessment, nil
	}
	base := migration.Base{Snapshot: s, OldCard: found.old, NewCard: found.new}
	if base.Baselines, err = a.baselines(ctx, in.Who, s.Old); err != nil {
		return assessment, mapError(ctx, "read the old dataflows' runs", err)
	}
	if earlier != nil {
		base = earlier.Merge(base)
	}
	// Lists of audiences are long, and a history is not the place for them.
	return assessment, mapError(ctx, "keep the base snapshot", a.put(ctx, in.Playbook, in.Who.ID, baseFile, base))
}

// Plan reads the organization afresh and makes the plan. It changes nothing at the vendor.
func (a *Activities) Plan(ctx context.Context, in PlanInput) (migration.Plan, error) {
	defer keepAlive(ctx)()
	base, err := a.base(ctx, in.Playbook, in.Who.ID)
	if err != nil {
		return migration.Plan{}, mapError(ctx, "read the base snapshot", err)
	}
	s, _, err := a.snapshot(ctx, in.Who, in.Cards, base)
	if err != nil {
		return migration.Plan{}, mapError(ctx, "plan", err)
	}
	plan := migration.MakePlan(s, base, in.Terms)
	if in.NoWayBack != migration.Ignore && !in.Late {
		failing, err := a.probeWayBack(ctx, in.Who, plan, &s)
		if err != nil {
			return plan, mapError(ctx, "test the old dataflows' accounts", err)
		}
		if failing {
			plan = migration.MakePlan(s, base, in.Terms)
		}
	}
	plan.Accounts = slices.DeleteFunc(plan.Accounts, func(a migration.Account) bool { return slices.Contains(in.Known, a.ID) })
	if in.Measured || in.Partner {
		err = a.measure(ctx, in, s, base, plan)
	}
	return plan, mapError(ctx, "keep the old dataflows' baselines", err)
}

// measure keeps what the old dataflows of a plan deliver just before they are switched, by copy, and how the copies' audiences stand at the
// destination. One that delivers no more is measured by what it did when it was first seen.
func (a *Activities) measure(ctx context.Context, in PlanInput, s migration.Snapshot, base *migration.Base, plan migration.Plan) error {
	var moving []migration.Dataflow
	for _, d := range s.Old {
		if slices.ContainsFunc(plan.Pairs, func(p migration.Pair) bool { return p.Old == d.ID && p.Moves() }) {
			moving = append(moving, d)
		}
	}
	var fresh map[string]migration.Baseline
	var err error
	if in.Measured {
		if fresh, err = a.baselines(ctx, in.Who, moving); err != nil {
			return err
		}
	}
	kept, err := a.measured(ctx, in.Playbook, in.Who.ID)
	if err != nil {
		return err
	}
	destination := a.partner(in.Who.ID)
	for _, pair := range plan.Pairs {
		known := kept[pair.New]
		at := known.Partner
		switch b := fresh[pair.Old]; {
		case b.Runs > 0:
			known = b
		case in.Measured && base != nil && known.Runs == 0:
			known = base.Baselines[pair.Old]
		}
		known.Partner = at
		i := slices.IndexFunc(s.New, func(d migration.Dataflow) bool { return d.ID == pair.New })
		if in.Partner && pair.Moves() && i >= 0 {
			known.Partner = destination.baseOf(ctx, pair, s.New[i])
		}
		if known != (migration.Baseline{}) {
			kept[pair.New] = known
		}
	}
	return a.put(ctx, in.Playbook, in.Who.ID, baselineFile, kept)
}

// baselinePeriod is what a dataflow is measured over: a day, because deliveries follow the hour.
const baselinePeriod = 24 * time.Hour

// baselines sums up the latest runs of old dataflows that are enabled.
func (a *Activities) baselines(ctx context.Context, who Who, olds []migration.Dataflow) (map[string]migration.Baseline, error) {
	sums := map[string]migration.Baseline{}
	bySandbox := map[string][]string{}
	for _, d := range olds {
		if d.State == migration.Enabled {
			bySandbox[d.Sandbox] = append(bySandbox[d.Sandbox], d.ID)
		}
	}
	since := a.now().Add(-baselinePeriod)
	for name, ids := range bySandbox {
		runs, err := a.runs(ctx, who, name, since, ids)
		if err != nil {
			return nil, err
		}
		byFlow := map[string][]migration.Run{}
		for _, run := range runs {
			byFlow[run.Dataflow] = append(byFlow[run.Dataflow], run)
		}
		for id, runs := range byFlow {
			sums[id] = migration.BaselineOf(runs)
		}
	}
	return sums, nil
}
