// Package invariants checks what a run left behind against the nine invariants of the design: the emulator's ledger, what the workflows said
// while it lasted and at its end, and every text in which a secret could have come to rest. It is pure; programs under test gather the facts.
package invariants

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// Name is an invariant's name, as the last lines of a run print it.
type Name string

// The invariants, in the order of the design.
const (
	NoGap     Name = "no-gap"     // under enable-first both dataflows of a pair are never disabled
	NoStray   Name = "no-stray"   // no write touches anything outside the plan and its rollback
	NoGuess   Name = "no-guess"   // an ambiguous pair is never switched
	NoStale   Name = "no-stale"   // nothing is switched whose sides changed since the plan
	NoEarly   Name = "no-early"   // nothing is enabled before its account is signed in
	NoLeak    Name = "no-leak"    // no secret came to rest anywhere
	NoCross   Name = "no-cross"   // no credentials went with another organization's id
	NoLoss    Name = "no-loss"    // every organization came to the right end
	NoSilence Name = "no-silence" // whatever waits says on whom, for what, since when and by when
)

// Names are all invariants in the order of the design.
func Names() []Name {
	return []Name{NoGap, NoStray, NoGuess, NoStale, NoEarly, NoLeak, NoCross, NoLoss, NoSilence}
}

// Facts are everything a run left behind. What is empty cannot be checked and breaks the invariants that rest on it: nothing holds because
// nobody looked.
type Facts struct {
	Order         migration.Order // of the playbook
	Ledger        []emulator.Entry
	Organizations []Organization
	Samples       []Sample
	Secrets       []Secret
	Texts         []Text
}

// Organization is one organization of the run.
type Organization struct {
	ID        string
	Ended     bool                 // its workflow has ended
	Status    migration.Status     // at the end
	Questions []migration.Question // every question that any of its plans asked, without candidates that the same plan paired
	Want      Want
}

// Want is how an organization must end.
type Want struct {
	Outcome migration.Phase
	Flows   map[string]migration.DataflowState // by dataflow id
}

// Sample is what an organization's workflow said at a moment of the run.
type Sample struct {
	At     time.Time
	Status migration.Status
}

// Secret is a value that must be nowhere.
type Secret struct {
	What  string // which one it is; this is printed, the value never
	Value string
	Home  string // where texts begin in which it may stand; empty: nowhere
}

// Text is something that people or machines keep: a history, a log, a notice, a database file.
type Text struct {
	Where string
	Data  []byte
}

// Violation is one way in which an invariant is broken.
type Violation struct {
	Invariant    Name
	Organization string // empty when it is nobody's in particular
	Seq          int64  // of the ledger entry that shows it; 0 when none does
	What         string
}

// String is the violation in one line.
func (v Violation) String() string {
	text := string(v.Invariant) + ": "
	if v.Organization != "" {
		text += v.Organization + ": "
	}
	if v.Seq != 0 {
		text += "ledger entry " + strconv.FormatInt(v.Seq, 10) + ": "
	}
	return text + v.What
}

// Check returns everything in the facts that breaks an invariant, in the order of Names.
func Check(f Facts) []Violation {
	w := index(f)
	var all []Violation
	for _, check := range []func(*world) []Violation{gaps, strays, guesses, stale, early, leaks, crosses, losses, silences} {
		all = append(all, check(w)...)
	}
	return all
}

// Of are the violations of one invariant.
func Of(name Name, all []Violation) []Violation {
	return slices.DeleteFunc(slices.Clone(all), func(v Violation) bool { return v.Invariant != name })
}

// world is the facts with what the checks look up.
type world struct {
	Facts
	organizations map[string]*Organization
	origin        map[string]string // copy to original
	copied        map[string]string // original to copy
}

func index(f Facts) *world {
	w := &world{Facts: f, organizations: map[string]*Organization{}, origin: map[string]string{}, copied: map[string]string{}}
	for i := range f.Organizations {
		w.organizations[f.Organizations[i].ID] = &f.Organizations[i]
	}
	for _, e := range f.Ledger {
		if e.Entity == flow && e.Origin != "" {
			w.origin[e.ID], w.copied[e.Origin] = e.Origin, e.ID
		}
	}
	return w
}

// Entities, operations and conditions, as the ledger names them.
const (
	flow       = "flow"
	connection = "connection"
	enable     = "enable"
	disable    = "disable"
	signedIn   = "authenticated"
)

// sides are the original and the copy of the pair that a dataflow belongs to, if it belongs to one.
func (w *world) sides(id string) (original, copied string, ok bool) {
	if original, ok = w.origin[id]; ok {
		return original, id, true
	}
	copied, ok = w.copied[id]
	return id, copied, ok
}

// isOriginal tells that a dataflow has a copy.
func (w *world) isOriginal(id string) bool { return w.copied[id] != "" }

// byClient tells that an entry is the doing of a program with credentials, not of a person or of the vendor itself.
func byClient(e emulator.Entry) bool {
	return e.Actor != "system" && !strings.HasPrefix(e.Actor, "person:")
}

// clientWrite tells that a program changed something at the vendor.
func clientWrite(e emulator.Entry) bool {
	return e.Kind == emulator.KindWrite && e.Applied && byClient(e)
}

// moves tells that an entry sets the state of its entity. Reads carry states too and set nothing.
func moves(e emulator.Entry) bool {
	return e.Applied && e.After != "" && (e.Kind == emulator.KindState || e.Kind == emulator.KindEdit || e.Kind == emulator.KindWrite)
}

func at(name Name, e emulator.Entry, what string) Violation {
	return Violation{Invariant: name, Organization: e.Organization, Seq: e.Seq, What: what}
}
