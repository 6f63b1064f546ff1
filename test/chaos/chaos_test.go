package main

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
)

// Every script once, a kill at every boundary, kills by chance, and the kill switch.
func TestChaos(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"-seed", "11", "-orgs", "18", "-minutes", "5", "-dir", t.TempDir()}, "", &out, &errs)
	require.Equal(t, exitDone, code, "%s\n%s", &out, &errs)
	for _, name := range names() {
		require.Contains(t, out.String(), "invariant "+string(name)+" ok 0\n")
	}
	for _, target := range (settings{}).targets() {
		require.Regexp(t, `(?m)^ *[0-9.]+s  killed `+string(target), out.String())
	}
	for _, b := range boundaries() {
		require.Contains(t, out.String(), "("+string(b)+" of CHAOS")
	}
	require.Contains(t, out.String(), "kill switch: on for")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"an argument": {"now"}, "another server": {"-server", "cloud"}, "an unknown flag": {"-hard"}, "no organization": {"-orgs", "0"}, "no time": {"-minutes", "0"},
		"an organization beyond the last": {"-orgs", "3", "-only", idOf(3)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, exitUsage, run(t.Context(), args, "", io.Discard, io.Discard))
		})
	}
	require.Equal(t, exitUsage, run(t.Context(), nil, "many", io.Discard, io.Discard))
	require.Equal(t, exitDone, run(t.Context(), []string{"-h"}, "", io.Discard, io.Discard))
	s, err := parse(nil, "77", io.Discard)
	require.NoError(t, err)
	require.Equal(t, 77, s.orgs)
}

// What -only runs is what the whole run had, and another seed draws something else.
func TestOneOrganizationAgain(t *testing.T) {
	t.Parallel()
	s := settings{orgs: 60, seed: 5}
	all := draw(s)
	require.Len(t, all, s.orgs)
	kills, different := 0, 0
	for _, o := range all {
		s.only = o.ID
		again := draw(s)
		require.Len(t, again, 1)
		require.Equal(t, o.drawn(), again[0].drawn())
		require.Equal(t, o.sandboxes, again[0].sandboxes)
		require.Equal(t, o.faults, again[0].faults)
		require.Equal(t, []any{o.delay, o.edit, o.canary, o.order, o.expire, o.client}, []any{again[0].delay, again[0].edit, again[0].canary, again[0].order, again[0].expire, again[0].client})
		kills += len(o.kills)
		if other := draw(settings{orgs: 60, seed: 6, only: o.ID}); other[0].drawn() != o.drawn() {
			different++
		}
	}
	require.Equal(t, len(boundaries()), kills)
	require.Greater(t, different, s.orgs/2)
}

// Everything that a kill at a boundary waits for.
func TestBoundaries(t *testing.T) {
	t.Parallel()
	write := emulator.Entry{Kind: emulator.KindWrite, Entity: "flow", Actor: "client", Op: "enable", Applied: true}
	off := write
	off.Op = "disable"
	write.Origin = "original"
	person := write
	person.Actor = "person:marketing"
	refused := write
	refused.Applied = false
	look := emulator.Entry{Kind: emulator.KindList, Entity: "run"}
	require.True(t, afterEnable.reached(write, false))
	require.False(t, afterEnable.reached(off, false))
	require.False(t, afterEnable.reached(person, false))
	require.False(t, afterEnable.reached(refused, false))
	require.True(t, afterDisable.reached(off, false))
	back := write
	back.Origin = ""
	require.True(t, afterBack.reached(back, false))
	require.False(t, afterBack.reached(write, false))
	require.False(t, afterEnable.reached(back, false))
	require.False(t, beforeVerify.reached(look, false))
	require.True(t, beforeVerify.reached(look, true))
	require.True(t, afterSignIn.reached(emulator.Entry{Kind: emulator.KindEdit, Entity: "connection"}, false))
	require.True(t, afterAssess.reached(emulator.Entry{Kind: emulator.KindList, Entity: "flow"}, false))
	require.True(t, afterConsent.reached(emulator.Entry{Kind: emulator.KindEdit, Entity: "pinterest", Op: "consent"}, false))
	refresh := emulator.Entry{Kind: emulator.KindToken, Entity: "pinterest", Op: "refresh_token", Applied: true}
	require.True(t, afterRefresh.reached(refresh, false))
	refresh.Applied = false
	require.False(t, afterRefresh.reached(refresh, false))
	renewal := write
	renewal.Entity = "connection"
	require.True(t, afterRenewal.reached(renewal, false))
	require.False(t, afterEnable.reached(renewal, false))
	require.True(t, afterPlan.said(migration.Status{PlanHash: "hash"}))
	require.True(t, afterNotice.said(migration.Status{Notices: []migration.Sent{{}}}))
	require.True(t, afterVerify.said(migration.Status{Pairs: []migration.PairState{{Progress: migration.Verified}}}))
	for _, b := range boundaries() {
		require.False(t, b.said(migration.Status{}) || b.reached(emulator.Entry{}, false), b)
		require.True(t, slices.ContainsFunc(scripts(), b.on), "nobody passes %s", b)
	}
}

