package words_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/words"
)

const (
	day   = 24 * time.Hour
	lease = migration.Duration(30 * day)
)

var (
	available = at("2023-11-16T08:00:00Z")
	look      = at("2023-11-20T10:00:00Z")
)

// said are phrases of the domain, each once.
type said map[string]bool

func (s said) add(phrases ...string) {
	for _, p := range phrases {
		if p != "" {
			s[p] = true
		}
	}
}

// accounts are an account in everything that looks at one decide by.
func accounts(visit func(migration.Account)) {
	for _, state := range []migration.DataflowState{migration.Enabled, migration.Disabled} {
		for _, etag := range []string{"1", "2"} {
			for _, name := range []string{"Pinterest v5", "Renamed"} {
				for _, authorized := range []time.Time{{}, available.Add(-day), available.Truncate(day), available.Add(2 * day).Truncate(day), available.Add(-60 * day).Truncate(day)} {
					for _, ends := range []time.Time{{}, look.Add(-day), look.Add(day)} {
						for _, created := range []time.Time{{}, available, available.Add(-90 * day)} {
							visit(migration.Account{
								ID: "v5", Name: name, Sandbox: "prod", State: state, Etag: etag, Created: created, AuthorizedOn: authorized, ExpiresAt: ends,
							})
						}
					}
				}
			}
		}
	}
}

// ofAccounts is all that the domain says about accounts.
func ofAccounts() said {
	all := said{}
	var seen []migration.Account
	accounts(func(a migration.Account) { seen = append(seen, a) })
	for _, now := range seen {
		all.add(migration.FirstLook(now, look, lease).Reason)
		for _, base := range seen {
			if base.State == migration.Disabled || base.Etag != "1" || base.Name != "Pinterest v5" {
				continue
			}
			for _, probe := range []migration.Probe{migration.ProbeUnknown, migration.ProbePassed, migration.ProbeFailed} {
				for _, claimed := range []bool{false, true} {
					all.add(migration.Verify(base, now, probe, claimed, look, lease).Reason)
				}
			}
		}
	}
	for _, reason := range []string{"scope", "ad account", "authorization"} {
		instruction, _ := migration.Blame(reason)
		all.add(instruction)
	}
	for _, needed := range []bool{false, true} {
		p := book()
		p.Reauthentication.Needed = needed
		s := begun(p)
		all.add(s.Accounts[0].Note)
		if !needed {
			continue
		}
		signIn := migration.Verdict{Verified: true, Reason: "the account changed, as claimed", LeaseEnd: look.Add(day)}
		now := migration.Account{ID: "v5", Name: "Pinterest v5", Etag: "2"}
		s.Learn(now, signIn, look)
		s.AskAgain(p, look)
		s.Learn(now, signIn, look)
		all.add(s.Accounts[0].Note) // the same sign-in again
		s.LapseEnded(p, look.Add(day))
		all.add(s.Accounts[0].Note)
	}
	return all
}

func book() migration.Playbook {
	return migration.Playbook{
		Timeline:         migration.Timeline{Available: available, ReauthenticateBy: atRisk, Shutdown: shutdown},
		Reauthentication: migration.Reauthentication{Needed: true, Lease: lease, RenewBefore: migration.Duration(3 * day)},
	}
}

func begun(p migration.Playbook) *migration.State {
	s := &migration.State{}
	s.Begin(migration.Assessment{Affected: true, At: look, Accounts: []migration.Account{{ID: "v5", Name: "Pinterest v5", Sandbox: "prod", Etag: "1", Created: available}}}, p)
	return s
}

// ofScope is all that the domain says of why an organization is affected, or is not.
func ofScope() said {
	all := said{}
	card := migration.Card{Names: []string{"(Deprecating) Pinterest"}}
	for n := range 3 {
		for _, created := range []time.Time{available.Add(-day), available.Add(day)} {
			var s migration.Snapshot
			for range n {
				s.Old = append(s.Old, migration.Dataflow{ID: "o", Created: created})
			}
			all.add(migration.Assess(s, card, available).Reason)
			for range n {
				s.New = append(s.New, migration.Dataflow{ID: "n", State: migration.Disabled})
			}
			s.Old = nil
			all.add(migration.Assess(s, card, available).Reason)
		}
	}
	return all
}

// ofRuns is all that the domain says of flow runs.
func ofRuns() said {
	all := said{}
	judge := func(v migration.Verification, runs ...migration.Run) {
		verdict := migration.JudgeRuns("n", runs, look.Add(-day), v, migration.Baseline{Runs: 2, Activated: 8000, Failed: 10})
		confirmed := verdict.Confirm(migration.LookAtPartner(migration.PartnerBase{Names: []string{"Buyers"}}, []migration.PartnerAudience{{Name: "Buyers", Updated: look}}))
		all.add(verdict.Reason, confirmed.Reason)
	}
	for _, status := range []migration.RunStatus{"", migration.RunSucceeded, migration.RunFailed, migration.RunPartial} {
		for _, faults := range [][]string{nil, {"quota"}} {
			for _, activated := range []int64{0, 10, 1000} {
				for _, failed := range []int64{0, 100} {
					run := migration.Run{ID: "r", Dataflow: "n", Status: status, Completed: look, Activated: activated, Failed: failed, Errors: faults}
					for _, v := range []migration.Verification{{}, {Sample: 90, AtLeast: 50, MoreFailed: 5}} {
						judge(v, run)
						judge(v, run, run)
					}
				}
			}
		}
	}
	return all
}

