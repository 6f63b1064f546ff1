package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// What is wrong with the state that a browser brings back from the vendor.
var (
	// ErrForgedState says that this session began no such authorization, or too long ago: nothing may come of it.
	ErrForgedState = errors.New("the state is not one that this session was given, or it is too old")
	// ErrUsedState says that the page was loaded again.
	ErrUsedState = errors.New("the state was used before")
)

// Authorization is a consent under way. It shows its account when printed or marshalled and nothing else.
type Authorization struct {
	Account string
	// Verifier proves to the vendor that who brings the code is who asked for it (RFC 7636).
	Verifier string
}

// String tells the account.
func (a Authorization) String() string { return "authorization of account " + a.Account }

// GoString tells what String tells.
func (a Authorization) GoString() string { return a.String() }

// Format writes what String tells, whatever the verb.
func (a Authorization) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// MarshalText writes what String tells, also into JSON.
func (a Authorization) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Begin stores an authorization for the session and returns the state that the vendor will send back.
func (d *Database) Begin(ctx context.Context, session string, a Authorization, lasts time.Duration) (state string, err error) {
	if _, err := d.Session(ctx, session); err != nil {
		return "", err
	}
	state = newToken()
	sealed, err := d.seal([]byte(a.Verifier), "authorizations", digest(state))
	if err == nil {
		err = d.sameKeys(ctx) // before a person consents to what could not be stored
	}
	if err == nil {
		_, err = d.exec(ctx, "INSERT INTO authorizations (digest, session, account, sealed, expires_at, used_at) VALUES (?, ?, ?, ?, ?, 0)",
			digest(state), digest(session), a.Account, sealed, millis(d.now().Add(lasts)))
	}
	if err != nil {
		return "", fmt.Errorf("begin the authorization of account %s: %w", a.Account, err)
	}
	return state, nil
}

// Complete returns the authorization of a state that came back, once. It takes no state of another session.
func (d *Database) Complete(ctx context.Context, session, state string) (Authorization, error) {
	if _, err := d.Session(ctx, session); err != nil {
		return Authorization{}, err
	}
	now := millis(d.now())
	mine := []any{digest(state), digest(session), now}
	var a Authorization
	var sealed []byte
	found, err := d.one(ctx, "UPDATE authorizations SET used_at = ? WHERE digest = ? AND session = ? AND expires_at > ? AND used_at = 0 RETURNING account, sealed",
		append([]any{now}, mine...), &a.Account, &sealed)
	if err == nil && !found {
		var one int
		if found, err = d.one(ctx, "SELECT 1 FROM authorizations WHERE digest = ? AND session = ? AND expires_at > ?", mine, &one); err == nil && found {
			return Authorization{}, ErrUsedState
		}
		if err == nil {
			return Authorization{}, ErrForgedState
		}
	}
	if err == nil {
		var verifier []byte
		verifier, err = d.unseal(sealed, "authorizations", digest(state))
		a.Verifier = string(verifier)
	}
	if err != nil {
		return Authorization{}, fmt.Errorf("complete an authorization: %w", err)
	}
	return a, nil
}
