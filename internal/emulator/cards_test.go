package emulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// The ids the vendor prints for Amazon S3.
const (
	s3Old     = "4890fc95-5a1f-4983-94bb-e060c08e3f81"
	s3New     = "4fce964d-3f37-408f-9778-e597338a21ee"
	s3OldFlow = "71471eba-b620-49e4-90fd-23f1fa0174d8"
	s3NewFlow = "1a0514a6-33d4-4c7f-aff8-594799c47549"
)

// s3Cards are the two cards of Amazon S3: its accounts hold keys, so nobody signs in again.
func s3Cards() emulator.Cards {
	reauth := false
	return emulator.Cards{
		Name: "amazon-s3", Reauth: &reauth, Auth: emulator.AuthAccessKey,
		Old: emulator.Card{Name: "(Deprecated) Amazon S3", ID: s3Old, FlowSpecID: s3OldFlow},
		New: emulator.Card{Name: "Amazon S3", ID: s3New, FlowSpecID: s3NewFlow},
	}
}

func s3Dataflow(name string) emulator.Dataflow {
	return emulator.Dataflow{
		Name: name, Audiences: []emulator.Audience{{Name: name}}, Params: emulator.Params{"bucketName": "exports", "path": "daily/audiences"},
	}
}

// requireCarried checks the copy of an S3 dataflow the way a client would see it.
func (b *bench) requireCarried(name string) {
	b.t.Helper()
	const ofCard = "inheritedAttributes.targetConnections[].connectionSpec.id=="
	require.Len(b.t, b.filtered("/flows", ofCard+s3Old), 1)
	copies := b.filtered("/flows", ofCard+s3New)
	require.Len(b.t, copies, 1)
	require.Equal(b.t, name, text(copies[0], "name"))
	require.Equal(b.t, "disabled", text(copies[0], "state"))
	require.Equal(b.t, s3NewFlow, text(copies[0], "flowSpec", "id"))
	accounts := b.filtered("/connections", "connectionSpec.id=="+s3New)
	require.Len(b.t, accounts, 1)
	auth := accounts[0]["auth"].(map[string]any)
	require.Equal(b.t, "Access Key", auth["specName"])
	require.NotContains(b.t, auth["params"], "expirationDate", "a key does not end")
	require.Equal(b.t, map[string]any{"result": true}, b.get("/connections/"+text(accounts[0], "id")+"/test").object(b.t))
	targets := b.filtered("/targetConnections", "connectionSpec.id=="+s3New)
	require.Len(b.t, targets, 1)
	require.Equal(b.t, map[string]any{"bucketName": "exports", "path": "daily/audiences"}, targets[0]["params"])

	id := text(copies[0], "id")
	require.Equal(b.t, http.StatusOK, b.act(id, "enable").status)
	b.advance(time.Hour)
	require.Equal(b.t, "12:00:00 success", b.history(id)[1])
}

// Another migration than Pinterest's is a matter of the scenario alone.
func TestOtherCards(t *testing.T) {
	t.Parallel()
	b := small(t, hourly, func(s *emulator.Scenario) {
		s.Cards = s3Cards()
		s.Organizations[0].Sandboxes[0] = emulator.Sandbox{Name: "prod", Dataflows: []emulator.Dataflow{s3Dataflow("Loyal")}}
	}).login()
	b.requireCarried("Loyal")
	require.Len(t, b.filtered("/flows"), 4, "the unrelated dataflows stand on other cards")
	require.Len(t, b.filtered("/connectionSpecs", "id=="+s3New), 1)
}

