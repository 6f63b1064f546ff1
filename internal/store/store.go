// Package store keeps reports in a directory or in a bucket, and grants, reconnect links and receipts in a SQL database.
package store

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrNotFound is returned for a report that was never written. It is fs.ErrNotExist too, for those who do not know this package.
var ErrNotFound error = notFound{}

type notFound struct{}

func (notFound) Error() string { return "there is no such report" }

func (notFound) Is(target error) bool { return target == fs.ErrNotExist }

// Reports keeps files under names with slashes, each written whole or not at all. Many may share one place, in one process or several.
type Reports struct {
	where string // for people, without parameters
	place place
}

// place is where reports lie.
type place interface {
	put(ctx context.Context, name string, data []byte) error
	create(ctx context.Context, name string, data []byte) (created bool, err error)
	get(ctx context.Context, name string) ([]byte, error)
	location(name string) string
	close() error
}

// Open opens where: a directory, which is made if it is not there, or the URL of a directory or a bucket such as s3://bucket/folder?region=eu-west-1.
// A bucket is asked for, so that a wrong one is known at once. No error holds a parameter's value, which may be a secret.
func Open(ctx context.Context, where string) (*Reports, error) {
	if !strings.Contains(where, "://") {
		return openDirectory(where)
	}
	return openURL(ctx, where)
}

// Put writes a report, or replaces it, and returns where it is: a path, or the bucket's URL with the report's name.
func (r *Reports) Put(ctx context.Context, name string, data []byte) (location string, err error) {
	if err := check(ctx, name); err != nil {
		return "", err
	}
	if err := r.place.put(ctx, name, data); err != nil {
		return "", fmt.Errorf("write report %s into %s: %w", name, r.where, err)
	}
	return r.place.location(name), nil
}

// Create writes a report unless there is one, and tells whether it did. A creation whose answer got lost is told as not created when it is
// tried again: who needs to know reads what is there.
func (r *Reports) Create(ctx context.Context, name string, data []byte) (created bool, err error) {
	if err := check(ctx, name); err != nil {
		return false, err
	}
	if created, err = r.place.create(ctx, name, data); err != nil {
		return false, fmt.Errorf("create report %s in %s: %w", name, r.where, err)
	}
	return created, nil
}

// Get reads a report, or returns ErrNotFound.
func (r *Reports) Get(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	data, err := r.place.get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read report %s from %s: %w", name, r.where, err)
	}
	return data, nil
}

// Close ends the connection to the place. Nothing can be read or written afterwards.
func (r *Reports) Close() error {
	if err := r.place.close(); err != nil {
		return fmt.Errorf("close %s: %w", r.where, err)
	}
	return nil
}

// NameError says that a report's name would lead out of the place, names no file or is written differently by different places.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q is not a relative file name within the place for reports", e.Name)
}

func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	odd := func(r rune) bool { return r == '\\' || unicode.IsControl(r) } // each kind of bucket has its own way of escaping these
	if !utf8.ValidString(name) || !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || strings.HasPrefix(path.Base(name), ".") ||
		strings.ContainsFunc(name, odd) {
		return &NameError{Name: name}
	}
	return nil
}
