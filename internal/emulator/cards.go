package emulator

import "slices"

// cardPair is a deprecated destination and its replacement. All pairs pass the same stages.
type cardPair struct {
	Cards

	first       bool
	deprecated  *spec
	replacement *spec
}

// card is the pair's card of that role.
func (p *cardPair) card(role string) *spec {
	if role == cardNew {
		return p.replacement
	}
	return p.deprecated
}

// reauth tells that a person has to sign in before a copied account works.
func (p *cardPair) reauth() bool { return p.Reauth == nil || *p.Reauth }

// newPair makes the two specs of a pair. What is not given of the first pair is Pinterest's.
func newPair(cards Cards, first bool) *cardPair {
	p := &cardPair{Cards: cards, first: first}
	oauth := cards.Auth != AuthAccessKey
	p.deprecated = &spec{Card: cards.Old, role: cardOld, pair: p, usesOAuth2: oauth}
	p.replacement = &spec{Card: cards.New, role: cardNew, pair: p, usesOAuth2: oauth, hidden: true}
	fill(p.deprecated, "(Deprecating) Pinterest")
	fill(p.replacement, "(New) Pinterest")
	p.Old, p.New = p.deprecated.Card, p.replacement.Card
	return p
}

// fill completes a card the scenario only names, or does not mention.
func fill(s *spec, name string) {
	s.Name = or(s.Name, name)
	s.ID = or(s.ID, stableID("connection spec", s.role, s.Name))
	s.FlowSpecID = or(s.FlowSpecID, stableID("flow spec", s.role, s.Name))
	s.flowSpec = s.Name + " flow"
}

// pairNamed is the card pair of that name, and the first one when none is named.
func (w *world) pairNamed(name string) *cardPair {
	if p := find(w.pairs, func(p *cardPair) bool { return p.Name == name }); p != nil {
		return p
	}
	return w.pairs[0]
}

// key tells entities of one role on several pairs apart when their ids are made.
func (s *spec) key() string {
	if s.pair == nil || s.pair.first {
		return s.role
	}
	return s.role + " " + s.pair.Name
}

// migration is the name of the card's pair; empty for every other destination and for a pair without a name.
func (s *spec) migration() string {
	if s.pair == nil {
		return ""
	}
	return s.pair.Name
}

// resolved gives every account and dataflow its card pair, and the accounts that the scenario leaves out.
func (s Sandbox) resolved(migration string) Sandbox {
	s.Accounts, s.Dataflows = slices.Clone(s.Accounts), slices.Clone(s.Dataflows)
	for i := range s.Dataflows {
		s.Dataflows[i].Migration = or(s.Dataflows[i].Migration, migration)
	}
	if len(s.Accounts) == 0 {
		for i := range s.Dataflows {
			account := Account{Name: "Pinterest", Migration: s.Dataflows[i].Migration}
			if account.Migration != "" {
				account.Name = account.Migration
			}
			if !slices.Contains(s.Accounts, account) {
				s.Accounts = append(s.Accounts, account)
			}
		}
	}
	for i := range s.Accounts {
		s.Accounts[i].Migration = or(s.Accounts[i].Migration, migration)
	}
	return s
}
