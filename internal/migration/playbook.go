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
	Rollback         Rollback         `json:"rollback,omitzero"`
	Watch            Watch            `json:"watch,omitzero"`
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
	Needed      bool     `json:"needed" yaml:"needed"`
	ByGrant     bool     `json:"by_grant,omitempty" yaml:"by_grant"`         // the worker renews an account by itself where it holds a grant for it
	Lease       Duration `json:"lease,omitempty" yaml:"lease"`               // 0: it does not end
	RenewBefore Duration `json:"renew_before,omitempty" yaml:"renew_before"` // asked for again this long before it ends; 0: when it has ended
	Poll        Duration `json:"poll" yaml:"poll"`
}

// Order is which side of a pair is toggled first.
type Order string

// EnableFirst leaves no gap and sends an update twice for a moment; DisableFirst is for destinations where twice costs more than a gap.
const (
	EnableFirst  Order = "enable-first"
	DisableFirst Order = "disable-first"
)

// CutOver is how pairs are switched: the first alone, then Width at a time. With Canary the others wait until the first one is verified.
type CutOver struct {
	Order  Order `json:"order" yaml:"order"`
	Width  int   `json:"width" yaml:"width"`
	Canary bool  `json:"canary,omitempty" yaml:"canary"`
}

// Verification is how the flow runs of a copy are judged. After Within without a result the operator is told; the wait goes on. Counts are
// judged against the old dataflow's own runs, and not before Sample identities: fewer say nothing either way. Without a Sample a run that
// succeeded is enough.
type Verification struct {
	Within     Duration `json:"within" yaml:"within"`
	Poll       Duration `json:"poll" yaml:"poll"`
	Sample     int64    `json:"sample,omitempty" yaml:"sample"`           // identities
	AtLeast    int64    `json:"at_least,omitempty" yaml:"at_least"`       // per cent of what a run of the old dataflow delivered
	MoreFailed int64    `json:"more_failed,omitempty" yaml:"more_failed"` // percentage points of failed identities above the old dataflow's
	AtPartner  bool     `json:"at_partner,omitempty" yaml:"at_partner"`   // audiences are looked up at the destination itself, where a grant is held
}

// Rollback is what may be rolled back, and until when; never after the shutdown.
type Rollback struct {
	OnFailure bool     `json:"on_failure,omitempty" yaml:"on_failure"`   // a pair whose copy fails goes back by itself
	Within    Duration `json:"within,omitempty" yaml:"within"`           // of its switch; 0: until the shutdown
	CarryBack Policy   `json:"carry_back,omitempty" yaml:"carry_back"`   // audiences that were added to the copy meanwhile: carry or block
	NoWayBack Policy   `json:"no_way_back,omitempty" yaml:"no_way_back"` // the old side could not be enabled again: ask or ignore
}

// Watch is how often switched pairs are looked at until the shutdown; 0: not at all.
type Watch struct {
	Poll Duration `json:"poll,omitempty" yaml:"poll"`
}

// Policy is what happens on a kind of drift.
type Policy string

// Ask holds the pair until a person has settled it; CarryOver does to the copy what was done to the old dataflow; Block holds the pair until the
// difference is gone, whatever a person says; Ignore notes it and goes on. No policy is Ask.
const (
	Ask       Policy = "ask"
	CarryOver Policy = "carry"
	Block     Policy = "block"
	Ignore    Policy = "ignore"
)

// IsZero keeps what goes without saying out of histories.
func (p Policy) IsZero() bool { return p == "" || p == Ask }

// DriftPolicy has one policy per kind of difference between an old dataflow and its copy.
type DriftPolicy struct {
	AudienceAdded   Policy `json:"audience_added,omitzero" yaml:"audience_added"`     // to the old dataflow, after the copy was made
	AudienceRemoved Policy `json:"audience_removed,omitzero" yaml:"audience_removed"` // from the old dataflow, after the copy was made
	AudienceMissing Policy `json:"audience_missing,omitzero" yaml:"audience_missing"` // on the copy, though the old dataflow had it from the start
	AudienceExtra   Policy `json:"audience_extra,omitzero" yaml:"audience_extra"`     // on the copy only
	AudienceChanged Policy `json:"audience_changed,omitzero" yaml:"audience_changed"` // its schedule, on either side
	Mapping         Policy `json:"mapping,omitzero" yaml:"mapping"`
	Advertiser      Policy `json:"advertiser,omitzero" yaml:"advertiser"`
	Name            Policy `json:"name,omitzero" yaml:"name"`
	State           Policy `json:"state,omitzero" yaml:"state"`       // somebody switched a side on or off
	OldGone         Policy `json:"old_gone,omitzero" yaml:"old_gone"` // the old dataflow is not listed any more; after the shutdown it is carried
}

// Approval is who must agree to a plan before anything is toggled.
type Approval string

// NoApproval goes on at once; OperatorApproval waits for the update approve with the plan's hash, TwoPersons for one of each of two people.
const (
	NoApproval       Approval = "none"
	OperatorApproval Approval = "operator"
	TwoPersons       Approval = "two-persons"
)

// Needs is how many different people must agree.
func (a Approval) Needs() int {
	switch a {
	case OperatorApproval:
		return 1
	case TwoPersons:
		return 2
	case NoApproval:
	}
	return 0
}

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
	Rollback         Rollback         `yaml:"rollback"`
	Watch            Watch            `yaml:"watch"`
	Approval         Approval         `yaml:"approval"`
	Links            Links            `yaml:"links"`
}

