package migration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// scene is a state and what it depends on, to be changed by a test's row.
type scene struct {
	*migration.State
	o   migration.Organization
	p   migration.Playbook
	now time.Time
}

// ready is an organization whose two pairs may be switched.
func ready() *scene { return &scene{planned(twoPairs(), pinterest()), acme(), pinterest(), look} }

func (s *scene) progress(all migration.Progress) {
	for i := range s.Pairs {
		s.Pairs[i].Progress = all
		if all == migration.Switched || all == migration.Verified {
			s.Pairs[i].SwitchedAt = look
		}
	}
}

func (s *scene) ask() {
	s.Plan.Questions = []migration.Question{{Old: "o3", Name: "Buyers", Sandbox: "prod", Candidates: []string{"n3", "n4"}, Why: "several dataflows fit"}}
}

func (s *scene) short() { s.o.ExpectedDataflows = 3 }

func (s *scene) pause() { s.Paused = &migration.Deed{At: look, By: "operator", What: "a freeze"} }

func (s *scene) hold() { s.Raise(migration.Problem{At: look, What: "the vendor refused", Holds: true}) }

func (s *scene) unassessed() {
	s.State = &migration.State{Phase: migration.Assessing, Since: look}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scene)
		want   migration.Step
	}{
		"not available yet":                   {func(s *scene) { s.unassessed(); s.now = available.Add(-time.Second) }, migration.StepWait},
		"available":                           {func(s *scene) { s.unassessed(); s.now = available }, migration.StepAssess},
		"long after the shutdown":             {func(s *scene) { s.unassessed(); s.now = shutdown.Add(365 * day) }, migration.StepAssess},
		"paused before the first look":        {func(s *scene) { s.unassessed(); s.pause() }, migration.StepWait},
		"the first look failed":               {func(s *scene) { s.unassessed(); s.hold() }, migration.StepWait},
		"not affected":                        {func(s *scene) { s.Assessment.Affected = false }, migration.StepFinish},
		"not affected, though paused":         {func(s *scene) { s.Assessment.Affected = false; s.pause() }, migration.StepFinish},
		"not affected, but the list is short": {func(s *scene) { s.Assessment.Affected = false; s.short() }, migration.StepWait},
		"not affected, and the list is right": {func(s *scene) { s.Assessment.Affected = false; s.short(); s.AcceptListed = true }, migration.StepFinish},
		"the list is short":                   {func(s *scene) { s.short(); s.Replan = true }, migration.StepWait},
		"the list is short, nobody told":      {func(s *scene) { s.short(); s.Told = false }, migration.StepWait},
		"the list is right":                   {func(s *scene) { s.short(); s.AcceptListed = true }, migration.StepCutOver},
		"nobody is told yet":                  {func(s *scene) { s.Told = false }, migration.StepTell},
		"nobody is told, claims came":         {func(s *scene) { s.Told = false; s.Claims = []migration.Claim{{Account: "v5"}} }, migration.StepTell},
		"nobody is told, and it is paused":    {func(s *scene) { s.Told = false; s.pause() }, migration.StepWait},
		"a claim":                             {func(s *scene) { s.Claims = []migration.Claim{{Account: "v5"}} }, migration.StepCheck},
		"a claim during a pause":              {func(s *scene) { s.Claims = []migration.Claim{{Account: "v5"}}; s.pause() }, migration.StepCheck},
		"a claim while held":                  {func(s *scene) { s.Claims = []migration.Claim{{Account: "v5"}}; s.hold() }, migration.StepCheck},
		"a claim before a plan":               {func(s *scene) { s.Claims = []migration.Claim{{Account: "v5"}}; s.Replan = true }, migration.StepCheck},
		"paused":                              {func(s *scene) { s.pause(); s.Replan = true }, migration.StepWait},
		"held":                                {func(s *scene) { s.hold(); s.Replan = true }, migration.StepWait},
		"a problem that holds nothing":        {func(s *scene) { s.Raise(migration.Problem{What: "slow"}) }, migration.StepCutOver},
		"a plan is wanted":                    {func(s *scene) { s.Replan = true }, migration.StepPlan},
		"pairs are due":                       {func(*scene) {}, migration.StepCutOver},
		"the shutdown came after the plan":    {func(s *scene) { s.now = shutdown.Add(100 * day) }, migration.StepPlan},
		"pairs are due after the shutdown":    {func(s *scene) { s.now = shutdown.Add(100 * day); s.Pairs[0].Late, s.Pairs[1].Late = true, true }, migration.StepCutOver},
		"one is due, a question is open":      {func(s *scene) { s.ask() }, migration.StepCutOver},
		"approval is wanted":                  {func(s *scene) { s.p.Approval = migration.OperatorApproval }, migration.StepWait},
		"approved":                            {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.Approve("operator", look) }, migration.StepCutOver},
		"another plan is approved": {func(s *scene) {
			s.p.Approval = migration.OperatorApproval
			s.Consents = []migration.Consent{{At: look, By: "operator", Plan: "0000000000000000", Pairs: []string{"0000000000000000"}}}
		}, migration.StepWait},
		"the sign-in ended":                 {func(s *scene) { s.Lapse("v5", "ended", look) }, migration.StepWait},
		"all held":                          {func(s *scene) { s.progress(migration.Held) }, migration.StepWait},
		"all switched":                      {func(s *scene) { s.progress(migration.Switched) }, migration.StepWait},
		"all verified":                      {func(s *scene) { s.progress(migration.Verified) }, migration.StepFinish},
		"all left off":                      {func(s *scene) { s.progress(migration.LeftOff) }, migration.StepFinish},
		"verified and left off":             {func(s *scene) { s.progress(migration.Verified); s.Pairs[0].Progress = migration.LeftOff }, migration.StepFinish},
		"verified and held":                 {func(s *scene) { s.progress(migration.Verified); s.Pairs[0].Progress = migration.Held }, migration.StepWait},
		"all verified, a question is open":  {func(s *scene) { s.progress(migration.Verified); s.ask() }, migration.StepWait},
		"all verified, but paused":          {func(s *scene) { s.progress(migration.Verified); s.pause() }, migration.StepWait},
		"all verified, the sign-in ended":   {func(s *scene) { s.progress(migration.Verified); s.Lapse("v5", "ended", look) }, migration.StepWait},
		"everything was left out":           {func(s *scene) { s.Pairs = nil; s.Plan.Left = []string{"o1", "o2"} }, migration.StepFinish},
		"nobody signed in yet":              {func(s *scene) { s.State = begun(twoPairs(), s.p); s.Told = true }, migration.StepWait},
		"all verified, approval never came": {func(s *scene) { s.progress(migration.Verified); s.p.Approval = migration.OperatorApproval }, migration.StepFinish},
		"one of two accounts is signed in only": {func(s *scene) {
			s.Accounts = append(s.Accounts, migration.AccountState{Account: account("v5-2"), Since: look})
		}, migration.StepCutOver},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ready()
			c.change(s)
			require.Equal(t, c.want, s.Next(s.o, s.p, s.now))
			if c.want == migration.StepWait {
				waits := s.Waits(s.o, s.p, s.now)
				require.NotEmpty(t, waits)
				for _, wait := range waits {
					spoken(t, wait)
				}
			}
		})
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scene)
		want   string
	}{
		"both":                      {func(*scene) {}, "o1 o2"},
		"not what is held":          {func(s *scene) { s.Pairs[0].Progress = migration.Held }, "o2"},
		"not what is switched":      {func(s *scene) { s.Pairs[0].Progress = migration.Switched }, "o2"},
		"not what is verified":      {func(s *scene) { s.Pairs[1].Progress = migration.Verified }, "o1"},
		"not what is left off":      {func(s *scene) { s.Pairs[1].Progress = migration.LeftOff }, "o1"},
		"not without a sign-in":     {func(s *scene) { s.Lapse("v5", "ended", look) }, ""},
		"not on an unknown account": {func(s *scene) { s.Pairs[0].Account = "unknown" }, "o2"},
		"not before approval":       {func(s *scene) { s.p.Approval = migration.OperatorApproval }, ""},
		"approved":                  {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.Approve("operator", look) }, "o1 o2"},
		"not on an approval of before": {func(s *scene) {
			s.p.Approval = migration.OperatorApproval
			s.Approve("operator", look)
			s.Pairs[0].Fingerprint = "another"
		}, ""},
		"an approval nobody asked for": {func(s *scene) { s.Consents = []migration.Consent{{By: "operator", Pairs: []string{"another"}}} }, "o1 o2"},
	} {
		s := ready()
		c.change(s)
		var got []string
		for _, pair := range s.Due(s.p) {
			got = append(got, pair.Old)
		}
		require.Equal(t, c.want, strings.Join(got, " "), name)
	}
}

