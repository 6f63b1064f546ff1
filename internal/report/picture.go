package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutover/internal/migration"
)

// Sizes of the picture, in its own units, which are pixels on a wide screen.
const (
	width    = 1000
	gutter   = 120 // names of lanes
	margin   = 24  // right of the last moment
	lane     = 34
	labelRow = 16
	radius   = 8
	apart    = 2*radius + 4 // marks closer than this become one
	letter   = 6.7          // of a label, on the safe side
)

// picture is a timeline: what is due as lines, what happened as marks on lanes.
type picture struct {
	Width, Height  int
	Top, Bottom    int // of the lanes
	Left, Right    int
	Bands          []band
	Lines          []line
	Lanes          []row
	Ticks          []tick
	From, To, Name string
}

// Lanewise is the height of all lanes.
func (p *picture) Lanewise() int { return p.Bottom - p.Top }

// AxisEnd is where the strokes of ticks end.
func (p *picture) AxisEnd() int { return p.Bottom + 5 }

// AxisText is the base line of the labels of ticks.
func (p *picture) AxisText() int { return p.Bottom + 18 }

// band is a stage of the playbook's timeline.
type band struct {
	X, Width int
	Stage    migration.Stage
}

// line is an instant that everything is measured by.
type line struct {
	X, LabelX, LabelY int
	Label, Title      string
}

// row is a lane with what happened.
type row struct {
	Name    string
	Y, Text int // centre, and the base line of its texts
	Kind    string
	Bars    []bar
	Marks   []mark
}

// bar is a span of time.
type bar struct {
	X, Width, Y int
	Title       string
}

// mark is one event, or as many as lie too close to be told apart.
type mark struct {
	X, Count int
	Label    string // empty where there is no room
	LabelX   int
	Title    string
}

// Radius is larger where a number stands in the mark.
func (m mark) Radius() int {
	if m.Count > 1 {
		return radius
	}
	return radius - 3
}

// Shown is the number in the mark.
func (m mark) Shown() string {
	switch {
	case m.Count < 2:
		return ""
	case m.Count > 99:
		return "99+"
	}
	return strconv.Itoa(m.Count)
}

// CountText is the base line of the numbers in marks.
func (r row) CountText() int { return r.Y + 3 }

// tick is a moment on the axis.
type tick struct {
	X, LabelX int // the label is centred at LabelX
	Label     string
}

// event is something that happened.
type event struct {
	at    time.Time
	short string // a label
	long  string // a hint
}

// track is a lane before it is drawn.
type track struct {
	name, kind string
	events     []event
	spans      []migration.Window
}

// scale turns instants into places.
type scale struct{ from, to time.Time }

func (s scale) x(t time.Time) int {
	part := t.Sub(s.from).Seconds() / s.to.Sub(s.from).Seconds()
	return gutter + int(part*(width-gutter-margin)+0.5)
}

// draw makes the picture, or nil if nothing is known to be drawn.
func draw(e Evidence) *picture {
	tracks := tracksOf(e)
	timeline := e.Status.Timeline
	s, ok := scaleOf(timeline, e.Written, tracks)
	if !ok {
		return nil
	}
	p := &picture{Width: width, Left: gutter, Right: width - margin, From: instant(s.from), To: instant(s.to), Name: "Timeline of " + brief(e.Status.Organization)}
	p.Lines, p.Top = s.lines(timeline, e.Written)
	p.Bands = s.bands(timeline)
	y := p.Top
	for _, t := range tracks {
		p.Lanes = append(p.Lanes, s.row(t, y+lane/2))
		y += lane
	}
	p.Bottom, p.Height = y, y+24
	p.Ticks = s.ticks()
	return p
}

// scaleOf spans everything that is drawn, with a little room.
func scaleOf(t migration.Timeline, written time.Time, tracks []track) (scale, bool) {
	instants := []time.Time{t.Available, t.ReauthenticateBy, t.Shutdown, written}
	for _, track := range tracks {
		for _, e := range track.events {
			instants = append(instants, e.at)
		}
		for _, w := range track.spans {
			instants = append(instants, w.From, w.To)
		}
	}
	instants = slices.DeleteFunc(instants, time.Time.IsZero)
	if len(instants) == 0 {
		return scale{}, false
	}
	from, to := slices.MinFunc(instants, time.Time.Compare), slices.MaxFunc(instants, time.Time.Compare)
	room := max(to.Sub(from)/40, time.Second)
	return scale{from.Add(-room).UTC(), to.Add(room).UTC()}, true
}

