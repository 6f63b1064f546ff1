package adobe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/vendorhttp"
)

func account(id string) string {
	return fmt.Sprintf(`{"id":%q,"connectionSpec":{"id":"spec"}}`, id)
}

func pageOf(next string, items ...string) string {
	body := `{"items":[` + strings.Join(items, ",") + `]`
	if next != "" {
		body += fmt.Sprintf(`,"_links":{"next":{"href":%q}}`, next)
	}
	return body + "}"
}

func ids[T entity](items []T) []string {
	all := make([]string, 0, len(items))
	for _, item := range items {
		all = append(all, item.id())
	}
	return all
}

func TestEveryPageIsReadWithTheSameQuestion(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("continuationToken") {
		case "":
			answerWith(w, http.StatusOK, pageOf("/connections?continuationToken=a%2Bb%2F%3D", account("c"), account("a")))
		case "a+b/=":
			answerWith(w, http.StatusOK, pageOf("/connections?limit=2&continuationToken=third"))
		default:
			answerWith(w, http.StatusOK, pageOf("", account("b")))
		}
	})
	accounts, err := f.sandbox(t).Accounts(t.Context(), "spec", "other")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, ids(accounts))
	calls := f.seen()
	require.Len(t, calls, 3)
	for i, token := range []string{"", "a+b/=", "third"} {
		require.Equal(t, "/connections", calls[i].path)
		require.Equal(t, []string{"connectionSpec.id==spec,other"}, calls[i].query["property"])
		require.Equal(t, []string{"100"}, calls[i].query["limit"])
		require.Equal(t, token, strings.Join(calls[i].query["continuationToken"], "|"))
	}
}

// A page too long to be read is asked for again in shorter ones, from the beginning.
func TestPagesTooLongAreShortened(t *testing.T) {
	t.Parallel()
	long := `{"items":[]` + strings.Repeat(" ", vendorhttp.MaxBody) + `}`
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("continuationToken") == "":
			answerWith(w, http.StatusOK, pageOf("/connections?continuationToken=2", account("a")))
		case q.Get("limit") == "100":
			answerWith(w, http.StatusOK, long)
		default:
			answerWith(w, http.StatusOK, pageOf("", account("b")))
		}
	})
	accounts, err := f.sandbox(t).Accounts(t.Context(), "spec")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, ids(accounts))
	var asked []string
	for _, call := range f.seen() {
		asked = append(asked, call.query["limit"][0]+" "+strings.Join(call.query["continuationToken"], "|"))
	}
	require.Equal(t, []string{"100 ", "100 2", "25 ", "25 2"}, asked)

	hopeless := newFake(t, always(http.StatusOK, long))
	_, err = hopeless.sandbox(t).Accounts(t.Context(), "spec")
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Contains(t, malformed.Want, "16 MiB")
	require.Len(t, hopeless.seen(), 4, "down to pages of one")
	_, err = hopeless.sandbox(t).ConnectionSpecs(t.Context(), "name")
	require.ErrorAs(t, err, &malformed)
	require.Len(t, hopeless.seen(), 5, "what has no pages is asked for once")
}