func TestNeedsApproval(t *testing.T) {
	t.Parallel()
	s := ready()
	require.False(t, s.NeedsApproval(s.p), "the playbook does not want it")
	s.p.Approval = migration.OperatorApproval
	require.True(t, s.NeedsApproval(s.p))
	s.Pairs[0].Progress = migration.Held
	require.True(t, s.NeedsApproval(s.p))
	s.Pairs[1].Progress = migration.Held
	require.False(t, s.NeedsApproval(s.p), "nothing would be switched")
	s.progress(migration.Ready)
	s.Approve("operator", look)
	require.False(t, s.NeedsApproval(s.p))
	require.False(t, (&migration.State{}).NeedsApproval(s.p), "there is no plan")
}

// A pair waits for its own account alone.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	seen := twoPairs()
	seen.New[1].Account, seen.Accounts[1].ID = "v5-2", "v5-2"
	p := pinterest()
	s := begun(seen, p)
	s.Told = true
	signedIn(s, "v5", look)
	s.Follow(makePlan(seen, p, nil), p)
	require.Len(t, s.Due(p), 1)
	require.Equal(t, "o1", s.Due(p)[0].Old)
	require.Equal(t, migration.StepCutOver, s.Next(acme(), p, look))
}

func TestWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scene)
		want   []migration.Wait
	}{
		"nothing that is done": {func(s *scene) { s.Phase = migration.Migrated; s.pause() }, nil},
		"the new card": {func(s *scene) { s.unassessed(); s.now = available.Add(-day) }, []migration.Wait{
			{migration.OnVendor, "Adobe", "the new card is available", look, available, ""},
		}},
		"whoever paused": {func(s *scene) { s.pause() }, []migration.Wait{
			{migration.OnOperator, "operator", "paused by operator: a freeze", look, atRisk, "starter resume --by NAME --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a problem": {func(s *scene) { s.hold() }, []migration.Wait{
			{migration.OnOperator, "operator", "the vendor refused", look, atRisk, "starter resume --by NAME --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a short listing": {func(s *scene) { s.short(); s.now = atRisk }, []migration.Wait{
			{migration.OnOperator, "operator", "3 dataflows expected, 2 listed: *", assessed, shutdown, "starter resume --by NAME --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a question": {func(s *scene) { s.progress(migration.Verified); s.ask() }, []migration.Wait{
			{migration.OnOperator, "operator", `which dataflow is the copy of "Buyers" (o3): several dataflows fit`, assessed, atRisk, "starter pair --by NAME --old o3 --new n3|n4|none --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a question without an answer": {func(s *scene) { s.progress(migration.Verified); s.ask(); s.Plan.Questions[0].Candidates = nil }, []migration.Wait{
			{migration.OnOperator, "operator", `which dataflow is the copy of "Buyers" (o3): several dataflows fit`, assessed, atRisk, "starter pair --by NAME --old o3 --new none --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a held pair": {func(s *scene) {
			s.progress(migration.Verified)
			s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
		}, []migration.Wait{
			{migration.OnOperator, "operator", `dataflow "Shoppers" (o1): refused`, assessed, atRisk, "starter resume --by NAME --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a failing copy": {func(s *scene) {
			s.progress(migration.Verified)
			s.progressOf(0, migration.Switched)
			s.Pairs[0].Failing, s.Pairs[0].Note = true, "the flow run failed"
		}, []migration.Wait{
			{migration.OnOperator, "operator", `dataflow "Shoppers" (n1): the flow run failed`, look, atRisk, "starter rollback --by NAME --reason WHY --old o1 --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a copy that is overdue": {func(s *scene) {
			s.progress(migration.Verified)
			s.progressOf(0, migration.Switched)
			s.Pairs[0].Overdue, s.Pairs[0].Note = true, "no finished flow run yet"
		}, []migration.Wait{
			{migration.OnOperator, "operator", `dataflow "Shoppers" (n1): no finished flow run yet`, look, atRisk, "starter settle --by NAME --old o1 --answer accept --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"approval": {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.Plan.Hash = "0123456789abcdef" }, []migration.Wait{
			{migration.OnOperator, "operator", "the plan 0123456789abcdef is approved", assessed, atRisk, "starter approve --by NAME --plan 0123456789abcdef --org 1A2B3C4D5E6F@AdobeOrg"},
		}},
		"a person": {func(s *scene) { s.Lapse("v5", "ended", look) }, []migration.Wait{
			{migration.OnOrganization, "marketing@acme.example", `Reconnect OAuth of account "Pinterest v5" (v5) in sandbox prod`, look, atRisk, "starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account v5 --by NAME"},
		}},
		"several persons": {func(s *scene) {
			s.Lapse("v5", "ended", look)
			s.o.Contacts = []string{"a@acme.example", "b@acme.example"}
		}, []migration.Wait{
			{migration.OnOrganization, "a@acme.example, b@acme.example", `Reconnect OAuth of account "Pinterest v5" (v5) in sandbox prod`, look, atRisk, "starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account v5 --by NAME"},
		}},
		"nobody by name": {func(s *scene) { s.Lapse("v5", "ended", look); s.o.Contacts = nil; s.now = atRisk }, []migration.Wait{
			{migration.OnOrganization, "Acme", `Reconnect OAuth of account "Pinterest v5" (v5) in sandbox prod`, look, shutdown, "starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account v5 --by NAME"},
		}},
		"a person, too late": {func(s *scene) { s.Lapse("v5", "ended", look); s.now = shutdown.Add(day) }, []migration.Wait{
			{migration.OnOrganization, "marketing@acme.example", `Reconnect OAuth of account "Pinterest v5" (v5) in sandbox prod`, look, shutdown, "starter signal reauth-completed --org 1A2B3C4D5E6F@AdobeOrg --account v5 --by NAME"},
		}},
		"first flow runs": {func(s *scene) { s.progress(migration.Switched) }, []migration.Wait{
			{migration.OnVendor, "Adobe", `first flow run of "Shoppers" (n1)`, look, look.Add(3 * time.Hour), ""},
			{migration.OnVendor, "Adobe", `first flow run of "Visitors" (n2)`, look, look.Add(3 * time.Hour), ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ready()
			c.change(s)
			got := s.Waits(s.o, s.p, s.now)
			require.Len(t, got, len(c.want))
			for i, want := range c.want {
				if begins, partly := strings.CutSuffix(want.What, "*"); partly {
					require.Contains(t, got[i].What, begins)
					want.What = got[i].What
				}
				require.Equal(t, want, got[i])
				spoken(t, got[i])
			}
		})
	}
}

func (s *scene) progressOf(pair int, p migration.Progress) {
	s.Pairs[pair].Progress, s.Pairs[pair].SwitchedAt = p, look
}

// What an operator must do comes first, so that the one line a list shows is theirs.
func TestWaitsNameTheOperatorFirst(t *testing.T) {
	t.Parallel()
	s := ready()
	s.pause()
	s.hold()
	s.ask()
	s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
	s.progressOf(1, migration.Switched)
	s.Lapse("v5", "ended", look)
	var on []string
	for _, wait := range s.Waits(s.o, s.p, s.now) {
		on = append(on, wait.On)
	}
	require.Equal(t, []string{migration.OnOperator, migration.OnOperator, migration.OnOperator, migration.OnOperator, migration.OnOrganization, migration.OnVendor}, on)
}

func TestWaitPhase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scene)
		want   migration.Phase
	}{
		"before the card is available": {func(s *scene) { s.unassessed(); s.now = available.Add(-day) }, migration.Assessing},
		"paused before that":           {func(s *scene) { s.unassessed(); s.now = available.Add(-day); s.pause() }, migration.Assessing},
		"the first look failed":        {func(s *scene) { s.unassessed(); s.hold() }, migration.NeedsAttention},
		"a short listing":              {func(s *scene) { s.short() }, migration.NeedsAttention},
		"a sign-in":                    {func(s *scene) { s.State = begun(twoPairs(), s.p); s.Told = true }, migration.AwaitingReauth},
		"a sign-in, paused":            {func(s *scene) { s.State = begun(twoPairs(), s.p); s.pause() }, migration.AwaitingReauth},
		"a sign-in and a question":     {func(s *scene) { s.Lapse("v5", "ended", look); s.ask() }, migration.NeedsAttention},
		"a sign-in and a flow run":     {func(s *scene) { s.Lapse("v5", "ended", look); s.progressOf(0, migration.Switched) }, migration.AwaitingReauth},
		"approval":                     {func(s *scene) { s.p.Approval = migration.OperatorApproval }, migration.AwaitingApproval},
		"approval, paused":             {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.pause() }, migration.AwaitingApproval},
		"approval and a sign-in":       {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.Lapse("v5", "ended", look) }, migration.AwaitingApproval},
		"approval and a question":      {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.ask() }, migration.NeedsAttention},
		"approval and a held pair": {func(s *scene) {
			s.p.Approval = migration.OperatorApproval
			s.Pairs[0].Progress, s.Pairs[0].Note = migration.Held, "refused"
		}, migration.NeedsAttention},
		"approval and a problem":           {func(s *scene) { s.p.Approval = migration.OperatorApproval; s.hold() }, migration.NeedsAttention},
		"a question":                       {func(s *scene) { s.progress(migration.Verified); s.ask() }, migration.NeedsAttention},
		"a held pair":                      {func(s *scene) { s.progress(migration.Held) }, migration.NeedsAttention},
		"a problem":                        {func(s *scene) { s.hold() }, migration.NeedsAttention},
		"flow runs":                        {func(s *scene) { s.progress(migration.Switched) }, migration.Verifying},
		"a failing copy":                   {func(s *scene) { s.progress(migration.Switched); s.Pairs[0].Failing = true }, migration.NeedsAttention},
		"an overdue copy":                  {func(s *scene) { s.progress(migration.Switched); s.Pairs[0].Overdue = true }, migration.NeedsAttention},
		"a pause alone keeps the phase":    {func(s *scene) { s.Phase = migration.CuttingOver; s.pause() }, migration.CuttingOver},
		"flow runs, paused":                {func(s *scene) { s.progress(migration.Switched); s.pause() }, migration.Verifying},
		"a held pair, paused at that time": {func(s *scene) { s.progress(migration.Held); s.pause() }, migration.NeedsAttention},
		"done stays done":                  {func(s *scene) { s.Phase = migration.Migrated; s.progress(migration.Verified) }, migration.Migrated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ready()
			c.change(s)
			require.Equal(t, c.want, s.WaitPhase(s.o, s.p, s.now))
		})
	}
}

// An approval holds for each pair as long as that pair stays as it was planned, whatever becomes of the others.
func TestApprove(t *testing.T) {
	t.Parallel()
	p := with(pinterest(), func(p *migration.Playbook) { p.Approval = migration.OperatorApproval })
	for name, c := range map[string]struct {
		change func(*migration.Snapshot)
		needs  bool
	}{
		"nothing changed":            {func(*migration.Snapshot) {}, false},
		"the other one was switched": {func(s *migration.Snapshot) { s.Old[1].State, s.New[1].State = migration.Disabled, migration.Enabled }, false},
		"the other one is gone":      {func(s *migration.Snapshot) { s.Old, s.New = s.Old[:1], s.New[:1] }, false},
		"a side changed":             {func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a"); s.New[0].Audiences = audiences("a") }, true},
		"another ad account":         {func(s *migration.Snapshot) { s.Old[0].Advertiser, s.New[0].Advertiser = "777", "777" }, true},
		"somebody enabled the copy":  {func(s *migration.Snapshot) { s.New[0].State = migration.Enabled }, true},
		"a dataflow nobody approved": {func(s *migration.Snapshot) {
			s.Old, s.New = append(s.Old, old("o3", "C")), append(s.New, copied("n3", "C"))
		}, true},
		"another copy of the old one": {func(s *migration.Snapshot) { s.New[0].ID = "n9" }, true},
	} {
		s := planned(twoPairs(), p)
		s.Approve("operator", look)
		require.False(t, s.NeedsApproval(p))
		seen := twoPairs()
		c.change(&seen)
		s.Follow(makePlan(seen, p, nil), p)
		require.Equal(t, c.needs, s.NeedsApproval(p), name)
		require.Equal(t, c.needs, len(s.Due(p)) == 0, name)
	}
}

// A copy whose account is not listed can neither be switched nor waited for in silence.
func TestAnUnlistedAccountIsSaid(t *testing.T) {
	t.Parallel()
	seen := twoPairs()
	seen.New[0].Account = "hidden"
	s := planned(seen, pinterest())
	s.Pair("o2").Progress, s.Pair("o2").SwitchedAt = migration.Verified, look
	require.Empty(t, s.Due(pinterest()))
	require.Equal(t, migration.StepWait, s.Next(acme(), pinterest(), look))
	waits := s.Waits(acme(), pinterest(), look)
	require.NotEmpty(t, waits)
	for _, wait := range waits {
		spoken(t, wait)
	}
	require.Equal(t, migration.OnOperator, waits[0].On)
	require.Contains(t, waits[0].What, "hidden")
	require.Equal(t, migration.NeedsAttention, s.WaitPhase(acme(), pinterest(), look))
}
