package emulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Ids the vendor documents, used by the unrelated dataflows.
const (
	profileStoreSpec  = "8a9c3494-9708-43d7-ae3f-cda01e5030e1"
	kinesisSpec       = "86043421-563b-46ec-8e6c-e23184711bf6"
	profileFlowSpec   = "71471eba-b620-49e4-90fd-23f1fa0174d8"
	s3Spec            = "4fce964d-3f37-408f-9778-e597338a21ee"
	s3FlowSpec        = "1a0514a6-33d4-4c7f-aff8-594799c47549"
	pinterestAdSource = "f82aae23-91e7-4884-b25f-2d2159d841fd"
)

// serviceUser is who made what was there before anybody asked.
const serviceUser = "acp_foundation_connectors"

// build makes the world of the scenario as it stands at the start.
func (e *Emulator) build() error {
	e.world = world{
		byID:     map[string]*organization{},
		byClient: map[string]*organization{},
	}
	e.buildSpecs()
	for i := range e.scenario.Organizations {
		if err := e.buildOrganization(&e.scenario.Organizations[i]); err != nil {
			return err
		}
	}
	stages := e.scenario.Stages
	if available := stages.CardsAvailable.from(e.start, e.start); available.After(e.start) {
		e.agenda.plan(available, e.makeCopies)
	} else {
		e.makeCopies(available)
	}
	if !stages.OldAPIClosed.IsZero() {
		closed := stages.OldAPIClosed.from(e.start, e.start)
		if closed.After(e.start) {
			e.agenda.plan(closed, e.closeOldAPI)
		} else {
			e.closeOldAPI(closed)
		}
	}
	return nil
}

func (e *Emulator) buildSpecs() {
	e.world.pairs = []*cardPair{newPair(e.scenario.Cards, true)}
	for _, cards := range e.scenario.Migrations {
		e.world.pairs = append(e.world.pairs, newPair(cards, false))
	}
	for _, p := range e.world.pairs {
		e.world.specs = append(e.world.specs, p.deprecated, p.replacement)
	}
	for _, other := range []*spec{
		{Card: Card{"Amazon S3", s3Spec, s3FlowSpec}, role: cardOther, flowSpec: "Amazon S3 flow"},
		{Card: Card{"Amazon Kinesis", kinesisSpec, profileFlowSpec}, role: cardOther, flowSpec: "profile based destinations"},
		{Card: Card{"Pinterest Ads", pinterestAdSource, stableID("pinterest ads source flow")}, role: cardOther, isSource: true, flowSpec: "Pinterest Ads source"},
		{Card: Card{"Profile Store", profileStoreSpec, stableID("profile store flow")}, role: cardOther, isSource: true, flowSpec: "UPS extraction"},
	} {
		if find(e.world.specs, func(s *spec) bool { return s.ID == other.ID }) == nil {
			e.world.specs = append(e.world.specs, other)
		}
	}
	for _, s := range e.world.specs {
		s.created = e.start.AddDate(-2, 0, 0)
	}
}

func (e *Emulator) buildOrganization(source *Organization) error {
	org := &organization{
		id: source.ID, name: source.Name, clientID: source.ClientID, pinterestUser: source.PinterestUser,
	}
	if org.name == "" {
		org.name = org.id
	}
	if org.clientID == "" {
		org.clientID = "client-" + stableID("client", org.id)
	}
	org.secrets = []string{source.ClientSecret}
	if source.ClientSecret == "" {
		org.secrets[0] = "secret-" + stableID("secret", org.id)
	}
	if source.SecondSecret != "" {
		org.secrets = append(org.secrets, source.SecondSecret)
	}
	if org.pinterestUser == "" {
		org.pinterestUser = stableID("pinterest user", org.id)[:8]
	}
	if e.world.byClient[org.clientID] != nil {
		return fmt.Errorf("scenario: organization %q: client_id %q belongs to another organization", org.id, org.clientID)
	}
	e.world.organizations = append(e.world.organizations, org)
	e.world.byID[org.id], e.world.byClient[org.clientID] = org, org
	for _, secret := range org.secrets {
		e.secrets = append(e.secrets, Secret{Kind: "client_secret", Organization: org.id, Value: secret})
	}
	for _, sb := range source.Sandboxes {
		e.buildSandbox(org, sb.resolved(source.Migration))
	}
	return nil
}

func (e *Emulator) buildSandbox(org *organization, source Sandbox) {
	sb := &sandbox{id: stableID("sandbox", org.id, source.Name), name: source.Name, org: org, source: source}
	org.sandboxes = append(org.sandboxes, sb)
	for i := range source.Accounts {
		if cardOr(source.Accounts[i].Card) == cardOld {
			e.buildAccount(sb, &source.Accounts[i])
		}
	}
	for i := range source.Dataflows {
		if cardOr(source.Dataflows[i].Card) == cardOld {
			e.buildFlow(sb, i)
		}
	}
	e.buildOthers(sb)
}

func (e *Emulator) buildAccount(sb *sandbox, source *Account) {
	card := e.world.pairNamed(source.Migration).card(cardOr(source.Card))
	id := or(source.ID, stableID("account", sb.org.id, sb.name, card.key(), source.Name))
	created := source.Authorized.from(e.start, e.start.AddDate(0, 0, -10))
	a := &account{record: newRecord(id, source.Name, created, serviceUser), sandbox: sb, spec: card}
	g := grant{authenticated: card.role == cardOld, authorized: created}
	if source.Authenticated != nil {
		g.authenticated = *source.Authenticated
	}
	if g.authenticated {
		g.expires = source.Expires.from(e.start, time.Time{})
		if g.expires.IsZero() && card.role == cardNew && card.usesOAuth2 {
			g.expires = created.Add(e.settings.Lease)
		}
	}
	e.addAccount(a, g, created)
}

