package migration_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

func TestValidOrganizationID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"1A2B3C4D5E6F@AdobeOrg", "A@AdobeOrg", strings.Repeat("9", 64) + "@AdobeOrg"} {
		require.True(t, migration.ValidOrganizationID(id), id)
	}
	for _, id := range []string{"", "@AdobeOrg", "1A2B", "1A2B@adobeorg", "1A2B@AdobeOrg ", " 1A2B@AdobeOrg", "1A/2B@AdobeOrg", "1A2B@AdobeOrg\n", "a@b@AdobeOrg", strings.Repeat("9", 65) + "@AdobeOrg"} {
		require.False(t, migration.ValidOrganizationID(id), "%q", id)
	}
}

func TestValidSandboxName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"prod", "emea-2", "0", strings.Repeat("a", 256)} {
		require.True(t, migration.ValidSandboxName(name), name)
	}
	for _, name := range []string{"", "Prod", "-a", "a b", "a_b", "a/b", "*", "prod\n", strings.Repeat("a", 257)} {
		require.False(t, migration.ValidSandboxName(name), "%q", name)
	}
}