// ofPlaces are the domain's names of where things stand.
func ofPlaces() said {
	all := said{}
	for _, stage := range []migration.Stage{migration.Scheduled, migration.Open, migration.AtRisk, migration.ShutDown} {
		all.add(string(stage), stage.Guarantee())
	}
	for _, phase := range []migration.Phase{
		migration.Assessing, migration.AwaitingReauth, migration.Planning, migration.AwaitingApproval, migration.CuttingOver, migration.Verifying, migration.Watching,
		migration.NeedsAttention, migration.Migrated, migration.NotAffected, migration.RolledBack, migration.Cancelled,
	} {
		all.add(string(phase))
	}
	for _, progress := range []migration.Progress{
		migration.Ready, migration.Held, migration.Switched, migration.Verified, migration.LeftOff, migration.WentBack,
	} {
		all.add(string(progress))
	}
	for _, now := range []time.Time{available, atRisk, shutdown} {
		name, _ := book().Timeline.Deadline(now)
		all.add(name)
	}
	return all
}

// ofActivities is what activities say of accounts, in the pieces that their sources have.
var ofActivities = [][]string{
	{"the account is not there any more: it was deleted, or an access label hides it"},
	{"fresh credentials were written, but Adobe's test of the account fails: it takes credentials of its own application only; ", "a person must use Reconnect OAuth"},
	{"fresh credentials were written, but nothing shows that Adobe takes them: a person must use Reconnect OAuth"},
	{"no grant is held for account ", "v5"},
	{"the grant for account ", "v5", " of organization ", "1@AdobeOrg", " was refused by Pinterest at ", "2023-12-20T10:00:00Z", ": a person must consent again"},
	{
		"switch dataflow ", "o1", " to its copy ", "n1", " in sandbox ", "prod", " of organization ", "1@AdobeOrg", ": the sign-in of the copy's account ended at ",
		"2023-12-20T10:00:00Z", "; it must be signed in to again",
	},
	{"renew account ", "v5", " in sandbox ", "prod", " of organization ", "1@AdobeOrg", " by its grant", ": ", "no grant is held for account ", "v5"},
}

// What activities say is still what they say.
func TestActivitiesSaySo(t *testing.T) {
	t.Parallel()
	activities := strings.Join(slices.Collect(maps.Values(sources(t, "../../activities"))), "")
	for _, pieces := range ofActivities {
		for _, piece := range pieces {
			require.True(t, len(piece) < 22 || strings.Contains(activities, piece), "activities do not say %q any more", piece)
		}
	}
}

// Whatever the domain says of these, it says in every language, and the file says nothing that the domain does not.
func TestEveryPhraseHasItsTranslation(t *testing.T) {
	t.Parallel()
	zh, en := words.In(words.Chinese), words.In(words.English)
	all := said{}
	for _, some := range []said{ofAccounts(), ofScope(), ofRuns(), ofPlaces()} {
		require.NotEmpty(t, some)
		for phrase := range some {
			all.add(phrase)
		}
	}
	all.add(migration.NotRenewed, "accepted by operator", "accepted by operator (the flow run failed: quota)")
	for _, pieces := range ofActivities {
		all.add(strings.Join(pieces, ""))
	}
	for phrase := range all {
		require.Equal(t, phrase, en.Phrase(phrase))
		chinese := zh.Phrase(phrase)
		require.NotEqual(t, phrase, chinese)
		require.Regexp(t, `\p{Han}`, chinese)
		require.NotContains(t, chinese, "{", phrase)
		requireChinese(t, chinese, phrase)
		all[phrase] = true
	}
	for pattern := range inFile(t, "phrases", words.Chinese) {
		require.True(t, saidSomewhere(all, pattern), "the domain never says %q", pattern)
	}
}

// saidSomewhere tells whether a phrase fits a pattern.
func saidSomewhere(all said, pattern string) bool {
	literals := placeholder.Split(pattern, -1)
	for i := range literals {
		literals[i] = regexp.QuoteMeta(literals[i])
	}
	fits := regexp.MustCompile("^" + strings.Join(literals, ".+") + "$")
	return slices.ContainsFunc(slices.Collect(maps.Keys(all)), fits.MatchString)
}

func TestPhrase(t *testing.T) {
	t.Parallel()
	zh := words.In(words.Chinese)
	for english, chinese := range map[string]string{
		"its authorization ended at 2023-12-20T10:00:00Z":                           "授權已於 2023-12-20 10:00:00（UTC）到期",
		"authorized on 2023-11-18":                                                  "已於 2023-11-18 授權",
		"2 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z": "「(Deprecating) Pinterest」上有 2 個資料流是在 2023-11-16 08:00:00（UTC）之前設定的",
		"accepted by operator (the flow run failed: quota)":                         "已由 operator 接受（資料流執行失敗：quota）",
		"accepted by operator (something new)":                                      "已由 operator 接受（something new）",
		"no dataflow on a {card} of {time}":                                         "「a {card} of {time}」上沒有資料流",
		"its authorization ended at noon":                                           "its authorization ended at noon",
		"something new":                                                             "something new",
		"the account is disabled, it seems":                                         "the account is disabled, it seems",
		"":                                                                          "",
	} {
		require.Equal(t, chinese, zh.Phrase(english), english)
	}
}

// The most telling pattern wins, whatever else fits.
func TestALongerPhraseIsNotTakenForAShorterOne(t *testing.T) {
	t.Parallel()
	zh := words.In(words.Chinese)
	long := zh.Phrase("no dataflow on Pinterest; 3 dataflows of the new card disabled, perhaps copies whose originals are gone: enable in Adobe what is wanted")
	require.NotContains(t, long, "dataflows")
	require.Contains(t, long, "「Pinterest」上沒有資料流；新卡片有 3 個")
}
