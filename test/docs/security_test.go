package docs

import (
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
	require.Greater(t, len(found(testNamed, read(t, "docs/security.md"))), 50, "the claims of security.md name their tests")
	for _, document := range documents(t) {
		for _, name := range found(testNamed, read(t, document)) {
			require.NotEmpty(t, tests[name], "%s names %s, which nobody wrote", document, name)
		}
	}
}

// placed is a test with its folder: `TestName` in `folder`, or `TestName` (`folder`).
var placed = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`(?:\\s+\\(|\\s+in\\s+)`([a-z/]+)`")

func TestTestsStandWhereSecuritySays(t *testing.T) {
	t.Parallel()
	tests := written(t)
	pairs := placed.FindAllStringSubmatch(read(t, "docs/security.md"), -1)
	require.Greater(t, len(pairs), 20)
	for _, pair := range pairs {
		require.Contains(t, tests[pair[1]], pair[2], "security.md says that %s is in %s", pair[1], pair[2])
	}
}
