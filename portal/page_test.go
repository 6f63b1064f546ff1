package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/words"
)

// messageKey is a key that is written out, in a page or in the program.
var messageKey = regexp.MustCompile(`"(page\.[a-z.]*[a-z])"`)

// refused are the refusals that the program writes out.
var refused = regexp.MustCompile(`s\.refuse\(w, r, [\w.]+, "([a-z]+)"\)`)

func TestEveryMessageIsThereInEveryLanguage(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, pattern := range []string{"*.go", "pages/*.html"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range messageKey.FindAllStringSubmatch(string(data), -1) {
				keys = append(keys, m[1])
			}
			for _, m := range refused.FindAllStringSubmatch(string(data), -1) {
				keys = append(keys, "page."+m[1]+".title", "page."+m[1]+".what")
			}
		}
	}
	for code := range said {
		keys = append(keys, "page.said."+code)
	}
	for _, p := range []migration.Progress{migration.Ready, migration.Verified, migration.LeftOff, migration.WentBack} {
		keys = append(keys, "page.flow."+flowState(p))
	}
	require.Greater(t, len(keys), 80, "keys are found where they are written")
	for _, key := range keys {
		for _, l := range words.Languages() {
			require.NotEqual(t, key, words.In(l).Say(key), "%s has no such message", l)
		}
	}
}

func TestEveryLanguageHasAName(t *testing.T) {
	t.Parallel()
	for _, l := range words.Languages() {
		require.NotEmpty(t, names[l], string(l))
	}
}
