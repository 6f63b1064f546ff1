package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cutover/internal/migration"
	"cutover/internal/yamlfile"
	"cutover/playbooks"
)

// PlaybookNames are the embedded playbooks, sorted.
func PlaybookNames() []string {
	files, err := fs.Glob(playbooks.FS, "*.yaml")
	if err != nil {
		return nil // the pattern is fixed and valid
	}
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file, ".yaml"))
	}
	slices.Sort(names)
	return names
}

// PlaybookError says why there is no playbook of the given name or path. Whoever knows where the name stands puts that in front.
type PlaybookError struct{ err error }

func (e *PlaybookError) Error() string { return e.err.Error() }

// Unwrap returns the cause, such as fs.ErrNotExist.
func (e *PlaybookError) Unwrap() error { return e.err }

// LoadPlaybook reads the manifest's playbook and resolves its dates; dates relative to the start count from start. The faults of the playbook,
// or the one of the manifest that names it, come as yamlfile.Faults.
func LoadPlaybook(manifest Manifest, start time.Time) (migration.Playbook, error) {
	playbook, err := ReadPlaybook(manifest.Playbook, manifest.dir(), start)
	if unfound, ok := errors.AsType[*PlaybookError](err); ok {
		text := unfound.Error()
		if errors.Is(err, fs.ErrNotExist) && IsPlaybookPath(manifest.Playbook) {
			text += "; a path counts from the manifest's folder"
		}
		return migration.Playbook{}, yamlfile.Faults{{File: manifest.path, Line: manifest.playbookLine, Path: "playbook", Text: text}}
	}
	return playbook, err
}

// ReadPlaybook reads a playbook by name, or by a path ending in .yaml or .yml relative to dir. Its errors are a *PlaybookError and the
// playbook's own faults.
func ReadPlaybook(name, dir string, start time.Time) (migration.Playbook, error) {
	if IsPlaybookPath(name) {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := readFile(path)
		if err != nil {
			return migration.Playbook{}, &PlaybookError{err}
		}
		return migration.ParsePlaybook(path, data, start)
	}
	data, err := playbooks.FS.ReadFile(name + ".yaml")
	if err != nil { // embedded: nothing but the name can be wrong
		return migration.Playbook{}, &PlaybookError{fmt.Errorf("%q is unknown; there is %s, or give the path of a file ending in .yaml",
			name, strings.Join(PlaybookNames(), ", "))}
	}
	return migration.ParsePlaybook("playbooks/"+name+".yaml", data, start)
}

// IsPlaybookPath tells whether name is the path of a file rather than the name of an embedded playbook.
func IsPlaybookPath(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}
