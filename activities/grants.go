package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/adobe"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
)

// RenewInput asks for an account to be renewed by the grant that is held for it.
type RenewInput struct {
	Who     Who                `json:"who"`
	Account Sign               `json:"account"` // as last read
	Lease   migration.Duration `json:"lease,omitempty"`
}

const (
	// freshFor is how long a grant counts as just issued, so that the attempt after a crash spends no second refresh.
	freshFor = 5 * time.Minute
	// patchTries is how often an account that changes between its read and its PATCH is read again within an attempt.
	patchTries = 3
	// An account's etag moves once more about a second after a PATCH. It counts as settled when two reads this far apart show the same one.
	etagGap   = 2 * time.Second
	etagReads = 10
)

// What a renewal that changes nothing says.
const (
	notTaken = "fresh credentials were written, but Adobe's test of the account fails: it takes credentials of its own application only; " +
		"a person must use Reconnect OAuth"
	notShown = "fresh credentials were written, but nothing shows that Adobe takes them: a person must use Reconnect OAuth"
)

func noGrant(account string) string { return "no grant is held for account " + account }

// RenewAccount writes fresh credentials, got by the grant that is held for the account, into the account, and looks whether that signed it in. An
// account that a person signed in to meanwhile is left as it is. A grant that Pinterest does not honour any more ends in ReauthRequired.
func (a *Activities) RenewAccount(ctx context.Context, in RenewInput) (Look, error) {
	defer keepAlive(ctx)()
	operation := fmt.Sprintf("renew account %s in sandbox %s of organization %s by its grant", in.Account.ID, in.Account.Sandbox, in.Who.ID)
	sandbox, err := a.sandbox(in.Who, in.Account.Sandbox)
	if err != nil {
		return Look{}, mapError(ctx, operation, err)
	}
	r := renewal{Activities: a, sandbox: sandbox, in: in}
	look, err := r.run(ctx)
	return look, mapError(ctx, operation, err)
}

// renewal is one attempt to renew an account.
type renewal struct {
	*Activities

	sandbox *adobe.Sandbox
	in      RenewInput
}

func (r renewal) run(ctx context.Context) (Look, error) {
	before, done, err := r.stands(ctx)
	if err != nil || done != nil {
		return r.look(ctx, before, done), err
	}
	held, err := r.fresh(ctx)
	if errors.Is(err, pinterest.ErrNoGrant) {
		return r.look(ctx, before, &migration.Verdict{Reason: noGrant(r.in.Account.ID)}), nil
	}
	if err != nil {
		return Look{}, err
	}
	params, err := credentials(held.Grant, r.Now())
	if err != nil {
		return Look{}, err
	}
	for tries := 1; ; tries++ {
		err := r.sandbox.PatchAccount(ctx, before.ID, before.Etag, params)
		if err == nil {
			break
		}
		if !errors.Is(err, adobe.ErrPrecondition) {
			return Look{}, err
		}
		if tries == patchTries {
			return Look{}, transient("the account changes again and again while it is written", Unavailable, 0)
		}
		if before, done, err = r.stands(ctx); err != nil || done != nil { // a person may have been quicker
			return r.look(ctx, before, done), err
		}
	}
	now, err := r.settled(ctx)
	if err != nil {
		return Look{}, err
	}
	probe, err := r.probe(ctx)
	if err != nil {
		return Look{}, err
	}
	// The PATCH itself changed the account, so only the test or the day of authorization can show that it was taken: nobody claims anything.
	verdict := migration.Verify(before, now, probe, false, r.Now(), r.in.Lease)
	switch {
	case verdict.Verified:
	case probe == migration.ProbeFailed:
		verdict.Reason = notTaken
	case probe == migration.ProbeUnknown:
		verdict.Reason = notShown
	}
	look := r.look(ctx, now, &verdict)
	look.Written = true
	return look, nil
}

// stands reads the account. There is a verdict if nothing is to be written: it is signed in by now, cannot be, or is not there.
func (r renewal) stands(ctx context.Context) (now migration.Account, done *migration.Verdict, err error) {
	asked := r.in.Account
	read, err := r.sandbox.Account(ctx, asked.ID)
	if gone(err) {
		return asked.Account(), &migration.Verdict{Reason: accountGone}, nil
	}
	if err != nil {
		return now, nil, err
	}
	now = accountOf(read, asked.Sandbox)
	probe := migration.ProbeUnknown
	if now.Etag != asked.Etag {
		if probe, err = r.probe(ctx); err != nil {
			return now, nil, err
		}
	}
	verdict := migration.Verify(asked.Account(), now, probe, false, r.Now(), r.in.Lease)
	// Any edit changes an account, and the test of one passes as long as the sign-in from before holds.
	runsOn := asked.ExpiresAt.After(r.Now()) && !now.ExpiresAt.After(asked.ExpiresAt)
	if verdict.Verified && !runsOn || now.State == migration.Disabled {
		return now, &verdict, nil
	}
	return now, nil, nil
}

