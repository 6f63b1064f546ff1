package emulator

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeLifetime is how long an authorization code can be exchanged.
const codeLifetime = 5 * time.Minute

// consentPage is Pinterest's question to the person. PKCE parameters are ignored, as Pinterest documents none.
type consentPage struct {
	App, Redirect, State string
	Scopes               []string
	Organizations        []OrganizationState
}

// showConsent is GET /oauth/.
func (e *Emulator) showConsent(w http.ResponseWriter, r *http.Request) {
	page, problem := e.consentPage(r.URL.Query())
	if problem != "" {
		e.render(w, http.StatusBadRequest, "error.html", problem)
		return
	}
	e.render(w, http.StatusOK, "consent.html", page)
}

func (e *Emulator) consentPage(q url.Values) (page consentPage, problem string) {
	e.lock()
	defer e.mu.Unlock()
	page = consentPage{
		App: or(q.Get("client_id"), q.Get("consumer_id")), Redirect: q.Get("redirect_uri"), State: q.Get("state"),
		Scopes: strings.FieldsFunc(or(q.Get("scope"), defaultScopes), func(r rune) bool { return r == ',' || r == ' ' }),
	}
	switch {
	case page.App != e.pins.app.ClientID:
		return page, "client_id is not a known application"
	case q.Get("response_type") != "code":
		return page, "response_type must be code"
	case !e.mayReturnTo(page.Redirect):
		return page, "redirect_uri is not registered for the application"
	}
	for _, org := range e.world.organizations {
		page.Organizations = append(page.Organizations, OrganizationState{ID: org.id, Name: org.name, PinterestUser: org.pinterestUser})
	}
	return page, ""
}

// mayReturnTo checks the address the person is sent back to: registered exactly, or loopback when none is registered.
func (e *Emulator) mayReturnTo(redirect string) bool {
	if registered := e.pins.app.RedirectURIs; len(registered) > 0 {
		return slices.Contains(registered, redirect)
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

// takeConsent is POST /oauth/: the person's answer, carried back to the application.
func (e *Emulator) takeConsent(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		e.render(w, http.StatusBadRequest, "error.html", "the form cannot be read")
		return
	}
	form := r.PostForm
	form.Set("response_type", "code")
	page, problem := e.consentPage(form)
	back, err := url.Parse(page.Redirect)
	if problem != "" || err != nil {
		e.render(w, http.StatusBadRequest, "error.html", or(problem, "redirect_uri is not an address"))
		return
	}
	q := back.Query()
	if page.State != "" {
		q.Set("state", page.State)
	}
	if form.Get("answer") == "approve" {
		code, err := e.code(form.Get("organization"), page)
		if err != nil {
			e.render(w, http.StatusBadRequest, "error.html", err.Error())
			return
		}
		q.Set("code", code)
	} else {
		q.Set("error", "access_denied")
	}
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// code issues an authorization code for the organization's person.
func (e *Emulator) code(org string, page consentPage) (string, error) {
	e.lock()
	defer e.mu.Unlock()
	o, err := e.lookupOrganization(org)
	if err != nil {
		return "", err
	}
	code := rand.Text()
	e.pins.codes[code] = &pinterestCode{e.consent(o, page.Scopes), page.Redirect, e.now.Add(codeLifetime)}
	e.secrets = append(e.secrets, Secret{"pinterest_code", o.id, code})
	e.enter(Entry{
		Kind: KindEdit, Actor: person(o.pinterestUser), Entity: entityPinterest, Organization: o.id, Op: "consent", Applied: true,
		Detail: strings.Join(page.Scopes, ","),
	}, nil)
	return code, nil
}
