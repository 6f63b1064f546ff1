package invariants

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// then appends what happened afterwards.
func (f *Facts) then(entries ...emulator.Entry) {
	for _, e := range entries {
		last := f.Ledger[len(f.Ledger)-1]
		e.Organization, e.Sandbox, e.Seq, e.At = acme, "prod", last.Seq+1, last.At.Add(time.Second)
		f.Ledger = append(f.Ledger, e)
	}
}

// pair is the first pair of the organization's last word, apart from what it said before.
func (f *Facts) pair() *migration.PairState {
	status := &f.Organizations[0].Status
	if len(f.Samples) > 0 && len(f.Samples[0].Status.Pairs) > 0 && &f.Samples[0].Status.Pairs[0] == &status.Pairs[0] {
		status.Pairs = slices.Clone(status.Pairs)
	}
	return &status.Pairs[0]
}

// word is what the organization says in the middle of the run, when its first pair was like this.
func (f *Facts) word(change func(*migration.PairState)) {
	sample := f.Samples[1]
	sample.Status.Pairs = slices.Clone(sample.Status.Pairs)
	change(&sample.Status.Pairs[0])
	f.Samples = append(f.Samples, sample)
}

// list is a list that served these versions.
func list(served ...emulator.Served) emulator.Entry {
	return emulator.Entry{Kind: emulator.KindList, Actor: client, Entity: "flow", Applied: true, Answered: true, Served: served}
}

// audience is a client's change of an audience, which makes a version.
func audience(op, id, which string, version int) emulator.Entry {
	e := write(op, id, "enabled", "enabled")
	e.Detail, e.ContentVersion = which, version
	return e
}

// stage is the vendor passing a stage.
func stage(op string) emulator.Entry {
	return emulator.Entry{Kind: emulator.KindState, Actor: "system", Op: op, Applied: true}
}

// wentBackAgain are the facts of a first pair that was switched and rolled back.
func wentBackAgain() Facts {
	f := holding()
	f.then(
		read("old-1", 1), read("new-1", 1),
		write("enable", "old-1", "disabled", "enabled"), write("disable", "new-1", "enabled", "disabled"),
	)
	f.pair().Progress = migration.WentBack
	f.Organizations[0].Want.Flows["old-1"], f.Organizations[0].Want.Flows["new-1"] = migration.Enabled, migration.Disabled
	return f
}

// switchedAgain goes on to the same pair switched a second time.
func switchedAgain() Facts {
	f := wentBackAgain()
	f.then(
		list(emulator.Served{ID: "old-1", ContentVersion: 1}, emulator.Served{ID: "new-1", ContentVersion: 1}),
		read("old-1", 1), read("new-1", 1),
		write("enable", "new-1", "disabled", "enabled"), write("disable", "old-1", "enabled", "disabled"),
	)
	f.pair().Progress = migration.Verified
	f.pair().Toggled = []migration.Toggled{{Card: "old", From: migration.Disabled, To: migration.Enabled}}
	f.Organizations[0].Want.Flows["old-1"], f.Organizations[0].Want.Flows["new-1"] = migration.Disabled, migration.Enabled
	return f
}

// carriedOver are the facts of a first pair whose copy got one audience and lost another before it was enabled.
func carriedOver() Facts {
	f := holding()
	f.before("enable", "new-1", audience("add-audience", "new-1", "late", 2))
	f.before("enable", "new-1", read("new-1", 2))
	f.before("enable", "new-1", audience("remove-audience", "new-1", "early", 3))
	f.before("enable", "new-1", read("new-1", 3))
	f.entry("enable", "new-1").ContentVersion = 3
	f.pair().Carried = []migration.Carried{
		{Carry: migration.Carry{Audience: migration.Audience{ID: "late"}}},
		{Carry: migration.Carry{Audience: migration.Audience{ID: "early"}, Remove: true}},
	}
	return f
}

