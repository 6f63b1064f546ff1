package main

import (
	"fmt"
	"strings"

	"cutover/internal/migration"
)

// dataflowCounts is how far the dataflows of one or of many organizations got.
type dataflowCounts struct {
	Total       int `json:"total"`
	Ready       int `json:"ready"`
	Held        int `json:"held"`
	Switched    int `json:"switched"` // and not verified yet
	Verified    int `json:"verified"`
	LeftOff     int `json:"left_off"`
	RolledBack  int `json:"rolled_back"`
	Undelivered int `json:"undelivered"` // of all these, those that delivered nothing for a while
}

func countPairs(pairs []migration.PairState) dataflowCounts {
	c := dataflowCounts{Total: len(pairs)}
	for _, pair := range pairs {
		switch pair.Progress {
		case migration.Ready:
			c.Ready++
		case migration.Held:
			c.Held++
		case migration.Switched:
			c.Switched++
		case migration.Verified:
			c.Verified++
		case migration.LeftOff:
			c.LeftOff++
		case migration.WentBack:
			c.RolledBack++
		}
		if pair.Missed != nil {
			c.Undelivered++
		}
	}
	return c
}

func (c *dataflowCounts) add(more dataflowCounts) {
	c.Total += more.Total
	c.Ready += more.Ready
	c.Held += more.Held
	c.Switched += more.Switched
	c.Verified += more.Verified
	c.LeftOff += more.LeftOff
	c.RolledBack += more.RolledBack
	c.Undelivered += more.Undelivered
}

// count is one of the counts with its word.
type count struct {
	Word string
	N    int
}

// parts are the counts that are not zero and add up to the total.
func (c dataflowCounts) parts() (parts []count) {
	for _, part := range []count{
		{"verified", c.Verified}, {"switched", c.Switched}, {"left off", c.LeftOff}, {"ready", c.Ready}, {"held", c.Held}, {"rolled back", c.RolledBack},
	} {
		if part.N > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// String is empty for none.
func (c dataflowCounts) String() string {
	if c.Total == 0 {
		return ""
	}
	text := joinCounts(c.parts())
	if len(c.parts()) > 1 {
		text = fmt.Sprintf("%d: %s", c.Total, text)
	}
	if c.Undelivered > 0 {
		text += fmt.Sprintf("; %d not delivered for a while", c.Undelivered)
	}
	return text
}

func joinCounts(counts []count) string {
	words := make([]string, len(counts))
	for i, c := range counts {
		words[i] = fmt.Sprintf("%d %s", c.N, c.Word)
	}
	return strings.Join(words, ", ")
}
