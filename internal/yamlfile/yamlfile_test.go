package yamlfile_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"cutover/internal/yamlfile"
)

type settings struct {
	Name  string `yaml:"name"`
	Count int    `yaml:"count"`
	On    bool   `yaml:"on"`
	Inner inner  `yaml:"inner"`
	List  []item `yaml:"list"`
}

type inner struct {
	Depth int    `yaml:"depth"`
	Label string `yaml:"label"`
}

type item struct {
	ID   string   `yaml:"id"`
	Tags []string `yaml:"tags"`
}

// faults are the faults of data as a person sees them, one string each.
func faults(t *testing.T, data string) []string {
	t.Helper()
	var into settings
	return texts(t, yamlfile.Parse("settings.yaml", []byte(data), &into).Err())
}

func texts(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var all yamlfile.Faults
	require.ErrorAs(t, err, &all)
	out := make([]string, len(all))
	for i, fault := range all {
		out[i] = fault.String()
	}
	return out
}

func TestParseReads(t *testing.T) {
	t.Parallel()
	var got settings
	doc := yamlfile.Parse("settings.yaml", []byte("name: a\ncount: 3\non: true\ninner: {depth: 1, label: b}\nlist:\n  - id: x\n    tags: [p, q]\n...\n"), &got)
	require.NoError(t, doc.Err())
	require.Equal(t, settings{
		Name: "a", Count: 3, On: true, Inner: inner{1, "b"}, List: []item{{"x", []string{"p", "q"}}},
	}, got)
}

func TestParseKeepsDefaults(t *testing.T) {
	t.Parallel()
	got := settings{Name: "default", Count: 7, Inner: inner{Depth: 9}}
	require.NoError(t, yamlfile.Parse("settings.yaml", []byte("inner: {label: b}\n"), &got).Err())
	require.Equal(t, settings{Name: "default", Count: 7, Inner: inner{9, "b"}}, got)
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want [][2]string // how each fault begins, and what its text must say
	}{
		"empty":             {"", [][2]string{{"settings.yaml: ", "the file is empty"}}},
		"comments only":     {"# nothing yet\n\n", [][2]string{{"settings.yaml: ", "the file is empty"}}},
		"two documents":     {"name: a\n---\nname: b\n", [][2]string{{"settings.yaml: ", "more than one YAML document"}}},
		"second is broken":  {"name: a\n---\n[\n", [][2]string{{"settings.yaml: ", "more than one YAML document"}}},
		"unknown key":       {"name: a\nnmae: b\n", [][2]string{{"settings.yaml:2: ", "nmae is unknown here"}}},
		"unknown inner key": {"inner:\n  depth: 1\n  dpeth: 2\n", [][2]string{{"settings.yaml:3: ", "dpeth is unknown here"}}},
		"unknown in a list": {"list:\n  - id: a\n  - id: b\n    tag: c\n", [][2]string{{"settings.yaml:4: ", "tag is unknown here"}}},
		"duplicate key":     {"name: a\ncount: 1\nname: b\n", [][2]string{{"settings.yaml:3: ", "name"}}},
		"inner duplicate":   {"list:\n  - id: a\n    id: b\n", [][2]string{{"settings.yaml:3: ", "id"}}},
		"not YAML":          {"name: a\nlist: [1\n", [][2]string{{"settings.yaml:", "expected ',' or ']'"}}},
		"unclosed quote":    {"name: \"abc\n", [][2]string{{"settings.yaml:2: ", "end of stream"}}},
		"several at once": {"count: x\nother: 1\non: perhaps\ninner:\n  depth: deep\n", [][2]string{
			{"settings.yaml:1: ", ""}, {"settings.yaml:2: ", "other is unknown here"}, {"settings.yaml:3: ", ""}, {"settings.yaml:5: ", ""},
		}},
		"list for text":   {"\n\nname: [a]\n", [][2]string{{"settings.yaml:3: ", ""}}},
		"windows endings": {"count: x\r\nname: [a]\r\n", [][2]string{{"settings.yaml:1: ", ""}, {"settings.yaml:2: ", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, c.data)
			require.Len(t, got, len(c.want), "%q", got)
			for i, want := range c.want {
				require.Regexp(t, "^"+regexp.QuoteMeta(want[0]), got[i])
				require.Contains(t, got[i], want[1])
			}
		})
	}
}

func TestParseGoesOnAfterFaults(t *testing.T) {
	t.Parallel()
	var got settings
	doc := yamlfile.Parse("settings.yaml", []byte("count: x\nunknown: 1\nname: a\nlist: [{id: b}]\n"), &got)
	require.Error(t, doc.Err())
	require.Equal(t, settings{Name: "a", List: []item{{ID: "b"}}}, got, "what could be read is there to be validated")
}

