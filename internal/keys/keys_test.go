package keys

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func made(t *testing.T) (*Keyset, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deep", "keys.json")
	k, err := Create(t.Context(), path, "")
	require.NoError(t, err)
	return k, path
}

func again(t *testing.T, path string) *Keyset {
	t.Helper()
	k, err := Read(t.Context(), path, "")
	require.NoError(t, err)
	return k
}

func TestWhatIsSealedOpensWithTheSameKeysAtTheSamePlace(t *testing.T) {
	t.Parallel()
	k, path := made(t)
	sealed, err := k.Seal([]byte("token"), []byte("acme"))
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "token")
	plain, err := again(t, path).Unseal(sealed, []byte("acme"))
	require.NoError(t, err)
	require.Equal(t, "token", string(plain))

	_, err = k.Unseal(sealed, []byte("globex"))
	require.EqualError(t, err, "unseal: it was changed, moved or sealed with other keys", "another's row")
	for i := range sealed {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 1
		_, err = k.Unseal(changed, []byte("acme"))
		require.Error(t, err, i)
	}
	_, err = k.Unseal(nil, []byte("acme"))
	require.Error(t, err)
	other, _ := made(t)
	_, err = other.Unseal(sealed, []byte("acme"))
	require.Error(t, err)
}

func TestSealingTwiceLooksDifferent(t *testing.T) {
	t.Parallel()
	k, _ := made(t)
	one, err := k.Seal([]byte("token"), nil)
	require.NoError(t, err)
	two, err := k.Seal([]byte("token"), nil)
	require.NoError(t, err)
	require.NotEqual(t, one, two)
}

func TestManyMaySealAtOnce(t *testing.T) {
	t.Parallel()
	k, _ := made(t)
	var group errgroup.Group
	for i := range 50 {
		group.Go(func() error {
			sealed, err := k.Seal([]byte{byte(i)}, nil)
			require.NoError(t, err)
			plain, err := k.Unseal(sealed, nil)
			require.Equal(t, []byte{byte(i)}, plain)
			return err
		})
	}
	require.NoError(t, group.Wait())
}

func TestAFileIsMadeOnceAndForItsUserAlone(t *testing.T) {
	t.Parallel()
	k, path := made(t)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	_, err = Create(t.Context(), path, "")
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, path)
	require.Equal(t, k.Keys(), again(t, path).Keys(), "it stays what it was")

	for _, mode := range []fs.FileMode{0o640, 0o604, 0o610} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = Read(t.Context(), path, "")
		require.ErrorContains(t, err, fmt.Sprintf("can be read by others (mode %04o): run chmod 600 %s", mode, path))
		require.Error(t, Promote(t.Context(), path, "", k.Keys()[0].ID))
	}
}

func TestWhatIsNoKeysFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	_, err := Read(t.Context(), path, "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "keys file "+path+": file does not exist")
	_, err = Add(t.Context(), path, "")
	require.ErrorIs(t, err, fs.ErrNotExist, "a rotation makes no file")
	_, err = Read(t.Context(), dir, "")
	require.EqualError(t, err, "keys file "+dir+" is not a file")

	for _, content := range []string{"", "{}", "s3cr3t-canary", `{"key":[{"keyData":"s3cr3t-canary"}]}`, `[]`, `{"sealedKey":"s3cr3t-canary"}`} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err = Read(t.Context(), path, "")
		require.EqualError(t, err, "keys file "+path+" holds no keys: give the one that was made for this store", content)
	}
	require.NoError(t, os.WriteFile(path, make([]byte, maxFile+1), 0o600))
	_, err = Read(t.Context(), path, "")
	require.ErrorContains(t, err, "is larger than")
}

func TestARotationNeverClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	before, path := made(t)
	old := before.Keys()[0].ID
	first, err := before.Seal([]byte("token"), nil)
	require.NoError(t, err)
	opens := func(k *Keyset, sealed []byte) {
		plain, err := k.Unseal(sealed, nil)
		require.NoError(t, err)
		require.Equal(t, "token", string(plain))
	}

	id, err := Add(t.Context(), path, "")
	require.NoError(t, err)
	added := again(t, path)
	require.Equal(t, []Key{{ID: old, Primary: true}, {ID: id}}, added.Keys())
	opens(added, first)
	second, err := added.Seal([]byte("token"), nil)
	require.NoError(t, err)
	opens(before, second) // a worker that was not given the new file yet

	require.NoError(t, Promote(t.Context(), path, "", id))
	promoted := again(t, path)
	require.Equal(t, []Key{{ID: old}, {ID: id, Primary: true}}, promoted.Keys())
	opens(promoted, first)
	third, err := promoted.Seal([]byte("token"), nil)
	require.NoError(t, err)
	opens(added, third) // a worker that was given the file of Add only
	_, err = before.Unseal(third, nil)
	require.Error(t, err)

	require.ErrorIs(t, Remove(t.Context(), path, "", id), ErrPrimary)
	require.ErrorIs(t, Remove(t.Context(), path, "", "17"), ErrUnknownKey)
	require.ErrorIs(t, Remove(t.Context(), path, "", "s"), ErrUnknownKey)
	require.ErrorIs(t, Promote(t.Context(), path, "", ""), ErrUnknownKey)
	require.Equal(t, promoted.Keys(), again(t, path).Keys(), "a refusal changes nothing")

	require.NoError(t, Remove(t.Context(), path, "", old))
	removed := again(t, path)
	require.Equal(t, []Key{{ID: id, Primary: true}}, removed.Keys())
	opens(removed, third)
	_, err = removed.Unseal(first, nil)
	require.Error(t, err)
}

func TestKeysShowTheirIdsAlone(t *testing.T) {
	t.Parallel()
	k, path := made(t)
	want := "keys " + k.Keys()[0].ID + " (primary)"
	asJSON, err := json.Marshal(map[string]any{"keys": k})
	require.NoError(t, err)
	require.JSONEq(t, `{"keys":"`+want+`"}`, string(asJSON))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, want, fmt.Sprintf(verb, k))
		require.Equal(t, want, fmt.Sprintf(verb, *k))
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(content), k.Keys()[0].ID)
}
