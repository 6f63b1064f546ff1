package adobe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// The operations that Adobe knows of JSON Patch.
const (
	OpAdd     = "add"
	OpReplace = "replace"
	OpRemove  = "remove"
)

// PatchOp is one operation of a JSON Patch (RFC 6902).
type PatchOp struct {
	// Op is OpAdd, OpReplace or OpRemove.
	Op   string `json:"op"`
	Path string `json:"path"`
	// Value is marshalled to JSON. Adobe documents it as required even for OpRemove.
	Value any `json:"value,omitempty"`
}

// PatchDataflow changes a dataflow that still has the etag; if it has another by
// now, [ErrPrecondition] holds for the error. Adobe goes on changing the etag after
// its answer: read the dataflow again right before every patch.
func (s *Sandbox) PatchDataflow(ctx context.Context, id, etag string, ops ...PatchOp) error {
	return s.patch(ctx, "patch dataflow "+id, "/flows", id, etag, ops)
}

func (s *Sandbox) patch(ctx context.Context, op, resource, id, etag string, ops []PatchOp, hide ...string) error {
	if err := checkID(op, id); err != nil {
		return err
	}
	if etag == "" || len(ops) == 0 {
		return fmt.Errorf("adobe: %s: %s: an etag and at least one operation are needed", op, place(s.cred.Organization, s.name))
	}
	body, err := json.Marshal(ops)
	if err != nil {
		return fmt.Errorf("adobe: %s: %s: the patch is not JSON", op, place(s.cred.Organization, s.name))
	}
	return s.write(ctx, id, request{
		op: op, method: http.MethodPatch, path: resource + "/" + id, etag: quoteEtag(etag), body: body, hide: hide,
	})
}

// write sends a change. Its answer is empty or names the changed entity; anything
// else did not come from the service, so the change may not have happened.
func (s *Sandbox) write(ctx context.Context, id string, r request) error {
	got, err := s.send(ctx, r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(got.body)) == 0 {
		return nil
	}
	var changed ref
	if err := json.Unmarshal(got.body, &changed); err != nil || (changed.ID != "" && string(changed.ID) != id) {
		return s.malformed(got, "an empty answer or an object with the id "+id, got.body)
	}
	return nil
}
