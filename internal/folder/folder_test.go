package folder

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func open(t *testing.T) (Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "reports")
	f, err := Open(dir)
	require.NoError(t, err)
	return f, dir
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestReplaceReplacesWhole(t *testing.T) {
	t.Parallel()
	f, dir := open(t)
	for _, content := range []string{"one", "two"} {
		require.NoError(t, f.Replace("a/b.json", []byte(content)))
		data, err := f.Read("a/b.json")
		require.NoError(t, err)
		require.Equal(t, content, string(data))
	}
	require.Equal(t, []string{"b.json"}, files(t, filepath.Join(dir, "a")), "nothing is left over")
	require.Equal(t, filepath.Join(dir, "a", "b.json"), f.Path("a/b.json"))
	require.Equal(t, dir, f.String())
}

func TestWhatIsWrittenIsForTheUserAlone(t *testing.T) {
	t.Parallel()
	f, dir := open(t)
	require.NoError(t, f.Replace("a/b", nil))
	for path, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, "a"): 0o700, filepath.Join(dir, "a", "b"): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
}

func TestOneOfManyCreates(t *testing.T) {
	t.Parallel()
	f, dir := open(t)
	var group errgroup.Group
	var created atomic.Int32
	for i := range 32 {
		group.Go(func() error {
			err := f.Create("same", []byte(strings.Repeat(string(rune('A'+i)), 1<<12)))
			if err == nil {
				created.Add(1)
			} else {
				require.ErrorIs(t, err, fs.ErrExist)
				require.NotContains(t, err.Error(), ".tmp-")
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, created.Load())
	data, err := f.Read("same")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat(string(data[0]), 1<<12), string(data), "whole")
	require.Equal(t, []string{"same"}, files(t, dir))
}

func TestReadTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	f, dir := open(t)
	_, err := f.Read("a")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.RemoveAll(dir))
	_, err = f.Read("a")
	require.EqualError(t, err, "the directory is gone")
	require.NotErrorIs(t, err, fs.ErrNotExist, "an unmounted disk is not an empty one")
	require.EqualError(t, f.Create("a", nil), "the directory is gone")
	require.EqualError(t, f.Replace("a", nil), "the directory is gone")
}

func TestNothingLeadsOut(t *testing.T) {
	t.Parallel()
	f, dir := open(t)
	outside := t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "out")))
	for _, name := range []string{"../x", "a/../../x", "out/x"} {
		require.Error(t, f.Replace(name, []byte("x")), name)
		require.Error(t, f.Create(name, []byte("x")), name)
		_, err := f.Read(name)
		require.Error(t, err, name)
	}
	require.Empty(t, files(t, outside))
	require.Equal(t, []string{"reports"}, files(t, filepath.Dir(dir)))
}

func TestWhatIsNoDirectoryIsNamedOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mail")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{file, filepath.Join(file, "notices"), filepath.Join(file, "notices", "deep")} {
		_, err := Open(dir)
		require.EqualError(t, err, file+" is not a directory")
	}
	_, err := Open("mail\x00box")
	require.EqualError(t, err, "make directory mail\x00box: invalid argument")
	_, err = Open("")
	require.EqualError(t, err, "no directory is given")
}
