package migration_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// edits change one thing of a dataflow that a plan relies on, by field.
var edits = map[string][]func(*migration.Dataflow){
	"ID":         {func(d *migration.Dataflow) { d.ID += "x" }},
	"Name":       {func(d *migration.Dataflow) { d.Name += " 2" }, func(d *migration.Dataflow) { d.Name = " " + d.Name }},
	"Sandbox":    {func(d *migration.Dataflow) { d.Sandbox += "x" }},
	"Account":    {func(d *migration.Dataflow) { d.Account += "x" }},
	"Target":     {func(d *migration.Dataflow) { d.Target += "x" }},
	"Advertiser": {func(d *migration.Dataflow) { d.Advertiser += "1" }, func(d *migration.Dataflow) { d.Advertiser = "" }},
	"Audiences": {
		func(d *migration.Dataflow) { d.Audiences = append(d.Audiences, migration.Audience{ID: "new"}) },
		func(d *migration.Dataflow) { d.Audiences = d.Audiences[1:] },
		func(d *migration.Dataflow) {
			d.Audiences = append([]migration.Audience{{ID: "ab"}}, d.Audiences[2:]...)
		},
		func(d *migration.Dataflow) { d.Audiences[0].ID += "x" },
		func(d *migration.Dataflow) { d.Audiences[0].Start = "2023-12-01" },
	},
	"Mappings": {
		func(d *migration.Dataflow) { d.Mappings.Fields = append(d.Mappings.Fields, "x > y") },
		func(d *migration.Dataflow) { d.Mappings.Fields = nil },
		func(d *migration.Dataflow) { d.Mappings.Set = "s v1" },
	},
}

// Toggling the state is what a plan does, and the age decides who is affected, not what is switched.
var noEdits = []string{"State", "Created"}

func TestEveryFieldIsThoughtOf(t *testing.T) {
	t.Parallel()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[migration.Dataflow]()) {
		if _, edited := edits[field.Name]; !edited {
			require.Contains(t, noEdits, field.Name)
		}
	}
}

// No edit of what a plan relies on goes unseen: either the pair's own fingerprint shows it, or the hash of the plan made next does.
func TestNoEditGoesUnseen(t *testing.T) {
	t.Parallel()
	for field, changes := range edits {
		for i, change := range changes {
			for _, side := range []string{"old", "copy"} {
				t.Run(fmt.Sprintf("%s %d of the %s", field, i, side), func(t *testing.T) {
					t.Parallel()
					before, after := twoPairs(), twoPairs()
					edited := &after.Old[0]
					if side == "copy" {
						edited = &after.New[0]
					}
					change(edited)
					if field != "Advertiser" { // not shown by the read of a dataflow, so the hash has it
						require.NotEqual(t, migration.Fingerprint(before.Old[0], before.New[0]), migration.Fingerprint(after.Old[0], after.New[0]))
					}
					require.NotEqual(t, makePlan(before, pinterest(), nil).Hash, makePlan(after, pinterest(), nil).Hash)
				})
			}
		}
	}
}

// fingerprint is that of one side beside a fixed other.
func fingerprint(d migration.Dataflow) string {
	return migration.Fingerprint(d, copied("n1", "Shoppers"))
}

func TestFingerprintIgnores(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*migration.Dataflow){
		"state":               func(d *migration.Dataflow) { d.State = migration.Disabled },
		"age":                 func(d *migration.Dataflow) { d.Created = assessed },
		"audience names":      func(d *migration.Dataflow) { d.Audiences[0].Name = "Renamed" },
		"audience order":      func(d *migration.Dataflow) { d.Audiences = audiences("b", "a") },
		"audiences twice":     func(d *migration.Dataflow) { d.Audiences = audiences("b", "a", "b") },
		"mappings twice":      func(d *migration.Dataflow) { d.Mappings.Fields = append(d.Mappings.Fields, d.Mappings.Fields...) },
		"advertiser, unknown": func(d *migration.Dataflow) { d.Advertiser = "" },
	} {
		d := old("o1", "Shoppers")
		change(&d)
		require.Equal(t, fingerprint(old("o1", "Shoppers")), fingerprint(d), name)
		require.Equal(t, migration.Fingerprint(old("o1", "Shoppers"), d), migration.Fingerprint(d, old("o1", "Shoppers")), name)
	}
}

// Values are told apart wherever one ends and the next begins.
func TestFingerprintsDiffer(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("a1:;")), 0, 3, -1)
	flow := rapid.Custom(func(t *rapid.T) migration.Dataflow {
		d := migration.Dataflow{ID: text.Draw(t, "id"), Name: text.Draw(t, "name"), Sandbox: text.Draw(t, "sandbox"), Account: text.Draw(t, "account"), Target: text.Draw(t, "target")}
		if ids := rapid.SliceOfNDistinct(text, 0, 2, rapid.ID).Draw(t, "audiences"); len(ids) > 0 {
			slices.Sort(ids)
			for _, id := range ids {
				d.Audiences = append(d.Audiences, migration.Audience{ID: id})
			}
		}
		if fields := rapid.SliceOfNDistinct(text, 0, 2, rapid.ID).Draw(t, "fields"); len(fields) > 0 {
			slices.Sort(fields)
			d.Mappings.Fields = fields
		}
		d.Mappings.Set = text.Draw(t, "set")
		return d
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := flow.Draw(t, "a"), flow.Draw(t, "b")
		require.Equal(t, reflect.DeepEqual(a, b), fingerprint(a) == fingerprint(b))
		require.Len(t, fingerprint(a), 16)
		require.Equal(t, reflect.DeepEqual(a, b), migration.Fingerprint(a, b) == migration.Fingerprint(b, a), "which side is which matters")
	})
}

func TestFingerprintKeepsValuesApart(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]migration.Dataflow{
		{{ID: "ab", Name: "c"}, {ID: "a", Name: "bc"}},
		{{Audiences: audiences("ab")}, {Audiences: audiences("a", "b")}},
		{{Audiences: audiences("a")}, {Mappings: migration.Mappings{Fields: []string{"a"}}}},
		{{Audiences: audiences("a", "b")}, {Audiences: audiences("a"), Mappings: migration.Mappings{Fields: []string{"b"}}}},
	} {
		require.NotEqual(t, fingerprint(c[0]), fingerprint(c[1]), "%+v", c)
	}
}

func TestAudienceString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a1", migration.Audience{ID: "a1"}.String())
	require.Equal(t, `"Buyers" (a1)`, migration.Audience{ID: "a1", Name: "Buyers"}.String())
}
