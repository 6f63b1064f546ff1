package migration_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// counted is a finished run of a copy after its switch.
func counted(id string, activated, failed int64) migration.Run {
	status := migration.RunSucceeded
	if failed > 0 {
		status = migration.RunPartial
	}
	return migration.Run{ID: id, Dataflow: "n1", Status: status, Completed: assessed.Add(time.Hour), Activated: activated, Failed: failed}
}

func TestJudgeByCounts(t *testing.T) {
	t.Parallel()
	rules := migration.Verification{Sample: 100, AtLeast: 20, MoreFailed: 10}
	usual := migration.Baseline{Runs: 24, Activated: 24 * 1000, Failed: 0}
	broken := migration.Run{ID: "f", Dataflow: "n1", Status: migration.RunFailed, Completed: assessed.Add(time.Hour), Errors: []string{"quota"}}
	for name, c := range map[string]struct {
		runs     []migration.Run
		baseline migration.Baseline
		status   migration.RunStatus
		reason   string
	}{
		"no run":                            {nil, usual, migration.RunPending, "no finished flow run yet"},
		"as usual":                          {[]migration.Run{counted("r", 1000, 0)}, usual, migration.RunSucceeded, ""},
		"just enough":                       {[]migration.Run{counted("r", 200, 0)}, usual, migration.RunSucceeded, ""},
		"too little":                        {[]migration.Run{counted("r", 199, 0)}, usual, migration.RunPending, "199 identities delivered in 1 run; the old dataflow delivered about 1000 in as many"},
		"too little in two":                 {[]migration.Run{counted("r", 199, 0), counted("s", 200, 0)}, usual, migration.RunPending, "399 identities delivered in 2 runs; the old dataflow delivered about 2000 in as many"},
		"a first short window, then a full": {[]migration.Run{counted("r", 5, 0), counted("s", 900, 0)}, usual, migration.RunSucceeded, ""},
		"below the sample":                  {[]migration.Run{counted("r", 99, 0)}, usual, migration.RunPending, "99 of at least 100 identities so far: too few to tell"},
		"below the sample and all failed":   {[]migration.Run{counted("r", 0, 99)}, usual, migration.RunPending, "99 of at least 100 identities so far: too few to tell"},
		"as many failed as allowed":         {[]migration.Run{counted("r", 891, 109)}, usual, migration.RunSucceeded, ""},
		"more failed":                       {[]migration.Run{counted("r", 890, 110)}, usual, migration.RunFailed, "110 of 1000 identities failed (11%); with the old dataflow it was 0%"},
		"all failed":                        {[]migration.Run{counted("r", 0, 1000)}, usual, migration.RunFailed, "1000 of 1000 identities failed (100%); with the old dataflow it was 0%"},
		"the old one failed as often":       {[]migration.Run{counted("r", 600, 400)}, migration.Baseline{Runs: 2, Activated: 1400, Failed: 600}, migration.RunSucceeded, ""},
		"a partial run is counted":          {[]migration.Run{counted("r", 950, 50)}, usual, migration.RunSucceeded, ""},
		"no baseline: the sample decides":   {[]migration.Run{counted("r", 100, 0)}, migration.Baseline{}, migration.RunSucceeded, ""},
		"no baseline, below the sample":     {[]migration.Run{counted("r", 99, 0)}, migration.Baseline{}, migration.RunPending, "99 of at least 100 identities so far: too few to tell"},
		"no baseline, many failed":          {[]migration.Run{counted("r", 89, 11)}, migration.Baseline{}, migration.RunFailed, "11 of 100 identities failed (11%); with the old dataflow it was 0%"},
		"the old one delivered nothing":     {[]migration.Run{counted("r", 0, 0)}, migration.Baseline{Runs: 24}, migration.RunSucceeded, ""},
		"the old one never had as many":     {[]migration.Run{counted("r", 30, 0)}, migration.Baseline{Runs: 3, Activated: 30}, migration.RunSucceeded, ""},
		"nor has the copy yet":              {[]migration.Run{counted("r", 29, 0)}, migration.Baseline{Runs: 3, Activated: 30}, migration.RunPending, "29 of at least 30 identities so far: too few to tell"},
		"failures alone fail":               {[]migration.Run{broken}, usual, migration.RunFailed, "the flow run failed: quota"},
		"a failure before a success":        {[]migration.Run{broken, counted("r", 1000, 0)}, usual, migration.RunSucceeded, ""},
		"a failure and too few":             {[]migration.Run{broken, counted("r", 1, 0)}, usual, migration.RunPending, "1 of at least 100 identities so far: too few to tell"},
		"a little, then failures":           {[]migration.Run{counted("r", 1, 0), with(broken, func(r *migration.Run) { r.Completed = r.Completed.Add(time.Hour) })}, usual, migration.RunFailed, "the flow run failed: quota"},
		"enough, then a failure":            {[]migration.Run{counted("r", 1000, 0), with(broken, func(r *migration.Run) { r.Completed = r.Completed.Add(time.Hour) })}, usual, migration.RunSucceeded, ""},
		"before the switch":                 {[]migration.Run{with(counted("r", 1000, 0), func(r *migration.Run) { r.Completed = assessed.Add(-time.Hour) })}, usual, migration.RunPending, "no finished flow run yet"},
		"of another dataflow":               {[]migration.Run{with(counted("r", 1000, 0), func(r *migration.Run) { r.Dataflow = "n2" })}, usual, migration.RunPending, "no finished flow run yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := migration.JudgeRuns("n1", c.runs, assessed, rules, c.baseline)
			require.Equal(t, c.status, v.Status)
			require.Equal(t, c.reason, v.Reason)
			var activated, failed int64
			for _, r := range c.runs {
				if r.Dataflow == "n1" && r.Completed.After(assessed) {
					activated, failed = activated+r.Activated, failed+r.Failed
				}
			}
			require.Equal(t, []int64{activated, failed}, []int64{v.Activated, v.Failed})
		})
	}
	require.Equal(t, int64(1000), migration.JudgeRuns("n1", []migration.Run{counted("r", 500, 0)}, assessed, rules, usual).Expected)
	require.Equal(t, "the flow run delivered only a part: x", migration.JudgeRuns("n1",
		[]migration.Run{with(counted("r", 1, 1), func(r *migration.Run) { r.Errors = []string{"x"} })}, assessed, migration.Verification{}, migration.Baseline{}).Reason,
		"where counts are not judged a part is not enough")
}