func tracksOf(e Evidence) []track {
	s := e.Status
	told := track{name: "Notices", kind: "notice"}
	for _, n := range s.Notices {
		told.events = append(told.events, event{n.At, string(n.Kind), noticeName(n.Kind)})
	}
	signed := track{name: "Sign-ins", kind: "sign-in"}
	for _, a := range s.Accounts {
		signed.events = append(signed.events, event{a.VerifiedAt, a.Name, a.Name + " verified"})
	}
	approved := track{name: "Approvals", kind: "person"}
	for _, c := range s.Consents {
		approved.events = append(approved.events, event{c.At, c.By, c.By + " approved " + c.Plan})
	}
	switched, back := track{name: "Switches", kind: "switch"}, track{name: "Rollbacks", kind: "rollback"}
	judged := track{name: "Verdicts", kind: "verdict"}
	for _, p := range s.Pairs {
		if v := p.Verdict; v != nil {
			judged.events = append(judged.events, event{v.At, p.Name, p.Name + ": " + string(v.Status)})
		}
		for _, t := range p.Toggled {
			switch e := (event{t.At, p.Name, p.Name + ": " + t.Card + " " + string(t.To)}); {
			case wentBack(t):
				back.events = append(back.events, e)
			case t.Card == "new" && t.To == migration.Enabled:
				switched.events = append(switched.events, e)
			}
		}
	}
	missed := track{name: "Not delivered", kind: "missed"}
	for _, m := range e.Missed {
		to := m.To
		if to.IsZero() {
			to = e.Written
		}
		missed.spans = append(missed.spans, migration.Window{From: m.From, To: to})
	}
	acted := track{name: "People", kind: "person"}
	for _, d := range s.Deeds {
		acted.events = append(acted.events, event{d.At, d.What, d.By + ": " + d.What})
	}
	trouble := track{name: "Problems", kind: "problem"}
	for _, p := range s.Problems {
		trouble.events = append(trouble.events, event{p.At, cmp.Or(p.Type, p.What), p.What})
	}
	stands := track{name: "Phase", kind: "phase", events: []event{{s.Since, words(string(s.Phase)), words(string(s.Phase))}}}
	all := []track{told, signed, approved, switched, judged, back, missed, acted, trouble, stands}
	for i := range all {
		all[i].events = slices.DeleteFunc(all[i].events, func(e event) bool { return e.at.IsZero() })
		slices.SortStableFunc(all[i].events, func(a, b event) int { return a.at.Compare(b.at) })
		all[i].spans = joined(all[i].spans)
	}
	return slices.DeleteFunc(all, func(t track) bool { return len(t.events)+len(t.spans) == 0 })
}

// joined are the spans as they cover time, whatever overlaps.
func joined(spans []migration.Window) (list []migration.Window) {
	spans = slices.DeleteFunc(slices.Clone(spans), func(w migration.Window) bool { return w.From.IsZero() || w.To.Before(w.From) })
	slices.SortFunc(spans, func(a, b migration.Window) int { return a.From.Compare(b.From) })
	for _, w := range spans {
		if last := len(list) - 1; last >= 0 && !w.From.After(list[last].To) {
			if w.To.After(list[last].To) {
				list[last].To = w.To
			}
			continue
		}
		list = append(list, w)
	}
	return list
}

func (s scale) bands(t migration.Timeline) (bands []band) {
	between := func(from, to time.Time, stage migration.Stage) {
		if from.Before(s.from) {
			from = s.from
		}
		if to.IsZero() || to.After(s.to) {
			to = s.to
		}
		if from.Before(to) {
			bands = append(bands, band{s.x(from), s.x(to) - s.x(from), stage})
		}
	}
	if !t.ReauthenticateBy.IsZero() && !t.Shutdown.IsZero() {
		between(t.ReauthenticateBy, t.Shutdown, migration.AtRisk)
	}
	if !t.Shutdown.IsZero() {
		between(t.Shutdown, time.Time{}, migration.ShutDown)
	}
	return bands
}

