package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"
	"unicode"

	"go.uber.org/zap"

	"cutover/internal/words"
)

//go:embed pages/*.html
var files embed.FS

// templates are the pages, each with the layout around it.
var templates = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range []string{"link.html", "home.html", "refusal.html", "wronguser.html"} {
		all[name] = template.Must(template.ParseFS(files, "pages/layout.html", "pages/"+name))
	}
	return all
}()

const (
	languageCookie = "cutover_language"
	languageLasts  = 90 * 24 * time.Hour
	// maxShown bounds a name or a sentence of the vendor's, in characters: what is longer is nobody's name.
	maxShown = 300
)

// page is what the layout shows; Body is what the page itself shows.
type page struct {
	words.Printer

	Title    string
	Choices  []choice // of language
	SignedIn bool
	Body     any

	name string // of the template
}

// choice is a language to read the page in.
type choice struct {
	Code    words.Language
	Name    string
	Current bool
	Href    string
}

// names of the languages, each in itself.
var names = map[words.Language]string{words.English: "English", words.Chinese: "繁體中文"}

// page begins a page in the language of whoever asked.
func (s *server) page(w http.ResponseWriter, r *http.Request, name, title string) page {
	p := page{Printer: words.In(s.language(w, r)), name: name}
	p.Title = p.Say(title)
	// A link that names no path leads back to this page, also where its path holds a secret; answers to forms and of Pinterest cannot be loaded again.
	base := "/"
	if r.Method == http.MethodGet && r.Pattern != "GET /callback" {
		base = ""
	}
	for _, l := range words.Languages() {
		p.Choices = append(p.Choices, choice{Code: l, Name: names[l], Current: l == p.Language(), Href: base + "?lang=" + string(l)})
	}
	return p
}

// language is what was chosen on this page, now or before, else what the browser asks for.
func (s *server) language(w http.ResponseWriter, r *http.Request) words.Language {
	if asked := r.URL.Query().Get("lang"); words.Known(asked) {
		chosen := words.Match(asked, words.English)
		http.SetCookie(w, s.cookie(languageCookie, string(chosen), languageLasts))
		return chosen
	}
	if cookie, err := r.Cookie(languageCookie); err == nil && words.Known(cookie.Value) {
		return words.Match(cookie.Value, words.English)
	}
	return words.Match(r.Header.Get("Accept-Language"), words.English)
}

// refuse shows a page of two sentences: what happened, and what to do.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, status int, what string) {
	p := s.page(w, r, "refusal.html", "page."+what+".title")
	p.Body = refusal{What: p.Say("page." + what + ".what"), Alert: status >= http.StatusBadRequest, Back: hasPage[what]}
	s.render(w, status, p)
}

// refusal is a page that says what happened and what to do.
type refusal struct {
	What  string
	Alert bool
	Back  bool // there is a page to go back to
}

// hasPage are the refusals of people who have a page to go back to.
var hasPage = map[string]bool{"forged": true, "foreign": true, "unchecked": true, "origin": true, "broken": true, "missing": true}

func (s *server) render(w http.ResponseWriter, status int, p page) {
	var b bytes.Buffer
	if err := templates[p.name].ExecuteTemplate(&b, "layout", p); err != nil {
		s.Log.Error("make a page", zap.String("page", p.name), zap.Error(err))
		http.Error(w, p.Say("page.broken.title"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // whoever asked is gone: nobody to tell
}

// short bounds what others wrote and leaves out what does not show.
func short(text string) string {
	var b []rune
	for _, r := range text {
		if !unicode.IsPrint(r) {
			r = ' '
		}
		if b = append(b, r); len(b) == maxShown {
			return string(b) + "…"
		}
	}
	return string(b)
}
