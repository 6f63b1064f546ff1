package notify

import (
	"fmt"
	"io"
)

// Secret is a value that no way of printing or marshalling shows, wherever in another value it lies: a function has no text.
type Secret struct{ value func() string }

// NewSecret hides s. An empty one is no secret: its zero value.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: func() string { return s }}
}

func (s Secret) reveal() string {
	if s.value == nil {
		return ""
	}
	return s.value()
}

// String tells that there is a secret, or none.
func (s Secret) String() string {
	if s.value == nil {
		return "none"
	}
	return "[secret]"
}

// GoString tells what String tells.
func (s Secret) GoString() string { return s.String() }

// Format writes what String tells, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText writes what String tells, also into JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
