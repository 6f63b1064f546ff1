package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

func TestAVerdictTellsWhatTheDestinationShowed(t *testing.T) {
	t.Parallel()
	v := &migration.RunVerdict{Status: migration.RunSucceeded, Activated: 7, Partner: &migration.PartnerLook{Skipped: "no grant is held for account \"Acme\""}}
	require.Equal(t, `pass: 7 identities delivered, 0 failed; not looked up at the destination: no grant is held for account "Acme"`, verdictText(v))
	v.Partner = &migration.PartnerLook{Exported: 2, Found: 1, Updated: 1, TooSmall: []string{"Visitors"}}
	require.Contains(t, verdictText(v), "at the destination 1 of 2 audiences found by name, 1 updated since the switch; too small to be served: Visitors")
}

func TestAnAccountThatNobodySignedInTo(t *testing.T) {
	t.Parallel()
	account := migration.AccountState{Account: migration.Account{ID: "acc-1", Name: "Acme", Sandbox: "prod"}, Verified: true, VerifiedAt: noon, ByGrant: true}
	var out bytes.Buffer
	accountBlock(&out, account, noon)
	require.Contains(t, out.String(), "signed in by the grant that is held, seen at ")
}
