package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/pinterest"
	"cutover/internal/service"
	"cutover/internal/service/servicetest"
	"cutover/internal/store"
	"cutover/workflows"
)

const (
	acme        = "1A2B3C4D5E6F@AdobeOrg"
	tokenCanary = "pina_c4n4ryc4n4ryc4n4ry"
	answer      = `{"access_token":"` + tokenCanary + `","refresh_token":"pinr_` + tokenCanary + `","expires_in":2592000,"refresh_token_expires_in":5184000,` +
		`"scope":"user_accounts:read,ads:read"}`
)

// withApp adds the operator's app at Pinterest to an environment.
func withApp(t *testing.T, env engine.Environment) engine.Environment {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pinterest-app.yaml")
	require.NoError(t, os.WriteFile(path, []byte("{client_id: \"1500000\", client_secret: {env: SECRET}}\n"), 0o600))
	return append(env, "CUTOVER_PINTEREST_APP="+path)
}

// given runs a command that reads standard input.
func given(t *testing.T, stdin string, env engine.Environment, args ...string) (code int, output string) {
	t.Helper()
	var out, logs bytes.Buffer
	root := command(env, &logs)
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&logs)
	err := root.ExecuteContext(t.Context())
	output = out.String() + logs.String()
	if err != nil {
		output += err.Error()
	}
	require.NotContains(t, output, tokenCanary)
	_, usage := errors.AsType[service.UsageError](err)
	switch {
	case usage:
		return service.Usage, output
	case err != nil:
		return service.Failed, output
	}
	return service.Done, output
}

// requireKeepsGrants waits until the workflow that renews grants runs at that server.
func requireKeepsGrants(t *testing.T, address string) {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: address, Logger: engine.SDKLogger(zap.NewNop())})
	require.NoError(t, err)
	defer c.Close()
	require.Eventually(t, func() bool {
		run, err := c.DescribeWorkflowExecution(t.Context(), workflows.GrantsID, "")
		pending := run.GetPendingActivities()
		return err == nil && run.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && len(pending) == 1 &&
			strings.Contains(pending[0].GetLastFailure().GetMessage(), "0 grant(s) held")
	}, 20*time.Second, 50*time.Millisecond, "it tells how the grants stand")
}

func TestGrantsAreAddedListedAndRemoved(t *testing.T) {
	t.Parallel()
	env := environment(t)
	code, stdout, _ := once(t, env, "grants", "list", "-o", "json")
	require.Equal(t, service.Done, code)
	require.Equal(t, "[]\n", stdout)

	code, output := given(t, answer, env, "grants", "add", "--org", acme, "--account", "a1")
	require.Equal(t, service.Done, code, output)
	require.Equal(t, "held: the grant for account a1 of "+acme+"\n", output)
	_, stdout, _ = once(t, env, "grants", "list", "-o", "json")
	require.NotContains(t, stdout, tokenCanary)
	var list []map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &list))
	require.Len(t, list, 1)
	require.Equal(t, []any{acme, "a1", "held"}, []any{list[0]["organization"], list[0]["account"], list[0]["state"]})
	require.Contains(t, list[0], "refresh_expires_at")
	_, stdout, _ = once(t, env, "grants", "list")
	require.Regexp(t, `(?s)^ORGANIZATION +ACCOUNT +STATE .*\n`+acme+` +a1 +held +\d{4}-`, stdout)

	code, _, stderr := once(t, env, "grants", "remove", "--org", acme)
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "give --yes")
	_, stdout, _ = once(t, env, "grants", "remove", "--org", acme, "--yes")
	require.Equal(t, "removed 1 grant(s) of "+acme+"\n", stdout)
}

func TestARefusedGrantIsTriedAgain(t *testing.T) {
	t.Parallel()
	env := environment(t)
	given(t, answer, env, "grants", "add", "--org", acme, "--account", "a1")
	require.NoError(t, withStore(t.Context(), env, func(d *store.Database) error {
		_, err := d.RenewGrant(t.Context(), pinterest.Owner{Organization: acme, Account: "a1"}, func(pinterest.Held) bool { return true },
			func(context.Context, string) (pinterest.Grant, error) {
				return pinterest.Grant{}, pinterest.ErrInvalidGrant
			})
		require.ErrorIs(t, err, pinterest.ErrInvalidGrant)
		return nil
	}))
	_, stdout, _ := once(t, env, "grants", "list")
	require.Regexp(t, `a1 +refused `, stdout)
	code, _, stderr := once(t, env, "grants", "retry")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "--org is")
	code, stdout, _ = once(t, env, "grants", "retry", "--org", acme)
	require.Equal(t, service.Done, code)
	require.Equal(t, "1 refused grant(s) of "+acme+" will be tried again\n", stdout)
	_, stdout, _ = once(t, env, "grants", "list")
	require.Regexp(t, `a1 +held `, stdout)
}

