package emulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// FuzzParseScenario reads any bytes as a scenario: what is accepted is accepted again, and can be built while it stays small.
func FuzzParseScenario(f *testing.F) {
	for _, seed := range []string{
		fullScenario, "", "organizations: [{id: a, sandboxes: [{name: b, dataflows: [{name: c, copy: false}]}]}]\n", "settings: {probe: 404}\n", "start: +1h\n",
		"organizations: [{id: a, sandboxes: [{name: b, dataflows: [{name: c, audiences: [[], 1, {nme: x}]}]}]}]\n", "faults: [{route: GET, effect: x}]\n",
		"migrations: [{name: a, old: {name: b}, new: {name: c}}]\norganizations: [{id: a, migration: a}]\n", "stages: {cards_available: 0000-01-01, old_api_closed: 9999-12-31}\n",
	} {
		f.Add([]byte(seed))
	}
	noon := func() time.Time { return time.Date(2023, 12, 1, 12, 0, 0, 0, time.UTC) }
	f.Fuzz(func(t *testing.T, data []byte) {
		scenario, err := emulator.ParseScenario(data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		again, err := emulator.ParseScenario(data)
		require.NoError(t, err)
		require.Equal(t, scenario, again)
		if scenario.Settings.OtherDataflows > 10 || scenario.Settings.MintLimit > 1000 {
			return // large by intent
		}
		e, err := emulator.New(scenario, emulator.Options{Clock: noon})
		if err != nil {
			return
		}
		require.NoError(t, e.Close())
	})
}