// carriedBack are the facts of a rollback that takes an audience along that somebody had given to the copy alone.
func carriedBack() Facts {
	f := holding()
	f.then(
		edit("new-1", 2), read("old-1", 1), read("new-1", 2),
		audience("add-audience", "old-1", "new one", 2), read("old-1", 2),
		write("enable", "old-1", "disabled", "enabled"), write("disable", "new-1", "enabled", "disabled"),
	)
	for i := range f.Ledger[len(f.Ledger)-2:] {
		f.Ledger[len(f.Ledger)-2+i].ContentVersion = 2
	}
	f.pair().Progress = migration.WentBack
	f.pair().Carried = []migration.Carried{{Carry: migration.Carry{Audience: migration.Audience{ID: "new one"}}, Back: true}}
	f.Organizations[0].Want.Flows["old-1"], f.Organizations[0].Want.Flows["new-1"] = migration.Enabled, migration.Disabled
	return f
}

// late are the facts of a pair that is switched after the old API was closed; what is left of its old side is the case's.
func late(old ...emulator.Entry) Facts {
	f := holding()
	f.before("enable", "new-1", stage("old_api_closed"))
	f.drop(func(e emulator.Entry) bool { return e.Kind == emulator.KindRead && e.ID == "old-1" })
	f.drop(func(e emulator.Entry) bool { return e.Op == "disable" && e.ID == "old-1" })
	f.then(old...)
	delete(f.Organizations[0].Want.Flows, "old-1")
	f.pair().Late = true
	return f
}

// reenabled are the facts of a switched pair whose old dataflow somebody turns on again, after which it is switched once more.
func reenabled() Facts {
	f := holding()
	on := edit("old-1", 1)
	on.Op, on.Before, on.After = "enable", "disabled", "enabled"
	f.then(on, list(emulator.Served{ID: "old-1", ContentVersion: 1}), read("old-1", 1), read("new-1", 1), write("disable", "old-1", "enabled", "disabled"))
	return f
}

// deleted are the facts of a pair whose old dataflow somebody deleted before it was switched.
func deleted() Facts {
	f := holding()
	gone := edit("old-1", 1)
	gone.Op, gone.After = "delete", "deleted"
	f.before("enable", "new-1", gone)
	f.drop(func(e emulator.Entry) bool {
		return e.ID == "old-1" && (e.Kind == emulator.KindRead || e.Op == "disable")
	})
	f.pair().Action = migration.Revive
	f.Organizations[0].Want.Flows["old-1"] = "deleted"
	return f
}

// hidden are the facts of a pair whose old dataflow an access label hides, which reads as if it were deleted.
func hidden() Facts {
	f := holding()
	hide := edit("old-1", 1)
	hide.Op = "hide"
	f.before("enable", "new-1", hide)
	f.drop(func(e emulator.Entry) bool { return e.Kind == emulator.KindRead && e.ID == "old-1" })
	return f
}

func TestWhatIsAllowed(t *testing.T) {
	t.Parallel()
	refused := write("disable", "old-1", "enabled", "enabled")
	refused.Applied, refused.Status = false, 410
	for name, facts := range map[string]Facts{
		"a rollback":                              wentBackAgain(),
		"switched again":                          switchedAgain(),
		"audiences carried over":                  carriedOver(),
		"audiences carried back":                  carriedBack(),
		"late, the old side untouched":            late(),
		"late, the old side refuses":              late(refused),
		"late, the old side is disabled":          late(write("disable", "old-1", "enabled", "disabled")),
		"the old side enabled again by a person":  reenabled(),
		"the old side deleted, the copy revived":  deleted(),
		"the old side hidden, the copy revived":   hidden(),
		"a closed API that opens again":           reopened(),
		"a rollback that is under way at the end": underWay(),
		"a carry that is planned at the end":      planned(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, Check(facts))
		})
	}
}

