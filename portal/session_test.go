package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALinkOpensOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link, first := w.link(acme), w.browser()
	for range 3 { // scanners of mail open links, too
		first.open(link)
		require.Equal(t, http.StatusOK, first.status)
		first.says(en("page.link.what"))
		require.Empty(t, first.client.Jar.Cookies(first.at))
	}
	first.click("open")
	require.Equal(t, "/", first.at.Path)
	first.says("Acme Pinterest")

	first.open(link) // whoever opened it goes on
	require.Equal(t, "/", first.at.Path)
	first.says("Acme Pinterest")

	second := w.browser()
	second.open(link)
	require.Equal(t, http.StatusGone, second.status)
	second.says(en("page.used.what"))
	second.do(http.MethodPost, link, nil)
	require.Equal(t, http.StatusGone, second.status)
	second.open("/")
	require.Equal(t, http.StatusForbidden, second.status)

	other := w.visitor(globex) // a session of another organization is no reason to go on
	other.open(link)
	require.Equal(t, http.StatusGone, other.status)
	other.says(en("page.used.title"))
}

func TestOfTwoWhoOpenALinkAtOnceOneGetsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		link := w.link(acme)
		people := []*browser{w.browser(), w.browser(), w.browser()}
		var all sync.WaitGroup
		for _, b := range people {
			all.Go(func() {
				b.open(link)
				b.do(http.MethodPost, link, nil)
			})
		}
		all.Wait()
		in := 0
		for _, b := range people {
			if b.status == http.StatusOK {
				in++
				continue
			}
			require.Equal(t, http.StatusGone, b.status)
		}
		require.Equal(t, 1, in)
	}
}

func TestUnknownAndExpiredLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b.do(method, "/l/"+strings.Repeat("x", 43), nil)
		require.Equal(t, http.StatusNotFound, b.status)
		b.says(en("page.unknown.what"))
	}
	link := w.link(acme)
	w.clock.pass(73 * time.Hour)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b.do(method, link, nil)
		require.Equal(t, http.StatusGone, b.status)
		b.says(en("page.expired.what"))
	}
	b.open("/nothing-here")
	require.Equal(t, http.StatusNotFound, b.status)
	b.says(en("page.missing.title"))
}

func TestASessionEndsAfterAnHourAndByLeaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.visitor(acme)
	w.clock.pass(59 * time.Minute)
	b.open("/")
	require.Equal(t, http.StatusOK, b.status)
	w.clock.pass(2 * time.Minute)
	b.open("/")
	require.Equal(t, http.StatusForbidden, b.status)
	b.says(en("page.session.what"))

	b = w.visitor(acme)
	kept := b.client.Jar.Cookies(b.at)
	b.click("leave")
	require.Equal(t, http.StatusOK, b.status)
	b.says(en("page.left.what"))
	require.Empty(t, b.client.Jar.Cookies(b.at))
	b.client.Jar.SetCookies(b.at, kept)
	b.open("/")
	require.Equal(t, http.StatusForbidden, b.status, "the session itself is over, not only its cookie")
}
