package migration

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DataflowState is a dataflow's state. Adobe has transitional ones between the two that last.
type DataflowState string

// The states that last. Gone is ours: Adobe does not list the dataflow any more.
const (
	Enabled  DataflowState = "enabled"
	Disabled DataflowState = "disabled"
	Gone     DataflowState = "gone"
)

// Audience is an audience that a dataflow exports. Its name is for people; the id decides.
type Audience struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Start string `json:"start,omitempty"` // of its schedule, as Adobe writes it
}

func (a Audience) String() string {
	if a.Name == "" {
		return a.ID
	}
	return fmt.Sprintf("%q (%s)", a.Name, a.ID)
}

// Dataflow is a dataflow of either card, reduced to what decides a migration.
type Dataflow struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Sandbox    string        `json:"sandbox"`
	Account    string        `json:"account"`              // base connection id
	Target     string        `json:"target,omitempty"`     // target connection id
	Advertiser string        `json:"advertiser,omitempty"` // the ad account at the vendor; known from the target connection only
	State      DataflowState `json:"state"`
	Created    time.Time     `json:"created"`
	Audiences  []Audience    `json:"audiences,omitempty"`
	Mappings   Mappings      `json:"mappings"`
}

// Mappings are a dataflow's field mappings. Adobe has two forms: a list in the dataflow, and a reference to a mapping set that says nothing
// about its content, so that two dataflows with different references cannot be compared.
type Mappings struct {
	Fields []string `json:"fields,omitempty"` // "source > destination", in any order
	Set    string   `json:"set,omitempty"`    // id and version of a mapping set
}

// Fingerprint identifies everything of a pair's two sides that a plan relies on, their states excepted: toggling is what a plan does. Two
// readings with the same fingerprint have the same content whatever the order the vendor listed it in. The advertiser is not part of it, because
// a single read of a dataflow does not show it; the plan's hash has it.
func Fingerprint(old, copied Dataflow) string {
	h := sha256.New()
	for _, d := range []Dataflow{old, copied} {
		write(h, "dataflow", d.ID, d.Name, d.Sandbox, d.Account, d.Target, d.Mappings.Set)
		write(h, sorted(exported(d.Audiences))...)
		write(h, sorted(d.Mappings.Fields)...)
	}
	return digest(h)
}

// write adds values so that no two different lists give the same bytes.
func write(h hash.Hash, values ...string) {
	h.Write([]byte(strconv.Itoa(len(values)) + ";"))
	for _, v := range values {
		h.Write([]byte(strconv.Itoa(len(v)) + ":" + v))
	}
}

// digest is short because it stands in histories and commands: 64 bits are plenty for telling a change, and nobody gains from forging one.
func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:8]) }

func textDigest(text string) string {
	h := sha256.New()
	write(h, text)
	return digest(h)
}

// exported are the audiences with the start of their schedules, where Adobe says one.
func exported(audiences []Audience) []string {
	list := audienceIDs(audiences)
	for i, a := range audiences {
		if a.Start != "" {
			list[i] += "\x00" + a.Start
		}
	}
	return list
}

func audienceIDs(audiences []Audience) []string {
	ids := make([]string, len(audiences))
	for i, a := range audiences {
		ids[i] = a.ID
	}
	return ids
}

func sorted(values []string) []string {
	out := slices.Clone(values)
	slices.Sort(out)
	return slices.Compact(out)
}

func byID(a, b Dataflow) int {
	return cmp.Or(strings.Compare(a.Sandbox, b.Sandbox), strings.Compare(a.ID, b.ID))
}

// Snapshot is what the vendor showed of one organization at one time: both cards' dataflows and the new card's accounts, every sandbox.
type Snapshot struct {
	Old         []Dataflow `json:"old"`
	New         []Dataflow `json:"new"`
	Accounts    []Account  `json:"accounts"`               // of the new card
	OldAccounts []Account  `json:"old_accounts,omitempty"` // of the old card, which a way back needs
	TakenAt     time.Time  `json:"taken_at"`
}