// Organizations of two migrations live beside each other, even in one sandbox.
func TestTwoMigrations(t *testing.T) {
	t.Parallel()
	const text = `
migrations:
  - name: amazon-s3
    old: {name: (Deprecated) Amazon S3, id: ` + s3Old + `, flow_spec_id: ` + s3OldFlow + `}
    new: {name: Amazon S3, id: ` + s3New + `, flow_spec_id: ` + s3NewFlow + `}
    reauth: false
    auth: access_key
settings: {other_dataflows: -1}
organizations:
  - id: ` + acme + `
    client_id: acme-client
    client_secret: acme-secret
    sandboxes:
      - name: prod
        dataflows:
          - {name: Loyal, audiences: [Loyal], advertiser: "` + advertiser + `"}
          - {name: Loyal, audiences: [Loyal], migration: amazon-s3, params: {bucketName: exports, path: daily/audiences}}
  - id: GLOBEX@AdobeOrg
    migration: amazon-s3
    sandboxes:
      - name: prod
        dataflows:
          - {name: Files, audiences: [Files]}
`
	scenario, err := emulator.ParseScenario([]byte(text))
	require.NoError(t, err)
	b := start(t, scenario).login()
	b.requireCarried("Loyal")
	require.Len(t, b.filtered("/flows"), 4)
	require.Len(t, b.filtered("/connections"), 4, "one account for each card")
	prod := b.prod()
	ids := map[string]bool{}
	for _, f := range prod.Flows {
		ids[f.ID] = true
		require.Equal(t, f.Advertiser == "", f.Migration == "amazon-s3")
	}
	require.Len(t, ids, 4)
	require.NotNil(t, prod.Account("old", "amazon-s3"))
	require.False(t, prod.Account("new", "Pinterest").Authenticated, "the first migration still needs a person")

	state := b.State()
	require.Equal(t, []string{"", "amazon-s3"}, []string{state.Migrations[0].Name, state.Migrations[1].Name})
	for _, f := range state.Organization("GLOBEX@AdobeOrg").Sandbox("prod").Flows {
		require.Equal(t, "amazon-s3", f.Migration)
	}
	specs := b.filtered("/flowSpecs", "id=="+s3OldFlow)
	require.Len(t, specs, 1, "cards may share a flow spec")
	require.Len(t, specs[0]["targetConnectionSpecIds"], 2)

	page := string(b.must("GET", "/?q=1A2B3C", "", nil).body)
	for _, card := range []string{"(Deprecating) Pinterest", "(New) Pinterest", "(Deprecated) Amazon S3", "Amazon S3"} {
		require.Contains(t, page, "<h4>"+card+"</h4>")
	}
	require.NotContains(t, string(b.must("GET", "/?q=globex", "", nil).body), "<h4>(New) Pinterest</h4>")
}

// Both migrations pass the same stages.
func TestTwoMigrationsShareTheStages(t *testing.T) {
	t.Parallel()
	b := small(t, func(s *emulator.Scenario) {
		s.Migrations = []emulator.Cards{s3Cards()}
		s.Stages.CardsAvailable = emulator.FromStart(time.Hour)
		flow := s3Dataflow("Files")
		flow.Migration = "amazon-s3"
		sandbox := &s.Organizations[0].Sandboxes[0]
		sandbox.Accounts = append(sandbox.Accounts, emulator.Account{Name: "Acme Pinterest", Migration: "amazon-s3"})
		sandbox.Dataflows = append(sandbox.Dataflows, flow)
	}).login()
	require.Empty(t, b.filtered("/connectionSpecs", "id=="+s3New))
	require.Nil(t, b.prod().Flow("new", "Files"))
	b.advance(time.Hour)
	require.Len(t, b.filtered("/connectionSpecs", "id=="+s3New), 1)
	files := b.flow("new", "Files")
	require.Equal(t, b.flow("old", "Files").ID, files.Origin)
	accounts := map[string]string{}
	for _, a := range b.prod().Accounts {
		accounts[a.ID] = a.Card + " " + a.Migration
	}
	require.Len(t, accounts, len(b.prod().Accounts), "accounts of one name on two pairs have two ids")
	require.Equal(t, "new amazon-s3", accounts[files.Account])
	require.NotNil(t, b.flow("new", "Holiday shoppers"))
}
