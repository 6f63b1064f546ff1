package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/emulator"
)

func names(items []map[string]any) []string {
	out := []string{}
	for _, item := range items {
		out = append(out, text(item, "name"))
	}
	slices.Sort(out)
	return out
}

// Every purpose of the contract's filter table.
func TestFilters(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	state := b.State()
	oldCard, newCard := state.Cards["old"], state.Cards["new"]
	holiday := b.flow("old", "Holiday shoppers")
	gold := b.flow("old", "Loyal customers").Audiences[0].ID
	oldAccount, newAccount := b.account("old"), b.account("new")
	target := text(b.get("/flows/" + holiday.ID).items(t)[0], "id")
	require.Equal(t, holiday.ID, target)
	targetID := b.get("/flows/" + holiday.ID).items(t)[0]["targetConnectionIds"].([]any)[0].(string)
	all := []string{"Holiday shoppers", "Loyal customers", "Newsletter readers"}
	const spec = "inheritedAttributes.targetConnections[].connectionSpec.id=="
	cases := []struct {
		name, path string
		properties []string
		want       []string
	}{
		{"destination flows", "/flows", []string{"inheritedAttributes.properties.isDestinationFlow==true"}, append([]string{"Amazon S3 0"}, doubled(all)...)},
		{"source flows", "/flows", []string{"inheritedAttributes.properties.isDestinationFlow==false"}, []string{"Pinterest Ads 1"}},
		{"one card", "/flows", []string{spec + oldCard.ID}, all},
		{"both cards", "/flows", []string{spec + oldCard.ID + "," + newCard.ID}, doubled(all)},
		{"one audience", "/flows", []string{"transformations[].params.segmentSelectors.selectors[].value.id==" + gold}, doubled([]string{"Loyal customers"})},
		{"state and card", "/flows", []string{"state==enabled", spec + newCard.ID}, []string{}},
		{"name", "/flows", []string{"name==Holiday shoppers", spec + newCard.ID}, []string{"Holiday shoppers"}},
		{"flow specs", "/flows", []string{"flowSpec.id==" + oldCard.FlowSpecID + "," + newCard.FlowSpecID}, doubled(all)},
		{"target connections", "/flows", []string{"targetConnectionIds[]==" + targetID}, []string{"Holiday shoppers"}},
		{"array without brackets", "/flows", []string{"targetConnectionIds==" + targetID}, []string{}},
		{"run since", "/flows", []string{fmt.Sprintf("lastRunDetails.startedAtUTC>=%d", noon().Add(-2*time.Hour).UnixMilli()), spec + oldCard.ID}, all},
		{"run later", "/flows", []string{fmt.Sprintf("lastRunDetails.startedAtUTC>%d", noon().UnixMilli())}, []string{}},
		{"accounts of a card", "/connections", []string{"connectionSpec.id==" + newCard.ID}, []string{"Acme Pinterest"}},
		{"account id", "/connections", []string{"id==" + oldAccount.ID + "," + newAccount.ID}, []string{"Acme Pinterest", "Acme Pinterest"}},
		{"targets of an account", "/targetConnections", []string{"baseConnectionId==" + newAccount.ID}, all},
		{"targets of a card", "/targetConnections", []string{"connectionSpec.id==" + oldCard.ID}, all},
		{"spec by name", "/connectionSpecs", []string{"name==(New) Pinterest"}, []string{"(New) Pinterest"}},
		{"flow spec by id", "/flowSpecs", []string{"id==" + newCard.FlowSpecID}, []string{"(New) Pinterest flow"}},
		{"created before", "/flows", []string{fmt.Sprintf("createdAt<%d", noon().UnixMilli()), spec + newCard.ID}, []string{}},
		{"created until", "/flows", []string{fmt.Sprintf("createdAt<=%d", noon().UnixMilli()), spec + newCard.ID}, all},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := b.in(t)
			slices.Sort(tc.want)
			require.Equal(t, tc.want, names(b.filtered(tc.path, tc.properties...)))
		})
	}
}

func doubled(names []string) []string { return append(slices.Clone(names), names...) }

func TestQueriesRefused(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	cases := []struct{ query, code string }{
		{"limit=5&count=true", "1401-400"},
		{"property=name~x", "1440-400"},
		{"property=name!=x", "1450-400"},
		{"property=name=x", "1450-400"},
		{"property=a[b]==x", "1449-400"},
		{"property=nonsense", "1451-400"},
		{"property=name==", "1453-400"},
		{"property=createdAt<=1,2", "1443-400"},
		{"property=id>=a", "1448-400"},
		{"orderby=*name", "1433-400"},
		{"orderby=a[", "1432-400"},
		{"limit=0", "1453-400"},
		{"limit=101", "1453-400"},
		{"limit=x", "1453-400"},
		{"continuationToken=rubbish", "1452-400"},
	}
	for _, tc := range cases {
		t.Run(tc.query, func(t *testing.T) {
			t.Parallel()
			b := b.in(t)
			values, err := url.ParseQuery(tc.query)
			require.NoError(t, err)
			out := b.get("/flows?" + values.Encode())
			require.Equal(t, http.StatusBadRequest, out.status)
			body := out.object(t)
			require.Equal(t, "https://ns.adobe.com/aep/errors/FLOW-"+tc.code, body["type"])
			require.NotEmpty(t, text(body, "report", "request-id"))
			require.Equal(t, text(body, "report", "detailed-message"), body["errorMessage"])
		})
	}
}

