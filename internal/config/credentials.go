package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"cutover/internal/adobe"
	"cutover/internal/migration"
	"cutover/internal/yamlfile"
)

// DefaultScopes are those of a developer console credential for the Experience Platform API (contract: Adobe IMS, "Token request").
func DefaultScopes() []string {
	return []string{"openid", "session", "AdobeID", "read_organizations", "additional_info.projectedProductContext"}
}

// Credentials is credentials.yaml. It shows nothing of what it holds when printed or marshalled.
type Credentials struct {
	byName map[string]adobe.Credential
}

// String tells how many credentials there are.
func (c Credentials) String() string { return fmt.Sprintf("%d credentials", len(c.byName)) }

// GoString tells what String tells.
func (c Credentials) GoString() string { return c.String() }

// Format writes what String tells, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// UnknownCredentialError says that credentials.yaml has no entry of this name.
type UnknownCredentialError struct{ Name, Organization string }

// Misconfigured tells those who meet the error that trying again does not help.
func (e *UnknownCredentialError) Misconfigured() bool { return true }

func (e *UnknownCredentialError) Error() string {
	return fmt.Sprintf("credential %q of organization %s is unknown: add it to the worker's credentials file and restart the worker", e.Name, e.Organization)
}

// ForeignCredentialError says that a credential belongs to another organization than the one it was asked for.
type ForeignCredentialError struct{ Name, Organization, BoundTo string }

// Misconfigured tells those who meet the error that trying again does not help.
func (e *ForeignCredentialError) Misconfigured() bool { return true }

// A running workflow carries the manifest's entry by value, so that a corrected one reaches a new start only.
func (e *ForeignCredentialError) Error() string {
	return fmt.Sprintf("credential %[1]q belongs to organization %[2]s and is never used for %[3]s: correct the manifest's credential, "+
		"then start it anew: starter cancel --org %[3]s --yes and starter start --org %[3]s", e.Name, e.BoundTo, e.Organization)
}

// Lookup returns the credential called name for the organization it is bound to. Its errors are *UnknownCredentialError and
// *ForeignCredentialError.
func (c Credentials) Lookup(name, organization string) (adobe.Credential, error) {
	credential, ok := c.byName[name]
	switch {
	case !ok:
		return adobe.Credential{}, &UnknownCredentialError{Name: name, Organization: organization}
	case credential.Organization != organization:
		return adobe.Credential{}, &ForeignCredentialError{Name: name, Organization: organization, BoundTo: credential.Organization}
	}
	return credential, nil
}

// Secrets are what no log may hold.
func (c Credentials) Secrets() []string {
	secrets := make([]string, 0, len(c.byName))
	for _, name := range slices.Sorted(maps.Keys(c.byName)) {
		secrets = append(secrets, c.byName[name].ClientSecret)
	}
	return secrets
}

// Len is the number of credentials.
func (c Credentials) Len() int { return len(c.byName) }

type credentialFile struct {
	Organization string    `yaml:"organization"`
	ClientID     string    `yaml:"client_id"`
	ClientSecret secretRef `yaml:"client_secret"`
	Scopes       []string  `yaml:"scopes"`
}

// secretRef says where a secret is. A secret written in place is refused: such a file is copied and committed sooner or later.
type secretRef struct {
	file, env string
	fault     string
}

const secretForm = "give {file: PATH} or {env: NAME}"

// UnmarshalYAML never fails, so that the other faults of the file are found too; check reports what is wrong.
func (s *secretRef) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		s.fault = "is written in place; a secret stands in a file or an environment variable of its own: " + secretForm
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, node.Content[i+1]
		switch {
		case key != "file" && key != "env":
			s.fault = "has an unknown key; " + secretForm // unnamed: it may be the secret itself
		case value.Kind != yaml.ScalarNode || value.Value == "":
			s.fault = key + " has no value; " + secretForm
		case key == "file":
			s.file = value.Value
		default:
			s.env = value.Value
		}
	}
	return nil
}

