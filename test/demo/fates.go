package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// fate is what befalls one organization: how it stands at the vendor, what goes wrong, what people do, and how it must end.
type fate struct {
	name      string
	company   string
	sandboxes []emulator.Sandbox
	expected  int              // dataflows that the operator knows of; 0: unknown
	faults    []emulator.Fault // of this organization's calls alone
	people    func(ctx context.Context, o *organization) error
	outcome   migration.Phase
	stays     []string                             // dataflows that stay on the old card, by name
	deleted   bool                                 // its old dataflows are deleted on the way
	second    bool                                 // it is on the second playbook
	alone     bool                                 // its people start its workflow themselves
	language  string                               // of its people; empty: English
	check     func(o *organization, f found) error // what else must have happened; nil: nothing
}

// fates are all of them. Each organization has its own credential.
func fates() []fate {
	return slices.Concat(fatesOfPeople(), fatesOfEdits(), fatesOfVerdicts(), fatesOfSignIns(), fatesOfGrants(), []fate{lateRecovery(), secondPlaybook()})
}

// fatesOfPeople are those of people who come early, late, twice or not at all, and of processes that fail them.
func fatesOfPeople() []fate {
	return []fate{
		{
			name: "on_time", company: "Acme", sandboxes: prod("Retargeting", "Newsletter", "Lookalikes"), expected: 3,
			people: afterwards(onOpening, 2*time.Second, (*organization).signInAndSay), outcome: migration.Migrated,
		},
		{
			name: "at_risk", company: "Birch", sandboxes: prod("Spring sale", "Returning visitors"),
			people: late(onReauthenticateBy, migration.AtRisk), outcome: migration.Migrated,
			check: noticed(migration.NoticeDeadline),
		},
		{
			name: "after_shutdown", company: "Cedar", sandboxes: prod("Abandoned carts", "Loyalty"),
			people: late(onShutdown, migration.ShutDown), outcome: migration.Migrated,
			check: all(noticed(migration.NoticeDeadline), noticed(migration.NoticeUndelivered)),
		},
		{
			name: "not_affected", company: "Dune", sandboxes: newcomer("Summer launch"),
			people: nobody, outcome: migration.NotAffected,
		},
		{
			name: "several_accounts", company: "Ember",
			sandboxes: []emulator.Sandbox{{
				Name: "prod", Accounts: []emulator.Account{{Name: "Brand"}, {Name: "Agency"}},
				Dataflows: append(flows("Brand", "Brand awareness", "Brand buyers"), flows("Agency", "Agency prospects")...),
			}},
			people: oneAccountAfterTheOther, outcome: migration.Migrated,
		},
		{
			name: "several_sandboxes", company: "Fjord",
			sandboxes: []emulator.Sandbox{
				{Name: "prod", Dataflows: flows("", "Everyone", "Subscribers")},
				{Name: "emea", Dataflows: flows("", "Everyone", "Subscribers")},
			},
			people: afterwards(onOpening, 3*time.Second, (*organization).signInAndSay), outcome: migration.Migrated,
		},
		{
			name: "vendor_faults", company: "Grove",
			// More than a page of dataflows, nearly all of them switched off long ago: those stay off.
			sandboxes: []emulator.Sandbox{{Name: "prod", Dataflows: append(flows("", "Spring", "Summer", "Autumn"), switchedOff("Archive", 48)...)}},
			faults:    everyFault(),
			people:    afterwards(onOpening, 2*time.Second, (*organization).signInAndSay), outcome: migration.Migrated,
			check: everyFaultStruck,
		},
		{
			name: "signal_lost", company: "Harbor", sandboxes: prod("Cabins", "Cruises"),
			people: afterwards(onOpening, 4*time.Second, (*organization).signIn), outcome: migration.Migrated,
			check: nobodySaid,
		},
		{
			name: "signal_false", company: "Iris", sandboxes: prod("Bouquets"),
			people: sayFirstSignInLater, outcome: migration.Migrated,
			check: noticed(migration.NoticeRefused),
		},
		{
			name: "ambiguous_pair", company: "Juniper", sandboxes: prod("Gin tasting", "Gin tasting", "Gift cards"),
			people: settleThePair, outcome: migration.Migrated,
			check: noticed(migration.NoticeAttention),
		},
		{
			name: "hidden_dataflows", company: "Kelp", sandboxes: hiding("Divers", prod("Divers", "Snorkelers", "Surfers")), expected: 3,
			people: showTheHidden, outcome: migration.Migrated,
		},
		{
			name: "worker_killed", company: "Lagoon", sandboxes: prod("Yachts", "Dinghies"),
			// The third single read of this organization, which looks whether the first copy is on, takes long enough to kill the worker in it.
			faults: []emulator.Fault{{ID: "lagoon-slow", Route: "GET /flows/{id}", After: 2, Times: 1, Effect: emulator.EffectDelay, Delay: 25 * time.Second}},
			people: killTheWorker, outcome: migration.Migrated,
			check: wasCutShort,
		},
		{
			name: "paused_resumed", company: "Maple", sandboxes: prod("Syrup lovers", "Bakers"),
			people: pauseAndResume, outcome: migration.Migrated,
		},
		{
			name: "cancelled", company: "Nimbus",
			sandboxes: []emulator.Sandbox{{
				Name: "prod", Accounts: []emulator.Account{{Name: "Own"}, {Name: "Partner"}},
				Dataflows: append(flows("Own", "Forecast readers"), flows("Partner", "Partner readers")...),
			}},
			people: cancelHalfWay, outcome: migration.Cancelled, stays: []string{"Partner readers"},
		},
	}
}

