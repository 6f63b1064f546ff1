package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/yamlfile"
)

const exampleManifest = "../../organizations.example.yaml"

// put writes a file into a directory of its own and returns its path.
func put(t *testing.T, name, content string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), mode))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

// faults returns the lines and texts of all faults, without the file's name.
func faults(t *testing.T, err error) []string {
	t.Helper()
	var list yamlfile.Faults
	require.ErrorAs(t, err, &list)
	texts := make([]string, len(list))
	for i, fault := range list {
		require.NotEmpty(t, fault.File)
		fault.File = "f"
		texts[i] = fault.String()
	}
	return texts
}

func TestExampleManifest(t *testing.T) {
	t.Parallel()
	manifest, err := ReadManifest(exampleManifest)
	require.NoError(t, err)
	require.Equal(t, "pinterest-v5", manifest.Playbook)
	require.Equal(t, []migration.Organization{
		{
			ID: "1A2B3C4D5E6F7A8B@AdobeOrg", Name: "Acme", Sandboxes: []string{"prod", "emea"},
			Contacts: []string{"marketing@acme.example"}, Credential: "acme", ExpectedDataflows: 3,
		},
		{
			ID: "6F5E4D3C2B1A9C8D@AdobeOrg", Name: "Globex", Sandboxes: []string{"prod"},
			Contacts: []string{"ads@globex.example"}, Credential: "globex", Language: "zh-TW",
		},
	}, manifest.Organizations)
	playbook, err := LoadPlaybook(manifest, time.Now())
	require.NoError(t, err)
	require.Equal(t, "pinterest-v5", playbook.Name)
}

func TestManifestTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	path := put(t, "organizations.yaml", `playbook: ""
extra: 1
organizations:
  - id: 1A2B
    name: Acme
    sandboxes: [Prod, emea, emea]
    contacts: [nobody, "Acme <a@acme.example>", a@acme.example]
    credential: acme
  - id: "bad id@AdobeOrg"
    expected_dataflows: -1
  - id: 1A2B
    name: Again
    credential: "s3cret value!"
  - name: No id
    credential: x
    language: Klingon
    owner: me
`, 0o644)
	_, err := ReadManifest(path)
	require.Equal(t, []string{
		"f:1: playbook: is missing: the name of a playbook (amazon-s3, pinterest-v5) or a path ending in .yaml",
		"f:2: field extra is unknown here",
		`f:4: organizations[0].id: "1A2B" must end in @AdobeOrg: it is the IMS organization id`,
		`f:6: organizations[0].sandboxes[0]: "Prod" is not a sandbox name: lower-case letters, digits and dashes`,
		`f:6: organizations[0].sandboxes[2]: "emea" is listed twice`,
		`f:7: organizations[0].contacts[0]: "nobody" is not a plain e-mail address such as marketing@acme.example`,
		`f:7: organizations[0].contacts[1]: "Acme <a@acme.example>" is not a plain e-mail address such as marketing@acme.example`,
		"f:9: organizations[1].credential: is missing: the name of an entry in the worker's credentials.yaml",
		`f:9: organizations[1].id: "bad id@AdobeOrg" is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg`,
		"f:9: organizations[1].name: is missing: people see it in notices",
		"f:10: organizations[1].expected_dataflows: must not be negative; leave it out if it is not known",
		`f:11: organizations[2].id: "1A2B" must end in @AdobeOrg: it is the IMS organization id`,
		"f:11: organizations[2].id: 1A2B stands at line 4 already",
		"f:13: organizations[2].credential: must be a name of letters, digits, dots, dashes and underscores; the credential itself stands in credentials.yaml",
		"f:14: organizations[3].id: is missing: the IMS organization id, such as 1A2B3C4D5E6F@AdobeOrg",
		`f:16: organizations[3].language: "Klingon" is not a language of the notices: en or zh-Hant`,
		"f:17: field owner is unknown here",
	}, faults(t, err))
}

func TestManifestThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		want    []string
	}{
		"empty":            {"", []string{"f: the file is empty: organizations.example.yaml shows what belongs here"}},
		"comments only":    {"# nothing\n", []string{"f: the file is empty: organizations.example.yaml shows what belongs here"}},
		"no organizations": {"playbook: pinterest-v5\n", []string{"f:1: organizations: is missing or empty: nothing would be migrated"}},
		"wrong type": {"playbook: pinterest-v5\norganizations: {a: 1}\n", []string{
			"f:2: a list belongs here",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadManifest(put(t, "organizations.yaml", tc.content, 0o644))
			require.Equal(t, tc.want, faults(t, err))
		})
	}
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		_, err := ReadManifest(filepath.Join(t.TempDir(), "organizations.yaml"))
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
	t.Run("a directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		_, err := ReadManifest(dir)
		require.ErrorIs(t, err, ErrNotFile)
		require.EqualError(t, err, dir+" is not a file")
	})
}

