package migration_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// told is a state as it is when people are told of it.
func told() *migration.State { return begun(twoPairs(), pinterest()) }

func TestNewNotice(t *testing.T) {
	t.Parallel()
	s := told()
	n := s.NewNotice(migration.NoticeStart, "1", acme(), pinterest(), look)
	require.Equal(t, migration.Notice{
		Key: "pinterest-v5/1A2B3C4D5E6F@AdobeOrg/start/1", Kind: migration.NoticeStart, Organization: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme",
		To: []string{"marketing@acme.example"}, Title: "Pinterest v4 to v5", By: atRisk, Shutdown: shutdown, Zone: "America/Los_Angeles",
		Link: "https://adobe.example/accounts", Guide: "https://vendor.example/guide",
		Affected:  "2 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z",
		Dataflows: []string{"Shoppers", "Visitors"}, Accounts: []migration.SignIn{{ID: "v5", Name: "Pinterest v5", Sandbox: "prod"}},
	}, n)
	require.Equal(t, n, s.NewNotice(migration.NoticeStart, "1", acme(), pinterest(), look), "the same again has the same key")
	for _, other := range []migration.Notice{
		s.NewNotice(migration.NoticeStart, "2", acme(), pinterest(), look),
		s.NewNotice(migration.NoticeReminder, "1", acme(), pinterest(), look),
		s.NewNotice(migration.NoticeStart, "1", with(acme(), func(o *migration.Organization) { o.ID = "9@AdobeOrg" }), pinterest(), look),
		s.NewNotice(migration.NoticeStart, "1", acme(), with(pinterest(), func(p *migration.Playbook) { p.Name = "other" }), look),
	} {
		require.NotEqual(t, n.Key, other.Key)
	}
}

func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	for kind, organization := range map[migration.NoticeKind]bool{
		migration.NoticeStart: true, migration.NoticeReminder: true, migration.NoticeRefused: true, migration.NoticeRescheduled: true,
		migration.NoticeRenew: true, migration.NoticeUndelivered: true, migration.NoticeDeadline: false, migration.NoticeAttention: false,
	} {
		require.Equal(t, organization, told().NewNotice(kind, "1", acme(), pinterest(), look).To != nil, kind)
	}
}

// The operator is told what to do, the organization what is its own to do.
func TestWhatWhoIsTold(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Lapse("v5", "ended", look)
	s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
	for _, kind := range []migration.NoticeKind{migration.NoticeDeadline, migration.NoticeAttention} {
		n := s.NewNotice(kind, "1", acme(), pinterest(), look)
		require.Equal(t, s.Waits(acme(), pinterest(), look), n.Waits, kind)
		require.Empty(t, n.Accounts, kind)
	}
	for _, kind := range []migration.NoticeKind{migration.NoticeStart, migration.NoticeReminder, migration.NoticeRefused, migration.NoticeRescheduled} {
		n := s.NewNotice(kind, "1", acme(), pinterest(), look)
		require.Empty(t, n.Waits, kind)
		require.Len(t, n.Accounts, 1, kind)
	}
}

func TestANoticeNamesAFew(t *testing.T) {
	t.Parallel()
	for n, more := range map[int]int{1: 0, 19: 0, 20: 0, 21: 1, 100: 80} {
		var s migration.State
		seen := migration.Snapshot{TakenAt: assessed}
		for i := range n {
			seen.Old = append(seen.Old, old(fmt.Sprintf("%03d", i), fmt.Sprint("Dataflow ", i)))
		}
		s.Begin(assess(seen, pinterest()), pinterest())
		notice := s.NewNotice(migration.NoticeStart, "1", acme(), pinterest(), look)
		require.Len(t, notice.Dataflows, n-more)
		require.Equal(t, more, notice.More)
		require.Equal(t, "Dataflow 0", notice.Dataflows[0])
	}
}

// A notice to the operator names the first waits and counts the others.
func TestANoticeNamesAFewWaits(t *testing.T) {
	t.Parallel()
	for n, more := range map[int]int{1: 0, 20: 0, 21: 1, 500: 480} {
		s := ready()
		s.Pairs = nil
		for i := range n {
			s.Pairs = append(s.Pairs, migration.PairState{Pair: migration.Pair{Old: fmt.Sprint("o", i), Account: "v5"}, Progress: migration.Held, Note: "refused"})
		}
		for _, kind := range []migration.NoticeKind{migration.NoticeAttention, migration.NoticeDeadline} {
			notice := s.NewNotice(kind, "1", s.o, s.p, s.now)
			require.Len(t, notice.Waits, n-more)
			require.Equal(t, more, notice.More)
		}
	}
}

