package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// box is what a text or a mark takes of its lane.
type box struct {
	from, to int
	what     string
}

// overlap fails when two boxes meet or one leaves the picture.
func overlap(t *rapid.T, boxes []box) {
	for i, a := range boxes {
		if a.from < 0 || a.to > width {
			t.Fatalf("%v leaves the picture", a)
		}
		for _, b := range boxes[i+1:] {
			if a.from < b.to && b.from < a.to {
				t.Fatalf("%v meets %v", a, b)
			}
		}
	}
}

func TestNothingInThePictureOverlaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		// From the demo's minute to longer than any migration.
		span := rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour, 20 * time.Hour, 5 * day, 64 * day, 180 * day, 3 * 365 * day}).Draw(rt, "span")
		start := on("2023-11-16 08:00:00")
		moment := func(label string) time.Time {
			return start.Add(time.Duration(rapid.Int64Range(0, int64(span)).Draw(rt, label)))
		}
		e := Evidence{Written: moment("written"), Status: migration.Status{Since: moment("since"), Phase: migration.Migrated, Timeline: migration.Timeline{
			Available: moment("available"), ReauthenticateBy: moment("by"), Shutdown: moment("shutdown"),
		}}}
		for i := range rapid.IntRange(0, 40).Draw(rt, "deeds") {
			e.Status.Deeds = append(e.Status.Deeds, migration.Deed{At: moment("deed"), By: "operator", What: strings.Repeat("w", i)})
		}
		for range rapid.IntRange(0, 5).Draw(rt, "missed") {
			e.Missed = append(e.Missed, migration.Missed{From: moment("from"), To: moment("to")})
		}
		p := draw(e)
		rows := map[int][]box{}
		for _, l := range p.Lines {
			rows[l.LabelY] = append(rows[l.LabelY], box{l.LabelX, l.LabelX + wide(l.Label), l.Label})
			if l.X < gutter || l.X > width-margin || l.LabelY > p.Top {
				rt.Fatalf("line %v", l)
			}
		}
		for _, row := range rows {
			overlap(rt, row)
		}
		events := 0
		for _, lane := range p.Lanes {
			boxes := []box{{0, gutter - 10, lane.Name}}
			for _, m := range lane.Marks {
				boxes = append(boxes, box{m.X - m.Radius(), m.X + m.Radius(), "mark"})
				if m.Label != "" {
					boxes = append(boxes, box{m.LabelX, m.LabelX + wide(m.Label), m.Label})
				}
				if lane.Name == "People" {
					events += m.Count
				}
			}
			overlap(rt, boxes)
		}
		if events != len(e.Status.Deeds) {
			rt.Fatalf("%d of %d deeds are drawn", events, len(e.Status.Deeds))
		}
		var ticks []box
		for _, tick := range p.Ticks {
			half := (wide(tick.Label) + 1) / 2
			ticks = append(ticks, box{tick.LabelX - half, tick.LabelX + half, tick.Label})
		}
		overlap(rt, ticks)
		if len(ticks) < 1 || len(ticks) > maxTicks {
			rt.Fatalf("%d ticks: %v", len(ticks), ticks)
		}
	})
}

func TestTicksStandAtRoundTimes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		span time.Duration
		want string
	}{
		{time.Minute, "08:00:15 08:00:30 08:00:45"},
		{time.Hour, "08:15 08:30 08:45"},
		{64 * day, "27 Nov 11 Dec 25 Dec 8 Jan"},
		{180 * day, "1 Dec 1 Jan 1 Feb 1 Mar 1 Apr 1 May"},
		{3 * 365 * day, "1 Jan 2024 1 Jul 2024 1 Jan 2025 1 Jul 2025 1 Jan 2026 1 Jul 2026"},
	} {
		start := on("2023-11-16 08:00:00")
		var labels []string
		for _, tick := range (scale{start, start.Add(tc.span)}).ticks() {
			labels = append(labels, tick.Label)
		}
		require.Equal(t, tc.want, strings.Join(labels, " "), tc.span)
	}
}

func TestMarksThatAreTooCloseAreCounted(t *testing.T) {
	t.Parallel()
	e := rich()
	for i := range 150 {
		e.Status.Deeds = append(e.Status.Deeds, migration.Deed{At: on("2024-01-15 10:00:00").Add(time.Duration(i) * time.Second), By: "operator", What: fmt.Sprintf("deed %d", i)})
	}
	page, err := e.HTML()
	require.NoError(t, err)
	require.Contains(t, string(page), ">99&#43;</text>")
	require.Contains(t, string(page), "and 138 more</title>")
}

func TestSpansAreJoined(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return on("2024-01-19 00:00:00").Add(time.Duration(hour) * time.Hour) }
	require.Equal(t, []migration.Window{{From: at(1), To: at(5)}, {From: at(7), To: at(8)}}, joined([]migration.Window{
		{From: at(7), To: at(8)}, {From: at(1), To: at(3)}, {From: at(2), To: at(5)}, {From: at(3), To: at(4)}, {To: at(9)}, {From: at(9), To: at(8)},
	}))
}
