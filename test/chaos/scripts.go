package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// script is what an organization is like, what its people do, and how it must end.
type script struct {
	name    string
	world   func(l *rand.Rand) []emulator.Sandbox
	people  func(ctx context.Context, o *organization) error
	outcome migration.Phase
	within  string   // how long a flow run is awaited; empty: as long as any kill lasts
	stays   []string // dataflows that stay as they are, by name
	all     bool     // all of them stay
	rare    bool     // takes long, so there are few
	either  bool     // either side may be switched first
	grant   consent  // how the worker may renew the account by itself
}

// scripts are all of them. Of the first there are most.
func scripts() []script {
	return []script{
		{name: "on_time", world: some(runsWell), people: signIn, outcome: migration.Migrated, either: true},
		{name: "granted", world: some(runsWell), people: trustTheGrant, outcome: migration.Migrated, grant: held},
		{name: "page", world: some(runsWell), people: consentAtPage, outcome: migration.Migrated, grant: byPage},
		{name: "grant_revoked", world: some(runsWell), people: trustTheGrant, outcome: migration.Migrated, grant: revoked},
		{name: "audience_added", world: some(runsWell), people: addAnAudience, outcome: migration.Migrated},
		{name: "edited_meanwhile", world: some(runsWell), people: editMeanwhile, outcome: migration.Migrated},
		{name: "ambiguous", world: twins, people: tellThemApart, outcome: migration.Migrated},
		{name: "paused", world: some(runsWell), people: pauseAndResume, outcome: migration.Migrated, either: true},
		{name: "lapsed", world: some(runsWell), people: loseTheSignIn, outcome: migration.Migrated},
		{name: "rescheduled", world: some(runsWell), people: moveDeadlines, outcome: migration.Migrated},
		{name: "late", world: some(runsWell), people: comeLate, outcome: migration.Migrated},
		{name: "not_affected", world: newcomer, people: nobody, outcome: migration.NotAffected},
		{name: "cancelled", world: some(runsWell), people: cancelUnsigned, outcome: migration.Cancelled, all: true},
		{name: "half_cancelled", world: twoAccounts, people: cancelHalfWay, outcome: migration.Cancelled, stays: []string{"Second"}},
		{name: "copy_fails", world: some(emulator.Copy{Runs: emulator.RunsFail}), people: giveUp, outcome: migration.RolledBack, all: true},
		{name: "rolled_back", world: some(emulator.Copy{Runs: emulator.RunsNone}), people: rollBack, outcome: migration.RolledBack, all: true},
		{name: "inconclusive", world: one(emulator.Copy{Profiles: new(50)}), people: acceptCounts, outcome: migration.Migrated, within: "15s", rare: true},
		{name: "wrong_advertiser", world: one(runsWell), people: signInElsewhereFirst, outcome: migration.Migrated, rare: true},
	}
}

// scriptOf goes through all scripts once, so that a small run has each, and then draws.
func scriptOf(s settings, number int) script {
	all := scripts()
	if number < len(all) {
		return all[number]
	}
	l := luck(s.seed, "script of "+idOf(number))
	for {
		if drawn := all[max(0, l.IntN(len(all)+6)-6)]; !drawn.rare || chance(l, 0.2) {
			return drawn
		}
	}
}

const (
	sandbox    = "prod"
	advertiser = "549755885175"
	// elsewhere is an ad account of somebody else.
	elsewhere = "549700000000"
)

// runsWell is a copy like its original.
var runsWell = emulator.Copy{} //nolint:gochecknoglobals // a constant value

func prod(flows ...emulator.Dataflow) []emulator.Sandbox {
	return []emulator.Sandbox{{Name: sandbox, Dataflows: flows}}
}

func dataflow(name, account string, how emulator.Copy) emulator.Dataflow {
	return emulator.Dataflow{Name: name, Account: account, Advertiser: advertiser, Audiences: []emulator.Audience{{Name: name}}, Copy: &how}
}

// A share of the organizations has many dataflows: three of four cut-overs are theirs.
const (
	largeShare = 0.25
	fewest     = 8
	most       = 20
)

// some are one to four dataflows, or many; some of them switched off long ago where their copies run well.
func some(how emulator.Copy) func(l *rand.Rand) []emulator.Sandbox {
	return func(l *rand.Rand) []emulator.Sandbox {
		n := 1 + l.IntN(4)
		if chance(l, largeShare) {
			n = fewest + l.IntN(most-fewest+1)
		}
		flows := make([]emulator.Dataflow, n)
		for i := range flows {
			flows[i] = dataflow(fmt.Sprintf("Flow %d", i+1), "", how)
			if i > 0 && chance(l, 0.15) {
				flows[i].State = string(migration.Disabled)
			}
		}
		return prod(flows...)
	}
}

func one(how emulator.Copy) func(*rand.Rand) []emulator.Sandbox {
	return func(*rand.Rand) []emulator.Sandbox { return prod(dataflow("Flow 1", "", how)) }
}

// twins have two dataflows that nobody can tell apart by what they show.
func twins(*rand.Rand) []emulator.Sandbox {
	return prod(dataflow("Twin", "", runsWell), dataflow("Twin", "", runsWell), dataflow("Single", "", runsWell))
}

func twoAccounts(*rand.Rand) []emulator.Sandbox {
	sandboxes := prod(dataflow("First", "Own", runsWell), dataflow("Second", "Partner", runsWell))
	sandboxes[0].Accounts = []emulator.Account{{Name: "Own"}, {Name: "Partner"}}
	return sandboxes
}

// newcomer has a dataflow of the new card only.
func newcomer(*rand.Rand) []emulator.Sandbox {
	flow := emulator.Dataflow{Name: "New", Account: "Pinterest", Card: "new", Advertiser: advertiser, Audiences: []emulator.Audience{{Name: "New"}}}
	sandboxes := prod(flow)
	sandboxes[0].Accounts = []emulator.Account{{Name: "Pinterest", Card: "new", Authenticated: new(true)}}
	return sandboxes
}
