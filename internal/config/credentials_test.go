package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"cutover/internal/adobe"
)

// canary stands for a secret wherever one is read; no text may ever hold it.
const canary = "s3cr3t-canary-7d1f"

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestExampleCredentials(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../credentials.example.yaml")
	require.NoError(t, err)
	path := put(t, "credentials.yaml", string(example), 0o600)
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(path), "secrets"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "secrets", "acme"), []byte(canary+"\n"), 0o600))

	credentials, err := ReadCredentials(path, environment("CUTOVER_SECRET_GLOBEX", "globex-secret"))
	require.NoError(t, err)
	require.Equal(t, 2, credentials.Len())
	require.Equal(t, []string{canary, "globex-secret"}, credentials.Secrets())
	acme, err := credentials.Lookup("acme", "1A2B3C4D5E6F7A8B@AdobeOrg")
	require.NoError(t, err)
	require.Equal(t, canary, acme.ClientSecret)
	require.Equal(t, "5f2d0c0ffee05f2d0c0ffee05f2d0c0f", acme.ClientID)
	require.Equal(t, DefaultScopes(), acme.Scopes)
	globex, err := credentials.Lookup("globex", "6F5E4D3C2B1A9C8D@AdobeOrg")
	require.NoError(t, err)
	require.Equal(t, "globex-secret", globex.ClientSecret)
	require.Equal(t, DefaultScopes(), globex.Scopes)

	manifest, err := ReadManifest(exampleManifest)
	require.NoError(t, err)
	for _, o := range manifest.Organizations {
		_, err := credentials.Lookup(o.Credential, o.ID)
		require.NoError(t, err, "the two examples fit together")
	}
}

// One worker serves more than ten thousand organizations from one file.
func TestCredentialsOfManyOrganizations(t *testing.T) {
	t.Parallel()
	const many = 12_000
	var text strings.Builder
	for i := range many {
		fmt.Fprintf(&text, "customer-%05d:\n  organization: %024X@AdobeOrg\n  client_id: %032x\n  client_secret: {env: CUTOVER_SECRET}\n", i, i, i)
	}
	credentials, err := ReadCredentials(put(t, "credentials.yaml", text.String(), 0o600), environment("CUTOVER_SECRET", canary))
	require.NoError(t, err)
	require.Equal(t, many, credentials.Len())
}

func TestLookupNeverCrossesOrganizations(t *testing.T) {
	t.Parallel()
	path := put(t, "credentials.yaml", "acme: {organization: AAA@AdobeOrg, client_id: a, client_secret: {env: S}}\n", 0o600)
	credentials, err := ReadCredentials(path, environment("S", canary))
	require.NoError(t, err)

	got, err := credentials.Lookup("acme", "BBB@AdobeOrg")
	var foreign *ForeignCredentialError
	require.ErrorAs(t, err, &foreign)
	require.Equal(t, ForeignCredentialError{Name: "acme", Organization: "BBB@AdobeOrg", BoundTo: "AAA@AdobeOrg"}, *foreign)
	require.Equal(t, adobe.Credential{}, got, "nothing is handed out")
	require.True(t, foreign.Misconfigured(), "trying again does not help")
	require.EqualError(t, err, `credential "acme" belongs to organization AAA@AdobeOrg and is never used for BBB@AdobeOrg: correct the manifest's credential, `+
		"then start it anew: starter cancel --org BBB@AdobeOrg --yes and starter start --org BBB@AdobeOrg")

	_, err = credentials.Lookup("globex", "AAA@AdobeOrg")
	var unknown *UnknownCredentialError
	require.ErrorAs(t, err, &unknown)
	require.True(t, unknown.Misconfigured(), "trying again does not help")
	require.Contains(t, err.Error(), `credential "globex" of organization AAA@AdobeOrg is unknown`)
}

func TestCredentialsTellEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	path := put(t, "credentials.yaml", `a:
  client_id: one
  client_secret: `+canary+`
b:
  organization: BBB
  client_secret: {file: open}
c:
  organization: CCC@AdobeOrg
  client_id: one
  client_secret: {env: NOT_SET}
d:
  organization: DDD@AdobeOrg
  client_id: d
  client_secret: {env: A, file: b}
e:
  organization: EEE@AdobeOrg
  client_id: e
  client_secret: {`+canary+`: 1}
  scopes: ["openid,session"]
f:
  organization: FFF@AdobeOrg
  client_id: f
  client_secret: {file: missing}
  secret: `+canary+`
g:
  organization: GGG@AdobeOrg
  client_id: g
  client_secret: {file: empty}
h:
  organization: HHH@AdobeOrg
  client_id: h
  client_secret: {env: TWO_LINES}
i:
  organization: III@AdobeOrg
  client_id: i
j k:
  organization: JJJ@AdobeOrg
  client_id: j
  client_secret: {env: }
`, 0o600)
	dir := filepath.Dir(path)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "open"), []byte(canary), 0o600))
	require.NoError(t, os.Chmod(filepath.Join(dir, "open"), 0o640))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600))
	_, err := ReadCredentials(path, environment("TWO_LINES", canary+"\n"+canary))
	require.Equal(t, []string{
		"f:1: a.organization: is missing: the IMS organization id that this credential belongs to; it is never used for another",
		"f:3: a.client_secret: is written in place; a secret stands in a file or an environment variable of its own: give {file: PATH} or {env: NAME}",
		"f:4: b.client_id: is missing",
		"f:5: b.organization: is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg",
		"f:6: b.client_secret: " + dir + "/open can be read by others (mode 0640): run chmod 600 " + dir + "/open",
		`f:9: c.client_id: is that of credential "a" too: an Adobe credential belongs to one organization and needs one entry`,
		"f:10: c.client_secret: environment variable NOT_SET is empty or not set",
		"f:14: d.client_secret: has both file and env; give {file: PATH} or {env: NAME}",
		"f:18: e.client_secret: has an unknown key; give {file: PATH} or {env: NAME}",
		"f:19: e.scopes[0]: is not a scope such as openid; give one per list item",
		"f:23: f.client_secret: no file at " + dir + "/missing",
		"f:24: field secret is unknown here",
		"f:28: g.client_secret: file " + dir + "/empty is empty",
		"f:32: h.client_secret: environment variable TWO_LINES holds more than one line",
		"f:33: i.client_secret: is missing; give {file: PATH} or {env: NAME}",
		"f:36: j k: must be a name of letters, digits, dots, dashes and underscores",
		"f:39: j k.client_secret: env has no value; give {file: PATH} or {env: NAME}",
	}, faults(t, err))
	require.NotContains(t, err.Error(), canary)
}

func TestCredentialsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string
	}{
		"world readable":  {"a: {}", 0o644, "can be read by others (mode 0644): run chmod 600 "},
		"group readable":  {"a: {}", 0o640, "can be read by others (mode 0640): run chmod 600 "},
		"empty":           {"", 0o600, "credentials.yaml: the file is empty: credentials.example.yaml shows what belongs here"},
		"no entries":      {"{}", 0o600, "holds no credential"},
		"a secret anchor": {"a: {client_secret: *" + canary + "}", 0o600, "unknown anchor a value referenced"},
		"a list":          {"- " + canary, 0o600, "a group of keys belongs here"},
		"a text":          {canary, 0o600, "a group of keys belongs here"},
		"a broken line":   {"a: {client_secret: \"" + canary, 0o600, "credentials.yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadCredentials(put(t, "credentials.yaml", tc.content, tc.mode), environment())
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), canary)
		})
	}
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "credentials.yaml")
		_, err := ReadCredentials(path, environment())
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.EqualError(t, err, "CUTOVER_CREDENTIALS: no file at "+path+": write one (credentials.example.yaml shows it) or set the variable")
	})
	t.Run("a directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		_, err := ReadCredentials(dir, environment())
		require.ErrorIs(t, err, ErrNotFile)
		require.EqualError(t, err, "CUTOVER_CREDENTIALS: "+dir+" is not a file")
	})
	t.Run("below a file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(put(t, "file", "", 0o600), "credentials.yaml")
		_, err := ReadCredentials(path, environment())
		require.EqualError(t, err, "CUTOVER_CREDENTIALS: cannot read "+path+": not a directory")
	})
	t.Run("for others to read", func(t *testing.T) {
		t.Parallel()
		path := put(t, "credentials.yaml", "a: {}", 0o644)
		_, err := ReadCredentials(path, environment())
		require.EqualError(t, err, "CUTOVER_CREDENTIALS: "+path+" can be read by others (mode 0644): run chmod 600 "+path)
	})
}

func TestCredentialsShowNothing(t *testing.T) {
	t.Parallel()
	path := put(t, "credentials.yaml", "acme: {organization: AAA@AdobeOrg, client_id: client-"+canary+", client_secret: {env: S}}\n", 0o600)
	credentials, err := ReadCredentials(path, environment("S", canary))
	require.NoError(t, err)
	one, err := credentials.Lookup("acme", "AAA@AdobeOrg")
	require.NoError(t, err)
	for _, value := range []any{credentials, &credentials, one, &one, []any{credentials, one}, struct{ C Credentials }{credentials}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			require.NotContains(t, fmt.Sprintf(verb, value), canary, verb)
			require.NotContains(t, fmt.Sprintf(verb, value), fmt.Sprintf("%x", canary), verb)
		}
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(data), canary)
	}
	encoder := zapcore.NewMapObjectEncoder()
	require.NoError(t, encoder.AddReflected("c", credentials))
	data, err := json.Marshal(encoder.Fields)
	require.NoError(t, err)
	require.NotContains(t, string(data), canary)
}