// TestWhatOnlyAnEarlierWordTells goes through what an interrupted attempt leaves behind.
func TestWhatOnlyAnEarlierWordTells(t *testing.T) {
	t.Parallel()
	deed := func(what string) func(*Facts) {
		return func(f *Facts) {
			f.Organizations[0].Status.Deeds = append(f.Organizations[0].Status.Deeds, migration.Deed{By: "operator", What: what})
		}
	}
	for name, c := range map[string]struct {
		facts  Facts
		how    func(*Facts)
		strays int
	}{
		"nothing tells of the rollback": {wentBackAgain(), func(*Facts) {}, 2},
		"a word during the rollback": {wentBackAgain(), func(f *Facts) {
			f.word(func(p *migration.PairState) { p.Back = &migration.Deed{By: "operator"} })
		}, 0},
		"another organization's word": {wentBackAgain(), func(f *Facts) {
			f.word(func(p *migration.PairState) { p.Back = &migration.Deed{By: "operator"} })
			f.Samples[len(f.Samples)-1].Status.Organization = "ELSE@AdobeOrg"
		}, 2},
		"another pair's word": {wentBackAgain(), func(f *Facts) {
			f.word(func(p *migration.PairState) { p.Progress, p.Old = migration.WentBack, "other" })
		}, 2},
		"a rollback that ended half way":      {wentBackAgain(), func(f *Facts) { f.pair().Note = "not rolled back: the old API is closed" }, 0},
		"a person's rollback of all":          {wentBackAgain(), deed("rolled back: too early"), 0},
		"a person's rollback of this pair":    {wentBackAgain(), deed("rolled back dataflow old-1: too early"), 0},
		"a person's rollback of another pair": {wentBackAgain(), deed("rolled back dataflow old-2: too early"), 2},
		"an audience that was planned once": {carriedOver(), func(f *Facts) {
			f.word(func(p *migration.PairState) {
				p.Carried, p.Carry = nil, []migration.Carry{{Audience: migration.Audience{ID: "late"}}}
			})
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.facts
			f.pair().Progress, f.pair().Carried = migration.Verified, nil
			c.how(&f)
			require.Len(t, Of(NoStray, Check(f)), c.strays)
		})
	}
}

func reopened() Facts {
	f := holding()
	f.before("enable", "new-1", stage("old_api_closed"))
	f.before("enable", "new-1", stage("old_api_reopened"))
	return f
}

// underWay are the facts of a rollback that an organization's last word only announces.
func underWay() Facts {
	f := wentBackAgain()
	f.pair().Progress, f.pair().Back = migration.Switched, &migration.Deed{By: "operator"}
	return f
}

// planned are the facts of audiences that were carried by a switch that did not come to its end.
func planned() Facts {
	f := carriedOver()
	for _, c := range f.pair().Carried {
		f.pair().Carry = append(f.pair().Carry, c.Carry)
	}
	f.pair().Carried = nil
	return f
}

