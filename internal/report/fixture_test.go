package report

import (
	"fmt"
	"time"

	"cutover/internal/migration"
)

// on is an instant of the first case; the tests' own texts are well formed.
func on(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

func audience(id, name string) migration.Audience { return migration.Audience{ID: id, Name: name} }

// rich is an organization that something of everything happened to.
func rich() Evidence {
	pairs := []migration.PairState{
		{
			Pair: migration.Pair{
				Name: "Cart abandoners", Sandbox: "prod", Account: "b1d0f3a2-0c11-4a0e-9d55-3f2e7c0a1b21", Old: "5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a001",
				New: "c0ffee11-7f10-4c7b-8b1e-2d90c1f8b001", Action: migration.Switch, Advertiser: "549755885175",
				Drift: []migration.Drift{
					{Kind: migration.AudienceAdded, Item: `"Holiday shoppers" (aud-9)`, Policy: migration.CarryOver},
					{Kind: migration.AudienceAdded, Item: `"Gift finders" (aud-10)`, Policy: migration.CarryOver},
					{Kind: migration.NameDiffers, Item: "Cart abandoners is now Cart abandoners (new)", Policy: migration.Ignore},
				},
				Carry: []migration.Carry{{Audience: audience("aud-9", "Holiday shoppers")}, {Audience: audience("aud-10", "Gift finders")}},
			},
			Progress: migration.Verified, SwitchedAt: on("2023-12-11 09:31:07"),
			Toggled: []migration.Toggled{
				{At: on("2023-12-11 09:31:07"), Card: "new", From: migration.Disabled, To: migration.Enabled},
				{At: on("2023-12-11 09:31:08"), Card: "old", From: migration.Enabled, To: migration.Disabled},
			},
			Carried: []migration.Carried{
				{At: on("2023-12-11 09:31:05"), Carry: migration.Carry{Audience: audience("aud-9", "Holiday shoppers")}},
				{At: on("2023-12-11 09:31:06"), Carry: migration.Carry{Audience: audience("aud-10", "Gift finders")}},
			},
			Verdict: &migration.RunVerdict{Dataflow: "c0ffee11", Status: migration.RunSucceeded, Run: "run-7781", Activated: 48210, Failed: 12, Expected: 47900, At: on("2023-12-11 11:40:00"), Partner: &migration.PartnerLook{Exported: 4, Found: 4, Updated: 3, TooSmall: []string{"Gift finders"}}},
		},
		{
			Pair: migration.Pair{
				Name: "Newsletter readers", Sandbox: "emea", Account: "77aa1c90-3c2e-4a7e-8a55-90c1f8a00277", Old: "5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a002",
				New: "c0ffee11-7f10-4c7b-8b1e-2d90c1f8b002", Action: migration.Switch,
			},
			Progress: migration.WentBack, Note: "rolled back by cutover: the flow run failed: DESTINATION_QUOTA exceeded",
			Toggled: []migration.Toggled{
				{At: on("2023-12-12 10:00:01"), Card: "new", From: migration.Disabled, To: migration.Enabled},
				{At: on("2023-12-12 10:00:02"), Card: "old", From: migration.Enabled, To: migration.Disabled},
				{At: on("2023-12-12 12:14:30"), Card: "old", From: migration.Disabled, To: migration.Enabled, Note: "rolled back by cutover: the flow run failed: DESTINATION_QUOTA exceeded"},
				{At: on("2023-12-12 12:14:31"), Card: "new", From: migration.Enabled, To: migration.Disabled, Note: "rolled back by cutover: the flow run failed: DESTINATION_QUOTA exceeded"},
			},
			Verdict: &migration.RunVerdict{Status: migration.RunFailed, Run: "run-7802", Reason: "the flow run failed: DESTINATION_QUOTA exceeded", At: on("2023-12-12 12:14:00")},
		},
		{
			Pair: migration.Pair{
				Name: "Loyalty members", Sandbox: "prod", Account: "b1d0f3a2-0c11-4a0e-9d55-3f2e7c0a1b21", Old: "5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a003",
				New: "c0ffee11-7f10-4c7b-8b1e-2d90c1f8b003", Action: migration.Switch,
				Drift: []migration.Drift{{Kind: migration.MappingDiffers, Item: "only on the copy: phone > pinterest_phone", Policy: migration.Ask}},
				Hold:  "mapping differs: only on the copy: phone > pinterest_phone",
			},
			Progress: migration.Held, Note: "mapping differs: only on the copy: phone > pinterest_phone",
		},
		{
			Pair:     migration.Pair{Name: "Store visitors", Sandbox: "prod", Old: "5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a004", New: "c0ffee11-7f10-4c7b-8b1e-2d90c1f8b004", Action: migration.Revive, Late: true},
			Progress: migration.Switched, SwitchedAt: on("2024-01-22 08:15:00"), Overdue: true,
			Toggled: []migration.Toggled{{At: on("2024-01-22 08:15:00"), Card: "new", From: migration.Disabled, To: migration.Enabled}},
			Verdict: &migration.RunVerdict{Status: migration.RunPending, Run: "run-9", Reason: "120 of at least 500 identities so far: too few to tell", Activated: 118, Failed: 2},
			Missed:  &migration.Window{From: on("2024-01-19 07:42:10"), To: on("2024-01-22 08:15:00")},
			Carried: []migration.Carried{{At: on("2024-01-22 08:20:00"), Carry: migration.Carry{Audience: audience("aud-3", "Visitors, 30 days"), Remove: true}, Back: true}},
		},
	}
	return Evidence{
		Title: "Pinterest v4 to v5", Guide: "https://experienceleague.adobe.com/pinterest", Base: "reports/pinterest-v5/acme/base.json", Written: on("2024-01-22 09:00:00"),
		Status: migration.Status{
			Organization: "1A2B3C4D5E6F@AdobeOrg", Name: "Acme", Playbook: "pinterest-v5", Phase: migration.NeedsAttention, Since: on("2024-01-22 08:20:00"),
			Timeline: migration.Timeline{Available: on("2023-11-16 08:00:00"), ReauthenticateBy: on("2023-12-16 08:00:00"), Shutdown: on("2024-01-19 08:00:00")},
			Stage:    migration.ShutDown, Guarantee: migration.ShutDown.Guarantee(),
			Reason: "4 dataflows on (Deprecating) Pinterest set up before 2023-11-16T08:00:00Z", PlanHash: "9f2c41d07be35a66",
			Waits: []migration.Wait{{On: "operator", Who: "the operator", What: "decide on dataflow \"Loyalty members\": mapping differs", Since: on("2023-12-11 09:30:00"), By: on("2024-01-19 08:00:00")}},
			Accounts: []migration.AccountState{
				{
					Account:  migration.Account{ID: "b1d0f3a2-0c11-4a0e-9d55-3f2e7c0a1b21", Name: "Pinterest EU", Sandbox: "prod"},
					Verified: true, VerifiedAt: on("2023-12-11 09:02:44"), LeaseEnd: on("2024-01-10 00:00:00"), Note: "authorized on 2023-12-11",
				},
				{
					Account: migration.Account{ID: "77aa1c90-3c2e-4a7e-8a55-90c1f8a00277", Name: "Pinterest US", Sandbox: "emea"},
					Since:   on("2023-12-12 12:14:31"), Note: "the sign-in lacks a permission: sign in again and accept every permission that is asked for", ClaimedBy: "marketing@acme.example",
				},
			},
			Pairs: pairs,
			Problems: []migration.Problem{
				{At: on("2023-12-12 12:14:29"), What: "dataflow \"Newsletter readers\": the flow run failed: DESTINATION_QUOTA exceeded"},
				{At: on("2024-01-02 07:00:00"), What: "Adobe refuses the credential acme: invalid_client", Type: "CredentialRefused", Holds: true},
			},
			Deeds: []migration.Deed{
				{At: on("2023-12-11 09:29:50"), By: "first operator", What: "approved plan 9f2c41d07be35a66"},
				{At: on("2024-01-02 09:12:00"), By: "first operator", What: "resumed"},
			},
			Consents: []migration.Consent{
				{At: on("2023-12-10 15:00:00"), By: "second operator", Plan: "1111111111111111"},
				{At: on("2023-12-11 09:29:50"), By: "first operator", Plan: "9f2c41d07be35a66", Pairs: []string{"a", "b", "c"}},
			},
			Notices: []migration.Sent{
				{At: on("2023-11-20 10:00:12"), Kind: migration.NoticeStart, To: []string{"marketing@acme.example"}, Key: "k1"},
				{At: on("2023-12-02 08:00:03"), Kind: migration.NoticeReminder, To: []string{"marketing@acme.example", "data@acme.example"}, Key: "k2"},
				{At: on("2023-12-09 08:00:03"), Kind: migration.NoticeReminder, To: []string{"marketing@acme.example"}, Key: "k3"},
				{At: on("2024-01-22 08:16:00"), Kind: migration.NoticeAttention, Key: "k4"},
				{At: on("2024-01-22 08:16:02"), Kind: migration.NoticeUndelivered, To: []string{"marketing@acme.example"}, Key: "k5"},
			},
		},
		Plan: &migration.Plan{
			Hash: "9f2c41d07be35a66", Order: migration.EnableFirst, MadeAt: on("2023-12-11 09:03:10"), Left: []string{"5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a009"},
			Questions: []migration.Question{{
				Old: "5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a005", Name: "Lookalikes", Sandbox: "prod", Candidates: []string{"c0ffee11-b005", "c0ffee11-b006"},
				Why: "several dataflows fit by name, advertiser and audiences",
			}},
		},
		Missed: []migration.Missed{{
			Dataflow: "5a8c0d4e-7f10-4c7b-8b1e-2d90c1f8a004", Name: "Store visitors", From: on("2024-01-19 07:42:10"), To: on("2024-01-22 08:15:00"),
			Audiences: []migration.Audience{audience("aud-3", "Visitors, 30 days"), audience("aud-4", "")},
		}},
	}
}

// huge is the largest organization that is planned for.
func huge() Evidence {
	e := rich()
	e.Status.Pairs, e.Missed = nil, nil
	for i := range 500 {
		at := on("2023-12-20 08:00:00").Add(time.Duration(i) * 7 * time.Second)
		p := migration.PairState{
			Pair:     migration.Pair{Name: fmt.Sprintf("Dataflow %03d", i), Sandbox: "prod", Old: fmt.Sprintf("old-%03d", i), New: fmt.Sprintf("new-%03d", i), Action: migration.Switch},
			Progress: migration.Verified, SwitchedAt: at,
			Toggled: []migration.Toggled{{At: at, Card: "new", From: migration.Disabled, To: migration.Enabled}, {At: at, Card: "old", From: migration.Enabled, To: migration.Disabled}},
		}
		m := migration.Missed{Dataflow: p.Old, Name: p.Name, From: at, To: at.Add(time.Hour)}
		for j := range 1000 {
			a := audience(fmt.Sprintf("a-%d-%d", i, j), fmt.Sprintf("Audience %d of %d", j, i))
			m.Audiences = append(m.Audiences, a)
			if j < 100 {
				p.Drift = append(p.Drift, migration.Drift{Kind: migration.AudienceAdded, Item: a.String(), Policy: migration.CarryOver})
				p.Carried = append(p.Carried, migration.Carried{At: at, Carry: migration.Carry{Audience: a}})
			}
		}
		e.Status.Pairs, e.Missed = append(e.Status.Pairs, p), append(e.Missed, m)
	}
	e.Status.Pairs[499].Progress, e.Status.Pairs[499].Hold = migration.Held, "the last one is held"
	return e
}