// addAccount puts the account into its sandbox and the ledger.
func (e *Emulator) addAccount(a *account, g grant, at time.Time) {
	a.sandbox.accounts = append(a.sandbox.accounts, a)
	a.grants.set(at, g)
	e.initial(Entry{
		Entity: entityConnection, ID: a.id, After: g.state(e.now), Card: a.spec.role, Origin: a.origin,
		ContentVersion: a.content,
	}, a.sandbox)
	e.planExpiry(a)
}

// planExpiry has the ledger say when the account's present lease ends.
func (e *Emulator) planExpiry(a *account) {
	g := a.grants.now()
	if !g.authenticated || g.expires.IsZero() || !g.expires.After(e.now) {
		return
	}
	e.agenda.plan(g.expires, func(at time.Time) {
		if now := a.grants.now(); now != g {
			return
		}
		e.changed(Entry{
			At: at, Entity: entityConnection, ID: a.id, Op: "expire", Before: g.state(at.Add(-1)), After: g.state(at),
			Card: a.spec.role, ContentVersion: a.content,
		}, a.sandbox)
	})
}

func (e *Emulator) buildFlow(sb *sandbox, index int) {
	source := &sb.source.Dataflows[index]
	card := e.world.pairNamed(source.Migration).card(cardOr(source.Card))
	id := or(source.ID, stableID("flow", sb.org.id, sb.name, card.key(), source.Name, strconv.Itoa(index)))
	created := source.Created.from(e.start, e.defaultCreated())
	a := sb.accountNamed(source.Account, card)
	if a == nil {
		a = sb.accountNamed("", card)
	}
	f := &flow{
		record: newRecord(id, source.Name, created, serviceUser), sandbox: sb, spec: card, account: a, labels: source.Labels,
	}
	f.description = source.Description
	f.transformations = newTransformations(sb.named(source.Audiences), source.Mappings, created)
	e.addFlow(f, targetParams(source.Params, source.Advertiser), source.State, source.runs(), created)
}

// targetParams are the params of a target connection.
func targetParams(given Params, advertiser string) map[string]json.RawMessage {
	params := make(map[string]json.RawMessage, len(given)+1)
	for name, value := range given {
		params[name] = quoted(value)
	}
	if advertiser != "" {
		params["advertiser_id"] = quoted(advertiser)
	}
	return params
}

// defaultCreated lies before the first playbook's copies, and always before the start.
func (e *Emulator) defaultCreated() time.Time {
	day := time.Date(2023, time.June, 1, 9, 0, 0, 0, time.UTC)
	if day.Before(e.start) {
		return day
	}
	return e.start.AddDate(0, 0, -90)
}

// named gives ids to the audiences that have none.
func (s *sandbox) named(audiences []Audience) []Audience {
	out := make([]Audience, 0, len(audiences))
	for _, audience := range audiences {
		if audience.ID == "" {
			audience.ID = stableID("audience", s.org.id, s.name, audience.Name)
		}
		if audience.Name == "" {
			audience.Name = audience.ID
		}
		out = append(out, audience)
	}
	return out
}

// addFlow puts the flow and a target connection of its own into the sandbox and the ledger.
func (e *Emulator) addFlow(f *flow, params map[string]json.RawMessage, state string, runs runPlan, at time.Time) {
	if state == "" {
		state = stateEnabled
	}
	f.target = &target{
		record:  newRecord(stableID("target", f.id), f.name, at, f.createdBy),
		sandbox: f.sandbox, spec: f.spec, account: f.account, params: params,
	}
	f.sourceID = stableID("source", f.id)
	f.states.set(at, state)
	f.runs.set(at, runs)
	f.operation = operation{at: at, kind: "create"}
	f.sandbox.targets = append(f.sandbox.targets, f.target)
	f.sandbox.flows = append(f.sandbox.flows, f)
	entry := Entry{
		Entity: entityFlow, ID: f.id, After: state, Card: f.spec.role, Origin: f.origin, ContentVersion: f.content,
	}
	if f.account != nil {
		entry.Account = f.account.id
	}
	e.initial(entry, f.sandbox)
}

// buildOthers adds what a caller must neither count nor touch: flows of another destination and of a source.
func (e *Emulator) buildOthers(sb *sandbox) {
	for i := range max(0, e.settings.OtherDataflows) {
		s := find(e.world.specs, func(s *spec) bool { return s.role == cardOther && s.isSource == (i%2 == 1) })
		n := strconv.Itoa(i)
		a := &account{
			record:  newRecord(stableID("other account", sb.org.id, sb.name, n), s.Name+" account "+n, e.defaultCreated(), serviceUser),
			sandbox: sb, spec: s,
		}
		e.addAccount(a, grant{authenticated: true, authorized: e.defaultCreated()}, a.created)
		f := &flow{
			record:  newRecord(stableID("other flow", sb.org.id, sb.name, n), s.Name+" "+n, e.defaultCreated(), serviceUser),
			sandbox: sb, spec: s, account: a,
			transformations: newTransformations(sb.named([]Audience{{Name: "Everybody"}}), MappingSelectors, e.defaultCreated()),
		}
		e.addFlow(f, targetParams(nil, ""), "", runPlan{profiles: 100}, f.created)
	}
}
