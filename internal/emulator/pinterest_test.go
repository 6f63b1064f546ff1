package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// pinToken asks Pinterest's token endpoint.
func (b *bench) pinToken(form url.Values, credentials string) result {
	b.t.Helper()
	return b.must("POST", "/v5/oauth/token", form.Encode(), http.Header{
		"Content-Type":  {"application/x-www-form-urlencoded"},
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))},
	})
}

const app = "1500000:pinterest-app-secret"

func (b *bench) refresh(token string) result {
	b.t.Helper()
	return b.pinToken(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, app)
}

func (b *bench) pin(token, path string) result {
	b.t.Helper()
	return b.must("GET", "/v5"+path, "", http.Header{"Authorization": {"Bearer " + token}})
}

func tokensOf(t *testing.T, out result) emulator.PinterestTokens {
	t.Helper()
	require.Equal(t, http.StatusOK, out.status, "%s", out.body)
	var tokens emulator.PinterestTokens
	require.NoError(t, json.Unmarshal(out.body, &tokens))
	return tokens
}

func TestPinterestRotation(t *testing.T) {
	t.Parallel()
	b := small(t)
	first, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.pin(first.AccessToken, "/user_account").status)

	second := tokensOf(t, b.refresh(first.RefreshToken))
	require.Equal(t, "refresh_token", second.ResponseType)
	require.True(t, strings.HasPrefix(second.AccessToken, "pina_"))
	require.True(t, strings.HasPrefix(second.RefreshToken, "pinr_"))
	require.NotEqual(t, first.RefreshToken, second.RefreshToken)
	require.EqualValues(t, 30*24*3600, second.ExpiresIn)
	require.EqualValues(t, 60*24*3600, second.RefreshTokenExpiresIn)
	require.Equal(t, noon().AddDate(0, 0, 60).Unix(), second.RefreshTokenExpiresAt)

	out := b.refresh(first.RefreshToken)
	require.Equal(t, http.StatusUnauthorized, out.status, "a refresh token is good once")
	require.InDelta(t, 283, out.object(t)["code"], 0)
	require.NotEmpty(t, out.header.Get("X-Pinterest-Rid"))

	b.advance(30 * 24 * time.Hour)
	out = b.pin(second.AccessToken, "/user_account")
	require.Equal(t, http.StatusUnauthorized, out.status)
	require.InDelta(t, 2, out.object(t)["code"], 0)
	third := tokensOf(t, b.refresh(second.RefreshToken))
	b.advance(60 * 24 * time.Hour)
	require.Equal(t, http.StatusUnauthorized, b.refresh(third.RefreshToken).status)
}

func TestPinterestOverlapAndLegacy(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Pinterest.Overlap = time.Minute })
	first, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	tokensOf(t, b.refresh(first.RefreshToken))
	tokensOf(t, b.refresh(first.RefreshToken))
	b.advance(time.Minute)
	require.Equal(t, http.StatusUnauthorized, b.refresh(first.RefreshToken).status)

	b = small(t, func(s *emulator.Scenario) { s.Pinterest.Legacy = true })
	first, err = b.GrantPinterest(acme)
	require.NoError(t, err)
	require.Empty(t, tokensOf(t, b.refresh(first.RefreshToken)).RefreshToken)
	tokensOf(t, b.refresh(first.RefreshToken))
}

func TestPinterestRefusals(t *testing.T) {
	t.Parallel()
	b := small(t)
	tokens, err := b.GrantPinterest(acme, "user_accounts:read")
	require.NoError(t, err)
	cases := []struct {
		name         string
		out          result
		status, code int
	}{
		{"wrong secret", b.pinToken(url.Values{"grant_type": {"refresh_token"}}, "1500000:no"), 401, 2},
		{"unknown grant", b.pinToken(url.Values{"grant_type": {"password"}}, app), 400, 1},
		{"unknown refresh token", b.refresh("pinr_no"), 401, 283},
		{"unknown code", b.pinToken(url.Values{"grant_type": {"authorization_code"}, "code": {"no"}}, app), 401, 283},
		{"unknown token", b.pin("pina_no", "/ad_accounts"), 401, 2},
		{"no scope", b.pin(tokens.AccessToken, "/ad_accounts"), 401, 3},
		{"unknown path", b.pin(tokens.AccessToken, "/boards"), 404, 404},
	}
	for _, tc := range cases {
		require.Equal(t, tc.status, tc.out.status, tc.name)
		require.InDelta(t, tc.code, tc.out.object(t)["code"], 0, tc.name)
		require.NotEmpty(t, tc.out.object(t)["message"], tc.name)
	}
	require.NoError(t, b.RevokePinterest(acme))
	require.Equal(t, http.StatusUnauthorized, b.pin(tokens.AccessToken, "/user_account").status)
	require.Equal(t, http.StatusUnauthorized, b.refresh(tokens.RefreshToken).status)
}

