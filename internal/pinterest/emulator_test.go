package pinterest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/pinterest"
)

const (
	acme       = "1A2B3C4D5E6F@AdobeOrg"
	advertiser = "549755885175"
)

func app() pinterest.App {
	return pinterest.App{ClientID: "1500000", ClientSecret: "pinterest-app-secret"}
}

func start(t *testing.T, tweak ...func(*emulator.Scenario)) (*emulator.Emulator, *pinterest.Client) {
	t.Helper()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	for _, change := range tweak {
		change(&scenario)
	}
	base := time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)
	e, err := emulator.New(scenario, emulator.Options{Clock: func() time.Time { return base }})
	require.NoError(t, err)
	server := httptest.NewServer(e)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		require.NoError(t, e.Close())
	})
	client, err := pinterest.New(pinterest.Config{URL: server.URL, Now: e.Now, Transport: transport})
	require.NoError(t, err)
	return e, client
}

func TestContractRefresh(t *testing.T) {
	t.Parallel()
	e, c := start(t)
	tokens, err := e.GrantPinterest(acme)
	require.NoError(t, err)
	fresh, err := c.Refresh(t.Context(), app(), tokens.RefreshToken)
	require.NoError(t, err)
	require.NotEqual(t, tokens.AccessToken, fresh.AccessToken)
	require.NotEqual(t, tokens.RefreshToken, fresh.RefreshToken)
	require.Equal(t, e.Now().Add(30*24*time.Hour), fresh.ExpiresAt)
	require.Equal(t, e.Now().Add(60*24*time.Hour), fresh.RefreshExpiresAt)
	require.Equal(t, []string{"user_accounts:read", "ads:read"}, fresh.Scopes)

	_, err = c.Refresh(t.Context(), app(), tokens.RefreshToken)
	require.ErrorIs(t, err, pinterest.ErrInvalidGrant, "the old one is dead")
	require.NotContains(t, err.Error(), tokens.RefreshToken)

	wrong := app()
	wrong.ClientSecret = "wrong"
	_, err = c.Refresh(t.Context(), wrong, fresh.RefreshToken)
	require.ErrorIs(t, err, pinterest.ErrUnauthorized)

	require.NoError(t, e.RevokePinterest(acme))
	_, err = c.Refresh(t.Context(), app(), fresh.RefreshToken)
	require.ErrorIs(t, err, pinterest.ErrInvalidGrant)
}

func TestContractLegacyRefresh(t *testing.T) {
	t.Parallel()
	e, c := start(t, func(s *emulator.Scenario) { s.Pinterest.Legacy = true })
	tokens, err := e.GrantPinterest(acme)
	require.NoError(t, err)
	fresh, err := c.Refresh(t.Context(), app(), tokens.RefreshToken)
	require.NoError(t, err)
	require.Equal(t, tokens.RefreshToken, fresh.RefreshToken)
	_, err = c.Refresh(t.Context(), app(), fresh.RefreshToken)
	require.NoError(t, err)
}

func TestContractReads(t *testing.T) {
	t.Parallel()
	e, c := start(t)
	tokens, err := e.GrantPinterest(acme)
	require.NoError(t, err)
	user, err := c.UserAccount(t.Context(), tokens.AccessToken)
	require.NoError(t, err)
	require.NotEmpty(t, user.Username)
	accounts, err := c.AdAccounts(t.Context(), tokens.AccessToken)
	require.NoError(t, err)
	require.Len(t, accounts, 1)
	require.Equal(t, advertiser, accounts[0].ID)
	require.True(t, accounts[0].ManagesAudiences())
	audiences, err := c.Audiences(t.Context(), tokens.AccessToken, advertiser)
	require.NoError(t, err)
	require.NotEmpty(t, audiences)
	for _, audience := range audiences {
		require.NotEmpty(t, audience.Name)
		require.Equal(t, advertiser, audience.AdAccountID)
		require.False(t, audience.UpdatedAt.IsZero())
	}

	_, err = c.Audiences(t.Context(), tokens.AccessToken, "999")
	require.Error(t, err)
	_, err = c.UserAccount(t.Context(), "pina_wrong")
	require.ErrorIs(t, err, pinterest.ErrUnauthorized)
	require.NoError(t, e.RevokePinterest(acme))
	_, err = c.AdAccounts(t.Context(), tokens.AccessToken)
	require.ErrorIs(t, err, pinterest.ErrUnauthorized)
}
