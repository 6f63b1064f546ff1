package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	partner "cutover/internal/pinterest" // pinterest is the playbook here
	"cutover/workflows"
)

// Calls of a renewal that an event can come just before or just after.
var grantCalls = []string{"token", "patch account", "read account", "test account"}

// grants gives a part of the histories grants that people give, take back and lose. It draws from numbers of its own, so that the rest of a seed stays.
func (h *history) grants() {
	d := draw{rand.New(rand.NewPCG(h.seed, 4))}
	if !h.playbook.Reauthentication.Needed || d.chance(50) {
		return
	}
	h.held = true
	h.playbook.Reauthentication.ByGrant = d.chance(85)
	h.playbook.Verification.AtPartner = d.chance(30)
	h.scenario.Settings.PatchedGrants = d.chance(65)
	short := d.chance(25)
	if short { // shorter than the playbook believes, and than the time it is asked for again before its end
		h.scenario.Settings.Lease = pick(d, 5*time.Hour, 20*time.Hour, 3*day)
	}
	liar := h.scenario.Settings.Probe == "true" && !h.scenario.Settings.PatchedGrants // Adobe's test passes whatever was written
	h.blurs = short || liar
	for _, f := range h.flows {
		if d.chance(35) {
			h.events = append(h.events, event{what: "the customer consented for " + f.account + " before", do: func(p *play) { p.consent(f.account) }})
		}
	}
	for range 1 + d.IntN(5) {
		h.events = append(h.events, d.grantEvent(*h))
	}
	slices.SortStableFunc(h.events, func(a, b event) int { return int(a.at - b.at) })
}

// grantEvent draws something that happens to a grant, or around a renewal.
func (d draw) grantEvent(h history) event {
	e := event{at: d.span(0, 13*day)}
	if d.chance(50) {
		e.at, e.call, e.nth, e.after = d.span(0, 6*day), pick(d, grantCalls...), 1+d.IntN(2), d.chance(50)
	}
	f := pick(d, h.flows...)
	switch n := d.IntN(20); {
	case n < 8:
		account, says := pick(d, f.account, f.account, f.account, f.oldAccount), d.chance(40)
		update := d.chance(30)
		e.what = fmt.Sprintf("the customer consents for %s (and says so: %v, by update: %v)", account, says, update)
		e.person = !says
		e.do = func(p *play) {
			p.consent(account)
			claim := workflows.ReauthCompleted{Account: account, By: "customer"}
			switch {
			case says && update:
				p.act(workflows.UpdateReauthCompleted, claim)
			case says:
				p.env.SignalWorkflow(workflows.SignalReauthCompleted, claim)
			}
		}
	case n < 10:
		e.person, e.what = true, "the customer takes every consent back"
		e.do = func(p *play) { p.note(p.emu.RevokePinterest(acme)) }
	case n < 11:
		e.person, e.what = true, "the grant for "+f.account+" is removed"
		e.do = func(p *play) { p.kept.remove(f.account) }
	case n < 12:
		down := d.span(10*time.Minute, 30*time.Hour)
		e.person, e.what = true, fmt.Sprintf("the store of grants is down for %s", down)
		e.do = func(p *play) { p.kept.fail(p.emu.Now().Add(down)) }
	case n < 15:
		fault := emulator.Fault{Route: pick(d, "POST /v5/oauth/token", "POST /v5/oauth/token", "PATCH /connections/{id}", "GET /connections/{id}", "GET /connections/{id}/test"), Times: 1 + d.IntN(5)}
		fault.Effect, fault.Status = emulator.EffectStatus, pick(d, 400, 401, 403, 412, 429, 500, 503)
		switch d.IntN(4) {
		case 0:
			fault.Effect, fault.Status = emulator.EffectCutBefore, 0
		case 1:
			fault.Effect, fault.Status = emulator.EffectCutAfter, 0
		}
		e.what = fmt.Sprintf("the vendor fails: %s, %d times, %s %d", fault.Route, fault.Times, fault.Effect, fault.Status)
		e.do = func(p *play) { _, err := p.emu.AddFault(fault); p.note(err) }
	case n < 17:
		e.person, e.what = true, "the customer signs in to "+f.account
		e.do = func(p *play) { p.signIn(f, emulator.Reconnection{By: "customer"}) }
	case n < 18:
		e.what = "somebody says that " + f.account + " was signed in to"
		e.do = func(p *play) {
			p.env.SignalWorkflow(workflows.SignalReauthCompleted, workflows.ReauthCompleted{Account: f.account, By: "customer"})
		}
	case n < 19:
		e.what = "an operator pauses, and resumes a while later"
		wait := d.span(time.Minute, 2*day)
		e.do = func(p *play) {
			p.act(workflows.UpdatePause, workflows.Pause{By: "operator", Reason: "lunch"})
			p.env.RegisterDelayedCallback(func() { p.act(workflows.UpdateResume, workflows.Resume{By: "operator"}) }, wait)
		}
	default:
		e.what = "the engine suggests to continue as new"
		e.do = func(p *play) { p.env.SetContinueAsNewSuggested(true) }
	}
	return e
}