func TestPinterestAudiences(t *testing.T) {
	t.Parallel()
	b := small(t).login()
	tokens, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	token := tokens.AccessToken
	user := b.pin(token, "/user_account")
	require.Equal(t, "Acme", user.object(t)["business_name"])
	for _, header := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
		require.NotEmpty(t, user.header.Get(header))
	}
	accounts := b.pin(token, "/ad_accounts").items(t)
	require.Len(t, accounts, 1)
	require.Equal(t, advertiser, accounts[0]["id"])
	require.Equal(t, http.StatusOK, b.pin(token, "/ad_accounts/"+advertiser).status)
	missing := b.pin(token, "/ad_accounts/1/audiences")
	require.Equal(t, http.StatusNotFound, missing.status)
	require.InDelta(t, 2, missing.object(t)["code"], 0)

	find := func(name string) map[string]any {
		for _, a := range b.pin(token, "/ad_accounts/"+advertiser+"/audiences").items(t) {
			if a["name"] == name {
				return a
			}
		}
		return nil
	}
	require.NoError(t, b.EditFlow(acme, "prod", b.flow("old", "Loyal customers").ID, emulator.Edit{State: "disabled"}))
	b.advance(48 * time.Hour)
	before := find("Gold tier")
	require.Equal(t, "audience", before["type"])
	require.Equal(t, "INITIALIZING", before["status"], "nothing reached it lately")
	b.reconnect(emulator.Reconnection{})
	b.login()
	require.Equal(t, http.StatusOK, b.act(b.flow("new", "Loyal customers").ID, "enable").status)
	after := find("Gold tier")
	require.Equal(t, "READY", after["status"])
	require.InDelta(t, b.Now().Unix(), after["updated_timestamp"], 0)
	require.Greater(t, after["updated_timestamp"], before["updated_timestamp"])

	one := b.pin(token, "/ad_accounts/"+advertiser+"/audiences/"+text(after, "id"))
	require.Equal(t, after, one.object(t))
	require.Equal(t, http.StatusNotFound, b.pin(token, "/ad_accounts/"+advertiser+"/audiences/1").status)
	lists := b.pin(token, "/ad_accounts/"+advertiser+"/customer_lists").items(t)
	require.Len(t, lists, 5)
	require.Equal(t, "customerlist", lists[0]["type"])
	require.Equal(t, http.StatusOK, b.pin(token, "/ad_accounts/"+advertiser+"/customer_lists/"+text(lists[0], "id")).status)
	require.Empty(t, b.pin(token, "/ad_accounts/"+advertiser+"/audiences?ownership_type=RECEIVED").items(t))
}

func TestPinterestSmallAudience(t *testing.T) {
	t.Parallel()
	few := 99
	b := small(t, func(s *emulator.Scenario) { s.Organizations[0].Sandboxes[0].Dataflows[0].Profiles = &few })
	tokens, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	status := map[any]any{}
	for _, a := range b.pin(tokens.AccessToken, "/ad_accounts/"+advertiser+"/audiences").items(t) {
		status[a["name"]] = a["status"]
	}
	require.Equal(t, "TOO_SMALL", status["Gift buyers"])
	require.Equal(t, "READY", status["Newsletter"])
}

func TestPinterestPages(t *testing.T) {
	t.Parallel()
	b := small(t)
	tokens, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	base := "/ad_accounts/" + advertiser + "/audiences"
	whole := b.pin(tokens.AccessToken, base).items(t)
	require.Len(t, whole, 5)
	for size := 1; size <= 6; size++ {
		var got []map[string]any
		mark := ""
		for {
			out := b.pin(tokens.AccessToken, fmt.Sprintf("%s?page_size=%d&bookmark=%s", base, size, mark))
			got = append(got, out.items(t)...)
			if mark = text(out.object(t), "bookmark"); mark == "" {
				break
			}
		}
		require.Equal(t, whole, got)
	}
	descending := b.pin(tokens.AccessToken, base+"?order=DESCENDING").items(t)
	require.Equal(t, whole[0], descending[4])
	require.Equal(t, http.StatusBadRequest, b.pin(tokens.AccessToken, base+"?page_size=251").status)
	require.Equal(t, http.StatusBadRequest, b.pin(tokens.AccessToken, base+"?bookmark=!").status)
}

