package report

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// nasty are texts that would end an element, an attribute, a style or a script if they were not escaped.
var nasty = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</style><style>@import url(https://evil.example/x.css)</style>", "</svg><script>", "</title>", "<!--", "]]>",
	"javascript:alert(1)", "https://evil.example/", `' onload='alert(1)`, "{{.Name}}", "\u202eabc", "&lt;script&gt;", "url(https://evil.example)", strings.Repeat("long ", 200),
}))

// spoil puts drawn texts and instants into every field of a value.
func spoil(t *rapid.T, v reflect.Value) {
	if at, ok := reflect.TypeAssert[time.Time](v); ok {
		moved := at.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "move")))
		v.Set(reflect.ValueOf(rapid.SampledFrom([]time.Time{{}, at, moved}).Draw(t, "at")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if rapid.Bool().Draw(t, "keep") { // kinds and states as they are lead deeper
			return
		}
		v.SetString(nasty.Draw(t, "text"))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(t, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(t, v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(t, v.Elem())
		}
	default: // numbers, switches and maps reach no page as text
	}
}

// allowed are the elements of the page, none of which does anything.
var allowed = strings.Fields(`html head meta title style body header p h1 h2 a span dl div dt dd figure svg rect line text g circle
	section table thead tbody tr th td footer`)

func TestNothingFromOutsideActsOnThePage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := rich()
		spoil(rt, reflect.ValueOf(&e).Elem())
		page, err := e.HTML()
		if err != nil {
			rt.Fatal(err)
		}
		root, err := html.Parse(bytes.NewReader(page))
		if err != nil {
			rt.Fatal(err)
		}
		policies, styles := 0, 0
		for n := range root.Descendants() {
			if n.Type == html.TextNode && n.Parent.Data == "style" {
				if strings.Contains(n.Data, "evil") || strings.Contains(n.Data, "url(") || strings.Contains(n.Data, "@import") {
					rt.Fatalf("style: %s", n.Data)
				}
				styles++
			}
			if n.Type != html.ElementNode {
				continue
			}
			if !slices.Contains(allowed, n.Data) {
				rt.Fatalf("element %s", n.Data)
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "http-equiv":
					policies++
				case a.Key == "href" && a.Val != e.Guide && !strings.HasPrefix(a.Val, "https://"), a.Key == "href" && n.Data != "a":
					rt.Fatalf("link %s", a.Val)
				case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "style", a.Key == "srcset", a.Key == "action":
					rt.Fatalf("attribute %s=%s", a.Key, a.Val)
				}
			}
		}
		if policies != 1 || styles != 1 || bytes.Contains(page, []byte("<script")) {
			rt.Fatalf("%d policies, %d styles", policies, styles)
		}
	})
}

func TestTextsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	e := rich()
	e.Status.Name = `<b>"Acme" & 'Sons'</b>`
	page, err := e.HTML()
	require.NoError(t, err)
	root, err := html.Parse(bytes.NewReader(page))
	require.NoError(t, err)
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "h1" {
			require.Equal(t, e.Status.Name, n.FirstChild.Data)
			return
		}
	}
	require.Fail(t, "no heading")
}
