package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/workflows"
)

type attributesAnswer struct {
	SearchAttributes []attributeBody `json:"search_attributes"`
}

type attributeBody struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (a *app) searchAttributesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "search-attributes",
		Short: "Print the search attributes that a namespace needs, one Name=Type per line",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			list := workflows.SearchAttributes()
			var answer attributesAnswer
			for _, name := range slices.Sorted(maps.Keys(list)) {
				answer.SearchAttributes = append(answer.SearchAttributes, attributeBody{name, list[name].String()})
			}
			return a.print(answer, func(w io.Writer) {
				for _, attribute := range answer.SearchAttributes {
					fmt.Fprintf(w, "%s=%s\n", attribute.Name, attribute.Type)
				}
			})
		},
	}
}

type validateAnswer struct {
	Manifest      string                   `json:"manifest"`
	Playbook      migration.Playbook       `json:"playbook"`
	Organizations []migration.Organization `json:"organizations"`
}

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate",
		Short:   "Check the manifest and its playbook, without Temporal",
		Example: "  starter validate --manifest organizations.yaml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			manifest, err := a.manifest()
			if err != nil {
				return err
			}
			playbook, err := a.loadPlaybook(manifest)
			if err != nil {
				return err
			}
			answer := validateAnswer{Manifest: a.manifestPath, Playbook: playbook, Organizations: manifest.Organizations}
			return a.print(answer, func(w io.Writer) {
				t := playbook.Timeline
				fmt.Fprintf(w, "%s is good: %d organizations, playbook %s (%s)\n", a.manifestPath, len(manifest.Organizations), playbook.Name, playbook.Title)
				block(w, "  ", [][2]string{
					{"available", instant(t.Available)}, {"re-authenticate by", instant(t.ReauthenticateBy)}, {"shutdown", instant(t.Shutdown)},
				})
			})
		},
	}
}

type versionAnswer struct {
	Version string `json:"version"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this build",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			answer := versionAnswer{engine.Version()}
			return a.print(answer, func(w io.Writer) { fmt.Fprintln(w, "starter "+answer.Version) })
		},
	}
}