func TestWhatIsNotAllowed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken Name
		facts  func() Facts
		how    func(*Facts)
	}{
		"a rollback that disables first": {NoGap, wentBackAgain, func(f *Facts) {
			last := len(f.Ledger) - 1
			f.Ledger[last], f.Ledger[last-1] = f.Ledger[last-1], f.Ledger[last]
		}},
		"a rollback to a closed API":      {NoGap, wentBackAgain, func(f *Facts) { f.before("enable", "old-1", stage("old_api_closed")) }},
		"the copy disabled after closing": {NoGap, func() Facts { return late() }, func(f *Facts) { f.then(write("disable", "new-1", "enabled", "disabled")) }},
		"closed and open again": {NoGap, reopened, func(f *Facts) {
			f.before("enable", "new-1", write("disable", "old-1", "enabled", "disabled"))
		}},

		"a rollback nobody knows of": {NoStray, wentBackAgain, func(f *Facts) { f.pair().Progress = migration.Verified }},
		"a rollback of another pair": {NoStray, wentBackAgain, func(f *Facts) {
			f.pair().Progress, f.Organizations[0].Status.Pairs[1].Progress = migration.Verified, migration.WentBack
		}},
		"a toggle of another kind":    {NoStray, switchedAgain, func(f *Facts) { f.pair().Toggled[0].To = migration.Disabled }},
		"left off and yet enabled":    {NoStray, switchedAgain, func(f *Facts) { f.pair().Action = migration.Leave }},
		"an audience never carried":   {NoStray, carriedOver, func(f *Facts) { f.pair().Carried = f.pair().Carried[1:] }},
		"another audience":            {NoStray, carriedOver, func(f *Facts) { f.pair().Carried[0].Audience.ID = "other" }},
		"added where it was removed":  {NoStray, carriedOver, func(f *Facts) { f.pair().Carried[0].Remove = true }},
		"removed where it was added":  {NoStray, carriedOver, func(f *Facts) { f.pair().Carried[1].Remove = false }},
		"carried to the wrong side":   {NoStray, carriedOver, func(f *Facts) { f.pair().Carried[0].Back = true }},
		"carried back without record": {NoStray, carriedBack, func(f *Facts) { f.pair().Carried[0].Back = false }},
		"planned for the copy, done to the old": {NoStray, carriedBack, func(f *Facts) {
			f.pair().Carry, f.pair().Carried = []migration.Carry{f.pair().Carried[0].Carry}, nil
		}},
		"another change of the copy":     {NoStray, carriedOver, func(f *Facts) { f.entry("add-audience", "new-1").Op = "patch" }},
		"an audience of another sandbox": {NoStray, carriedOver, func(f *Facts) { f.entry("add-audience", "new-1").Sandbox = "emea" }},

		"carried without a look at the old": {NoStale, carriedOver, func(f *Facts) { f.before("add-audience", "new-1", edit("old-1", 2)) }},
		"not read back": {NoStale, carriedOver, func(f *Facts) {
			f.drop(func(e emulator.Entry) bool { return e.Kind == emulator.KindRead && e.ContentVersion == 3 })
		}},
		"somebody else's change on top": {NoStale, carriedOver, func(f *Facts) {
			f.before("enable", "new-1", edit("new-1", 4))
			f.before("enable", "new-1", read("new-1", 4))
		}},
		"own change on what was never listed": {NoStale, carriedOver, func(f *Facts) {
			f.before("add-audience", "new-1", edit("new-1", 9))
			f.before("add-audience", "new-1", read("new-1", 9))
		}},
		"another client's change": {NoStale, carriedOver, func(f *Facts) { f.entry("add-audience", "new-1").Actor = "client-other" }},
		"a rollback without a look at the copy": {NoStale, wentBackAgain, func(f *Facts) {
			f.before("enable", "old-1", edit("new-1", 2))
		}},
		"switched again, but the plan's list is older": {NoStale, switchedAgain, func(f *Facts) {
			f.before("enable", "old-1", edit("new-1", 2))
			changed := false
			for i := range f.Ledger {
				e := &f.Ledger[i]
				changed = changed || e.Kind == emulator.KindEdit && e.ID == "new-1"
				if changed && e.ID == "new-1" {
					e.ContentVersion = 2
				}
			}
			f.before("enable", "old-1", read("new-1", 2))
		}},
		"late, the copy never read": {NoStale, func() Facts { return late() }, func(f *Facts) {
			f.drop(func(e emulator.Entry) bool { return e.Kind == emulator.KindRead && e.ID == "new-1" })
		}},
		"hidden and shown again": {NoStale, hidden, func(f *Facts) {
			show := edit("old-1", 1)
			show.Op = "show"
			f.before("enable", "new-1", show)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := c.facts()
			require.Empty(t, Check(facts), "before it is broken")
			c.how(&facts)
			require.NotEmpty(t, Of(c.broken, Check(facts)), "%s must be broken", c.broken)
		})
	}
}

// The sign-in that counts is the copy's: the way back leads to an account that nobody is asked about.
func TestARollbackIsNotEarly(t *testing.T) {
	t.Parallel()
	f := wentBackAgain()
	f.entry("enable", "old-1").Account = "old account"
	require.Empty(t, Of(NoEarly, Check(f)))
}

// A pair that somebody switched off after the plan had switched it is left so; its history explains the writes before.
func TestLeftOffAfterItWasSwitched(t *testing.T) {
	t.Parallel()
	f := holding()
	f.pair().Action = migration.Leave
	f.pair().Toggled = []migration.Toggled{
		{Card: "new", From: migration.Disabled, To: migration.Enabled}, {Card: "old", From: migration.Enabled, To: migration.Disabled},
	}
	require.Empty(t, Of(NoStray, Check(f)))
}

// Watching says what it waits for like every other wait.
func TestWatchingIsAWait(t *testing.T) {
	t.Parallel()
	f := holding()
	f.Samples[0].Status.Phase = migration.Watching
	require.Empty(t, Check(f))
	f.Samples[0].Status.Waits = nil
	require.NotEmpty(t, Of(NoSilence, Check(f)))
}
