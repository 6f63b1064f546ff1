package adobe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Credential is an OAuth server-to-server credential of exactly one organization.
// It shows its name and organization when printed or marshalled and nothing else.
type Credential struct {
	// Name is what operators call the credential; it may appear in errors.
	Name string
	// Organization is the IMS organization id, such as 1A2B3C4D5E6F@AdobeOrg.
	Organization string
	// ClientID is also the value of the x-api-key header.
	ClientID     string
	ClientSecret string
	// Scopes are those of the credential's developer console project.
	Scopes []string
}

// String tells the credential's name and organization.
func (c Credential) String() string {
	return fmt.Sprintf("credential %q of organization %s", c.Name, c.Organization)
}

// GoString tells what String tells.
func (c Credential) GoString() string { return c.String() }

// Format writes what String tells, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON writes the name and the organization.
func (c Credential) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"name": c.Name, "organization": c.Organization})
}

// key tells tokens of different credentials apart without holding the secret.
func (c Credential) key() string {
	parts := append([]string{c.Organization, c.ClientID, c.ClientSecret}, c.Scopes...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
