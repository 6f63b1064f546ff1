package invariants

import (
	"encoding/base64"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

const (
	acme   = "ACME@AdobeOrg"
	client = "client-acme"
	secret = "s3cr3t+/=&-canary"
)

var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// holding are the facts of one organization that was carried over as it should be: its first pair is certain, its second was asked about.
func holding() Facts {
	entries := []emulator.Entry{
		state("connection", "account", "unauthenticated"),
		state("flow", "old-1", "enabled"), state("flow", "old-2", "enabled"),
		copyOf("new-1", "old-1"), copyOf("new-2", "old-2"),
		{Kind: emulator.KindEdit, Actor: "person:customer", Entity: "connection", ID: "account", Op: "reconnect", After: "authenticated", ContentVersion: 2, Applied: true},
		{Kind: emulator.KindList, Actor: client, Entity: "flow", Applied: true, Answered: true, Served: []emulator.Served{
			{ID: "old-1", ContentVersion: 1}, {ID: "old-2", ContentVersion: 1}, {ID: "new-1", ContentVersion: 1}, {ID: "new-2", ContentVersion: 1},
		}},
		read("old-1", 1), read("new-1", 1),
		write("enable", "new-1", "disabled", "enabled"), write("disable", "old-1", "enabled", "disabled"),
		read("old-2", 1), read("new-2", 1),
		write("enable", "new-2", "disabled", "enabled"), write("disable", "old-2", "enabled", "disabled"),
	}
	for i := range entries {
		entries[i].Seq, entries[i].At = int64(i+1), start.Add(time.Duration(i)*time.Second)
		entries[i].Organization, entries[i].Sandbox = acme, "prod"
	}
	status := migration.Status{
		Organization: acme, Phase: migration.Migrated,
		Pairs: []migration.PairState{
			{Pair: migration.Pair{Sandbox: "prod", Account: "account", Old: "old-1", New: "new-1", Action: migration.Switch}, Progress: migration.Verified},
			{Pair: migration.Pair{Sandbox: "prod", Account: "account", Old: "old-2", New: "new-2", Action: migration.Switch}, Progress: migration.Verified},
		},
		Deeds: []migration.Deed{{At: start.Add(10 * time.Second), By: "operator", What: "chose new-2 as the copy of old-2"}},
	}
	waits := status
	waits.Phase = migration.AwaitingReauth
	waits.Waits = []migration.Wait{{
		On: migration.OnOrganization, Who: "marketing@acme.example", What: "Reconnect OAuth", Since: start, By: start.Add(time.Hour),
		Command: "starter signal reauth-completed --org " + acme,
	}}
	return Facts{
		Order: migration.EnableFirst, Ledger: entries,
		Organizations: []Organization{{
			ID: acme, Ended: true, Status: status,
			Questions: []migration.Question{{Old: "old-2", Candidates: []string{"new-2"}}},
			Want: Want{migration.Migrated, map[string]migration.DataflowState{
				"old-1": migration.Disabled, "new-1": migration.Enabled, "old-2": migration.Disabled, "new-2": migration.Enabled,
			}},
		}},
		Samples: []Sample{{At: start, Status: waits}, {At: start.Add(time.Minute), Status: status}},
		Secrets: []Secret{{What: "client secret of " + acme, Value: secret}},
		Texts:   []Text{{Where: "worker log", Data: []byte("an ordinary line\n")}},
	}
}

func state(entity, id, after string) emulator.Entry {
	return emulator.Entry{Kind: emulator.KindState, Actor: "system", Entity: entity, ID: id, Op: "initial", After: after, ContentVersion: 1, Applied: true}
}

func copyOf(id, origin string) emulator.Entry {
	e := state("flow", id, "disabled")
	e.Origin, e.Account = origin, "account"
	return e
}

func read(id string, version int) emulator.Entry {
	return emulator.Entry{Kind: emulator.KindRead, Actor: client, Entity: "flow", ID: id, ContentVersion: version, Applied: true, Answered: true}
}

func write(op, id, before, after string) emulator.Entry {
	return emulator.Entry{
		Kind: emulator.KindWrite, Actor: client, Entity: "flow", ID: id, Op: op, Before: before, After: after, Account: "account",
		ContentVersion: 1, Applied: true, Answered: true,
	}
}

// entry is the first ledger entry of this operation on this entity.
func (f *Facts) entry(op, id string) *emulator.Entry {
	i := slices.IndexFunc(f.Ledger, func(e emulator.Entry) bool { return e.Op == op && e.ID == id })
	return &f.Ledger[i]
}

// before puts an entry before the first one of this operation on this entity.
func (f *Facts) before(op, id string, e emulator.Entry) {
	i := slices.IndexFunc(f.Ledger, func(e emulator.Entry) bool { return e.Op == op && e.ID == id })
	e.Organization, e.Sandbox, e.At = acme, "prod", f.Ledger[i].At
	f.Ledger = slices.Insert(f.Ledger, i, e)
}

func (f *Facts) drop(match func(emulator.Entry) bool) { f.Ledger = slices.DeleteFunc(f.Ledger, match) }

func TestHolding(t *testing.T) {
	t.Parallel()
	require.Empty(t, Check(holding()))
}

// edit is a person at work on a dataflow.
func edit(id string, version int) emulator.Entry {
	return emulator.Entry{
		Kind: emulator.KindEdit, Actor: "person:customer", Entity: "flow", ID: id, Op: "edit", Before: "enabled", After: "enabled", ContentVersion: version, Applied: true,
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken Name
		how    func(*Facts)
	}{
		"the old is disabled before the copy is enabled": {NoGap, func(f *Facts) {
			f.before("enable", "new-1", write("disable", "old-1", "enabled", "disabled"))
		}},
		"the old ends while the copy is still on its way": {NoGap, func(f *Facts) {
			f.entry("enable", "new-1").After = "enabling"
		}},
		"the vendor finishes what leaves both off": {NoGap, func(f *Facts) {
			f.before("enable", "new-1", write("disable", "old-1", "enabled", "disabling"))
		}},

		"a write on a dataflow of no pair": {NoStray, func(f *Facts) {
			f.before("enable", "new-1", write("enable", "other", "disabled", "enabled"))
		}},
		"a copy is disabled":       {NoStray, func(f *Facts) { f.before("disable", "old-1", write("disable", "new-1", "enabled", "enabled")) }},
		"an account is patched":    {NoStray, func(f *Facts) { f.entry("disable", "old-1").Entity = "connection" }},
		"another sandbox":          {NoStray, func(f *Facts) { f.entry("disable", "old-1").Sandbox = "emea" }},
		"an unknown organization":  {NoStray, func(f *Facts) { f.entry("disable", "old-1").Organization = "ELSE@AdobeOrg" }},
		"a pair to be left off":    {NoStray, func(f *Facts) { f.Organizations[0].Status.Pairs[0].Action = migration.Leave }},
		"not affected and touched": {NoStray, func(f *Facts) { f.Organizations[0].Want.Outcome = migration.NotAffected }},

		"an ambiguous pair is switched with no answer": {NoGuess, func(f *Facts) { f.Organizations[0].Status.Deeds = nil }},
		"an ambiguous pair is switched before the answer": {NoGuess, func(f *Facts) {
			f.Organizations[0].Status.Deeds[0].At = f.entry("enable", "new-2").At.Add(time.Millisecond)
		}},
		"the copy of another dataflow is enabled": {NoGuess, func(f *Facts) {
			pairs := f.Organizations[0].Status.Pairs
			pairs[0].Old, pairs[1].Old = pairs[1].Old, pairs[0].Old
		}},

		"the old changed after it was read":  {NoStale, func(f *Facts) { f.before("enable", "new-1", edit("old-1", 2)) }},
		"the copy changed after it was read": {NoStale, func(f *Facts) { f.before("enable", "new-1", edit("new-1", 2)) }},
		"read, but the plan's list is older": {NoStale, func(f *Facts) {
			f.before("enable", "new-1", edit("old-1", 2))
			f.before("enable", "new-1", read("old-1", 2))
		}},
		"a side was never read singly": {NoStale, func(f *Facts) {
			f.drop(func(e emulator.Entry) bool { return e.Kind == emulator.KindRead && e.ID == "old-1" })
		}},
		"the answer to the read was lost": {NoStale, func(f *Facts) {
			for i := range f.Ledger {
				if f.Ledger[i].Kind == emulator.KindRead && f.Ledger[i].ID == "new-1" {
					f.Ledger[i].Answered = false
				}
			}
		}},

		"nobody signed in": {NoEarly, func(f *Facts) { f.drop(func(e emulator.Entry) bool { return e.Op == "reconnect" }) }},
		"the sign-in had ended": {NoEarly, func(f *Facts) {
			f.before("enable", "new-1", emulator.Entry{Kind: emulator.KindState, Actor: "system", Entity: "connection", ID: "account", Op: "expire", After: "expired", Applied: true})
		}},

		"in clear":     {NoLeak, func(f *Facts) { f.Texts[0].Data = []byte("token " + secret) }},
		"form-encoded": {NoLeak, func(f *Facts) { f.Texts[0].Data = []byte("client_secret=" + url.QueryEscape(secret)) }},
		"in base64": {NoLeak, func(f *Facts) {
			f.Texts[0].Data = []byte(base64.StdEncoding.EncodeToString([]byte(`{"a":"` + secret + `"}`)))
		}},
		"no texts":       {NoLeak, func(f *Facts) { f.Texts = nil }},
		"no secrets":     {NoLeak, func(f *Facts) { f.Secrets = nil }},
		"a short secret": {NoLeak, func(f *Facts) { f.Secrets[0].Value = "abc" }},

		"credentials with another organization's id": {NoCross, func(f *Facts) {
			f.before("enable", "new-1", emulator.Entry{Kind: emulator.KindCross, Actor: client, Detail: "the token of A came with B"})
		}},
		"an empty ledger": {NoCross, func(f *Facts) { f.Ledger = nil }},

		"the workflow still runs":       {NoLoss, func(f *Facts) { f.Organizations[0].Ended = false }},
		"another end":                   {NoLoss, func(f *Facts) { f.Organizations[0].Want.Outcome = migration.Cancelled }},
		"a dataflow in the wrong state": {NoLoss, func(f *Facts) { f.entry("disable", "old-2").Applied = false }},
		"nobody was followed":           {NoLoss, func(f *Facts) { f.Organizations = nil }},

		"waits for nothing":   {NoSilence, func(f *Facts) { f.Samples[0].Status.Waits = nil }},
		"says not who":        {NoSilence, func(f *Facts) { f.Samples[0].Status.Waits[0].Who = "" }},
		"says not since when": {NoSilence, func(f *Facts) { f.Samples[0].Status.Waits[0].Since = time.Time{} }},
		"says not by when":    {NoSilence, func(f *Facts) { f.Samples[0].Status.Waits[0].By = time.Time{} }},
		"names no command":    {NoSilence, func(f *Facts) { f.Samples[0].Status.Waits[0].Command = "" }},
		"never answered":      {NoSilence, func(f *Facts) { f.Samples = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := holding()
			c.how(&facts)
			require.NotEmpty(t, Of(c.broken, Check(facts)), "%s must be broken", c.broken)
		})
	}
}

func TestWhatIsNobodysFault(t *testing.T) {
	t.Parallel()
	off := func(id, before, after string) emulator.Entry {
		e := edit(id, 1)
		e.Op, e.Before, e.After = "disable", before, after
		return e
	}
	for name, how := range map[string]func(*Facts){
		"a person switches both sides off": func(f *Facts) {
			f.Ledger = append(f.Ledger, off("new-1", "enabled", "disabled"))
		},
		"the vendor finishes what a person began": func(f *Facts) {
			f.Ledger = append(f.Ledger, off("new-1", "enabled", "disabling"))
			done := state("flow", "new-1", "disabled")
			done.Before = "disabling"
			f.Ledger = append(f.Ledger, done)
		},
		"both sides were off before": func(f *Facts) {
			f.before("enable", "new-1", off("old-1", "enabled", "disabled"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := holding()
			how(&facts)
			require.Empty(t, Of(NoGap, Check(facts)))
		})
	}
	facts := holding()
	facts.Order = migration.DisableFirst
	facts.before("enable", "new-1", write("disable", "old-1", "enabled", "disabled"))
	require.Empty(t, Of(NoGap, Check(facts)), "disable-first chooses the gap")

	facts = holding()
	facts.before("enable", "new-1", edit("old-1", 2))
	facts.before("enable", "new-1", emulator.Entry{
		Kind: emulator.KindList, Actor: client, Entity: "flow", Applied: true, Answered: true, Served: []emulator.Served{{ID: "old-1", ContentVersion: 2}},
	})
	facts.before("enable", "new-1", read("old-1", 2))
	facts.entry("disable", "old-1").ContentVersion = 2
	require.Empty(t, Of(NoStale, Check(facts)), "planned and read again after the change")
}

// A secret is found in base64 wherever in the value it stands, and what is not there is never found.
func TestSearchInBase64(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOfN(rapid.Byte(), 12, 60).Draw(t, "secret")
		before := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "before")
		after := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "after")
		encoding := rapid.SampledFrom([]*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding}).Draw(t, "encoding")
		text := encoding.EncodeToString(slices.Concat(before, value, after))
		var s searcher
		s.add(Secret{What: "it", Value: string(value)})
		require.NotEmpty(t, s.search([]byte("{"+text+"}")))
		require.Empty(t, s.search([]byte("nothing of the kind stands here")))
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, []Name{"no-gap", "no-stray", "no-guess", "no-stale", "no-early", "no-leak", "no-cross", "no-loss", "no-silence"}, Names())
}