// Whoever waits for a boundary is told once, and with which pair it was reached.
func TestMark(t *testing.T) {
	t.Parallel()
	o := draw(settings{orgs: 1, seed: 1})[0]
	enable := emulator.Entry{Kind: emulator.KindWrite, Entity: "flow", ID: "copy", Origin: "old", Actor: "client", Op: "enable", Applied: true}
	m := markAt(afterEnable)
	require.False(t, m.see(o, emulator.Entry{}))
	require.True(t, m.see(o, enable))
	require.False(t, m.see(o, enable))
	<-m.reached
	require.Equal(t, "old", m.flow)
	var nobody *mark
	require.False(t, nobody.see(o, enable) || nobody.hear(migration.Status{}))
}

// On a server with a database of its own that is killed too, alone and with everything else.
func TestTargets(t *testing.T) {
	t.Parallel()
	require.NotContains(t, settings{server: development}.targets(), theDatabase)
	require.Contains(t, settings{server: production}.targets(), theDatabase)
	victims := map[target]bool{}
	for _, of := range drawKills(settings{server: production, orgs: 1000, seed: 1}) {
		for _, k := range of {
			victims[k.target] = true
		}
	}
	require.Len(t, victims, len(settings{server: production}.targets()))
}

// An organization that came to a wrong end, or whose people got stuck, is a loss.
func TestLossIsSeen(t *testing.T) {
	t.Parallel()
	o := draw(settings{orgs: 1, seed: 1})[0]
	o.see(emulator.Entry{Seq: 1, Kind: emulator.KindState, Entity: "flow", ID: "old", Op: "initial", After: "enabled", Applied: true, Organization: o.ID, Card: "old"})
	o.see(emulator.Entry{Seq: 2, Kind: emulator.KindState, Entity: "flow", ID: "new", Op: "initial", After: "disabled", Applied: true, Organization: o.ID, Card: "new", Origin: "old"})
	require.Equal(t, "old", o.original())
	require.Equal(t, "new", o.copyOf("old"))
	require.Equal(t, map[string]migration.DataflowState{"old": migration.Disabled, "new": migration.Enabled}, o.want(migration.Status{}))
	o.sample(migration.Status{Organization: o.ID, Phase: migration.Migrated})
	o.ended = true
	lost := invariants.Of(invariants.NoLoss, o.violations())
	require.Len(t, lost, 2, "both dataflows stand as they stood")
	o.trouble = io.ErrUnexpectedEOF
	require.Len(t, invariants.Of(invariants.NoLoss, o.violations()), 3)
}

// An organization's story has the ledger, the history, its own words and the kills in the order of their times, and ends with a command.
func TestStory(t *testing.T) {
	t.Parallel()
	s := settings{orgs: 3, seed: 9, server: production}
	p := &play{settings: s, adversary: &adversary{}}
	o := draw(s)[1]
	at := func(second int) time.Time { return time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC) }
	o.see(emulator.Entry{Seq: 8, At: at(4), Kind: emulator.KindWrite, Entity: "flow", ID: "copy", Op: "enable", Before: "disabled", After: "enabled", Status: 200, Applied: true})
	o.samples = []invariants.Sample{{At: at(5), Status: migration.Status{Phase: migration.CuttingOver}}}
	p.adversary.blows = []blow{{at: at(3), target: workers, why: "chance"}}
	story := p.story(o, []moment{{at(2), "history", "event 1"}, {at(6), "history", "event 2"}})
	require.Regexp(t, `(?s)seed 9, organization `+o.ID+`\nscript .*event 1\n.*killed   both workers.*#8 write enable flow copy, disabled>enabled.*not answered.*CuttingOver\n.*event 2\n`, story)
	require.Contains(t, story, "again: go run ./test/chaos -server production -seed 9 -orgs 3 -only "+o.ID+"\n")
}

