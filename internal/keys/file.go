package keys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"cutover/internal/folder"
)

// maxFile is far beyond any keys file and keeps a mistaken path from filling memory.
const maxFile = 1 << 20

// How a file gets its content, whole or not at all.
var (
	create  = folder.Folder.Create
	replace = folder.Folder.Replace
)

func read(ctx context.Context, path, kms string) (*keyset.Handle, error) {
	data, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	var sealed envelope
	if err := json.Unmarshal(data, &sealed); err != nil {
		return nil, notKeys(path)
	}
	switch {
	case sealed.empty() && kms != "":
		return nil, fmt.Errorf("keys file %s is not sealed with a key of a key management service: leave that key out, or give the file that was made with it", path)
	case !sealed.empty() && kms == "":
		return nil, fmt.Errorf("keys file %s is sealed with a key of a key management service: give that key's URL", path)
	case !sealed.empty():
		if data, err = sealed.open(ctx, kms); err != nil {
			return nil, fmt.Errorf("open keys file %s: %w", path, err)
		}
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, notKeys(path)
	}
	return handle, nil
}

// notKeys leaves out the reader's error, which may quote the file.
func notKeys(path string) error {
	return fmt.Errorf("keys file %s holds no keys: give the one that was made for this store", path)
}

func write(ctx context.Context, path, kms string, handle *keyset.Handle, place func(f folder.Folder, name string, data []byte) error) error {
	var plain bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&plain)); err != nil {
		return fmt.Errorf("write keys %s: %w", path, err)
	}
	data := plain.Bytes()
	if kms != "" {
		var err error
		if data, err = seal(ctx, kms, data); err != nil {
			return fmt.Errorf("seal keys file %s: %w", path, err)
		}
	}
	dir, err := folder.Open(filepath.Dir(path))
	if err == nil {
		err = place(dir, filepath.Base(path), data)
	}
	if err != nil {
		return fmt.Errorf("write keys file: %w", err) // which names the file
	}
	return nil
}

// readPrivate reads a file that nobody but its owner can read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("keys file %s: %w", path, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read keys file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("keys file %s is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("keys file %s can be read by others (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("keys file %s is larger than %d bytes", path, maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read keys file: %w", err)
	}
	return data, nil
}
