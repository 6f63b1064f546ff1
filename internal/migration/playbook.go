package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a playbook names a zone, and a minimal image has no zone files

	"cutover/internal/yamlfile"
)

// Playbook is one migration as data, its dates resolved to instants. A workflow carries it by value, so that an edited file never changes an
// organization that is under way.
type Playbook struct {
	Name             string           `json:"name"`
	Title            string           `json:"title"`
	Old              Card             `json:"old"`
	New              Card             `json:"new"`
	Zone             string           `json:"zone"`
	Timeline         Timeline         `json:"timeline"`
	Reminders        Reminders        `json:"reminders"`
	Reauthentication Reauthentication `json:"reauthentication"`
	CutOver          CutOver          `json:"cut_over"`
	Verification     Verification     `json:"verification"`
	Drift            DriftPolicy      `json:"drift"`
	Approval         Approval         `json:"approval"`
	Links            Links            `json:"links"`
}

// Card is one destination card: the connection spec of that destination in Adobe's catalog.
type Card struct {
	// Names are tried in order, because Adobe renames cards as a migration goes on.
	Names []string `json:"names,omitempty" yaml:"names"`
	// SpecID is the connection spec id where it is known; it wins over names.
	SpecID string `json:"spec_id,omitempty" yaml:"spec_id"`
}

// Label is how people know the card.
func (c Card) Label() string {
	if len(c.Names) > 0 {
		return c.Names[0]
	}
	return c.SpecID
}

// Reminders are the ladders: how long before each deadline people who are waited for are reminded, and how often after the shutdown.
type Reminders struct {
	BeforeReauthenticateBy []Duration `json:"before_reauthenticate_by,omitempty" yaml:"before_reauthenticate_by"`
	BeforeShutdown         []Duration `json:"before_shutdown,omitempty" yaml:"before_shutdown"`
	AfterShutdownEvery     Duration   `json:"after_shutdown_every,omitempty" yaml:"after_shutdown_every"`
}

// Reauthentication says whether a person must sign in again for the new card, how long that lasts and how often the worker looks.
type Reauthentication struct {
	Needed bool     `json:"needed" yaml:"needed"`
	Lease  Duration `json:"lease,omitempty" yaml:"lease"` // 0: it does not end
	Poll   Duration `json:"poll" yaml:"poll"`
}

// Order is which side of a pair is toggled first.
type Order string

// EnableFirst leaves no gap and sends an update twice for a moment; DisableFirst is for destinations where twice costs more than a gap.
const (
	EnableFirst  Order = "enable-first"
	DisableFirst Order = "disable-first"
)

// CutOver is how pairs are switched: the first alone, then Width at a time.
type CutOver struct {
	Order Order `json:"order" yaml:"order"`
	Width int   `json:"width" yaml:"width"`
}

// Verification is how the first flow run of a copy is awaited. After Within without a run the operator is told; the wait goes on.
type Verification struct {
	Within Duration `json:"within" yaml:"within"`
	Poll   Duration `json:"poll" yaml:"poll"`
}

// Policy is what happens on a kind of drift.
type Policy string

// Ask holds the pair until a person has settled it; Ignore notes the difference and goes on. No policy is Ask.
const (
	Ask    Policy = "ask"
	Ignore Policy = "ignore"
)

// DriftPolicy has one policy per kind of difference between an old dataflow and its copy.
type DriftPolicy struct {
	AudienceMissing Policy `json:"audience_missing,omitempty" yaml:"audience_missing"` // on the old dataflow only
	AudienceExtra   Policy `json:"audience_extra,omitempty" yaml:"audience_extra"`     // on the copy only
	Mapping         Policy `json:"mapping,omitempty" yaml:"mapping"`
	Advertiser      Policy `json:"advertiser,omitempty" yaml:"advertiser"`
	Name            Policy `json:"name,omitempty" yaml:"name"`
}

// Approval is who must agree to a plan before anything is toggled.
type Approval string

// NoApproval goes on at once; OperatorApproval waits for the update approve with the plan's hash.
const (
	NoApproval       Approval = "none"
	OperatorApproval Approval = "operator"
)

// Links are where a person does their part in Adobe's user interface.
type Links struct {
	Accounts string `json:"accounts,omitempty" yaml:"accounts"`
	Guide    string `json:"guide,omitempty" yaml:"guide"`
}

