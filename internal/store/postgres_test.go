package store

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every connection is cut while the vendor's answer is in hand, as when the database changes over to its replica.
func TestConnectionsAreCutBetweenTheAnswerAndTheStore(t *testing.T) {
	t.Parallel()
	for _, b := range backends()[1:] {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			s, v := newSite(t, b), newVendor(0)
			d := s.open(t)
			killer, err := sql.Open("pgx", s.url)
			require.NoError(t, err)
			defer killer.Close()
			cut := func() {
				_, err := killer.ExecContext(t.Context(),
					"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
				require.NoError(t, err)
			}
			all := owners(t, d, v)[:20] // to connect anew takes its time
			for _, o := range all {
				require.NoError(t, renew(t, d, o, after(v.refresh, cut)))
				require.NoError(t, d.SaveGrant(t.Context(), globex, v.consent()))
				cut()
				require.NoError(t, d.SaveGrant(t.Context(), globex, v.consent()), "a consent outlasts it too")
			}
			for _, o := range all {
				require.True(t, v.honours(held(t, d, o).Grant.RefreshToken), o)
			}
			require.Equal(t, len(all), v.renewals())
		})
	}
}