// A notice is told in the language of the organization's people, an operator's in none.
func TestTheLanguageOfANotice(t *testing.T) {
	t.Parallel()
	o := with(acme(), func(o *migration.Organization) { o.Language = "zh-TW" })
	require.Equal(t, "zh-TW", told().NewNotice(migration.NoticeStart, "1", o, pinterest(), look).Language)
	require.Equal(t, "zh-TW", told().NewNotice(migration.NoticeUndelivered, "1", o, pinterest(), look).Language)
	require.Empty(t, told().NewNotice(migration.NoticeAttention, "1", o, pinterest(), look).Language)
	require.Empty(t, told().NewNotice(migration.NoticeStart, "1", acme(), pinterest(), look).Language)
}

// What was not delivered is named, from when to when.
func TestTheNoticeOfWhatWasNotDelivered(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Pairs[1].Missed = &migration.Window{From: shutdown, To: shutdown.Add(2 * day)}
	n := s.NewNotice(migration.NoticeUndelivered, "once", acme(), pinterest(), shutdown.Add(3*day))
	require.Equal(t, []string{"marketing@acme.example"}, n.To)
	require.Empty(t, n.Accounts)
	require.Empty(t, n.Dataflows)
	require.Len(t, n.Missed, 1)
	require.Equal(t, "Visitors", n.Missed[0].Name)
	require.Equal(t, shutdown, n.Missed[0].From)
	require.Equal(t, shutdown.Add(2*day), n.Missed[0].To)
	require.Zero(t, n.More)

	var many migration.State
	for i := range 23 {
		many.Pairs = append(many.Pairs, migration.PairState{Pair: migration.Pair{Old: fmt.Sprint("o", i), Name: fmt.Sprint("D", i)}, Missed: &migration.Window{From: shutdown, To: look}})
	}
	n = many.NewNotice(migration.NoticeUndelivered, "once", acme(), pinterest(), shutdown)
	require.Len(t, n.Missed, 20)
	require.Equal(t, 3, n.More)
	require.Len(t, many.Undelivered(), 23)
}

// Each account carries the last answer about it, so that a person knows what to do differently.
func TestANoticeSaysWhatToDoDifferently(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	const why = "the sign-in does not reach the dataflow's ad account: sign in as a user who has access to it"
	s.Lapse("v5", why, look)
	for _, kind := range []migration.NoticeKind{migration.NoticeStart, migration.NoticeReminder, migration.NoticeRefused} {
		n := s.NewNotice(kind, "1", acme(), pinterest(), look)
		require.Equal(t, []migration.SignIn{{ID: "v5", Name: "Pinterest v5", Sandbox: "prod", Why: why}}, n.Accounts, kind)
	}
}

// A notice about an organization that was never assessed has no reason to name.
func TestANoticeBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	s := &migration.State{Phase: migration.Assessing, Since: look}
	s.Raise(migration.Problem{At: look, What: "the credential acme is refused", Holds: true})
	n := s.NewNotice(migration.NoticeAttention, "1", acme(), pinterest(), look.Add(day))
	require.Equal(t, "the credential acme is refused", n.Waits[0].What)
	require.Empty(t, n.Affected)
}

// What is asked for is asked for by a day that is still to come.
func TestANoticeKnowsTheStage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now   time.Time
		stage migration.Stage
	}{
		{available.Add(-1), ""},
		{atRisk.Add(-time.Second), ""},
		{atRisk, migration.AtRisk},
		{shutdown.Add(-time.Second), migration.AtRisk},
		{shutdown, migration.ShutDown},
	} {
		require.Equal(t, c.stage, told().NewNotice(migration.NoticeReminder, "1", acme(), pinterest(), c.now).Stage)
	}
}

// Notices that were under way before accounts had fields of their own still arrive.
func TestANoticeWithLabelsIsStillRead(t *testing.T) {
	t.Parallel()
	var n migration.Notice
	require.NoError(t, json.Unmarshal([]byte(`{"accounts": ["\"Pinterest v5\" (v5) in sandbox prod", {"id": "v5", "name": "Pinterest v5"}]}`), &n))
	require.Equal(t, []migration.SignIn{{Name: `"Pinterest v5" (v5) in sandbox prod`}, {ID: "v5", Name: "Pinterest v5"}}, n.Accounts)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"accounts": [7]}`), &n), "read an account of a notice")
}
