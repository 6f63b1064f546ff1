package main

import (
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"cutover/internal/store"
)

// sessionLasts is how long the page stays open in a browser: long enough for both sign-ins, short enough for a shared computer.
const sessionLasts = time.Hour

// visit is one request of somebody whose link was opened.
type visit struct {
	store.Link

	session string
}

// cookieName has the prefix by which browsers hold a cookie to this host and to https, where there is https.
func (s *server) cookieName() string {
	if s.secure {
		return "__Host-cutover"
	}
	return "cutover"
}

func (s *server) cookie(name, value string, lasts time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure where people reach the page by https; http is for this machine and rehearsals
		Name: name, Value: value, Path: "/", MaxAge: int(lasts / time.Second), Secure: s.secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // not Strict: people come back from Pinterest
	}
}

func (s *server) session(r *http.Request) string {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// signedIn lets in whoever opened a link within the last hour.
func (s *server) signedIn(next func(http.ResponseWriter, *http.Request, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visit{session: s.session(r)}
		var err error
		if v.Link, err = s.Store.Session(r.Context(), v.session); err != nil {
			s.fault(w, r, "find the session", "", err)
			return
		}
		next(w, r, v)
	}
}

// showLink says what the link is. It does not use it up: scanners of mail open links.
func (s *server) showLink(w http.ResponseWriter, r *http.Request) {
	link, err := s.Store.Link(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refuseLink(w, r, link, err)
		return
	}
	p := s.page(w, r, "link.html", "page.link.title")
	p.Body = link
	s.render(w, http.StatusOK, p)
}

// openLink uses the link up and begins a session.
func (s *server) openLink(w http.ResponseWriter, r *http.Request) {
	session, link, err := s.Store.OpenLink(r.Context(), r.PathValue("token"), sessionLasts)
	if err != nil {
		s.refuseLink(w, r, link, err)
		return
	}
	s.Log.Info("a link was opened", zap.String("organization", link.Organization), zap.String("playbook", link.Playbook))
	http.SetCookie(w, s.cookie(s.cookieName(), session, sessionLasts))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// refuseLink says what to do about a link that does not open. Whoever opened it themselves simply goes on.
func (s *server) refuseLink(w http.ResponseWriter, r *http.Request, link store.Link, err error) {
	switch {
	case errors.Is(err, store.ErrUnknownLink):
		s.refuse(w, r, http.StatusNotFound, "unknown")
	case errors.Is(err, store.ErrExpiredLink):
		s.refuse(w, r, http.StatusGone, "expired")
	case errors.Is(err, store.ErrUsedLink):
		if held, err := s.Store.Session(r.Context(), s.session(r)); err == nil && held.Organization == link.Organization && held.Playbook == link.Playbook {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		s.refuse(w, r, http.StatusGone, "used")
	default:
		s.fault(w, r, "look up a link", "", err)
	}
}

// leave ends the session.
func (s *server) leave(w http.ResponseWriter, r *http.Request) {
	if err := s.Store.EndSession(r.Context(), s.session(r)); err != nil {
		s.fault(w, r, "end a session", "", err)
		return
	}
	http.SetCookie(w, s.cookie(s.cookieName(), "", -time.Second))
	s.refuse(w, r, http.StatusOK, "left")
}