func TestGrantsThatAreRefused(t *testing.T) {
	t.Parallel()
	env := environment(t)
	for name, c := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"no owner":      {answer, nil, "--account is missing"},
		"no account":    {answer, []string{"--org", acme}, "--account is missing"},
		"no such owner": {answer, []string{"--org", "acme", "--account", "a1"}, "IMS organization id"},
		"no JSON":       {tokenCanary, []string{"--org", acme, "--account", "a1"}, "no JSON object"},
		"half":          {`{"access_token":"` + tokenCanary + `"}`, []string{"--org", acme, "--account", "a1"}, "lacks access_token, refresh_token or expires_in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, output := given(t, c.stdin, env, append([]string{"grants", "add"}, c.args...)...)
			require.Equal(t, service.Usage, code)
			require.Contains(t, output, c.want)
		})
	}
	code, _, stderr := once(t, env, "grants", "list", "-o", "xml")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "table or json")
}

// The keys of a store are made with it, and never silently replaced.
func TestStoreKeysAreMadeOnce(t *testing.T) {
	t.Parallel()
	env := environment(t)
	path := env.Getenv("CUTOVER_STORE_KEYS")
	code, _, stderr := once(t, env, "grants", "list")
	require.Equal(t, service.Done, code, stderr)
	require.FileExists(t, path)

	require.NoError(t, os.Rename(path, path+".away"))
	code, _, stderr = once(t, env, "grants", "list")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "CUTOVER_STORE_KEYS")
	require.Contains(t, stderr, "the store was sealed with it; restore it")
	require.NoFileExists(t, path)

	code, _, _ = once(t, env, "keys", "create")
	require.Equal(t, service.Done, code)
	code, _, stderr = once(t, env, "grants", "list")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "sealed with other keys")
	code, _, stderr = once(t, env, "keys", "create")
	require.Equal(t, service.Usage, code, stderr)
}

func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	env := environment(t)
	given(t, answer, env, "grants", "add", "--org", acme, "--account", "a1")
	ids := func() (all []string, primary string) {
		_, stdout, _ := once(t, env, "keys", "list", "-o", "json")
		var list []struct {
			ID      string
			Primary bool
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &list))
		for _, key := range list {
			all = append(all, key.ID)
			if key.Primary {
				primary = key.ID
			}
		}
		return all, primary
	}
	all, old := ids()
	require.Equal(t, []string{old}, all)
	code, _, stderr := once(t, env, "keys", "remove", old)
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "promote another first")
	code, _, stderr = once(t, env, "keys", "promote", "12345")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "no such key")
	code, _, stderr = once(t, env, "keys", "promote")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "worker keys list")

	_, stdout, _ := once(t, env, "keys", "add")
	require.Contains(t, stdout, "worker keys promote ")
	all, primary := ids()
	require.Len(t, all, 2)
	require.Equal(t, old, primary, "a key that was just added seals nothing yet")
	fresh := all[0]
	if fresh == old {
		fresh = all[1]
	}
	once(t, env, "keys", "promote", fresh)
	_, stdout, _ = once(t, env, "keys", "reseal")
	require.Regexp(t, `^resealed \d+ row`, stdout)
	given(t, answer, env, "grants", "add", "--org", acme, "--account", "a2")
	code, _, stderr = once(t, env, "keys", "remove", old)
	require.Equal(t, service.Done, code, stderr)
	require.NoError(t, withStore(t.Context(), env, opens(t, "a1", "a2")))
}

// opens tells whether these accounts' grants can be read.
func opens(t *testing.T, accounts ...string) func(*store.Database) error {
	t.Helper()
	return func(d *store.Database) error {
		for _, account := range accounts {
			held, err := d.Grant(t.Context(), pinterest.Owner{Organization: acme, Account: account})
			if err != nil {
				return err
			}
			require.Equal(t, tokenCanary, held.Grant.AccessToken)
		}
		return nil
	}
}

// A key is not removed while something in the store needs it.
func TestRemovingAKeyResealsFirst(t *testing.T) {
	t.Parallel()
	env := environment(t)
	given(t, answer, env, "grants", "add", "--org", acme, "--account", "a1")
	_, stdout, _ := once(t, env, "keys", "list")
	old := strings.Fields(strings.Split(stdout, "\n")[1])[0]
	_, stdout, _ = once(t, env, "keys", "add")
	once(t, env, "keys", "promote", strings.TrimSuffix(strings.Fields(stdout)[2], ":"))
	code, _, stderr := once(t, env, "keys", "remove", old)
	require.Equal(t, service.Done, code, stderr)
	require.NoError(t, withStore(t.Context(), env, opens(t, "a1")))
}

