package migration_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/yamlfile"
)

// plain is a playbook without faults, one value a line, so that a test can break one of them.
const plain = `name: vendor-v2
title: Vendor v1 to v2
cards:
  old:
    names: [Old card]
    spec_id: old-spec
  new:
    names: [New card, Card]
    spec_id: new-spec
zone: America/Los_Angeles
dates:
  available: 2023-11-16
  reauthenticate_by: 2023-12-15
  shutdown: 2024-01-18
reminders:
  before_reauthenticate_by: [14d, 7d]
  before_shutdown:
    - 3d
    - 36h
  after_shutdown_every: 7d
reauthentication:
  needed: true
  lease: 30d
  poll: 15m
cut_over:
  order: disable-first
  width: 5
verification:
  within: 2h
  poll: 1m
drift:
  audience_missing: ignore
  audience_extra: ask
  mapping: ignore
  advertiser: ignore
  name: ask
approval: operator
links:
  accounts: https://adobe.example/accounts
  guide: https://vendor.example/guide
`

// start is when a rehearsal starts.
var start = at("2026-01-31T12:00:00.25Z")

func parse(text string) (migration.Playbook, error) {
	return migration.ParsePlaybook("playbook.yaml", []byte(text), start)
}

// broken is the plain playbook with some of its text replaced.
func broken(t *testing.T, replace ...string) string {
	t.Helper()
	text := plain
	for i := 0; i < len(replace); i += 2 {
		require.Equal(t, 1, strings.Count(text, replace[i]), "%q must stand in the playbook once", replace[i])
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	return text
}

func TestPlaybookIsRead(t *testing.T) {
	t.Parallel()
	p, err := parse(plain)
	require.NoError(t, err)
	require.Equal(t, migration.Playbook{
		Name: "vendor-v2", Title: "Vendor v1 to v2",
		Old:              migration.Card{Names: []string{"Old card"}, SpecID: "old-spec"},
		New:              migration.Card{Names: []string{"New card", "Card"}, SpecID: "new-spec"},
		Zone:             "America/Los_Angeles",
		Timeline:         migration.Timeline{Available: available, ReauthenticateBy: atRisk, Shutdown: shutdown},
		Reminders:        migration.Reminders{BeforeReauthenticateBy: days(14, 7), BeforeShutdown: []migration.Duration{days(3)[0], migration.Duration(36 * time.Hour)}, AfterShutdownEvery: days(7)[0]},
		Reauthentication: migration.Reauthentication{Needed: true, Lease: days(30)[0], Poll: migration.Duration(15 * time.Minute)},
		CutOver:          migration.CutOver{Order: migration.DisableFirst, Width: 5, Canary: true},
		Verification:     migration.Verification{Within: migration.Duration(2 * time.Hour), Poll: migration.Duration(time.Minute)},
		Drift: migration.DriftPolicy{
			AudienceAdded: migration.Ask, AudienceRemoved: migration.Ask, AudienceMissing: migration.Ignore, AudienceExtra: migration.Ask, AudienceChanged: migration.Ignore,
			Mapping: migration.Ignore, Advertiser: migration.Ignore, Name: migration.Ask, State: migration.Ask, OldGone: migration.Ask,
		},
		Rollback: migration.Rollback{OnFailure: true, CarryBack: migration.CarryOver, NoWayBack: migration.Ask},
		Approval: migration.OperatorApproval,
		Links:    migration.Links{Accounts: "https://adobe.example/accounts", Guide: "https://vendor.example/guide"},
	}, p)
}

func TestPlaybookDefaults(t *testing.T) {
	t.Parallel()
	p, err := parse("name: v\ntitle: V\ncards: {old: {names: [A]}, new: {spec_id: b}}\ndates: {available: 2023-11-16, reauthenticate_by: 2023-12-15, shutdown: 2024-01-18}\n")
	require.NoError(t, err)
	require.Equal(t, migration.Playbook{
		Name: "v", Title: "V", Old: migration.Card{Names: []string{"A"}}, New: migration.Card{SpecID: "b"}, Zone: "UTC",
		Timeline:         migration.Timeline{at("2023-11-16T00:00:00Z"), at("2023-12-16T00:00:00Z"), at("2024-01-19T00:00:00Z")},
		Reauthentication: migration.Reauthentication{Needed: true, Poll: migration.Duration(15 * time.Minute)},
		CutOver:          migration.CutOver{Order: migration.EnableFirst, Width: 3, Canary: true},
		Verification:     migration.Verification{Within: migration.Duration(3 * time.Hour), Poll: migration.Duration(10 * time.Minute)},
		Drift: migration.DriftPolicy{
			AudienceAdded: migration.Ask, AudienceRemoved: migration.Ask, AudienceMissing: migration.Ask, AudienceExtra: migration.Ignore, AudienceChanged: migration.Ignore,
			Mapping: migration.Ask, Advertiser: migration.Ask, Name: migration.Ignore, State: migration.Ask, OldGone: migration.Ask,
		},
		Rollback: migration.Rollback{OnFailure: true, CarryBack: migration.CarryOver, NoWayBack: migration.Ask},
		Approval: migration.NoApproval,
	}, p)
	require.Equal(t, "A", p.Old.Label())
	require.Equal(t, "b", p.New.Label())
}

func TestPlaybookFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		replace []string
		begins  string // file, line and path
		says    string
	}{
		"unknown key":            {[]string{"approval:", "aproval:"}, "playbook.yaml:37: ", "aproval is unknown here"},
		"unknown inner key":      {[]string{"  width:", "  wdth:"}, "playbook.yaml:27: ", "wdth is unknown here"},
		"unknown card key":       {[]string{"spec_id: new-spec", "id: new-spec"}, "playbook.yaml:9: ", "id is unknown here"},
		"wrong type":             {[]string{"width: 5", "width: many"}, "playbook.yaml:27: ", ""},
		"a switch as a word":     {[]string{"needed: true", "needed: perhaps"}, "playbook.yaml:22: ", ""},
		"a list for a link":      {[]string{"accounts: https://adobe.example/accounts", "accounts: [a]"}, "playbook.yaml:39: ", ""},
		"name in capitals":       {[]string{"name: vendor-v2", "name: Vendor"}, "playbook.yaml:1: name: ", "lower-case"},
		"name with a slash":      {[]string{"name: vendor-v2", "name: a/b"}, "playbook.yaml:1: name: ", "workflow id"},
		"name begins with dash":  {[]string{"name: vendor-v2", "name: -a"}, "playbook.yaml:1: name: ", "lower-case"},
		"name too long":          {[]string{"name: vendor-v2", "name: " + strings.Repeat("a", 64)}, "playbook.yaml:1: name: ", "lower-case"},
		"no name":                {[]string{"name: vendor-v2\n", ""}, "playbook.yaml:1: name: ", "lower-case"},
		"blank title":            {[]string{"title: Vendor v1 to v2", "title: ' '"}, "playbook.yaml:2: title: ", "is missing"},
		"no card":                {[]string{"    names: [Old card]\n    spec_id: old-spec\n", ""}, "playbook.yaml:4: cards.old: ", "needs names or a spec_id"},
		"empty card name":        {[]string{"[New card, Card]", `[New card, ""]`}, "playbook.yaml:8: cards.new.names: ", "empty name"},
		"same spec":              {[]string{"spec_id: new-spec", "spec_id: old-spec"}, "playbook.yaml:9: cards.new.spec_id: ", "the same as the old card's"},
		"same name":              {[]string{"[New card, Card]", "[New card, Old card]"}, "playbook.yaml:8: cards.new.names: ", "taken for its own copy"},
		"unknown zone":           {[]string{"America/Los_Angeles", "Pacific Time"}, "playbook.yaml:10: zone: ", "is not a zone"},
		"the machine's zone":     {[]string{"America/Los_Angeles", "Local"}, "playbook.yaml:10: zone: ", "is not a zone"},
		"a path as a zone":       {[]string{"America/Los_Angeles", "../../etc/passwd"}, "playbook.yaml:10: zone: ", "is not a zone"},
		"no date":                {[]string{"  shutdown: 2024-01-18\n", ""}, "playbook.yaml:11: dates.shutdown: ", "is not a day"},
		"a day that is not":      {[]string{"2023-12-15", "2023-02-30"}, "playbook.yaml:13: dates.reauthenticate_by: ", "is not a day"},
		"an American day":        {[]string{"2023-12-15", "12/15/2023"}, "playbook.yaml:13: dates.reauthenticate_by: ", "is not a day"},
		"a bad offset":           {[]string{"2023-11-16", "+soon"}, "playbook.yaml:12: dates.available: ", "is not a duration"},
		"re-auth before opening": {[]string{"2023-12-15", "2023-11-15"}, "playbook.yaml:11: dates: ", "reauthenticate_by (2023-11-16T08:00:00Z) must be later than available (2023-11-16T08:00:00Z)"},
		"shutdown before that":   {[]string{"2024-01-18", "2023-12-14"}, "playbook.yaml:11: dates: ", "shutdown (2023-12-15T08:00:00Z) must be later than reauthenticate_by"},
		"rungs out of order":     {[]string{"[14d, 7d]", "[7d, 14d]"}, "playbook.yaml:16: reminders.before_reauthenticate_by[1]: ", "14d must be shorter than the one before it (7d)"},
		"the same rung twice":    {[]string{"    - 36h", "    - 3d"}, "playbook.yaml:19: reminders.before_shutdown[1]: ", "3d must be shorter"},
		"an empty rung":          {[]string{"    - 36h", "    - 0s"}, "playbook.yaml:19: reminders.before_shutdown[1]: ", "longer than nothing"},
		"a rung before opening":  {[]string{"[14d, 7d]", "[30d, 7d]"}, "playbook.yaml:16: reminders.before_reauthenticate_by[0]: ", "lies before the time it counts from"},
		"a rung before re-auth":  {[]string{"    - 3d", "    - 34d"}, "playbook.yaml:18: reminders.before_shutdown[0]: ", "lies before the time it counts from"},
		"late reminders hurry":   {[]string{"every: 7d", "every: 999ms"}, "playbook.yaml:20: reminders.after_shutdown_every: ", "at least 1s"},
		"re-auth poll hurries":   {[]string{"  poll: 15m", "  poll: 999ms"}, "playbook.yaml:24: reauthentication.poll: ", "at least 1s"},
		"unknown order":          {[]string{"disable-first", "both"}, "playbook.yaml:26: cut_over.order: ", `"both" is unknown; use enable-first or disable-first`},
		"no width":               {[]string{"width: 5", "width: 0"}, "playbook.yaml:27: cut_over.width: ", "from 1 to 50"},
		"too wide":               {[]string{"width: 5", "width: 51"}, "playbook.yaml:27: cut_over.width: ", "from 1 to 50"},
		"run poll hurries":       {[]string{"  poll: 1m", "  poll: 1ms"}, "playbook.yaml:30: verification.poll: ", "at least 1s"},
		"within below poll":      {[]string{"within: 2h", "within: 59s"}, "playbook.yaml:29: verification.within: ", "must not be shorter"},
		"policy audience":        {[]string{"audience_missing: ignore", "audience_missing: fix"}, "playbook.yaml:32: drift.audience_missing: ", `"fix" is unknown here; use one of [ask carry block ignore]`},
		"policy extra":           {[]string{"audience_extra: ask", "audience_extra: Ask"}, "playbook.yaml:33: drift.audience_extra: ", "is unknown"},
		"policy mapping":         {[]string{"mapping: ignore", "mapping: ''"}, "playbook.yaml:34: drift.mapping: ", "is unknown"},
		"policy advertiser":      {[]string{"advertiser: ignore", "advertiser: no"}, "playbook.yaml:35: drift.advertiser: ", "is unknown"},
		"policy name":            {[]string{"name: ask", "name: maybe"}, "playbook.yaml:36: drift.name: ", "is unknown"},
		"approval":               {[]string{"approval: operator", "approval: everybody"}, "playbook.yaml:37: approval: ", `"everybody" is unknown; use none, operator or two-persons`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := broken(t, c.replace...)
			p, err := parse(text)
			require.Zero(t, p, "a playbook with a fault is none")
			var all yamlfile.Faults
			require.ErrorAs(t, err, &all)
			require.Len(t, all, 1, "one mistake, one fault: %v", err)
			require.True(t, strings.HasPrefix(all[0].String(), c.begins), "%s", all[0])
			require.Contains(t, all[0].Text, c.says)
		})
	}
}

