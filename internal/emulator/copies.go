package emulator

import (
	"strconv"
	"time"
)

// makeCopies is what the vendor did on the day the new card came: every account and dataflow of the old card gets a
// copy on the new one, and the new card starts to exist.
func (e *Emulator) makeCopies(at time.Time) {
	if !e.world.copied.IsZero() {
		return
	}
	e.world.copied = at
	e.world.cards[cardNew].hidden = false
	for _, org := range e.world.organizations {
		for _, sb := range org.sandboxes {
			e.copySandbox(sb, at)
		}
	}
	e.stage("cards_available", at)
}

func (e *Emulator) copySandbox(sb *sandbox, at time.Time) {
	for i := range sb.source.Accounts {
		source := &sb.source.Accounts[i]
		switch {
		case source.Card == cardNew:
			e.buildAccount(sb, source)
		case source.Copy == nil || *source.Copy:
			e.copyAccount(sb, source, at)
		}
	}
	for i := range sb.source.Dataflows {
		source := &sb.source.Dataflows[i]
		switch {
		case source.Card == cardNew:
			e.buildFlow(sb, i)
		case source.Copy == nil || !source.Copy.None:
			e.copyFlow(sb, i, at)
		}
	}
}

func (e *Emulator) copyAccount(sb *sandbox, source *Account, at time.Time) {
	original := sb.accountNamed(source.Name, cardOld)
	if original == nil {
		return
	}
	id := source.CopyID
	if id == "" {
		id = stableID("account", sb.org.id, sb.name, cardNew, source.Name)
	}
	a := &account{
		record:  newRecord(id, original.name, at, serviceUser),
		sandbox: sb, spec: e.world.cards[cardNew], origin: original.id,
	}
	a.description = original.description
	var g grant
	if reauth := e.scenario.Cards.Reauth; source.CopyReady || (reauth != nil && !*reauth) {
		g = grant{authenticated: true, authorized: at, expires: at.Add(e.settings.Lease)}
	}
	e.addAccount(a, g, at)
}

func (e *Emulator) copyFlow(sb *sandbox, index int, at time.Time) {
	source := &sb.source.Dataflows[index]
	change := source.Copy
	if change == nil {
		change = &Copy{}
	}
	originalID := source.ID
	if originalID == "" {
		originalID = stableID("flow", sb.org.id, sb.name, cardOld, source.Name, strconv.Itoa(index))
	}
	original := sb.flow(originalID)
	if original == nil {
		return
	}
	id := change.ID
	if id == "" {
		id = stableID("flow", sb.org.id, sb.name, cardNew, source.Name, strconv.Itoa(index))
	}
	f := &flow{
		record:  newRecord(id, or(change.Name, original.name), at, serviceUser),
		sandbox: sb, spec: e.world.cards[cardNew], origin: original.id,
		labels: change.Labels, profiles: original.profiles, transformations: original.transformations,
	}
	f.description = original.description
	if change.Profiles != nil {
		f.profiles = *change.Profiles
	}
	f.account = sb.accountNamed(or(change.Account, original.account.name), cardNew)
	if f.account == nil {
		f.account = sb.accountNamed("", cardNew)
	}
	if change.Audiences != nil || change.Mappings != "" {
		audiences := original.audiences()
		if change.Audiences != nil {
			audiences = sb.named(change.Audiences)
		}
		f.transformations = newTransformations(audiences, or(change.Mappings, source.Mappings), at)
	}
	e.addFlow(f, or(change.Advertiser, original.target.advertiser()), or(change.State, stateDisabled), or(change.Runs, source.Runs), at)
}

// closeOldAPI is the day the partner switched v4 off.
func (e *Emulator) closeOldAPI(at time.Time) {
	if e.world.oldClosed.IsZero() {
		e.world.oldClosed = at
		e.stage("old_api_closed", at)
	}
}

// or is the first string that is not empty.
func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
