package pinterest

import (
	"errors"
	"time"
)

// ErrNoGrant says that nobody consented for this account, or that the grant was removed: a person must connect it.
var ErrNoGrant = errors.New("there is no grant: a person must connect the account")

// Owner is whose grant it is: one per organization and Adobe account.
type Owner struct{ Organization, Account string }

// String tells both.
func (o Owner) String() string { return "organization " + o.Organization + " account " + o.Account }

// Held is a grant that is kept for its owner. It shows no token when printed or marshalled.
type Held struct {
	Owner

	Grant Grant
	// ConsentedAt is when a person agreed; IssuedAt is when the vendor last renewed it, or the same.
	ConsentedAt, IssuedAt time.Time
	// RefusedAt is when the vendor refused to renew it, zero if it did not; Why is what it said. The access token may live on for a while.
	RefusedAt time.Time
	Why       string
}
