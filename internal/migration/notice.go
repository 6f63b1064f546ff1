package migration

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// NoticeKind is why a notice is sent.
type NoticeKind string

// The kinds. Those about a deadline or an operator's part go to the operator, the others to the organization.
const (
	NoticeStart       NoticeKind = "start"       // what happens, what to do, by when
	NoticeReminder    NoticeKind = "reminder"    // the same, again
	NoticeRefused     NoticeKind = "refused"     // a claimed re-authentication did not show
	NoticeRescheduled NoticeKind = "rescheduled" // the dates moved
	NoticeDeadline    NoticeKind = "deadline"    // a deadline passed while people were waited for
	NoticeAttention   NoticeKind = "attention"   // an operator must act
	NoticeRenew       NoticeKind = "renew"       // a sign-in ends soon
	NoticeUndelivered NoticeKind = "undelivered" // what a late organization did not deliver
)

// A notice names this many waits.
const namedWaits = 20

// Notice is everything that a notice says. Package words puts it into words, in the language of whoever reads it.
type Notice struct {
	Key          string     `json:"key"` // idempotency key: the same key is delivered once
	Kind         NoticeKind `json:"kind"`
	Organization string     `json:"organization"`
	Name         string     `json:"name"`
	To           []string   `json:"to,omitempty"`
	Title        string     `json:"title"` // the playbook's
	By           time.Time  `json:"by"`    // re-authenticate by
	Shutdown     time.Time  `json:"shutdown"`
	Zone         string     `json:"zone"`
	Stage        Stage      `json:"stage,omitempty"`    // when it is due; empty while both deadlines lie ahead
	Link         string     `json:"link,omitempty"`     // to Adobe's accounts page
	Guide        string     `json:"guide,omitempty"`    // to more about it
	Affected     string     `json:"affected,omitempty"` // why the organization is told
	Dataflows    []string   `json:"dataflows,omitempty"`
	More         int        `json:"more,omitempty"`      // dataflows, or waits, that are not named
	Accounts     []SignIn   `json:"accounts,omitempty"`  // to sign in to
	Missed       []Missed   `json:"missed,omitempty"`    // what was not delivered, without audiences
	Waits        []Wait     `json:"waits,omitempty"`     // what the operator must do
	NotBefore    time.Time  `json:"not_before,omitzero"` // a reminder is a notice that is not due yet
	Language     string     `json:"language,omitempty"`  // of whoever reads it; empty: English
}

// SignIn is an account that a person is asked to sign in to.
type SignIn struct {
	ID      string    `json:"id,omitempty"`
	Name    string    `json:"name"`
	Sandbox string    `json:"sandbox,omitempty"`
	Why     string    `json:"why,omitempty"` // what the last look at it showed
	Ends    time.Time `json:"ends,omitzero"` // of a sign-in that still holds
}

// UnmarshalJSON also reads the label that notices under way from before hold.
func (s *SignIn) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &s.Name) == nil {
		return nil
	}
	type plain SignIn
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return fmt.Errorf("read an account of a notice: %w", err)
	}
	return nil
}

// NewNotice puts together a notice about the organization as it stands, due at now. What tells it apart from others of its kind.
func (s *State) NewNotice(kind NoticeKind, what string, o Organization, p Playbook, now time.Time) Notice {
	n := Notice{
		Key:  strings.Join([]string{p.Name, o.ID, string(kind), what}, "/"),
		Kind: kind, Organization: o.ID, Name: o.Name, Title: p.Title, By: p.Timeline.ReauthenticateBy, Shutdown: p.Timeline.Shutdown, Zone: p.Zone,
		Affected: s.Assessment.Reason,
	}
	if stage := p.Timeline.Stage(now); stage == AtRisk || stage == ShutDown {
		n.Stage = stage
	}
	if kind == NoticeAttention || kind == NoticeDeadline {
		n.Waits = s.Waits(o, p, now) // to the operator's own channel
		if n.More = max(0, len(n.Waits)-namedWaits); n.More > 0 {
			n.Waits = n.Waits[:namedWaits]
		}
		return n
	}
	n.To, n.Language = o.Contacts, o.Language
	if kind == NoticeUndelivered {
		n.Missed = s.Undelivered()
		if n.More = len(n.Missed) - namedDataflows; n.More > 0 {
			n.Missed = n.Missed[:namedDataflows]
		}
		n.More = max(0, n.More)
		return n
	}
	n.Link = p.Links.Accounts
	if kind == NoticeStart {
		n.Guide = p.Links.Guide
	}
	n.Dataflows, n.More = s.Assessment.Names, s.Assessment.Listed-len(s.Assessment.Names)
	for _, account := range s.Asked() {
		signIn := SignIn{ID: account.ID, Name: account.Name, Sandbox: account.Sandbox, Why: account.Note}
		if account.Verified && kind != NoticeRefused {
			signIn.Why, signIn.Ends = "", account.LeaseEnd
		}
		n.Accounts = append(n.Accounts, signIn)
	}
	return n
}
