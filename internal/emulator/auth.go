package emulator

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// adobeToken is an IMS access token; it belongs to one client for good.
type adobeToken struct {
	value   string
	org     *organization
	expires time.Time
}

// imsScopes are what every credential of the emulator may ask for.
const imsScopes = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext,additional_info.roles"

// mintToken is POST /ims/token/v3.
func (c *call) mintToken() answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return imsRefusal(http.StatusBadRequest, "invalid_request", "the body is not form-encoded")
	}
	for key, values := range c.r.URL.Query() { // accepted in the query too, though discouraged
		if !form.Has(key) {
			form[key] = values
		}
	}
	switch grantType := form.Get("grant_type"); {
	case grantType == "":
		return imsRefusal(http.StatusBadRequest, "invalid_request", "grant_type is missing")
	case grantType != "client_credentials":
		return imsRefusal(http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is supported")
	}
	org := c.world.byClient[form.Get("client_id")]
	switch {
	case org == nil:
		return imsRefusal(http.StatusBadRequest, "invalid_client", "invalid client_id parameter")
	case !slices.Contains(org.secrets, form.Get("client_secret")):
		return imsRefusal(http.StatusBadRequest, "invalid_client", "invalid client_secret parameter")
	case form.Get("scope") == "":
		return imsRefusal(http.StatusBadRequest, "invalid_request", "scope is missing")
	}
	allowed := strings.Split(imsScopes, ",")
	for scope := range strings.SplitSeq(form.Get("scope"), ",") {
		if !slices.Contains(allowed, strings.TrimSpace(scope)) {
			return imsRefusal(http.StatusBadRequest, "invalid_scope", "a scope is not allowed for this client")
		}
	}
	if c.mintsTooMuch(org) {
		return c.throttled(imsRefusal(http.StatusTooManyRequests, "too_many_requests", "too many tokens were requested"))
	}
	return c.issue(org)
}

func (c *call) mintsTooMuch(org *organization) bool {
	if c.settings.MintLimit <= 0 {
		return false
	}
	org.mints = slices.DeleteFunc(org.mints, func(at time.Time) bool { return c.now.Sub(at) >= time.Hour })
	if len(org.mints) >= c.settings.MintLimit {
		return true
	}
	org.mints = append(org.mints, c.now)
	return false
}

func (c *call) issue(org *organization) answer {
	token := &adobeToken{value: "eyJ" + rand.Text() + rand.Text(), org: org, expires: c.now.Add(c.settings.TokenLifetime)}
	c.tokens[token.value] = token
	org.tokens = append(org.tokens, token)
	c.secrets = append(c.secrets, Secret{Kind: "ims_access_token", Organization: org.id, Value: token.value})
	c.entry.Op, c.entry.Applied = "mint", true
	return reply(http.StatusOK, map[string]any{
		"access_token": token.value, "token_type": "bearer", "expires_in": int64(c.settings.TokenLifetime / time.Second),
	})
}

// identify finds out whose call this seems to be, without judging it.
func (c *call) identify() {
	c.claimed = c.r.Header.Get("X-Gw-Ims-Org-Id")
	switch c.vendor {
	case vendorIMS:
		if form, err := url.ParseQuery(string(c.body)); err == nil {
			c.actor = form.Get("client_id")
		}
		c.org = c.world.byClient[c.actor]
	case vendorAdobe:
		c.actor = c.r.Header.Get("X-Api-Key")
		if token := c.tokens[bearer(c.r)]; token != nil {
			c.org, c.actor = token.org, token.org.clientID
		}
		if c.org != nil {
			c.sandbox = c.org.sandbox(c.sandboxName())
		}
	case vendorPinterest:
		c.identifyPinterest()
	}
}

// sandboxName is the sandbox asked for; without the header it is prod.
func (c *call) sandboxName() string {
	return or(c.r.Header.Get("X-Sandbox-Name"), "prod")
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// admit is the vendor's gateway: it refuses who may not come in, and who comes too often.
func (c *call) admit() (answer, bool) {
	switch c.vendor {
	case vendorAdobe:
		if out, refused := c.admitAdobe(); refused {
			return out, true
		}
	case vendorPinterest:
		return c.admitPinterest()
	case vendorIMS:
	}
	if c.tooFast() {
		c.entry.Kind = KindRefused
		if c.vendor == vendorIMS {
			return c.throttled(imsRefusal(http.StatusTooManyRequests, "too_many_requests", "too many requests")), true
		}
		return c.throttled(gatewayRefusal("429050", "Too many requests")), true
	}
	return answer{}, false
}

// admitAdobe checks the four headers, in the gateway's order.
func (c *call) admitAdobe() (answer, bool) {
	c.entry.Kind = KindRefused
	token, key := c.tokens[bearer(c.r)], c.r.Header.Get("X-Api-Key")
	switch {
	case c.r.Header.Get("Authorization") == "":
		return gatewayRefusal("403010", "Oauth token is missing"), true
	case token != nil && c.claimed != "" && c.claimed != token.org.id:
		c.entry.Kind = KindCross
		c.entry.Detail = "the token of " + token.org.id + " came with the organization id " + c.claimed
		return gatewayRefusal("403025", "Profile is not valid"), true
	case token != nil && key != token.org.clientID && c.world.byClient[key] != nil:
		c.entry.Kind = KindCross
		c.entry.Detail = "the token of " + token.org.id + " came with the api key of " + c.world.byClient[key].id
		return gatewayRefusal("403003", "Api Key is invalid"), true
	case token == nil || !c.now.Before(token.expires):
		return gatewayRefusal("401013", "Oauth token is not valid"), true
	case key == "":
		return gatewayRefusal("403000", "Api Key is required"), true
	case key != token.org.clientID:
		return gatewayRefusal("403003", "Api Key is invalid"), true
	case c.claimed == "":
		return gatewayRefusal("400003", "Missing header: x-gw-ims-org-id"), true
	case c.sandbox == nil:
		return c.refuse("2100-404", "Sandbox not found", "no sandbox named %s", c.sandboxName()), true
	case len(c.body) > 0 && !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/json"):
		return reply(http.StatusBadRequest, map[string]any{
			"type": "https://ns.adobe.com/aep/errors/content-type", "status": http.StatusBadRequest,
			"title": "Bad request", "detail": "the content type must be application/json",
		}), true
	}
	c.entry.Kind = c.kind
	return answer{}, false
}

// tooFast counts the call against its client's rate and against the rate of all clients together.
func (c *call) tooFast() bool {
	return c.exceeds("client "+c.actor, c.settings.RequestsPerSecond) || c.exceeds("all", c.settings.TotalRequestsPerSecond)
}

func (c *call) exceeds(whose string, perSecond float64) bool {
	if perSecond <= 0 {
		return false
	}
	limiter := c.limiters[whose]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
		c.limiters[whose] = limiter
	}
	return !limiter.AllowN(c.now, 1)
}

// throttled adds Retry-After when the vendor is set to send it.
func (c *call) throttled(out answer) answer {
	if c.settings.RetryAfter > 0 {
		out.header.Set("Retry-After", seconds(c.settings.RetryAfter))
	}
	return out
}
