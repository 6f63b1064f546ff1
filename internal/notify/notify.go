// Package notify carries notices to people: by e-mail, to a webhook, into a chat, or as files, each once, over the first channel that takes it.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// Notice is one message to people, put in words. Key is its idempotency key: the same key is the same notice, however often it is delivered.
type Notice struct {
	Key          string   `json:"key"`
	Kind         string   `json:"kind"`
	Organization string   `json:"organization"`
	To           []string `json:"to"` // plain e-mail addresses; empty: for the operator
	Subject      string   `json:"subject"`
	Text         string   `json:"text"`
	HTML         string   `json:"html,omitempty"` // the text once more, for those who can show it
}

// Receipt is the proof that a notice was delivered, over which channel, and when it was for the first time.
type Receipt struct {
	Key     string    `json:"key"`
	At      time.Time `json:"at"`
	Channel string    `json:"channel"`
	Faults  []Fault   `json:"faults,omitempty"` // what went wrong on the way, for an operator to mend
}

// Fault is what kept a channel from delivering although it was to be preferred, or from delivering to everyone. Why says what to check and holds no secret.
type Fault struct {
	Channel string `json:"channel"`
	Why     string `json:"why"`
}

// Channel is one way to people. Its errors say why and what to check; no secret and nothing of a server's answer is in them. A *PartialError
// means that the notice was delivered, though not to everyone. Channels may be used by many at once.
type Channel interface {
	// Name is what receipts and faults say.
	Name() string
	Send(ctx context.Context, n Notice) error
}

// Deliverer delivers notices, each key once.
type Deliverer interface {
	Deliver(ctx context.Context, n Notice) (Receipt, error)
}

// ErrNoKey is returned for a notice without an idempotency key.
var ErrNoKey = errors.New("the notice has no key")

// Named is the channel under a name of its own, for those who have two of a kind.
func Named(name string, c Channel) Channel { return named{Channel: c, name: name} }

type named struct {
	Channel

	name string
}

func (n named) Name() string { return n.name }

// token is the key for headers: always the same for it, and valid wherever it stands.
func token(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}