// ReadCredentials reads the credentials at path and the secrets it refers to; relative paths are relative to it. getenv is os.Getenv outside
// of tests. All faults are reported at once, without any part of a secret.
func ReadCredentials(path string, getenv func(string) string) (Credentials, error) {
	data, err := readPrivate(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: write one (credentials.example.yaml shows it) or set the variable", err)
		}
		return Credentials{}, fmt.Errorf("%s: %w", EnvCredentials, err)
	}
	if isEmpty(data) {
		return Credentials{}, emptyFault(path, "credentials.example.yaml")
	}
	raw := map[string]credentialFile{}
	doc := yamlfile.Parse(path, data, &raw)
	credentials := Credentials{byName: map[string]adobe.Credential{}}
	owners := map[string]string{} // client id to credential name
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		entry := raw[name]
		if !credentialName.MatchString(name) {
			doc.Fault(name, "must be a name of letters, digits, dots, dashes and underscores")
		}
		entry.check(doc, name)
		if owner, twice := owners[entry.ClientID]; twice && entry.ClientID != "" {
			doc.Fault(name+".client_id", "is that of credential %q too: an Adobe credential belongs to one organization and needs one entry", owner)
		}
		owners[entry.ClientID] = name
		secret, err := entry.ClientSecret.read(filepath.Dir(path), getenv)
		if err != nil {
			doc.Fault(name+".client_secret", "%v", err)
		}
		if len(entry.Scopes) == 0 {
			entry.Scopes = DefaultScopes()
		}
		credentials.byName[name] = adobe.Credential{
			Name: name, Organization: entry.Organization, ClientID: entry.ClientID, ClientSecret: secret, Scopes: entry.Scopes,
		}
	}
	if len(raw) == 0 && doc.Err() == nil {
		doc.Fault("", "holds no credential")
	}
	if err := doc.Err(); err != nil {
		return Credentials{}, withoutQuotes(err)
	}
	return credentials, nil
}

var scopeForm = regexp.MustCompile(`^[A-Za-z0-9_.:/-]+$`)

func (c credentialFile) check(doc *yamlfile.Document, name string) {
	switch {
	case c.Organization == "":
		doc.Fault(name+".organization", "is missing: the IMS organization id that this credential belongs to; it is never used for another")
	case !migration.ValidOrganizationID(c.Organization):
		doc.Fault(name+".organization", "is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg")
	}
	if strings.TrimSpace(c.ClientID) == "" {
		doc.Fault(name+".client_id", "is missing")
	}
	for i, scope := range c.Scopes {
		if !scopeForm.MatchString(scope) {
			doc.Fault(fmt.Sprintf("%s.scopes[%d]", name, i), "is not a scope such as openid; give one per list item")
		}
	}
}

func (s secretRef) read(dir string, getenv func(string) string) (string, error) {
	switch {
	case s.fault != "":
		return "", errors.New(s.fault)
	case s.file == "" && s.env == "":
		return "", errors.New("is missing; " + secretForm)
	case s.file != "" && s.env != "":
		return "", errors.New("has both file and env; " + secretForm)
	case s.env != "":
		return oneLine(getenv(s.env), "environment variable "+s.env, "environment variable "+s.env+" is empty or not set")
	}
	path := s.file
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := readPrivate(path)
	if err != nil {
		return "", err
	}
	return oneLine(string(data), path, "file "+path+" is empty")
}

// oneLine takes off the line break that editors add and refuses what cannot be one secret; empty is what to say of none.
func oneLine(secret, where, empty string) (string, error) {
	secret = strings.TrimSpace(secret)
	switch {
	case secret == "":
		return "", errors.New(empty)
	case strings.ContainsAny(secret, "\r\n\x00"):
		return "", fmt.Errorf("%s holds more than one line", where)
	}
	return secret, nil
}

// maxPrivate is a credentials file of about a hundred thousand organizations; more is a mistaken path, which must not fill memory.
const maxPrivate = 16 << 20

// readPrivate reads a file that nobody but its owner can read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unread(path, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s %w", path, ErrNotFile)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	case info.Size() > maxPrivate:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxPrivate)
	}
	return readFile(path)
}

var quotedText = regexp.MustCompile(`'[^']*'`)

// withoutQuotes takes out what the YAML reader quotes from the file, such as the name of an anchor: a secret may begin with a star.
func withoutQuotes(err error) error {
	var faults yamlfile.Faults
	if !errors.As(err, &faults) {
		return err
	}
	clean := slices.Clone(faults)
	for i := range clean {
		clean[i].Text = quotedText.ReplaceAllString(clean[i].Text, "a value")
	}
	return clean
}
