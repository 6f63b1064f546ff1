package adobe

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"cutover/internal/vendorhttp"
)

// text reads a string however it is spelled.
type text = vendorhttp.Text

// count reads an integer, also one spelled as a string or with a fraction.
type count int64

// UnmarshalJSON implements [json.Unmarshaler].
func (c *count) UnmarshalJSON(raw []byte) error {
	spelled := strings.Trim(string(raw), `"`)
	if spelled == "" || spelled == "null" {
		*c = 0
		return nil
	}
	if n, err := strconv.ParseInt(spelled, 10, 64); err == nil {
		*c = count(n)
		return nil
	}
	n, err := strconv.ParseFloat(spelled, 64)
	if err != nil || math.Abs(n) > 1<<53 || math.IsNaN(n) {
		return errors.New("not a number")
	}
	*c = count(n)
	return nil
}

// instant reads epoch milliseconds, as a number or a string, and RFC 3339.
// Zero, empty and null are the zero time.
type instant struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (i *instant) UnmarshalJSON(raw []byte) error {
	if at, err := time.Parse(time.RFC3339, strings.Trim(string(raw), `"`)); err == nil {
		i.Time = at.UTC()
		return nil
	}
	var ms count
	if err := ms.UnmarshalJSON(raw); err != nil {
		return errors.New("not a time")
	}
	i.Time = time.Time{}
	if ms != 0 {
		i.Time = time.UnixMilli(int64(ms)).UTC()
	}
	return nil
}

// loose reads a field whose form is not documented: what does not fit reads as absent.
type loose[T any] struct{ value T }

// UnmarshalJSON implements [json.Unmarshaler].
func (l *loose[T]) UnmarshalJSON(raw []byte) error {
	var v T
	if json.Unmarshal(raw, &v) == nil {
		l.value = v
	}
	return nil
}

// ref is how one entity names another.
type ref struct {
	ID text `json:"id"`
}

// version is the etag in either of its two fields.
type version struct {
	Etag    text `json:"etag"`
	Version text `json:"version"`
}

// etag returns the quoted form that If-Match wants.
func (v version) etag() string {
	etag := v.Etag
	if etag == "" {
		etag = v.Version
	}
	return quoteEtag(string(etag))
}

func quoteEtag(etag string) string {
	if etag == "" || strings.HasSuffix(etag, `"`) {
		return etag
	}
	return `"` + etag + `"`
}