func TestFindSuggestsWhatWasMeant(t *testing.T) {
	t.Parallel()
	manifest, err := ReadManifest(exampleManifest)
	require.NoError(t, err)
	found, err := manifest.Find("6F5E4D3C2B1A9C8D@AdobeOrg")
	require.NoError(t, err)
	require.Equal(t, "Globex", found.Name)
	for id, want := range map[string]string{
		"6F5E4D3C2B1A9C8D":          "; did you mean 6F5E4D3C2B1A9C8D@AdobeOrg?",
		"acme":                      "; did you mean 1A2B3C4D5E6F7A8B@AdobeOrg?",
		"1A2B3C4D5E6F7A88@AdobeOrg": "; did you mean 1A2B3C4D5E6F7A8B@AdobeOrg?",
		"1a2b3c4d5e6f7a8b@adobeorg": "; did you mean 1A2B3C4D5E6F7A8B@AdobeOrg?",
		"ZZZZZZZZZZZZZZZZ@AdobeOrg": "",
		"":                          "",
	} {
		_, err := manifest.Find(id)
		require.ErrorIs(t, err, ErrUnknownOrganization)
		require.EqualError(t, err, `organization "`+id+`" is not in the manifest `+exampleManifest+want)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		require.Equal(t, tc.want, distance(tc.a, tc.b), "%s %s", tc.a, tc.b)
	}
}

func TestPlaybookByNameAndPath(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fast.yaml"), []byte(`
name: fast
title: A rehearsal
cards: {old: {names: [Old]}, new: {names: [New]}}
dates: {available: "-1s", reauthenticate_by: +30s, shutdown: +60s}
`), 0o600))
	manifestPath := filepath.Join(dir, "organizations.yaml")
	require.NoError(t, os.WriteFile(manifestPath, []byte("playbook: fast.yaml\norganizations: [{id: A@AdobeOrg, name: A, credential: a}]\n"), 0o600))
	manifest, err := ReadManifest(manifestPath)
	require.NoError(t, err)
	playbook, err := LoadPlaybook(manifest, start)
	require.NoError(t, err)
	require.Equal(t, "fast", playbook.Name)
	require.Equal(t, start.Add(30*time.Second), playbook.Timeline.ReauthenticateBy)

	for _, name := range []string{"pinterest-v6", "../pinterest-v5", "", "/etc/passwd"} {
		_, err := ReadPlaybook(name, dir, start)
		require.ErrorAs(t, err, new(*PlaybookError))
		require.EqualError(t, err, `"`+name+`" is unknown; there is amazon-s3, pinterest-v5, or give the path of a file ending in .yaml`)
	}
	_, err = ReadPlaybook("missing.yml", dir, start)
	require.ErrorAs(t, err, new(*PlaybookError))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "no file at "+filepath.Join(dir, "missing.yml"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.yaml"), []byte("name: Bad Name\n"), 0o600))
	_, err = ReadPlaybook("bad.yaml", dir, start)
	require.ErrorContains(t, err, filepath.Join(dir, "bad.yaml")+":1: name: \"Bad Name\" must be lower-case letters")
}

func TestAPlaybookThatIsNotThereHasItsPlaceInTheManifest(t *testing.T) {
	t.Parallel()
	const organizations = "organizations: [{id: A@AdobeOrg, name: A, credential: a}]\n"
	for name, want := range map[string]string{
		"nope":        `: playbook: "nope" is unknown; there is amazon-s3, pinterest-v5, or give the path of a file ending in .yaml`,
		"nope.yaml":   ": playbook: no file at DIR/nope.yaml; a path counts from the manifest's folder",
		"folder.yaml": ": playbook: DIR/folder.yaml is not a file",
	} {
		for content, line := range map[string]string{
			"playbook: " + name + "\n" + organizations: ":1",
			organizations + "playbook: " + name + "\n": ":2",
		} {
			path := put(t, "organizations.yaml", content, 0o644)
			dir := filepath.Dir(path)
			require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.yaml"), 0o700))
			manifest, err := ReadManifest(path)
			require.NoError(t, err)
			_, err = LoadPlaybook(manifest, time.Now())
			require.ErrorAs(t, err, new(yamlfile.Faults))
			require.EqualError(t, err, path+line+strings.ReplaceAll(want, "DIR", dir))
		}
	}
}
