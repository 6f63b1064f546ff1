package badinput_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"cutover/internal/migration"
	"cutover/workflows"
)

// Namespaces of the server that are not as the product needs them.
const (
	bare     = "bare"     // without search attributes
	mistyped = "mistyped" // one search attribute has another type
)

// temporalRows are what is wrong with the Temporal that was named.
func temporalRows(temporal, vendor string) []row {
	nowhere, elsewhere := []string{"TEMPORAL_ADDRESS=127.0.0.1:1"}, []string{"TEMPORAL_ADDRESS=" + strings.TrimPrefix(vendor, "http://")}
	in := func(namespace string) []string { return []string{"TEMPORAL_NAMESPACE=" + namespace} }
	worker := func(env []string) []string {
		return append([]string{"CUTOVER_HEALTH_ADDRESS=127.0.0.1:0", "CUTOVER_LOG_LEVEL=error"}, env...)
	}
	const create = "temporal operator search-attribute create --namespace "
	return []row{
		{
			name: "Temporal down", env: nowhere, command: "starter status", code: failed, kind: "unreachable",
			says: []string{"cannot reach Temporal at 127.0.0.1:1", "start the server there or set TEMPORAL_ADDRESS"},
		},
		{
			name: "Temporal down at a start", env: nowhere, command: "starter start --all", code: failed, kind: "unreachable",
			says: []string{"cannot reach Temporal at 127.0.0.1:1", "start the server there or set TEMPORAL_ADDRESS"},
		},
		{
			name: "another server than Temporal", env: elsewhere, command: "starter status", code: failed, kind: "unreachable",
			says: []string{"cannot reach Temporal at", "TEMPORAL_ADDRESS"},
		},
		{
			name: "namespace missing", env: in("cutovr"), command: "starter status", code: failed, kind: "unreachable",
			says: []string{`has no namespace "cutovr"`, "temporal operator namespace create --address " + temporal + " --namespace cutovr", "set TEMPORAL_NAMESPACE"},
		},
		{
			name: "namespace missing, worker", env: worker(in("cutovr")), command: "worker", code: failed,
			says: []string{`has no namespace "cutovr"`, "temporal operator namespace create --address " + temporal + " --namespace cutovr"},
		},
		{
			name: "search attributes missing, worker", env: worker(in(bare)), command: "worker", code: failed,
			says: []string{"namespace bare: search attributes are missing", create + "bare --name CutoverDeadline --type Datetime --name CutoverErrorType --type Keyword", "--name CutoverOpen --type Int"},
		},
		{
			name: "search attributes missing, start", env: in(bare),
			command: "starter start --org ACME@AdobeOrg", code: failed, kind: inResult,
			says: []string{"1 of 1 organizations could not be started"}, prints: []string{"starter search-attributes"},
		},
		{
			name: "search attributes missing, list", env: in(bare), command: "starter status", code: failed,
			says: []string{"namespace bare", "starter search-attributes"},
		},
		{name: "search attribute of another type", env: worker(in(mistyped)), command: "worker", code: failed, says: []string{
			"search attribute CutoverOpen has the type Keyword instead of Int", "search-attribute remove --yes --namespace mistyped --name CutoverOpen", create + "mistyped --name CutoverOpen --type Int",
		}},
	}
}

// addNamespaces makes the namespaces of the rows.
func addNamespaces(t *testing.T, s *site) {
	t.Helper()
	for _, name := range []string{bare, mistyped} {
		_, err := s.client.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
			Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
		})
		require.NoError(t, err)
	}
	attributes := workflows.SearchAttributes()
	attributes[workflows.AttributeOpen.GetName()] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	require.EventuallyWithT(t, func(c *assert.CollectT) { // the server notices a namespace after a while
		_, err := s.client.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
			Namespace: mistyped, SearchAttributes: attributes,
		})
		assert.NoError(c, err)
	}, patience, 200*time.Millisecond)
	for _, name := range []string{bare, mistyped} {
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			_, err := s.client.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: name})
			assert.NoError(c, err)
		}, patience, 200*time.Millisecond)
	}
}

// outage is a story that Temporal's own failure cuts short.
func outage() story { return story{name: "sierra", playbook: signIn} }

// outageRows are what is typed while the server is down.
func outageRows(temporal, health string) []row {
	return []row{
		{
			name:    "signal while Temporal is down",
			command: saysSo + "{account}", code: failed, kind: "unreachable",
			says: []string{"cannot reach Temporal at " + temporal, "TEMPORAL_ADDRESS"},
		},
		{
			name:    "decision while Temporal is down",
			command: "starter pause --org {org} --by ops --reason fair", code: failed, kind: "unreachable",
			says: []string{"cannot reach Temporal at " + temporal, "TEMPORAL_ADDRESS"},
		},
		{
			name: "worker's health while Temporal is down", env: []string{"CUTOVER_HEALTH_ADDRESS=" + strings.TrimPrefix(health, "http://")},
			command: "worker health", code: failed,
			says: []string{"not ready"}, prints: []string{"Temporal does not answer"},
		},
	}
}

// survivesOutage kills the server under an organization that waits. A worker that is stopped and started meanwhile waits for the server; then
// everything goes on where it was.
func survivesOutage(t *testing.T, s *site) {
	t.Helper()
	st := outage()
	begin(t, s, st)
	s.untilPhase(t, st, migration.AwaitingReauth)
	require.NoError(t, s.temporal.Kill())
	s.untilUnready(t)
	for _, r := range outageRows(s.temporal.Address, s.worker.Health) {
		t.Log("bad input: " + r.name)
		st.row(r).runOnce(t, s.place)
	}
	require.NoError(t, s.worker.Stop())
	path := s.worker.Log // Start replaces what it belongs to
	require.NoError(t, os.Truncate(path, 0))
	ready := make(chan error, 1)
	go func() { ready <- s.worker.Start(t.Context()) }()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		log, err := os.ReadFile(path)
		require.NoError(c, err)
		assert.Contains(c, string(log), "Temporal cannot be reached, trying again")
		assert.Contains(c, string(log), s.temporal.Address)
	}, patience, askEvery)
	require.NoError(t, s.temporal.Start(t.Context()))
	require.NoError(t, <-ready)
	s.signs(t, st)
	types(saysSo+"{account}")(t, s, st)
	s.migrates(t, st)
}

// untilUnready waits until the worker has noticed that the server is gone: it keeps an answer about it for some seconds.
func (s *site) untilUnready(t *testing.T) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.worker.Health+"/readyz", http.NoBody)
		require.NoError(c, err)
		answer, err := (&http.Client{Timeout: patience}).Do(request)
		require.NoError(c, err)
		defer answer.Body.Close()
		assert.Equal(c, http.StatusServiceUnavailable, answer.StatusCode)
	}, patience, askEvery)
}
