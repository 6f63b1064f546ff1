package emulator

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// listedFlow renders the flow as the service shows it now.
func (e *Emulator) listedFlow(f *flow) listed {
	body := flowBody{
		recordBody: f.body(f.sandbox),
		FlowSpec:   version1(f.spec.FlowSpecID), State: f.state(),
		SourceConnectionIDs: []string{f.sourceID}, TargetConnectionIDs: []string{f.target.id},
		Transformations: f.transformations,
		Runs:            "/runs?property=flowId==" + f.id,
		LastOperation: operationBody{
			Started: f.operation.at.UnixMilli(), Updated: f.operation.at.UnixMilli(), PercentCompleted: 100,
			Status:    map[string]any{"value": "finished", "properties": map[string]any{}, "errors": []any{}},
			Operation: f.operation.kind, Ops: f.operation.ops,
		},
		LastRunDetails: e.lastRun(f),
	}
	to := inheritedConn{ID: f.target.id, ConnectionSpec: version1(f.spec.ID)}
	if f.account != nil {
		to.BaseConnection = &baseConn{f.account.id, version1(f.spec.ID)}
	}
	from := inheritedConn{
		ID: f.sourceID, ConnectionSpec: version1(profileStoreSpec),
		TypeInfo: map[string]string{"type": "ProfileFragments", "id": "ups"},
	}
	if f.spec.isSource {
		from, to = to, inheritedConn{ID: to.ID, ConnectionSpec: version1(profileStoreSpec)}
	}
	body.InheritedAttributes = inherited{
		Properties:        map[string]bool{"isDestinationFlow": !f.spec.isSource},
		SourceConnections: []inheritedConn{from}, TargetConnections: []inheritedConn{to},
	}
	return listed{value: body, served: Served{f.id, f.content, f.state()}}
}

// visible tells whether the call may see the flow at all.
func (c *call) visible(f *flow) bool {
	hiding := c.fault != nil && c.fault.Effect == EffectHide
	return !f.hidden() && !hiding && !c.oldGone(f.spec)
}

// listFlows is GET /flows, newest first.
func (c *call) listFlows() answer {
	flows := slices.Clone(c.sandbox.flows)
	slices.SortStableFunc(flows, func(a, b *flow) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.id, b.id))
	})
	return c.list("/flows", each(flows, c.visible, c.listedFlow))
}

// each renders the items that are wanted, as late as possible.
func each[T any](items []*T, wanted func(*T) bool, render func(*T) listed) iter.Seq[rendering] {
	return func(yield func(rendering) bool) {
		for _, item := range items {
			if wanted(item) && !yield(func() listed { return render(item) }) {
				return
			}
		}
	}
}

// readFlow is GET /flows/{id}.
func (c *call) readFlow() answer {
	f := c.sandbox.flow(c.entry.ID)
	if f == nil || !c.visible(f) {
		return c.notFound("1439-404", "flows", c.entry.ID)
	}
	c.flowEntry(f)
	return c.aged(c.one(c.listedFlow(f)), &f.record)
}

// flowEntry names the flow in the ledger.
func (c *call) flowEntry(f *flow) {
	c.entry.Card, c.entry.Origin, c.entry.ContentVersion = f.spec.role, f.origin, f.content
	if f.account != nil {
		c.entry.Account = f.account.id
	}
}

// writable finds the flow a write is about and refuses what every write refuses.
func (c *call) writable() (*flow, *answer) {
	f := c.sandbox.flow(c.entry.ID)
	if f == nil || c.oldGone(f.spec) {
		out := c.notFound("1439-404", "flows", c.entry.ID)
		return nil, &out
	}
	c.flowEntry(f)
	c.entry.Before, c.entry.After = f.state(), f.state()
	if f.hidden() {
		out := c.refuse("2120-403", "Forbidden", "no permission for flow %s", f.id)
		return nil, &out
	}
	if c.oldRefused(f.spec) {
		out := c.refuseOld(f)
		return nil, &out
	}
	if c.fault != nil && c.fault.Effect == EffectStaleEtag {
		f.touch(c.now, actorSystem)
	}
	return f, nil
}

