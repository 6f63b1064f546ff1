package emulator

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scopeRead is what audiences need; Pinterest has no scope of their own for them.
const scopeRead = "ads:read"

// defaultScopes are what verification needs.
const defaultScopes = "user_accounts:read,ads:read"

// categoryLimits are requests per minute, user and app.
const (
	orgReadLimit = 1000
	adsReadLimit = 1000
)

// pinterest is the partner's side: its OAuth application and what it has issued.
type pinterest struct {
	app     PinterestApp
	codes   map[string]*pinterestCode
	access  map[string]*pinterestToken
	refresh map[string]*pinterestToken
	rates   map[string]*minuteCount
}

// pinterestGrant is what a person once agreed to.
type pinterestGrant struct {
	org     *organization
	scopes  []string
	revoked bool
}

type pinterestToken struct {
	grant   *pinterestGrant
	expires time.Time
}

func (t *pinterestToken) live(now time.Time) bool { return !t.grant.revoked && now.Before(t.expires) }

type pinterestCode struct {
	grant    *pinterestGrant
	redirect string
	expires  time.Time
}

type minuteCount struct {
	minute time.Time
	used   int
}

// PinterestTokens is what the token endpoint answers.
type PinterestTokens struct {
	ResponseType          string `json:"response_type"`
	AccessToken           string `json:"access_token"`
	TokenType             string `json:"token_type"`
	ExpiresIn             int64  `json:"expires_in"` // seconds
	Scope                 string `json:"scope"`
	RefreshToken          string `json:"refresh_token,omitempty"`
	RefreshTokenExpiresIn int64  `json:"refresh_token_expires_in,omitempty"` // seconds
	RefreshTokenExpiresAt int64  `json:"refresh_token_expires_at,omitempty"` // epoch seconds
}

func newPinterest(app PinterestApp) pinterest {
	app.ClientID = or(app.ClientID, "1500000")
	app.ClientSecret = or(app.ClientSecret, "pinterest-app-secret")
	if app.AccessLifetime == 0 {
		app.AccessLifetime = 30 * 24 * time.Hour
	}
	if app.RefreshLifetime == 0 {
		app.RefreshLifetime = 60 * 24 * time.Hour
		if app.Legacy {
			app.RefreshLifetime = 365 * 24 * time.Hour
		}
	}
	return pinterest{
		app: app, codes: map[string]*pinterestCode{}, access: map[string]*pinterestToken{},
		refresh: map[string]*pinterestToken{}, rates: map[string]*minuteCount{},
	}
}

// GrantPinterest gives the organization's person's consent without a browser and issues the first tokens. Without
// scopes it grants what verification needs.
func (e *Emulator) GrantPinterest(org string, scopes ...string) (PinterestTokens, error) {
	e.lock()
	defer e.mu.Unlock()
	o, err := e.lookupOrganization(org)
	if err != nil {
		return PinterestTokens{}, err
	}
	return e.issuePinterest(e.consent(o, scopes), "authorization_code", true), nil
}

// RevokePinterest ends all grants of the organization's person, as a changed password does.
func (e *Emulator) RevokePinterest(org string) error {
	e.lock()
	defer e.mu.Unlock()
	o, err := e.lookupOrganization(org)
	if err != nil {
		return err
	}
	for _, g := range o.pinterestGrant {
		g.revoked = true
	}
	e.enter(Entry{Kind: KindState, Actor: actorSystem, Entity: entityPinterest, Organization: org, Op: "revoke", Applied: true}, nil)
	return nil
}

func (e *Emulator) consent(org *organization, scopes []string) *pinterestGrant {
	if len(scopes) == 0 {
		scopes = strings.Split(defaultScopes, ",")
	}
	g := &pinterestGrant{org: org, scopes: scopes}
	org.pinterestGrant = append(org.pinterestGrant, g)
	return g
}

// issuePinterest makes an access token, and a refresh token if asked to.
func (e *Emulator) issuePinterest(g *pinterestGrant, kind string, refreshable bool) PinterestTokens {
	out := PinterestTokens{
		ResponseType: kind, TokenType: "bearer", Scope: strings.Join(g.scopes, ","),
		AccessToken: "pina_" + rand.Text() + rand.Text(), ExpiresIn: int64(e.pins.app.AccessLifetime / time.Second),
	}
	e.pins.access[out.AccessToken] = &pinterestToken{g, e.now.Add(e.pins.app.AccessLifetime)}
	e.secrets = append(e.secrets, Secret{"pinterest_access_token", g.org.id, out.AccessToken})
	if refreshable {
		expires := e.now.Add(e.pins.app.RefreshLifetime)
		out.RefreshToken = "pinr_" + rand.Text() + rand.Text()
		out.RefreshTokenExpiresIn, out.RefreshTokenExpiresAt = int64(e.pins.app.RefreshLifetime/time.Second), expires.Unix()
		e.pins.refresh[out.RefreshToken] = &pinterestToken{g, expires}
		e.secrets = append(e.secrets, Secret{"pinterest_refresh_token", g.org.id, out.RefreshToken})
	}
	return out
}

