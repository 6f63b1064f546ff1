package main

import (
	"bytes"
	"encoding/base64"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"cutover/internal/emulator"
	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/migration"
	"cutover/workflows"
)

func TestAnEncryptedMigrationFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s, ok := newSite(t)
	if !ok {
		return
	}
	org := s.org()
	mine, other := filepath.Join(t.TempDir(), "keys.json"), filepath.Join(t.TempDir(), "other.json")
	keyset, err := keys.Create(t.Context(), mine, "")
	require.NoError(t, err)
	_, err = keys.Create(t.Context(), other, "")
	require.NoError(t, err)
	blind, blinder := *s, *s
	s.env = append(slices.Clone(s.env), "CUTOVER_CODEC_KEYS="+mine)
	blinder.env = append(slices.Clone(s.env), "CUTOVER_CODEC_KEYS="+other)
	options, err := engine.ClientOptions(s.env, zap.NewNop())
	require.NoError(t, err)
	s.client, err = client.Dial(engine.Encrypted(options, keyset))
	require.NoError(t, err)
	t.Cleanup(s.client.Close)
	const missing, wrong = "this organization's workflow is encrypted: set CUTOVER_CODEC_KEYS", "and not with the keys of CUTOVER_CODEC_KEYS"

	require.Equal(t, resultStarted, do[startAnswer](t, s, "start", "--all").Organizations[0].Result)
	stop := s.work(t)
	defer stop()
	waiting := s.await(t, "a person is waited for", func(d statusDetail) bool {
		return d.Status != nil && d.Status.Phase == migration.AwaitingReauth && len(d.Status.Accounts) > 0
	})
	require.NotEmpty(t, do[planAnswer](t, s, "plan", "--org", org).Plan.Pairs)
	require.True(t, do[updateAnswer](t, s, "pause", "--org", org, "--by", "operator", "--reason", "audit").Status.Paused)
	require.False(t, do[updateAnswer](t, s, "resume", "--org", org, "--by", "operator").Status.Paused)

	for _, tc := range []struct {
		site *site
		want string
	}{{&blind, missing}, {&blinder, wrong}} {
		got := tc.site.ask(t, "status", "--org", org)
		require.Equal(t, exitDone, got.code, got.stderr)
		require.Contains(t, got.stderr, tc.want)
		require.Contains(t, got.stdout, string(migration.AwaitingReauth), "search attributes stay readable")
		got = tc.site.ask(t, "report")
		require.Equal(t, exitDone, got.code, got.stderr)
		require.Contains(t, got.stderr, tc.want)
		require.NotContains(t, got.stderr, "did not answer")
		for _, args := range [][]string{
			{"plan", "--org", org},
			{"pause", "--org", org, "--by", "operator", "--reason", "audit"},
			{"signal", "reauth-completed", "--org", org, "--account", waiting.Status.Accounts[0].ID, "--by", "operator", "--confirm"},
		} {
			got := tc.site.ask(t, args...)
			require.Equal(t, exitFailed, got.code, got.stdout)
			require.Contains(t, got.stderr, tc.want)
		}
	}
	require.False(t, do[statusDetail](t, s, "status", "--org", org).Status.Paused, "what was refused was not sent")

	// A signal needs no keys: it is what Temporal's own tools send.
	for _, a := range waiting.Status.Accounts {
		require.NoError(t, s.emulator.Reconnect(org, a.Sandbox, a.ID, emulator.Reconnection{By: "customer"}))
		do[signalAnswer](t, &blind, "signal", "reauth-completed", "--org", org, "--account", a.ID, "--by", "customer")
	}
	ended := s.await(t, "the end", func(d statusDetail) bool { return d.Execution == "completed" })
	require.Equal(t, string(migration.Migrated), ended.Outcome)
	got := blind.ask(t, "pause", "--org", org, "--by", "operator", "--reason", "audit")
	require.Contains(t, got.stderr, "has already finished (completed); to know how it went: "+missing)

	var history []byte
	events := s.client.GetWorkflowHistory(t.Context(), workflows.WorkflowID("rehearsal", org), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		wire, err := proto.Marshal(event)
		require.NoError(t, err)
		history = append(history, wire...)
	}
	for _, private := range []string{"marketing@acme.example", "Acme"} {
		require.False(t, bytes.Contains(history, []byte(private)), private)
		require.False(t, bytes.Contains(history, []byte(base64.StdEncoding.EncodeToString([]byte(private)))), private)
	}
}

func TestKeysThatCannotBeReadAreAWrongCommand(t *testing.T) {
	t.Parallel()
	absent := filepath.Join(t.TempDir(), "keys.json")
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), []string{"status", "--org", acme, "--playbook", "pinterest-v5"}, []string{
		"TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "none.toml"), "TEMPORAL_ADDRESS=" + freeAddress(t), "CUTOVER_CODEC_KEYS=" + absent,
	}, &stdout, &stderr)
	require.Equal(t, exitUsage, code, stderr.String())
	require.Contains(t, stderr.String(), "starter: CUTOVER_CODEC_KEYS: ")
	require.Contains(t, stderr.String(), absent)
}
