package migration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
		Dataflows: []string{"Shoppers", "Visitors"}, Accounts: []string{`"Pinterest v5" (v5) in sandbox prod`},
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
		require.Contains(t, notice.Text(), "- Dataflow 0\n")
		require.Equal(t, more > 0, strings.Contains(notice.Text(), fmt.Sprintf("- and %d more\n", more)))
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
			require.Equal(t, more > 0, strings.Contains(notice.Text(), fmt.Sprintf("- and %d more\n", more)))
		}
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	for kind, words := range map[migration.NoticeKind]string{
		migration.NoticeStart: "action needed", migration.NoticeReminder: "still needed", migration.NoticeRefused: "could not be confirmed",
		migration.NoticeRescheduled: "the dates moved", migration.NoticeDeadline: "Acme passed a deadline", migration.NoticeAttention: "Acme needs an operator",
		migration.NoticeRenew: "a sign-in ends soon", migration.NoticeUndelivered: "what was not delivered",
	} {
		subject := told().NewNotice(kind, "1", acme(), pinterest(), look).Subject()
		require.Contains(t, subject, "Pinterest v4 to v5: ", kind)
		require.Contains(t, subject, words, kind)
		require.NotContains(t, subject, "\n")
	}
	require.Equal(t, "Pinterest v4 to v5", migration.Notice{Title: "Pinterest v4 to v5"}.Subject())
}

func TestNoticeTexts(t *testing.T) {
	t.Parallel()
	attention := ready()
	attention.progress(migration.Verified)
	attention.Pairs[0].Progress, attention.Pairs[0].Note = migration.Held, `audience missing on the copy: "Buyers" (c)`
	for file, n := range map[string]migration.Notice{
		"notice-start.txt":     told().NewNotice(migration.NoticeStart, "1", acme(), pinterest(), look),
		"notice-attention.txt": attention.NewNotice(migration.NoticeAttention, "1", acme(), pinterest(), look),
		"notice-reminder.txt":  told().NewNotice(migration.NoticeReminder, "shutdown-14d", acme(), pinterest(), atRisk.Add(day)),
		"notice-late.txt":      told().NewNotice(migration.NoticeReminder, "late-1", acme(), pinterest(), shutdown.Add(day)),
	} {
		want, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		require.Equal(t, string(want), n.Subject()+"\n\n"+n.Text(), file)
	}
}

// Each notice says why, what, how and by when.
func TestANoticeSaysAllThatMatters(t *testing.T) {
	t.Parallel()
	text := told().NewNotice(migration.NoticeStart, "1", acme(), pinterest(), look).Text()
	for _, part := range []string{
		"Acme", "1A2B3C4D5E6F@AdobeOrg", "2 dataflows on (Deprecating) Pinterest", "- Shoppers\n", "- Visitors\n", `- account "Pinterest v5" (v5) in sandbox prod`,
		"Reconnect OAuth", "https://adobe.example/accounts", "https://vendor.example/guide", "by 2023-12-15 (end of day, America/Los_Angeles)", "2024-01-18 (end of day, America/Los_Angeles)",
	} {
		require.Contains(t, text, part)
	}
}

// What was not delivered is said by name, from when to when, with what nobody can bring back.
func TestTheNoticeOfWhatWasNotDelivered(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Pairs[1].Missed = &migration.Window{From: shutdown, To: shutdown.Add(2 * day)}
	n := s.NewNotice(migration.NoticeUndelivered, "once", acme(), pinterest(), shutdown.Add(3*day))
	require.Equal(t, []string{"marketing@acme.example"}, n.To)
	require.Empty(t, n.Accounts)
	text := n.Text()
	require.Contains(t, text, "- Visitors, from 2024-01-19T08:00:00Z to 2024-01-21T08:00:00Z\n")
	require.NotContains(t, text, "Shoppers")
	require.Contains(t, text, "Adobe documents no way to send them again")
	require.Contains(t, text, "Compare the audience sizes")
	require.NotContains(t, text, "more dataflows")
	require.NotContains(t, text, "sign in")

	var many migration.State
	for i := range 23 {
		many.Pairs = append(many.Pairs, migration.PairState{Pair: migration.Pair{Old: fmt.Sprint("o", i), Name: fmt.Sprint("D", i)}, Missed: &migration.Window{From: shutdown, To: look}})
	}
	n = many.NewNotice(migration.NoticeUndelivered, "once", acme(), pinterest(), shutdown)
	require.Len(t, n.Missed, 20)
	require.Contains(t, n.Text(), "- and 3 more dataflows\n")
	require.Len(t, many.Undelivered(), 23)
}

// Each account carries the last answer about it, so that a person knows what to do differently.
func TestANoticeSaysWhatToDoDifferently(t *testing.T) {
	t.Parallel()
	s := planned(twoPairs(), pinterest())
	s.Lapse("v5", "the sign-in does not reach the dataflow's ad account: sign in as a user who has access to it", look)
	for _, kind := range []migration.NoticeKind{migration.NoticeStart, migration.NoticeReminder, migration.NoticeRefused} {
		require.Contains(t, s.NewNotice(kind, "1", acme(), pinterest(), look).Text(), `"Pinterest v5" (v5) in sandbox prod (the sign-in does not reach the dataflow's ad account`)
	}
}

// A notice about an organization that was never assessed has no reason to name.
func TestANoticeBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	s := &migration.State{Phase: migration.Assessing, Since: look}
	s.Raise(migration.Problem{At: look, What: "the credential acme is refused", Holds: true})
	text := s.NewNotice(migration.NoticeAttention, "1", acme(), pinterest(), look.Add(day)).Text()
	require.Contains(t, text, "the credential acme is refused")
	require.NotContains(t, text, "Why you are told")
}

// A deadline is told as people say it: the day that it ends, or the instant where it ends none.
func TestNoticeDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone string
		by   time.Time
		want string
	}{
		{"America/Los_Angeles", atRisk, "by 2023-12-15 (end of day, America/Los_Angeles)"},
		{"UTC", at("2023-12-16T00:00:00Z"), "by 2023-12-15 (end of day, UTC)"},
		{"UTC", atRisk, "by 2023-12-16T08:00:00Z"},
		{"America/Los_Angeles", atRisk.Add(-time.Second), "by 2023-12-16T07:59:59Z"},
		{"America/Los_Angeles", at("2024-03-11T07:00:00Z"), "by 2024-03-10 (end of day, America/Los_Angeles)"},
		{"America/Sao_Paulo", at("2018-11-04T03:00:00Z"), "by 2018-11-03 (end of day, America/Sao_Paulo)"},
		{"Nowhere", atRisk, "by 2023-12-16T08:00:00Z"},
	} {
		p := pinterest()
		p.Zone, p.Timeline.ReauthenticateBy = c.zone, c.by
		require.Contains(t, told().NewNotice(migration.NoticeStart, "1", acme(), p, c.by.Add(-day)).Subject(), c.want)
	}
}

// What is asked for is asked for by a day that is still to come.
func TestAReminderKnowsTheStage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{atRisk.Add(-time.Second), "To do by 2023-12-15"},
		{atRisk, "To do by 2024-01-18"},
		{shutdown.Add(-time.Second), "To do by 2024-01-18"},
		{shutdown, "To do now, since the old API is closed"},
	} {
		require.Contains(t, told().NewNotice(migration.NoticeReminder, "1", acme(), pinterest(), c.now).Text(), c.want)
	}
}
