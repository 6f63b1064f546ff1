package emulator

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages are the console's templates.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"moment": func(t time.Time) string { return t.Format("2006-01-02 15:04:05 UTC") },
}).ParseFS(pageFiles, "pages/*.html"))

// Sizes of the console's lists.
const (
	organizationsPerPage = 10
	recentEntries        = 25
)

// consoleRoutes adds the page at / and the person's actions. Every change is a POST form; the cross-origin check stands
// before the whole mux.
func (e *Emulator) consoleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", e.showConsole)
	mux.HandleFunc("GET /console/dataflow", e.showDataflow)
	mux.HandleFunc("POST /console/dataflow", e.action(func(form url.Values) error {
		return e.EditFlow(form.Get("organization"), form.Get("sandbox"), form.Get("id"), Edit{
			By: form.Get("by"), State: form.Get("state"),
		})
	}))
	mux.HandleFunc("POST /console/reconnect", e.action(func(form url.Values) error {
		return e.Reconnect(form.Get("organization"), form.Get("sandbox"), form.Get("id"), Reconnection{
			By: form.Get("by"), Advertiser: form.Get("advertiser"), MissingScope: form.Get("missing_scope") != "",
		})
	}))
	mux.HandleFunc("POST /console/clock", e.action(func(form url.Values) error {
		d, err := time.ParseDuration(form.Get("advance"))
		if err != nil {
			return fmt.Errorf("advance %q: write it like 90s or 1h", form.Get("advance"))
		}
		return e.Advance(d)
	}))
	mux.HandleFunc("POST /console/stages", e.action(func(form url.Values) error {
		on := true
		switch form.Get("stage") {
		case "cards_available":
			return e.SetStages(StageSwitch{CardsAvailable: &on})
		case "old_api_closed":
			return e.SetStages(StageSwitch{OldAPIClosed: &on})
		default:
			return fmt.Errorf("stage %q: %w", form.Get("stage"), ErrNoSuch)
		}
	}))
	mux.HandleFunc("GET /oauth/", e.showConsent)
	mux.HandleFunc("POST /oauth/", e.takeConsent)
}

// consolePage is what the page at / shows.
type consolePage struct {
	State    State
	Query    string
	Page     int
	Previous int
	Next     int
	Total    int
	Entries  []Entry
}

// cardView is one card of one sandbox.
type cardView struct {
	Org, Sandbox string
	CardName     string
	Accounts     []AccountState
	Flows        []FlowState
}

// Pairs are the card pairs that a sandbox uses, and the first one when it is empty.
func (p consolePage) Pairs(sb SandboxState) []Cards {
	used := slices.DeleteFunc(slices.Clone(p.State.Migrations), func(c Cards) bool {
		return len(view("", sb, c.Name, cardOld).Accounts)+len(view("", sb, c.Name, cardNew).Accounts) == 0
	})
	if len(used) == 0 {
		return p.State.Migrations[:1]
	}
	return used
}

// Old is the old card of a pair in a sandbox, for the template.
func (p consolePage) Old(org string, sb SandboxState, pair Cards) cardView {
	v := view(org, sb, pair.Name, cardOld)
	v.CardName = pair.Old.Name
	return v
}

// New is the new card of a pair in a sandbox, for the template.
func (p consolePage) New(org string, sb SandboxState, pair Cards) cardView {
	v := view(org, sb, pair.Name, cardNew)
	v.CardName = pair.New.Name
	return v
}

func view(org string, sb SandboxState, migration, card string) cardView {
	v := cardView{Org: org, Sandbox: sb.Name}
	for _, a := range sb.Accounts {
		if a.Card == card && a.Migration == migration {
			v.Accounts = append(v.Accounts, a)
		}
	}
	for _, f := range sb.Flows {
		if f.Card == card && f.Migration == migration {
			v.Flows = append(v.Flows, f)
		}
	}
	return v
}

// showConsole is GET /: a page of organizations, those whose id or name holds ?q=.
func (e *Emulator) showConsole(w http.ResponseWriter, r *http.Request) {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	e.render(w, http.StatusOK, "console.html", e.consolePage(query, page))
}

func (e *Emulator) consolePage(query string, page int) consolePage {
	e.lock()
	defer e.mu.Unlock()
	var fitting []*organization
	for _, org := range e.world.organizations {
		if strings.Contains(strings.ToLower(org.id+" "+org.name), strings.ToLower(query)) {
			fitting = append(fitting, org)
		}
	}
	from := min((page-1)*organizationsPerPage, len(fitting))
	to := min(from+organizationsPerPage, len(fitting))
	p := consolePage{State: e.state(fitting[from:to]), Query: query, Page: page, Total: len(fitting)}
	if from > 0 {
		p.Previous = page - 1
	}
	if to < len(fitting) {
		p.Next = page + 1
	}
	p.Entries = e.ledger.after(e.ledger.seq - recentEntries)
	slices.Reverse(p.Entries)
	return p
}

// dataflowPage is the deliberate step before a toggle.
type dataflowPage struct {
	Organization, Sandbox string
	Flow                  FlowState
	Next                  string // the state the button leads to
}

// showDataflow is GET /console/dataflow.
func (e *Emulator) showDataflow(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page := dataflowPage{Organization: q.Get("organization"), Sandbox: q.Get("sandbox"), Next: stateEnabled}
	state, err := e.flowState(page.Organization, page.Sandbox, q.Get("id"))
	if err != nil {
		e.render(w, http.StatusNotFound, "error.html", err.Error())
		return
	}
	page.Flow = state
	if exports(state.State) {
		page.Next = stateDisabled
	}
	e.render(w, http.StatusOK, "dataflow.html", page)
}

// action wraps a person's form: do it, then show the console again.
func (e *Emulator) action(do func(url.Values) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			e.render(w, http.StatusBadRequest, "error.html", "the form cannot be read")
			return
		}
		if err := do(r.PostForm); err != nil {
			e.render(w, http.StatusBadRequest, "error.html", err.Error())
			return
		}
		http.Redirect(w, r, "/?"+url.Values{"q": {r.PostForm.Get("q")}}.Encode(), http.StatusSeeOther)
	}
}

// render writes a page whole or an error, never half a page.
func (e *Emulator) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		e.log.Error("render console page", zap.String("page", name), zap.Error(err))
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := page.WriteTo(w); err != nil {
		e.log.Debug("page not taken", zap.Error(err))
	}
}
