package emulator

import (
	"encoding/json"
	"slices"
	"time"
)

// States of flows and connections, in Adobe's spelling.
const (
	stateEnabled   = "enabled"
	stateDisabled  = "disabled"
	stateEnabling  = "enabling"
	stateDisabling = "disabling"
	stateDeleted   = "deleted" // no vendor answer shows it
)

// Cards, as scenario, ledger and state name them.
const (
	cardOld   = "old"
	cardNew   = "new"
	cardOther = "other"
)

// Entities, as the ledger names them.
const (
	entityFlow       = "flow"
	entityConnection = "connection"
	entityTarget     = "targetConnection"
	entitySpec       = "spec"
	entityRun        = "run"
	entityPinterest  = "pinterest"
)

// actorSystem did what the vendor does by itself.
const actorSystem = "system"

// world is everything the vendors know.
type world struct {
	pairs         []*cardPair // never empty
	specs         []*spec
	organizations []*organization
	byID          map[string]*organization
	byClient      map[string]*organization
	copied        time.Time // when the copies were made; zero = not yet
	oldClosed     time.Time // when the old API closed; zero = open
}

// spec is a connection spec together with its flow spec.
type spec struct {
	Card
	role       string    // old, new or other
	pair       *cardPair // nil for other
	isSource   bool
	flowSpec   string // name of the flow spec
	created    time.Time
	hidden     bool // not available yet
	usesOAuth2 bool
}

type organization struct {
	id, name       string
	clientID       string
	secrets        []string
	pinterestUser  string
	sandboxes      []*sandbox
	tokens         []*adobeToken
	mints          []time.Time
	pinterestGrant []*pinterestGrant
}

type sandbox struct {
	id, name string
	org      *organization
	source   Sandbox // what the scenario said, for the copies made later
	flows    []*flow
	accounts []*account
	targets  []*target
}

// record is what every Flow Service entity has.
type record struct {
	id, name, description string
	created, updated      time.Time
	createdBy, updatedBy  string
	revision              int
	stamped               time.Time // the second in the etag
	content               int       // content version
}

// newRecord is the first revision of an entity.
func newRecord(id, name string, created time.Time, by string) record {
	return record{
		id: id, name: name, created: created, updated: created, createdBy: by, updatedBy: by,
		revision: 1, stamped: created, content: 1,
	}
}

func (r *record) etag() string { return etag(r.id, r.revision, r.stamped) }

// staleEtag is the etag of the revision before this one.
func (r *record) staleEtag() string { return etag(r.id, r.revision-1, r.stamped.Add(-time.Second)) }

// touch starts a new revision.
func (r *record) touch(at time.Time, by string) {
	r.revision++
	r.stamped, r.updated, r.updatedBy = at, at, by
}

type flow struct {
	record
	sandbox         *sandbox
	spec            *spec
	account         *account
	target          *target
	sourceID        string
	origin          string // id of the flow this one was copied from
	labels          []string
	transformations json.RawMessage
	states          timeline[string]
	runs            timeline[runPlan]
	operation       operation
	exported        struct { // audiences, read once: a list can be long and every run counts it
		of   *byte // where the transformations they were read from begin
		list []Audience
	}
}

// operation is the flow's lastOperation.
type operation struct {
	at   time.Time
	kind string
	ops  json.RawMessage
}

func (f *flow) state() string { return f.states.now() }

func (f *flow) hidden() bool { return len(f.labels) > 0 }

// exports tells whether a flow in this state sends profiles; it still does while it is being disabled.
func exports(state string) bool { return state == stateEnabled || state == stateDisabling }

// moving tells that the flow is between two states.
func moving(state string) bool { return state == stateEnabling || state == stateDisabling }

type account struct {
	record
	sandbox *sandbox
	spec    *spec
	origin  string
	grants  timeline[grant]
}

// grant is what the partner gave to Adobe when a person signed in.
type grant struct {
	authenticated bool
	authorized    time.Time
	expires       time.Time // zero = never
	advertiser    string    // the only ad account it reaches; empty = whatever is asked for
	missingScope  bool
}

// valid tells whether the account is authenticated at the moment.
func (g grant) valid(at time.Time) bool {
	return g.authenticated && (g.expires.IsZero() || at.Before(g.expires))
}

// serves tells whether the grant lets data reach the ad account at the moment.
func (g grant) serves(advertiser string, at time.Time) bool {
	return g.valid(at) && !g.missingScope && (g.advertiser == "" || g.advertiser == advertiser)
}

// state names the account's condition in the ledger.
func (g grant) state(at time.Time) string {
	switch {
	case !g.authenticated:
		return "unauthenticated"
	case !g.valid(at):
		return "expired"
	case g.missingScope:
		return "missing_scope"
	default:
		return "authenticated"
	}
}

type target struct {
	record
	sandbox *sandbox
	spec    *spec
	account *account
	params  map[string]json.RawMessage
}

// advertiser is the Pinterest ad account id the target connection names.
func (t *target) advertiser() string {
	var id string
	if raw, ok := t.params["advertiser_id"]; ok && json.Unmarshal(raw, &id) != nil {
		return ""
	}
	return id
}

func (s *sandbox) flow(id string) *flow {
	return find(s.flows, func(f *flow) bool { return f.id == id })
}

func (s *sandbox) account(id string) *account {
	return find(s.accounts, func(a *account) bool { return a.id == id })
}

func (s *sandbox) target(id string) *target {
	return find(s.targets, func(t *target) bool { return t.id == id })
}

// accountNamed is the account of that name on the card, or the card's first account when no name is given.
func (s *sandbox) accountNamed(name string, card *spec) *account {
	return find(s.accounts, func(a *account) bool { return a.spec == card && (name == "" || a.name == name) })
}

func (o *organization) sandbox(name string) *sandbox {
	return find(o.sandboxes, func(s *sandbox) bool { return s.name == name })
}

// find is the first item that fits, or nil.
func find[T any](items []*T, fits func(*T) bool) *T {
	if i := slices.IndexFunc(items, fits); i >= 0 {
		return items[i]
	}
	return nil
}