func TestLine(t *testing.T) {
	t.Parallel()
	const data = `# a comment
name: a
inner:
  # another
  depth: 1
list:
  - id: x
    tags:
      - p
      - q
  - id: y
    tags: [r, s]
flow: {a: 1,
  b: 2}
anchor: &anchor {c: 1}
alias: *anchor
`
	var into any
	doc := yamlfile.Parse("settings.yaml", []byte(data), &into)
	require.NoError(t, doc.Err())
	for path, want := range map[string]int{
		"":                      2,
		"name":                  2,
		"inner":                 3,
		"inner.depth":           5,
		"list":                  6,
		"list[0]":               7,
		"list[0].id":            7,
		"list[0].tags":          8,
		"list[0].tags[1]":       10,
		"list[1].id":            11,
		"list[1].tags[1]":       12,
		"flow.a":                13,
		"flow.b":                14,
		"alias":                 16,
		"alias.c":               16, // not in the file as such
		"missing":               2,  // the whole
		"inner.missing":         3,
		"inner.missing.deeper":  3,
		"list[1].missing":       11,
		"list[7]":               6,
		"list[7].id":            6,
		"list[0].tags[9].other": 8,
	} {
		require.Equal(t, want, doc.Line(path), "path %q", path)
	}
	require.True(t, doc.Has("list[1].tags[0]"))
	require.True(t, doc.Has("inner.depth"))
	require.False(t, doc.Has("inner.missing"))
	require.False(t, doc.Has("list[2]"))
}

func TestFault(t *testing.T) {
	t.Parallel()
	var into settings
	doc := yamlfile.Parse("settings.yaml", []byte("name: a\ninner:\n  depth: 1\nlist:\n  - id: x\n"), &into)
	require.NoError(t, doc.Err())
	doc.Fault("list[0].id", "%q is taken", "x")
	doc.Fault("inner.label", "is missing")
	doc.Fault("inner.depth", "is too small")
	doc.Fault("name", "is too short")
	doc.Fault("count", "is missing")
	err := doc.Err()
	require.Equal(t, []string{
		"settings.yaml:1: count: is missing",
		"settings.yaml:1: name: is too short",
		"settings.yaml:2: inner.label: is missing",
		"settings.yaml:3: inner.depth: is too small",
		`settings.yaml:5: list[0].id: "x" is taken`,
	}, texts(t, err), "in the order of lines, then paths")
	require.EqualError(t, err, "settings.yaml:1: count: is missing\nsettings.yaml:1: name: is too short\nsettings.yaml:2: inner.label: is missing\n"+
		"settings.yaml:3: inner.depth: is too small\nsettings.yaml:5: list[0].id: \"x\" is taken")
}

// What the caller would miss in a file that could not be read is no fault of its own.
func TestNothingMoreIsSaidOfAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "# nothing\n", "name: [\n", "name: a\nname: b\n", "inner: {depth: 1, depth: x}\ncount: x\n"} {
		var into settings
		doc := yamlfile.Parse("settings.yaml", []byte(data), &into)
		doc.Fault("count", "is missing")
		got := texts(t, doc.Err())
		require.Len(t, got, 1, "%q: %q", data, got)
		require.NotContains(t, got[0], "is missing")
		require.Zero(t, into)
	}
}

func TestEveryDuplicateIsSaid(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"settings.yaml:3: name: is given twice, first on line 1",
		"settings.yaml:6: list[0].id: is given twice, first on line 5",
		"settings.yaml:7: name: is given twice, first on line 1",
	}, faults(t, "name: a\ncount: 1\nname: b\nlist:\n  - id: a\n    id: b\nname: c\n"))
}

// length is a value that reads itself, as durations do.
type length int

func (l *length) UnmarshalYAML(node *yaml.Node) error {
	if err := node.Decode((*int)(l)); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: is not a length", node.Line)}}
	}
	return nil
}

func TestValuesThatReadThemselves(t *testing.T) {
	t.Parallel()
	var into struct {
		First length   `yaml:"first"`
		Rest  []length `yaml:"rest"`
		After int      `yaml:"after"`
	}
	err := yamlfile.Parse("lengths.yaml", []byte("first: sekret\nrest:\n  - 1\n  - sekret\nafter: x\n"), &into).Err()
	require.EqualError(t, err, "lengths.yaml:1: is not a length\nlengths.yaml:4: is not a length\nlengths.yaml:5: a whole number belongs here")
}

