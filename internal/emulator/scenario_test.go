package emulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/emulator"
)

const fullScenario = `
start: 2023-11-10T00:00:00Z
cards:
  old: {name: (Legacy) Board, id: 11111111-1111-4111-8111-111111111111}
  new: {name: Board, id: 22222222-2222-4222-8222-222222222222, flow_spec_id: 33333333-3333-4333-8333-333333333333}
  reauth: false
stages:
  cards_available: 2023-11-16
  old_api_closed: +96h
settings:
  token_lifetime: 1h
  run_window: 2s
  lease: 72h
  etag_settles: -1s
  other_dataflows: -1
  route_latency:
    - {route: "POST /flows/{id}/action", latency: 5ms}
pinterest: {client_id: "77", client_secret: seventy-seven}
faults:
  - {id: one, route: GET /flows, effect: status, status: 503, times: 1, retry_after: 2s}
organizations:
  - id: 1A2B3C4D5E6F@AdobeOrg
    sandboxes:
      - name: prod
        accounts:
          - {name: First, id: account-1, copy_id: account-1-new}
          - {name: Second, copy: false, expires: +48h}
          - {name: Third, card: new}
        dataflows:
          - name: Plain
            id: flow-1
            advertiser: "1"
            audiences: [Anna, {name: Bert, id: b-1, namespace: aamSegments}]
          - name: Changed
            account: First
            advertiser: "2"
            audiences: [Anna, Carla]
            copy: {id: flow-2-new, name: Changed copy, advertiser: "3", audiences: [Anna], state: enabled}
          - {name: Alone, account: Second, copy: false, state: disabled, profiles: 0, created: -48h}
          - {name: Own, card: new, account: Third, advertiser: "4"}
          - {name: Kept, copy: true, labels: [core/C12]}
      - name: emea
`

func TestScenario(t *testing.T) {
	t.Parallel()
	scenario, err := emulator.ParseScenario([]byte(fullScenario))
	require.NoError(t, err)
	b := start(t, scenario)
	began := time.Date(2023, time.November, 10, 0, 0, 0, 0, time.UTC)
	require.Equal(t, began, b.Now())
	require.Len(t, b.prod().Flows, 4, "before the new card only the old one's")
	require.Nil(t, b.prod().Flow("new", "Own"))
	b.advance(7 * 24 * time.Hour)

	state := b.State()
	require.Equal(t, "(Legacy) Board", state.Cards["old"].Name)
	require.True(t, state.OldAPIClosed)
	prod := b.prod()
	require.Len(t, prod.Flows, 8)
	plain := prod.Flow("old", "Plain")
	require.Equal(t, "flow-1", plain.ID)
	require.Equal(t, "account-1", plain.Account)
	require.Equal(t, emulator.Audience{Name: "Bert", ID: "b-1", Namespace: "aamSegments"}, plain.Audiences[1])
	copied := prod.Flow("new", "Plain")
	require.Equal(t, plain.Audiences, copied.Audiences)
	require.Equal(t, "account-1-new", copied.Account)

	changed := prod.Flow("new", "Changed copy")
	require.Equal(t, "flow-2-new", changed.ID)
	require.Equal(t, "3", changed.Advertiser)
	require.Equal(t, "enabled", changed.State)
	require.Len(t, changed.Audiences, 1)
	require.Equal(t, plain.Audiences[0], changed.Audiences[0], "one name is one audience in a sandbox")
	require.Equal(t, prod.Flow("old", "Changed").ID, changed.Origin)
	require.Equal(t, "disabled", prod.Flow("old", "Alone").State)
	require.Nil(t, prod.Flow("new", "Alone"))
	require.Empty(t, prod.Flow("new", "Own").Origin)
	require.True(t, prod.Flow("old", "Kept").Hidden)
	require.False(t, prod.Flow("new", "Kept").Hidden)

	require.Nil(t, prod.Account("new", "Second"))
	require.Equal(t, "expired", prod.Account("old", "Second").Condition)
	require.Equal(t, "unauthenticated", prod.Account("new", "Third").Condition)
	first := prod.Account("new", "First")
	require.True(t, first.Authenticated, "this card needs no re-authentication")
	require.Equal(t, time.Date(2023, time.November, 19, 0, 0, 0, 0, time.UTC), first.Expires)
	require.Empty(t, state.Organization(acme).Sandbox("emea").Flows)
	require.Equal(t, "one", b.Faults()[0].ID)
}

