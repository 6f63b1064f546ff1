package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// openTimeout bounds the first look at a bucket, with the library's own retries and its search for credentials.
const openTimeout = 20 * time.Second

// bucket is any bucket that has a driver.
type bucket struct {
	where string // ends without a slash
	blobs *blob.Bucket
}

func openURL(ctx context.Context, where string) (*Reports, error) {
	u, err := url.Parse(where)
	if err != nil {
		return nil, errors.New("the URL is malformed") // its error would quote it
	}
	if u.Scheme == "file" {
		dir, err := pathOf(u)
		if err != nil {
			return nil, err
		}
		return openDirectory(dir)
	}
	b, err := openBucket(ctx, u)
	if err != nil {
		return nil, err
	}
	return &Reports{where: b.where, place: b}, nil
}

func openBucket(ctx context.Context, u *url.URL) (bucket, error) {
	query := u.Query()
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return bucket{}, fmt.Errorf("%s:// is not supported: give a directory, or a URL that begins with %s://", u.Scheme, strings.Join(append([]string{"file"}, schemes...), ":// or "))
	case u.User != nil:
		return bucket{}, errors.New("the URL must not hold a user or a password: credentials are taken from the environment")
	case u.Host == "" || u.Fragment != "":
		return bucket{}, fmt.Errorf("the URL must name a bucket, such as %s://bucket/folder", u.Scheme)
	case query.Has("prefix") || query.Has("key"):
		return bucket{}, fmt.Errorf("the folder within the bucket belongs into the path: %s://%s/folder", u.Scheme, u.Host)
	}
	folder := strings.Trim(path.Clean("/"+u.Path), "/")
	b := bucket{where: strings.TrimSuffix(u.Scheme+"://"+u.Host+"/"+folder, "/")}

	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	blobs, err := blob.OpenBucket(ctx, (&url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery}).String())
	if err != nil {
		return bucket{}, fmt.Errorf("%s cannot be opened: check its parameters%s and the credentials in the environment", b.where, names(query))
	}
	if folder != "" {
		blobs = blob.PrefixedBucket(blobs, folder+"/")
	}
	b.blobs = blobs
	if _, _, err := blobs.ListPage(ctx, blob.FirstPageToken, 1, nil); err != nil {
		_ = blobs.Close() // nothing was written
		return bucket{}, fmt.Errorf("%s cannot be used: %w (check the URL, its parameters%s, and the credentials in the environment)", b.where, faultOf(err), names(query))
	}
	return b, nil
}

// names lists which parameters a URL has, without their values.
func names(query url.Values) string {
	var all []string
	for name, values := range query {
		if strings.Join(values, "") != "" { // a value without a name would stand here
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return " (none)"
	}
	slices.Sort(all)
	return " (" + strings.Join(all, ", ") + ")"
}

func (b bucket) put(ctx context.Context, name string, data []byte) error {
	_, err := b.write(ctx, name, data, false)
	return err
}

func (b bucket) create(ctx context.Context, name string, data []byte) (bool, error) {
	// Some that speak the protocol take no notice of the condition: the look before serves those, the condition all others.
	if _, err := b.blobs.Attributes(ctx, name); err == nil || !missing(err) {
		return false, faultOf(err)
	}
	return b.write(ctx, name, data, true)
}

// write writes an object, with once only if there is none, and tells whether it did.
func (b bucket) write(ctx context.Context, name string, data []byte, once bool) (bool, error) {
	err := b.blobs.Upload(ctx, name, bytes.NewReader(data), &blob.WriterOptions{ContentType: contentType(name), IfNotExist: once})
	if once && gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return false, nil
	}
	return err == nil, faultOf(err)
}

func (b bucket) get(ctx context.Context, name string) ([]byte, error) {
	data, err := b.blobs.ReadAll(ctx, name)
	if err != nil && missing(err) {
		return nil, ErrNotFound
	}
	return data, faultOf(err)
}

func (b bucket) location(name string) string { return b.where + "/" + name }

func (b bucket) close() error { return faultOf(b.blobs.Close()) }

// contentType lets a browser show the report.
func contentType(name string) string {
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