// playbookFile is a playbook as written: dates are still text.
type playbookFile struct {
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	Cards struct {
		Old Card `yaml:"old"`
		New Card `yaml:"new"`
	} `yaml:"cards"`
	Zone  string `yaml:"zone"`
	Dates struct {
		Available        string `yaml:"available"`
		ReauthenticateBy string `yaml:"reauthenticate_by"`
		Shutdown         string `yaml:"shutdown"`
	} `yaml:"dates"`
	Reminders        Reminders        `yaml:"reminders"`
	Reauthentication Reauthentication `yaml:"reauthentication"`
	CutOver          CutOver          `yaml:"cut_over"`
	Verification     Verification     `yaml:"verification"`
	Drift            DriftPolicy      `yaml:"drift"`
	Approval         Approval         `yaml:"approval"`
	Links            Links            `yaml:"links"`
}

// ParsePlaybook reads a playbook and reports every fault in it at once, as yamlfile.Faults. Dates relative to the start ("+30s", for rehearsals)
// are resolved against start.
func ParsePlaybook(file string, data []byte, start time.Time) (Playbook, error) {
	raw := playbookFile{
		Zone:             "UTC",
		Reauthentication: Reauthentication{Needed: true, Poll: Duration(15 * time.Minute)},
		CutOver:          CutOver{Order: EnableFirst, Width: 3},
		Verification:     Verification{Within: Duration(3 * time.Hour), Poll: Duration(10 * time.Minute)},
		Drift:            DriftPolicy{AudienceMissing: Ask, AudienceExtra: Ignore, Mapping: Ask, Advertiser: Ask, Name: Ignore},
		Approval:         NoApproval,
	}
	doc := yamlfile.Parse(file, data, &raw)
	p := Playbook{
		Name: raw.Name, Title: raw.Title, Old: raw.Cards.Old, New: raw.Cards.New, Zone: raw.Zone,
		Reminders: raw.Reminders, Reauthentication: raw.Reauthentication, CutOver: raw.CutOver,
		Verification: raw.Verification, Drift: raw.Drift, Approval: raw.Approval, Links: raw.Links,
	}
	p.check(doc)
	p.Timeline = resolveDates(doc, raw, start)
	p.checkReminders(doc)
	if err := doc.Err(); err != nil {
		return Playbook{}, err
	}
	return p, nil
}

var playbookName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func (p Playbook) check(doc *yamlfile.Document) {
	if !playbookName.MatchString(p.Name) {
		doc.Fault("name", "%q must be lower-case letters, digits and dashes: it is part of every workflow id", p.Name)
	}
	if strings.TrimSpace(p.Title) == "" {
		doc.Fault("title", "is missing: people see it in notices")
	}
	for path, card := range map[string]Card{"cards.old": p.Old, "cards.new": p.New} {
		if card.SpecID == "" && len(card.Names) == 0 {
			doc.Fault(path, "needs names or a spec_id to find the card by")
		}
		if slices.Contains(card.Names, "") {
			doc.Fault(path+".names", "holds an empty name")
		}
	}
	if p.Old.SpecID != "" && p.Old.SpecID == p.New.SpecID {
		doc.Fault("cards.new.spec_id", "is the same as the old card's")
	}
	for _, name := range p.New.Names {
		if slices.Contains(p.Old.Names, name) {
			doc.Fault("cards.new.names", "%q is a name of the old card too: a dataflow could be taken for its own copy", name)
		}
	}
	if r := p.Reauthentication; r.Needed && r.Poll < Duration(time.Second) {
		doc.Fault("reauthentication.poll", "must be at least 1s")
	}
	if !slices.Contains([]Order{EnableFirst, DisableFirst}, p.CutOver.Order) {
		doc.Fault("cut_over.order", "%q is unknown; use %s or %s", p.CutOver.Order, EnableFirst, DisableFirst)
	}
	if p.CutOver.Width < 1 || p.CutOver.Width > 50 {
		doc.Fault("cut_over.width", "must be from 1 to 50")
	}
	if p.Verification.Poll < Duration(time.Second) {
		doc.Fault("verification.poll", "must be at least 1s")
	}
	if p.Verification.Within < p.Verification.Poll {
		doc.Fault("verification.within", "must not be shorter than verification.poll")
	}
	for path, policy := range map[string]Policy{
		"drift.audience_missing": p.Drift.AudienceMissing, "drift.audience_extra": p.Drift.AudienceExtra,
		"drift.mapping": p.Drift.Mapping, "drift.advertiser": p.Drift.Advertiser, "drift.name": p.Drift.Name,
	} {
		if policy != Ask && policy != Ignore {
			doc.Fault(path, "%q is unknown; use %s or %s", policy, Ask, Ignore)
		}
	}
	if p.Approval != NoApproval && p.Approval != OperatorApproval {
		doc.Fault("approval", "%q is unknown; use %s or %s", p.Approval, NoApproval, OperatorApproval)
	}
}

