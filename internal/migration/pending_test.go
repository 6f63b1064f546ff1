package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// What verified an account once does not verify it again after it lapsed; only a sign-in that came later does.
func TestALapsedAccountNeedsANewSignIn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*migration.Account){
		"authorization day": func(a *migration.Account) { a.AuthorizedOn = at("2023-11-24T00:00:00Z") },
		"etag":              func(a *migration.Account) { a.Etag = `"2"` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begun(twoPairs(), pinterest())
			now := account("v5")
			change(&now)
			verify := func(at time.Time) migration.Verdict {
				return migration.Verify(s.Account("v5").Account, now, migration.ProbePassed, true, at, lease)
			}
			require.True(t, s.Learn(now, verify(look), look))
			later := look.Add(2 * day)
			s.Lapse("v5", "Adobe refused it", later)
			require.False(t, verify(later).Verified, "the same reading proves nothing new")
			now.AuthorizedOn, now.Etag = later.Truncate(day), `"3"`
			require.True(t, s.Learn(now, verify(later), later))
		})
	}
	t.Run("signed in before the first look", func(t *testing.T) {
		t.Parallel()
		seen := twoPairs()
		seen.Accounts[0].AuthorizedOn = at("2023-11-19T00:00:00Z")
		s := begun(seen, pinterest())
		s.Lapse("v5", "Adobe refused it", look)
		require.False(t, migration.Verify(s.Account("v5").Account, seen.Accounts[0], migration.ProbePassed, true, look, lease).Verified)
	})
}
