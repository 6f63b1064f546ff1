package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"

	"cutover/internal/yamlfile"
)

// ErrNotFile is wrapped by what is returned for a path that is a directory or anything else that is no file.
var ErrNotFile = errors.New("is not a file")

// missingError is fs.ErrNotExist in an operator's words.
type missingError struct{ path string }

func (e *missingError) Error() string { return "no file at " + e.path }
func (e *missingError) Unwrap() error { return fs.ErrNotExist }

// readFile reads a file that an operator names. Its errors name the path once and wrap fs.ErrNotExist and ErrNotFile.
func readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		return data, nil
	}
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return nil, fmt.Errorf("%s %w", path, ErrNotFile)
	}
	return nil, unread(path, err)
}

// unread says why the file system does not give the file at path.
func unread(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &missingError{path: path}
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err // the rest names the path again and a system call
	}
	return fmt.Errorf("cannot read %s: %w", path, err)
}

// isEmpty tells whether a YAML file holds nothing but comments.
func isEmpty(data []byte) bool {
	var node yaml.Node
	return yaml.Unmarshal(data, &node) == nil && node.IsZero()
}

func emptyFault(path, example string) yamlfile.Faults {
	return yamlfile.Faults{{File: path, Text: "the file is empty: " + example + " shows what belongs here"}}
}