func resolveDates(doc *yamlfile.Document, raw playbookFile, start time.Time) Timeline {
	zone, err := time.LoadLocation(raw.Zone)
	if err != nil || raw.Zone == "Local" {
		doc.Fault("zone", "%q is not a zone such as America/Los_Angeles or UTC", raw.Zone)
		zone = time.UTC
	}
	known := true
	resolve := func(path, text string, endOfDay bool) time.Time {
		at, err := resolveDate(text, zone, start, endOfDay)
		if err != nil {
			doc.Fault(path, "%v", err)
			known = false
		}
		return at
	}
	t := Timeline{
		Available:        resolve("dates.available", raw.Dates.Available, false),
		ReauthenticateBy: resolve("dates.reauthenticate_by", raw.Dates.ReauthenticateBy, true),
		Shutdown:         resolve("dates.shutdown", raw.Dates.Shutdown, true),
	}
	if known {
		if err := t.Check(); err != nil {
			doc.Fault("dates", "%v", err)
		}
	}
	return t
}

// Check tells which dates are out of order.
func (t Timeline) Check() error {
	if !t.ReauthenticateBy.After(t.Available) {
		return fmt.Errorf("reauthenticate_by (%s) must be later than available (%s)", Instant(t.ReauthenticateBy), Instant(t.Available))
	}
	if !t.Shutdown.After(t.ReauthenticateBy) {
		return fmt.Errorf("shutdown (%s) must be later than reauthenticate_by (%s)", Instant(t.Shutdown), Instant(t.ReauthenticateBy))
	}
	return nil
}

// Instant is how instants are written for people: UTC, to the second.
func Instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func resolveDate(text string, zone *time.Location, start time.Time, endOfDay bool) (time.Time, error) {
	if offset, ok := strings.CutPrefix(text, "+"); ok {
		d, err := parseDuration(offset)
		return start.Add(d).UTC().Truncate(time.Second), err
	}
	if offset, ok := strings.CutPrefix(text, "-"); ok {
		d, err := parseDuration(offset)
		return start.Add(-d).UTC().Truncate(time.Second), err
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day (2023-12-15), an instant (2023-12-15T23:59:59Z) or an offset from the start (+30s)", text)
	}
	if endOfDay {
		day = day.AddDate(0, 0, 1) // by the calendar: a day on which clocks change is 23 or 25 hours long
	}
	return startOfDay(day, zone), nil
}

// startOfDay is the first moment of a day in a zone, also where clocks skip midnight.
func startOfDay(day time.Time, zone *time.Location) time.Time {
	first := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	if first.Day() != day.Day() {
		_, first = first.ZoneBounds()
	}
	return first.UTC()
}

func (p Playbook) checkReminders(doc *yamlfile.Document) {
	check := func(path string, rungs []Duration, room time.Duration) {
		for i, rung := range rungs {
			at := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case rung <= 0:
				doc.Fault(at, "must be longer than nothing")
			case i > 0 && rung >= rungs[i-1]:
				doc.Fault(at, "%s must be shorter than the one before it (%s)", rung, rungs[i-1])
			case room > 0 && rung.Std() >= room:
				doc.Fault(at, "%s before this deadline lies before the time it counts from", rung)
			}
		}
	}
	t := p.Timeline
	check("reminders.before_reauthenticate_by", p.Reminders.BeforeReauthenticateBy, t.ReauthenticateBy.Sub(t.Available))
	check("reminders.before_shutdown", p.Reminders.BeforeShutdown, t.Shutdown.Sub(t.ReauthenticateBy))
	if every := p.Reminders.AfterShutdownEvery; every != 0 && every < Duration(time.Second) {
		doc.Fault("reminders.after_shutdown_every", "must be at least 1s")
	}
}
