package store

import (
	"bytes"
	"context"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// writeForever names the directory that this test binary writes into until it is killed, instead of running tests.
const writeForever = "STORE_WRITE_FOREVER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writeForever); dir != "" {
		reports, err := Open(context.Background(), dir)
		for content := byte('a'); err == nil; content = 'a' + (content-'a'+1)%26 {
			_, err = reports.Put(context.Background(), "org/evidence.json", large(content))
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// large is enough that a write of it is met half-way.
func large(content byte) []byte { return []byte(strings.Repeat(string(content), 4<<20)) }

func inDirectory(t *testing.T) (*Reports, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "reports")
	r, err := Open(t.Context(), dir)
	require.NoError(t, err)
	return r, dir
}

// exercise is what every place must do.
func exercise(t *testing.T, r *Reports, where string) {
	t.Helper()
	const name = "pinterest-v5/AAA_at_AdobeOrg/evidence.json"
	_, err := r.Get(t.Context(), name)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, content := range []string{"one", "two", ""} {
		location, err := r.Put(t.Context(), name, []byte(content))
		require.NoError(t, err)
		require.Equal(t, where+"/"+name, location)
		data, err := r.Get(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, content, string(data))
	}
	for range 2 {
		created, err := r.Create(t.Context(), name, []byte("three"))
		require.NoError(t, err)
		require.False(t, created)
	}
	data, err := r.Get(t.Context(), name)
	require.NoError(t, err)
	require.Empty(t, data, "what is there stays")

	created, err := r.Create(t.Context(), "base.json", []byte("first"))
	require.NoError(t, err)
	require.True(t, created)
	data, err = r.Get(t.Context(), "base.json")
	require.NoError(t, err)
	require.Equal(t, "first", string(data))
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	r, dir := inDirectory(t)
	exercise(t, r, dir)
	require.NoError(t, r.Close())
	entries, err := os.ReadDir(filepath.Join(dir, "pinterest-v5", "AAA_at_AdobeOrg"))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing lies beside the report")
}

func TestDirectoryByURL(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "with space")
	r, err := Open(t.Context(), (&url.URL{Scheme: "file", Path: dir}).String())
	require.NoError(t, err)
	exercise(t, r, dir)

	relative, err := pathOf(&url.URL{Scheme: "file", Host: ".", Path: "/reports"})
	require.NoError(t, err)
	require.Equal(t, "./reports", relative)
	for where, want := range map[string]string{
		"file://server/share":             "a file URL names a directory of this machine",
		"file://":                         "a file URL names a directory of this machine",
		"file:///srv/reports?create_dir=": "a file URL takes no parameters",
	} {
		_, err := Open(t.Context(), where)
		require.ErrorContains(t, err, want)
	}
}

func TestNoDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mail")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, where := range []string{file, filepath.Join(file, "deep"), "file://" + file} {
		_, err := Open(t.Context(), where)
		require.EqualError(t, err, file+" is not a directory")
	}
	_, err := Open(t.Context(), "")
	require.EqualError(t, err, "no directory is given")
}

func TestOddNamesAreRefused(t *testing.T) {
	t.Parallel()
	r, dir := inDirectory(t)
	for _, name := range []string{
		"", ".", "..", "../x", "/etc/x", "a/../../x", "a/../x", "a//x", "./x", "x/", ".hidden", "a/.tmp-x", `a\b`, "a\x00b", "a\nb", "a\x7f", "a\xff",
	} {
		var fault *NameError
		_, err := r.Put(t.Context(), name, nil)
		require.ErrorAs(t, err, &fault, name)
		_, err = r.Create(t.Context(), name, nil)
		require.ErrorAs(t, err, &fault, name)
		_, err = r.Get(t.Context(), name)
		require.ErrorAs(t, err, &fault, name)
	}
	require.NoError(t, os.Symlink(filepath.Dir(dir), filepath.Join(dir, "out")))
	_, err := r.Put(t.Context(), "out/x", nil)
	require.ErrorContains(t, err, "write report out/x into "+dir, "a link that leads out")
	_, err = r.Get(t.Context(), "out/x")
	require.NotErrorIs(t, err, ErrNotFound)
	entries, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestAnyNameIsRefusedOrReadBack(t *testing.T) {
	t.Parallel()
	r, dir := inDirectory(t)
	rapid.Check(t, func(rt *rapid.T) {
		name := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.StringN(0, 8, 60), rapid.SampledFrom([]string{"..", ".", "", "a", "ü", "a b", "%2e%2e", "?x"})), 1, 4).Draw(rt, "parts"), "/")
		location, err := r.Put(t.Context(), name, []byte(name))
		if err != nil {
			return // refused, or part of it is a file already
		}
		inside, err := filepath.Rel(dir, location)
		if err != nil || inside != filepath.FromSlash(name) || path.Clean(name) != name {
			rt.Fatalf("%q lies at %s", name, location)
		}
		if data, err := r.Get(t.Context(), name); err != nil || string(data) != name {
			rt.Fatalf("%q: %q, %v", name, data, err)
		}
	})
}

func TestPutConcurrently(t *testing.T) {
	t.Parallel()
	r, _ := inDirectory(t)
	var group errgroup.Group
	contents := []string{strings.Repeat("a", 1<<16), strings.Repeat("b", 1<<16)}
	for i := range 20 {
		group.Go(func() error {
			_, err := r.Put(t.Context(), "same", []byte(contents[i%2]))
			return err
		})
	}
	require.NoError(t, group.Wait())
	data, err := r.Get(t.Context(), "same")
	require.NoError(t, err)
	require.Contains(t, contents, string(data))
}

func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), writeForever+"="+dir)
	require.NoError(t, writer.Start())
	half := func() bool {
		temps, err := filepath.Glob(filepath.Join(dir, "org", ".tmp-*"))
		require.NoError(t, err)
		_, err = os.Stat(filepath.Join(dir, "org", "evidence.json"))
		return err == nil && len(temps) > 0
	}
	require.Eventually(t, half, 20*time.Second, time.Millisecond)
	require.NoError(t, writer.Process.Kill())
	require.Error(t, writer.Wait())

	r, err := Open(t.Context(), dir)
	require.NoError(t, err)
	data, err := r.Get(t.Context(), "org/evidence.json")
	require.NoError(t, err)
	require.True(t, bytes.Equal(large(data[0]), data), "whole")
	visible, err := filepath.Glob(filepath.Join(dir, "org", "[^.]*"))
	require.NoError(t, err)
	require.Len(t, visible, 1, "nothing half-written looks like a report")
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	r, _ := inDirectory(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Put(ctx, "x", nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Create(ctx, "x", nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Get(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestADirectoryThatWentAwayIsNotEmpty(t *testing.T) {
	t.Parallel()
	r, dir := inDirectory(t)
	require.NoError(t, os.RemoveAll(dir))
	_, err := r.Get(t.Context(), "a")
	require.EqualError(t, err, "read report a from "+dir+": the directory is gone")
}
