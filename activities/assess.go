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
	Who     Who                   `json:"who"`
	Cards   Cards                 `json:"cards"`
	Order   migration.Order       `json:"order"`
	Drift   migration.DriftPolicy `json:"drift"`
	Choices map[string]string     `json:"choices,omitempty"`
	Known   []string              `json:"known,omitempty"` // accounts that need no introduction in the plan
}

// Cards are the card that goes and the one that replaces it.
type Cards struct {
	Old migration.Card `json:"old"`
	New migration.Card `json:"new"`
}

// Assess reads the organization, keeps what it read as the base for later changes, and decides whether it is affected and why. It changes
// nothing at the vendor.
func (a *Activities) Assess(ctx context.Context, in AssessInput) (migration.Assessment, error) {
	defer keepAlive(ctx)()
	s, err := a.snapshot(ctx, in.Who, in.Cards)
	if err != nil {
		return migration.Assessment{}, mapError(ctx, "assess", err)
	}
	assessment := migration.Assess(s, in.Cards.Old, in.Available)
	if assessment.Affected {
		// Lists of audiences are long, and a history is not the place for them.
		assessment.Base, err = a.put(ctx, in.Playbook, in.Who.ID, "base", s)
	}
	return assessment, mapError(ctx, "keep the base snapshot", err)
}

// Plan reads the organization afresh and makes the plan. It changes nothing.
func (a *Activities) Plan(ctx context.Context, in PlanInput) (migration.Plan, error) {
	defer keepAlive(ctx)()
	s, err := a.snapshot(ctx, in.Who, in.Cards)
	if err != nil {
		return migration.Plan{}, mapError(ctx, "plan", err)
	}
	plan := migration.MakePlan(s, in.Order, in.Drift, in.Choices)
	plan.Accounts = slices.DeleteFunc(plan.Accounts, func(a migration.Account) bool { return slices.Contains(in.Known, a.ID) })
	return plan, nil
}
