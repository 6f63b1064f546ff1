package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"cutover/internal/migration"
	"cutover/internal/yamlfile"
)

// FuzzManifest reads any bytes as a manifest: what is accepted can be started as it stands, and every fault has its place.
func FuzzManifest(f *testing.F) {
	example, err := os.ReadFile(exampleManifest)
	require.NoError(f, err)
	for _, seed := range []string{
		string(example), "", "# none\n", "playbook: p\norganizations: []\n", "playbook: p.yaml\norganizations: [{id: 1@AdobeOrg, name: a, credential: ../b}]\n",
		"playbook: p\norganizations:\n  - &a {id: 1A@AdobeOrg, name: A, credential: a, sandboxes: [prod, prod], contacts: [\"A <a@b.example>\"]}\n  - *a\n",
		"playbook: p\norganizations: [{id: 1A/..@AdobeOrg, name: A, credential: a}]\n",
		"playbook: p\norganizations: [{id: \"1A\\n@AdobeOrg\", name: \" \", credential: a, language: x-y, expected_dataflows: -1}]\n",
	} {
		f.Add([]byte(seed), "1A2B3C4D5E6F7A8B")
	}
	path := filepath.Join(f.TempDir(), "organizations.yaml")
	f.Fuzz(func(t *testing.T, data []byte, sought string) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		manifest, err := ReadManifest(path)
		if err != nil {
			requirePlaces(t, path, err)
			return
		}
		require.NotEmpty(t, strings.TrimSpace(manifest.Playbook))
		require.NotEmpty(t, manifest.Organizations)
		seen := map[string]bool{}
		for _, o := range manifest.Organizations {
			require.True(t, migration.ValidOrganizationID(o.ID) && !seen[o.ID], "%q", o.ID)
			seen[o.ID] = true
			require.NotEmpty(t, strings.TrimSpace(o.Name))
			require.NotEmpty(t, o.Sandboxes)
			require.False(t, slices.ContainsFunc(o.Sandboxes, func(s string) bool { return !migration.ValidSandboxName(s) }), "%q", o.Sandboxes)
			require.NotContains(t, o.Credential, "/")
			require.False(t, slices.ContainsFunc(o.Contacts, func(c string) bool { return strings.ContainsAny(c, "\r\n") }), "%q", o.Contacts)
			found, err := manifest.Find(o.ID)
			require.NoError(t, err)
			require.Equal(t, o, found)
		}
		if _, err := manifest.Find(sought); err != nil {
			require.ErrorIs(t, err, ErrUnknownOrganization)
		}
	})
}

// FuzzSecretFiles reads any bytes as each file that says where secrets are. Neither a secret that stands elsewhere nor one that was written in place
// comes back in a fault.
func FuzzSecretFiles(f *testing.F) {
	for _, name := range []string{"credentials.example.yaml", "notices.example.yaml", "pinterest-app.example.yaml"} {
		example, err := os.ReadFile("../../" + name)
		require.NoError(f, err)
		text := string(example)
		f.Add(text, canary)
		f.Add(strings.ReplaceAll(text, "{", canary+"{"), canary)
		f.Add(strings.NewReplacer("{file:", canary+" #", "{env:", canary+" #").Replace(text), canary+"\n"+canary)
		f.Add(strings.NewReplacer("{file: secrets/", "*"+canary, "{env: CUTOVER_", "!"+canary+" ").Replace(text), "")
	}
	for _, value := range []string{canary, "*" + canary, "&" + canary + " x", "!" + canary + " x", "[" + canary + "]", "{file: [" + canary + "]}", "'" + canary, "\"\\q" + canary, "|" + canary, "@" + canary} {
		f.Add("acme: {organization: 1A@AdobeOrg, client_id: a, client_secret: "+value+"}\n", canary)
		f.Add("client_id: "+value+"\nclient_secret: "+value+"\n", canary)
		f.Add("organizations: [{mail: {host: h, port: "+value+", from: a@b.example, username: u, password: "+value+"}}]\noperator: [{chat: {url: "+value+"}}]\n", canary)
		f.Add("organizations: [{webhook: {url: "+value+", secret: "+value+"}}]\noperator: [{outbox: o}, {webhook: {url: \"https://u:"+canary+"@h/?t="+canary+"\", secret: {env: S}}}]\n", canary)
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "file.yaml")
	secrets := filepath.Join(dir, "secrets")
	require.NoError(f, os.Mkdir(secrets, 0o700))
	f.Fuzz(func(t *testing.T, text, secret string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		for _, name := range []string{"acme", "smtp", "webhook", "pinterest"} {
			require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte(secret), 0o600))
		}
		getenv := func(string) string { return secret }
		credentials, credentialsErr := ReadCredentials(path, getenv)
		notices, noticesErr := ReadNotices(path, getenv)
		app, appErr := ReadPinterestApp(path, getenv)
		for _, err := range []error{credentialsErr, noticesErr, appErr} {
			if err == nil {
				continue
			}
			requirePlaces(t, path, err)
			if !named(text) {
				require.NotContains(t, err.Error(), canary)
			}
		}
		if credentialsErr == nil {
			require.Positive(t, credentials.Len())
			require.NotContains(t, credentials.Secrets(), "")
		}
		require.NotContains(t, notices.String()+credentials.String(), canary)
		require.True(t, appErr != nil || app.ClientID != "" && app.ClientSecret != "")
	})
}

// named tells whether the file has the canary where no secret belongs and a fault must say what stands there: in a key, or as the name of something.
func named(text string) bool {
	var root yaml.Node
	return yaml.Unmarshal([]byte(text), &root) == nil && namedBelow(&root, "")
}

func namedBelow(node *yaml.Node, key string) bool {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			at := node.Content[i].Value
			if strings.Contains(at, canary) && key != "client_secret" || namedBelow(node.Content[i+1], at) {
				return true
			}
		}
	case yaml.DocumentNode, yaml.SequenceNode:
		return slices.ContainsFunc(node.Content, func(child *yaml.Node) bool { return namedBelow(child, key) })
	case yaml.ScalarNode:
		return strings.Contains(node.Value, canary) && slices.Contains([]string{"file", "env", "operator_contacts"}, key)
	case yaml.AliasNode:
	}
	return false
}

// requirePlaces checks that faults name the file, and a line of it wherever they are about a value.
func requirePlaces(t *testing.T, path string, err error) {
	t.Helper()
	require.NotErrorIs(t, err, fs.ErrPermission)
	var faults yamlfile.Faults
	require.ErrorAs(t, err, &faults)
	require.NotEmpty(t, faults)
	for _, fault := range faults {
		require.Equal(t, path, fault.File)
		require.True(t, fault.Line > 0 || fault.Path == "", "%s", fault)
		require.NotContains(t, fault.String(), "\n")
	}
}