// actOnFlow is POST /flows/{id}/action?op=enable|disable. It does not look at the account: that is what makes a copy
// enabled too early fail in its runs instead of here.
func (c *call) actOnFlow() answer {
	op := strings.ToLower(c.r.URL.Query().Get("op"))
	c.entry.Op = op
	f, refusal := c.writable()
	if refusal != nil {
		return *refusal
	}
	if match := c.r.Header.Get("If-Match"); match != "" && match != f.etag() {
		return c.preconditionFailed(match, &f.record)
	}
	if strings.EqualFold(c.r.URL.Query().Get("subOp"), "PROGRESS") && op == "enable" {
		return c.refuse("1436-400", "Bad request", "subOp PROGRESS cannot be used with enable")
	}
	goal, through := stateEnabled, stateEnabling
	switch op {
	case "enable":
	case "disable":
		goal, through = stateDisabled, stateDisabling
	default:
		return c.refuse("1422-400", "Bad request", "operation %q is not allowed for flow %s", op, f.id)
	}
	switch state := f.state(); {
	case moving(state):
		return c.refuse("1421-400", "Bad request", "flow %s is %s and cannot be transitioned", f.id, state)
	case state == goal && !c.settings.SameStateAccepted:
		return c.refuse("1422-400", "Bad request", "operation %s is not allowed: flow %s is %s", op, f.id, state)
	case state == goal:
		return reply(http.StatusOK, map[string]string{"id": f.id, "etag": f.etag()})
	}
	delay := c.settings.Transition
	if c.fault != nil && c.fault.Effect == EffectTransition {
		delay = c.fault.Delay
	}
	c.entry.Applied = true
	c.entry.After = c.move(f, goal, through, delay, c.actor)
	return reply(http.StatusOK, map[string]string{"id": f.id, "etag": f.etag()})
}

// move brings the flow to the goal, through the state between if that takes time, and gives the state it is in now.
func (e *Emulator) move(f *flow, goal, through string, delay time.Duration, by string) string {
	f.touch(e.now, by)
	f.operation = operation{at: e.now, kind: "update"}
	if delay <= 0 {
		f.states.set(e.now, goal)
		return goal
	}
	f.states.set(e.now, through)
	e.agenda.plan(e.now.Add(delay), func(at time.Time) {
		if f.state() != through {
			return
		}
		f.states.set(at, goal)
		f.touch(at, actorSystem)
		e.changed(f.stateEntry(goal, through, goal), f.sandbox)
	})
	return through
}

// stateEntry is the ledger line of a change the flow made by itself.
func (f *flow) stateEntry(op, before, after string) Entry {
	entry := Entry{
		Entity: entityFlow, ID: f.id, Op: op, Before: before, After: after, Card: f.spec.role, Origin: f.origin,
		ContentVersion: f.content,
	}
	if f.account != nil {
		entry.Account = f.account.id
	}
	return entry
}

// preconditionFailed is the 412 of a version that does not match.
func (c *call) preconditionFailed(supplied string, r *record) answer {
	return shortRefusal(http.StatusPreconditionFailed,
		"FLOW-1404-412: the version supplied does not match the current version of "+r.id,
		fmt.Sprintf("supplied version %s, current version %s", supplied, r.etag()))
}

// deleteFlow is DELETE /flows/{id}.
func (c *call) deleteFlow() answer {
	c.entry.Op = "delete"
	f, refusal := c.writable()
	if refusal != nil {
		return *refusal
	}
	c.entry.Applied, c.entry.After = true, stateDeleted
	f.remove(c.now)
	return empty(http.StatusAccepted)
}

// remove takes the flow and its target connection out of the sandbox.
func (f *flow) remove(at time.Time) {
	f.states.set(at, stateDeleted)
	sb := f.sandbox
	sb.flows = slices.DeleteFunc(sb.flows, func(other *flow) bool { return other == f })
	sb.targets = slices.DeleteFunc(sb.targets, func(t *target) bool { return t == f.target })
}

// aged puts the etag of the revision before into a read, when a fault says so.
func (c *call) aged(out answer, r *record) answer {
	if c.fault != nil && c.fault.Effect == EffectStaleEtag {
		out.body = bytes.ReplaceAll(out.body, quoted(r.etag()), quoted(r.staleEtag()))
	}
	return out
}
