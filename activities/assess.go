package activities

import (
	"context"

	"cutover/internal/migration"
)

// ReadInput asks for a look at a whole organization.
type ReadInput struct {
	Who      Who                `json:"who"`
	Playbook migration.Playbook `json:"playbook"`
	Choices  map[string]string  `json:"choices,omitempty"` // for Plan
}

// Assess reads the organization and decides whether it is affected and why. It changes nothing.
func (a *Activities) Assess(ctx context.Context, in ReadInput) (migration.Assessment, error) {
	defer keepAlive(ctx)()
	s, err := a.snapshot(ctx, in.Who, in.Playbook)
	if err != nil {
		return migration.Assessment{}, mapError(ctx, "assess", err)
	}
	return migration.Assess(s, in.Playbook), nil
}

// Plan reads the organization afresh and makes the plan. It changes nothing.
func (a *Activities) Plan(ctx context.Context, in ReadInput) (migration.Plan, error) {
	defer keepAlive(ctx)()
	s, err := a.snapshot(ctx, in.Who, in.Playbook)
	if err != nil {
		return migration.Plan{}, mapError(ctx, "plan", err)
	}
	return migration.MakePlan(s, in.Playbook, in.Choices), nil
}
