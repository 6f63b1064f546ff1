package migration_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// at reads an instant; the tests' own texts are well formed.
func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

const day = 24 * time.Hour

// Instants of the first case.
var (
	available = at("2023-11-16T08:00:00Z")
	atRisk    = at("2023-12-16T08:00:00Z")
	shutdown  = at("2024-01-19T08:00:00Z")
	assessed  = at("2023-11-20T10:00:00Z")
)

// days are a ladder of reminders.
func days(n ...int) []migration.Duration {
	out := make([]migration.Duration, len(n))
	for i, d := range n {
		out[i] = migration.Duration(time.Duration(d) * day)
	}
	return out
}

// pinterest is the first case as a value; each test gets its own.
func pinterest() migration.Playbook {
	return migration.Playbook{
		Name: "pinterest-v5", Title: "Pinterest v4 to v5",
		Old: migration.Card{Names: []string{"(Deprecating) Pinterest"}}, New: migration.Card{Names: []string{"(New) Pinterest", "Pinterest"}},
		Zone:             "America/Los_Angeles",
		Timeline:         migration.Timeline{Available: available, ReauthenticateBy: atRisk, Shutdown: shutdown},
		Reminders:        migration.Reminders{BeforeReauthenticateBy: days(14, 7, 3, 1), BeforeShutdown: days(14, 7, 3, 1), AfterShutdownEvery: days(7)[0]},
		Reauthentication: migration.Reauthentication{Needed: true, Lease: days(30)[0], Poll: migration.Duration(15 * time.Minute)},
		CutOver:          migration.CutOver{Order: migration.EnableFirst, Width: 3},
		Verification:     migration.Verification{Within: migration.Duration(3 * time.Hour), Poll: migration.Duration(10 * time.Minute)},
		Drift:            migration.DriftPolicy{AudienceMissing: migration.Ask, AudienceExtra: migration.Ignore, Mapping: migration.Ask, Advertiser: migration.Ask, Name: migration.Ignore},
		Approval:         migration.NoApproval,
		Links:            migration.Links{Accounts: "https://adobe.example/accounts", Guide: "https://vendor.example/guide"},
	}
}

func acme() migration.Organization {
	return migration.Organization{
		ID: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Sandboxes: []string{"prod", "emea"}, Contacts: []string{"marketing@acme.example"}, Credential: "acme",
	}
}

// old and copied are the two sides of a plain pair.
func old(id, name string) migration.Dataflow {
	return migration.Dataflow{
		ID: id, Name: name, Sandbox: "prod", Account: "v4", Target: "t-" + id, Advertiser: "549", State: migration.Enabled, Created: available.Add(-100 * day),
		Audiences: audiences("a", "b"), Mappings: migration.Mappings{Fields: []string{"email > pinterest_email"}},
	}
}

func copied(id, name string) migration.Dataflow {
	d := old(id, name)
	d.Account, d.State, d.Created = "v5", migration.Disabled, available
	return d
}

func audiences(ids ...string) []migration.Audience {
	out := make([]migration.Audience, len(ids))
	for i, id := range ids {
		out[i] = migration.Audience{ID: id, Name: "Audience " + id}
	}
	return out
}

// account is one nobody has signed in to since the copies were made.
func account(id string) migration.Account {
	return migration.Account{ID: id, Name: "Pinterest " + id, Sandbox: "prod", State: migration.Enabled, Etag: `"1"`, Created: available, AuthorizedOn: at("2023-11-16T00:00:00Z")}
}

// used is the account as it is once it is known which ad account its dataflows export to.
func used(id string) migration.Account {
	return with(account(id), func(a *migration.Account) { a.Advertisers = []string{"549"} })
}

// twoPairs is what an affected organization looks like: two dataflows with their copies on one account.
func twoPairs() migration.Snapshot {
	return migration.Snapshot{
		Old:      []migration.Dataflow{old("o1", "Shoppers"), old("o2", "Visitors")},
		New:      []migration.Dataflow{copied("n1", "Shoppers"), copied("n2", "Visitors")},
		Accounts: []migration.Account{account("v5"), account("unused")},
		TakenAt:  assessed,
	}
}

// assess takes the first look by a playbook.
func assess(s migration.Snapshot, p migration.Playbook) migration.Assessment {
	return migration.Assess(s, p.Old, p.Timeline.Available)
}

// makePlan plans by the rules of a playbook.
func makePlan(s migration.Snapshot, p migration.Playbook, choices map[string]string) migration.Plan {
	return planFrom(s, nil, p, migration.Terms{Choices: choices})
}

// planFrom plans by the rules of a playbook, compared with what was seen first.
func planFrom(s migration.Snapshot, base *migration.Base, p migration.Playbook, terms migration.Terms) migration.Plan {
	terms.Order, terms.Drift, terms.NoWayBack = p.CutOver.Order, p.Drift, p.Rollback.NoWayBack
	return migration.MakePlan(s, base, terms)
}

// with changes a copy of a value.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

// names, sandboxes and advertisers come from small sets, so that collisions happen.
func drawDataflow(t *rapid.T, id string, copied bool) migration.Dataflow {
	d := migration.Dataflow{
		ID:         id,
		Sandbox:    rapid.SampledFrom([]string{"prod", "emea"}).Draw(t, id+" sandbox"),
		Name:       rapid.SampledFrom([]string{"Shoppers", "Visitors", " Visitors"}).Draw(t, id+" name"),
		Advertiser: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, id+" advertiser"),
		Account:    "v4",
		Target:     "t-" + id,
		State:      rapid.SampledFrom([]migration.DataflowState{migration.Enabled, migration.Disabled, "enabling", "disabling", "updating"}).Draw(t, id+" state"),
		Created:    available.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, id+" created")) * day),
		Audiences:  audiences(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2, rapid.ID).Draw(t, id+" audiences")...),
	}
	if copied {
		d.Account = rapid.SampledFrom([]string{"v5", "v5-2"}).Draw(t, id+" account")
	}
	return d
}

func drawDataflows(t *rapid.T, prefix string, most int, copied bool) []migration.Dataflow {
	out := make([]migration.Dataflow, rapid.IntRange(0, most).Draw(t, "number of "+prefix))
	for i := range out {
		out[i] = drawDataflow(t, fmt.Sprintf("%s%d", prefix, i), copied)
	}
	return out
}

// shuffled is a permutation of list.
func shuffled[T any](t *rapid.T, list []T) []T {
	if len(list) == 0 {
		return list
	}
	return rapid.Permutation(slices.Clone(list)).Draw(t, "order")
}

func ids(dataflows []migration.Dataflow) []string {
	var out []string
	for _, d := range dataflows {
		out = append(out, d.ID)
	}
	return out
}