func TestPinterestRateLimit(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Settings.RequestsPerSecond = 0.05 })
	tokens, err := b.GrantPinterest(acme)
	require.NoError(t, err)
	for range 3 {
		require.Equal(t, http.StatusOK, b.pin(tokens.AccessToken, "/ad_accounts").status)
	}
	out := b.pin(tokens.AccessToken, "/ad_accounts")
	require.Equal(t, http.StatusTooManyRequests, out.status)
	require.InDelta(t, 8, out.object(t)["code"], 0)
	require.Equal(t, "0", out.header.Get("X-Ratelimit-Remaining"))
	require.Equal(t, "60", out.header.Get("X-Ratelimit-Reset"))
	require.Equal(t, http.StatusOK, b.pin(tokens.AccessToken, "/user_account").status, "another category")
	b.advance(time.Minute)
	require.Equal(t, http.StatusOK, b.pin(tokens.AccessToken, "/ad_accounts").status)
}

func TestConsent(t *testing.T) {
	t.Parallel()
	b := small(t)
	ask := url.Values{
		"client_id": {"1500000"}, "redirect_uri": {"http://127.0.0.1:9/back?keep=1"}, "response_type": {"code"},
		"scope": {"ads:read,user_accounts:read"}, "state": {`st"ate`}, "code_challenge": {"ignored"},
	}
	page := b.must("GET", "/oauth/?"+ask.Encode(), "", nil)
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, string(page.body), "ads:read")
	require.Contains(t, string(page.body), "st&#34;ate")

	answer := func(choice string) url.Values {
		form := url.Values{"organization": {acme}, "answer": {choice}}
		maps.Copy(form, ask)
		out := b.must("POST", "/oauth/", form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		require.Equal(t, http.StatusFound, out.status)
		back, err := url.Parse(out.header.Get("Location"))
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:9", back.Host)
		require.Equal(t, "1", back.Query().Get("keep"))
		require.Equal(t, `st"ate`, back.Query().Get("state"))
		return back.Query()
	}
	require.Equal(t, "access_denied", answer("deny").Get("error"))
	code := answer("approve").Get("code")
	exchange := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://127.0.0.1:9/other"}}
	require.Equal(t, http.StatusUnauthorized, b.pinToken(exchange, app).status, "the address must be the same")
	exchange.Set("redirect_uri", ask.Get("redirect_uri"))
	tokens := tokensOf(t, b.pinToken(exchange, app))
	require.Equal(t, "ads:read,user_accounts:read", tokens.Scope)
	require.Equal(t, http.StatusOK, b.pin(tokens.AccessToken, "/ad_accounts").status)
	require.Equal(t, http.StatusUnauthorized, b.pinToken(exchange, app).status, "a code is good once")

	late := url.Values{"grant_type": {"authorization_code"}, "code": {answer("approve").Get("code")}, "redirect_uri": {ask.Get("redirect_uri")}}
	b.advance(time.Hour)
	require.Equal(t, http.StatusUnauthorized, b.pinToken(late, app).status)
}

func TestConsentRefused(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) { s.Pinterest.RedirectURIs = []string{"https://app.example/back"} })
	good := url.Values{"client_id": {"1500000"}, "redirect_uri": {"https://app.example/back"}, "response_type": {"code"}}
	require.Equal(t, http.StatusOK, b.must("GET", "/oauth/?"+good.Encode(), "", nil).status)
	for key, value := range map[string]string{
		"client_id": "x", "response_type": "token", "redirect_uri": "https://app.example/back2",
	} {
		bad := maps.Clone(good)
		bad.Set(key, value)
		out := b.must("GET", "/oauth/?"+bad.Encode(), "", nil)
		require.Equal(t, http.StatusBadRequest, out.status, key)
		require.Contains(t, string(out.body), key)
	}
	loop := small(t)
	for redirect, status := range map[string]int{
		"http://127.0.0.1:1/x": 200, "http://localhost:1/x": 200, "http://[::1]:1/x": 200,
		"http://elsewhere.example/x": 400, "https://127.0.0.1/x": 400, "javascript:alert(1)": 400,
	} {
		q := url.Values{"client_id": {"1500000"}, "redirect_uri": {redirect}, "response_type": {"code"}}
		require.Equal(t, status, loop.must("GET", "/oauth/?"+q.Encode(), "", nil).status, redirect)
	}
}
