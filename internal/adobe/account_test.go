package adobe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAccountHoldsDatesAndNoCredentials(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, `{"items":[{"id":"account-1","name":"Acme Pinterest","description":"d","connectionSpec":{"id":"spec","version":"1.0"},
		"state":"ENABLED","createdAt":1700000000000,"updatedAt":1700000001000,"etag":"\"e\"",
		"auth":{"specName":"OAuth2","params":{"authorizedDate":"2023-11-20","expirationDate":"2023-12-20","accessToken":"CANARY","refreshToken":"CANARY","n":1}}}]}`))
	account, err := f.sandbox(t).Account(t.Context(), "account-1")
	require.NoError(t, err)
	require.Equal(t, "/connections/account-1", f.seen()[0].path)
	require.Equal(t, Account{
		ID: "account-1", Name: "Acme Pinterest", Description: "d", SpecID: "spec", State: "enabled", Etag: `"e"`,
		CreatedAt: time.UnixMilli(1700000000000).UTC(), UpdatedAt: time.UnixMilli(1700000001000).UTC(),
		AuthorizedOn: time.Date(2023, 11, 20, 0, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2023, 12, 20, 0, 0, 0, 0, time.UTC),
	}, account)
	requireNoSecret(t, asJSON(t, account), fmt.Sprintf("%#v", account))
}

func TestAccountDatesInAnyForm(t *testing.T) {
	t.Parallel()
	day := time.Date(2023, 12, 20, 0, 0, 0, 0, time.UTC)
	for params, want := range map[string]time.Time{
		`{"expirationDate":"2023-12-20"}`:           day,
		`{"expirationDate":"2023-12-20T10:30:00Z"}`: day.Add(10*time.Hour + 30*time.Minute),
		`{"expirationDate":1703030400000}`:          day,
		`{"expirationDate":"1703030400000"}`:        day,
		`{"expirationDate":"soon"}`:                 {},
		`{"expirationDate":"say \"soon\""}`:         {},
		`{"expirationDate":{"year":2023}}`:          {},
		`{"expirationDate":null}`:                   {},
		`{}`:                                        {},
		`"none"`:                                    {},
		`null`:                                      {},
	} {
		f := newFake(t, always(http.StatusOK, `{"items":[{"id":"account-1","auth":{"params":`+params+`}}]}`))
		account, err := f.sandbox(t).Account(t.Context(), "account-1")
		require.NoError(t, err, params)
		require.Equal(t, want, account.ExpiresAt, params)
		require.True(t, account.AuthorizedOn.IsZero())
	}
}

func TestTestAccount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		want   Probe
		fails  bool
	}{
		{200, `{"result":true}`, ProbePassed, false},
		{200, `{"result":"True"}`, ProbePassed, false},
		{200, `{"result":false}`, ProbeFailed, false},
		{200, `{"result":null}`, ProbeUnknown, false},
		{200, `{"result":{"ok":true}}`, ProbeUnknown, false},
		{200, `{"result":1}`, ProbeUnknown, false},
		{200, `{}`, ProbeUnknown, false},
		{200, `[]`, ProbeUnknown, false},
		{200, `<html>`, ProbeUnknown, false},
		{200, ``, ProbeUnknown, false},
		{400, `{}`, ProbeUnknown, false},
		{404, `{}`, ProbeUnknown, false},
		{405, `<html>`, ProbeUnknown, false},
		{501, ``, ProbeUnknown, false},
		{401, `{}`, ProbeUnknown, true},
		{403, `{}`, ProbeUnknown, true},
		{429, `{}`, ProbeUnknown, true},
		{500, `{}`, ProbeUnknown, true},
	} {
		t.Run(fmt.Sprint(tc.status, tc.body), func(t *testing.T) {
			t.Parallel()
			f := newFake(t, always(tc.status, tc.body))
			probe, err := f.sandbox(t).TestAccount(t.Context(), "account-1")
			require.Equal(t, tc.fails, err != nil, err)
			require.Equal(t, tc.want, probe)
			require.Equal(t, "/connections/account-1/test", f.seen()[0].path)
		})
	}
	require.Equal(t, "unknown failed passed Probe(9)", fmt.Sprint(ProbeUnknown, " ", ProbeFailed, " ", ProbePassed, " ", Probe(9)))
}

