package badinput_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// story is one organization of the site: what goes wrong with it, in order. However that is, it ends Migrated.
type story struct {
	name     string // of the company, in small letters
	playbook string

	idle  []step // while no worker runs
	steps []step // with a worker

	// What differs from an organization whose credential is right and whose two dataflows have other names.
	key      key
	fault    emulator.Fault
	sameName bool
	label    string // an access label on the first dataflow, which hides it
	sandbox  string // of the manifest, and unknown at the vendor
	expected int    // dataflows that the operator knows of
}

// key is how an organization's credential is wrong.
type key struct {
	Name   string // of the credential in the manifest; missing: the worker has none
	Secret string // other than the vendor's
}

const missing = "forgotten"

// step is one bad input, or only what leads to the next one.
type step struct {
	before func(*testing.T, *site, story)
	row
	signal any      // sent by Temporal's plain client, as its tools and the Web UI do
	called string   // the signal's name, if it is not the right one
	shows  []string // what the organization's status then says, each in one of its problems or waits
}

func (st story) id() string { return strings.ToUpper(st.name) + "@AdobeOrg" }

func (st story) organization() migration.Organization {
	o := migration.Organization{
		ID: st.id(), Name: strings.ToUpper(st.name[:1]) + st.name[1:], Credential: st.name, Sandboxes: []string{"prod"},
		Contacts: []string{"marketing@" + st.name + ".example"}, ExpectedDataflows: st.expected,
	}
	if st.key.Name != "" {
		o.Credential = st.key.Name
	}
	if st.sandbox != "" {
		o.Sandboxes = append(o.Sandboxes, st.sandbox)
	}
	return o
}

func (st story) secret() string { return marker + "-of-" + st.name + "+/=&" }

// credential is what the worker has at first.
func (st story) credential() stack.Credential {
	c := stack.Credential{Name: st.name, Organization: st.id(), ClientID: "client-" + st.name, ClientSecret: st.secret()}
	if st.key.Secret != "" {
		c.ClientSecret = st.key.Secret
	}
	return c
}

func (st story) atVendor() emulator.Organization {
	ready := st.playbook != signIn && st.playbook != later
	flow := func(name, n string) emulator.Dataflow {
		return emulator.Dataflow{
			Name: name, ID: st.name + "-old-" + n, Advertiser: "549755885175", Audiences: []emulator.Audience{{Name: name}},
			Copy: &emulator.Copy{ID: st.name + "-new-" + n},
		}
	}
	flows := []emulator.Dataflow{flow("Cabins", "1"), flow("Cruises", "2")}
	if st.sameName {
		flows[1] = flow("Cabins", "2")
	}
	if st.label != "" {
		flows[0].Labels = []string{st.label}
	}
	return emulator.Organization{
		ID: st.id(), Name: st.name, ClientID: "client-" + st.name, ClientSecret: st.secret(),
		Sandboxes: []emulator.Sandbox{{
			Name: "prod", Dataflows: flows,
			Accounts: []emulator.Account{{Name: "Pinterest", CopyID: st.name + "-account", CopyReady: ready}},
		}},
	}
}

// fill names the organization's own things in a text: {org}, {account}, {old}, {new}.
func (st story) fill(text string) string {
	return strings.NewReplacer("{org}", st.id(), "{account}", st.name+"-account", "{old}", st.name+"-old-", "{new}", st.name+"-new-").Replace(text)
}

// inputs counts the bad ones.
func (st story) inputs() (n int) {
	for _, step := range slices.Concat(st.idle, st.steps) {
		if step.name != "" {
			n++
		}
	}
	return n
}

// row is the step's row about this organization and its playbook.
func (st story) row(r row) row {
	r.command = strings.Replace(st.fill(r.command), "starter ", "starter --playbook "+st.playbook+".yaml ", 1)
	for _, parts := range []*[]string{&r.says, &r.prints} {
		filled := make([]string, len(*parts))
		for i, part := range *parts {
			filled[i] = st.fill(part)
		}
		*parts = filled
	}
	return r
}

func (st story) play(t *testing.T, s *site, steps []step) {
	t.Helper()
	for _, step := range steps {
		if step.before != nil {
			step.before(t, s, st)
		}
		if step.name != "" {
			t.Log("bad input: " + step.name)
		}
		if step.command != "" {
			st.row(step.row).runOnce(t, s.place)
		}
		if step.signal != nil {
			s.send(t, st, cmp.Or(step.called, workflows.SignalReauthCompleted), step.signal)
		}
		if len(step.shows) > 0 {
			st.sees(t, s, step.shows)
		}
	}
}

// sees waits until the status says each part in one of its problems or waits, and checks how it is said.
func (st story) sees(t *testing.T, s *site, parts []string) {
	t.Helper()
	status := s.until(t, st, strings.Join(parts, " and "), func(status migration.Status) bool {
		text := told(status)
		for _, part := range parts {
			if !strings.Contains(text, st.fill(part)) {
				return false
			}
		}
		return true
	})
	checkWording(t, told(status))
	assert.NotContains(t, told(status), marker)
}

// runOnce runs a row where running it twice would be another input: one that must fail is asked for JSON at once.
func (r row) runOnce(t *testing.T, at place) {
	t.Helper()
	if rest, ok := strings.CutPrefix(r.command, "starter "); ok && r.code != done {
		r.checkJSON(t, at.command(t, r.env, "starter -o json "+rest))
		return
	}
	r.check(t, at.command(t, r.env, r.command))
}

// What leads to a bad input or away from it.

func begin(t *testing.T, s *site, st story) {
	t.Helper()
	s.does(t, "start --org %s --playbook %s.yaml", st.id(), st.playbook)
}

// types is a command that must succeed.
func types(command string) func(*testing.T, *site, story) {
	return func(t *testing.T, s *site, st story) {
		t.Helper()
		s.does(t, "%s --playbook %s.yaml", strings.TrimPrefix(st.fill(command), "starter "), st.playbook)
	}
}

func reaches(phase migration.Phase) func(*testing.T, *site, story) {
	return func(t *testing.T, s *site, st story) {
		t.Helper()
		s.untilPhase(t, st, phase)
	}
}

func both(acts ...func(*testing.T, *site, story)) func(*testing.T, *site, story) {
	return func(t *testing.T, s *site, st story) {
		t.Helper()
		for _, act := range acts {
			act(t, s, st)
		}
	}
}

func signsIn(t *testing.T, s *site, st story) {
	t.Helper()
	s.signs(t, st)
}

func migrates(t *testing.T, s *site, st story) {
	t.Helper()
	s.migrates(t, st)
}
