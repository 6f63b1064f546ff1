package migration

import "regexp"

// Organization is one IMS organization as the manifest describes it. It holds the name of a credential, never the credential.
type Organization struct {
	ID         string   `json:"id"` // such as 1A2B3C4D5E6F@AdobeOrg
	Name       string   `json:"name"`
	Sandboxes  []string `json:"sandboxes"`
	Contacts   []string `json:"contacts,omitempty"` // people of the organization, told what is theirs to do
	Credential string   `json:"credential"`
	Language   string   `json:"language,omitempty"` // of what its people read; empty: English
	// ExpectedDataflows is how many old-card dataflows the operator knows of over all sandboxes; 0 when unknown. A credential whose role
	// lacks an access label gets a shorter list and no error, so a smaller count stops the organization.
	ExpectedDataflows int `json:"expected_dataflows,omitempty"`
}

var organizationID = regexp.MustCompile(`^[A-Za-z0-9]{1,64}@AdobeOrg$`)

// ValidOrganizationID tells whether id has the form of an IMS organization id.
func ValidOrganizationID(id string) bool { return organizationID.MatchString(id) }

var sandboxName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,255}$`)

// ValidSandboxName tells whether name has the form of a sandbox name: lower case, as Adobe's header wants it.
func ValidSandboxName(name string) bool { return sandboxName.MatchString(name) }
