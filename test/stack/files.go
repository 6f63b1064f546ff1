package stack

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

const (
	privateFile = 0o600
	privateDir  = 0o700
)

// Credential is an organization's credential at the vendor.
type Credential struct {
	Name, Organization, ClientID, ClientSecret string
}

// WriteCredentials writes credentials.yaml into dir, with each secret in a file of its own beside it, and returns its path.
func WriteCredentials(dir string, credentials []Credential) (string, error) {
	type entry struct {
		Organization string            `yaml:"organization"`
		ClientID     string            `yaml:"client_id"`
		ClientSecret map[string]string `yaml:"client_secret"`
	}
	file := map[string]entry{}
	for _, c := range credentials {
		if err := writeSecret(dir, c.Name, c.ClientSecret); err != nil {
			return "", fmt.Errorf("write credentials: %w", err)
		}
		file[c.Name] = entry{c.Organization, c.ClientID, map[string]string{"file": filepath.Join("secrets", c.Name)}}
	}
	return writeYAML(dir, "credentials.yaml", file)
}

// writeSecret writes a secret into a file of its own.
func writeSecret(dir, name, secret string) error {
	if err := os.MkdirAll(filepath.Join(dir, "secrets"), privateDir); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "secrets", name), []byte(secret+"\n"), privateFile)
}

// WriteManifest writes organizations.yaml into dir and returns its path. The playbook is a name, or a path relative to dir.
func WriteManifest(dir, playbook string, organizations []migration.Organization) (string, error) {
	type entry struct {
		ID                string   `yaml:"id"`
		Name              string   `yaml:"name"`
		Sandboxes         []string `yaml:"sandboxes,omitempty"`
		Contacts          []string `yaml:"contacts,omitempty"`
		Credential        string   `yaml:"credential"`
		Language          string   `yaml:"language,omitempty"`
		ExpectedDataflows int      `yaml:"expected_dataflows,omitempty"`
	}
	file := struct {
		Playbook      string  `yaml:"playbook"`
		Organizations []entry `yaml:"organizations"`
	}{Playbook: playbook}
	for _, o := range organizations {
		file.Organizations = append(file.Organizations, entry(o))
	}
	return writeYAML(dir, "organizations.yaml", file)
}

// WriteScenario writes scenario.yaml into dir and returns its path.
func WriteScenario(dir string, scenario emulator.Scenario) (string, error) {
	var node yaml.Node
	if err := node.Encode(scenario); err != nil {
		return "", fmt.Errorf("write scenario: %w", err)
	}
	prune(&node)
	return writeYAML(dir, "scenario.yaml", &node)
}

// prune drops members that were not given: an empty list of a copy's audiences means none, and not those of the original.
func prune(node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		for _, child := range node.Content {
			prune(child)
		}
		return
	}
	var kept []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		prune(value)
		empty := value.Kind != yaml.ScalarNode && len(value.Content) == 0 || value.Tag == "!!null"
		if !empty {
			kept = append(kept, key, value)
		}
	}
	node.Content = kept
}

func writeYAML(dir, name string, value any) (string, error) {
	data, err := yaml.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, privateFile); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return path, nil
}