// reauthenticate names the first of two deadlines. A migration that asks for no sign-in has one deadline alone.
const reauthenticate = "re-authenticate before"

// lines places the lines, and their labels in as many rows as keep them apart. It returns the height of the rows.
func (s scale) lines(t migration.Timeline, written time.Time) (lines []line, height int) {
	var ends []int // where the labels of each row end
	for _, l := range []struct {
		at   time.Time
		name string
	}{{t.Available, "new card available"}, {t.ReauthenticateBy, reauthenticate}, {t.Shutdown, "old API closed"}, {written, "this page"}} {
		if l.at.IsZero() || l.name == reauthenticate && t.ReauthenticateBy.Equal(t.Shutdown) {
			continue
		}
		x, text := s.x(l.at), l.name+" "+s.label(l.at)
		start := max(0, min(x+4, width-wide(text)))
		r := 0
		for r < len(ends) && ends[r] > start {
			r++
		}
		if r == len(ends) {
			ends = append(ends, 0)
		}
		ends[r] = start + wide(text) + 8
		lines = append(lines, line{X: x, LabelX: start, LabelY: (r + 1) * labelRow, Label: text, Title: l.name + " " + instant(l.at)})
	}
	return lines, len(ends)*labelRow + 8
}

// label writes an instant as short as the scale allows.
func (s scale) label(t time.Time) string {
	switch span := s.to.Sub(s.from); {
	case span > 400*24*time.Hour:
		return t.UTC().Format("2 Jan 2006")
	case span > 3*24*time.Hour:
		return t.UTC().Format("2 Jan")
	case span > 12*time.Hour:
		return t.UTC().Format("2 Jan 15:04")
	case span > 20*time.Minute:
		return t.UTC().Format("15:04")
	}
	return t.UTC().Format("15:04:05")
}

// wide is how much room a label takes.
func wide(text string) int { return int(float64(len([]rune(text)))*letter) + 1 }

func (s scale) row(t track, y int) row {
	r := row{Name: t.name, Y: y, Text: y + 4, Kind: t.kind}
	for _, w := range t.spans {
		r.Bars = append(r.Bars, bar{X: s.x(w.From), Width: max(3, s.x(w.To)-s.x(w.From)), Y: y - 5, Title: instant(w.From) + " to " + instant(w.To)})
	}
	for _, group := range s.groups(t.events) {
		m := mark{X: (s.x(group[0].at) + s.x(group[len(group)-1].at)) / 2, Count: len(group), Label: short(group[0].short)}
		if len(group) > 1 {
			m.Label = ""
		}
		var hints []string
		for _, e := range group[:min(len(group), maxList)] {
			hints = append(hints, instant(e.at)+" "+brief(e.long))
		}
		if more := len(group) - maxList; more > 0 {
			hints = append(hints, fmt.Sprintf("and %d more", more))
		}
		m.Title = strings.Join(hints, "\n")
		r.Marks = append(r.Marks, m)
	}
	place(r.Marks)
	return r
}

// groups puts together what lies too close to be told apart.
func (s scale) groups(events []event) (groups [][]event) {
	for _, e := range events {
		if last := len(groups) - 1; last >= 0 && s.x(e.at)-s.x(groups[last][len(groups[last])-1].at) < apart {
			groups[last] = append(groups[last], e)
			continue
		}
		groups = append(groups, []event{e})
	}
	return groups
}

// short cuts a label.
func short(text string) string {
	const letters = 26
	if runes := []rune(strings.TrimSpace(text)); len(runes) > letters {
		return strings.TrimSpace(string(runes[:letters-1])) + "…"
	}
	return strings.TrimSpace(text)
}

// place puts each label right of its mark, or left of it, or nowhere, so that no label meets another label or a mark.
func place(marks []mark) {
	free := gutter // where the last label or mark ends
	for i := range marks {
		m := &marks[i]
		next := width
		if i+1 < len(marks) {
			next = marks[i+1].X - radius - 4
		}
		size := wide(m.Label)
		right, left := m.X+radius+4, m.X-radius-4-size
		switch {
		case m.Label == "":
			free = right
		case right+size <= next:
			m.LabelX, free = right, right+size+4
		case left >= free:
			m.LabelX, free = left, right
		default:
			m.Label, free = "", right
		}
	}
}
