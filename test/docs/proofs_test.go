package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testNamed finds a test that a document names, and testWritten one in code.
const (
	testNamed   = "`(Test[A-Z][A-Za-z0-9]*)`"
	testWritten = `(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`
)

// written are the tests of this tree, with the folders of each.
func written(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root:
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		code, err := os.ReadFile(path)
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		for _, name := range found(testWritten, string(code)) {
			all[name] = append(all[name], filepath.ToSlash(folder))
		}
		return err
	}))
	return all
}

func TestEveryTestThatIsNamedExists(t *testing.T) {
	t.Parallel()
	tests := written(t)
	for document := range proved() {
		require.Greater(t, len(found(testNamed, read(t, document))), 50, "the claims of %s name their tests", document)
	}
	for _, document := range documents(t) {
		for _, name := range found(testNamed, read(t, document)) {
			require.NotEmpty(t, tests[name], "%s names %s, which nobody wrote", document, name)
		}
	}
}

// proved are the documents whose claims name what proves them, each with how it says in which folder a test is: behind its name, or behind a list of names.
func proved() map[string]*regexp.Regexp {
	const test, folder = "`Test[A-Z][A-Za-z0-9]*`", "(?:\\s+\\(|\\s+in\\s+)`([a-z0-9/]+)`"
	return map[string]*regexp.Regexp{
		"docs/security.md": regexp.MustCompile("(" + test + ")" + folder),
		failureModes:       regexp.MustCompile("((?:" + test + ", )*" + test + ")" + folder),
	}
}

func TestTestsStandWhereTheDocumentsSay(t *testing.T) {
	t.Parallel()
	tests := written(t)
	for document, placed := range proved() {
		lists := placed.FindAllStringSubmatch(read(t, document), -1)
		require.Greater(t, len(lists), 20, document)
		for _, list := range lists {
			for _, name := range found(testNamed, list[1]) {
				require.Contains(t, tests[name], list[2], "%s says that %s is in %s", document, name, list[2])
			}
		}
	}
}

const failureModes = "docs/failure-modes.md"

// rows are those of its tables of failures, by cell.
func rows(t *testing.T) (all [][]string) {
	t.Helper()
	cells := 0
	for line := range strings.Lines(read(t, failureModes)) {
		row := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			cells = 0
		case strings.HasSuffix(line, "| proved by |\n"):
			cells = len(row)
		case cells > 0 && !strings.HasPrefix(line, "| ---"):
			require.Len(t, row, cells, line)
			all = append(all, row)
		}
	}
	return all
}

// A failure that nothing proves says so.
func TestEveryFailureSaysWhatProvesIt(t *testing.T) {
	t.Parallel()
	all := rows(t)
	require.Greater(t, len(all), 60)
	proof := regexp.MustCompile("`Test|(?:fate|script|fault|kill) `|nothing proves it|proved by no test")
	for _, row := range all {
		require.Regexp(t, proof, row[len(row)-1], row[0])
		for _, cell := range row {
			require.NotEmpty(t, strings.TrimSpace(cell), row[0])
		}
	}
}

// What runs as a whole has the parts that prove something.
func TestWhatAWholeRunProvesIsInIt(t *testing.T) {
	t.Parallel()
	for kind, where := range map[string]struct{ folder, written string }{
		"fate":   {"test/demo", `name: "%s"`},
		"script": {"test/chaos", `name: "%s"`},
		"fault":  {"test/chaos", `ID: "%s"`},
		"kill":   {"test/chaos", `target = "%s"`},
	} {
		code := ""
		files, err := filepath.Glob(filepath.Join(root, where.folder, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			code += string(text)
		}
		names := found(kind+" `([a-z][a-z_ -]*)`", read(t, failureModes))
		require.Greater(t, len(names), 3, kind)
		for _, name := range names {
			written := strings.Contains(code, fmt.Sprintf(where.written, name)) // what fails shows the name and not all of the code
			require.True(t, written, "%s names the %s %s, which is not in %s", failureModes, kind, name, where.folder)
		}
	}
}