func TestScenarioIdsAreStable(t *testing.T) {
	t.Parallel()
	ids := func() (out []string) {
		b := small(t)
		for _, f := range b.prod().Flows {
			out = append(out, f.ID)
		}
		return append(out, b.account("old").ID, b.account("new").ID, b.State().Cards["new"].ID)
	}
	first := ids()
	require.Equal(t, first, ids())
	seen := map[string]bool{}
	for _, id := range first {
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestScenarioRefused(t *testing.T) {
	t.Parallel()
	const head = "organizations:\n  - id: a\n    sandboxes:\n      - name: prod\n"
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key":           {"stagess: {}", "line 1"},
		"unknown nested key":    {head + "        flows: []", "line 5"},
		"unknown audience key":  {head + "        dataflows: [{name: x, audiences: [{nom: y}]}]", "line 5: field nom not found"},
		"unknown copy key":      {head + "        dataflows: [{name: x, copy: {nam: y}}]", "line 5: field nam not found"},
		"copy neither":          {head + "        dataflows: [{name: x, copy: maybe}]", "true, false or a mapping"},
		"instant":               {"start: yesterday", "yesterday"},
		"offset":                {"stages: {old_api_closed: +soon}", "+soon"},
		"no organization id":    {"organizations: [{name: Acme}]", "has no id"},
		"organization twice":    {"organizations: [{id: a}, {id: a}]", "twice"},
		"client twice":          {"organizations: [{id: a, client_id: c}, {id: b, client_id: c}]", "another organization"},
		"sandbox without name":  {"organizations: [{id: a, sandboxes: [{}]}]", "sandbox 1"},
		"account twice":         {head + "        accounts: [{name: x}, {name: x}]", `account "x"`},
		"account card":          {head + "        accounts: [{name: x, card: blue}]", `card "blue"`},
		"unknown account":       {head + "        dataflows: [{name: x, account: y}]", `account "y"`},
		"unknown copy account":  {head + "        dataflows: [{name: x, copy: {account: y}}]", `account "y"`},
		"dataflow without name": {head + "        dataflows: [{advertiser: x}]", "no name"},
		"dataflow card":         {head + "        dataflows: [{name: x, card: blue}]", `card "blue"`},
		"state":                 {head + "        dataflows: [{name: x, state: on}]", "state"},
		"mappings":              {head + "        dataflows: [{name: x, mappings: none}]", `mappings "none"`},
		"runs":                  {head + "        dataflows: [{name: x, runs: often}]", `runs "often"`},
		"failed with no share":  {head + "        dataflows: [{name: x, runs: partial}]", "failed"},
		"failed beyond all":     {head + "        dataflows: [{name: x, runs: partial, failed: 101}]", "failed 101"},
		"failed of a copy":      {head + "        dataflows: [{name: x, copy: {runs: partial}}]", "copy: runs"},
		"old dataflows":         {"settings: {old_dataflows: lost}", `old_dataflows "lost"`},
		"auth":                  {"cards: {auth: hope}", `auth "hope"`},
		"migration unnamed":     {"migrations: [{old: {name: a}, new: {name: b}}]", "migration 1"},
		"migration twice":       {"migrations: [{name: m, old: {name: a}, new: {name: b}}, {name: m, old: {name: a}, new: {name: b}}]", "migration 2"},
		"migration of no cards": {"migrations: [{name: m}]", "names of both cards"},
		"organization's":        {"organizations: [{id: a, migration: m}]", `migration "m"`},
		"account's":             {head + "        accounts: [{name: x, migration: m}]", `account "x": migration "m"`},
		"dataflow's":            {head + "        accounts: [{name: y}]\n        dataflows: [{name: x, migration: m}]", `dataflow "x": migration "m"`},
		"account of another": {
			"migrations: [{name: m, old: {name: a}, new: {name: b}}]\n" + head +
				"        accounts: [{name: y}]\n        dataflows: [{name: x, migration: m, account: y}]", `account "y"`,
		},
		"copy state":    {head + "        dataflows: [{name: x, copy: {state: idle}}]", "copy: state"},
		"fault":         {"faults: [{effect: boom}]", `effect "boom"`},
		"run status":    {"settings: {run_status: loud}", "run_status"},
		"probe":         {"settings: {probe: maybe}", "probe"},
		"route latency": {"settings: {route_latency: [{route: x}]}", "route_latency"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := emulator.ParseScenario([]byte(tc.text))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestScenarioBuiltInGoIsCheckedToo(t *testing.T) {
	t.Parallel()
	_, err := emulator.New(emulator.Scenario{Organizations: []emulator.Organization{{}}}, emulator.Options{})
	require.ErrorContains(t, err, "has no id")
	_, err = emulator.New(emulator.Scenario{}, emulator.Options{LedgerFile: t.TempDir()})
	require.ErrorContains(t, err, "open ledger file")
}

func TestEmptyScenario(t *testing.T) {
	t.Parallel()
	scenario, err := emulator.ParseScenario(nil)
	require.NoError(t, err)
	require.Empty(t, start(t, scenario).State().Organizations)
}

func TestInstantReadsItsOwnText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := emulator.FromStart(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "offset")))
		if rapid.Bool().Draw(t, "absolute") {
			want = emulator.At(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "second"), 0).UTC())
		}
		text, err := want.MarshalText()
		require.NoError(t, err)
		var got emulator.Instant
		require.NoError(t, got.UnmarshalText(text))
		require.Equal(t, want, got)
	})
}
