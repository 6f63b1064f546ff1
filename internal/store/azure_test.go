package store

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// azure is a container "reports" of an account that is reached with a signature in the URL.
type azure struct {
	mu    sync.Mutex
	blobs map[string][]byte
	ended bool // the signature is not taken any more
}

func (a *azure) fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Ms-Error-Code", code)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, secret)
}

func (a *azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest, ours := strings.CutPrefix(r.URL.Path, "/acme/reports")
	key := strings.TrimPrefix(rest, "/")
	data, there := a.blobs[key]
	switch {
	case a.ended, r.URL.Query().Get("sig") != secret:
		a.fail(w, http.StatusForbidden, "AuthenticationFailed")
	case !ours:
		a.fail(w, http.StatusNotFound, "ContainerNotFound")
	case key == "" && r.URL.Query().Get("comp") == "list":
		w.Header().Set("Content-Type", "application/xml")
		_, _ = io.WriteString(w, `<EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>`)
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") == "*" && there:
		a.fail(w, http.StatusConflict, "BlobAlreadyExists")
	case r.Method == http.MethodPut:
		a.blobs[key], _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
	case !there:
		a.fail(w, http.StatusNotFound, "BlobNotFound")
	default:
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("X-Ms-Creation-Time", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		http.ServeContent(w, r, key, time.Now(), bytes.NewReader(data))
	}
}

func TestAzure(t *testing.T) {
	a := &azure{blobs: map[string][]byte{}}
	server := httptest.NewServer(a)
	defer server.Close()
	for name, value := range map[string]string{
		"AZURE_STORAGE_ACCOUNT": "acme", "AZURE_STORAGE_KEY": "", "AZURE_STORAGE_SAS_TOKEN": "sv=2023-11-03&sig=" + secret,
		"AZURE_STORAGE_DOMAIN": strings.TrimPrefix(server.URL, "http://"), "AZURE_STORAGE_PROTOCOL": "http",
		"AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGEBLOB_CONNECTIONSTRING": "",
	} {
		t.Setenv(name, value)
	}
	r, err := Open(t.Context(), "azblob://reports/cutover")
	require.NoError(t, err)
	exercise(t, r, "azblob://reports/cutover")
	require.Contains(t, a.blobs, "cutover/base.json")
	b, ok := r.place.(bucket)
	require.True(t, ok)
	for _, first := range []bool{true, false} {
		created, err := b.write(t.Context(), "late.json", nil, true)
		require.NoError(t, err)
		require.Equal(t, first, created, "the condition holds without a look before it")
	}

	_, err = Open(t.Context(), "azblob://other")
	require.EqualError(t, err, "azblob://other cannot be used: there is no such bucket (check the URL, its parameters (none), and the credentials in the environment)")
	a.ended = true
	_, err = r.Get(t.Context(), "base.json")
	require.EqualError(t, err, "read report base.json from azblob://reports/cutover: it answers AuthenticationFailed (403)")
	require.NotErrorIs(t, err, ErrNotFound)
}
