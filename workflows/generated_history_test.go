package workflows_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// Generated cases live on a calendar of ten days, so that two thousand of them stay quick.
const (
	day          = 24 * time.Hour
	generatedBy  = 5 * day  // re-authenticate, after the card is available
	generatedEnd = 10 * day // shutdown
)

// history is one generated case: a world, and what people, vendors and operators do in it. It is a value: the same seed gives the same one.
type history struct {
	seed     uint64
	start    time.Time
	playbook migration.Playbook
	org      migration.Organization
	scenario emulator.Scenario
	patience time.Duration // after the start; from then on an operator of last resort answers whatever is waited for
	mends    bool          // the copies' runs are put right then
	events   []event
	flows    []generatedFlow
	held     bool // the worker keeps grants
	blurs    bool // nobody can see beforehand which sign-ins are good, and until when
}

// generatedFlow is where an old dataflow and its copy are.
type generatedFlow struct{ sandbox, old, copied, account, oldAccount string }

func (f generatedFlow) side(copied bool) string {
	if copied {
		return f.copied
	}
	return f.old
}

// event is something that happens at an instant, or around the nth call of a kind after it.
type event struct {
	at     time.Duration // since the start
	call   string        // empty: at that instant
	nth    int
	after  bool // after the call's work and before its answer
	person bool // it changes what the vendor shows
	what   string
	do     func(*play)
}

func (e event) String() string {
	when := e.at.String()
	if e.call != "" {
		moment := "before"
		if e.after {
			moment = "after"
		}
		when += fmt.Sprintf(", %s call %d of %q", moment, e.nth, e.call)
	}
	return when + ": " + e.what
}

// words is the history for people.
func (h history) words() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	p := h.playbook
	line("start %s (%s from the card); sandboxes %v, expected %d", migration.Instant(h.start), h.start.Sub(p.Timeline.Available), h.org.Sandboxes, h.org.ExpectedDataflows)
	line("playbook: %+v, %+v, %+v, %+v, %+v, watch %s, approval %s", p.CutOver, p.Reauthentication, p.Verification, p.Drift, p.Rollback, p.Watch.Poll, p.Approval)
	line("vendor: %+v", h.scenario.Settings)
	for _, sb := range h.scenario.Organizations[0].Sandboxes {
		for _, a := range sb.Accounts {
			line("account %s of %s: copy %s, ready %v", a.ID, sb.Name, a.CopyID, a.CopyReady)
		}
		for _, f := range sb.Dataflows {
			line("dataflow %s %q of %s on %s: %s, audiences %v, advertiser %s, runs %q; copy %s", f.ID, f.Name, sb.Name, f.Account, f.State, f.Audiences, f.Advertiser, f.Runs, copyWords(f.Copy))
		}
	}
	for _, e := range h.events {
		line("%s", e)
	}
	line("%s: an operator of last resort answers (runs are mended: %v)", h.patience, h.mends)
	return b.String()
}

func copyWords(c *emulator.Copy) string {
	if c == nil {
		return "exact"
	}
	return fmt.Sprintf("%+v", *c)
}

// draw makes choices from a seed.
type draw struct{ *rand.Rand }

func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

func (d draw) span(from, to time.Duration) time.Duration {
	return from + time.Duration(d.Int64N(int64((to-from)/time.Minute)+1))*time.Minute
}

func pick[T any](d draw, of ...T) T { return of[d.IntN(len(of))] }