func TestNextLinks(t *testing.T) {
	t.Parallel()
	for href, good := range map[string]bool{
		"/connections?continuationToken=x":                                 true,
		"connections?continuationToken=x":                                  true,
		"/data/foundation/flowservice/connections?continuationToken=x":     true,
		"HOST/data/foundation/flowservice/connections?continuationToken=x": true,
		"/connections?limit=5&continuationToken=x":                         true,
		"/connections":                               false,
		"/connections?continuationToken=":            false,
		"/connections?start=x":                       false,
		"/flows?continuationToken=x":                 false,
		"/connections/1?continuationToken=x":         false,
		"/../admin?continuationToken=x":              false,
		"/connections/../../x?continuationToken=x":   false,
		"HOST/connections?continuationToken=x":       false,
		"HOST/other/connections?continuationToken=x": false,
		"https://evil.example/data/foundation/flowservice/connections?continuationToken=x": false,
		"http://evil.example/data/foundation/flowservice/connections?continuationToken=x":  false,
		"//evil.example/data/foundation/flowservice/connections?continuationToken=x":       false,
		"//evil.example/connections?continuationToken=x":                                   false,
		"https:connections?continuationToken=x":                                            false,
		"javascript:connections?continuationToken=x":                                       false,
		"http://u:p@evil.example/connections?continuationToken=x":                          false,
		"%zz": false,
	} {
		t.Run(href, func(t *testing.T) {
			t.Parallel()
			var f *fake
			f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("continuationToken") {
					answerWith(w, http.StatusOK, pageOf("", account("b")))
					return
				}
				answerWith(w, http.StatusOK, pageOf(strings.Replace(href, "HOST", f.URL, 1), account("a")))
			})
			accounts, err := f.sandbox(t).Accounts(t.Context(), "spec")
			if good {
				require.NoError(t, err)
				require.Equal(t, []string{"a", "b"}, ids(accounts))
				return
			}
			var malformed *MalformedError
			require.ErrorAs(t, err, &malformed)
			require.Contains(t, malformed.Want, "next link")
			require.Len(t, f.seen(), 1)
		})
	}
}

func TestAListEndsWithoutNext(t *testing.T) {
	t.Parallel()
	for _, links := range []string{``, `,"_links":{}`, `,"_links":null`, `,"_links":{"next":null}`, `,"_links":{"next":{"href":""}}`, `,"_links":{"next":{"href":null}}`} {
		f := newFake(t, always(http.StatusOK, `{"items":[`+account("a")+`]`+links+`}`))
		accounts, err := f.sandbox(t).Accounts(t.Context(), "spec")
		require.NoError(t, err, links)
		require.Len(t, accounts, 1)
	}
}

func TestEndlessListsEnd(t *testing.T) {
	t.Parallel()
	same := newFake(t, always(http.StatusOK, pageOf("/connections?continuationToken=again")))
	_, err := same.sandbox(t).Accounts(t.Context(), "spec")
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Contains(t, malformed.Want, "not seen before")
	require.Len(t, same.seen(), 2)

	growing := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("continuationToken"))
		answerWith(w, http.StatusOK, pageOf(fmt.Sprintf("/connections?continuationToken=%d", n+1)))
	})
	_, err = growing.sandbox(t).Accounts(t.Context(), "spec")
	require.ErrorAs(t, err, &malformed)
	require.Contains(t, malformed.Want, "1000 pages")
	require.Len(t, growing.seen(), maxPages)
}

func TestAnErrorOnALaterPageIsNoShorterList(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("continuationToken") {
			answerWith(w, http.StatusInternalServerError, `{}`)
			return
		}
		answerWith(w, http.StatusOK, pageOf("/connections?continuationToken=x", account("a")))
	})
	accounts, err := f.sandbox(t).Accounts(t.Context(), "spec")
	require.Error(t, err)
	require.Empty(t, accounts)
}

