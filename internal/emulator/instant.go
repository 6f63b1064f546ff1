package emulator

import (
	"fmt"
	"strings"
	"time"
)

// Instant is a moment of a scenario: absolute, or relative to the emulator's start. The zero Instant means "not given".
type Instant struct {
	Time     time.Time     // absolute; zero if relative
	Offset   time.Duration // from the start, used when Relative
	Relative bool
}

// At is the absolute instant t.
func At(t time.Time) Instant { return Instant{Time: t} }

// FromStart is the instant d after the start, or before it when d is negative.
func FromStart(d time.Duration) Instant { return Instant{Offset: d, Relative: true} }

// IsZero tells that the instant was not given.
func (i Instant) IsZero() bool { return !i.Relative && i.Time.IsZero() }

// UnmarshalText reads "+30s", "-48h", "2023-11-16" (midnight UTC) or an RFC 3339 time.
func (i *Instant) UnmarshalText(text []byte) error {
	s := string(text)
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("instant %q: write an offset from the start such as +30s: %w", s, err)
		}
		*i = FromStart(d)
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			*i = At(t.UTC())
			return nil
		}
	}
	return fmt.Errorf("instant %q: write an offset such as +30s, a date such as 2023-11-16, or an RFC 3339 time", s)
}

// MarshalText is the inverse of UnmarshalText.
func (i Instant) MarshalText() ([]byte, error) {
	if i.Relative {
		if i.Offset < 0 {
			return []byte(i.Offset.String()), nil
		}
		return []byte("+" + i.Offset.String()), nil
	}
	return i.Time.AppendFormat(nil, time.RFC3339Nano), nil
}

// from resolves the instant, or gives fallback when it was not given.
func (i Instant) from(start, fallback time.Time) time.Time {
	switch {
	case i.Relative:
		return start.Add(i.Offset)
	case i.Time.IsZero():
		return fallback
	default:
		return i.Time.UTC()
	}
}