// pinterestToken is POST /v5/oauth/token.
func (c *call) pinterestToken() answer {
	id, secret, ok := c.r.BasicAuth()
	if !ok || id != c.pins.app.ClientID || !sameSecret(secret, c.pins.app.ClientSecret) {
		return pinterestRefusal(http.StatusUnauthorized, 2, "Authentication failed.")
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return pinterestRefusal(http.StatusBadRequest, 1, "the body is not form-encoded")
	}
	c.entry.Op = form.Get("grant_type")
	switch form.Get("grant_type") {
	case "authorization_code":
		return c.exchange(form)
	case "refresh_token":
		return c.rotate(form)
	default:
		return pinterestRefusal(http.StatusBadRequest, 1, "grant_type is not supported")
	}
}

// sameSecret compares the password of Basic authentication, which RFC 6749 (2.3.1) has form-encoded before; Pinterest's own examples send it as it is.
func sameSecret(sent, secret string) bool {
	decoded, err := url.QueryUnescape(sent)
	return sent == secret || err == nil && decoded == secret
}

func (c *call) exchange(form url.Values) answer {
	code := c.pins.codes[form.Get("code")]
	if code == nil || !c.now.Before(code.expires) || code.redirect != form.Get("redirect_uri") {
		return pinterestRefusal(http.StatusUnauthorized, 283, "The authorization grant is invalid.")
	}
	delete(c.pins.codes, form.Get("code"))
	return c.granted(code.grant, "authorization_code", true)
}

// rotate spends a refresh token for a new pair.
func (c *call) rotate(form url.Values) answer {
	text := form.Get("refresh_token")
	token := c.pins.refresh[text]
	if token == nil || !token.live(c.now) {
		return pinterestRefusal(http.StatusUnauthorized, 283, "The authorization grant is invalid.")
	}
	if !c.pins.app.Legacy {
		token.expires = c.now.Add(c.pins.app.Overlap)
	}
	return c.granted(token.grant, "refresh_token", !c.pins.app.Legacy)
}

func (c *call) granted(g *pinterestGrant, kind string, refreshable bool) answer {
	c.org, c.entry.Applied = g.org, true
	return reply(http.StatusOK, c.issuePinterest(g, kind, refreshable))
}

// identifyPinterest finds the grant behind the bearer token, or behind the refresh token or code of a token request.
func (c *call) identifyPinterest() {
	c.actor = c.pins.app.ClientID
	if token := c.pins.access[bearer(c.r)]; token != nil {
		c.pinToken, c.org = token, token.grant.org
		return
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return
	}
	if token := c.pins.refresh[form.Get("refresh_token")]; token != nil {
		c.org = token.grant.org
	} else if code := c.pins.codes[form.Get("code")]; code != nil {
		c.org = code.grant.org
	}
}

// admitPinterest checks the bearer token, its scope and the rate of its category.
func (c *call) admitPinterest() (answer, bool) {
	if c.kind == KindToken || c.path == "/ads/v4/" {
		return answer{}, false
	}
	c.entry.Kind = KindRefused
	switch {
	case c.pinToken == nil || !c.pinToken.live(c.now):
		return pinterestRefusal(http.StatusUnauthorized, 2, "Authentication failed."), true
	case c.scope != "" && !slices.Contains(c.pinToken.grant.scopes, c.scope):
		return pinterestRefusal(http.StatusUnauthorized, 3, "The token lacks the scope "+c.scope+"."), true
	}
	headers, exceeded := c.countPinterest()
	if exceeded {
		out := pinterestRefusal(http.StatusTooManyRequests, 8, "You have exceeded your rate limit.")
		maps.Copy(out.header, headers)
		return out, true
	}
	c.entry.Kind = c.kind
	c.rateHeaders = headers
	return answer{}, false
}

// countPinterest counts the call in its category's minute.
func (c *call) countPinterest() (http.Header, bool) {
	category, limit := "ads_read", adsReadLimit
	if c.scope == "user_accounts:read" {
		category, limit = "org_read", orgReadLimit
	}
	if rps := c.settings.RequestsPerSecond; rps > 0 {
		limit = max(1, int(rps*60))
	}
	key := category + "/" + c.org.id
	minute := c.now.Truncate(time.Minute)
	count := c.pins.rates[key]
	if count == nil || !count.minute.Equal(minute) {
		count = &minuteCount{minute: minute}
		c.pins.rates[key] = count
	}
	exceeded := count.used >= limit
	if !exceeded {
		count.used++
	}
	return http.Header{
		"X-Ratelimit-Limit":     {strconv.Itoa(limit)},
		"X-Ratelimit-Remaining": {strconv.Itoa(limit - count.used)},
		"X-Ratelimit-Reset":     {seconds(minute.Add(time.Minute).Sub(c.now))},
	}, exceeded
}
