package config

import (
	"errors"
	"fmt"
	"net/mail"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"cutover/internal/migration"
	"cutover/internal/words"
	"cutover/internal/yamlfile"
)

// defaultSandbox is the one every organization has.
const defaultSandbox = "prod"

// Manifest is organizations.yaml: which organizations are migrated by which playbook. It holds names of credentials, never credentials.
type Manifest struct {
	// Playbook is the name of an embedded playbook, or a path ending in .yaml or .yml relative to the manifest.
	Playbook      string
	Organizations []migration.Organization

	path         string
	playbookLine int
}

type manifestFile struct {
	Playbook      string             `yaml:"playbook"`
	Organizations []organizationFile `yaml:"organizations"`
}

type organizationFile struct {
	ID                string   `yaml:"id"`
	Name              string   `yaml:"name"`
	Sandboxes         []string `yaml:"sandboxes"`
	Contacts          []string `yaml:"contacts"`
	Credential        string   `yaml:"credential"`
	Language          string   `yaml:"language"`
	ExpectedDataflows int      `yaml:"expected_dataflows"`
}

// ReadManifest reads the manifest at path. Its faults come as yamlfile.Faults, all at once; what cannot be read wraps fs.ErrNotExist or ErrNotFile.
func ReadManifest(path string) (Manifest, error) {
	data, err := readFile(path)
	if err != nil {
		return Manifest{}, err
	}
	if isEmpty(data) {
		return Manifest{}, emptyFault(path, "organizations.example.yaml")
	}
	var raw manifestFile
	doc := yamlfile.Parse(path, data, &raw)
	manifest := Manifest{Playbook: raw.Playbook, path: path, playbookLine: doc.Line("playbook")}
	if strings.TrimSpace(raw.Playbook) == "" {
		doc.Fault("playbook", "is missing: the name of a playbook (%s) or a path ending in .yaml", strings.Join(PlaybookNames(), ", "))
	}
	if len(raw.Organizations) == 0 {
		doc.Fault("organizations", "is missing or empty: nothing would be migrated")
	}
	lines := map[string]int{}
	for i, o := range raw.Organizations {
		at := "organizations[" + strconv.Itoa(i) + "]"
		o.check(doc, at)
		if line, twice := lines[o.ID]; twice && o.ID != "" {
			doc.Fault(at+".id", "%s stands at line %d already", o.ID, line)
		} else {
			lines[o.ID] = doc.Line(at + ".id")
		}
		if len(o.Sandboxes) == 0 {
			o.Sandboxes = []string{defaultSandbox}
		}
		manifest.Organizations = append(manifest.Organizations, migration.Organization(o))
	}
	if err := doc.Err(); err != nil {
		return Manifest{}, err
	}
	return manifest, nil
}

// credentialName keeps names readable in errors and usable as file names of secrets.
var credentialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func (o organizationFile) check(doc *yamlfile.Document, at string) {
	switch {
	case o.ID == "":
		doc.Fault(at+".id", "is missing: the IMS organization id, such as 1A2B3C4D5E6F@AdobeOrg")
	case !strings.HasSuffix(o.ID, "@AdobeOrg"):
		doc.Fault(at+".id", "%q must end in @AdobeOrg: it is the IMS organization id", o.ID)
	case !migration.ValidOrganizationID(o.ID):
		doc.Fault(at+".id", "%q is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg", o.ID)
	}
	if strings.TrimSpace(o.Name) == "" {
		doc.Fault(at+".name", "is missing: people see it in notices")
	}
	seen := map[string]bool{}
	for i, sandbox := range o.Sandboxes {
		path := fmt.Sprintf("%s.sandboxes[%d]", at, i)
		switch {
		case !migration.ValidSandboxName(sandbox):
			doc.Fault(path, "%q is not a sandbox name: lower-case letters, digits and dashes", sandbox)
		case seen[sandbox]:
			doc.Fault(path, "%q is listed twice", sandbox)
		}
		seen[sandbox] = true
	}
	for i, contact := range o.Contacts {
		if address, err := mail.ParseAddress(contact); err != nil || address.Address != contact {
			doc.Fault(fmt.Sprintf("%s.contacts[%d]", at, i), "%q is not a plain e-mail address such as marketing@acme.example", contact)
		}
	}
	switch {
	case o.Credential == "":
		doc.Fault(at+".credential", "is missing: the name of an entry in the worker's credentials.yaml")
	case !credentialName.MatchString(o.Credential):
		doc.Fault(at+".credential", "must be a name of letters, digits, dots, dashes and underscores; the credential itself stands in credentials.yaml")
	}
	if o.Language != "" && !words.Known(o.Language) {
		doc.Fault(at+".language", "%q is not a language of the notices: %s", o.Language, languages())
	}
	if o.ExpectedDataflows < 0 {
		doc.Fault(at+".expected_dataflows", "must not be negative; leave it out if it is not known")
	}
}

// languages names those that notices are written in.
func languages() string {
	var codes []string
	for _, l := range words.Languages() {
		codes = append(codes, string(l))
	}
	return strings.Join(codes, " or ")
}

// ErrUnknownOrganization is wrapped by what Find returns for an id that the manifest does not hold.
var ErrUnknownOrganization = errors.New("not in the manifest")

// Find returns the organization with this id. The error for an unknown one wraps ErrUnknownOrganization and names those that look alike.
func (m Manifest) Find(id string) (migration.Organization, error) {
	for _, o := range m.Organizations {
		if o.ID == id {
			return o, nil
		}
	}
	hint := ""
	if near := m.near(id); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return migration.Organization{}, fmt.Errorf("organization %q is %w %s%s", id, ErrUnknownOrganization, m.path, hint)
}

// maxNear keeps the suggestion a hint, not a listing.
const maxNear = 3

// near lists ids that a person may have meant: by the name, by a part of the id, or a few letters off.
func (m Manifest) near(id string) []string {
	wanted := strings.ToLower(strings.TrimSpace(id))
	stem := strings.TrimSuffix(wanted, "@adobeorg")
	var near []string
	for _, o := range m.Organizations {
		have := strings.TrimSuffix(strings.ToLower(o.ID), "@adobeorg")
		if strings.EqualFold(o.Name, wanted) || len(stem) >= 3 && strings.Contains(have, stem) || distance(have, stem) <= 1+len(have)/6 {
			near = append(near, o.ID)
		}
		if len(near) == maxNear {
			break
		}
	}
	return near
}

// distance counts the letters to add, drop or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func (m Manifest) dir() string { return filepath.Dir(m.path) }