// whole is a playbook with every key there is.
const whole = `name: vendor-v3
title: Vendor v2 to v3
cards: {old: {names: [Old card]}, new: {names: [New card]}}
dates: {available: 2023-11-16, reauthenticate_by: 2023-12-15, shutdown: 2024-01-18}
reauthentication:
  lease: 30d
  renew_before: 3d
cut_over:
  canary: false
verification:
  sample: 100
  at_least: 20
  more_failed: 10
drift:
  audience_added: carry
  audience_removed: block
  audience_missing: carry
  audience_extra: block
  audience_changed: ask
  mapping: block
  advertiser: block
  name: ask
  state: carry
  old_gone: ignore
rollback:
  on_failure: false
  within: 14d
  carry_back: block
  no_way_back: ignore
watch:
  poll: 1h
approval: two-persons
`

func TestEveryKeyIsRead(t *testing.T) {
	t.Parallel()
	p, err := parse(whole)
	require.NoError(t, err)
	require.Equal(t, migration.Reauthentication{Needed: true, Lease: days(30)[0], RenewBefore: days(3)[0], Poll: migration.Duration(15 * time.Minute)}, p.Reauthentication)
	require.Equal(t, migration.CutOver{Order: migration.EnableFirst, Width: 3}, p.CutOver)
	require.Equal(t, migration.Verification{
		Within: migration.Duration(3 * time.Hour), Poll: migration.Duration(10 * time.Minute), Sample: 100, AtLeast: 20, MoreFailed: 10,
	}, p.Verification)
	require.Equal(t, migration.DriftPolicy{
		AudienceAdded: migration.CarryOver, AudienceRemoved: migration.Block, AudienceMissing: migration.CarryOver, AudienceExtra: migration.Block, AudienceChanged: migration.Ask,
		Mapping: migration.Block, Advertiser: migration.Block, Name: migration.Ask, State: migration.CarryOver, OldGone: migration.Ignore,
	}, p.Drift)
	require.Equal(t, migration.Rollback{Within: days(14)[0], CarryBack: migration.Block, NoWayBack: migration.Ignore}, p.Rollback)
	require.Equal(t, migration.Watch{Poll: migration.Duration(time.Hour)}, p.Watch)
	require.Equal(t, migration.TwoPersons, p.Approval)
}

func TestFaultsOfTheRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, begins, says string }{
		"renewed as long as it lasts":  {"renew_before: 3d", "renew_before: 30d", "7: reauthentication.renew_before: ", "must be shorter than the lease"},
		"renewed without an end":       {"  lease: 30d\n", "", "6: reauthentication.renew_before: ", "must be shorter than the lease"},
		"a canary as a word":           {"canary: false", "canary: perhaps", "9: ", ""},
		"a sample below nothing":       {"sample: 100", "sample: -1", "11: verification.sample: ", "must not be negative"},
		"at least more than all":       {"at_least: 20", "at_least: 101", "12: verification.at_least: ", "from 0 to 100 per cent"},
		"at least less than nothing":   {"at_least: 20", "at_least: -1", "12: verification.at_least: ", "from 0 to 100 per cent"},
		"more failed than all":         {"more_failed: 10", "more_failed: 101", "13: verification.more_failed: ", "from 0 to 100 per cent"},
		"counts without a sample":      {"  sample: 100\n  at_least: 20\n", "", "11: verification.more_failed: ", "needs a verification.sample"},
		"an added audience":            {"audience_added: carry", "audience_added: copy", "15: drift.audience_added: ", `"copy" is unknown here; use one of [ask carry block ignore]`},
		"a removed audience":           {"audience_removed: block", "audience_removed: ''", "16: drift.audience_removed: ", "is unknown here"},
		"extra cannot be carried":      {"audience_extra: block", "audience_extra: carry", "18: drift.audience_extra: ", `"carry" is unknown here; use one of [ask block ignore]`},
		"nor a schedule":               {"audience_changed: ask", "audience_changed: carry", "19: drift.audience_changed: ", "use one of [ask block ignore]"},
		"nor a mapping":                {"mapping: block", "mapping: carry", "20: drift.mapping: ", "use one of [ask block ignore]"},
		"nor an advertiser":            {"advertiser: block", "advertiser: carry", "21: drift.advertiser: ", "use one of [ask block ignore]"},
		"nor a name":                   {"  name: ask", "  name: carry", "22: drift.name: ", "use one of [ask block ignore]"},
		"a state":                      {"state: carry", "state: on", "23: drift.state: ", "is unknown here"},
		"a gone dataflow":              {"old_gone: ignore", "old_gone: skip", "24: drift.old_gone: ", "is unknown here"},
		"a kind nobody knows":          {"old_gone: ignore", "old_lost: ignore", "24: ", "old_lost is unknown here"},
		"carry back, perhaps":          {"carry_back: block", "carry_back: ask", "28: rollback.carry_back: ", `"ask" is unknown here; use one of [carry block]`},
		"no way back is carried":       {"no_way_back: ignore", "no_way_back: carry", "29: rollback.no_way_back: ", "use one of [ask ignore]"},
		"a span of rollback":           {"within: 14d", "within: -1d", "27: ", "duration"},
		"the watch hurries":            {"poll: 1h", "poll: 1ms", "31: watch.poll: ", "at least 1s"},
		"an approval by three":         {"approval: two-persons", "approval: three-persons", "32: approval: ", "use none, operator or two-persons"},
		"an unknown key of the watch":  {"  poll: 1h", "  every: 1h", "31: ", "every is unknown here"},
		"an unknown key of a rollback": {"  on_failure: false", "  onfailure: false", "26: ", "onfailure is unknown here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(whole, c.from), c.from)
			_, err := parse(strings.Replace(whole, c.from, c.to, 1))
			var all yamlfile.Faults
			require.ErrorAs(t, err, &all)
			require.Len(t, all, 1, "one mistake, one fault: %v", err)
			require.True(t, strings.HasPrefix(all[0].String(), "playbook.yaml:"+c.begins), "%s", all[0])
			require.Contains(t, all[0].Text, c.says)
		})
	}
	_, err := parse(strings.NewReplacer("canary: false", "canary: x", "sample: 100", "sample: -1", "audience_added: carry", "audience_added: x", "carry_back: block", "carry_back: x", "poll: 1h", "poll: 1ms", "approval: two-persons", "approval: x").Replace(whole))
	var all yamlfile.Faults
	require.ErrorAs(t, err, &all)
	var lines []int
	for _, fault := range all {
		lines = append(lines, fault.Line)
	}
	require.Subset(t, lines, []int{9, 11, 15, 28, 31, 32}, "all of them at once: %v", err)
}

