package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRead takes any bytes for a keys file: they are keys that seal and open, or a fault that repeats nothing of them.
func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "keys.json")
	_, err := Create(f.Context(), path, "")
	require.NoError(f, err)
	good, err := os.ReadFile(path)
	require.NoError(f, err)
	sealedOnce, err := Read(f.Context(), path, "")
	require.NoError(f, err)
	token, err := sealedOnce.Seal([]byte("token"), nil)
	require.NoError(f, err)
	for _, seed := range []string{
		string(good), "", "null", "{}", "[]", `"CANARY"`, `{"primaryKeyId":1,"key":[]}`, `{"key":[{"keyData":{"typeUrl":"CANARY","value":"CANARY"}}]}`,
		strings.Replace(string(good), "ENABLED", "DISABLED", 1), strings.Replace(string(good), "TINK", "RAW", 1), strings.Replace(string(good), "XChaCha20Poly1305Key", "HmacKey", 1),
		`{"encryptedKeyset":"CANARY"}`, `{"version":1,"key":"CANARY","data":"CANARY"}`, strings.Replace(string(good), `"value":"`, `"value":"CANARY`, 1),
	} {
		f.Add([]byte(seed), token)
	}
	f.Fuzz(func(t *testing.T, data, sealed []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		k, err := Read(t.Context(), path, "")
		if err != nil {
			require.NotContains(t, err.Error(), "CANARY")
			require.Contains(t, err.Error(), path, "a person must know which file")
			return
		}
		require.NotEmpty(t, k.Keys())
		require.NotContains(t, k.String(), "CANARY")
		mine, err := k.Seal([]byte("token"), []byte("acme"))
		require.NoError(t, err)
		plain, err := k.Unseal(mine, []byte("acme"))
		require.NoError(t, err)
		require.Equal(t, "token", string(plain))
		if plain, err = k.Unseal(sealed, nil); err != nil {
			require.Nil(t, plain)
		}
	})
}
