package keys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

const secret = "s3cr3t-canary-41b0"

// awsKMS speaks as much of the protocol as sealing 32 bytes takes.
type awsKMS struct {
	calls  atomic.Int32
	refuse atomic.Pointer[string]
}

var mark = []byte("sealed by the service:")

func (k *awsKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.calls.Add(1)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in, out struct {
		KeyID          string `json:"KeyId,omitempty"`
		Plaintext      []byte `json:",omitempty"`
		CiphertextBlob []byte `json:",omitempty"`
	}
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"`+code+`","message":"`+secret+`"}`)
	}
	if code := k.refuse.Load(); code != nil {
		refuse(*code)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.Contains(r.Header.Get("Authorization"), "Credential=AKIDEXAMPLE/") {
		refuse("SerializationException")
		return
	}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		if in.KeyID != "alias/cutover" || len(in.Plaintext) != 32 {
			refuse("NotFoundException")
			return
		}
		out.KeyID, out.CiphertextBlob = in.KeyID, append(bytes.Clone(mark), mask(in.Plaintext)...)
	case "TrentService.Decrypt":
		sealed, ours := bytes.CutPrefix(in.CiphertextBlob, mark)
		if !ours {
			refuse("InvalidCiphertextException")
			return
		}
		out.Plaintext = mask(sealed)
	}
	_ = json.NewEncoder(w).Encode(out)
}

// mask stands in for the service's own cipher.
func mask(data []byte) []byte {
	out := bytes.Clone(data)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out
}

func serve(t *testing.T) (service *awsKMS, kms string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": "eu-west-1", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
	service = &awsKMS{}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return service, "awskms:///alias/cutover?region=eu-west-1&endpoint=" + server.URL
}

func TestAKeysFileIsSealedByAKMS(t *testing.T) {
	service, kms := serve(t)
	path := filepath.Join(t.TempDir(), "keys.json")
	made, err := Create(t.Context(), path, kms)
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(content), "keyData")
	require.NotContains(t, string(content), made.Keys()[0].ID)

	service.calls.Store(0)
	k, err := Read(t.Context(), path, kms)
	require.NoError(t, err)
	sealed, err := made.Seal([]byte("token"), nil)
	require.NoError(t, err)
	for range 10 {
		plain, err := k.Unseal(sealed, nil)
		require.NoError(t, err)
		require.Equal(t, "token", string(plain))
	}
	require.EqualValues(t, 1, service.calls.Load(), "one question at the start")

	id, err := Add(t.Context(), path, kms)
	require.NoError(t, err)
	require.NoError(t, Promote(t.Context(), path, kms, id))
	require.NoError(t, Remove(t.Context(), path, kms, made.Keys()[0].ID))
	k, err = Read(t.Context(), path, kms)
	require.NoError(t, err)
	require.Equal(t, []Key{{ID: id, Primary: true}}, k.Keys())
	_, err = Create(t.Context(), path, kms)
	require.ErrorIs(t, err, os.ErrExist)

	var e envelope
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &e))
	e.SealedKey[len(e.SealedKey)-1] ^= 1
	content, err = json.Marshal(e)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	_, err = Read(t.Context(), path, kms)
	require.ErrorContains(t, err, "gave another key than the one it was sealed with")
}

func TestAKeysFileAndItsKMSBelongTogether(t *testing.T) {
	_, kms := serve(t)
	dir := t.TempDir()
	plain, sealed := filepath.Join(dir, "plain.json"), filepath.Join(dir, "sealed.json")
	_, err := Create(t.Context(), plain, "")
	require.NoError(t, err)
	_, err = Create(t.Context(), sealed, kms)
	require.NoError(t, err)
	_, err = Read(t.Context(), plain, kms)
	require.ErrorContains(t, err, plain+" is not sealed with a key of a key management service")
	_, err = Read(t.Context(), sealed, "")
	require.ErrorContains(t, err, sealed+" is sealed with a key of a key management service: give that key's URL")
}

func TestKMSFaultsHoldNoSecret(t *testing.T) {
	service, kms := serve(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	fails := func(kms string) string {
		t.Helper()
		_, err := Create(t.Context(), path, kms)
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			require.NotContains(t, cause.Error(), secret)
		}
		require.Error(t, err)
		entries, err2 := os.ReadDir(dir)
		require.NoError(t, err2)
		require.Empty(t, entries, "nothing is written")
		return err.Error()
	}
	for _, code := range []string{"AccessDeniedException", "DisabledException"} {
		service.refuse.Store(&code)
		require.Equal(t, "seal keys file "+path+": awskms:///alias/cutover: it answers "+code+
			" (check the key, its permissions and the credentials in the environment)", fails(kms))
	}
	odd := secret + " <odd>"
	service.refuse.Store(&odd)
	fails(kms)
	require.Contains(t, fails("awskms:///alias/cutover?endpoint=http://127.0.0.1:1&context_app="+secret), "connection refused")
	require.Contains(t, fails("awskms:///alias/cutover?regoin="+secret), "awskms:///alias/cutover cannot be opened: check its parameters")
	require.Contains(t, fails("awskms://"+secret+"@alias"), "must not hold a user or a password")
	require.Contains(t, fails("awskms://alias\x00"+secret), "is malformed")
	require.Contains(t, fails("gcpkms://"+secret), "must begin with awskms:// or azurekeyvault://")
	require.Contains(t, fails("azurekeyvault:///?x="+secret), "cannot be opened")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Create(ctx, path, kms)
	require.ErrorIs(t, err, context.Canceled)
}
