package store

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "s3cr3t-canary-77fe"
)

// s3 is a bucket "reports" that speaks as much of the protocol as a client of whole objects uses.
type s3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	kinds   map[string]string // content types
	refuse  string            // a code that every request is refused with
	gone    bool              // somebody deleted the bucket
}

func (s *s3) fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, secret)
}

func (s *s3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest, ours := strings.CutPrefix(r.URL.Path, "/reports")
	key := strings.TrimPrefix(rest, "/")
	data, there := s.objects[key]
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+keyID+"/"), s.refuse != "":
		s.fail(w, http.StatusForbidden, s.refuse)
	case !ours, s.gone:
		s.fail(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		w.Header().Set("Content-Type", "application/xml")
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName     xml.Name `xml:"ListBucketResult"`
			Name        string
			KeyCount    int
			IsTruncated bool
		}{Name: "reports"})
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") == "*" && there:
		s.fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		body, err := payload(r)
		if err != nil {
			s.fail(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		s.objects[key], s.kinds[key] = body, r.Header.Get("Content-Type")
		w.Header().Set("ETag", `"1"`)
	case !there:
		s.fail(w, http.StatusNotFound, "NoSuchKey")
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, key, time.Now(), bytes.NewReader(data))
	default:
		s.fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

// payload is the body of a PUT, which comes in chunks of its own with a checksum behind when the client asks for that.
func payload(r *http.Request) ([]byte, error) {
	if !strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") && !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	var whole []byte
	reader := bufio.NewReader(r.Body)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(strings.Split(line, ";")[0]), 16, 64)
		if err != nil {
			return nil, err
		}
		if size == 0 {
			return whole, nil
		}
		chunk := make([]byte, size+2) // and its line end
		if _, err := io.ReadFull(reader, chunk); err != nil {
			return nil, err
		}
		whole = append(whole, chunk[:size]...)
	}
}

// credentials are taken from the environment and nowhere else on this machine.
func credentials(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": "eu-west-1", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// bucketURL is that of a bucket on the server.
func bucketURL(server *httptest.Server, bucket string) string {
	return "s3://" + bucket + "?use_path_style=true&endpoint=" + server.URL
}

func serve(t *testing.T) (*s3, *httptest.Server) {
	t.Helper()
	s := &s3{objects: map[string][]byte{}, kinds: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server
}

func TestS3(t *testing.T) {
	credentials(t)
	s, server := serve(t)
	r, err := Open(t.Context(), bucketURL(server, "reports"))
	require.NoError(t, err)
	exercise(t, r, "s3://reports")
	require.NoError(t, r.Close())
	require.Equal(t, "application/json", s.kinds["base.json"])

	inside, err := Open(t.Context(), bucketURL(server, "reports/cutover/prod/"))
	require.NoError(t, err)
	exercise(t, inside, "s3://reports/cutover/prod")
	require.Contains(t, s.objects, "cutover/prod/base.json")
	_, err = inside.Put(t.Context(), "page.html", []byte("<p>"))
	require.NoError(t, err)
	require.Equal(t, "text/html; charset=utf-8", s.kinds["cutover/prod/page.html"])
}

func TestS3CreatesOnce(t *testing.T) {
	credentials(t)
	_, server := serve(t)
	r, err := Open(t.Context(), bucketURL(server, "reports"))
	require.NoError(t, err)
	b, ok := r.place.(bucket)
	require.True(t, ok)
	for _, first := range []bool{true, false} {
		created, err := b.write(t.Context(), "late.json", nil, true)
		require.NoError(t, err)
		require.Equal(t, first, created, "the condition holds without a look before it")
	}
	var all sync.WaitGroup
	results := make(chan bool, 16)
	for i := range cap(results) {
		all.Go(func() {
			created, err := r.Create(t.Context(), "base.json", []byte(strconv.Itoa(i)))
			results <- created && err == nil
		})
	}
	all.Wait()
	close(results)
	won := 0
	for created := range results {
		if created {
			won++
		}
	}
	require.Equal(t, 1, won)
}

func TestS3FaultsHoldNoSecret(t *testing.T) {
	credentials(t)
	s, server := serve(t)
	opened := func(where string) error {
		_, err := Open(t.Context(), where)
		require.Error(t, err, where)
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			require.NotContains(t, cause.Error(), secret)
		}
		return err
	}
	require.EqualError(t, opened(bucketURL(server, "other")),
		"s3://other cannot be used: there is no such bucket (check the URL, its parameters (endpoint, use_path_style), and the credentials in the environment)")
	require.ErrorContains(t, opened("s3://reports?use_path_style=true&endpoint=http://127.0.0.1:1"), "s3://reports cannot be used: dial tcp 127.0.0.1:1: connect: connection refused")
	require.EqualError(t, opened("s3://reports?regoin="+secret), "s3://reports cannot be opened: check its parameters (regoin) and the credentials in the environment")
	require.EqualError(t, opened("s3://reports?"+secret), "s3://reports cannot be opened: check its parameters (none) and the credentials in the environment")
	require.EqualError(t, opened("s3://"+keyID+":"+secret+"@reports"), "the URL must not hold a user or a password: credentials are taken from the environment")
	require.EqualError(t, opened("s3://reports\x00?x="+secret), "the URL is malformed")
	require.EqualError(t, opened("s3:///reports?x="+secret), "the URL must name a bucket, such as s3://bucket/folder")
	require.EqualError(t, opened("s3://reports?prefix="+secret), "the folder within the bucket belongs into the path: s3://reports/folder")
	require.EqualError(t, opened("gs://reports?x="+secret), "gs:// is not supported: give a directory, or a URL that begins with file:// or s3:// or azblob://")

	r, err := Open(t.Context(), bucketURL(server, "reports"))
	require.NoError(t, err)
	s.refuse = "AccessDenied"
	require.ErrorContains(t, opened(bucketURL(server, "reports")), "it answers AccessDenied (403)")
	_, err = r.Put(t.Context(), "a.json", nil)
	require.EqualError(t, err, "write report a.json into s3://reports: it answers AccessDenied (403)")
	var fault interface{ Misconfigured() bool }
	require.ErrorAs(t, err, &fault)
	require.True(t, fault.Misconfigured(), "trying again does not help")
	_, err = r.Create(t.Context(), "a.json", nil)
	require.EqualError(t, err, "create report a.json in s3://reports: it answers Forbidden (403)")
	_, err = r.Get(t.Context(), "a.json")
	require.EqualError(t, err, "read report a.json from s3://reports: it answers AccessDenied (403)")
	require.NotErrorIs(t, err, ErrNotFound)
	s.refuse, s.gone = "", true
	_, err = r.Get(t.Context(), "a.json")
	require.EqualError(t, err, "read report a.json from s3://reports: there is no such bucket")
	require.NotErrorIs(t, err, ErrNotFound, "a bucket that went away is not an empty one")
	s.refuse = secret + " "
	_, err = r.Get(t.Context(), "a.json")
	require.EqualError(t, err, "read report a.json from s3://reports: it answers Forbidden (403)")

	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	require.ErrorContains(t, opened(bucketURL(server, "reports")), "s3://reports cannot be used: no credentials are found (check")

	server.Close()
	_, err = r.Get(t.Context(), "a.json")
	require.ErrorContains(t, err, "connection refused")
	require.NotErrorIs(t, err, ErrNotFound)
	require.NotContains(t, err.Error(), secret)
	require.ErrorAs(t, err, &fault)
	require.False(t, fault.Misconfigured(), "it may come back")
}