// A write may begin a second after the kill switch was thrown at most, whatever its attempt had done before, and after the release as fast as the workers pace.
func TestKillSwitchIsMeasured(t *testing.T) {
	t.Parallel()
	on := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(org string, after time.Duration, fault string, answered bool) emulator.Entry {
		return emulator.Entry{
			Organization: org, At: on.Add(after), Kind: emulator.KindWrite, Entity: "flow", ID: "copy", Origin: "old", Actor: "client", Op: "enable", Applied: true,
			Answered: answered, Fault: fault,
		}
	}
	k := killSwitch{on: on, off: on.Add(6 * time.Second), shown: stopReason}
	k.measure([]emulator.Entry{
		write("a", -time.Millisecond, "", true),
		write("a", 900*time.Millisecond, "", true),
		write("a", 2500*time.Millisecond, "slow", true), // begun half a second after
	}, map[string]time.Duration{"slow": 2 * time.Second})
	require.Equal(t, 900*time.Millisecond, k.last)
	require.Equal(t, 1, k.between)
	require.Empty(t, k.violations())

	k.measure([]emulator.Entry{write("late", 1100*time.Millisecond, "", true), {Organization: "hasty", Status: http.StatusTooManyRequests}}, nil)
	require.Equal(t, 1100*time.Millisecond, k.last)
	found := k.violations()
	require.Len(t, found, 2)
	require.Equal(t, "late", found[0].Organization)
	require.Equal(t, "hasty", found[1].Organization)

	renewal := write("renewed", 2*time.Second, "", true)
	renewal.Entity = "connection"
	k.measure([]emulator.Entry{renewal}, nil)
	require.Len(t, k.violations(), 3, "an account is the vendor's too")

	k = killSwitch{slowed: on.Add(-slowFor), on: on, off: on.Add(6 * time.Second), shown: stopReason}
	k.measure([]emulator.Entry{write("begun before", 800*time.Millisecond, "", true), write("cut", 1800*time.Millisecond, "", false)}, nil)
	require.Empty(t, k.violations(), "a slow vendor writes it down when it is done")
	k.measure([]emulator.Entry{write("late", 2*time.Second, "", true)}, nil)
	require.Len(t, k.violations(), 1)

	k = killSwitch{on: on, off: on.Add(6 * time.Second)}
	for i := range pace + 1 {
		k.measure([]emulator.Entry{write("a", 7*time.Second+time.Duration(i)*time.Millisecond, "", true)}, nil)
	}
	require.Len(t, k.violations(), 2, "no reason was shown, and the release was a burst")
	require.Equal(t, 2, mostPerSecond([]time.Time{on.Add(1500 * time.Millisecond), on, on.Add(time.Second)}))
}

// What an organization does next after a kill at its boundary must come in time, counted from what disturbed it last.
func TestRecoveryIsMeasured(t *testing.T) {
	t.Parallel()
	o := draw(settings{orgs: 1, seed: 1})[0]
	at := func(second int) time.Time { return time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC) }
	write := func(second int, op, id, origin string) {
		o.see(emulator.Entry{At: at(second), Kind: emulator.KindWrite, Entity: "flow", ID: id, Origin: origin, Actor: "client", Op: op, Applied: true})
	}
	k := &kill{mark: markAt(afterEnable), target: workers}
	k.flow = "old"
	p := &play{adversary: &adversary{blows: []blow{{at: at(10), gone: at(10), target: workers, of: o, kill: k, down: time.Second}}}}
	line, found := p.recovered()
	require.Contains(t, line, "no kill")
	require.Empty(t, found)
	write(9, "enable", "copy", "old")
	write(15, "disable", "another", "")
	write(28, "disable", "old", "")
	line, found = p.recovered()
	require.Contains(t, line, "recovery worst 18.0s of 19.0s")
	require.Empty(t, found)
	p.adversary.blows[0].down = 0
	p.adversary.blows[0].gone = at(9)
	_, found = p.recovered()
	require.Len(t, found, 1)
	p.adversary.blows = append(p.adversary.blows, blow{at: at(13), gone: at(13), target: server})
	line, found = p.recovered()
	require.Contains(t, line, "recovery worst 15.0s of 18.0s")
	require.Empty(t, found)
	p.killed.on, p.killed.off = at(14), at(20)
	line, _ = p.recovered()
	require.Contains(t, line, "recovery worst 8.0s of 18.0s")
}