// No order of runs changes a judgement, more successful deliveries never spoil one, and there are exactly three results.
func TestJudgeByCountsProperties(t *testing.T) {
	t.Parallel()
	run := rapid.Custom(func(t *rapid.T) migration.Run {
		return counted(rapid.StringMatching(`r[0-9]{3}`).Draw(t, "id"), rapid.Int64Range(0, 500).Draw(t, "activated"), rapid.SampledFrom([]int64{0, 0, 1, 50}).Draw(t, "failed"))
	})
	rapid.Check(t, func(t *rapid.T) {
		rules := migration.Verification{Sample: rapid.Int64Range(1, 300).Draw(t, "sample"), AtLeast: rapid.Int64Range(0, 100).Draw(t, "at least"), MoreFailed: rapid.Int64Range(0, 100).Draw(t, "more failed")}
		baseline := migration.Baseline{Runs: rapid.Int64Range(0, 24).Draw(t, "runs")}
		if baseline.Runs > 0 {
			baseline.Activated, baseline.Failed = rapid.Int64Range(0, 5000).Draw(t, "usual"), rapid.Int64Range(0, 500).Draw(t, "usually failed")
		}
		runs := rapid.SliceOfN(run, 0, 5).Draw(t, "copy")
		v := migration.JudgeRuns("n1", runs, assessed, rules, baseline)
		require.Contains(t, []migration.RunStatus{migration.RunSucceeded, migration.RunFailed, migration.RunPending}, v.Status)
		require.Equal(t, v.Status == migration.RunSucceeded, v.Reason == "")
		again := migration.JudgeRuns("n1", shuffled(t, runs), assessed, rules, baseline)
		again.Run = v.Run
		require.Equal(t, v, again)
		if v.Status == migration.RunSucceeded {
			more := append(runs, counted("more", max(500, v.Expected), 0))
			require.Equal(t, migration.RunSucceeded, migration.JudgeRuns("n1", more, assessed, rules, baseline).Status)
		}
	})
}

func TestBaselineOf(t *testing.T) {
	t.Parallel()
	require.Zero(t, migration.BaselineOf(nil))
	later := with(counted("b", 5, 2), func(r *migration.Run) { r.Completed = look })
	failed := migration.Run{Status: migration.RunFailed, Activated: 100, Completed: shutdown}
	require.Equal(t, migration.Baseline{Runs: 2, Activated: 15, Failed: 2, Last: look}, migration.BaselineOf([]migration.Run{later, counted("a", 10, 0), failed, {Status: migration.RunPending}}))
}

