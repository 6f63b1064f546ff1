package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/config"
	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/playbooks"
	"cutover/test/invariants"
)

// What programs read is fixed: the last lines, their order and their words.
func TestPrint(t *testing.T) {
	t.Parallel()
	v := verdict{
		ends: []end{{fate: "on_time", name: "Acme", organization: "ACME@AdobeOrg", outcome: "Migrated"}},
		violations: []invariants.Violation{
			{Invariant: invariants.NoGap, Organization: "ACME@AdobeOrg", Seq: 7, What: "both sides were off"},
		},
	}
	var out bytes.Buffer
	v.print(&out)
	require.Contains(t, out.String(), "broken: no-gap: ACME@AdobeOrg: ledger entry 7: both sides were off\n")
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	require.Equal(t, []string{
		"outcome on_time ACME@AdobeOrg Migrated",
		"invariant no-gap broken", "invariant no-stray ok", "invariant no-guess ok", "invariant no-stale ok", "invariant no-early ok",
		"invariant no-leak ok", "invariant no-cross ok", "invariant no-loss ok", "invariant no-silence ok",
	}, lines[len(lines)-10:])
}

func TestHeld(t *testing.T) {
	t.Parallel()
	require.True(t, verdict{ends: []end{{outcome: "Migrated"}}}.held())
	require.False(t, verdict{ends: []end{{outcome: "Migrated", trouble: errors.New("never asked")}}}.held())
	require.False(t, verdict{violations: []invariants.Violation{{Invariant: invariants.NoLeak}}}.held())
}

// The world is one that the product and the emulator both take.
func TestWorld(t *testing.T) {
	t.Parallel()
	for _, stay := range []bool{false, true} {
		dir := t.TempDir()
		timeline := paceOf(stay).timeline(time.Now())
		all := cast(timeline)
		world, err := writeWorld(dir, all, timeline)
		require.NoError(t, err)

		started := 0
		for folder, order := range map[string]migration.Order{"": migration.EnableFirst, aloneFolder: migration.EnableFirst, secondFolder: migration.DisableFirst} {
			manifest, err := config.ReadManifest(filepath.Join(dir, folder, "organizations.yaml"))
			require.NoError(t, err)
			started += len(manifest.Organizations)
			read, err := config.LoadPlaybook(manifest, time.Now())
			require.NoError(t, err)
			require.Equal(t, timeline.Available, read.Timeline.Available, "the product and the vendors switch at the same instants")
			require.Equal(t, timeline.Shutdown, read.Timeline.Shutdown)
			require.Equal(t, order, read.CutOver.Order, "the invariants are checked for this order")
		}
		require.Equal(t, len(all), started)

		credentials, err := config.ReadCredentials(world.credentials, func(string) string { return "" })
		require.NoError(t, err)
		require.Equal(t, len(all), credentials.Len())
		for _, o := range all {
			_, err := credentials.Lookup(o.Credential, o.ID)
			require.NoError(t, err)
		}
		_, err = emulator.New(scenario(all, timeline, "an-app-secret"), emulator.Options{})
		require.NoError(t, err)
	}
}

// The second playbook is the real one in everything but its calendar.
func TestRedated(t *testing.T) {
	t.Parallel()
	data, err := playbooks.FS.ReadFile(secondName + ".yaml")
	require.NoError(t, err)
	original, err := migration.ParsePlaybook("original", data, time.Now())
	require.NoError(t, err)
	timeline := paceOf(false).timeline(time.Now())
	rehearsed, err := migration.ParsePlaybook("rehearsed", redated(data, timeline), time.Now())
	require.NoError(t, err)
	require.Equal(t, timeline.Available, rehearsed.Timeline.Available)
	require.Equal(t, timeline.Shutdown, rehearsed.Timeline.Shutdown)
	rehearsed.Timeline, rehearsed.Reminders.BeforeShutdown = original.Timeline, original.Reminders.BeforeShutdown
	require.Equal(t, original, rehearsed)
	require.Equal(t, secondName, rehearsed.Name)
	require.Equal(t, []string{original.Old.SpecID, original.New.SpecID}, []string{secondCards().Old.ID, secondCards().New.ID})
}

func TestFates(t *testing.T) {
	t.Parallel()
	var names, companies []string
	for _, f := range fates() {
		names, companies = append(names, f.name), append(companies, f.company)
		require.NotNil(t, f.people, f.name)
		require.True(t, f.outcome.Done(), f.name)
	}
	require.Equal(t, []string{
		"on_time", "at_risk", "after_shutdown", "not_affected", "several_accounts", "several_sandboxes", "vendor_faults", "signal_lost",
		"signal_false", "ambiguous_pair", "hidden_dataflows", "worker_killed", "paused_resumed", "cancelled",
		"drift_carried", "drift_blocked", "reenabled_old", "canary_failed", "inconclusive_held", "lapsed_lease", "wrong_advertiser",
		"renewed_by_grant", "reconnected_by_page", "late_recovery", "second_playbook",
	}, names)
	slices.Sort(companies)
	require.Len(t, slices.Compact(companies), len(names), "an organization has one fate")
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--nonsense"}, {"now"}, {"--seed", "x"}} {
		var out, errs bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), args, &out, &errs))
		require.NotEmpty(t, errs.String())
	}
	require.Equal(t, exitDone, run(t.Context(), []string{"--help"}, &bytes.Buffer{}, &bytes.Buffer{}))
}

// The wanted end is told from where each dataflow began.
func TestWant(t *testing.T) {
	t.Parallel()
	began := func(id, origin, state string) emulator.Entry {
		return emulator.Entry{Organization: "ACME@AdobeOrg", Entity: "flow", ID: id, Op: "initial", Origin: origin, After: state, Kind: emulator.KindState}
	}
	ledger := []emulator.Entry{
		began("a", "", "enabled"), began("a2", "a", "disabled"), began("off", "", "disabled"), began("off2", "off", "disabled"), began("other", "", "enabled"),
		began("b", "", "enabled"), began("b2", "b", "disabled"),
	}
	o := &organization{
		fate: fate{
			outcome: migration.Migrated, stays: []string{"B"},
			sandboxes: []emulator.Sandbox{{Name: "prod", Dataflows: flows("", "A", "B")}},
		},
		Organization: migration.Organization{ID: "ACME@AdobeOrg"},
	}
	o.latest.Store(&migration.Status{Pairs: []migration.PairState{{Pair: migration.Pair{Name: "B", Old: "b", New: "b2"}}}})
	require.Equal(t, map[string]migration.DataflowState{
		"a": migration.Disabled, "a2": migration.Enabled, "off": migration.Disabled, "off2": migration.Disabled, "other": migration.Enabled,
		"b": migration.Enabled, "b2": migration.Disabled,
	}, o.want(ledger))
	o.deleted = true
	require.Equal(t, migration.DataflowState("deleted"), o.want(ledger)["a"], "its old dataflows are deleted on the way")
	require.Equal(t, migration.Enabled, o.want(ledger)["a2"])
	o.outcome = migration.NotAffected
	require.Equal(t, migration.Enabled, o.want(ledger)["a"])
}

// Every fate has its history among those that are replayed: a path through the workflow that nobody recorded is one that a change may break unseen.
func TestEveryFateIsRecorded(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../workflows/testdata/replay/manifest.json")
	require.NoError(t, err)
	var recorded manifest
	require.NoError(t, json.Unmarshal(data, &recorded))
	require.Len(t, recorded.Scenarios, len(fates()))
	for _, f := range fates() {
		require.Contains(t, recorded.Scenarios, f.name+".json", "record it: "+recorded.Command)
	}
}
