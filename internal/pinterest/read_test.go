package pinterest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/vendorhttp"
)

func TestNewChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  Config
		want string
	}{
		"real host":        {Config{URL: DefaultURL}, ""},
		"loopback":         {Config{URL: "http://localhost:1"}, ""},
		"none":             {Config{}, "absolute"},
		"plain http":       {Config{URL: "http://api.example"}, "https"},
		"plain allowed":    {Config{URL: "http://api.example", WebURL: "http://web.example", AllowPlainHTTP: true}, ""},
		"password":         {Config{URL: "https://me:CANARY@api.example"}, "user"},
		"bad web":          {Config{URL: DefaultURL, WebURL: "http://web.example"}, "WebURL must use https"},
		"negative timeout": {Config{URL: DefaultURL, Timeout: -1}, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tc.cfg)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
			requireNoSecret(t, err.Error())
		})
	}
}

func TestAudiences(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("bookmark") == "" {
			answerWith(w, http.StatusOK, `{"items":[{"id":"20","ad_account_id":"549755885175","name":"B","description":"d","audience_type":"CUSTOMER_LIST",
				"size":1200,"status":"READY","created_timestamp":1700000000,"updated_timestamp":"1700000060","type":"audience","rule":{"x":1}}],"bookmark":"b+/="}`)
			return
		}
		answerWith(w, http.StatusOK, `{"items":[{"id":10,"name":"A","size":null,"status":"TOO_SMALL","created_timestamp":null},{"id":"20","name":"B, renamed"}],"bookmark":null}`)
	})
	got, err := f.client(t).Audiences(t.Context(), accessToken, "549755885175")
	require.NoError(t, err)
	require.Equal(t, []Audience{
		{ID: "10", Name: "A", Status: StatusTooSmall},
		{ID: "20", Name: "B, renamed"},
	}, got, "the later reading counts")

	calls := f.seen()
	require.Len(t, calls, 2)
	for i, bookmark := range []string{"", "b+/="} {
		require.Equal(t, "GET /v5/ad_accounts/549755885175/audiences", calls[i].method+" "+calls[i].path)
		require.Equal(t, []string{"250"}, calls[i].query["page_size"])
		require.Equal(t, bookmark, strings.Join(calls[i].query["bookmark"], "|"))
		require.Equal(t, "Bearer "+accessToken, calls[i].header.Get("Authorization"))
		require.Equal(t, "application/json", calls[i].header.Get("Accept"))
		require.Contains(t, calls[i].header.Get("User-Agent"), "cutover")
	}
}

func TestAudienceIsReadWhole(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, `{"items":[{"id":"20","ad_account_id":"549755885175","name":"B","description":"d","audience_type":"CUSTOMER_LIST",
		"size":1200,"status":"READY","created_timestamp":1700000000,"updated_timestamp":"1700000060"}]}`))
	got, err := f.client(t).Audiences(t.Context(), accessToken, "549755885175")
	require.NoError(t, err)
	require.Equal(t, []Audience{{
		ID: "20", AdAccountID: "549755885175", Name: "B", Description: "d", Type: "CUSTOMER_LIST", Status: StatusReady, Size: 1200,
		CreatedAt: time.Unix(1700000000, 0).UTC(), UpdatedAt: time.Unix(1700000060, 0).UTC(),
	}}, got)
}

func TestUserAndAdAccounts(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v5/user_account" {
			answerWith(w, http.StatusOK, `{"id":"1","username":"acme","account_type":"BUSINESS","business_name":"Acme","monthly_views":null}`)
			return
		}
		answerWith(w, http.StatusOK, `{"items":[{"id":"2","name":"Two","country":"DE","currency":"EUR","owner":{"id":"1","username":"acme"},
			"permissions":["ANALYST","AUDIENCE_MANAGER"],"created_time":1700000000,"updated_time":null},{"id":"1"}],"bookmark":""}`)
	})
	c := f.client(t)
	user, err := c.UserAccount(t.Context(), accessToken)
	require.NoError(t, err)
	require.Equal(t, User{ID: "1", Username: "acme", AccountType: "BUSINESS", BusinessName: "Acme"}, user)
	accounts, err := c.AdAccounts(t.Context(), accessToken)
	require.NoError(t, err)
	require.Equal(t, []AdAccount{
		{ID: "1", Permissions: []string{}},
		{
			ID: "2", Name: "Two", Country: "DE", Currency: "EUR", OwnerUsername: "acme", Permissions: []string{"ANALYST", "AUDIENCE_MANAGER"},
			CreatedAt: time.Unix(1700000000, 0).UTC(),
		},
	}, accounts)
	require.Equal(t, "/v5/ad_accounts", f.seen()[1].path)
}

