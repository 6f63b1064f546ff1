package badinput_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/workflows"
)

// holding is a story in which the vendor or the configuration stops an organization until a person acts: it must be seen that it is stopped, why
// and what to do, and after mending and a resume it goes on.
type holding struct {
	story

	what      string
	shows     []string // in one of the status's problems or waits
	errorType string   // the search attribute, where the organization as a whole is held
	plan      []string // what starter plan says meanwhile, if it fails too
	anew      bool     // what is mended is what the workflow was started with, so it is started anew
	mend      func(*testing.T, *site, story)
}

const (
	listing = "GET /flows"
	toggle  = "POST /flows/{id}/action"
)

func holdings() []holding {
	page := func(route string) emulator.Fault {
		return emulator.Fault{Route: route, Effect: emulator.EffectHTML, Status: http.StatusOK}
	}
	truncated := emulator.Fault{Route: "GET /connections", Effect: emulator.EffectTruncated}
	redirected := emulator.Fault{Route: listing, Effect: emulator.EffectRedirect}
	forbidden := emulator.Fault{Route: listing, Effect: emulator.EffectStatus, Status: http.StatusForbidden}
	return []holding{
		{
			what: "HTML for a listing", story: story{name: "grove", playbook: settled, fault: page(listing)}, errorType: "MalformedAnswer",
			shows: []string{"organization {org}, sandbox prod: malformed answer: want", "check the configured URL and what stands between it and here"},
			plan:  []string{"plan of {org}: ", "malformed answer", "check the configured URL"},
		},
		{
			what: "HTML for a token", story: story{name: "harbor", playbook: settled, fault: page("POST /ims/token/v3")}, errorType: "MalformedAnswer",
			shows: []string{"get an access token: organization {org}: malformed answer: want a JSON object with access_token", "check the configured URL"},
		},
		{
			what: "HTML for a toggle", story: story{name: "iris", playbook: settled, fault: page(toggle)},
			shows: []string{`dataflow "Cabins" ({old}1): switch dataflow {old}1 to its copy {new}1`, "malformed answer", "check the configured URL"},
		},
		{
			what: "half an answer", story: story{name: "juniper", playbook: settled, fault: truncated}, errorType: "MalformedAnswer",
			shows: []string{"organization {org}, sandbox prod: malformed answer: want", "check the configured URL"},
		},
		{
			what: "redirect to another host", story: story{name: "kelp", playbook: settled, fault: redirected}, errorType: "VendorRefused",
			shows: []string{"organization {org}, sandbox prod: GET /flows: status 302 (redirect): redirected to elsewhere.example", "redirects are not followed: correct the configured URL"},
		},
		{
			what: "permission missing", story: story{name: "lagoon", playbook: settled, fault: forbidden}, errorType: "VendorRefused",
			shows: []string{"organization {org}, sandbox prod: GET /flows: status 403", "give the credential's product profile and role the missing permission"},
		},
		{
			what: "wrong client secret", story: story{name: "maple", playbook: settled, key: key{Secret: marker + "-wrong"}}, errorType: "CredentialRefused",
			shows: []string{`credential "maple" of organization {org}: status 400 (invalid_client)`, "correct the client id and client secret of this credential"},
			plan:  []string{"plan of {org}: ", "invalid_client", "correct the client id and client secret"},
		},
		{
			what: "unknown credential", story: story{name: "nimbus", playbook: settled, key: key{Name: missing}}, errorType: "Misconfigured",
			shows: []string{`credential "forgotten" of organization {org} is unknown: add it to the worker's credentials file and restart the worker`},
			plan:  []string{"plan of {org}: ", `credential "forgotten" of organization {org} is unknown`},
		},
		{
			what: "credential of another organization", story: story{name: "ocean", playbook: settled, key: key{Name: "acme"}}, errorType: "Misconfigured", anew: true,
			shows: []string{`credential "acme" belongs to organization ACME@AdobeOrg and is never used for {org}`, "starter cancel --org {org} --yes"},
		},
		{
			what: "card missing in the catalog", story: story{name: "pine", playbook: misnamed}, errorType: "Misconfigured", anew: true,
			shows: []string{`organization {org}: Adobe's catalog has no card named "(Newest) Pinterest"`, "correct the playbook's names or give its spec_id", "cancel this organization and start it again"},
		},
		{
			what: "dataflow hidden by a label", story: story{name: "quartz", playbook: settled, label: "core/C12", expected: 2},
			shows: []string{"2 dataflows expected, 1 listed: an access label may hide some from the credential; give its role the label, then resume"},
			mend: func(t *testing.T, s *site, st story) {
				t.Helper()
				require.NoError(t, s.vendor.Hide(t.Context(), st.id(), "prod", st.name+"-old-1", false))
			},
		},
		{
			what: "unknown sandbox", story: story{name: "river", playbook: settled, sandbox: "emea"}, errorType: "VendorRefused", anew: true,
			shows: []string{"organization {org}, sandbox emea: GET /flows: status 404", "cancel this organization and start it again"},
		},
	}
}

