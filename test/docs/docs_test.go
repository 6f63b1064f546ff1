// Package docs checks that the documents tell what is there.
package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/workflows"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(data)
}

func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "test/*.md", "deploy/secrets/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, path := range paths {
			relative, err := filepath.Rel(root, path)
			require.NoError(t, err)
			all = append(all, relative)
		}
	}
	require.Contains(t, all, "README.md")
	return all
}

func found(expression, text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		for _, link := range found(`\]\(([^)]+)\)`, read(t, document)) {
			if strings.Contains(link, "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(root, filepath.Dir(document), strings.Split(link, "#")[0]))
			require.NoError(t, err, "%s links to %s", document, link)
		}
	}
}

func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	for _, document := range documents(t) {
		for _, target := range found("(?:^|`|\n)make ([a-z-]+)", read(t, document)) {
			require.Contains(t, makefile, "\n"+target+":", "%s names make %s", document, target)
		}
	}
}

func TestCommandsExist(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", folder+"/", root+"/starter", root+"/worker", root+"/portal").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, document := range documents(t) {
		for _, command := range found("(?:`|\n)((?:starter|portal|worker) (?:(?:keys|grants) )?[a-z][a-z-]*)", read(t, document)) {
			words := strings.Fields(command)
			out, err := exec.CommandContext(t.Context(), filepath.Join(folder, words[0]), append(words[1:], "--help")...).CombinedOutput()
			require.NoError(t, err, "%s names %s", document, command)
			require.Contains(t, string(out), command, "%s names %s", document, command)
		}
	}
}

func TestVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	operating := read(t, "docs/operating.md")
	variables := found(`"(CUTOVER_[A-Z_]+)"`, read(t, "internal/config/worker.go")+read(t, "internal/engine/codec.go"))
	require.Contains(t, variables, "CUTOVER_CODEC_KEYS")
	for _, variable := range variables {
		require.Contains(t, operating, "`"+variable+"`")
	}
	for _, variable := range found("`(CUTOVER_[A-Z_]+)`", operating) {
		require.Contains(t, variables, variable, "neither the worker nor the portal knows it")
	}
}

func TestSearchAttributesExist(t *testing.T) {
	t.Parallel()
	known := workflows.SearchAttributes()
	for _, document := range documents(t) {
		for _, name := range found(`\b(Cutover[A-Z][A-Za-z]+)\b`, read(t, document)) {
			require.Contains(t, known, name, "%s", document)
		}
	}
}

func TestErrorTypesAreDocumented(t *testing.T) {
	t.Parallel()
	architecture := read(t, "docs/architecture.md")
	for _, kind := range found(`= "([A-Z][A-Za-z]+)" +//`, read(t, "activities/errors.go")) {
		if kind != "NotYet" {
			require.Contains(t, architecture, "`"+kind+"`")
		}
	}
}