// Words of a destination that refuses its account are told apart, each with what the person must do differently.
func TestBlame(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"":                    "",
		"the flow run failed": "",
		"the flow run failed: DEST-429 quota exceeded":  "",
		"no finished flow run yet":                      "",
		"111 of 1000 identities failed (11%)":           "",
		"PIN-3 missing scopes: ads:write":               "accept every permission",
		"403 Permission denied":                         "accept every permission",
		"The user has no access to Ad Account 549":      "ad account",
		"advertiser 549 belongs to another user":        "ad account",
		"401":                                           "",
		"401 of 1000 identities failed (40%)":           "",
		"audience 40175 was rejected":                   "",
		"the upload token 7 is used":                    "",
		"ACTIVATION_STREAM-0401-FAILED":                 "sign in again",
		"nobody has signed in":                          "sign in again",
		"the user is not signed in":                     "sign in again",
		"Unauthorized: the token is expired":            "sign in again",
		"AUTHORIZATION failed":                          "sign in again",
		"token lacks the scope for advertiser 549, 401": "accept every permission",
	} {
		instruction, account := migration.Blame(reason)
		require.Equal(t, want != "", account, reason)
		require.Contains(t, instruction, want, reason)
		require.Equal(t, want == "", instruction == "", reason)
	}
}

// An account that fails is returned to its person with words of its own, wherever the pair stays.
func TestJudgeBlamesTheAccount(t *testing.T) {
	t.Parallel()
	fails := migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "the flow run failed: missing scope ads:write"}
	for name, c := range map[string]struct {
		change func(*migration.Playbook)
		reason string
		now    time.Time
		lapses bool
		back   bool
	}{
		"a permission is missing":         {func(*migration.Playbook) {}, fails.Reason, look, true, false},
		"and the pair goes back":          {func(p *migration.Playbook) { p.Rollback.OnFailure = true }, fails.Reason, look, true, true},
		"after the shutdown nothing does": {func(p *migration.Playbook) { p.Rollback.OnFailure = true }, fails.Reason, shutdown, true, false},
		"nobody has to sign in":           {func(p *migration.Playbook) { p.Reauthentication.Needed = false }, fails.Reason, look, false, false},
		"nothing points at the account":   {func(*migration.Playbook) {}, "the flow run failed: quota", look, false, false},
		"nothing does, and it goes back":  {func(p *migration.Playbook) { p.Rollback.OnFailure = true }, "the flow run failed: quota", look, false, true},
		"too long after the switch": {func(p *migration.Playbook) {
			p.Rollback = migration.Rollback{OnFailure: true, Within: migration.Duration(day)}
		}, "quota", look.Add(day), false, false},
		"just within the playbook's bound": {func(p *migration.Playbook) {
			p.Rollback = migration.Rollback{OnFailure: true, Within: migration.Duration(day)}
		}, "quota", look.Add(day - 1), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pinterest()
			c.change(&p)
			s := planned(twoPairs(), p)
			s.SwitchedOver("o1", migration.Moved{Enabled: look, Disabled: look}, p, look)
			v := fails
			v.Reason = c.reason
			s.Judge(v, p, c.now)
			v.At = c.now
			require.Equal(t, v, *s.Pair("o1").Verdict)
			require.True(t, s.Pair("o1").Failing)
			require.Equal(t, c.lapses, !s.Account("v5").Verified)
			require.Equal(t, c.lapses, !s.Told, "the person is told")
			if c.lapses {
				require.Contains(t, s.Account("v5").Note, "accept every permission")
				require.Contains(t, s.NewNotice(migration.NoticeStart, "1", acme(), p, c.now).Accounts[0].Why, "accept every permission")
			}
			require.Equal(t, c.back, s.Pair("o1").Back != nil)
			if c.back {
				require.Equal(t, migration.Deed{At: c.now, By: migration.Itself, What: c.reason}, *s.Pair("o1").Back)
				require.Equal(t, migration.StepGoBack, nextOf(s, p, c.now))
			}
		})
	}
	t.Run("what this migration did not switch it does not switch back", func(t *testing.T) {
		t.Parallel()
		p := with(pinterest(), func(p *migration.Playbook) { p.Rollback.OnFailure = true })
		seen := twoPairs()
		seen.Old[0].State, seen.New[0].State = migration.Disabled, migration.Enabled
		s := planned(seen, p)
		s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunFailed, Reason: "quota"}, p, look)
		require.True(t, s.Pair("o1").Failing)
		require.Empty(t, s.GoingBack())
	})
}

func TestVerdictsAreForPeople(t *testing.T) {
	t.Parallel()
	s := ready()
	s.progress(migration.Verified)
	s.progressOf(0, migration.Switched)
	s.Judge(migration.RunVerdict{Dataflow: "n1", Status: migration.RunPending, Overdue: true, Reason: "99 of at least 100 identities so far: too few to tell"}, s.p, look)
	waits := s.Waits(s.o, s.p, s.now)
	require.Len(t, waits, 1)
	require.Equal(t, `dataflow "Shoppers" (n1): 99 of at least 100 identities so far: too few to tell`, waits[0].What)
	require.Equal(t, fmt.Sprintf("starter settle --by NAME --old o1 --answer accept --org %s", s.o.ID), waits[0].Command)
}

// nextOf is the next step once everybody is told.
func nextOf(s *migration.State, p migration.Playbook, now time.Time) migration.Step {
	s.Told = true
	return s.Next(acme(), p, now)
}
