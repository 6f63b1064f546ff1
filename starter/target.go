package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/spf13/cobra"

	"cutover/internal/config"
	"cutover/internal/migration"
	"cutover/workflows"
)

// target is the organization's workflow that a command is about.
type target struct {
	organization string
	playbook     string
	workflowID   string
	again        string // flags by which another command means the same
}

// command is what a person types next about the organization.
func (t target) command(words string) string {
	return fmt.Sprintf("starter %s --org %s%s", words, t.organization, t.again)
}

// again are the flags of this command that another one must repeat to mean the same manifest and playbook.
func (a *app) again() (flags string) {
	if a.playbook != "" {
		flags += " --playbook " + a.playbook
	}
	if a.manifestPath != defaultManifest {
		flags += " --manifest " + a.manifestPath
	}
	return flags
}

func (a *app) targetOf(playbook, organization string) target {
	return target{organization: organization, playbook: playbook, workflowID: workflows.WorkflowID(playbook, organization), again: a.again()}
}

// manifest reads the manifest; --playbook wins over the playbook it names.
func (a *app) manifest() (config.Manifest, error) {
	manifest, err := config.ReadManifest(a.manifestPath)
	switch {
	case err == nil:
		return manifest, nil
	case errors.Is(err, fs.ErrNotExist):
		return config.Manifest{}, usage("no manifest at %s: give --manifest FILE (organizations.example.yaml shows one)", a.manifestPath)
	case errors.Is(err, config.ErrNotFile):
		return config.Manifest{}, usage("%w: give --manifest FILE", err)
	}
	return config.Manifest{}, usage("%w", err)
}

// loadPlaybook reads the playbook of --playbook, else the manifest's.
func (a *app) loadPlaybook(manifest config.Manifest) (migration.Playbook, error) {
	var playbook migration.Playbook
	var err error
	if a.playbook != "" {
		playbook, err = config.ReadPlaybook(a.playbook, ".", a.now())
	} else {
		playbook, err = config.LoadPlaybook(manifest, a.now())
	}
	var unfound *config.PlaybookError
	switch {
	case err == nil:
		return playbook, nil
	case errors.As(err, &unfound):
		return migration.Playbook{}, usage("flag --playbook: %w", err)
	}
	return migration.Playbook{}, usage("%w", err)
}

// playbookName is the same rule as a playbook file's; a name that this build does not embed may still have workflows.
var playbookName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// target resolves --org, without a manifest if --playbook is given.
func (a *app) target(organization string) (target, error) {
	name := a.playbook
	switch {
	case name == "":
		manifest, err := a.manifest()
		if err != nil {
			return target{}, err
		}
		if _, err := manifest.Find(organization); err != nil {
			return target{}, usage("flag --org: %w", err)
		}
		if name, err = a.nameOf(manifest); err != nil {
			return target{}, err
		}
	case !migration.ValidOrganizationID(organization):
		return target{}, usage("flag --org: %q is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg", organization)
	case config.IsPlaybookPath(name):
		playbook, err := a.loadPlaybook(config.Manifest{})
		if err != nil {
			return target{}, err
		}
		name = playbook.Name
	case !playbookName.MatchString(name):
		return target{}, usage("flag --playbook: %q is neither a playbook's name nor a path ending in .yaml", name)
	}
	return a.targetOf(name, organization), nil
}

// nameOf is the name of the manifest's playbook; a path is read for it, and what is neither a path nor a name has its fault from reading too.
func (a *app) nameOf(manifest config.Manifest) (string, error) {
	if playbookName.MatchString(manifest.Playbook) {
		return manifest.Playbook, nil
	}
	playbook, err := a.loadPlaybook(manifest)
	return playbook.Name, err
}

// complete lets shells complete flags.
func (a *app) complete(root *cobra.Command) {
	fixed := func(values ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	// Completions fail for flags that do not exist only, and these do.
	_ = root.RegisterFlagCompletionFunc("output", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return formats(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	_ = root.RegisterFlagCompletionFunc("playbook", fixed(config.PlaybookNames()...))
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Flags().Lookup("org") != nil {
			_ = cmd.RegisterFlagCompletionFunc("org", a.completeOrganizations)
		}
		if cmd.Flags().Lookup("answer") != nil {
			_ = cmd.RegisterFlagCompletionFunc("answer", fixed(answers...))
		}
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(root)
}

func (a *app) completeOrganizations(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	manifest, err := config.ReadManifest(a.manifestPath)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []cobra.Completion
	for _, o := range manifest.Organizations {
		ids = append(ids, cobra.CompletionWithDesc(o.ID, o.Name))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