// Where nobody has to sign in again, one date is enough.
func TestOneDeadline(t *testing.T) {
	t.Parallel()
	text := "name: v\ntitle: V\ncards: {old: {names: [A]}, new: {names: [B]}}\nreauthentication: {needed: %v}\nreminders: {before_shutdown: [%s]}\ndates: {available: 2023-11-16, shutdown: 2024-01-18}\n"
	p, err := parse(fmt.Sprintf(text, false, "30d, 1d"))
	require.NoError(t, err)
	require.Equal(t, migration.Timeline{at("2023-11-16T00:00:00Z"), at("2024-01-19T00:00:00Z"), at("2024-01-19T00:00:00Z")}, p.Timeline)
	_, err = parse(fmt.Sprintf(text, false, "64d, 1d"))
	require.ErrorContains(t, err, "reminders.before_shutdown[0]: 64d before this deadline lies before the time it counts from")
	_, err = parse(fmt.Sprintf(text, true, "30d, 1d"))
	require.ErrorContains(t, err, "dates.reauthenticate_by: ")
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := parse(broken(t, "vendor-v2", "V", "Vendor v1 to v2", "''", "America/Los_Angeles", "Nowhere", "2023-12-15", "soon", "disable-first", "both", "width: 5", "width: 0", "approval: operator", "approval: x", "  guide:", "  gide:"))
	var all yamlfile.Faults
	require.ErrorAs(t, err, &all)
	var lines []int
	for _, fault := range all {
		lines = append(lines, fault.Line)
	}
	require.Equal(t, []int{1, 2, 10, 13, 26, 27, 37, 40}, lines, "%v", err)
}

