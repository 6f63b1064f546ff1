package adobe

import (
	"cmp"
	"context"
	"encoding/json"
)

// TargetConnection ties an account to a place at the destination.
type TargetConnection struct {
	ID        string
	Name      string
	AccountID string
	SpecID    string
	Etag      string
	// AdvertiserID is Pinterest's ad account id; empty for other destinations.
	AdvertiserID string
	// Params is what Adobe answered: a change must send all of it back.
	Params map[string]json.RawMessage
}

func (t TargetConnection) id() string { return t.ID }

type wireTarget struct {
	version

	ID               text                       `json:"id"`
	Name             text                       `json:"name"`
	BaseConnectionID text                       `json:"baseConnectionId"`
	ConnectionSpec   ref                        `json:"connectionSpec"`
	Params           map[string]json.RawMessage `json:"params"`
	Inherited        struct {
		BaseConnection struct {
			ref

			ConnectionSpec ref `json:"connectionSpec"`
		} `json:"baseConnection"`
	} `json:"inheritedAttributes"`
}

func (w wireTarget) value() TargetConnection {
	base := w.Inherited.BaseConnection
	return TargetConnection{
		ID:        string(w.ID),
		Name:      string(w.Name),
		AccountID: string(cmp.Or(w.BaseConnectionID, base.ID)),
		SpecID:    string(cmp.Or(w.ConnectionSpec.ID, base.ConnectionSpec.ID)),
		Etag:      w.etag(),
		// The documents use both spellings.
		AdvertiserID: cmp.Or(param(w.Params, "advertiser_id"), param(w.Params, "advertiserId")),
		Params:       w.Params,
	}
}

func param(params map[string]json.RawMessage, name string) string {
	var value text
	if raw, ok := params[name]; !ok || json.Unmarshal(raw, &value) != nil {
		return ""
	}
	return string(value)
}

// TargetConnection reads one target connection.
func (s *Sandbox) TargetConnection(ctx context.Context, id string) (TargetConnection, error) {
	return read[wireTarget, TargetConnection](ctx, s, "read target connection "+id, "/targetConnections", id)
}

// TargetConnections returns the target connections of the given cards, from every page, each once, sorted by id.
func (s *Sandbox) TargetConnections(ctx context.Context, specIDs ...string) ([]TargetConnection, error) {
	const op = "list target connections"
	filters, err := anyOf(op, "connectionSpec.id", specIDs)
	if err != nil {
		return nil, err
	}
	targets, err := list[wireTarget, TargetConnection](ctx, s, queries(op, "/targetConnections", filters)...)
	if err != nil {
		return nil, err
	}
	return only(s, op, targets, "connectionSpec.id", specIDs, func(t TargetConnection) string { return t.SpecID })
}
