package migration_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was, is func(*migration.Dataflow)
		want    []migration.Drift
	}{
		"parity": {nil, nil, nil},
		"state, account, target and age": {nil, func(d *migration.Dataflow) {
			d.State, d.Account, d.Target, d.Created = migration.Enabled, "x", "y", available
		}, nil},
		"an audience added to the old card": {
			func(d *migration.Dataflow) {
				d.Audiences = append(d.Audiences, migration.Audience{ID: "c", Name: "Buyers"})
			}, nil,
			[]migration.Drift{{migration.AudienceMissing, `"Buyers" (c)`}},
		},
		"an audience without a name":     {func(d *migration.Dataflow) { d.Audiences = append(d.Audiences, migration.Audience{ID: "c"}) }, nil, []migration.Drift{{migration.AudienceMissing, "c"}}},
		"an audience only on the copy":   {nil, func(d *migration.Dataflow) { d.Audiences = audiences("a", "b", "z") }, []migration.Drift{{migration.AudienceExtra, `"Audience z" (z)`}}},
		"another audience":               {nil, func(d *migration.Dataflow) { d.Audiences = audiences("a", "z") }, []migration.Drift{{migration.AudienceMissing, `"Audience b" (b)`}, {migration.AudienceExtra, `"Audience z" (z)`}}},
		"the order of audiences":         {nil, func(d *migration.Dataflow) { d.Audiences = audiences("b", "a", "b") }, nil},
		"a renamed audience is the same": {nil, func(d *migration.Dataflow) { d.Audiences[0].Name = "Another" }, nil},
		"no audience at all on the copy": {func(d *migration.Dataflow) { d.Audiences = audiences("a") }, func(d *migration.Dataflow) { d.Audiences = nil }, []migration.Drift{{migration.AudienceMissing, `"Audience a" (a)`}}},
		"a mapping only on the old card": {func(d *migration.Dataflow) { d.Mappings.Fields = append(d.Mappings.Fields, "x > y") }, nil, []migration.Drift{{migration.MappingDiffers, "missing on the copy: x > y"}}},
		"a mapping only on the copy":     {nil, func(d *migration.Dataflow) { d.Mappings.Fields = append(d.Mappings.Fields, "x > y") }, []migration.Drift{{migration.MappingDiffers, "only on the copy: x > y"}}},
		"the order of mappings":          {func(d *migration.Dataflow) { d.Mappings.Fields = []string{"p", "q", "p"} }, func(d *migration.Dataflow) { d.Mappings.Fields = []string{"q", "p"} }, nil},
		"mapping sets say nothing":       {func(d *migration.Dataflow) { d.Mappings = migration.Mappings{Set: "s1 v0"} }, func(d *migration.Dataflow) { d.Mappings = migration.Mappings{Set: "s2 v0"} }, nil},
		"a set on one side says nothing": {nil, func(d *migration.Dataflow) { d.Mappings = migration.Mappings{Set: "s2 v0"} }, nil},
		"another advertiser":             {nil, func(d *migration.Dataflow) { d.Advertiser = "777" }, []migration.Drift{{migration.AdvertiserOther, "549 is now 777"}}},
		"another name":                   {nil, func(d *migration.Dataflow) { d.Name = "Shoppers 2" }, []migration.Drift{{migration.NameDiffers, "Shoppers is now Shoppers 2"}}},
		"everything, sorted": {func(d *migration.Dataflow) { d.Audiences = audiences("a") }, func(d *migration.Dataflow) {
			*d = migration.Dataflow{Name: "B", Advertiser: "1", Audiences: audiences("z")}
		}, []migration.Drift{
			{migration.AdvertiserOther, "549 is now 1"},
			{migration.NameDiffers, "Shoppers is now B"},
			{migration.AudienceMissing, `"Audience a" (a)`},
			{migration.AudienceExtra, `"Audience z" (z)`},
			{migration.MappingDiffers, "missing on the copy: email > pinterest_email"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, is := old("o1", "Shoppers"), copied("n1", "Shoppers")
			for change, side := range map[*migration.Dataflow]func(*migration.Dataflow){&was: c.was, &is: c.is} {
				if side != nil {
					side(change)
				}
			}
			require.Equal(t, c.want, migration.Compare(was, is))
		})
	}
}

func drawContent(t *rapid.T, label string) migration.Dataflow {
	d := drawDataflow(t, label, false)
	if rapid.Bool().Draw(t, label+" by set") {
		d.Mappings = migration.Mappings{Set: rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, label+" set")}
	} else {
		d.Mappings = migration.Mappings{Fields: rapid.SliceOfN(rapid.SampledFrom([]string{"p", "q", "r"}), 0, 4).Draw(t, label+" fields")}
	}
	return d
}

func items(drift []migration.Drift, kind migration.DriftKind) []string {
	var out []string
	for _, d := range drift {
		if d.Kind == kind {
			out = append(out, d.Item)
		}
	}
	slices.Sort(out)
	return out
}

func TestCompareProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawContent(t, "a"), drawContent(t, "b")
		require.Empty(t, migration.Compare(a, a), "nothing differs from itself")

		there, back := migration.Compare(a, b), migration.Compare(b, a)
		require.Equal(t, items(there, migration.AudienceMissing), items(back, migration.AudienceExtra))
		require.Equal(t, items(there, migration.AudienceExtra), items(back, migration.AudienceMissing))
		for _, kind := range []migration.DriftKind{migration.MappingDiffers, migration.AdvertiserOther, migration.NameDiffers} {
			require.Len(t, items(there, kind), len(items(back, kind)), "what differs one way differs the other way")
		}

		again := a
		again.Audiences = shuffled(t, append(slices.Clone(a.Audiences), a.Audiences...))
		again.Mappings.Fields = shuffled(t, append(slices.Clone(a.Mappings.Fields), a.Mappings.Fields...))
		require.Equal(t, there, migration.Compare(again, b), "order and duplicates mean nothing")
		require.Equal(t, back, migration.Compare(b, again))
		require.Empty(t, migration.Compare(a, again))
		require.Equal(t, fingerprint(a), fingerprint(again))
	})
}

func TestDriftPolicyOf(t *testing.T) {
	t.Parallel()
	kinds := []migration.DriftKind{migration.AudienceMissing, migration.AudienceExtra, migration.MappingDiffers, migration.AdvertiserOther, migration.NameDiffers}
	for i, p := range []migration.DriftPolicy{
		{AudienceMissing: migration.Ask}, {AudienceExtra: migration.Ask}, {Mapping: migration.Ask}, {Advertiser: migration.Ask}, {Name: migration.Ask},
	} {
		for j, kind := range kinds {
			require.Equal(t, i == j, p.Of(kind) == migration.Ask, "%+v of %s", p, kind)
		}
	}
	require.Equal(t, migration.Ask, migration.DriftPolicy{}.Of("a kind nobody thought of"), "when in doubt, ask")
}