// advertiser is the ad account that every dataflow exports to.
const advertiser = "549755885175"

// prod is one sandbox with these dataflows.
func prod(names ...string) []emulator.Sandbox {
	return []emulator.Sandbox{{Name: "prod", Dataflows: flows("", names...)}}
}

// flows are dataflows of the old card that export one audience each.
func flows(account string, names ...string) []emulator.Dataflow {
	list := make([]emulator.Dataflow, len(names))
	for i, name := range names {
		list[i] = emulator.Dataflow{Name: name, Account: account, Advertiser: advertiser, Audiences: []emulator.Audience{{Name: name}}}
	}
	return list
}

func switchedOff(prefix string, n int) []emulator.Dataflow {
	list := make([]emulator.Dataflow, n)
	for i := range list {
		list[i] = flows("", fmt.Sprintf("%s %02d", prefix, i+1))[0]
		list[i].State = "disabled"
	}
	return list
}

// newcomer has a dataflow of the new card only.
func newcomer(name string) []emulator.Sandbox {
	signedIn := true
	list := flows("Pinterest", name)
	list[0].Card = "new"
	return []emulator.Sandbox{{
		Name: "prod", Accounts: []emulator.Account{{Name: "Pinterest", Card: "new", Authenticated: &signedIn}}, Dataflows: list,
	}}
}

// hiding puts an access label on a dataflow, so that the worker's credential does not see it.
func hiding(name string, sandboxes []emulator.Sandbox) []emulator.Sandbox {
	for i := range sandboxes[0].Dataflows {
		if sandboxes[0].Dataflows[i].Name == name {
			sandboxes[0].Dataflows[i].Labels = []string{"core/C12"}
		}
	}
	return sandboxes
}

// everyFault is one of each kind in which a vendor lets a caller down.
func everyFault() []emulator.Fault {
	const list, read, accounts, targets, runs, act = "GET /flows", "GET /flows/{id}", "GET /connections", "GET /targetConnections", "GET /runs", "POST /flows/{id}/action"
	faults := []emulator.Fault{
		{ID: "token-503", Route: "POST /ims/token/v3", Times: 1, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "list-429-says-when", Route: list, Times: 1, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		{ID: "list-token-expired", Route: list, Times: 1, Effect: emulator.EffectExpiredToken},
		{ID: "accounts-429", Route: accounts, Times: 1, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests},
		{ID: "targets-500", Route: targets, Times: 1, After: 1, Effect: emulator.EffectStatus, Status: http.StatusInternalServerError},
		{ID: "read-503", Route: read, Times: 1, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "read-stale-etag", Route: read, Times: 2, Effect: emulator.EffectStaleEtag},
		{ID: "write-cut-before", Route: act, Times: 1, Effect: emulator.EffectCutBefore},
		{ID: "write-cut-after", Route: act, Times: 1, After: 1, Effect: emulator.EffectCutAfter},
		{ID: "write-stale-etag", Route: act, Times: 1, Effect: emulator.EffectStaleEtag},
		{ID: "write-takes-time", Route: act, Times: 1, Effect: emulator.EffectTransition, Delay: 700 * time.Millisecond},
		{ID: "write-429", Route: act, Times: 1, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		{ID: "runs-500", Route: runs, Times: 1, After: 2, Effect: emulator.EffectStatus, Status: http.StatusInternalServerError},
		{ID: "read-by-chance-502", Route: read, Times: 3, Probability: 0.2, Effect: emulator.EffectStatus, Status: http.StatusBadGateway},
		{ID: "list-twice-the-same", Route: list, Effect: emulator.EffectDuplicatePage},
	}
	for i := range faults {
		faults[i].ID = "grove-" + faults[i].ID
	}
	return faults
}

func everyFaultStruck(o *organization, f found) error {
	var missing []string
	for _, fault := range o.faults {
		certain := fault.Probability == 0
		if certain && !f.any(o, func(e emulator.Entry) bool { return e.Fault == fault.ID }) {
			missing = append(missing, fault.ID)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("faults that never struck: %s", strings.Join(missing, ", "))
	}
	return nil
}

func nobodySaid(o *organization, f found) error {
	if deeds := f.status[o.ID].Deeds; len(deeds) > 0 {
		return fmt.Errorf("%s: %s, although the signal was to be lost", deeds[0].By, deeds[0].What)
	}
	return nil
}

// wasCutShort checks that the worker died between the two writes of a pair.
func wasCutShort(o *organization, f found) error {
	if !f.any(o, func(e emulator.Entry) bool { return e.Fault == o.faults[0].ID && !e.Answered }) {
		return errors.New("the worker was not killed while a pair was between its two writes")
	}
	return nil
}

// all is every one of these checks.
func all(checks ...func(*organization, found) error) func(*organization, found) error {
	return func(o *organization, f found) error {
		var faults []error
		for _, check := range checks {
			faults = append(faults, check(o, f))
		}
		return errors.Join(faults...)
	}
}

// noticed checks that a notice of this kind was delivered.
func noticed(kind migration.NoticeKind) func(*organization, found) error {
	return func(o *organization, f found) error {
		for _, notice := range f.notices {
			if notice.Organization == o.ID && notice.Kind == string(kind) {
				return nil
			}
		}
		return fmt.Errorf("no notice of kind %s was delivered", kind)
	}
}
