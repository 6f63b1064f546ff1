// Package playbooks holds the migrations that Cutover knows, as data.
package playbooks

import "embed"

// FS holds one file per playbook, <name>.yaml.
//
//go:embed *.yaml
var FS embed.FS
