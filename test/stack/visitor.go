package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// Visitor is a person with a browser that knows no JavaScript: it keeps cookies, follows redirects, and presses the buttons of forms.
type Visitor struct {
	browser http.Client
	at      *url.URL
	page    *html.Node

	Status int    // of the page that is shown
	Text   string // the page's words
	Alert  string // what the page calls attention to; empty: nothing
}

var linkForm = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/l/[A-Za-z0-9_-]+`)

// LinkIn is the first link to the reconnect page that stands in a text; empty: none does.
func LinkIn(text string) string { return linkForm.FindString(text) }

// LinksIn are all links to the reconnect page that stand in a text.
func LinksIn(text string) []string { return linkForm.FindAllString(text, -1) }

// Visit opens a link to the reconnect page in a new browser, as the person does for whom it was made.
func Visit(ctx context.Context, link string) (*Visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("open a browser: %w", err)
	}
	v := &Visitor{browser: http.Client{Jar: jar, Timeout: callTimeout}}
	if err := v.Open(ctx, link); err != nil {
		return nil, err
	}
	if err := v.Press(ctx, "open", nil); err != nil {
		return nil, err
	}
	return v, nil
}

// Consent connects an account on the reconnect page, and says yes at Pinterest as the organization's person. A page that complains is an error.
func (v *Visitor) Consent(ctx context.Context, account, organization string) error {
	if err := v.Press(ctx, "connect-"+account, nil); err != nil {
		return err
	}
	if err := v.Press(ctx, "answer=approve", map[string]string{"organization": organization}); err != nil {
		return err
	}
	if v.Alert != "" {
		return fmt.Errorf("the page says after the consent: %s", v.Alert)
	}
	return nil
}

// Open shows the page at an address.
func (v *Visitor) Open(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return errors.New("open a page: the address is none") // it may hold a secret
	}
	return v.show(request)
}

// Press presses the button with this id, or with this name and value as "name=value", and shows what comes. Fields are filled in before.
func (v *Visitor) Press(ctx context.Context, button string, fields map[string]string) error {
	if v.page == nil {
		return errors.New("press " + button + ": no page is open")
	}
	pressed := find(v.page, func(n *html.Node) bool {
		return n.Data == "button" && (attribute(n, "id") == button || attribute(n, "name")+"="+attribute(n, "value") == button)
	})
	if pressed == nil {
		return fmt.Errorf("press %s: the page has no such button: %s", button, v.Text)
	}
	form := pressed
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if form == nil {
		return fmt.Errorf("press %s: the button is in no form", button)
	}
	values := url.Values{}
	each(form, func(n *html.Node) {
		if n.Data == "input" && attribute(n, "name") != "" {
			values.Set(attribute(n, "name"), attribute(n, "value"))
		}
	})
	if name := attribute(pressed, "name"); name != "" {
		values.Set(name, attribute(pressed, "value"))
	}
	for name, value := range fields {
		values.Set(name, value)
	}
	target, err := v.at.Parse(attribute(form, "action"))
	if err != nil {
		return fmt.Errorf("press %s: the form leads nowhere", button)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return fmt.Errorf("press %s: the form leads nowhere", button)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", v.at.Scheme+"://"+v.at.Host)
	return v.show(request)
}

func (v *Visitor) show(request *http.Request) error {
	answer, err := v.browser.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the address may hold a secret
		}
		return fmt.Errorf("%s %s: %w", request.Method, request.URL.Host, err)
	}
	defer answer.Body.Close()
	page, err := html.Parse(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: read the page: %w", request.Method, request.URL.Host, err)
	}
	v.page, v.at, v.Status = page, answer.Request.URL, answer.StatusCode
	v.Text, v.Alert = words(page), ""
	if alert := find(page, func(n *html.Node) bool { return attribute(n, "role") == "alert" }); alert != nil {
		v.Alert = words(alert)
	}
	return nil
}

// words are what a person reads of an element.
func words(n *html.Node) string {
	var all []string
	each(n, func(n *html.Node) {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			all = append(all, strings.Fields(n.Data)...)
		}
	})
	return strings.Join(all, " ")
}

// Has tells whether the page has an element with this id.
func (v *Visitor) Has(id string) bool {
	return v.page != nil && find(v.page, func(n *html.Node) bool { return attribute(n, "id") == id }) != nil
}

// each visits a node and everything in it.
func each(n *html.Node, visit func(*html.Node)) {
	visit(n)
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		each(child, visit)
	}
}

// find is the first node that is such a one, or nil.
func find(n *html.Node, such func(*html.Node) bool) (found *html.Node) {
	each(n, func(n *html.Node) {
		if found == nil && n.Type == html.ElementNode && such(n) {
			found = n
		}
	})
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
