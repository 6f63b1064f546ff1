package migration_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/yamlfile"
	"cutover/playbooks"
)

// FuzzParsePlaybook reads any bytes as a playbook. What is accepted holds its own rules and travels through a history; what is not has a place.
func FuzzParsePlaybook(f *testing.F) {
	names, err := playbooks.FS.ReadDir(".")
	require.NoError(f, err)
	for _, name := range names {
		data, err := playbooks.FS.ReadFile(name.Name())
		require.NoError(f, err)
		f.Add(data)
	}
	small := "name: p\ntitle: P\ncards: {old: {names: [a]}, new: {spec_id: b}}\n"
	for _, dates := range []string{
		"dates: {available: +60s, reauthenticate_by: +30s, shutdown: +90s}\n",
		"dates: {available: +0s, reauthenticate_by: +30s, shutdown: +60s}\nreminders: {before_reauthenticate_by: [10s, 20s]}\n",
		"dates: {available: +0s, reauthenticate_by: +30s, shutdown: +60s}\nreminders: {before_reauthenticate_by: [20s, 10s]}\n",
		"dates: {available: 2023-11-16, shutdown: 2024-01-18}\nreauthentication: {needed: false}\nzone: Pacific/Apia\n",
		"dates: {available: 0001-01-01, reauthenticate_by: 9998-01-01, shutdown: 9999-01-01}\nreminders: {after_shutdown_every: 1s}\n",
		"dates: {available: 2023-01-01, reauthenticate_by: 2024-01-01, shutdown: 9999-12-31}\n",
		"dates: {available: 2023-11-16T00:00:00.5Z, reauthenticate_by: 2023-12-15T00:00:00+14:00, shutdown: -1d}\nzone: ../UTC\n",
	} {
		f.Add([]byte(small + dates))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := at("2023-11-10T09:30:00Z")
		p, err := migration.ParsePlaybook("playbook.yaml", data, start)
		if err != nil {
			var faults yamlfile.Faults
			require.ErrorAs(t, err, &faults)
			for _, fault := range faults {
				require.Equal(t, "playbook.yaml", fault.File)
				require.True(t, fault.Line > 0 || fault.Path == "", "%s: only the file as a whole has no line", fault)
			}
			return
		}
		again, err := migration.ParsePlaybook("playbook.yaml", data, start)
		require.NoError(t, err)
		require.Equal(t, p, again)
		requireSound(t, p)
	})
}

// requireSound checks what the rest of the program takes for granted of a playbook.
func requireSound(t *testing.T, p migration.Playbook) {
	t.Helper()
	require.NoError(t, p.Timeline.Check())
	require.Regexp(t, `^[a-z0-9-]{1,63}$`, p.Name)
	require.NotEmpty(t, p.Old.Label())
	require.NotEmpty(t, p.New.Label())
	_, err := time.LoadLocation(p.Zone)
	require.NoError(t, err)
	require.True(t, p.CutOver.Width >= 1 && p.CutOver.Width <= 50)
	require.GreaterOrEqual(t, p.Verification.Poll, migration.Duration(time.Second))
	for _, ladder := range [][]migration.Duration{p.Reminders.BeforeReauthenticateBy, p.Reminders.BeforeShutdown} {
		for i, rung := range ladder {
			require.Positive(t, rung)
			require.True(t, i == 0 || rung < ladder[i-1])
		}
	}
	instant := p.Timeline.Available.Add(-time.Second)
	require.Equal(t, migration.Scheduled, p.Timeline.Stage(instant))
	require.Equal(t, migration.ShutDown, p.Timeline.Stage(p.Timeline.Shutdown))
	for range 30 {
		next, ok := p.NextMilestone(instant)
		if !ok {
			break
		}
		require.NotEmpty(t, next.Name)
		require.True(t, next.At.After(instant), "%s: time goes on: %s after %s", next.Name, next.At, instant)
		instant = next.At
	}
	data, err := json.Marshal(p)
	require.NoError(t, err, "a workflow carries the playbook in its history")
	var carried migration.Playbook
	require.NoError(t, json.Unmarshal(data, &carried))
	twice, err := json.Marshal(carried)
	require.NoError(t, err)
	require.JSONEq(t, string(data), string(twice))
	require.Equal(t, p.Timeline, carried.Timeline)
}

// FuzzDuration reads any text as a duration: one that is accepted is written so that it reads the same, in a playbook and in a history.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"14d", "36500d", "36501d", "-1d", "+1d", "0d", "6h", "90s", "1h0m", "1.5h", "876000h", "1ns", ".5s", "١d", "1d1h", "9223372036s", "", "d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d migration.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			require.Zero(t, d)
			return
		}
		require.True(t, d >= 0 && d.Std() <= 36500*day, "%q is %s", text, d)
		written, err := d.MarshalText()
		require.NoError(t, err)
		var again migration.Duration
		require.NoError(t, again.UnmarshalText(written), "%q is written as %q", text, written)
		require.Equal(t, d, again)
	})
}