func TestWhoManagesAudiences(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]bool{"OWNER": true, "ADMIN": true, "AUDIENCE_MANAGER": true, "ANALYST": false, "CAMPAIGN_MANAGER": false} {
		require.Equal(t, want, AdAccount{Permissions: []string{"X", role}}.ManagesAudiences(), role)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status    int
		body      string
		header    map[string]string
		code      int
		message   string
		wait      time.Duration
		is        error
		temporary bool
	}{
		"expired token":     {status: 401, body: `{"code":2,"message":"Authentication failed."}`, code: 2, message: "Authentication failed.", is: ErrUnauthorized},
		"no scope":          {status: 401, body: `{"code":3,"message":"Insufficient scope"}`, code: 3, message: "Insufficient scope", is: ErrUnauthorized},
		"283 elsewhere":     {status: 401, body: `{"code":283,"message":"x"}`, code: 283, message: "x", is: ErrUnauthorized},
		"forbidden":         {status: 403, body: `{"code":29,"message":"Not permitted"}`, code: 29, message: "Not permitted"},
		"not found":         {status: 404, body: `{"code":2,"message":"AdAccount not found"}`, code: 2, message: "AdAccount not found", is: ErrNotFound},
		"closed":            {status: 410, body: `{"status":"failure","code":"12"}`, code: 12},
		"quota":             {status: 429, body: `{"code":8,"message":"Rate limit"}`, header: map[string]string{"x-ratelimit-reset": "37"}, code: 8, message: "Rate limit", wait: 37 * time.Second, temporary: true},
		"quota, fraction":   {status: 429, body: `{}`, header: map[string]string{"x-ratelimit-reset": "1.5"}, wait: 1500 * time.Millisecond, temporary: true},
		"quota, senseless":  {status: 429, body: `{}`, header: map[string]string{"x-ratelimit-reset": "1700000000"}, temporary: true},
		"quota, negative":   {status: 429, body: `{}`, header: map[string]string{"x-ratelimit-reset": "-4"}, temporary: true},
		"quota, text":       {status: 429, body: `{}`, header: map[string]string{"x-ratelimit-reset": "NaN"}, temporary: true},
		"quota, nothing":    {status: 429, body: `{}`, temporary: true},
		"standard header":   {status: 429, body: `{}`, header: map[string]string{"x-ratelimit-reset": "37", "Retry-After": "5"}, wait: 5 * time.Second, temporary: true},
		"a date":            {status: 503, body: `{"code":4197}`, header: map[string]string{"Retry-After": "Thu, 16 Nov 2023 12:01:00 GMT"}, code: 4197, wait: time.Minute, temporary: true},
		"reset without 429": {status: 500, body: `{}`, header: map[string]string{"x-ratelimit-reset": "37"}, temporary: true},
		"spam":              {status: 429, body: `{"code":9,"message":"no","message_detail":"Looks like SPAM"}`, header: map[string]string{"x-ratelimit-reset": "37"}, code: 9, message: "no", is: ErrSpamBlocked, temporary: true},
		"not implemented":   {status: 501, body: `<html>`, message: "the answer is no JSON object"},
		"echo":              {status: 400, body: `{"code":1,"message":"bad ` + accessToken + ` and Bearer pina_CANARY"}`, code: 1, message: "bad [redacted] and Bearer [redacted]"},
		"long":              {status: 400, body: `{"code":1,"message":"` + strings.Repeat("x", 900) + `"}`, code: 1, message: strings.Repeat("x", 200)},
		"redirect":          {status: 307, body: ``, header: map[string]string{"Location": "https://evil.example/?token=CANARY"}, message: "redirected to evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range tc.header {
					w.Header().Set(name, value)
				}
				answerWith(w, tc.status, tc.body)
			})
			_, err := f.client(t).Audiences(t.Context(), accessToken, "1")
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, Error{
				Op: "list audiences of ad account 1", Method: "GET", Path: "/ad_accounts/1/audiences", Status: tc.status, Code: tc.code,
				Message: tc.message, RequestID: "rid-1", RetryAfter: tc.wait, spam: refused.spam,
			}, *refused)
			require.Equal(t, tc.temporary, refused.Temporary())
			for _, target := range []error{ErrUnauthorized, ErrNotFound, ErrSpamBlocked, ErrInvalidGrant} {
				if errors.Is(tc.is, target) {
					require.ErrorIs(t, err, target)
				} else {
					require.NotErrorIs(t, err, target)
				}
			}
			requireNoSecret(t, err.Error())
			require.Len(t, f.seen(), 1)
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	c := f.client(t)
	_, read := c.UserAccount(t.Context(), accessToken)
	_, refresh := c.Refresh(t.Context(), acme(), refreshToken)
	require.ErrorContains(t, read, "redirects are not followed")
	require.ErrorContains(t, refresh, "redirects are not followed")
	require.Zero(t, followed.Load())
}

func TestMalformedAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`<html>`, ``, `[]`, `null`, `{"bookmark":"x"}`, `{"items":null}`, `{"items":{}}`, `{"items":["1"]}`, `{"items":[{"name":"x"}]}`,
		`{"items":[{"id":"1"}`, `{"items":[{"id":{"x":1}}]}`, `{"access_token":"CANARY`,
	} {
		c := newFake(t, always(http.StatusOK, body)).client(t)
		_, audiences := c.Audiences(t.Context(), accessToken, "1")
		_, user := c.UserAccount(t.Context(), accessToken)
		for _, err := range []error{audiences, user} {
			var malformed *MalformedError
			require.ErrorAs(t, err, &malformed, body)
			require.Equal(t, "rid-1", malformed.RequestID)
			requireNoSecret(t, err.Error())
		}
	}
}

func TestTheAnswerIsBounded(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[]`+strings.Repeat(" ", vendorhttp.MaxBody)+`}`)
	})
	_, err := f.client(t).Audiences(t.Context(), accessToken, "1")
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Contains(t, malformed.Want, "16 MiB")
}

func TestEndlessListsEnd(t *testing.T) {
	t.Parallel()
	same := newFake(t, always(http.StatusOK, `{"items":[],"bookmark":"again"}`))
	_, err := same.client(t).Audiences(t.Context(), accessToken, "1")
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Contains(t, malformed.Want, "not seen before")
	require.Len(t, same.seen(), 2)

	growing := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("bookmark"))
		answerWith(w, http.StatusOK, fmt.Sprintf(`{"items":[],"bookmark":"%d"}`, n+1))
	})
	_, err = growing.client(t).Audiences(t.Context(), accessToken, "1")
	require.ErrorAs(t, err, &malformed)
	require.Len(t, growing.seen(), maxPages)
}

func TestIDsStayInsideTheirResource(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, `{"items":[]}`))
	for _, id := range []string{"", "..", "1/../2", "a", "1?x", strings.Repeat("1", 33)} {
		_, err := f.client(t).Audiences(t.Context(), accessToken, id)
		require.ErrorContains(t, err, "is not an id", id)
	}
	require.Empty(t, f.seen())
}

func TestTransportErrors(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := f.client(t).UserAccount(t.Context(), accessToken)
	var transport *TransportError
	require.ErrorAs(t, err, &transport)
	require.False(t, transport.Timeout())

	hangs := newFake(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err = hangs.client(t, func(c *Config) { c.Timeout = 20 * time.Millisecond }).Audiences(t.Context(), accessToken, "1")
	require.ErrorAs(t, err, &transport)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, transport.Timeout())
	require.NotContains(t, err.Error(), "page_size")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = hangs.client(t).UserAccount(ctx, accessToken)
	require.ErrorIs(t, err, context.Canceled)
}

// Items that move while a listing is read come out once, as read last, in order.
func TestListingsSurviveMovingItems(t *testing.T) {
	t.Parallel()
	pages := make(chan []string, 1)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		all := <-pages
		pages <- all
		n, _ := strconv.Atoi(r.URL.Query().Get("bookmark"))
		answerWith(w, http.StatusOK, all[n])
	})
	c := f.client(t)
	rapid.Check(t, func(t *rapid.T) {
		read := rapid.SliceOfN(rapid.IntRange(10, 40), 1, 60).Draw(t, "items in the order read")
		chunks := slices.Collect(slices.Chunk(read, rapid.IntRange(1, 8).Draw(t, "page size")))
		last := make(map[string]string)
		var bodies []string
		version := 0
		for i, chunk := range chunks {
			var items []string
			for _, n := range chunk {
				version++
				last[strconv.Itoa(n)] = strconv.Itoa(version)
				items = append(items, fmt.Sprintf(`{"id":"%d","name":"%d"}`, n, version))
			}
			bookmark := "null"
			if i < len(chunks)-1 {
				bookmark = strconv.Quote(strconv.Itoa(i + 1))
			}
			bodies = append(bodies, fmt.Sprintf(`{"items":[%s],"bookmark":%s}`, strings.Join(items, ","), bookmark))
		}
		pages <- bodies
		got, err := c.Audiences(t.Context(), accessToken, "1")
		<-pages
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(last) || !slices.IsSortedFunc(got, func(a, b Audience) int { return strings.Compare(a.ID, b.ID) }) {
			t.Fatalf("got %v", got)
		}
		for _, audience := range got {
			if last[audience.ID] != audience.Name {
				t.Fatalf("%s as of reading %s, want %s", audience.ID, audience.Name, last[audience.ID])
			}
		}
	})
}
