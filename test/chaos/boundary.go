package main

import (
	"slices"
	"sync"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// boundary is a step after which something is meant to happen.
type boundary string

// The boundaries, as the ledger or the workflow's own word shows them.
const (
	afterAssess  boundary = "first list"
	afterNotice  boundary = "first notice"
	afterConsent boundary = "consent at Pinterest" // before the page has exchanged it for a grant
	afterRefresh boundary = "refresh of a grant"   // before the new one is stored
	afterRenewal boundary = "write of an account"
	afterSignIn  boundary = "sign-in"
	afterPlan    boundary = "first plan"
	afterEnable  boundary = "first enable" // between the two writes of a pair
	afterDisable boundary = "first disable"
	beforeVerify boundary = "first look at flow runs"
	afterVerify  boundary = "first verdict"
	afterBack    boundary = "first way back" // between the two writes of a rollback
)

// boundaries in the order in which kills are drawn for them.
func boundaries() []boundary {
	return []boundary{
		afterEnable, afterAssess, afterBack, afterDisable, afterRefresh, afterNotice, beforeVerify, afterConsent, afterSignIn, afterPlan, afterRenewal, afterVerify,
	}
}

// on tells whether an organization with this script passes the boundary for certain.
func (b boundary) on(s script) bool {
	switch b {
	case afterBack:
		return s.outcome == migration.RolledBack
	case afterConsent:
		return s.grant == byPage
	case afterRefresh:
		return s.grant == held
	case afterRenewal:
		return s.grant == byPage || s.grant == held
	case afterSignIn, afterNotice:
		return s.outcome == migration.Migrated && s.grant == none
	case afterAssess, afterPlan, afterEnable, afterDisable, beforeVerify, afterVerify:
	}
	return s.outcome == migration.Migrated
}

// reached tells whether a ledger entry shows that the boundary is reached; disabled tells that a dataflow was, before it.
func (b boundary) reached(e emulator.Entry, disabled bool) bool {
	switch b {
	case afterAssess:
		return e.Kind == emulator.KindList && e.Entity == "flow"
	case afterConsent:
		return e.Kind == emulator.KindEdit && e.Op == "consent"
	case afterRefresh:
		return e.Kind == emulator.KindToken && e.Op == "refresh_token" && e.Applied
	case afterRenewal:
		return written(e) && e.Applied && e.Entity == "connection"
	case afterSignIn:
		return e.Kind == emulator.KindEdit && e.Entity == "connection"
	case afterEnable:
		return switches(e, "enable") && e.Origin != ""
	case afterDisable:
		return switches(e, "disable")
	case beforeVerify:
		return disabled && e.Entity == "run"
	case afterBack:
		return switches(e, "enable") && e.Origin == ""
	case afterNotice, afterPlan, afterVerify: // the workflow says so
	}
	return false
}

// said tells whether the workflow's own word shows that the boundary is reached.
func (b boundary) said(s migration.Status) bool {
	switch b {
	case afterNotice:
		return len(s.Notices) > 0
	case afterPlan:
		return s.PlanHash != ""
	case afterVerify:
		return slices.ContainsFunc(s.Pairs, func(p migration.PairState) bool { return p.Progress == migration.Verified })
	case afterAssess, afterConsent, afterRefresh, afterRenewal, afterSignIn, afterEnable, afterDisable, beforeVerify, afterBack:
	}
	return false
}

// mark notes when an organization reaches a boundary.
type mark struct {
	boundary boundary

	once    sync.Once
	reached chan struct{} // closed then
	flow    string        // the original of the pair it was reached with, if it was with one
}

func markAt(b boundary) *mark { return &mark{boundary: b, reached: make(chan struct{})} }

// see tells that the boundary is reached by this entry, once.
func (m *mark) see(o *organization, e emulator.Entry) (now bool) {
	if m == nil {
		return false
	}
	disabled := m.boundary == beforeVerify && e.Entity == "run" && o.any(func(e emulator.Entry) bool { return switches(e, "disable") })
	if !m.boundary.reached(e, disabled) {
		return false
	}
	flow := e.Origin
	if flow == "" && e.Entity == "flow" {
		flow = e.ID
	}
	return m.reach(flow)
}

// hear tells that the boundary is reached by this word, once.
func (m *mark) hear(s migration.Status) (now bool) {
	return m != nil && m.boundary.said(s) && m.reach("")
}

func (m *mark) reach(flow string) (now bool) {
	m.once.Do(func() {
		m.flow, now = flow, true
		close(m.reached)
	})
	return now
}
