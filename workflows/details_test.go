package workflows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// However much is held, asked for and wrong, details fit into the Web UI, and each cut list says how much is missing.
func TestDetailsOfALargeOrganization(t *testing.T) {
	t.Parallel()
	now := time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("words of a vendor that explains itself at length ", 20)
	s := &migration.State{Phase: migration.NeedsAttention, Since: now, Assessed: true, Told: true, Plan: &migration.Plan{Hash: "h", MadeAt: now}}
	s.Assessment.Affected, s.Assessment.Listed = true, 500
	for i := range 500 {
		id := fmt.Sprintf("%08d-58bf-4568-aa66-332cb435407b", i)
		s.Pairs = append(s.Pairs, migration.PairState{
			Pair: migration.Pair{Name: "Campaign " + id, Sandbox: "prod", Old: id, New: id, Hold: long}, Progress: migration.Held, Note: long,
		})
	}
	for i := range 200 {
		s.Accounts = append(s.Accounts, migration.AccountState{Account: migration.Account{ID: fmt.Sprintf("account-%d", i), Name: long}, Note: long, Since: now})
	}
	for range 20 {
		s.Problems = append(s.Problems, migration.Problem{At: now, What: long})
	}
	text := details(migration.Organization{ID: "LARGE@AdobeOrg", Name: "Large", Contacts: []string{"marketing@large.example"}}, migration.Playbook{}, s, now)
	require.Less(t, len(text), 20<<10)
	for _, part := range []string{"### Waiting for", "Then type:", "### Dataflows", "### Accounts", "### Problems"} {
		require.Contains(t, text, part)
	}
	require.Equal(t, 4, strings.Count(text, "… and "), "each cut list says so")
}
