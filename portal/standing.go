package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.uber.org/zap"

	"cutover/internal/migration"
	"cutover/internal/store"
	"cutover/workflows"
)

const (
	// answerTimeout is how long a person waits for the workflow's answer before the page says that it does not come.
	answerTimeout = 4 * time.Second
	// namedDataflows are shown by name; who has more recognizes it by these.
	namedDataflows = 20
	// remembered organizations: what they cost is some hundred kilobytes.
	remembered = 500
	// accountsPage is where accounts are in Adobe's user interface, if the playbook gives no address.
	accountsPage = "https://experience.adobe.com/#/platform/destination/accounts"
)

// standing is where an organization stands, as far as the page shows it.
type standing struct {
	At        time.Time // when it was answered
	Name      string
	Migration string // the playbook's title
	Phase     migration.Phase
	Paused    bool
	Timeline  migration.Timeline
	Zone      string
	Why       string // the organization is affected
	ByGrant   bool   // a consent alone can renew an account
	Links     migration.Links
	Accounts  []account
	Flows     []flow
	More      int // dataflows that are not named
	All       int
	Moved     int
}

// account is one that people sign in to.
type account struct {
	ID, Name, Sandbox string
	Asked             bool // a person is needed
	Ends              time.Time
	Note              string // what the last look showed
	Claimed           bool
	Granted           time.Time // consent was given; zero: none is held
	Tried             bool      // that consent was not enough
	advertisers       []string  // ad accounts that its dataflows send to
}

// flow is a dataflow.
type flow struct {
	Name  string
	State string // moved, waiting, off or back
}

// standingOf takes from a status what the page shows.
func standingOf(s migration.Status, at time.Time) standing {
	s.At(at)
	st := standing{
		At: at, Name: short(s.Name), Migration: short(s.Title), Phase: s.Phase, Paused: s.Paused, Timeline: s.Timeline, Zone: s.Zone,
		Why: short(s.Reason), ByGrant: s.ByGrant, Links: s.Links, All: max(s.Listed, len(s.Pairs)),
	}
	if st.Name == "" {
		st.Name = s.Organization
	}
	if st.Migration == "" {
		st.Migration = s.Playbook
	}
	if st.Links.Accounts == "" {
		st.Links.Accounts = accountsPage
	}
	paired := map[string]bool{}
	for _, pair := range s.Pairs {
		paired[pair.Name] = true
		f := flow{Name: short(pair.Name), State: flowState(pair.Progress)}
		if f.State == "moved" {
			st.Moved++
		}
		st.Flows = append(st.Flows, f)
	}
	for _, name := range s.Dataflows {
		if !paired[name] {
			st.Flows = append(st.Flows, flow{Name: short(name), State: "waiting"})
		}
	}
	st.Flows = st.Flows[:min(len(st.Flows), namedDataflows)]
	st.All = max(st.All, len(st.Flows))
	st.More = st.All - len(st.Flows)
	for _, a := range s.Accounts {
		st.Accounts = append(st.Accounts, accountOf(a, s))
	}
	return st
}

func flowState(p migration.Progress) string {
	switch p {
	case migration.Switched, migration.Verified:
		return "moved"
	case migration.LeftOff:
		return "off"
	case migration.WentBack:
		return "back"
	case migration.Ready, migration.Held:
	}
	return "waiting"
}

func accountOf(a migration.AccountState, s migration.Status) account {
	shown := account{
		ID: a.ID, Name: short(a.Name), Sandbox: short(a.Sandbox), Note: short(a.Note), Claimed: a.ClaimedBy != "", Granted: a.GrantedAt,
		Asked: !s.Phase.Done() && (!a.Verified || !a.RenewSince.IsZero()),
		Tried: !a.TriedAt.IsZero() && !a.GrantedAt.After(a.TriedAt),
	}
	if a.Verified {
		shown.Ends = a.LeaseEnd
	}
	shown.advertisers = slices.Clone(a.Advertisers)
	for _, pair := range s.Pairs {
		if pair.Account == a.ID && pair.Advertiser != "" {
			shown.advertisers = append(shown.advertisers, pair.Advertiser)
		}
	}
	slices.Sort(shown.advertisers)
	shown.advertisers = slices.Compact(shown.advertisers)
	return shown
}

// answer says how a question about an organization went.
type answer int

const (
	fresh   answer = iota // the workflow answered just now
	before                // it does not answer now, and did before
	silent                // it does not answer, and never did since this process began
	nothing               // there is no such workflow
)

// standing asks the organization's workflow how it stands.
func (s *server) standing(ctx context.Context, l store.Link) (standing, answer) {
	id := workflows.WorkflowID(l.Playbook, l.Organization)
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var status migration.Status
	value, err := s.Workflows.QueryWorkflow(ctx, id, "", workflows.QueryStatus)
	if err == nil {
		err = value.Get(&status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if _, known := s.last[id]; !known && len(s.last) >= remembered {
			clear(s.last) // whoever still looks is asked for again
		}
		s.last[id] = standingOf(status, s.Now())
		return s.last[id], fresh
	}
	if isGone(err) {
		delete(s.last, id)
		return standing{Name: l.Organization}, nothing
	}
	s.Log.Warn("the workflow does not answer", zap.String("organization", l.Organization), zap.Error(err))
	if last, known := s.last[id]; known {
		return last, before
	}
	return standing{Name: l.Organization, Links: migration.Links{Accounts: accountsPage}}, silent
}

func isGone(err error) bool {
	_, gone := errors.AsType[*serviceerror.NotFound](err)
	return gone
}

// account finds an account of the visitor's organization.
func (st standing) account(id string) (account, bool) {
	i := slices.IndexFunc(st.Accounts, func(a account) bool { return a.ID == id })
	if i < 0 {
		return account{}, false
	}
	return st.Accounts[i], true
}
