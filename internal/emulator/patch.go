package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// patchable are the members of an entity that a PATCH may reach.
type patchable struct {
	Name                string          `json:"name"`
	Description         string          `json:"description,omitempty"`
	SourceConnectionIDs []string        `json:"sourceConnectionIds,omitempty"`
	Transformations     json.RawMessage `json:"transformations,omitempty"`
	Params              json.RawMessage `json:"params,omitempty"`
	Auth                *authBody       `json:"auth,omitempty"`
}

// prepare checks what every PATCH needs and gives its operations in lower case.
func (c *call) prepare(r *record) (json.RawMessage, *answer) {
	refuse := func(out answer) (json.RawMessage, *answer) { return nil, &out }
	switch match := c.r.Header.Get("If-Match"); {
	case match == "":
		return refuse(c.refuse("1403-400", "Bad request", "header If-Match is missing"))
	case match != r.etag():
		return refuse(c.preconditionFailed(match, r))
	case len(strings.TrimSpace(string(c.body))) == 0:
		return refuse(c.refuse("1405-400", "Bad request", "the body is empty"))
	}
	var ops []map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &ops); err != nil {
		return refuse(c.refuse("1434-400", "Bad request", "the body is not a list of patch operations"))
	}
	if len(ops) == 0 {
		return refuse(c.refuse("1405-400", "Bad request", "the list of patch operations is empty"))
	}
	for _, op := range ops {
		var name, path string
		if json.Unmarshal(op["op"], &name) != nil || json.Unmarshal(op["path"], &path) != nil || path == "" {
			return refuse(c.refuse("1455-400", "Bad request", "an operation lacks op or path"))
		}
		name = strings.ToLower(name)
		switch name {
		case "add", "replace":
			if len(op["value"]) == 0 {
				return refuse(c.refuse("1455-400", "Bad request", "operation %s on %s lacks a value", name, path))
			}
		case "remove":
			delete(op, "value") // callers send a stub, which has no meaning
		default:
			return refuse(c.refuse("1434-400", "Bad request", "operation %s is not supported", name))
		}
		if path == "/state" {
			return refuse(c.refuse("1456-400", "Bad request", "the state is changed by the action call"))
		}
		op["op"] = quoted(name)
	}
	return mustJSON(ops), nil
}

// apply runs the operations over what of the entity may be patched.
func (c *call) apply(doc patchable, ops json.RawMessage) (patchable, *answer) {
	refuse := func(detail string) (patchable, *answer) {
		out := c.refuse("1455-400", "Bad request", "%s", detail)
		return patchable{}, &out
	}
	patch, err := jsonpatch.DecodePatch(ops)
	if err != nil {
		return refuse("the patch cannot be read")
	}
	options := jsonpatch.NewApplyOptions()
	options.SupportNegativeIndices = false
	changed, err := patch.ApplyWithOptions(mustJSON(doc), options)
	if err != nil {
		return refuse("the patch does not fit the entity: a field of a path is missing")
	}
	var out patchable
	decoder := json.NewDecoder(strings.NewReader(string(changed)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&out); err != nil {
		return refuse("the patch reaches a field that cannot be changed or spoils its form")
	}
	return out, nil
}

// patched ends a successful PATCH of the entity.
func (c *call) patched(r *record, sb *sandbox) answer {
	r.content++
	r.touch(c.now, c.actor)
	c.settleLater(r, sb)
	c.entry.Applied, c.entry.ContentVersion = true, r.content
	if c.settings.PatchAccepted {
		return empty(http.StatusAccepted)
	}
	return reply(http.StatusOK, map[string]string{"id": r.id, "etag": r.etag()})
}

// settleLater moves the etag once more after a PATCH, since the service finishes updates in the background.
func (c *call) settleLater(r *record, sb *sandbox) {
	if c.settings.EtagSettles < 0 {
		return
	}
	e, revision, entity, card := c.Emulator, r.revision, c.entity, c.entry.Card
	e.agenda.plan(e.now.Add(e.settings.EtagSettles), func(at time.Time) {
		if r.revision != revision {
			return
		}
		r.touch(at, actorSystem)
		e.changed(Entry{Entity: entity, ID: r.id, Op: "settle", Card: card, ContentVersion: r.content}, sb)
	})
}

// patchFlow is PATCH /flows/{id}.
func (c *call) patchFlow() answer {
	c.entry.Op = OpPatch
	f, refusal := c.writable()
	if refusal != nil {
		return *refusal
	}
	ops, refusal := c.prepare(&f.record)
	if refusal != nil {
		return *refusal
	}
	if moving(f.state()) {
		return c.refuse("1420-400", "Bad request", "flow %s is %s and cannot be updated", f.id, f.state())
	}
	doc, refusal := c.apply(patchable{
		Name: f.name, Description: f.description, SourceConnectionIDs: []string{f.sourceID}, Transformations: f.transformations,
	}, ops)
	if refusal != nil {
		return *refusal
	}
	if doc.Params != nil || doc.Auth != nil || len(doc.SourceConnectionIDs) != 1 {
		return c.refuse("1455-400", "Bad request", "the patch reaches a field a flow does not have")
	}
	_, before := f.decode()
	if f.name == doc.Name && f.description == doc.Description && f.sourceID == doc.SourceConnectionIDs[0] {
		c.nameEdit(f, doc.Transformations)
	}
	f.name, f.description, f.sourceID, f.transformations = doc.Name, doc.Description, doc.SourceConnectionIDs[0], doc.Transformations
	f.stampNew(before.Selectors, c.now)
	f.operation = operation{at: c.now, kind: "update", ops: ops}
	return c.patched(&f.record, f.sandbox)
}
