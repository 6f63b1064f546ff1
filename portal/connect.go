package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/oauth2"

	"cutover/internal/pinterest"
	"cutover/internal/store"
)

const (
	// consentLasts is how long a person may take at Pinterest, where they may have to look for a password first.
	consentLasts = sessionLasts / 4
	// checkTimeout bounds the check of a consent: one that takes longer must not cost the consent itself.
	checkTimeout = 10 * time.Second
)

// scopes are what it takes to see that audiences arrive (contract: Pinterest v5, "Scopes").
var scopes = []string{"user_accounts:read", "ads:read"}

// connect sends the person to Pinterest's consent page.
func (s *server) connect(w http.ResponseWriter, r *http.Request, v visit) {
	id := field(r, "account")
	if !s.own(w, r, v, id) {
		return
	}
	verifier := oauth2.GenerateVerifier()
	state, err := s.Store.Begin(r.Context(), v.session, store.Authorization{Account: id, Verifier: verifier}, consentLasts)
	if err != nil {
		s.fault(w, r, "begin a consent", v.Organization, err)
		return
	}
	http.Redirect(w, r, s.Pinterest.AuthorizeURL(s.App, s.callback, state, oauth2.S256ChallengeFromVerifier(verifier), scopes...), http.StatusSeeOther)
}

// consented takes the answer with which Pinterest sends the person back.
func (s *server) consented(w http.ResponseWriter, r *http.Request, v visit) {
	query := r.URL.Query()
	// An answer counts once; what follows is done to its end, also when the person closes the page.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), requestTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	begun, err := s.Store.Complete(ctx, v.session, query.Get("state"))
	switch {
	case errors.Is(err, store.ErrUsedState):
		s.back(w, r, "already")
		return
	case errors.Is(err, store.ErrForgedState):
		s.refuse(w, r, http.StatusBadRequest, "forged")
		return
	case err != nil:
		s.fault(w, r, "complete a consent", v.Organization, err)
		return
	}
	switch {
	case query.Get("error") == "access_denied":
		s.back(w, r, "declined")
		return
	case query.Get("error") != "", query.Get("code") == "":
		s.back(w, r, "refused")
		return
	}
	grant, err := s.Pinterest.Exchange(ctx, s.App, query.Get("code"), s.callback, begun.Verifier)
	if err != nil {
		s.Log.Warn("a consent could not be taken", zap.String("organization", v.Organization), zap.String("account", begun.Account), zap.Error(err))
		s.back(w, r, whyNot(err))
		return
	}
	s.keep(w, r, v, begun.Account, grant)
}

// whyNot is the code of what to say about an exchange that failed.
func whyNot(err error) string {
	refused, answered := errors.AsType[*pinterest.Error](err)
	switch {
	case errors.Is(err, pinterest.ErrInvalidGrant):
		return "tooold"
	case answered && !refused.Temporary():
		return "setup"
	}
	return "unanswered"
}

// keep stores a grant of somebody who has access to the account's ad accounts, and only then says that it is there.
func (s *server) keep(w http.ResponseWriter, r *http.Request, v visit, id string, grant pinterest.Grant) {
	user, missing := s.check(r.Context(), v, id, grant)
	if len(missing) > 0 {
		s.Log.Warn("a consent was not taken: its Pinterest user does not manage the account's ad accounts",
			zap.String("organization", v.Organization), zap.String("account", id), zap.Strings("ad accounts", missing))
		p := s.page(w, r, "wronguser.html", "page.wronguser.title")
		p.SignedIn, p.Body = true, wrongUser{User: user, Missing: missing}
		s.render(w, http.StatusForbidden, p)
		return
	}
	if err := s.Store.SaveGrant(r.Context(), store.Owner{Organization: v.Organization, Account: id}, grant); err != nil {
		s.fault(w, r, "store a grant of account "+id, v.Organization, err)
		return
	}
	by := signedBy
	if user != "" {
		by += " (Pinterest user " + user + ")"
	}
	s.back(w, r, s.signal(r, v, id, by, "connected", "stored"))
}

// check asks Pinterest who consented, and which of the account's ad accounts that user does not manage.
func (s *server) check(ctx context.Context, v visit, id string, grant pinterest.Grant) (user string, missing []string) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return s.user(ctx, grant), s.unreachable(ctx, v, id, grant)
}

// wrongUser is whom a person signed in as at Pinterest, and the ad accounts that this user does not manage.
type wrongUser struct {
	User    string
	Missing []string
}

// user is the name of the Pinterest user who consented; empty if Pinterest does not tell.
func (s *server) user(ctx context.Context, grant pinterest.Grant) string {
	who, err := s.Pinterest.UserAccount(ctx, grant.AccessToken)
	if err != nil {
		s.Log.Warn("Pinterest does not tell who consented", zap.Error(err))
		return ""
	}
	return short(who.Username)
}

// unreachable are the account's ad accounts whose audiences the person does not manage. Where that cannot be told, there are none: the worker looks
// again, and a consent that cannot be checked may well be good.
func (s *server) unreachable(ctx context.Context, v visit, id string, grant pinterest.Grant) []string {
	st, _ := s.standing(ctx, v.Link)
	own, _ := st.account(id)
	if len(own.advertisers) == 0 {
		return nil
	}
	seen, err := s.Pinterest.AdAccounts(ctx, grant.AccessToken)
	refused, answered := errors.AsType[*pinterest.Error](err)
	switch {
	case err == nil:
	case answered && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden):
		return own.advertisers // the person left out the permission
	default:
		s.Log.Warn("the ad accounts of a consent cannot be listed", zap.String("organization", v.Organization), zap.String("account", id), zap.Error(err))
		return nil
	}
	return slices.DeleteFunc(slices.Clone(own.advertisers), func(advertiser string) bool {
		return slices.ContainsFunc(seen, func(a pinterest.AdAccount) bool { return a.ID == advertiser && a.ManagesAudiences() })
	})
}