func TestKeysOfPayloads(t *testing.T) {
	t.Parallel()
	env := environment(t)
	code, _, stderr := once(t, env, "keys", "create", "--codec")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "CUTOVER_CODEC_KEYS is not set")
	path := filepath.Join(t.TempDir(), "codec.json")
	env = append(env, "CUTOVER_CODEC_KEYS="+path)
	_, err := configure(t.Context(), env, &servicetest.Lines{})
	require.ErrorContains(t, err, "make one with: worker keys create --codec")
	code, _, stderr = once(t, env, "keys", "create", "--codec")
	require.Equal(t, service.Done, code, stderr)
	require.FileExists(t, path)
	require.NoFileExists(t, env.Getenv("CUTOVER_STORE_KEYS"))
	code, _, stderr = once(t, env, "keys", "reseal", "--codec")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "histories")
	_, stdout, _ := once(t, env, "keys", "list", "--codec")
	old := strings.Fields(strings.Split(stdout, "\n")[1])[0]
	once(t, env, "keys", "add", "--codec")
	code, _, stderr = once(t, env, "keys", "remove", old, "--codec")
	require.Equal(t, service.Usage, code)
	require.Contains(t, stderr, "--yes")

	s, err := configure(t.Context(), env, &servicetest.Lines{})
	require.NoError(t, err)
	payload, err := s.temporal.DataConverter.ToPayload("words")
	require.NoError(t, err)
	require.True(t, engine.Sealed(payload))
	require.NoError(t, s.database.Close())
}

// The codec endpoint is there while the worker is, for those with its token.
func TestCodecEndpoint(t *testing.T) {
	t.Parallel()
	dir, address := t.TempDir(), freeAddress(t)
	token := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(token, []byte("tok-"+canary+"\n"), 0o600))
	env := environment(t, "CUTOVER_CODEC_KEYS="+filepath.Join(dir, "codec.json"), "CUTOVER_CODEC_ADDRESS="+address, "CUTOVER_CODEC_TOKEN="+token)
	once(t, env, "keys", "create", "--codec")
	r := start(t, env)
	ask := func(bearer string) (status int) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/decode", strings.NewReader(`{"payloads":[]}`))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+bearer)
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		if err != nil {
			return 0
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	require.Eventually(t, func() bool { return ask("wrong") == http.StatusUnauthorized }, 20*time.Second, 20*time.Millisecond, "%v", r.logs)
	require.Equal(t, http.StatusOK, ask("tok-"+canary))
	r.stop()
	r.wait(t, service.Done)
	require.Zero(t, ask("wrong"))
}

// What is configured as a secret, and every token out of the store, stands in no log and in no error.
func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	env := withApp(t, environment(t, "TEMPORAL_API_KEY=key-"+canary, "CUTOVER_PORTAL_URL=https://reconnect.acme.example/"))
	given(t, answer, env, "grants", "add", "--org", acme, "--account", "a1")
	logs := &servicetest.Lines{}
	s, err := configure(t.Context(), env, logs)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.database.Close()) })
	held, err := s.activities.Grants.Grant(t.Context(), pinterest.Owner{Organization: acme, Account: "a1"})
	require.NoError(t, err)
	require.Equal(t, tokenCanary, held.Grant.AccessToken)
	link, err := s.activities.Links.NewLink(t.Context(), "pinterest-v5", acme)
	require.NoError(t, err)
	token, ok := strings.CutPrefix(link, "https://reconnect.acme.example/l/")
	require.True(t, ok, link)
	kept, err := s.database.Link(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, []string{acme, "pinterest-v5"}, []string{kept.Organization, kept.Playbook})
	require.WithinDuration(t, time.Now().Add(72*time.Hour), kept.ExpiresAt, time.Minute)

	shown := "a " + canary + " b " + tokenCanary + " c " + token + " d"
	s.logger.Info(shown, zap.Error(errors.New(shown)))
	require.Contains(t, logs.String(), `"a [redacted] b [redacted] c [redacted] d"`)
	for _, secret := range []string{canary, tokenCanary, token} {
		require.NotContains(t, logs.String(), secret)
	}
	require.Len(t, s.redacted(worker.Options{}).Interceptors, 1)
}

// What is too short to be looked for is said, not passed over.
func TestASecretThatCannotBeHiddenIsSaid(t *testing.T) {
	t.Parallel()
	const warning = "a secret of the configuration is too short"
	for key, want := range map[string]bool{"": false, "abcde": true, "abcdef": false} {
		logs := &servicetest.Lines{}
		s, err := configure(t.Context(), environment(t, "TEMPORAL_API_KEY="+key), logs)
		require.NoError(t, err)
		require.NoError(t, s.database.Close())
		require.Equal(t, want, strings.Contains(logs.String(), warning), key)
	}
}

func TestWithoutAnAppNothingIsHeld(t *testing.T) {
	t.Parallel()
	s, err := configure(t.Context(), environment(t), &servicetest.Lines{})
	require.NoError(t, err)
	require.Nil(t, s.activities.Grants)
	require.Nil(t, s.activities.Links)
	require.NoError(t, s.keepGrants(t.Context(), nil), "nobody is asked to keep any")
	require.NoError(t, s.database.Close())
}

func TestAStoreThatCannotBeReachedIsNoMistakeOfTheCommandLine(t *testing.T) {
	t.Parallel()
	code, _, stderr := once(t, environment(t, "CUTOVER_STORE_URL=postgres://cutover:"+canary+"@"+freeAddress(t)+"/cutover?sslmode=disable"), "grants", "list")
	require.Equal(t, service.Failed, code, stderr)
	require.Contains(t, stderr, config.EnvStoreURL)
}
