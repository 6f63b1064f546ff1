package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// browser is a person's, without scripts: it follows redirects, keeps cookies and submits forms as browsers do.
type browser struct {
	t        *testing.T
	client   *http.Client
	header   http.Header // of every request
	at       *url.URL
	status   int
	answered http.Header
	body     string
	doc      *html.Node
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	at, err := url.Parse(w.url)
	require.NoError(w.t, err)
	return &browser{t: w.t, client: &http.Client{Jar: jar, Transport: transport}, header: http.Header{"Accept-Language": {"en"}}, at: at}
}

// visitor is the browser of somebody who opened a link of the organization.
func (w *world) visitor(organization string) *browser {
	w.t.Helper()
	b := w.browser()
	b.open(w.link(organization))
	b.click("open")
	require.Equal(w.t, http.StatusOK, b.status)
	require.Equal(w.t, "/", b.at.Path)
	return b
}

// open goes to an address, which may be relative to where the browser is.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(http.MethodGet, address, nil)
}

func (b *browser) do(method, address string, form url.Values) {
	b.t.Helper()
	to, err := b.at.Parse(address)
	require.NoError(b.t, err)
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, to.String(), body)
	require.NoError(b.t, err)
	for name, values := range b.header {
		r.Header[name] = slices.Clone(values)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if r.Header.Get("Origin") == "" {
			r.Header.Set("Origin", b.at.Scheme+"://"+b.at.Host)
		}
	}
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	b.at, b.status, b.answered, b.body = answer.Request.URL, answer.StatusCode, answer.Header, string(page)
	b.doc, err = html.Parse(strings.NewReader(b.body))
	require.NoError(b.t, err)
}

// click presses the button with that id.
func (b *browser) click(id string) {
	b.t.Helper()
	b.submit(func(n *html.Node) bool { return attribute(n, "id") == id }, nil)
}

// answer presses one of Pinterest's two buttons, signed in there as the organization's person.
func (b *browser) answer(what, organization string, more ...string) {
	b.t.Helper()
	require.Equal(b.t, "/oauth/", b.at.Path, b.body)
	changed := url.Values{"organization": {organization}}
	for i := 0; i < len(more); i += 2 {
		changed.Set(more[i], more[i+1])
	}
	b.submit(func(n *html.Node) bool { return n.Data == "button" && attribute(n, "value") == what }, changed)
}

// submit sends the form of a button with its hidden fields, and with those that the person changed.
func (b *browser) submit(pressed func(*html.Node) bool, changed url.Values) {
	b.t.Helper()
	button := find(b.doc, pressed)
	require.NotNil(b.t, button, "no such button at %s:\n%s", b.at, b.body)
	form := button
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	require.NotNil(b.t, form)
	fields := url.Values{}
	for n := range form.Descendants() {
		if n.Data == "input" || n == button {
			if name := attribute(n, "name"); name != "" {
				fields.Set(name, attribute(n, "value"))
			}
		}
	}
	maps.Copy(fields, changed)
	address := attribute(form, "action")
	if address == "" {
		address = b.at.String()
	}
	b.do(strings.ToUpper(attribute(form, "method")), address, fields)
}

// says that the page says this.
func (b *browser) says(texts ...string) {
	b.t.Helper()
	for _, want := range texts {
		require.Contains(b.t, b.text(), want)
	}
}

// text is what a person reads.
func (b *browser) text() string {
	var all []string
	for n := range b.doc.Descendants() {
		if n.Type == html.TextNode {
			all = append(all, strings.TrimSpace(n.Data))
		}
	}
	return strings.Join(all, "\n")
}

func (b *browser) has(id string) bool {
	return find(b.doc, func(n *html.Node) bool { return attribute(n, "id") == id }) != nil
}

func find(doc *html.Node, want func(*html.Node) bool) *html.Node {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && want(n) {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