func TestCountAndOrder(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	require.Equal(t, map[string]any{"count": 8.0}, b.get("/flows?count=true").object(t))
	require.Len(t, b.get("/flows?limit=3&count=false").items(t), 3)

	var ascending []string
	for _, item := range b.get("/flows?orderby=%2Bname,id").items(t) {
		ascending = append(ascending, text(item, "name"))
	}
	require.True(t, slices.IsSorted(ascending), "%v", ascending)
	descending := b.get("/flows?orderby=-name").items(t)
	require.Equal(t, ascending[len(ascending)-1], text(descending[0], "name"))
	first := b.get("/flows?orderby=+name").items(t)
	require.Equal(t, ascending[0], text(first[0], "name"))
	newest := b.get("/connections?orderby=-createdAt").items(t)
	require.GreaterOrEqual(t, newest[0]["createdAt"], newest[1]["createdAt"])
}

// crowded has n dataflows on the old card.
func crowded(t *testing.T, n int) emulator.Scenario {
	t.Helper()
	org := emulator.Organization{ID: acme, ClientID: "acme-client", ClientSecret: "acme-secret"}
	sb := emulator.Sandbox{Name: "prod", Accounts: []emulator.Account{{Name: "Acme Pinterest"}}}
	for i := range n {
		sb.Dataflows = append(sb.Dataflows, emulator.Dataflow{
			Name: fmt.Sprintf("flow %03d", i), Advertiser: advertiser, Copy: &emulator.Copy{None: true},
			Audiences: []emulator.Audience{{Name: "Everybody"}},
		})
	}
	org.Sandboxes = []emulator.Sandbox{sb}
	return emulator.Scenario{
		Organizations: []emulator.Organization{org}, Settings: emulator.Settings{OtherDataflows: -1},
	}
}

// pagesOf follows the links as a client does, and gives the names page by page.
func (b *bench) pagesOf(t require.TestingT, query url.Values) [][]string {
	var all [][]string
	for {
		out := b.must("GET", basePath+"/flows?"+query.Encode(), "", b.headers())
		require.Equal(t, http.StatusOK, out.status, "%s", out.body)
		body := out.object(b.t)
		var page []string
		for _, item := range body["items"].([]any) {
			page = append(page, text(item.(map[string]any), "name"))
		}
		all = append(all, page)
		href := text(body, "_links", "next", "href")
		if href == "" {
			return all
		}
		require.True(t, strings.HasPrefix(href, "/flows?continuationToken="), href)
		link, err := url.Parse(href)
		require.NoError(t, err)
		query.Set("continuationToken", link.Query().Get("continuationToken"))
	}
}

func TestPagingReachesEverythingOnce(t *testing.T) {
	t.Parallel()
	b := start(t, crowded(t, 45)).login()
	require.Len(t, b.get("/flows").items(t), 20, "the default page")
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 100).Draw(rt, "limit")
		query := url.Values{"limit": {strconv.Itoa(limit)}}
		var want int
		if rapid.Bool().Draw(rt, "filtered") {
			query.Set("property", "name>flow 030")
			want = 14
		} else {
			want = 45
		}
		if rapid.Bool().Draw(rt, "ordered") {
			query.Set("orderby", "-name")
		}
		pages := b.pagesOf(rt, query)
		seen := map[string]int{}
		for i, page := range pages {
			if i < len(pages)-1 {
				require.Len(rt, page, limit)
			}
			for _, name := range page {
				seen[name]++
			}
		}
		require.Len(rt, seen, want)
		for name, times := range seen {
			require.Equal(rt, 1, times, name)
		}
	})
}

// The token carries the query, so both ways to follow a link agree: with the parameters repeated and without.
func TestContinuationTokenRemembersTheQuery(t *testing.T) {
	t.Parallel()
	b := start(t, crowded(t, 9)).login()
	first := b.get("/flows?limit=2&" + url.Values{"property": {"name<flow 005"}}.Encode()).object(t)
	var got []string
	for href := text(first, "_links", "next", "href"); href != ""; {
		body := b.get(href).object(t)
		for _, item := range body["items"].([]any) {
			got = append(got, text(item.(map[string]any), "name"))
		}
		href = text(body, "_links", "next", "href")
	}
	require.Len(t, got, 3)
}

func TestLedgerRecordsWhatAListServed(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	flow := b.flow("new", "Holiday shoppers")
	b.filtered("/flows", "name==Holiday shoppers", "state==disabled")
	entry := b.last(emulator.KindList)
	require.Equal(t, []emulator.Served{{ID: flow.ID, ContentVersion: 1, State: "disabled"}}, entry.Served)
	require.Equal(t, "acme-client", entry.Actor)
	require.Equal(t, acme, entry.Organization)
	require.Equal(t, "prod", entry.Sandbox)
	require.Equal(t, noon(), entry.At)
}

func TestHandlerNeedsNoServer(t *testing.T) {
	t.Parallel()
	b := small(t)
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/_emulator/health", nil))
	require.Equal(t, http.StatusOK, recorder.Code)
}
