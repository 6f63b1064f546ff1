package emulator

import (
	"maps"
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
	for _, p := range e.world.pairs {
		p.replacement.hidden = false
	}
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
	pair := e.world.pairNamed(source.Migration)
	card := pair.replacement
	original := sb.accountNamed(source.Name, pair.deprecated)
	if original == nil {
		return
	}
	id := or(source.CopyID, stableID("account", sb.org.id, sb.name, card.key(), source.Name))
	a := &account{
		record:  newRecord(id, original.name, at, serviceUser),
		sandbox: sb, spec: card, origin: original.id,
	}
	a.description = original.description
	var g grant
	if source.CopyReady || !pair.reauth() {
		g = grant{authenticated: true, authorized: at}
		if card.usesOAuth2 {
			g.expires = at.Add(e.settings.Lease)
		}
	}
	e.addAccount(a, g, at)
}

func (e *Emulator) copyFlow(sb *sandbox, index int, at time.Time) {
	source := &sb.source.Dataflows[index]
	change := source.Copy
	if change == nil {
		change = &Copy{}
	}
	pair := e.world.pairNamed(source.Migration)
	nth := strconv.Itoa(index)
	original := sb.flow(or(source.ID, stableID("flow", sb.org.id, sb.name, pair.deprecated.key(), source.Name, nth)))
	if original == nil {
		return // a person deleted it before
	}
	card := pair.replacement
	id := or(change.ID, stableID("flow", sb.org.id, sb.name, card.key(), source.Name, nth))
	f := &flow{
		record:  newRecord(id, or(change.Name, original.name), at, serviceUser),
		sandbox: sb, spec: card, origin: original.id, labels: change.Labels, transformations: original.transformations,
	}
	f.description = original.description
	f.account = sb.accountNamed(or(change.Account, original.account.name), card)
	if f.account == nil {
		f.account = sb.accountNamed("", card)
	}
	if change.Audiences != nil || change.Mappings != "" {
		audiences := original.audiences()
		if change.Audiences != nil {
			audiences = sb.named(change.Audiences)
		}
		f.transformations = newTransformations(audiences, or(change.Mappings, source.Mappings), at)
	}
	params := maps.Clone(original.target.params)
	if change.Advertiser != "" {
		params["advertiser_id"] = quoted(change.Advertiser)
	}
	runs := change.runs(source)
	if change.Profiles == nil {
		runs.profiles = original.runs.now().profiles
	}
	e.addFlow(f, params, or(change.State, stateDisabled), runs, at)
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