// ParsePlaybook reads a playbook and reports every fault in it at once, as yamlfile.Faults. Dates relative to the start ("+30s", for rehearsals)
// are resolved against start.
func ParsePlaybook(file string, data []byte, start time.Time) (Playbook, error) {
	raw := playbookFile{
		Zone:             "UTC",
		Reauthentication: Reauthentication{Needed: true, Poll: Duration(15 * time.Minute)},
		CutOver:          CutOver{Order: EnableFirst, Width: 3, Canary: true},
		Verification:     Verification{Within: Duration(3 * time.Hour), Poll: Duration(10 * time.Minute)},
		Drift: DriftPolicy{
			AudienceAdded: Ask, AudienceRemoved: Ask, AudienceMissing: Ask, AudienceExtra: Ignore, AudienceChanged: Ignore,
			Mapping: Ask, Advertiser: Ask, Name: Ignore, State: Ask, OldGone: Ask,
		},
		Rollback: Rollback{OnFailure: true, CarryBack: CarryOver, NoWayBack: Ask},
		Approval: NoApproval,
	}
	doc := yamlfile.Parse(file, data, &raw)
	p := Playbook{
		Name: raw.Name, Title: raw.Title, Old: raw.Cards.Old, New: raw.Cards.New, Zone: raw.Zone,
		Reminders: raw.Reminders, Reauthentication: raw.Reauthentication, CutOver: raw.CutOver,
		Verification: raw.Verification, Drift: raw.Drift, Rollback: raw.Rollback, Watch: raw.Watch, Approval: raw.Approval, Links: raw.Links,
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
	if r := p.Reauthentication; r.ByGrant && !r.Needed {
		doc.Fault("reauthentication.by_grant", "says how to sign in, but nobody needs to: reauthentication.needed is false")
	}
	if r := p.Reauthentication; r.RenewBefore > 0 && r.RenewBefore >= r.Lease {
		doc.Fault("reauthentication.renew_before", "must be shorter than the lease")
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
	for name, bound := range map[string]int64{"at_least": p.Verification.AtLeast, "more_failed": p.Verification.MoreFailed} {
		switch {
		case bound < 0 || bound > 100:
			doc.Fault("verification."+name, "must be from 0 to 100 per cent")
		case bound > 0 && p.Verification.Sample == 0:
			doc.Fault("verification."+name, "needs a verification.sample: without one, counts are not judged")
		}
	}
	if p.Verification.Sample < 0 {
		doc.Fault("verification.sample", "must not be negative")
	}
	if p.Watch.Poll != 0 && p.Watch.Poll < Duration(time.Second) {
		doc.Fault("watch.poll", "must be at least 1s")
	}
	p.checkPolicies(doc)
	if !slices.Contains([]Approval{NoApproval, OperatorApproval, TwoPersons}, p.Approval) {
		doc.Fault("approval", "%q is unknown; use %s, %s or %s", p.Approval, NoApproval, OperatorApproval, TwoPersons)
	}
}

func (p Playbook) checkPolicies(doc *yamlfile.Document) {
	check := func(path string, policy Policy, allowed ...Policy) {
		if !slices.Contains(allowed, policy) {
			doc.Fault(path, "%q is unknown here; use one of %v", policy, allowed)
		}
	}
	d := p.Drift
	for path, policy := range map[string]Policy{
		"audience_added": d.AudienceAdded, "audience_removed": d.AudienceRemoved, "audience_missing": d.AudienceMissing,
		"state": d.State, "old_gone": d.OldGone,
	} {
		check("drift."+path, policy, Ask, CarryOver, Block, Ignore)
	}
	for path, policy := range map[string]Policy{
		"audience_extra": d.AudienceExtra, "audience_changed": d.AudienceChanged, "mapping": d.Mapping, "advertiser": d.Advertiser, "name": d.Name,
	} {
		check("drift."+path, policy, Ask, Block, Ignore)
	}
	check("rollback.carry_back", p.Rollback.CarryBack, CarryOver, Block)
	check("rollback.no_way_back", p.Rollback.NoWayBack, Ask, Ignore)
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
		Available: resolve("dates.available", raw.Dates.Available, false),
		Shutdown:  resolve("dates.shutdown", raw.Dates.Shutdown, true),
	}
	if raw.Dates.ReauthenticateBy == "" && !raw.Reauthentication.Needed {
		t.ReauthenticateBy = t.Shutdown // nobody has to act, so there is one deadline
	} else {
		t.ReauthenticateBy = resolve("dates.reauthenticate_by", raw.Dates.ReauthenticateBy, true)
	}
	if known {
		if err := t.Check(); err != nil {
			doc.Fault("dates", "%v", err)
		}
	}
	return t
}

// Years outside of these are mistakes, and JSON has no form for some of them.
const (
	firstYear = 2000
	lastYear  = 2999
)

// Check tells which dates are out of order, or out of all bounds. Where nobody has to sign in again both deadlines may be the same.
func (t Timeline) Check() error {
	for _, date := range []struct {
		name string
		at   time.Time
	}{{"available", t.Available}, {"reauthenticate_by", t.ReauthenticateBy}, {"shutdown", t.Shutdown}} {
		if year := date.at.UTC().Year(); year < firstYear || year > lastYear {
			return fmt.Errorf("%s (%s) must lie between the years %d and %d", date.name, Instant(date.at), firstYear, lastYear)
		}
	}
	if !t.ReauthenticateBy.After(t.Available) {
		return fmt.Errorf("reauthenticate_by (%s) must be later than available (%s)", Instant(t.ReauthenticateBy), Instant(t.Available))
	}
	if !t.Shutdown.After(t.ReauthenticateBy) && !t.oneDeadline() {
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
	check("reminders.before_shutdown", p.Reminders.BeforeShutdown, t.Shutdown.Sub(t.beforeShutdown()))
	if every := p.Reminders.AfterShutdownEvery; every != 0 && every < Duration(time.Second) {
		doc.Fault("reminders.after_shutdown_every", "must be at least 1s")
	}
}
