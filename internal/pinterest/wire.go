package pinterest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// text reads a string, and a number or a boolean as it is spelled. Null, objects
// and arrays read as empty: they are not what the field is documented to hold.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = text(s)
	case raw[0] == '{', raw[0] == '[', bytes.Equal(raw, []byte("null")):
		*t = ""
	default:
		*t = text(raw)
	}
	return nil
}

// number returns the text's integer; 0 if it has none.
func (t text) number() int64 {
	n, err := strconv.ParseFloat(string(t), 64)
	if err != nil || n < -(1<<53) || n > 1<<53 {
		return 0
	}
	return int64(n)
}

// time returns the text's epoch second; the zero time if it has none.
func (t text) time() time.Time {
	n := t.number()
	if n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
