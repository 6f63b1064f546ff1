package emulator

import (
	"errors"
	"fmt"
	"slices"
)

// validate reports the first thing in the scenario that cannot be built.
func (s *Scenario) validate() error {
	organizations, clients := map[string]bool{}, map[string]bool{}
	migrations, err := s.migrations()
	if err != nil {
		return err
	}
	for i := range s.Organizations {
		org := &s.Organizations[i]
		switch {
		case org.ID == "":
			return fmt.Errorf("scenario: organization %d (%q) has no id", i+1, org.Name)
		case organizations[org.ID]:
			return fmt.Errorf("scenario: organization %q stands there twice", org.ID)
		case org.ClientID != "" && clients[org.ClientID]:
			return fmt.Errorf("scenario: organization %q: client_id %q belongs to another organization", org.ID, org.ClientID)
		}
		organizations[org.ID], clients[org.ClientID] = true, true
		if err := org.validate(migrations); err != nil {
			return fmt.Errorf("scenario: organization %q: %w", org.ID, err)
		}
	}
	for i := range s.Faults {
		if err := s.Faults[i].validate(); err != nil {
			return fmt.Errorf("scenario: %w", err)
		}
	}
	return s.Settings.validate()
}

func (s *Settings) validate() error {
	if !slices.Contains([]string{"", "lower", "title", "upper"}, s.RunStatus) {
		return fmt.Errorf("scenario: run_status %q: write lower, title or upper", s.RunStatus)
	}
	if !slices.Contains([]string{"", "honest", "404", "501", "true"}, s.Probe) {
		return fmt.Errorf(`scenario: probe %q: write honest, "404", "501" or "true"`, s.Probe)
	}
	if !slices.Contains([]string{"", OldKept, OldRefused, OldGone}, s.OldDataflows) {
		return fmt.Errorf("scenario: old_dataflows %q: write %s, %s or %s", s.OldDataflows, OldKept, OldRefused, OldGone)
	}
	for _, rl := range s.RouteLatency {
		if _, err := parseRoute(rl.Route); err != nil {
			return fmt.Errorf("scenario: route_latency: %w", err)
		}
	}
	return nil
}

// migrations are the names of the card pairs; the first is also chosen by the empty name.
func (s *Scenario) migrations() (map[string]bool, error) {
	names := map[string]bool{"": true, s.Cards.Name: true}
	for i, cards := range append([]Cards{s.Cards}, s.Migrations...) {
		if !slices.Contains([]string{"", AuthOAuth2, AuthAccessKey}, cards.Auth) {
			return nil, fmt.Errorf("scenario: cards %q: auth %q: write %s or %s", cards.Name, cards.Auth, AuthOAuth2, AuthAccessKey)
		}
		if i == 0 {
			continue
		}
		if names[cards.Name] || cards.Old.Name == "" || cards.New.Name == "" {
			return nil, fmt.Errorf("scenario: migration %d: it needs a name of its own (it has %q) and the names of both cards", i, cards.Name)
		}
		names[cards.Name] = true
	}
	return names, nil
}

func (o *Organization) validate(migrations map[string]bool) error {
	if !migrations[o.Migration] {
		return fmt.Errorf("migration %q is not among the scenario's", o.Migration)
	}
	sandboxes := map[string]bool{}
	for i := range o.Sandboxes {
		sb := &o.Sandboxes[i]
		if sb.Name == "" || sandboxes[sb.Name] {
			return fmt.Errorf("sandbox %d: name %q is empty or stands there twice", i+1, sb.Name)
		}
		sandboxes[sb.Name] = true
		whole := sb.resolved(o.Migration)
		if err := whole.validate(migrations); err != nil {
			return fmt.Errorf("sandbox %q: %w", sb.Name, err)
		}
	}
	return nil
}

func (s *Sandbox) validate(migrations map[string]bool) error {
	accounts := map[string]bool{}
	for _, account := range s.Accounts {
		key := account.Migration + "/" + cardOr(account.Card) + "/" + account.Name
		if account.Name == "" || accounts[key] {
			return fmt.Errorf("account %q: the name is empty or stands there twice on one card", account.Name)
		}
		if err := checkCard(account.Card); err != nil {
			return fmt.Errorf("account %q: %w", account.Name, err)
		}
		if !migrations[account.Migration] {
			return fmt.Errorf("account %q: migration %q is not among the scenario's", account.Name, account.Migration)
		}
		accounts[key] = true
		accounts[account.Migration+"/"+account.Name] = true
	}
	for i := range s.Dataflows {
		flow := &s.Dataflows[i]
		if err := flow.validate(); err != nil {
			return fmt.Errorf("dataflow %q: %w", flow.Name, err)
		}
		if !migrations[flow.Migration] {
			return fmt.Errorf("dataflow %q: migration %q is not among the scenario's", flow.Name, flow.Migration)
		}
		if flow.Account != "" && !accounts[flow.Migration+"/"+flow.Account] {
			return fmt.Errorf("dataflow %q: account %q is not among the sandbox's accounts", flow.Name, flow.Account)
		}
		if flow.Copy != nil && flow.Copy.Account != "" && !accounts[flow.Migration+"/"+flow.Copy.Account] {
			return fmt.Errorf("dataflow %q: copy: account %q is not among the sandbox's accounts", flow.Name, flow.Copy.Account)
		}
	}
	return nil
}

func (d *Dataflow) validate() error {
	if d.Name == "" {
		return fmt.Errorf("it has no name")
	}
	if err := checkCard(d.Card); err != nil {
		return err
	}
	if err := errors.Join(checkFlow(d.State, d.Mappings, d.Runs), checkFailed(d.Runs, d.Failed)); err != nil {
		return err
	}
	if d.Copy == nil {
		return nil
	}
	runs := d.Copy.runs(d)
	if err := errors.Join(checkFlow(d.Copy.State, d.Copy.Mappings, runs.how), checkFailed(runs.how, runs.failed)); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

func checkFlow(state, mappings, runs string) error {
	switch {
	case !slices.Contains([]string{"", stateEnabled, stateDisabled}, state):
		return fmt.Errorf("state %q: write enabled or disabled", state)
	case !slices.Contains([]string{"", MappingSelectors, MappingSet}, mappings):
		return fmt.Errorf("mappings %q: write %s or %s", mappings, MappingSelectors, MappingSet)
	case !slices.Contains([]string{RunsByRule, RunsFail, RunsStall, RunsNone, RunsEmpty, RunsPartial}, runs):
		return fmt.Errorf("runs %q: write %s, %s, %s, %s or %s", runs, RunsFail, RunsStall, RunsNone, RunsEmpty, RunsPartial)
	}
	return nil
}

func checkCard(card string) error {
	if card != "" && card != cardOld && card != cardNew {
		return fmt.Errorf("card %q: write old or new", card)
	}
	return nil
}

// cardOr gives the default card where none was named.
func cardOr(card string) string {
	if card == "" {
		return cardOld
	}
	return card
}
