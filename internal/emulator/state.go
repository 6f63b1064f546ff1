package emulator

import (
	"slices"
	"time"
)

// State is the vendors' world as it is now.
type State struct {
	Now            time.Time           `json:"now"`
	Started        time.Time           `json:"started"`
	CardsAvailable bool                `json:"cards_available"`
	OldAPIClosed   bool                `json:"old_api_closed"`
	Cards          map[string]Card     `json:"cards"`      // old and new of the first pair
	Migrations     []Cards             `json:"migrations"` // every card pair, the first one first
	Organizations  []OrganizationState `json:"organizations"`
}

// OrganizationState is one organization of a State.
type OrganizationState struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	ClientID      string         `json:"client_id"`
	PinterestUser string         `json:"pinterest_user"`
	Sandboxes     []SandboxState `json:"sandboxes"`
}

// SandboxState is one sandbox of a State.
type SandboxState struct {
	Name     string         `json:"name"`
	Flows    []FlowState    `json:"flows"`
	Accounts []AccountState `json:"accounts"`
}

// FlowState is one dataflow of a State, hidden ones included.
type FlowState struct {
	ID             string     `json:"id"`
	Name           string     `json:"name"`
	Card           string     `json:"card"`                // old, new or other
	Migration      string     `json:"migration,omitempty"` // name of the card's pair
	State          string     `json:"state"`
	Account        string     `json:"account"`
	Advertiser     string     `json:"advertiser"`
	Audiences      []Audience `json:"audiences"`
	Origin         string     `json:"origin,omitempty"` // id of the original
	ContentVersion int        `json:"content_version"`
	Hidden         bool       `json:"hidden"`
	LastRun        string     `json:"last_run,omitempty"` // success or failed
}

// AccountState is one account of a State.
type AccountState struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Card          string    `json:"card"`
	Migration     string    `json:"migration,omitempty"`
	Authenticated bool      `json:"authenticated"` // and not expired
	Condition     string    `json:"condition"`     // authenticated, unauthenticated, expired, missing_scope
	Authorized    time.Time `json:"authorized,omitzero"`
	Expires       time.Time `json:"expires,omitzero"`
	Origin        string    `json:"origin,omitempty"`
}

// State shows everything, also what the vendors' answers hide.
func (e *Emulator) State() State {
	e.lock()
	defer e.mu.Unlock()
	return e.state(e.world.organizations)
}

// StateOf shows one organization: with thousands of them, State takes long.
func (e *Emulator) StateOf(org string) (State, error) {
	e.lock()
	defer e.mu.Unlock()
	o, err := e.lookupOrganization(org)
	if err != nil {
		return State{}, err
	}
	return e.state([]*organization{o}), nil
}

// state shows these organizations.
func (e *Emulator) state(organizations []*organization) State {
	s := State{
		Now: e.now, Started: e.start,
		CardsAvailable: !e.world.copied.IsZero(), OldAPIClosed: !e.world.oldClosed.IsZero(),
		Cards:         map[string]Card{cardOld: e.world.pairs[0].Old, cardNew: e.world.pairs[0].New},
		Organizations: []OrganizationState{},
	}
	for _, p := range e.world.pairs {
		s.Migrations = append(s.Migrations, p.Cards)
	}
	for _, org := range organizations {
		o := OrganizationState{
			ID: org.id, Name: org.name, ClientID: org.clientID, PinterestUser: org.pinterestUser, Sandboxes: []SandboxState{},
		}
		for _, sb := range org.sandboxes {
			o.Sandboxes = append(o.Sandboxes, e.sandboxState(sb))
		}
		s.Organizations = append(s.Organizations, o)
	}
	return s
}

func (e *Emulator) sandboxState(sb *sandbox) SandboxState {
	s := SandboxState{Name: sb.name, Flows: []FlowState{}, Accounts: []AccountState{}}
	for _, f := range sb.flows {
		s.Flows = append(s.Flows, e.stateOf(f))
	}
	for _, a := range sb.accounts {
		g := a.grants.now()
		s.Accounts = append(s.Accounts, AccountState{
			ID: a.id, Name: a.name, Card: a.spec.role, Migration: a.spec.migration(), Authenticated: g.valid(e.now), Condition: g.state(e.now),
			Authorized: g.authorized, Expires: g.expires, Origin: a.origin,
		})
	}
	return s
}

func (e *Emulator) stateOf(f *flow) FlowState {
	state := FlowState{
		ID: f.id, Name: f.name, Card: f.spec.role, Migration: f.spec.migration(), State: f.state(), Advertiser: f.target.advertiser(),
		Audiences: slices.Clone(f.audiences()), Origin: f.origin, ContentVersion: f.content, Hidden: f.hidden(),
	}
	if f.account != nil {
		state.Account = f.account.id
	}
	if run := e.lastRun(f); run != nil {
		state.LastRun = run.State
	}
	return state
}

// flowState is one dataflow as it is now.
func (e *Emulator) flowState(org, sb, id string) (FlowState, error) {
	e.lock()
	defer e.mu.Unlock()
	f, err := e.lookupFlow(org, sb, id)
	if err != nil {
		return FlowState{}, err
	}
	return e.stateOf(f), nil
}

// Organization finds an organization by id or name, or nil.
func (s *State) Organization(idOrName string) *OrganizationState {
	return pick(s.Organizations, func(o OrganizationState) bool { return o.ID == idOrName || o.Name == idOrName })
}

// Sandbox finds a sandbox by name, or nil.
func (o *OrganizationState) Sandbox(name string) *SandboxState {
	return pick(o.Sandboxes, func(s SandboxState) bool { return s.Name == name })
}

// Flow finds a dataflow by card ("old", "new", "other") and name, or nil.
func (s *SandboxState) Flow(card, name string) *FlowState {
	return pick(s.Flows, func(f FlowState) bool { return f.Card == card && f.Name == name })
}

// Account finds an account by card and name, or nil.
func (s *SandboxState) Account(card, name string) *AccountState {
	return pick(s.Accounts, func(a AccountState) bool { return a.Card == card && a.Name == name })
}

func pick[T any](items []T, fits func(T) bool) *T {
	if i := slices.IndexFunc(items, fits); i >= 0 {
		return &items[i]
	}
	return nil
}
