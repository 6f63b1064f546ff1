package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap"

	"cutover/internal/migration"
	"cutover/workflows"
)

// said are the codes that a page can be asked to begin with, and whether each tells of something that did not work.
var said = map[string]bool{
	"reconnected": false, "connected": false, "stored": false, "already": false,
	"notpassed": true, "ended": true, "declined": true, "refused": true, "tooold": true, "unanswered": true, "setup": true,
}

// homePage is an organization's page.
type homePage struct {
	standing

	Said      string // empty, or a sentence to begin with
	Alert     bool   // it tells of something that did not work
	Unknown   bool   // the workflow does not answer, and nothing is known from before
	Known     bool   // the workflow does not answer, and this is from before
	Consent   bool   // people can consent at Pinterest here
	State     string // key of the sentence about where things stand; empty: none fits
	When      string // key of the sentence about the dates; empty: there are none to keep
	Available string
	By        string
	Shutdown  string
	Asked     []account
	Signed    []account // nothing is to be done for these
}

// home shows what is affected, what to do, by when, and where things stand.
func (s *server) home(w http.ResponseWriter, r *http.Request, v visit) {
	st, answered := s.standing(r.Context(), v.Link)
	p := s.page(w, r, "home.html", "page.link.title")
	p.SignedIn = true
	body := homePage{
		standing: st, Unknown: answered == silent, Known: answered == before, Consent: s.App.ClientID != "", State: state(st, answered),
	}
	if answered != silent && answered != nothing {
		p.Title = p.Say("page.heading", "name", st.Name)
		body.When = when(st)
		body.Available, body.By, body.Shutdown = p.Instant(st.Timeline.Available), p.Day(st.Timeline.ReauthenticateBy, st.Zone), p.Day(st.Timeline.Shutdown, st.Zone)
	}
	if code := r.URL.Query().Get("said"); code != "" {
		if alert, known := said[code]; known {
			body.Said, body.Alert = p.Say("page.said."+code), alert
		}
	}
	// What was consented to here shows at once, and not when the worker has seen it.
	consents, err := s.Store.Consents(r.Context(), v.Organization)
	if err != nil {
		s.Log.Warn("the consents cannot be listed", zap.String("organization", v.Organization), zap.Error(err))
	}
	for _, a := range st.Accounts {
		if at := consents[a.ID]; at.After(a.Granted) {
			a.Granted, a.Tried = at, false
		}
		if a.Asked {
			body.Asked = append(body.Asked, a)
		} else {
			body.Signed = append(body.Signed, a)
		}
	}
	p.Body = body
	s.render(w, http.StatusOK, p)
}

// state is the key of the sentence about where the organization stands.
func state(st standing, answered answer) string {
	asked := slices.ContainsFunc(st.Accounts, func(a account) bool { return a.Asked })
	switch {
	case answered == nothing:
		return "page.state.none"
	case answered == silent:
		return ""
	case st.Phase == migration.Migrated:
		return "page.state.migrated"
	case st.Phase == migration.NotAffected:
		return "page.state.notaffected"
	case st.Phase == migration.RolledBack:
		return "page.state.rolledback"
	case st.Phase == migration.Cancelled:
		return "page.state.cancelled"
	case st.Phase == migration.Assessing:
		return "page.state.assessing"
	case st.Paused:
		return "page.state.paused"
	case st.Phase == migration.NeedsAttention:
		return "page.state.attention"
	case !asked:
		return "page.state.nothing"
	}
	return ""
}

// when is the key of the sentence about the dates.
func when(st standing) string {
	if st.Phase.Done() {
		return ""
	}
	switch st.Timeline.Stage(st.At) {
	case migration.ShutDown:
		return "page.when.shutdown"
	case migration.AtRisk:
		return "page.when.atrisk"
	case migration.Scheduled:
		return "page.when.scheduled"
	case migration.Open:
	}
	if st.Timeline.ReauthenticateBy.Equal(st.Timeline.Shutdown) {
		return "page.when.once"
	}
	return "page.when.open"
}

// reconnected passes on that somebody signed in again in Adobe. It is a claim: the worker looks at the account itself.
func (s *server) reconnected(w http.ResponseWriter, r *http.Request, v visit) {
	id := field(r, "account")
	if !s.own(w, r, v, id) {
		return
	}
	s.back(w, r, s.signal(r, v, id, signedBy, "reconnected", "notpassed"))
}

// own tells whether the account is one of the visitor's organization, as its workflow lists them now or listed them before; if not, it answers.
func (s *server) own(w http.ResponseWriter, r *http.Request, v visit, id string) bool {
	st, answered := s.standing(r.Context(), v.Link)
	_, found := st.account(id)
	switch {
	case found:
		return true
	case answered == nothing:
		s.back(w, r, "ended")
	case answered == fresh:
		s.refuse(w, r, http.StatusNotFound, "foreign")
	default:
		s.refuse(w, r, http.StatusServiceUnavailable, "unchecked")
	}
	return false
}

// signedBy is who a signal of this page is by; the page knows organizations, not people.
const signedBy = "reconnect page"

// signalTimeout is how long a person waits for Temporal to take a signal before the page says that it does not.
const signalTimeout = 5 * time.Second

// signal says that an account was signed in to. It reaches the workflow whether or not a worker runs. The answer is the code of what to say.
func (s *server) signal(r *http.Request, v visit, id, by, done, failed string) string {
	ctx, cancel := context.WithTimeout(r.Context(), signalTimeout)
	defer cancel()
	err := s.Workflows.SignalWorkflow(ctx, workflows.WorkflowID(v.Playbook, v.Organization), "", workflows.SignalReauthCompleted,
		workflows.ReauthCompleted{Account: id, By: by})
	switch {
	case err == nil:
		s.Log.Info("a sign-in was passed on", zap.String("organization", v.Organization), zap.String("account", id))
		return done
	case isGone(err):
		return "ended"
	}
	s.Log.Error("a sign-in could not be passed on", zap.String("organization", v.Organization), zap.String("account", id), zap.Error(err))
	return failed
}

// back leads to the page, which begins with what code says.
func (s *server) back(w http.ResponseWriter, r *http.Request, code string) {
	http.Redirect(w, r, "/?said="+url.QueryEscape(code), http.StatusSeeOther)
}