// A link to the reconnect page is a secret that belongs into its notice, and nowhere else.
func TestASecretMayStandAtHome(t *testing.T) {
	t.Parallel()
	secret := []Secret{{What: "a link", Value: "a-long-secret-value", Home: "notices"}}
	require.Empty(t, leaks(&world{Facts: Facts{Secrets: secret, Texts: []Text{{Where: "notices/1.txt", Data: []byte("open a-long-secret-value")}}}}))
	require.Len(t, leaks(&world{Facts: Facts{Secrets: secret, Texts: []Text{{Where: "worker.log", Data: []byte("open a-long-secret-value")}}}}), 1)
}

// An account is written to only by the grant that is held for it, and only where the playbook allows that.
func TestCredentialsAreWrittenByAGrantAlone(t *testing.T) {
	t.Parallel()
	patched := emulator.Entry{
		Organization: acme, Sandbox: "prod", Actor: client, Kind: emulator.KindWrite, Entity: connection, ID: "account", Op: emulator.OpPatch, Applied: true, At: start.Add(time.Minute),
	}
	for name, c := range map[string]struct {
		change func(*migration.Status)
		stray  bool
	}{
		"held":                    {func(*migration.Status) {}, false},
		"not allowed":             {func(s *migration.Status) { s.ByGrant = false }, true},
		"not held":                {func(s *migration.Status) { s.Accounts[0].GrantedAt = time.Time{} }, true},
		"given later":             {func(s *migration.Status) { s.Accounts[0].GrantedAt = start.Add(time.Hour) }, true},
		"for another account":     {func(s *migration.Status) { s.Accounts[0].ID = "other" }, true},
		"in another sandbox":      {func(s *migration.Status) { s.Accounts[0].Sandbox = "emea" }, true},
		"no account at all known": {func(s *migration.Status) { s.Accounts = nil }, true},
	} {
		status := migration.Status{
			Organization: acme, ByGrant: true, Accounts: []migration.AccountState{{Account: migration.Account{ID: "account", Sandbox: "prod", GrantedAt: start}}},
		}
		c.change(&status)
		facts := Facts{Ledger: []emulator.Entry{patched}, Organizations: []Organization{{ID: acme, Status: status, Want: Want{Outcome: migration.Migrated}}}}
		require.Equal(t, c.stray, len(strays(index(facts))) == 1, name)
	}
}
