package notify

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Reports keeps files in a directory, each replaced whole.
type Reports struct{ dir string }

// NewReports returns the reports in dir, which is made if it is not there.
func NewReports(dir string) (*Reports, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	return &Reports{dir: dir}, nil
}

// NameError says that a report's name would lead out of the directory or names no file.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q is not a relative file name within the reports directory", e.Name)
}

// Put writes a report and returns where it is. A name may have folders, with slashes; it must not lead out of the directory.
func (r *Reports) Put(ctx context.Context, name string, data []byte) (location string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	local := filepath.FromSlash(name)
	if name == "" || !filepath.IsLocal(local) || path.Clean(name) != name || name == "." || strings.HasPrefix(path.Base(name), ".") {
		return "", &NameError{Name: name}
	}
	if err := r.put(local, data); err != nil {
		return "", fmt.Errorf("write report %s into %s: %w", name, r.dir, err)
	}
	return filepath.Join(r.dir, local), nil
}

func (r *Reports) put(name string, data []byte) error {
	root, err := os.OpenRoot(r.dir) // a symbolic link that leads out of it is refused as well
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.Dir(name), dirMode); err != nil {
		return err
	}
	return replace(root, name, data)
}
