package vendorhttp

import (
	"bytes"
	"encoding/json"
)

// Text reads a string, and a number or a boolean as it is spelled. Null, objects
// and arrays read as empty: they are not what the field is documented to hold.
type Text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Text) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = Text(s)
	case raw[0] == '{', raw[0] == '[', bytes.Equal(raw, []byte("null")):
		*t = ""
	default:
		*t = Text(raw)
	}
	return nil
}