// A listing whose items move while it is read: some are met again on a later page,
// with newer content. Each comes out once, as it was read last, and in order.
func TestListingsSurviveMovingItems(t *testing.T) {
	t.Parallel()
	pages := make(chan []string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tokenPath {
			grant(w, firstToken, "86399")
			return
		}
		all := <-pages
		n, _ := strconv.Atoi(r.URL.Query().Get("continuationToken"))
		body := all[n]
		pages <- all
		answerWith(w, http.StatusOK, body)
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Config{IMSURL: server.URL, PlatformURL: server.URL, Transport: transport})
	require.NoError(t, err)
	s := c.Sandbox(acme(), "prod")

	rapid.Check(t, func(t *rapid.T) {
		read := rapid.SliceOf(rapid.IntRange(0, 30)).Draw(t, "items in the order read")
		size := rapid.IntRange(1, 8).Draw(t, "page size")
		last := make(map[string]string)
		var bodies []string
		chunks := slices.Collect(slices.Chunk(read, size))
		if len(chunks) == 0 {
			chunks = [][]int{nil}
		}
		version := 0
		for i, chunk := range chunks {
			var items []string
			for _, n := range chunk {
				version++
				id, name := fmt.Sprintf("flow-%02d", n), strconv.Itoa(version)
				last[id] = name
				items = append(items, fmt.Sprintf(
					`{"id":%q,"name":%q,"inheritedAttributes":{"targetConnections":[{"connectionSpec":{"id":"spec"}}]}}`, id, name))
			}
			next := ""
			if i < len(chunks)-1 {
				next = fmt.Sprintf("/flows?continuationToken=%d", i+1)
			}
			bodies = append(bodies, pageOf(next, items...))
		}
		pages <- bodies
		flows, err := s.Dataflows(t.Context(), "spec")
		<-pages
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(flows, func(a, b Dataflow) int { return strings.Compare(a.ID, b.ID) }) {
			t.Fatal("not sorted")
		}
		if len(flows) != len(last) {
			t.Fatalf("%d dataflows, want %d", len(flows), len(last))
		}
		for _, flow := range flows {
			if last[flow.ID] != flow.Name {
				t.Fatalf("%s as of reading %s, want %s", flow.ID, flow.Name, last[flow.ID])
			}
		}
	})
}

func TestListsAskForTheRightThing(t *testing.T) {
	t.Parallel()
	since := time.UnixMilli(1700000000123)
	for name, tc := range map[string]struct {
		list     func(*Sandbox) error
		path     string
		property []string
	}{
		"dataflows": {
			func(s *Sandbox) error { _, err := s.Dataflows(t.Context(), "a", "b"); return err },
			"/flows",
			[]string{"inheritedAttributes.targetConnections[].connectionSpec.id==a,b"},
		},
		"accounts": {
			func(s *Sandbox) error { _, err := s.Accounts(t.Context(), "a", "b"); return err },
			"/connections",
			[]string{"connectionSpec.id==a,b"},
		},
		"target connections": {
			func(s *Sandbox) error { _, err := s.TargetConnections(t.Context(), "a", "b"); return err },
			"/targetConnections",
			[]string{"connectionSpec.id==a,b"},
		},
		"runs": {
			func(s *Sandbox) error { _, err := s.Runs(t.Context(), since, "a", "b"); return err },
			"/runs",
			[]string{"flowId==a,b", "metrics.durationSummary.startedAtUTC>=1700000000123"},
		},
		"runs of any time": {
			func(s *Sandbox) error { _, err := s.Runs(t.Context(), time.Time{}, "a"); return err },
			"/runs",
			[]string{"flowId==a"},
		},
		"connection specs": {
			func(s *Sandbox) error { _, err := s.ConnectionSpecs(t.Context(), "(New) Pinterest", "x"); return err },
			"/connectionSpecs",
			[]string{"name==(New) Pinterest,x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, always(http.StatusOK, noItems))
			require.NoError(t, tc.list(f.sandbox(t)))
			calls := f.seen()
			require.Len(t, calls, 1)
			require.Equal(t, tc.path, calls[0].path)
			require.Equal(t, tc.property, calls[0].query["property"])
			require.Equal(t, tc.path != "/connectionSpecs", calls[0].query["limit"] != nil)
		})
	}
}

func TestListsRefuseToListEverything(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	s := f.sandbox(t)
	for _, values := range [][]string{nil, {""}, {"a", ""}, {"a,b"}, {"a&b"}, {"../x"}} {
		_, err := s.Dataflows(t.Context(), values...)
		require.Error(t, err, values)
		_, err = s.Accounts(t.Context(), values...)
		require.Error(t, err, values)
		_, err = s.TargetConnections(t.Context(), values...)
		require.Error(t, err, values)
		_, err = s.Runs(t.Context(), time.Time{}, values...)
		require.Error(t, err, values)
	}
	_, err := s.ConnectionSpecs(t.Context())
	require.Error(t, err)
	_, err = s.ConnectionSpecs(t.Context(), "a", "")
	require.Error(t, err)
	require.Empty(t, f.seen())
}