func drawHistory(seed uint64, base migration.Playbook) history {
	d := draw{rand.New(rand.NewPCG(seed, 3))}
	h := history{seed: seed, playbook: d.playbook(base)}
	h.start = h.playbook.Timeline.Available.Add(pick(d, -36*time.Hour, -time.Second, 0, time.Hour, day, generatedBy-time.Second, generatedBy+time.Second, generatedEnd-day,
		generatedEnd-time.Second, generatedEnd, generatedEnd+3*day)).Add(pick(d, 0, d.span(0, 2*day)))
	h.scenario = d.scenario(h.playbook)
	h.org = migration.Organization{ID: acme, Name: "Acme", Contacts: []string{"marketing@acme.example"}, Credential: "acme"}
	flows := 0
	for _, sb := range h.scenario.Organizations[0].Sandboxes {
		h.org.Sandboxes = append(h.org.Sandboxes, sb.Name)
		for _, f := range sb.Dataflows {
			n := strings.TrimPrefix(f.ID, "old-")
			account := strings.TrimPrefix(f.Account, "Pinterest ")
			h.flows = append(h.flows, generatedFlow{sb.Name, f.ID, "new-" + n, "v5-" + account, "v4-" + account})
			flows++
		}
	}
	if d.chance(15) {
		h.org.ExpectedDataflows = flows + d.IntN(2)
	}
	h.patience = d.span(0, 14*day)
	h.mends = d.chance(70)
	for range d.IntN(9) {
		h.events = append(h.events, d.event(h))
	}
	if d.chance(60) { // the person does their part in most cases
		at := d.span(time.Hour, 8*day)
		for _, f := range h.flows {
			h.events = append(h.events, event{at: at, what: "the customer signs in to " + f.account, do: func(p *play) { p.signIn(f, emulator.Reconnection{By: "customer"}) }})
		}
	}
	slices.SortStableFunc(h.events, func(a, b event) int { return int(a.at - b.at) })
	h.grants()
	return h
}

// playbook is the real one with other knobs.
func (d draw) playbook(p migration.Playbook) migration.Playbook {
	policy := func(of ...migration.Policy) migration.Policy { return pick(d, of...) }
	carryable := []migration.Policy{migration.CarryOver, migration.CarryOver, migration.Ask, migration.Block, migration.Ignore}
	available := p.Timeline.Available
	p.Timeline = migration.Timeline{Available: available, ReauthenticateBy: available.Add(generatedBy), Shutdown: available.Add(generatedEnd)}
	p.Reminders = migration.Reminders{BeforeReauthenticateBy: []migration.Duration{migration.Duration(day)}, BeforeShutdown: []migration.Duration{migration.Duration(day)}, AfterShutdownEvery: migration.Duration(5 * day)}
	p.Reauthentication = migration.Reauthentication{Needed: d.chance(90), Lease: migration.Duration(pick(d, 0, 6*day, 30*day)), Poll: migration.Duration(pick(d, 8*time.Hour, day))}
	if p.Reauthentication.Lease > 0 {
		p.Reauthentication.RenewBefore = migration.Duration(pick(d, 0, day))
	}
	p.CutOver = migration.CutOver{Order: pick(d, migration.EnableFirst, migration.EnableFirst, migration.EnableFirst, migration.DisableFirst), Width: 1 + d.IntN(3), Canary: d.chance(60)}
	p.Verification = migration.Verification{Within: migration.Duration(pick(d, 13*time.Hour, 26*time.Hour)), Poll: migration.Duration(pick(d, 3*time.Hour, 7*time.Hour))}
	if d.chance(60) {
		p.Verification.Sample, p.Verification.AtLeast, p.Verification.MoreFailed = pick[int64](d, 1, 100, 5000), 20, 10
	}
	p.Drift = migration.DriftPolicy{
		AudienceAdded: policy(carryable...), AudienceRemoved: policy(carryable...), AudienceMissing: policy(carryable...),
		AudienceExtra: policy(migration.Ask, migration.Block, migration.Ignore, migration.Ignore), AudienceChanged: policy(migration.Ask, migration.Ignore),
		Mapping: policy(migration.Ask, migration.Ignore), Advertiser: policy(migration.Ask, migration.Block, migration.Ignore),
		Name: policy(migration.Ask, migration.Block, migration.Ignore), State: policy(carryable...), OldGone: policy(carryable...),
	}
	p.Rollback = migration.Rollback{
		OnFailure: d.chance(60), Within: migration.Duration(pick(d, 0, 2*day)), CarryBack: policy(migration.CarryOver, migration.Block), NoWayBack: policy(migration.Ask, migration.Ignore),
	}
	p.Watch = migration.Watch{Poll: migration.Duration(pick(d, 0, 9*time.Hour, day))}
	p.Approval = pick(d, migration.NoApproval, migration.NoApproval, migration.OperatorApproval, migration.TwoPersons)
	return p
}