// fresh is the grant that is held for the account, renewed unless that was done moments ago.
func (r renewal) fresh(ctx context.Context) (pinterest.Held, error) {
	if r.Grants == nil || r.Pinterest == nil {
		return pinterest.Held{}, pinterest.ErrNoGrant
	}
	owner := pinterest.Owner{Organization: r.in.Who.ID, Account: r.in.Account.ID}
	held, err := r.Grants.Grant(ctx, owner)
	if err != nil {
		return held, err
	}
	if !held.RefusedAt.IsZero() {
		return held, permanent(fmt.Sprintf("the grant for account %s of organization %s was refused by Pinterest at %s: a person must consent again",
			owner.Account, owner.Organization, migration.Instant(held.RefusedAt)), ReauthRequired)
	}
	held, err = r.Grants.RenewGrant(ctx, owner, func(h pinterest.Held) bool { return r.Now().Sub(h.IssuedAt) >= freshFor }, r.refreshUnlessStopped)
	if err == nil && (held.Owner != owner || r.sandbox.Organization() != owner.Organization) {
		return pinterest.Held{}, permanent(fmt.Sprintf("the grant that was found is not that of account %s of organization %s: it is not used", owner.Account,
			owner.Organization), Misconfigured)
	}
	return held, err
}

// refreshUnlessStopped refreshes for the sake of a write. What is kept ahead of its end (RenewGrants) goes on while writes are stopped, or a long stop
// would cost people a new consent.
func (a *Activities) refreshUnlessStopped(ctx context.Context, refreshToken string) (pinterest.Grant, error) {
	if a.BeforeWrite != nil {
		if err := a.BeforeWrite(ctx); err != nil {
			return pinterest.Grant{}, fmt.Errorf("refresh grant: not sent: %w", err)
		}
	}
	return a.refresh(ctx, refreshToken)
}

func (a *Activities) refresh(ctx context.Context, refreshToken string) (pinterest.Grant, error) {
	return a.Pinterest.Refresh(ctx, a.App, refreshToken)
}

// credentials are the parameters of an OAuth2 account. The refresh token stays here: it can be spent once, and of two who spend it one loses the grant.
func credentials(g pinterest.Grant, now time.Time) (json.RawMessage, error) {
	params := map[string]any{"accessToken": g.AccessToken, "tokenType": "bearer"}
	if left := int64(g.ExpiresAt.Sub(now) / time.Second); left > 0 { // in seconds; not known where Pinterest does not tell
		params["expiresIn"] = left
	}
	data, err := json.Marshal(params)
	if err != nil {
		return nil, errors.New("the fresh credentials cannot be encoded") // without the cause, which may quote them
	}
	return data, nil
}

// settled reads the account until its etag stays: one that moved later would look like somebody else's change.
func (r renewal) settled(ctx context.Context) (migration.Account, error) {
	etag := ""
	for range etagReads {
		read, err := r.sandbox.Account(ctx, r.in.Account.ID)
		if err != nil {
			return migration.Account{}, err
		}
		if read.Etag == etag {
			return accountOf(read, r.in.Account.Sandbox), nil
		}
		etag = read.Etag
		if err := r.Pause(ctx, etagGap); err != nil {
			return migration.Account{}, err
		}
	}
	return migration.Account{}, transient("the account does not settle after it was written", Unavailable, 0)
}

// probe asks for Adobe's test of the account.
func (r renewal) probe(ctx context.Context) (migration.Probe, error) {
	answer, err := r.sandbox.TestAccount(ctx, r.in.Account.ID)
	if err != nil {
		return migration.ProbeUnknown, err
	}
	return probeOf(answer), nil
}

func (r renewal) look(ctx context.Context, now migration.Account, verdict *migration.Verdict) Look {
	if verdict == nil {
		return Look{}
	}
	now.GrantedAt = r.in.Account.GrantedAt
	if given, known := r.consents(ctx, r.in.Who.ID); known {
		now.GrantedAt = given[now.ID]
	}
	return Look{Account: SignOf(now), Verdict: *verdict}
}

// consents tells when the grants that are held were given, by account. A store that does not answer stops no migration: then nothing is known.
func (a *Activities) consents(ctx context.Context, organization string) (given map[string]time.Time, known bool) {
	if a.Grants == nil {
		return nil, true
	}
	given, err := a.Grants.Consents(ctx, organization)
	if err != nil {
		activity.GetLogger(ctx).Warn("going on without the grants that are held: they cannot be read", "Organization", organization, "Error", err)
		return nil, false
	}
	return given, true
}
