package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// An account that is not there any more is told of that one alone: the others are looked at all the same.
func TestLooksGoOnWithoutAnAccountThatIsGone(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"deleted": http.StatusNotFound, "closed": http.StatusGone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			signed := SignOf(w.plan(carrying()).Accounts[0])
			lost := signed
			lost.ID = "00000000-0000-4000-8000-000000000000"
			in := AccountsInput{
				Who: w.who, Lease: migration.Duration(30 * 24 * time.Hour), Poll: migration.Duration(time.Hour),
				Accounts: []Asked{{Base: lost, Claimed: true}, {Base: signed, Claimed: true}},
			}
			w.answers(http.MethodGet, lost.ID, status, "{}")
			_, err := poll[[]Look](w, "AwaitAccounts", in, 2)
			failed(t, err, NotYet)

			require.NoError(t, w.Reconnect(acme, prod, signed.ID, emulator.Reconnection{By: "customer"}))
			looks := must[[]Look](w, "CheckAccounts", in)
			require.Len(t, looks, 2)
			require.Equal(t, Look{Account: lost, Verdict: migration.Verdict{Reason: accountGone}}, looks[0])
			require.True(t, looks[1].Verdict.Verified, looks[1].Verdict.Reason)

			verified, err := poll[[]Look](w, "AwaitAccounts", in, 2)
			require.NoError(t, err)
			require.Len(t, verified, 1)
			require.Equal(t, signed.ID, verified[0].Account.ID)

			in.Accounts = in.Accounts[:1]
			_, err = poll[[]Look](w, "AwaitAccounts", in, 2)
			require.Contains(t, failed(t, err, NotYet).Message(), accountGone)
		})
	}
}

// It may also go between the reading and the test.
func TestLookAtAnAccountThatIsGoneBeforeItsTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := SignOf(w.plan(carrying()).Accounts[0])
	w.answers(http.MethodGet, base.ID+"/test", http.StatusGone, "{}")
	looks := must[[]Look](w, "CheckAccounts", AccountsInput{Who: w.who, Accounts: []Asked{{Base: base, Claimed: true}}})
	require.Equal(t, []Look{{Account: base, Verdict: migration.Verdict{Reason: accountGone}}}, looks)
}