// scenario is a small organization at the vendors.
func (d draw) scenario(p migration.Playbook) emulator.Scenario {
	s := emulator.Scenario{Stages: emulator.Stages{CardsAvailable: emulator.At(p.Timeline.Available), OldAPIClosed: emulator.At(p.Timeline.Shutdown)}}
	if !p.Reauthentication.Needed {
		s.Cards.Reauth, s.Cards.Auth = new(bool), emulator.AuthAccessKey
	}
	s.Settings = emulator.Settings{
		RunWindow: 6 * time.Hour, ImmediateRuns: d.chance(30), EtagSettles: pick(d, -1, -1, time.Second), Transition: pick(d, 0, 0, 0, 30*time.Second),
		SameStateAccepted: d.chance(30), Probe: pick(d, "", "", "", "404", "501", "true"), HideExpiration: d.chance(20), PatchAccepted: d.chance(30),
		OldDataflows: pick(d, "", emulator.OldRefused, emulator.OldGone), OtherDataflows: pick(d, -1, 1),
	}
	if p.Reauthentication.Lease > 0 {
		s.Settings.Lease = p.Reauthentication.Lease.Std()
	}
	org := emulator.Organization{ID: acme, Name: "Acme", ClientID: "client-acme", ClientSecret: "acme-secret-of-the-client"}
	n := 0
	for i := range 1 + d.IntN(5)/4 {
		sb := emulator.Sandbox{Name: []string{"prod", "emea"}[i]}
		for j := range 1 + d.IntN(4)/3 {
			id := fmt.Sprintf("%d%d", i, j)
			sb.Accounts = append(sb.Accounts, emulator.Account{Name: "Pinterest " + id, ID: "v4-" + id, CopyID: "v5-" + id, CopyReady: d.chance(10)})
		}
		for range 1 + d.IntN(3-i)*d.IntN(2) {
			sb.Dataflows = append(sb.Dataflows, d.dataflow(n, sb))
			n++
		}
		org.Sandboxes = append(org.Sandboxes, sb)
	}
	s.Organizations = []emulator.Organization{org}
	return s
}

func (d draw) dataflow(n int, sb emulator.Sandbox) emulator.Dataflow {
	f := emulator.Dataflow{
		ID: fmt.Sprintf("old-%d", n), Name: fmt.Sprintf("Dataflow %d", n), Account: pick(d, sb.Accounts...).Name, Advertiser: "5497671234" + pick(d, "01", "02"),
		State: pick(d, "enabled", "enabled", "enabled", "enabled", "enabled", "disabled"), Audiences: d.audiences(),
	}
	if n := len(sb.Dataflows); n > 0 && d.chance(12) { // a twin
		twin := sb.Dataflows[n-1]
		f.Name, f.Advertiser, f.Audiences = twin.Name, twin.Advertiser, twin.Audiences
	}
	if d.chance(20) {
		f.Mappings = emulator.MappingSet
	}
	f.Copy = &emulator.Copy{ID: fmt.Sprintf("new-%d", n)}
	if d.chance(55) {
		return f
	}
	switch c := f.Copy; d.IntN(9) {
	case 0:
		c.None = true
	case 1:
		c.Name = f.Name + " (copy)"
	case 2:
		c.Advertiser = "549767123499"
	case 3:
		c.Audiences = d.audiences()
	case 4:
		c.State = "enabled"
	case 5:
		c.Runs = pick(d, emulator.RunsFail, emulator.RunsStall, emulator.RunsNone, emulator.RunsEmpty)
	case 6:
		c.Profiles = new(int)
		*c.Profiles = pick(d, 5, 150)
	case 7:
		c.Mappings = emulator.MappingSet
	case 8:
		c.Runs, c.Failed = emulator.RunsPartial, new(int)
		*c.Failed = pick(d, 5, 60)
	}
	return f
}

func (d draw) audiences() []emulator.Audience {
	list := []emulator.Audience{audienceNamed("Loyal"), audienceNamed("New"), audienceNamed("Imported")}
	d.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:1+d.IntN(len(list))]
}

// audienceNamed is an audience of the organization; one of them is of an external origin.
func audienceNamed(name string) emulator.Audience {
	if name == "Imported" {
		return emulator.Audience{Name: name, ID: "imported-1", Namespace: "aamSegments"}
	}
	return emulator.Audience{Name: name}
}
