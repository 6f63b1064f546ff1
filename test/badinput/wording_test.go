package badinput_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJargon checks the check: what it must find in a message, and what it must let pass.
func TestJargon(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"panic: runtime error: index out of range", "goroutine 1 [running]:", "\t/src/worker/main.go:27 +0x1d", "line 6: cannot unmarshal !!str into emulator.Sandbox",
		"rpc error: code = Unavailable", "flag --org: %!s(MISSING)", "account <nil> is unknown", "field a not found in type config.manifestFile",
	} {
		require.Regexp(t, jargon, message)
	}
	for _, message := range []string{
		"organizations.yaml:5: organizations[1].id: ACME@AdobeOrg stands at line 4 already",
		"add it to the worker's credentials file and restart the worker", "adobe: list dataflows: organization ACME@AdobeOrg, sandbox prod: GET /flows: status 403 (403025)",
	} {
		require.NotRegexp(t, jargon, message)
	}
}

// TestLogLines checks that log lines are told from the message that stands between them.
func TestLogLines(t *testing.T) {
	t.Parallel()
	const said = "worker: no\n"
	require.Equal(t, said, logLine.ReplaceAllString(`{"level":"info","msg":"starting"}`+"\n"+said+"2026-11-24T08:00:00Z\tinfo\tstopped\n", ""))
}
