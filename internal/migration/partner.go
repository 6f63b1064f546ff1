package migration

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PartnerAudience is an audience as the destination's own API shows it.
type PartnerAudience struct {
	Name     string    `json:"name"`
	Updated  time.Time `json:"updated,omitzero"`
	TooSmall bool      `json:"too_small,omitempty"` // the destination serves no ads to it
}

// PartnerBase is what of a copy can be looked up at the destination, and how it stood there before the switch.
type PartnerBase struct {
	Account    string            `json:"account"`
	Advertiser string            `json:"advertiser"`
	Names      []string          `json:"names,omitempty"`  // of the audiences that the copy exports
	Before     []PartnerAudience `json:"before,omitempty"` // those of them that were there
}

// PartnerLook is what a look at the destination showed of a copy's audiences after its switch.
type PartnerLook struct {
	Skipped  string   `json:"skipped,omitempty"` // why nobody looked
	Exported int      `json:"exported,omitempty"`
	Found    int      `json:"found,omitempty"` // by name: how Adobe names audiences there is not documented
	Updated  int      `json:"updated,omitempty"`
	TooSmall []string `json:"too_small,omitempty"` // names, the first few
}

// namedTooSmall keeps a verdict short.
const namedTooSmall = 5

// LookAtPartner compares a copy's audiences at the destination with how they stood there before the switch.
func LookAtPartner(base PartnerBase, after []PartnerAudience) *PartnerLook {
	look := &PartnerLook{Exported: len(base.Names)}
	for _, name := range base.Names {
		same := func(a PartnerAudience) bool { return a.Name == name }
		i := slices.IndexFunc(after, same)
		if i < 0 {
			continue
		}
		look.Found++
		before := time.Time{}
		if j := slices.IndexFunc(base.Before, same); j >= 0 {
			before = base.Before[j].Updated
		}
		if after[i].Updated.After(before) {
			look.Updated++
		}
		if after[i].TooSmall && len(look.TooSmall) < namedTooSmall {
			look.TooSmall = append(look.TooSmall, name)
		}
	}
	return look
}

// String says in words what the look showed.
func (l PartnerLook) String() string {
	if l.Skipped != "" {
		return "not looked up at the destination: " + l.Skipped
	}
	text := fmt.Sprintf("at the destination %d of %s found by name, %d updated since the switch", l.Found, count(l.Exported, "audience"), l.Updated)
	if len(l.TooSmall) > 0 {
		text += "; too small to be served: " + strings.Join(l.TooSmall, ", ")
	}
	return text
}

// Confirm adds a look at the destination to a verdict. Only what it shows counts: every audience updated since the switch settles counts that are too few
// to tell. What it does not show proves nothing, since names there are not documented and updates take their time.
func (v RunVerdict) Confirm(look *PartnerLook) RunVerdict {
	v.Partner = look
	if v.few && look != nil && look.Skipped == "" && look.Exported > 0 && look.Updated == look.Exported {
		v.Status, v.Overdue = RunSucceeded, false
		v.Reason = "every audience was updated at the destination since the switch"
	}
	return v
}
