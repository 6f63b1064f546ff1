package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// masked stands where the service holds a credential back.
const masked = "****"

type authBody struct {
	SpecName string          `json:"specName"`
	Params   json.RawMessage `json:"params"`
}

type accountBody struct {
	recordBody
	ConnectionSpec versioned `json:"connectionSpec"`
	State          string    `json:"state"`
	Auth           authBody  `json:"auth"`
}

// listedAccount renders the account; of the credentials it shows a partial view.
func (e *Emulator) listedAccount(a *account) listed {
	body := accountBody{
		recordBody: a.body(a.sandbox), ConnectionSpec: version1(a.spec.ID), State: stateEnabled, Auth: e.authOf(a),
	}
	return listed{value: body, served: Served{a.id, a.content, a.grants.now().state(e.now)}}
}

func (e *Emulator) authOf(a *account) authBody {
	params := map[string]any{}
	if g := a.grants.now(); g.authenticated {
		params["authorizedDate"] = g.authorized.Format(time.DateOnly)
		if a.spec.usesOAuth2 {
			params["accessToken"], params["tokenType"] = masked, "bearer"
		}
		if !g.expires.IsZero() {
			params["expiresIn"] = int64(g.expires.Sub(g.authorized) / time.Second)
			if !e.settings.HideExpiration {
				params["expirationDate"] = g.expires.Format(time.RFC3339Nano)
			}
		}
	}
	name := "Access Key"
	if a.spec.usesOAuth2 {
		name = "OAuth2"
	}
	return authBody{SpecName: name, Params: mustJSON(params)}
}

// listConnections is GET /connections, newest first.
func (c *call) listConnections() answer {
	accounts := slices.Clone(c.sandbox.accounts)
	slices.SortStableFunc(accounts, func(a, b *account) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.id, b.id))
	})
	return c.list("/connections", each(accounts, func(a *account) bool { return !c.oldGone(a.spec) }, c.listedAccount))
}

func always[T any](*T) bool { return true }

// namedAccount finds the account the call is about.
func (c *call) namedAccount() (*account, *answer) {
	a := c.sandbox.account(c.entry.ID)
	if a == nil || c.oldGone(a.spec) {
		out := c.notFound("1101-404", "connections", c.entry.ID)
		return nil, &out
	}
	c.entry.Card, c.entry.ContentVersion = a.spec.role, a.content
	return a, nil
}

// readConnection is GET /connections/{id}.
func (c *call) readConnection() answer {
	a, refusal := c.namedAccount()
	if refusal != nil {
		return *refusal
	}
	return c.aged(c.one(c.listedAccount(a)), &a.record)
}

// testConnection is GET /connections/{id}/test. Whether it works for OAuth2 destinations is not documented.
func (c *call) testConnection() answer {
	c.entry.Op = "test"
	a, refusal := c.namedAccount()
	if refusal != nil {
		return *refusal
	}
	result := c.accepted(a)
	switch c.settings.Probe {
	case "404":
		return c.notFound("1101-404", "connections", a.id)
	case "501":
		return c.refuse("1100-501", "Not implemented", "connection %s cannot be tested", a.id)
	case "true":
		result = true
	}
	c.entry.Applied, c.entry.After = true, a.grants.now().state(c.now)
	return reply(http.StatusOK, map[string]bool{"result": result})
}

// accepted tells whether the partner takes the account's authorization now. The test asks the partner about the sign-in
// and knows no ad account, so one that reaches the wrong ad account passes [inferred].
func (e *Emulator) accepted(a *account) bool {
	g := a.grants.now()
	return g.serves(g.advertiser, e.now) && !e.closedTo(a.spec, e.now)
}

// patchConnection is PATCH /connections/{id}: name, description, credentials.
func (c *call) patchConnection() answer {
	c.entry.Op = "patch"
	a, refusal := c.namedAccount()
	if refusal != nil {
		return *refusal
	}
	if c.fault != nil && c.fault.Effect == EffectStaleEtag {
		a.touch(c.now, actorSystem)
	}
	ops, refusal := c.prepare(&a.record)
	if refusal != nil {
		return *refusal
	}
	auth := c.authOf(a)
	doc, refusal := c.apply(patchable{Name: a.name, Description: a.description, Auth: &auth}, ops)
	if refusal != nil {
		return *refusal
	}
	switch {
	case doc.Auth == nil || doc.Params != nil || doc.Transformations != nil || doc.SourceConnectionIDs != nil:
		return c.refuse("1455-400", "Bad request", "the patch reaches a field a connection does not have")
	case doc.Auth.SpecName != auth.SpecName:
		return c.refuse("1415-400", "Bad request", "auth spec %q does not exist for this connection spec", doc.Auth.SpecName)
	}
	a.name, a.description = doc.Name, doc.Description
	if string(doc.Auth.Params) != string(auth.Params) {
		c.patchGrant(a, doc.Auth.Params)
	}
	return c.patched(&a.record, a.sandbox)
}

// patchGrant puts credentials the caller got by itself into the account. Unless the scenario says otherwise they do
// not work: they were issued to another application than the destination's own.
func (c *call) patchGrant(a *account, params json.RawMessage) {
	var given struct {
		AccessToken string `json:"accessToken"`
	}
	if json.Unmarshal(params, &given) != nil {
		given.AccessToken = ""
	}
	before := a.grants.now()
	g := grant{}
	token := c.pins.access[given.AccessToken]
	if token != nil && token.grant.org != a.sandbox.org {
		c.entry.Kind = KindCross
		c.entry.Detail = "the Pinterest token of " + token.grant.org.id + " was written into an account of " + a.sandbox.org.id
	}
	if c.settings.PatchedGrants && token != nil && token.grant.org == a.sandbox.org && token.live(c.now) {
		g = grant{authenticated: true, authorized: c.now, expires: c.now.Add(c.settings.Lease)}
	}
	a.grants.set(c.now, g)
	c.planExpiry(a)
	c.entry.Before, c.entry.After = before.state(c.now), g.state(c.now)
}

// deleteConnection is DELETE /connections/{id}.
func (c *call) deleteConnection() answer {
	c.entry.Op = "delete"
	a, refusal := c.namedAccount()
	if refusal != nil {
		return *refusal
	}
	if slices.ContainsFunc(c.sandbox.flows, func(f *flow) bool { return f.account == a }) {
		return c.refuse("1418-400", "Bad request", "connection %s is used by flows", a.id)
	}
	c.entry.Applied, c.entry.Before, c.entry.After = true, a.grants.now().state(c.now), "deleted"
	c.sandbox.accounts = slices.DeleteFunc(c.sandbox.accounts, func(other *account) bool { return other == a })
	return empty(http.StatusAccepted)
}
