package emulator

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoSuch says that a control action named something the emulator does not have.
var ErrNoSuch = errors.New("no such entity")

// Secret is a credential the emulator holds or has ever issued; leak tests look for every Value.
type Secret struct {
	Kind         string `json:"kind"`
	Organization string `json:"organization,omitempty"`
	Value        string `json:"value"`
}

// StageSwitch passes or takes back stages by hand; nil leaves one as it is.
type StageSwitch struct {
	CardsAvailable *bool `json:"cards_available"` // cannot be taken back
	OldAPIClosed   *bool `json:"old_api_closed"`
}

// Now is the emulator's time.
func (e *Emulator) Now() time.Time {
	e.lock()
	defer e.mu.Unlock()
	return e.now
}

// Advance moves the clock forward; everything due on the way happens at its own moment.
func (e *Emulator) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("advance by %s: time does not go backwards", d)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock.offset += d
	e.settle()
	return nil
}

// Ledger copies the entries after a sequence number; 0 gives all.
func (e *Emulator) Ledger(after int64) []Entry {
	e.lock()
	defer e.mu.Unlock()
	return e.ledger.after(after)
}

// Secrets lists every credential the emulator holds or has ever issued.
func (e *Emulator) Secrets() []Secret {
	e.lock()
	defer e.mu.Unlock()
	return slices.Clone(e.secrets)
}

// SetStages passes stages by hand.
func (e *Emulator) SetStages(s StageSwitch) error {
	e.lock()
	defer e.mu.Unlock()
	if s.CardsAvailable != nil {
		if !*s.CardsAvailable && !e.world.copied.IsZero() {
			return errors.New("stage cards_available: the copies are made and cannot be taken back")
		}
		if *s.CardsAvailable {
			e.makeCopies(e.now)
		}
	}
	if s.OldAPIClosed != nil {
		if *s.OldAPIClosed {
			e.closeOldAPI(e.now)
		} else if !e.world.oldClosed.IsZero() {
			e.world.oldClosed = time.Time{}
			e.stage("old_api_reopened", e.now)
		}
	}
	return nil
}

// Configure changes settings from now on. Zero values get their defaults again.
func (e *Emulator) Configure(change func(*Settings)) error {
	e.lock()
	defer e.mu.Unlock()
	settings := e.settings
	change(&settings)
	if err := settings.validate(); err != nil {
		return err
	}
	if settings.RequestsPerSecond != e.settings.RequestsPerSecond || settings.TotalRequestsPerSecond != e.settings.TotalRequestsPerSecond {
		clear(e.limiters)
	}
	e.settings = settings.withDefaults()
	return nil
}

// AddFault activates a rule and gives it back with its id.
func (e *Emulator) AddFault(f Fault) (Fault, error) {
	if err := f.validate(); err != nil {
		return Fault{}, err
	}
	e.lock()
	defer e.mu.Unlock()
	if f.ID != "" && slices.ContainsFunc(e.faults, func(a *activeFault) bool { return a.ID == f.ID }) {
		return Fault{}, fmt.Errorf("fault %q is there already", f.ID)
	}
	return e.addFault(f), nil
}

// Faults lists the active rules.
func (e *Emulator) Faults() []Fault {
	e.lock()
	defer e.mu.Unlock()
	out := make([]Fault, 0, len(e.faults))
	for _, f := range e.faults {
		out = append(out, f.Fault)
	}
	return out
}

// RemoveFault ends a rule.
func (e *Emulator) RemoveFault(id string) error {
	e.lock()
	defer e.mu.Unlock()
	before := len(e.faults)
	e.faults = slices.DeleteFunc(e.faults, func(f *activeFault) bool { return f.ID == id })
	if len(e.faults) == before {
		return fmt.Errorf("fault %q: %w", id, ErrNoSuch)
	}
	return nil
}

func (e *Emulator) lookupOrganization(org string) (*organization, error) {
	o := e.world.byID[org]
	if o == nil {
		return nil, fmt.Errorf("organization %q: %w", org, ErrNoSuch)
	}
	return o, nil
}

// lookup finds a sandbox for a control action.
func (e *Emulator) lookup(org, sb string) (*sandbox, error) {
	o, err := e.lookupOrganization(org)
	if err != nil {
		return nil, err
	}
	s := o.sandbox(sb)
	if s == nil {
		return nil, fmt.Errorf("organization %q, sandbox %q: %w", org, sb, ErrNoSuch)
	}
	return s, nil
}

func (e *Emulator) lookupAccount(org, sb, id string) (*account, error) {
	s, err := e.lookup(org, sb)
	if err != nil {
		return nil, err
	}
	a := s.account(id)
	if a == nil {
		return nil, fmt.Errorf("organization %q, sandbox %q, account %q: %w", org, sb, id, ErrNoSuch)
	}
	return a, nil
}

func (e *Emulator) lookupFlow(org, sb, id string) (*flow, error) {
	s, err := e.lookup(org, sb)
	if err != nil {
		return nil, err
	}
	f := s.flow(id)
	if f == nil {
		return nil, fmt.Errorf("organization %q, sandbox %q, dataflow %q: %w", org, sb, id, ErrNoSuch)
	}
	return f, nil
}

// ExpireTokens ends every IMS token of the client now.
func (e *Emulator) ExpireTokens(clientID string) error {
	e.lock()
	defer e.mu.Unlock()
	org := e.world.byClient[clientID]
	if org == nil {
		return fmt.Errorf("client %q: %w", clientID, ErrNoSuch)
	}
	for _, token := range org.tokens {
		if e.now.Before(token.expires) {
			token.expires = e.now
		}
	}
	e.enter(Entry{Kind: KindState, Actor: actorSystem, Organization: org.id, Op: "expire_tokens", Applied: true}, nil)
	return nil
}
