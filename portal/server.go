package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"

	"cutover/internal/pinterest"
	"cutover/internal/store"
)

// workflowClient is the part of Temporal's client that the page uses.
type workflowClient interface {
	QueryWorkflow(ctx context.Context, workflowID, runID, queryType string, args ...any) (converter.EncodedValue, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, signalName string, arg any) error
}

var _ workflowClient = client.Client(nil)

// sessions keeps links, sessions, consents under way and the grants that come of them. store.Database is one.
type sessions interface {
	Link(ctx context.Context, token string) (store.Link, error)
	OpenLink(ctx context.Context, token string, lasts time.Duration) (session string, l store.Link, err error)
	Session(ctx context.Context, session string) (store.Link, error)
	EndSession(ctx context.Context, session string) error
	Begin(ctx context.Context, session string, a store.Authorization, lasts time.Duration) (state string, err error)
	Complete(ctx context.Context, session, state string) (store.Authorization, error)
	SaveGrant(ctx context.Context, o store.Owner, g pinterest.Grant) error
	Consents(ctx context.Context, organization string) (map[string]time.Time, error)
}

var _ sessions = (*store.Database)(nil)

// deps is what the page needs of the world.
type deps struct {
	Workflows workflowClient
	Store     sessions
	Pinterest *pinterest.Client
	App       pinterest.App // without a client id nobody is asked to consent
	URL       *url.URL      // where people reach the page: a scheme and a host
	Log       *zap.Logger
	Now       func() time.Time
}

// server is the page.
type server struct {
	deps

	secure   bool   // people reach the page by https
	policy   string // Content-Security-Policy
	callback string // where Pinterest sends people back to

	mu   sync.Mutex
	last map[string]standing // by workflow id: what the last answer showed, for when none comes
}

const (
	// maxForm is far more than a form here has, in bytes.
	maxForm = 4 << 10
	// storeTimeout bounds the question whether the store answers; orchestrators give a probe a second or two.
	storeTimeout = 900 * time.Millisecond
)

//go:embed pages/style.css
var style []byte

// newServer is the page with its health and its stylesheet.
func newServer(d deps) http.Handler {
	s := &server{
		deps: d, secure: d.URL.Scheme == "https", callback: d.URL.JoinPath("callback").String(),
		last: map[string]standing{},
	}
	s.policy = "default-src 'none'; style-src 'self'; form-action " + s.formTargets() + "; frame-ancestors 'none'; base-uri 'none'"

	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { health(w, "") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style) // whoever asked is gone: nobody to tell
	})
	mux.HandleFunc("GET /l/{token}", s.showLink)
	mux.HandleFunc("POST /l/{token}", s.openLink)
	mux.HandleFunc("GET /{$}", s.signedIn(s.home))
	mux.HandleFunc("POST /reconnected", s.signedIn(s.reconnected))
	if d.App.ClientID != "" {
		mux.HandleFunc("POST /connect", s.signedIn(s.connect))
		mux.HandleFunc("GET /callback", s.signedIn(s.consented))
	}
	mux.HandleFunc("POST /leave", s.leave)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, http.StatusNotFound, "missing") })

	origin := http.NewCrossOriginProtection()
	if err := origin.AddTrustedOrigin(d.URL.String()); err != nil { // a proxy may have changed the Host that Origin is compared with
		panic(err) // d.URL is a scheme and a host
	}
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, http.StatusForbidden, "origin") }))
	return s.around(origin.Handler(mux))
}

// formTargets is where forms may lead. Browsers hold a form to it over redirects too, and Pinterest sends people on to their country's site.
func (s *server) formTargets() string {
	if s.App.ClientID == "" {
		return "'self'"
	}
	web, err := url.Parse(s.Pinterest.AuthorizeURL(s.App, s.callback, "", ""))
	if err != nil || web.Scheme == "https" {
		return "'self' https:"
	}
	return "'self' " + web.Scheme + "://" + web.Host
}

// around bounds each request, gives each answer its headers and writes one line about it. Neither path nor query is written: they hold links,
// codes and states.
func (s *server) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.Now()
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		header := w.Header()
		header.Set("Content-Security-Policy", s.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		// Not no-referrer: browsers then send "Origin: null" with the page's own forms, which nothing tells from another site's.
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		if s.secure {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.Log.Debug("request", zap.String("method", known(r.Method)), zap.String("route", r.Pattern), zap.Int("status", seen.status),
			zap.Duration("took", s.Now().Sub(started)))
	})
}

// known is a method by its name, where it is one of HTTP's: a log repeats nothing else that a stranger sends.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ready answers 200 while the store answers. Temporal may be down: the page is made to work without it.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	if _, err := s.Store.Session(ctx, "nobody's"); err != nil && !errors.Is(err, store.ErrNoSession) {
		s.Log.Warn("the store does not answer", zap.Error(err))
		health(w, "the store does not answer")
		return
	}
	health(w, "")
}

func health(w http.ResponseWriter, reason string) {
	w.Header().Set("Content-Type", "application/json")
	if reason != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(struct { // whoever asked is gone: nobody to tell
		OK     bool   `json:"ok"`
		Reason string `json:"reason,omitempty"`
	}{reason == "", reason})
}

// fault logs what went wrong on our side, for whom, and says so to the person in plain words. A session that ended meanwhile is nobody's fault.
func (s *server) fault(w http.ResponseWriter, r *http.Request, doing, organization string, err error) {
	if errors.Is(err, store.ErrNoSession) {
		s.refuse(w, r, http.StatusForbidden, "session")
		return
	}
	s.Log.Error(doing, zap.String("organization", organization), zap.Error(err))
	s.refuse(w, r, http.StatusServiceUnavailable, "broken")
}

// field is a field of the posted form, empty if there is none or the form cannot be read.
func field(r *http.Request, name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