// holds starts the organization and checks that it is seen to be stopped: in its status, its search attributes, a notice, and in a plan.
func (h holding) holds(t *testing.T, s *site) {
	t.Helper()
	t.Log("bad input: " + h.what)
	if h.fault.Effect != "" {
		h.fault.ID, h.fault.Organization = h.name, h.id()
		_, err := s.vendor.AddFault(t.Context(), h.fault)
		require.NoError(t, err)
	}
	begin(t, s, h.story)
	status := s.untilPhase(t, h.story, migration.NeedsAttention)
	h.sees(t, s, h.shows)
	require.NotEmpty(t, status.Waits)
	assert.Equal(t, migration.OnOperator, status.Waits[0].On)
	assert.Contains(t, status.Waits[0].Command, "starter resume --by NAME --org "+h.id())
	shown := s.does(t, "status --org %s --playbook %s.yaml", h.id(), h.playbook)
	for _, part := range h.shows {
		assert.Contains(t, shown, h.fill(part))
	}
	described, err := s.client.DescribeWorkflow(t.Context(), workflows.WorkflowID(h.playbook, h.id()), "")
	require.NoError(t, err)
	waitingOn, _ := described.TypedSearchAttributes.GetKeyword(workflows.AttributeWaitingOn)
	assert.Equal(t, migration.OnOperator, waitingOn)
	errorType, _ := described.TypedSearchAttributes.GetKeyword(workflows.AttributeErrorType)
	assert.Equal(t, h.errorType, errorType)
	if len(h.plan) > 0 {
		h.row(row{command: "starter plan --org {org}", code: failed, says: h.plan}).runOnce(t, s.place)
	}
}

// goesOn takes away what was wrong; the organization then ends as if nothing had been.
func (h holding) goesOn(t *testing.T, s *site) {
	t.Helper()
	if h.fault.Effect != "" {
		require.NoError(t, s.vendor.RemoveFault(t.Context(), h.name))
	}
	if h.mend != nil {
		h.mend(t, s, h.story)
	}
	if h.anew {
		s.does(t, "cancel --yes --org %s --playbook %s.yaml", h.id(), h.playbook)
		s.ends(t, h.story)
		begin(t, s, h.story)
	} else {
		s.does(t, "resume --by ops --org %s --playbook %s.yaml", h.id(), h.playbook)
	}
	s.migrates(t, h.story)
}

// mended corrects the files: the credentials, which a worker reads when it starts, the manifest and the playbook, which a start reads.
func (s *site) mended(t *testing.T, stories []story) {
	t.Helper()
	for i := range stories {
		stories[i].sandbox, stories[i].key.Secret = "", ""
		if stories[i].key.Name != missing {
			stories[i].key.Name = ""
		}
	}
	s.writeFiles(t, stories, func(st story) string {
		if st.key.Name == missing {
			return missing
		}
		return st.name
	})
	path := filepath.Join(s.dir, misnamed+".yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(text, []byte("(Newest)"), []byte("(New)")), 0o600))
	require.NoError(t, s.worker.Stop())
	require.NoError(t, s.worker.Start(t.Context()))
}