func TestPatchAccountReplacesAllParameters(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, `{"id":"account-1","etag":"\"e2\""}`))
	s := f.sandbox(t)
	require.NoError(t, s.PatchAccount(t.Context(), "account-1", `"e"`, json.RawMessage(`{"accessToken":"CANARY"}`)))
	call := f.seen()[0]
	require.Equal(t, "PATCH /connections/account-1", call.method+" "+call.path)
	require.Equal(t, `"e"`, call.header.Get("If-Match"))
	require.JSONEq(t, `[{"op":"replace","path":"/auth/params","value":{"accessToken":"CANARY"}}]`, call.body)
	for _, bad := range []string{``, `"CANARY"`, `{"accessToken":"CANARY"`, `[]`} {
		err := s.PatchAccount(t.Context(), "account-1", `"e"`, json.RawMessage(bad))
		require.ErrorContains(t, err, "JSON object")
		requireNoSecret(t, err.Error())
	}
	require.Len(t, f.seen(), 1)
}

func TestPatchAccountErrorsRepeatNoParameter(t *testing.T) {
	t.Parallel()
	params := json.RawMessage(`{"plain":"CANARY-one","deep":{"list":["CANARY-two"]},"short":"abc","n":5}`)
	for status, body := range map[int]string{
		400: `{"message":"cannot use CANARY-one with CANARY-two at abc"}`,
		412: `{"errorMessage":"CANARY-one","errorDetails":"CANARY-two"}`,
		200: `CANARY-one and CANARY-two`,
	} {
		err := newFake(t, always(status, body)).sandbox(t).PatchAccount(t.Context(), "account-1", `"e"`, params)
		require.Error(t, err)
		requireNoSecret(t, err.Error())
	}
}

func TestTargetConnections(t *testing.T) {
	t.Parallel()
	for params, advertiser := range map[string]string{
		`{"advertiser_id":"549755885175","other":{"x":1}}`: "549755885175",
		`{"advertiserId":549755885175}`:                    "549755885175",
		`{"advertiser_id":"","advertiserId":"2"}`:          "2",
		`{"advertiser_id":{"x":1}}`:                        "",
		`null`:                                             "",
	} {
		f := newFake(t, always(http.StatusOK, pageOf("", `{"id":"target-1","name":"T","baseConnectionId":"account","connectionSpec":{"id":"spec"},"etag":"\"e\"","params":`+params+`}`)))
		targets, err := f.sandbox(t).TargetConnections(t.Context(), "spec")
		require.NoError(t, err, params)
		require.Len(t, targets, 1)
		require.Equal(t, advertiser, targets[0].AdvertiserID, params)
		if params != "null" {
			require.JSONEq(t, params, asJSON(t, targets[0].Params), "all of it must go back in a change")
		}
		targets[0].Params, targets[0].AdvertiserID = nil, ""
		require.Equal(t, TargetConnection{ID: "target-1", Name: "T", AccountID: "account", SpecID: "spec", Etag: `"e"`}, targets[0])
	}

	f := newFake(t, always(http.StatusOK, pageOf("", `{"id":"t","inheritedAttributes":{"baseConnection":{"id":"inherited","connectionSpec":{"id":"spec"}}}}`)))
	targets, err := f.sandbox(t).TargetConnections(t.Context(), "spec")
	require.NoError(t, err)
	require.Equal(t, "inherited", targets[0].AccountID)
	require.Equal(t, "spec", targets[0].SpecID)
}
