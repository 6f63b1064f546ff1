package emulator

import (
	"cmp"
	"encoding/json"
	"slices"
)

type targetBody struct {
	recordBody
	ConnectionSpec      versioned                  `json:"connectionSpec"`
	State               string                     `json:"state"`
	BaseConnectionID    string                     `json:"baseConnectionId,omitempty"`
	Data                map[string]any             `json:"data"`
	Params              map[string]json.RawMessage `json:"params"`
	InheritedAttributes map[string]any             `json:"inheritedAttributes,omitempty"`
}

func (e *Emulator) listedTarget(t *target) listed {
	body := targetBody{
		recordBody: t.body(t.sandbox), ConnectionSpec: version1(t.spec.ID), State: stateEnabled,
		Data:   map[string]any{"format": "json", "schema": nil, "properties": nil},
		Params: t.params,
	}
	if t.account != nil {
		body.BaseConnectionID = t.account.id
		body.InheritedAttributes = map[string]any{"baseConnection": baseConn{t.account.id, version1(t.spec.ID)}}
	}
	return listed{value: body, served: Served{ID: t.id, ContentVersion: t.content}}
}

// listTargets is GET /targetConnections, newest first.
func (c *call) listTargets() answer {
	targets := slices.Clone(c.sandbox.targets)
	slices.SortStableFunc(targets, func(a, b *target) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.id, b.id))
	})
	return c.list("/targetConnections", each(targets, func(t *target) bool { return !c.oldGone(t.spec) }, c.listedTarget))
}

// namedTarget finds the target connection the call is about.
func (c *call) namedTarget() (*target, *answer) {
	t := c.sandbox.target(c.entry.ID)
	if t == nil || c.oldGone(t.spec) {
		out := c.notFound("1101-404", "targetConnections", c.entry.ID)
		return nil, &out
	}
	c.entry.Card = t.spec.role
	return t, nil
}

// readTarget is GET /targetConnections/{id}.
func (c *call) readTarget() answer {
	t, refusal := c.namedTarget()
	if refusal != nil {
		return *refusal
	}
	return c.one(c.listedTarget(t))
}

// patchTarget is PATCH /targetConnections/{id}; replacing /params replaces all of them.
func (c *call) patchTarget() answer {
	c.entry.Op = "patch"
	t, refusal := c.namedTarget()
	if refusal != nil {
		return *refusal
	}
	c.entry.ContentVersion = t.content
	ops, refusal := c.prepare(&t.record)
	if refusal != nil {
		return *refusal
	}
	doc, refusal := c.apply(patchable{Name: t.name, Description: t.description, Params: mustJSON(t.params)}, ops)
	if refusal != nil {
		return *refusal
	}
	var params map[string]json.RawMessage
	if json.Unmarshal(doc.Params, &params) != nil || doc.Auth != nil || doc.Transformations != nil {
		return c.refuse("1455-400", "Bad request", "the patch reaches a field a target connection does not have")
	}
	t.name, t.description, t.params = doc.Name, doc.Description, params
	return c.patched(&t.record, t.sandbox)
}
