package pinterest

import (
	"strconv"
	"time"

	"cutover/internal/vendorhttp"
)

// text reads a string however it is spelled.
type text = vendorhttp.Text

// number returns the text's integer; 0 if it has none.
func number(t text) int64 {
	n, err := strconv.ParseFloat(string(t), 64)
	if err != nil || n < -(1<<53) || n > 1<<53 {
		return 0
	}
	return int64(n)
}

// epoch returns the text's epoch second; the zero time if it has none.
func epoch(t text) time.Time {
	n := number(t)
	if n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
