package activities

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"cutover/internal/adobe"
	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// A vendor that goes on refusing a toggle for the sake of the state is asked once per attempt, and the pair is held with its words.
func TestToggleThatIsRefusedForItsStateIsWrittenOnce(t *testing.T) {
	t.Parallel()
	scenario, err := emulator.SmallScenario()
	require.NoError(t, err)
	emu, err := emulator.New(scenario, emulator.Options{})
	require.NoError(t, err)
	var writes atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/action") {
			emu.ServeHTTP(w, r)
			return
		}
		writes.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"type":"https://ns.adobe.com/aep/errors/FLOW-1422-400","title":"not allowed","status":400}`))
	}))
	t.Cleanup(server.Close)
	client, err := adobe.New(adobe.Config{IMSURL: server.URL, PlatformURL: server.URL})
	require.NoError(t, err)
	acts := &Activities{
		Adobe: client, Credentials: own(scenario.Organizations[0]), Now: time.Now,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}

	in := SwitchInput{Who: Who{ID: scenario.Organizations[0].ID, Credential: "acme"}, Sandbox: "prod", Order: migration.EnableFirst}
	for _, flow := range emu.State().Organizations[0].Sandboxes[0].Flows {
		if flow.Card == "new" && in.New == "" {
			in.New, in.Old = flow.ID, flow.Origin
		}
	}
	sandbox, err := acts.sandbox(in.Who, in.Sandbox)
	require.NoError(t, err)
	old, err := sandbox.Dataflow(t.Context(), in.Old)
	require.NoError(t, err)
	copied, err := sandbox.Dataflow(t.Context(), in.New)
	require.NoError(t, err)
	in.Fingerprint = migration.Fingerprint(dataflow(old, "prod"), dataflow(copied, "prod"))

	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	acts.RegisterWrites(env)
	_, err = env.ExecuteActivity("SwitchPair", in)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, Refused, failure.Type())
	require.True(t, failure.NonRetryable())
	require.Contains(t, failure.Message(), "FLOW-1422-400")
	require.EqualValues(t, 1, writes.Load())
}

// own is the credential of one organization.
type own emulator.Organization

func (o own) Lookup(name, organization string) (adobe.Credential, error) {
	return adobe.Credential{Name: name, Organization: organization, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: []string{"openid"}}, nil
}
