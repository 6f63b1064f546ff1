package store

import (
	"context"
	"errors"
	"io/fs"
	"net/url"

	"cutover/internal/folder"
)

// directory is a place of our own rather than a library's bucket: on files those create by looking first, follow links out of the directory and
// leave half-written files beside the whole ones when they are killed.
type directory struct{ folder folder.Folder }

func openDirectory(dir string) (*Reports, error) {
	f, err := folder.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Reports{where: dir, place: directory{f}}, nil
}

// pathOf is the directory that a file URL names. With the host "." it is relative, as for other tools that take such URLs.
func pathOf(u *url.URL) (string, error) {
	switch {
	case u.RawQuery != "" || u.ForceQuery:
		return "", errors.New("a file URL takes no parameters")
	case u.Host == ".":
		return "." + u.Path, nil
	case u.Host != "" && u.Host != "localhost" || u.Path == "":
		return "", errors.New("a file URL names a directory of this machine, such as file:///var/lib/cutover/reports")
	}
	return u.Path, nil
}

func (d directory) put(_ context.Context, name string, data []byte) error {
	return d.folder.Replace(name, data)
}

func (d directory) create(_ context.Context, name string, data []byte) (bool, error) {
	err := d.folder.Create(name, data)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func (d directory) get(_ context.Context, name string) ([]byte, error) {
	data, err := d.folder.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	return data, err
}

func (d directory) location(name string) string { return d.folder.Path(name) }

func (directory) close() error { return nil }
