package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"cutover/internal/emulator"
)

// maxFaults go wrong for one organization.
const maxFaults = 6

// drawFaults picks what goes wrong at the vendors for this organization alone.
func drawFaults(l *rand.Rand, o *organization) []emulator.Fault {
	kinds := everyFault()
	if o.grant != none {
		kinds = append(faultsOfGrants(), kinds...)
		kinds = append(faultsOfGrants(), kinds...) // twice as likely: they come before everything else
	}
	faults := make([]emulator.Fault, l.IntN(maxFaults+1))
	for i := range faults {
		f := kinds[l.IntN(len(kinds))]
		f.ID = fmt.Sprintf("%s-%d-%s", o.client.Name, i, f.ID)
		f.Organization, f.Times, f.After = o.ID, 1+l.IntN(2), l.IntN(4)
		if slices.ContainsFunc(faultsOfGrants(), func(rare emulator.Fault) bool { return rare.Route == f.Route }) {
			f.After = 0 // there are few such calls
		}
		faults[i] = f
	}
	return faults
}

// everyFault is one of each kind in which a vendor lets a caller down and recovers.
func everyFault() []emulator.Fault {
	const (
		token, list, read, accounts, account = "POST /ims/token/v3", "GET /flows", "GET /flows/{id}", "GET /connections", "GET /connections/{id}"
		targets, runs, act                   = "GET /targetConnections", "GET /runs", "POST /flows/{id}/action"
	)
	return []emulator.Fault{
		{ID: "token-503", Route: token, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "list-429", Route: list, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		{ID: "list-expired", Route: list, Effect: emulator.EffectExpiredToken},
		{ID: "list-cut", Route: list, Effect: emulator.EffectCutAfter},
		{ID: "accounts-429", Route: accounts, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests},
		{ID: "account-502", Route: account, Effect: emulator.EffectHTML},
		{ID: "targets-500", Route: targets, Effect: emulator.EffectStatus, Status: http.StatusInternalServerError},
		{ID: "read-503", Route: read, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "read-expired", Route: read, Effect: emulator.EffectExpiredToken},
		{ID: "read-stale", Route: read, Effect: emulator.EffectStaleEtag},
		{ID: "read-cut", Route: read, Effect: emulator.EffectCutBefore},
		{ID: "read-slow", Route: read, Effect: emulator.EffectDelay, Delay: 2 * time.Second},
		{ID: "write-cut-before", Route: act, Effect: emulator.EffectCutBefore},
		{ID: "write-cut-after", Route: act, Effect: emulator.EffectCutAfter},
		{ID: "write-stale", Route: act, Effect: emulator.EffectStaleEtag},
		{ID: "write-slow", Route: act, Effect: emulator.EffectDelay, Delay: 2 * time.Second},
		{ID: "write-lasts", Route: act, Effect: emulator.EffectTransition, Delay: 700 * time.Millisecond},
		{ID: "write-429", Route: act, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		{ID: "write-503", Route: act, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "write-expired", Route: act, Effect: emulator.EffectExpiredToken},
		{ID: "runs-500", Route: runs, Effect: emulator.EffectStatus, Status: http.StatusInternalServerError},
		{ID: "runs-cut", Route: runs, Effect: emulator.EffectCutBefore},
	}
}

// faultsOfGrants are those of Pinterest's token endpoint and of what a renewal does to an account.
func faultsOfGrants() []emulator.Fault {
	const token, who, write, test = "POST /v5/oauth/token", "GET /v5/user_account", "PATCH /connections/{id}", "GET /connections/{id}/test"
	return []emulator.Fault{
		{ID: "grant-503", Route: token, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "grant-429", Route: token, Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		{ID: "grant-cut-before", Route: token, Effect: emulator.EffectCutBefore},
		{ID: "grant-cut-after", Route: token, Effect: emulator.EffectCutAfter}, // the refresh token is spent, and nobody has the new one
		{ID: "grant-slow", Route: token, Effect: emulator.EffectDelay, Delay: 2 * time.Second},
		{ID: "who-500", Route: who, Effect: emulator.EffectStatus, Status: http.StatusInternalServerError},
		{ID: "renewal-503", Route: write, Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable},
		{ID: "renewal-stale", Route: write, Effect: emulator.EffectStaleEtag},
		{ID: "renewal-cut-before", Route: write, Effect: emulator.EffectCutBefore},
		{ID: "renewal-cut-after", Route: write, Effect: emulator.EffectCutAfter},
		{ID: "renewal-slow", Route: write, Effect: emulator.EffectDelay, Delay: 2 * time.Second},
		{ID: "test-502", Route: test, Effect: emulator.EffectHTML},
	}
}

// spoil has go wrong what was drawn for the organization, from now on: rules of organizations that are not under way would cost each call their part.
func (o *organization) spoil(ctx context.Context) error {
	for _, f := range o.faults {
		if _, err := o.run.vendor.AddFault(ctx, f); err != nil {
			return fmt.Errorf("have %s go wrong: %w", f.ID, err)
		}
	}
	return nil
}

// mend ends it again.
func (o *organization) mend(ctx context.Context) {
	for _, f := range o.faults {
		_ = o.run.vendor.RemoveFault(ctx, f.ID) // one that is left harms nobody: the organization's calls are over
	}
}
