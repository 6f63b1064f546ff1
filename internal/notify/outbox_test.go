package notify

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

var noon = time.Date(2023, 12, 1, 12, 0, 0, 0, time.UTC)

// ticking is a clock that never gives the same instant twice, so that a second receipt can be told from the first.
func ticking() func() time.Time {
	var ticks atomic.Int64
	return func() time.Time { return noon.Add(time.Duration(ticks.Add(1)-1) * time.Second) }
}

func outbox(t *testing.T) (*Outbox, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "notices")
	o, err := New(dir, ticking())
	require.NoError(t, err)
	return o, dir
}

func notice(key string) Notice {
	return Notice{
		Key: key, Kind: "first", Organization: "AAA@AdobeOrg", To: []string{"marketing@acme.example", "data@acme.example"},
		Subject: "Sign in again at Pinterest", Text: "Two dataflows wait.\n",
	}
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

func TestDeliverWritesForProgramsAndPeople(t *testing.T) {
	t.Parallel()
	o, dir := outbox(t)
	receipt, err := o.Deliver(t.Context(), notice("pinterest-v5/AAA@AdobeOrg/first"))
	require.NoError(t, err)
	require.Equal(t, Receipt{Key: "pinterest-v5/AAA@AdobeOrg/first", At: noon, Channel: "outbox"}, receipt)

	names := files(t, dir)
	require.Len(t, names, 2)
	require.Regexp(t, `^pinterest-v5_AAA_AdobeOrg_first-[0-9a-f]{16}\.json$`, names[0])
	require.Equal(t, strings.TrimSuffix(names[0], ".json")+".txt", names[1])

	var kept record
	data, err := os.ReadFile(filepath.Join(dir, names[0]))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &kept))
	require.Equal(t, record{Notice: notice("pinterest-v5/AAA@AdobeOrg/first"), At: noon}, kept)

	letter, err := os.ReadFile(filepath.Join(dir, names[1]))
	require.NoError(t, err)
	require.Equal(t, "To: marketing@acme.example, data@acme.example\nSubject: Sign in again at Pinterest\nDate: 2023-12-01T12:00:00Z\n"+
		"Organization: AAA@AdobeOrg\nKey: pinterest-v5/AAA@AdobeOrg/first\n\nTwo dataflows wait.\n", string(letter))

	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
}

func TestDeliverTwiceIsOneNotice(t *testing.T) {
	t.Parallel()
	o, dir := outbox(t)
	first, err := o.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	again := notice("k")
	again.Text = "other words"
	second, err := o.Deliver(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Len(t, files(t, dir), 2)

	other, err := New(dir, ticking())
	require.NoError(t, err)
	third, err := other.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, first, third, "a restarted process knows what was delivered")
}

func TestDeliverConcurrently(t *testing.T) {
	t.Parallel()
	o, dir := outbox(t)
	receipts := make([]Receipt, 32)
	var group errgroup.Group
	for i := range receipts {
		group.Go(func() (err error) {
			receipts[i], err = o.Deliver(t.Context(), notice("same"))
			return err
		})
	}
	require.NoError(t, group.Wait())
	for _, receipt := range receipts {
		require.Equal(t, receipts[0], receipt)
	}
	require.Len(t, files(t, dir), 2, "no second file and nothing left over")
}

func TestDeliverGoesOnAfterACrashBetweenTheFiles(t *testing.T) {
	t.Parallel()
	o, dir := outbox(t)
	first, err := o.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	text := filepath.Join(dir, fileName("k")+".txt")
	whole, err := os.ReadFile(text)
	require.NoError(t, err)
	require.NoError(t, os.Remove(text))
	changed := notice("k")
	changed.Text = "other words"
	second, err := o.Deliver(t.Context(), changed)
	require.NoError(t, err)
	require.Equal(t, first, second)
	restored, err := os.ReadFile(text)
	require.NoError(t, err)
	require.Equal(t, string(whole), string(restored), "the text is that of the delivered notice")
}

func TestDeliverRefuses(t *testing.T) {
	t.Parallel()
	t.Run("no key", func(t *testing.T) {
		t.Parallel()
		o, _ := outbox(t)
		_, err := o.Deliver(t.Context(), notice(""))
		require.ErrorIs(t, err, ErrNoKey)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		o, dir := outbox(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := o.Deliver(ctx, notice("k"))
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, files(t, dir))
	})
	t.Run("a spoilt file", func(t *testing.T) {
		t.Parallel()
		o, dir := outbox(t)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fileName("k")+".json"), []byte("{"), 0o600))
		_, err := o.Deliver(t.Context(), notice("k"))
		require.ErrorContains(t, err, "is not a notice: move it away")
	})
	t.Run("somebody else's file", func(t *testing.T) {
		t.Parallel()
		o, dir := outbox(t)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fileName("k")+".json"), []byte(`{"key":"other"}`), 0o600))
		_, err := o.Deliver(t.Context(), notice("k"))
		require.ErrorContains(t, err, "holds another notice")
	})
	t.Run("no directory", func(t *testing.T) {
		t.Parallel()
		_, err := New("", ticking())
		require.ErrorContains(t, err, "no directory is given")
		o, dir := outbox(t)
		require.NoError(t, os.RemoveAll(dir))
		_, err = o.Deliver(t.Context(), notice("k"))
		require.ErrorContains(t, err, "deliver notice first of AAA@AdobeOrg into "+dir)
		require.ErrorContains(t, err, "the directory is gone")
	})
}

func TestHeadersStayOnTheirLine(t *testing.T) {
	t.Parallel()
	n := notice("k")
	n.Subject = "hello\nBcc: somebody@else.example\r\nX: y"
	letter := record{Notice: n, At: noon}.letter()
	require.Equal(t, 5, strings.Count(strings.Split(letter, "\n\n")[0], "\n")+1)
	require.NotContains(t, letter, "\nBcc")
}

func TestFileNamesAreSafeAndUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.String().Draw(t, "a")
		b := rapid.String().Draw(t, "b")
		name := fileName(a)
		if !filepath.IsLocal(name) || filepath.Base(name) != name || strings.HasPrefix(name, ".") || len(name) > 120 || unsafe.MatchString(name) {
			t.Fatalf("unsafe name %q for %q", name, a)
		}
		if (a == b) != (name == fileName(b)) {
			t.Fatalf("%q and %q: %q and %q", a, b, name, fileName(b))
		}
	})
}
