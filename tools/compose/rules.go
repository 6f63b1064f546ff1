package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// check returns one line per broken rule, in the order of the services' names.
func check(project *types.Project) []string {
	var findings []string
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		for _, rule := range []func(*types.Project, types.ServiceConfig) []string{
			imageIsPinned, portsStayOnLoopback, longRunningIsWatched, startOrderHasConditions, isConfined, isLimited,
			secretsAreFiles, environmentHoldsNoSecret, mountsExist,
		} {
			for _, finding := range rule(project, service) {
				findings = append(findings, "service "+name+": "+finding)
			}
		}
	}
	return append(findings, secretsExist(project)...)
}

// pinnedTag is a tag that names one release: it begins with a version number of at least two parts.
var pinnedTag = regexp.MustCompile(`^v?\d+\.\d+[\w.-]*$`)

func imageIsPinned(_ *types.Project, service types.ServiceConfig) []string {
	switch {
	case service.Build != nil:
		return nil // built from this tree
	case strings.Contains(service.Image, "@sha256:"):
		return nil
	}
	name := service.Image[strings.LastIndex(service.Image, "/")+1:]
	if _, tag, _ := strings.Cut(name, ":"); !pinnedTag.MatchString(tag) {
		return []string{fmt.Sprintf("image %q is not pinned to a version", service.Image)}
	}
	return nil
}

func portsStayOnLoopback(_ *types.Project, service types.ServiceConfig) []string {
	var findings []string
	for _, port := range service.Ports {
		if port.HostIP != "127.0.0.1" {
			findings = append(findings, fmt.Sprintf("port %s is published on %q, not on 127.0.0.1", port.Published, cmp.Or(port.HostIP, "every address")))
		}
	}
	return findings
}

// isOnce tells a service that does its work and ends from one that stays.
func isOnce(service types.ServiceConfig) bool {
	return service.Restart == "no" || strings.HasPrefix(service.Restart, "on-failure")
}

func longRunningIsWatched(_ *types.Project, service types.ServiceConfig) []string {
	switch {
	case service.Restart == "":
		return []string{`restart is not given: "no" or on-failure for what ends, unless-stopped for what stays`}
	case isOnce(service):
		return nil
	case service.HealthCheck == nil || service.HealthCheck.Disable || len(service.HealthCheck.Test) == 0:
		return []string{"stays up without a health check"}
	}
	return nil
}

func startOrderHasConditions(project *types.Project, service types.ServiceConfig) []string {
	var findings []string
	for _, name := range service.GetDependencies() {
		want := types.ServiceConditionHealthy
		if isOnce(project.Services[name]) {
			want = types.ServiceConditionCompletedSuccessfully
		}
		if have := service.DependsOn[name].Condition; have != want {
			findings = append(findings, fmt.Sprintf("waits for %s to be %s, must be %s", name, have, want))
		}
	}
	return findings
}

func isConfined(project *types.Project, service types.ServiceConfig) []string {
	var findings []string
	if !slices.Contains(service.CapDrop, "ALL") {
		findings = append(findings, "keeps capabilities: cap_drop must hold ALL")
	}
	if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
		findings = append(findings, "may gain privileges: security_opt must hold no-new-privileges:true")
	}
	if !service.ReadOnly && !receivesText(project, service) {
		findings = append(findings, "may change its own image: read_only must be true")
	}
	if service.ReadOnly && receivesText(project, service) {
		findings = append(findings, "is read_only, but an engine has to write a config into it")
	}
	if service.Privileged {
		findings = append(findings, "is privileged")
	}
	return findings
}

// receivesText tells whether a config whose text stands in the compose file goes into the container: the engine writes it there.
func receivesText(project *types.Project, service types.ServiceConfig) bool {
	return slices.ContainsFunc(service.Configs, func(used types.ServiceConfigObjConfig) bool {
		return project.Configs[used.Source].Content != ""
	})
}

func isLimited(_ *types.Project, service types.ServiceConfig) []string {
	if service.Deploy == nil || service.Deploy.Resources.Limits == nil || service.Deploy.Resources.Limits.MemoryBytes == 0 {
		return []string{"has no memory limit"}
	}
	return nil
}

func secretsAreFiles(project *types.Project, service types.ServiceConfig) []string {
	var findings []string
	for _, used := range service.Secrets {
		if secret, ok := project.Secrets[used.Source]; !ok || secret.File == "" {
			findings = append(findings, fmt.Sprintf("secret %s is not a file", used.Source))
		}
	}
	return findings
}

var (
	secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY)`)
	fileName   = regexp.MustCompile(`(?i)_FILE$`)
)

func environmentHoldsNoSecret(_ *types.Project, service types.ServiceConfig) []string {
	var findings []string
	for name, value := range service.Environment {
		if secretName.MatchString(name) && !fileName.MatchString(name) && value != nil && *value != "" {
			findings = append(findings, fmt.Sprintf("environment holds %s: give it as a file", name))
		}
	}
	slices.Sort(findings)
	return findings
}

func mountsExist(_ *types.Project, service types.ServiceConfig) []string {
	var findings []string
	for _, volume := range service.Volumes {
		if volume.Type != types.VolumeTypeBind {
			continue
		}
		if _, err := os.Stat(volume.Source); err != nil {
			findings = append(findings, fmt.Sprintf("mounts %s, which is not there", volume.Source))
		}
		if !volume.ReadOnly {
			findings = append(findings, fmt.Sprintf("may write to %s: mount it read-only", volume.Source))
		}
	}
	return findings
}

// secretsExist wants an example beside the place of each secret: the secret itself is never in the tree.
func secretsExist(project *types.Project) []string {
	var findings []string
	for _, name := range project.SecretNames() {
		if example := project.Secrets[name].File + ".example"; !isFile(example) {
			findings = append(findings, fmt.Sprintf("secret %s: no example at %s", name, example))
		}
	}
	return findings
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