func TestManyIDsGoInSeveralRequests(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		_, values, _ := strings.Cut(r.URL.Query().Get("property"), "==")
		var items []string
		for id := range strings.SplitSeq(values, ",") {
			items = append(items, fmt.Sprintf(`{"id":"run-%s","flowId":%q}`, id, id))
		}
		answerWith(w, http.StatusOK, pageOf("", items...))
	})
	var asked []string
	for i := range 2*idsPerRequest + 1 {
		asked = append(asked, fmt.Sprintf("flow-%03d", i))
	}
	runs, err := f.sandbox(t).Runs(t.Context(), time.Time{}, asked...)
	require.NoError(t, err)
	require.Len(t, runs, len(asked))
	require.Len(t, f.seen(), 3)
}

// A service that overlooks the filter lists other destinations' entities too.
func TestForeignItemsAreDropped(t *testing.T) {
	t.Parallel()
	target := func(id, spec string) string {
		return fmt.Sprintf(`{"id":%q,"connectionSpec":{"id":%q},"flowId":%q,"inheritedAttributes":{"targetConnections":[{"connectionSpec":{"id":%q}}]}}`, id, spec, spec, spec)
	}
	s := newFake(t, always(http.StatusOK, pageOf("", target("1", "mine"), target("2", "foreign")))).sandbox(t)
	flows, err := s.Dataflows(t.Context(), "mine")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, ids(flows))
	accounts, err := s.Accounts(t.Context(), "mine")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, ids(accounts))
	targets, err := s.TargetConnections(t.Context(), "mine")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, ids(targets))
	runs, err := s.Runs(t.Context(), time.Time{}, "mine")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, ids(runs))
}

func TestAnItemThatDoesNotTellIsNotDroppedInSilence(t *testing.T) {
	t.Parallel()
	s := newFake(t, always(http.StatusOK, pageOf("", `{"id":"1"}`))).sandbox(t)
	_, flows := s.Dataflows(t.Context(), "mine")
	_, accounts := s.Accounts(t.Context(), "mine")
	_, targets := s.TargetConnections(t.Context(), "mine")
	_, runs := s.Runs(t.Context(), time.Time{}, "mine")
	for _, err := range []error{flows, accounts, targets, runs} {
		var malformed *MalformedError
		require.ErrorAs(t, err, &malformed)
		require.Equal(t, "item 1 without it", malformed.Got)
	}
}

func TestConnectionSpecsByName(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("property"), "Pins, Boards") {
			answerWith(w, http.StatusOK, pageOf("", `{"id":"3","name":"Pins, Boards"}`, `{"id":"4","name":"Pins"}`))
			return
		}
		answerWith(w, http.StatusOK, pageOf("", `{"id":"2","name":"(New) Pinterest","attributes":{"x":1}}`, `{"id":"1","name":"(Deprecating) Pinterest"}`, `{"id":"9","name":"Other"}`))
	})
	specs, err := f.sandbox(t).ConnectionSpecs(t.Context(), "(Deprecating) Pinterest", "Pins, Boards", "(New) Pinterest")
	require.NoError(t, err)
	require.Equal(t, []ConnectionSpec{{"1", "(Deprecating) Pinterest"}, {"2", "(New) Pinterest"}, {"3", "Pins, Boards"}}, specs)
	var asked []string
	for _, call := range f.seen() {
		asked = append(asked, call.query["property"]...)
	}
	require.ElementsMatch(t, []string{"name==Pins, Boards", "name==(Deprecating) Pinterest,(New) Pinterest"}, asked)
}