// consent is the customer consenting for an account, and the reconnect page keeping that.
func (p *play) consent(account string) {
	tokens, err := p.emu.GrantPinterest(acme)
	p.note(err)
	now := p.emu.Now()
	p.kept.save(partner.Held{
		Owner: partner.Owner{Organization: acme, Account: account}, ConsentedAt: now, IssuedAt: now,
		Grant: partner.Grant{
			AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken, ExpiresAt: now.Add(time.Duration(tokens.ExpiresIn) * time.Second),
			RefreshExpiresAt: now.Add(time.Duration(tokens.RefreshTokenExpiresIn) * time.Second),
		},
	})
}

// manyRenewals at one instant are a loop: a renewal that does not last must not be repeated at once.
const manyRenewals = 10

// renews counts the renewals that begin at one instant, and ends a history that does nothing else any more.
func (p *play) renews() {
	if at := p.env.Now(); !at.Equal(p.renewedAt) {
		p.renewedAt, p.renewals = at, 0
	}
	if p.renewals++; p.renewals == manyRenewals*len(p.flows) {
		p.breaks("accounts are renewed again and again at %s", migration.Instant(p.renewedAt))
		p.env.RegisterDelayedCallback(p.cancel, 0)
	}
}

// memoryGrants keeps grants as store.Database does, in memory: two thousand histories have no time for files.
type memoryGrants struct {
	mu    sync.Mutex
	now   func() time.Time
	held  map[partner.Owner]partner.Held
	until time.Time // it is down
}

var errStoreDown = errors.New("the store of grants is down")

func (m *memoryGrants) save(h partner.Held) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[h.Owner] = h
}

func (m *memoryGrants) remove(account string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.held, partner.Owner{Organization: acme, Account: account})
}

func (m *memoryGrants) fail(until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.until = until
}

func (m *memoryGrants) Grant(_ context.Context, o partner.Owner) (partner.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	held, ok := m.held[o]
	switch {
	case m.now().Before(m.until):
		return held, errStoreDown
	case !ok:
		return held, partner.ErrNoGrant
	}
	return held, nil
}

func (m *memoryGrants) GrantsWithoutTokens(context.Context) ([]partner.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.held)), nil
}

func (m *memoryGrants) Consents(_ context.Context, organization string) (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now().Before(m.until) {
		return nil, errStoreDown
	}
	given := map[string]time.Time{}
	for o, held := range m.held {
		if o.Organization == organization && held.RefusedAt.IsZero() {
			given[o.Account] = held.ConsentedAt
		}
	}
	return given, nil
}

func (m *memoryGrants) RenewGrant(
	ctx context.Context, o partner.Owner, due func(partner.Held) bool, refresh func(context.Context, string) (partner.Grant, error),
) (partner.Held, error) {
	for {
		spent, err := m.Grant(ctx, o)
		if err != nil || !due(spent) {
			return spent, err
		}
		fresh, err := refresh(ctx, spent.Grant.RefreshToken) // a person may consent anew meanwhile
		if err != nil && !errors.Is(err, partner.ErrInvalidGrant) {
			return partner.Held{}, err
		}
		m.mu.Lock()
		current, ok := m.held[o]
		same := ok && current.Grant.RefreshToken == spent.Grant.RefreshToken
		switch {
		case !same:
		case err != nil:
			current.RefusedAt, current.Why = m.now(), err.Error()
		default:
			current.Grant, current.IssuedAt = fresh, m.now()
		}
		if ok {
			m.held[o] = current
		}
		m.mu.Unlock()
		switch {
		case same && err != nil:
			return partner.Held{}, err
		case same:
			return current, nil
		}
	}
}