func TestAnEmptyPlaybookNamesWhatItNeeds(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n"} {
		_, err := parse(text)
		require.EqualError(t, err, "playbook.yaml: the file is empty")
	}
	for _, text := range []string{"---\n", "{}\n"} {
		_, err := parse(text)
		for _, path := range []string{"name", "title", "cards.old", "cards.new", "dates.available", "dates.reauthenticate_by", "dates.shutdown"} {
			require.ErrorContains(t, err, path+": ", "%q", text)
		}
	}
}

func TestPollIsFreeWhereNobodySignsIn(t *testing.T) {
	t.Parallel()
	_, err := parse(broken(t, "needed: true", "needed: false", "  poll: 15m", "  poll: 0s"))
	require.NoError(t, err)
}

func TestDates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone, opens, by, closes string
		want                    [3]string
	}{
		"days in UTC": {"UTC", "2023-11-16", "2023-12-15", "2024-01-18", [3]string{"2023-11-16T00:00:00Z", "2023-12-16T00:00:00Z", "2024-01-19T00:00:00Z"}},
		"days in Los Angeles": {
			"America/Los_Angeles", "2023-11-16", "2023-12-15", "2024-01-18",
			[3]string{"2023-11-16T08:00:00Z", "2023-12-16T08:00:00Z", "2024-01-19T08:00:00Z"},
		},
		"days in Tokyo": {"Asia/Tokyo", "2023-11-16", "2023-12-15", "2024-01-18", [3]string{"2023-11-15T15:00:00Z", "2023-12-15T15:00:00Z", "2024-01-18T15:00:00Z"}},
		// 23 and 25 hours long.
		"days on which clocks change": {
			"America/Los_Angeles", "2024-03-10", "2024-03-11", "2024-11-03",
			[3]string{"2024-03-10T08:00:00Z", "2024-03-12T07:00:00Z", "2024-11-04T08:00:00Z"},
		},
		"the last day before and the short day": {
			"America/Los_Angeles", "2024-03-09", "2024-03-09", "2024-03-10",
			[3]string{"2024-03-09T08:00:00Z", "2024-03-10T08:00:00Z", "2024-03-11T07:00:00Z"},
		},
		"half-hour zones": {"Australia/Adelaide", "2023-11-16", "2023-12-15", "2024-04-07", [3]string{"2023-11-15T13:30:00Z", "2023-12-15T13:30:00Z", "2024-04-07T14:30:00Z"}},
		// Clocks skip midnight: the day begins at one.
		"a day without midnight":          {"America/Sao_Paulo", "2018-11-04", "2018-11-04", "2018-11-05", [3]string{"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "2018-11-06T02:00:00Z"}},
		"the day before one":              {"America/Havana", "2023-03-10", "2023-03-11", "2023-03-12", [3]string{"2023-03-10T05:00:00Z", "2023-03-12T05:00:00Z", "2023-03-13T04:00:00Z"}},
		"a day whose last hour is double": {"America/Sao_Paulo", "2018-02-16", "2018-02-17", "2018-02-18", [3]string{"2018-02-16T02:00:00Z", "2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z"}},
		"a day that was left out":         {"Pacific/Apia", "2011-12-28", "2011-12-29", "2011-12-31", [3]string{"2011-12-28T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"}},
		"the end of a month":              {"UTC", "2024-01-31", "2024-02-29", "2024-12-31", [3]string{"2024-01-31T00:00:00Z", "2024-03-01T00:00:00Z", "2025-01-01T00:00:00Z"}},
		"instants": {
			"Asia/Tokyo", "2023-11-16T01:02:03Z", "2023-12-15T23:59:59-08:00", "2024-01-18T00:00:00+01:00",
			[3]string{"2023-11-16T01:02:03Z", "2023-12-16T07:59:59Z", "2024-01-17T23:00:00Z"},
		},
		"offsets from the start":   {"Asia/Tokyo", "+30s", "+1m30s", "+1d", [3]string{"2026-01-31T12:00:30Z", "2026-01-31T12:01:30Z", "2026-02-01T12:00:00Z"}},
		"offsets before the start": {"UTC", "-2d", "-1h", "+0s", [3]string{"2026-01-29T12:00:00Z", "2026-01-31T11:00:00Z", "2026-01-31T12:00:00Z"}},
		"mixed":                    {"UTC", "2026-01-01", "2026-01-30", "+10s", [3]string{"2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z", "2026-01-31T12:00:10Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parse(fmt.Sprintf("name: v\ntitle: V\ncards: {old: {names: [A]}, new: {names: [B]}}\nzone: %s\ndates: {available: %s, reauthenticate_by: %s, shutdown: %s}\n",
				c.zone, c.opens, c.by, c.closes))
			require.NoError(t, err)
			require.Equal(t, migration.Timeline{at(c.want[0]), at(c.want[1]), at(c.want[2])}, p.Timeline)
			require.Equal(t, time.UTC, p.Timeline.Shutdown.Location())
		})
	}
}

