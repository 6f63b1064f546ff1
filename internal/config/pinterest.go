package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"cutover/internal/pinterest"
	"cutover/internal/yamlfile"
)

type appFile struct {
	ClientID     string    `yaml:"client_id"`
	ClientSecret secretRef `yaml:"client_secret"`
}

// ReadPinterestApp reads the operator's own app at Pinterest from the file at path and the secret it refers to; a relative path there is relative to it.
// getenv is os.Getenv outside of tests. All faults are reported at once, without any part of a secret.
func ReadPinterestApp(path string, getenv func(string) string) (pinterest.App, error) {
	data, err := readPrivate(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: write one (pinterest-app.example.yaml shows it) or leave the variable out to hold no grants", err)
		}
		return pinterest.App{}, fmt.Errorf("%s: %w", EnvPinterestApp, err)
	}
	if isEmpty(data) {
		return pinterest.App{}, emptyFault(path, "pinterest-app.example.yaml")
	}
	var raw appFile
	doc := yamlfile.Parse(path, data, &raw)
	id := strings.TrimSpace(raw.ClientID)
	if id == "" {
		doc.Fault("client_id", "is missing: the app's id at Pinterest")
	}
	secret, err := raw.ClientSecret.read(filepath.Dir(path), getenv)
	if err != nil {
		doc.Fault("client_secret", "%v", err)
	}
	if err := doc.Err(); err != nil {
		return pinterest.App{}, withoutQuotes(err)
	}
	return pinterest.App{ClientID: id, ClientSecret: secret}, nil
}
