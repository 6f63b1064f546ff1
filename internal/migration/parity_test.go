package migration_test

import (
	"slices"
	"strconv"
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
			[]migration.Drift{{Kind: migration.AudienceMissing, Item: `"Buyers" (c)`}},
		},
		"an audience without a name":     {func(d *migration.Dataflow) { d.Audiences = append(d.Audiences, migration.Audience{ID: "c"}) }, nil, []migration.Drift{{Kind: migration.AudienceMissing, Item: "c"}}},
		"an audience only on the copy":   {nil, func(d *migration.Dataflow) { d.Audiences = audiences("a", "b", "z") }, []migration.Drift{{Kind: migration.AudienceExtra, Item: `"Audience z" (z)`}}},
		"another audience":               {nil, func(d *migration.Dataflow) { d.Audiences = audiences("a", "z") }, []migration.Drift{{Kind: migration.AudienceMissing, Item: `"Audience b" (b)`}, {Kind: migration.AudienceExtra, Item: `"Audience z" (z)`}}},
		"the order of audiences":         {nil, func(d *migration.Dataflow) { d.Audiences = audiences("b", "a", "b") }, nil},
		"a renamed audience is the same": {nil, func(d *migration.Dataflow) { d.Audiences[0].Name = "Another" }, nil},
		"no audience at all on the copy": {func(d *migration.Dataflow) { d.Audiences = audiences("a") }, func(d *migration.Dataflow) { d.Audiences = nil }, []migration.Drift{{Kind: migration.AudienceMissing, Item: `"Audience a" (a)`}}},
		"a mapping only on the old card": {func(d *migration.Dataflow) { d.Mappings.Fields = append(d.Mappings.Fields, "x > y") }, nil, []migration.Drift{{Kind: migration.MappingDiffers, Item: "missing on the copy: x > y"}}},
		"a mapping only on the copy":     {nil, func(d *migration.Dataflow) { d.Mappings.Fields = append(d.Mappings.Fields, "x > y") }, []migration.Drift{{Kind: migration.MappingDiffers, Item: "only on the copy: x > y"}}},
		"the order of mappings":          {func(d *migration.Dataflow) { d.Mappings.Fields = []string{"p", "q", "p"} }, func(d *migration.Dataflow) { d.Mappings.Fields = []string{"q", "p"} }, nil},
		"mapping sets say nothing":       {func(d *migration.Dataflow) { d.Mappings = migration.Mappings{Set: "s1 v0"} }, func(d *migration.Dataflow) { d.Mappings = migration.Mappings{Set: "s2 v0"} }, nil},
		"a set on one side says nothing": {nil, func(d *migration.Dataflow) { d.Mappings = migration.Mappings{Set: "s2 v0"} }, nil},
		"another advertiser":             {nil, func(d *migration.Dataflow) { d.Advertiser = "777" }, []migration.Drift{{Kind: migration.AdvertiserOther, Item: "549 is now 777"}}},
		"another name":                   {nil, func(d *migration.Dataflow) { d.Name = "Shoppers 2" }, []migration.Drift{{Kind: migration.NameDiffers, Item: "Shoppers is now Shoppers 2"}}},
		"everything, sorted": {func(d *migration.Dataflow) { d.Audiences = audiences("a") }, func(d *migration.Dataflow) {
			*d = migration.Dataflow{Name: "B", Advertiser: "1", Audiences: audiences("z")}
		}, []migration.Drift{
			{Kind: migration.AdvertiserOther, Item: "549 is now 1"},
			{Kind: migration.NameDiffers, Item: "Shoppers is now B"},
			{Kind: migration.AudienceMissing, Item: `"Audience a" (a)`},
			{Kind: migration.AudienceExtra, Item: `"Audience z" (z)`},
			{Kind: migration.MappingDiffers, Item: "missing on the copy: email > pinterest_email"},
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
			require.Equal(t, c.want, compare(was, is, nil))
		})
	}
}

// compare is Compare with each difference reduced to what people see of it.
func compare(old, copied migration.Dataflow, base *migration.Base) []migration.Drift {
	return seen(migration.Compare(old, copied, base))
}

func seen(drift []migration.Drift) (list []migration.Drift) {
	for _, d := range drift {
		list = append(list, migration.Drift{Kind: d.Kind, Item: d.Item, Policy: d.Policy})
	}
	return list
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
		require.Empty(t, compare(a, a, nil), "nothing differs from itself")

		there, back := compare(a, b, nil), compare(b, a, nil)
		require.Equal(t, items(there, migration.AudienceMissing), items(back, migration.AudienceExtra))
		require.Equal(t, items(there, migration.AudienceExtra), items(back, migration.AudienceMissing))
		for _, kind := range []migration.DriftKind{migration.MappingDiffers, migration.AdvertiserOther, migration.NameDiffers} {
			require.Len(t, items(there, kind), len(items(back, kind)), "what differs one way differs the other way")
		}

		again := a
		again.Audiences = shuffled(t, append(slices.Clone(a.Audiences), a.Audiences...))
		again.Mappings.Fields = shuffled(t, append(slices.Clone(a.Mappings.Fields), a.Mappings.Fields...))
		require.Equal(t, there, compare(again, b, nil), "order and duplicates mean nothing")
		require.Equal(t, back, compare(b, again, nil))
		require.Empty(t, compare(a, again, nil))
		require.Equal(t, fingerprint(a), fingerprint(again))
	})
}

func TestDriftPolicyOf(t *testing.T) {
	t.Parallel()
	p := migration.DriftPolicy{
		AudienceAdded: "1", AudienceRemoved: "2", AudienceMissing: "3", AudienceExtra: "4", AudienceChanged: "5", Mapping: "6", Advertiser: "7", Name: "8", State: "9", OldGone: "10",
	}
	for i, kind := range []migration.DriftKind{
		migration.AudienceAdded, migration.AudienceRemoved, migration.AudienceMissing, migration.AudienceExtra, migration.AudienceChanged, migration.MappingDiffers,
		migration.AdvertiserOther, migration.NameDiffers, migration.StateChanged, migration.OldMissing,
	} {
		require.Equal(t, migration.Policy(strconv.Itoa(i+1)), p.Of(kind), kind)
		require.Equal(t, migration.Ask, migration.DriftPolicy{}.Of(kind), "%s: what no policy is written for is asked", kind)
	}
	require.Equal(t, migration.Ask, p.Of("a kind nobody thought of"), "when in doubt, ask")
}
