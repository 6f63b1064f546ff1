package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"cutover/internal/pinterest"
)

// vendor rotates refresh tokens strictly: the old one is dead as soon as the new one is made, or a few calls later with an overlap.
type vendor struct {
	overlap int  // how many more times a spent token is taken
	legacy  bool // refresh tokens stay what they are

	mu    sync.Mutex
	n     int
	left  map[string]int // how many times a refresh token is still taken
	asked int            // answered with a grant
}

func newVendor(overlap int) *vendor { return &vendor{overlap: overlap, left: map[string]int{}} }

const forever = 1 << 30

// consent is a person's.
func (v *vendor) consent() pinterest.Grant {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.issue()
}

func (v *vendor) issue() pinterest.Grant {
	v.n++
	g := granted(strconv.Itoa(v.n))
	v.left[g.RefreshToken] = forever
	return g
}

func (v *vendor) refresh(_ context.Context, token string) (pinterest.Grant, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	left := v.left[token]
	switch {
	case left == 0:
		return pinterest.Grant{}, pinterest.ErrInvalidGrant
	case v.legacy:
		v.n++
		v.asked++
		g := granted(strconv.Itoa(v.n))
		g.RefreshToken = token
		return g, nil
	case left == forever:
		v.left[token] = v.overlap
	default:
		v.left[token]--
	}
	v.asked++
	return v.issue(), nil
}

func (v *vendor) revoke() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.left)
}

// honours tells whether the vendor would take the token.
func (v *vendor) honours(token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.left[token] > 0
}

// renewals is how many the vendor has answered.
func (v *vendor) renewals() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

func always(Held) bool { return true }

// since says that the grant is due as long as it has this token.
func since(accessToken string) func(Held) bool {
	return func(h Held) bool { return h.Grant.AccessToken == accessToken }
}

func answers(g pinterest.Grant) Refresh {
	return func(context.Context, string) (pinterest.Grant, error) { return g, nil }
}

func refuses(context.Context, string) (pinterest.Grant, error) {
	return pinterest.Grant{}, pinterest.ErrInvalidGrant
}

var errLost = errors.New("the connection was cut")

// loses is a vendor's answer that does not arrive.
func loses(ask Refresh) Refresh {
	return func(ctx context.Context, token string) (pinterest.Grant, error) {
		if _, err := ask(ctx, token); err != nil {
			return pinterest.Grant{}, err
		}
		return pinterest.Grant{}, errLost
	}
}

// before does something else while the vendor is asked, after when its answer is in hand.
func before(ask Refresh, meanwhile func()) Refresh {
	return func(ctx context.Context, token string) (pinterest.Grant, error) {
		meanwhile()
		return ask(ctx, token)
	}
}

func after(ask Refresh, meanwhile func()) Refresh {
	return func(ctx context.Context, token string) (pinterest.Grant, error) {
		defer meanwhile()
		return ask(ctx, token)
	}
}

func renew(t *testing.T, d *Database, o Owner, ask Refresh) error {
	t.Helper()
	_, err := d.RenewGrant(t.Context(), o, always, ask)
	return err
}

// rounds is how many grants each race is run with.
const rounds = 200

// owners are as many, saved with a consent at the vendor each.
func owners(t *testing.T, d *Database, v *vendor) []Owner {
	t.Helper()
	all := make([]Owner, rounds)
	for i := range all {
		all[i] = Owner{Organization: fmt.Sprintf("%03d@AdobeOrg", i), Account: "a"}
		require.NoError(t, d.SaveGrant(t.Context(), all[i], v.consent()))
	}
	return all
}

func held(t *testing.T, d *Database, o Owner) Held {
	t.Helper()
	h, err := d.Grant(t.Context(), o)
	require.NoError(t, err)
	return h
}

// shortLease is for tests that wait for one to run out.
const shortLease = 20 * time.Millisecond

// parallel bounds how many owners are looked after at once: as many as make a race likely and keep two processors busy.
const parallel = 8

// each runs the test for every owner, some at a time.
func each(t *testing.T, all []Owner, test func(o Owner)) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, o := range all {
		group.Go(func() error { test(o); return nil })
	}
	require.NoError(t, group.Wait())
}

// eachWay runs the test for owners at both vendors, by turns.
func eachWay(t *testing.T, d *Database, one, other *vendor, test func(o Owner, v *vendor)) {
	t.Helper()
	at := map[Owner]*vendor{}
	all := owners(t, d, one)
	for i, o := range all {
		at[o] = one
		if i%2 == 1 {
			at[o] = other
			require.NoError(t, d.SaveGrant(t.Context(), o, other.consent()))
		}
	}
	each(t, all, func(o Owner) { test(o, at[o]) })
}

// dies renews as far as the vendor's answer and no further: a process that is killed releases and stores nothing.
func dies(t *testing.T, d *Database, o Owner, ask Refresh) {
	t.Helper()
	h, release, err := d.take(t.Context(), o, always)
	require.NoError(t, err)
	require.NotNil(t, release)
	_, _ = ask(t.Context(), h.Grant.RefreshToken)
}