// A workflow carries its playbook as JSON; a policy that is not written there is to ask.
func TestPlaybookRoundTrip(t *testing.T) {
	t.Parallel()
	for _, text := range []string{plain, whole, broken(t, "    - 36h", "    - 90s", "lease: 30d", "lease: 0s", "every: 7d", "every: 0s")} {
		p, err := parse(text)
		require.NoError(t, err)
		data, err := json.Marshal(p)
		require.NoError(t, err)
		var back migration.Playbook
		require.NoError(t, json.Unmarshal(data, &back))
		for kind := range drifted {
			require.Equal(t, p.Drift.Of(kind), back.Drift.Of(kind), kind)
		}
		require.Equal(t, p.Rollback.NoWayBack, cmp.Or(back.Rollback.NoWayBack, migration.Ask))
		back.Drift, back.Rollback.NoWayBack = p.Drift, p.Rollback.NoWayBack
		require.Equal(t, p, back)
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	require.Equal(t, "2023-12-16T08:00:00Z", migration.Instant(time.Date(2023, 12, 16, 0, 0, 0, 999, time.FixedZone("", -8*3600))))
}

// A duration that cannot be read is a fault with its line, like any other, and the reading goes on.
func TestDurationFaults(t *testing.T) {
	t.Parallel()
	_, err := parse(broken(t, "[14d, 7d]", "[14d, soon]", "lease: 30d", "lease: 30", "within: 2h", "within: []", "width: 5", "width: 99"))
	for _, begins := range []string{"playbook.yaml:16: ", "playbook.yaml:23: ", "playbook.yaml:27: cut_over.width: ", "playbook.yaml:29: "} {
		require.ErrorContains(t, err, begins)
	}
}

// A mistake in one place raises no fault about another.
func TestADuplicateKeyIsOneFault(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{{"approval: operator", "approval: operator\ntitle: Again"}, {"title: Vendor v1 to v2", "title: [Vendor]"}} {
		_, err := parse(broken(t, c...))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
	}
}
