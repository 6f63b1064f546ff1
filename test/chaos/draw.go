package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/test/stack"
)

// organization is one organization with everything that was drawn for it, and what is seen of it while it is under way.
type organization struct {
	migration.Organization
	script

	client    stack.Credential
	sandboxes []emulator.Sandbox
	faults    []emulator.Fault
	signals   signals
	delay     time.Duration // before its workflow is started
	edit      time.Duration // from the sign-in to an edit in Adobe
	canary    bool
	twice     bool // its operator types commands once more when they are done
	order     migration.Order
	expire    time.Duration // from the sign-in to the end of its access tokens; 0: they are let live
	editAt    *mark         // nil: by the time; else when it comes to this
	kills     []*kill       // that are meant for it

	latest  atomic.Pointer[migration.Status]
	stirred atomic.Bool // something happened since it was asked last
	run     *play

	mu        sync.Mutex
	ledger    []emulator.Entry
	copies    map[string]string // original to copy
	samples   []invariants.Sample
	questions []migration.Question
	began     time.Time
	ended     bool
	trouble   error // of its people
}

// signals is how the organization's contact says that somebody signed in.
type signals struct {
	early bool          // once before anybody did
	wrong bool          // once for an account of nobody
	times int           // 0: never, and polling must find it
	late  time.Duration // after the sign-in
}

// luck is where choices come from: the same for the same seed and name, whatever else happens.
func luck(seed int64, name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))                          // a hash never fails
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64())) //nolint:gosec // luck, not secrecy
}

func idOf(number int) string { return fmt.Sprintf("CHAOS%05d@AdobeOrg", number) }

// numberOf is the number of the organization with this id, or -1.
func numberOf(id string, orgs int) int {
	for i := range orgs {
		if idOf(i) == id {
			return i
		}
	}
	return -1
}

// draw makes the organizations of a seed, or the one that is asked for.
func draw(s settings) []*organization {
	kills := drawKills(s)
	var all []*organization
	for i := range s.orgs {
		if s.only == "" || s.only == idOf(i) {
			o := drawOne(s, i)
			o.kills = kills[o.ID]
			all = append(all, o)
		}
	}
	return all
}

func drawOne(s settings, number int) *organization {
	id := idOf(number)
	l := luck(s.seed, id)
	name := strings.ToLower(strings.TrimSuffix(id, "@AdobeOrg"))
	o := &organization{script: scriptOf(s, number), copies: map[string]string{}}
	o.Organization = migration.Organization{
		ID: id, Name: "Chaos " + id[5:10], Sandboxes: []string{sandbox}, Contacts: []string{"marketing@" + name + ".example"}, Credential: name,
	}
	// A secret with letters that every encoding writes in its own way.
	o.client = stack.Credential{Name: name, Organization: id, ClientID: "client-" + name, ClientSecret: fmt.Sprintf("p8e-%016x+/=&", l.Uint64())}
	o.sandboxes = o.world(l)
	o.delay = time.Duration(l.Int64N(int64(3 * time.Second)))
	o.signals = signals{early: chance(l, 0.2), wrong: chance(l, 0.2), times: l.IntN(4), late: time.Duration(l.Int64N(int64(2 * time.Second)))}
	o.edit = time.Duration(l.Int64N(int64(1500 * time.Millisecond)))
	if places := []boundary{afterPlan, afterEnable, afterDisable, beforeVerify}; chance(l, 0.7) {
		o.editAt = markAt(places[l.IntN(len(places))])
	}
	o.canary, o.twice = chance(l, 0.5), chance(l, 0.3)
	if chance(l, 0.2) {
		o.expire = time.Duration(1 + l.Int64N(int64(time.Second)))
	}
	o.faults = drawFaults(l, o)
	if o.order = migration.EnableFirst; o.either && chance(l, 0.3) {
		o.order = migration.DisableFirst
	}
	return o
}

func chance(l *rand.Rand, p float64) bool { return l.Float64() < p }

// drawn is what was drawn for the organization, in one line.
func (o *organization) drawn() string {
	parts := []string{fmt.Sprintf("script %s, to end %s", o.name, o.outcome), fmt.Sprintf("%d signals, %s late", o.signals.times, o.signals.late.Round(time.Millisecond))}
	add := func(is bool, what string) {
		if is {
			parts = append(parts, what)
		}
	}
	add(o.signals.early, "one signal before the sign-in")
	add(o.signals.wrong, "one signal for an account of nobody")
	add(o.grant != none, "consent "+string(o.grant))
	add(o.name == "edited_meanwhile" && o.editAt != nil, "an edit at a boundary")
	add(o.canary, "a canary")
	add(o.twice, "commands typed twice")
	add(o.order == migration.DisableFirst, string(o.order))
	add(o.expire > 0, "tokens expire "+o.expire.Round(time.Millisecond).String()+" after the sign-in")
	for _, f := range o.faults {
		parts = append(parts, fmt.Sprintf("%s %s after %d, %d times", f.Effect, f.Route, f.After, f.Times))
	}
	for _, k := range o.kills {
		parts = append(parts, fmt.Sprintf("kills %s after its %s", k.target, k.boundary))
	}
	return strings.Join(parts, "; ")
}
