// Package folder keeps files in a directory, each written whole or not at all, whatever is killed meanwhile.
package folder

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What is written names people and dataflows: for the worker's user alone.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// Folder is a directory. No name and no symbolic link leads out of it. Several may share it, in one process or many.
type Folder struct{ dir string }

// Open returns the folder at dir, which is made if it is not there.
func Open(dir string) (Folder, error) {
	if dir == "" {
		return Folder{}, errors.New("no directory is given")
	}
	err := os.MkdirAll(dir, dirMode)
	at, ok := errors.AsType[*fs.PathError](err)
	switch {
	case err == nil:
		return Folder{dir: dir}, nil
	case !ok:
		return Folder{}, fmt.Errorf("make directory %s: %w", dir, err)
	case errors.Is(err, syscall.ENOTDIR):
		return Folder{}, fmt.Errorf("%s is %w", at.Path, at.Err) // "not a directory"
	}
	return Folder{}, fmt.Errorf("make directory %s: %w", at.Path, at.Err) // the path once
}

// Path is where the file name lies.
func (f Folder) Path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// String is the directory.
func (f Folder) String() string { return f.dir }

// Read returns the file's content, or fs.ErrNotExist.
func (f Folder) Read(name string) ([]byte, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(filepath.FromSlash(name))
}

// Create makes the file with its content, or fails with fs.ErrExist when there is one: of many who try, one succeeds.
func (f Folder) Create(name string, data []byte) error {
	return f.place(name, data, func(root *os.Root, from, to string) error {
		err := root.Link(from, to) // unlike a rename, a link never replaces
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", f.Path(name), fs.ErrExist) // without the temporary name
		}
		return err
	})
}

// Replace makes the file or replaces its content.
func (f Folder) Replace(name string, data []byte) error {
	return f.place(name, data, (*os.Root).Rename)
}

// errGone is not fs.ErrNotExist: a directory that went away must not pass for a file that was never written.
var errGone = errors.New("the directory is gone")

func (f Folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	return root, err
}

// place writes data beside its destination and moves it there when it is safe on disk, so that no reader and no crash ever sees half of it.
func (f Folder) place(name string, data []byte, move func(root *os.Root, from, to string) error) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	dir := filepath.Dir(name)
	if err := root.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	temp := filepath.Join(dir, ".tmp-"+rand.Text())
	defer func() { _ = root.Remove(temp) }() // a rename took it away already
	if err := write(root, temp, data); err != nil {
		return err
	}
	if err := move(root, temp, name); err != nil {
		return err
	}
	return sync(root, dir)
}

func write(root *os.Root, name string, data []byte) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// sync makes the new name survive a power cut.
func sync(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
