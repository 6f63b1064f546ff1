package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"cutover/internal/adobe"
	"cutover/internal/migration"
)

// AccountsInput asks for a look at accounts that people sign in to.
type AccountsInput struct {
	Who      Who                `json:"who"`
	Accounts []Asked            `json:"accounts"`
	Lease    migration.Duration `json:"lease,omitempty"`
	Poll     migration.Duration `json:"poll,omitempty"` // for AwaitAccounts
}

// Asked is an account to look at.
type Asked struct {
	Base    Sign `json:"base"`              // as first read
	Claimed bool `json:"claimed,omitempty"` // somebody says that they signed in
}

// Sign is what of an account can show a sign-in.
type Sign struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Sandbox      string    `json:"sandbox"`
	Etag         string    `json:"etag"`
	Created      time.Time `json:"created,omitzero"`
	AuthorizedOn time.Time `json:"authorized_on,omitzero"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	GrantedAt    time.Time `json:"granted_at,omitzero"`
}

// SignOf is the part of an account that can show a sign-in.
func SignOf(a migration.Account) Sign {
	return Sign{ID: a.ID, Name: a.Name, Sandbox: a.Sandbox, Etag: a.Etag, Created: a.Created, AuthorizedOn: a.AuthorizedOn, ExpiresAt: a.ExpiresAt, GrantedAt: a.GrantedAt}
}

// Account is the sign as an account of which nothing else is known.
func (s Sign) Account() migration.Account {
	return migration.Account{ID: s.ID, Name: s.Name, Sandbox: s.Sandbox, Etag: s.Etag, Created: s.Created, AuthorizedOn: s.AuthorizedOn, ExpiresAt: s.ExpiresAt, GrantedAt: s.GrantedAt}
}

// Look is what one look at an account showed.
type Look struct {
	Account Sign              `json:"account"`
	Verdict migration.Verdict `json:"verdict"`
	Written bool              `json:"written,omitempty"` // the worker itself changed the account
}

const accountGone = "the account is not there any more: it was deleted, or an access label hides it"

// CheckAccounts looks once at each account and says whether it was re-authenticated.
func (a *Activities) CheckAccounts(ctx context.Context, in AccountsInput) ([]Look, error) {
	defer keepAlive(ctx)()
	looks := make([]Look, len(in.Accounts))
	given, known := a.consents(ctx, in.Who.ID)
	for i, asked := range in.Accounts {
		var err error
		if looks[i], err = a.look(ctx, in, asked); err != nil {
			return nil, mapError(ctx, "look at account "+asked.Base.ID, err)
		}
		looks[i].Account.GrantedAt = asked.Base.GrantedAt
		if known {
			looks[i].Account.GrantedAt = given[asked.Base.ID]
		}
	}
	return looks, nil
}

// AwaitAccounts returns as soon as one of the accounts is re-authenticated, or a grant was given for it of which no signal came. Until then each
// attempt ends in NotYet and the retry interval is the poll interval. The first attempt does not look: whoever schedules it has just done so.
func (a *Activities) AwaitAccounts(ctx context.Context, in AccountsInput) ([]Look, error) {
	if activity.GetInfo(ctx).Attempt == 1 {
		return nil, notYet(fmt.Sprintf("waiting for a sign-in to %d account(s), looking every %s", len(in.Accounts), in.Poll), in.Poll.Std())
	}
	looks, err := a.CheckAccounts(ctx, in)
	if err != nil {
		return nil, err
	}
	answer := ""
	var news []Look
	for i, l := range looks {
		if base := in.Accounts[i].Base; l.Verdict.Verified || base.Etag == "" || l.Account.GrantedAt.After(base.GrantedAt) {
			news = append(news, l)
		} else {
			answer = fmt.Sprintf("account %q (%s): %s", l.Account.Name, l.Account.ID, l.Verdict.Reason)
		}
	}
	if len(news) == 0 {
		return nil, notYet(answer, in.Poll.Std())
	}
	return news, nil
}

// look asks for Adobe's test of the account only where its answer can matter: of an account that did not change nothing is claimed. One that is not
// there any more is a verdict on that account and no reason to leave the others waiting.
func (a *Activities) look(ctx context.Context, in AccountsInput, asked Asked) (Look, error) {
	base := asked.Base
	sandbox, err := a.sandbox(in.Who, base.Sandbox)
	if err != nil {
		return Look{}, err
	}
	read, err := sandbox.Account(ctx, base.ID)
	if gone(err) {
		return Look{Account: base, Verdict: migration.Verdict{Reason: accountGone}}, nil
	}
	if err != nil {
		return Look{}, err
	}
	now := accountOf(read, base.Sandbox)
	if base.Etag == "" {
		base.Etag = now.Etag // a renewal that failed may have written it: nothing can be told from a change since
	}
	probe := migration.ProbeUnknown
	if now.Etag != base.Etag || asked.Claimed {
		answer, err := sandbox.TestAccount(ctx, base.ID)
		if gone(err) {
			return Look{Account: base, Verdict: migration.Verdict{Reason: accountGone}}, nil
		}
		if err != nil {
			return Look{}, err
		}
		probe = probeOf(answer)
	}
	return Look{Account: SignOf(now), Verdict: migration.Verify(base.Account(), now, probe, asked.Claimed, a.Now(), in.Lease)}, nil
}

func probeOf(p adobe.Probe) migration.Probe {
	switch p {
	case adobe.ProbePassed:
		return migration.ProbePassed
	case adobe.ProbeFailed:
		return migration.ProbeFailed
	case adobe.ProbeUnknown:
	}
	return migration.ProbeUnknown
}
