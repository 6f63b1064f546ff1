package yamlfile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/yamlfile"
)

// FuzzParse reads any bytes: every fault has a place in the file and a line of its own, and no file takes long.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "# nothing yet\n", "name: a\ncount: 3\non: true\ninner: {depth: 1, label: b}\nlist:\n  - id: x\n    tags: [p, q]\n...\n",
		"name: a\n---\nname: b\n", "name: a\nname: b\n", "nme: a\ncount: many\non: 7\ninner: []\nlist: {}\n", "name: [\n", "name: &a b\ninner: *a\nlist: [*c]\n",
		"<<: {name: a}\n", "? [a, b]\n: c\n", "\"a\\nb\": 1\n\"a\\nb\": 2\n", "name: !!binary /w==\n", "inner.depth: 1\ninner: {depth: 2}\n",
		"count: 1e999\n", "- name\n", "name: |\n  a\r\n  b\u2028c\n", strings.Repeat("[", 3000), strings.Repeat("list: &a [*a]\n", 3),
		strings.Repeat("{a: ", 2000) + strings.Repeat("}", 2000),
	} {
		f.Add([]byte(seed), "list[0].tags[1]")
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		var into settings
		began := time.Now()
		doc := yamlfile.Parse("settings.yaml", data, &into)
		require.Less(t, time.Since(began), 5*time.Second)
		requirePlaces(t, data, doc.Err())
		doc.Has(path)
		require.GreaterOrEqual(t, doc.Line(path), 0)
		doc.Fault(path, "is missing")
		require.Error(t, doc.Err(), "a fault is never lost: at worst something else was said of its line")
		requirePlaces(t, data, doc.Err())
	})
}

// requirePlaces checks where faults stand.
func requirePlaces(t *testing.T, data []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var faults yamlfile.Faults
	require.ErrorAs(t, err, &faults)
	require.NotEmpty(t, faults)
	require.True(t, slices.IsSortedFunc(faults, func(a, b yamlfile.Fault) int { return a.Line - b.Line }))
	require.Equal(t, len(faults), strings.Count(err.Error(), "\n")+1, "one line each: %q", err)
	for _, fault := range faults {
		require.Equal(t, "settings.yaml", fault.File)
		require.NotEmpty(t, fault.Text)
		require.GreaterOrEqual(t, fault.Line, 0)
		require.LessOrEqual(t, fault.Line, linesOf(string(data)))
	}
}

// linesOf counts lines as YAML breaks them; a fault about the end stands on the line after the last.
func linesOf(text string) int {
	lines := 2
	for _, r := range text {
		if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) {
			lines++
		}
	}
	return lines
}