// The person who wrote the file knows nothing of the program's types.
func TestWrongTypesInWords(t *testing.T) {
	t.Parallel()
	var into struct {
		settings `yaml:",inline"`

		Group struct {
			A string `yaml:"a"`
		} `yaml:"group"`
	}
	err := yamlfile.Parse("settings.yaml", []byte("group: {a: 1, b: 2}\ninner: text\nlist: text\nname: [a]\ncount: text\non: text\n"), &into).Err()
	require.EqualError(t, err, `settings.yaml:1: field b is unknown here
settings.yaml:2: a group of keys belongs here
settings.yaml:3: a list belongs here
settings.yaml:4: text belongs here
settings.yaml:5: a whole number belongs here
settings.yaml:6: true or false belongs here`)
}

func TestBackquotesHideNothing(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"count: \"x`sekret\"\n", "count: \"x`sekr`et\"\n", "count: \"`sek`\"\n", "count: \"`\"\n", "count: !!int \"x`sekr\"\n"} {
		var into settings
		err := yamlfile.Parse("settings.yaml", []byte(data), &into).Err()
		require.Error(t, err)
		require.NotContains(t, err.Error(), "sek")
	}
}

func TestValuesOfSeveralLinesHaveTheirLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"settings.yaml:2: a whole number belongs here"}, faults(t, "name: a\ncount: |\n  abc\n  def\n"))
}

func TestFaultString(t *testing.T) {
	t.Parallel()
	for want, fault := range map[string]yamlfile.Fault{
		"a.yaml: broken":           {File: "a.yaml", Text: "broken"},
		"a.yaml:3: broken":         {File: "a.yaml", Line: 3, Text: "broken"},
		"a.yaml:3: b[0].c: broken": {File: "a.yaml", Line: 3, Path: "b[0].c", Text: "broken"},
	} {
		require.Equal(t, want, fault.String())
	}
}

// A credentials file is read by this package too, so no value may reach an error text, wherever a wrong type puts it.
func TestNoValueInErrors(t *testing.T) {
	t.Parallel()
	shapes := map[string]string{
		"plain for a number":     "count: SECRET\n",
		"plain for a switch":     "on: SECRET\n",
		"plain for a list":       "list: SECRET\n",
		"plain for a group":      "inner: SECRET\n",
		"plain in a list":        "list: [SECRET]\n",
		"nested":                 "inner: {depth: SECRET}\n",
		"single quotes":          "count: 'SECRET'\n",
		"double quotes":          "count: \"SECRET\"\n",
		"block":                  "count: |\n  SECRET\n",
		"folded":                 "count: >-\n  SECRET\n  SECRET\n",
		"tagged whole number":    "count: !!int SECRET\n",
		"tagged fraction":        "count: !!float SECRET\n",
		"own tag":                "count: !own SECRET\n",
		"the whole file":         "SECRET\n",
		"a list for text":        "name: [SECRET]\n",
		"a group for text":       "name: {label: SECRET}\n",
		"beside an unknown key":  "nmae: SECRET\n",
		"under a duplicate key":  "name: SECRET\nname: SECRET\n",
		"before a syntax error":  "name: SECRET\nlist: [1\n",
		"in an unclosed quote":   "name: \"SECRET\n",
		"in an unclosed list":    "list: [SECRET\n",
		"after a bad indent":     "inner:\n  depth: 1\n SECRET\n",
		"by an alias":            "name: &a SECRET\ncount: *a\n",
		"in a second document":   "name: a\n---\nSECRET\n",
		"with a control letter":  "name: \x01SECRET\n",
		"where a merge is wrong": "<<: SECRET\n",
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				secret := rapid.StringMatching(`Q[a-z0-9]{3,12}Z`).Draw(t, "secret")
				var into settings
				err := yamlfile.Parse("settings.yaml", []byte(strings.ReplaceAll(shape, "SECRET", secret)), &into).Err()
				require.Error(t, err)
				for n := 4; n <= len(secret); n++ {
					require.NotContains(t, err.Error(), secret[:n], "not even its beginning")
				}
			})
		})
	}
}

func TestEveryFaultHasItsFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var into settings
		err := yamlfile.Parse("settings.yaml", rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "data"), &into).Err()
		if err == nil {
			return
		}
		var all yamlfile.Faults
		require.ErrorAs(t, err, &all)
		line := 0
		for _, fault := range all {
			require.Equal(t, "settings.yaml", fault.File)
			require.NotEmpty(t, fault.Text)
			require.GreaterOrEqual(t, fault.Line, line)
			line = fault.Line
		}
	})
}
