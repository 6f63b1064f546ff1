package notify

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What is written here names people and dataflows: for the worker's user alone.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

func makeDir(dir string) error {
	if dir == "" {
		return errors.New("no directory is given")
	}
	err := os.MkdirAll(dir, dirMode)
	at, ok := errors.AsType[*fs.PathError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return fmt.Errorf("make directory %s: %w", dir, err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is %w", at.Path, at.Err) // "not a directory"
	}
	return fmt.Errorf("make directory %s: %w", at.Path, at.Err) // the path once
}

// create makes the file with its content, or fails with fs.ErrExist when there is one; a link never replaces.
func create(root *os.Root, name string, data []byte) error { return place(root, name, data, root.Link) }

// replace makes or replaces the file.
func replace(root *os.Root, name string, data []byte) error {
	return place(root, name, data, root.Rename)
}

// place writes data beside its destination and moves it there when it is safe on disk, so that no reader and no crash ever sees half of it.
func place(root *os.Root, name string, data []byte, move func(from, to string) error) error {
	temp := filepath.Join(filepath.Dir(name), ".tmp-"+rand.Text())
	defer func() { _ = root.Remove(temp) }() // a rename took it away already
	if err := write(root, temp, data); err != nil {
		return err
	}
	if err := move(temp, name); err != nil {
		return err
	}
	return syncDir(root, filepath.Dir(name))
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

// syncDir makes the new name survive a power cut.
func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
