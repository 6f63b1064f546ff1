package words_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"cutover/internal/words"
)

// inFile are the messages of a language as the file has them: each key's forms.
func inFile(t *testing.T, folder string, l words.Language) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, string(l)+".yaml"))
	require.NoError(t, err)
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal(data, &raw))
	all := map[string][]string{}
	for key, value := range raw {
		switch value := value.(type) {
		case string:
			all[key] = []string{value}
		case map[string]any:
			require.Equal(t, []string{"one", "other"}, slices.Sorted(maps.Keys(value)), "%s in %s", key, l)
			all[key] = []string{value["one"].(string), value["other"].(string)}
		default:
			require.Failf(t, "neither a text nor its forms", "%s in %s", key, l)
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// placeholders of a message: of its last form, since a singular may spell its number out.
func placeholders(forms []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(placeholder.FindAllString(forms[len(forms)-1], -1))))
}

func TestEveryLanguageSaysTheSame(t *testing.T) {
	t.Parallel()
	english := inFile(t, "messages", words.English)
	for _, l := range words.Languages() {
		other := inFile(t, "messages", l)
		require.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(other)), l)
		for key, forms := range other {
			require.Equal(t, placeholders(english[key]), placeholders(forms), "%s in %s", key, l)
			for _, form := range forms {
				require.NotEmpty(t, strings.TrimSpace(form), "%s in %s", key, l)
				require.Subset(t, placeholders(forms), placeholder.FindAllString(form, -1), "%s in %s", key, l)
			}
			for _, name := range placeholders(forms) {
				require.Regexp(t, `^\{[a-z]+\}$`, name, "%s in %s", key, l)
			}
		}
	}
}

func TestChineseIsChinese(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"messages", "phrases"} {
		for key, forms := range inFile(t, folder, words.Chinese) {
			for _, form := range forms {
				requireChinese(t, form, key)
				require.False(t, strings.ContainsAny(placeholder.ReplaceAllString(form, ""), simplified), "%s: %s", key, form)
			}
		}
	}
}

// simplified are letters that no text of Taiwan has.
const simplified = "这个来对开关账户数据连结为应请问选择验证过时间务动"

// A phrase has no part in Chinese that it does not have in English, and keeps what matters.
func TestPhrasesKeepTheirParts(t *testing.T) {
	t.Parallel()
	for english, chinese := range inFile(t, "phrases", words.Chinese) {
		in := placeholders([]string{english})
		require.Subset(t, in, placeholders(chinese), english)
		for _, name := range in {
			where := slices.Contains([]string{"{sandbox}", "{organization}", "{old}"}, name) // which the reader sees beside it
			require.True(t, where || slices.Contains(placeholders(chinese), name), "%s of %s", name, english)
		}
	}
}

var literal = regexp.MustCompile(`"(day|(?:notice|page)\.[a-z_.]+)"`)

// sources are the sources and templates in a folder, without tests.
func sources(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, "_test.go") || !slices.Contains([]string{".go", ".html"}, filepath.Ext(name)) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		all[name] = string(data)
	}
	return all
}

// Every message is said somewhere, and what is said here is a message. Keys that are put together begin with a literal that ends in a dot; those of the
// portal's refusals have the refusal's code in the middle.
func TestEveryMessageIsUsed(t *testing.T) {
	t.Parallel()
	messages := inFile(t, "messages", words.English)
	var used, ours []string
	everything := ""
	for _, folder := range []string{".", "../../portal", "../../portal/pages"} {
		for _, source := range sources(t, folder) {
			everything += source
			for _, m := range literal.FindAllStringSubmatch(source, -1) {
				used = append(used, m[1])
				if folder == "." {
					ours = append(ours, m[1])
				}
			}
		}
	}
	for key := range messages {
		said := slices.ContainsFunc(used, func(u string) bool { return u == key || strings.HasSuffix(u, ".") && strings.HasPrefix(key, u) })
		if parts := strings.Split(key, "."); !said && len(parts) == 3 && parts[0] == "page" {
			said = strings.Contains(everything, `"`+parts[1]+`"`) && strings.Contains(everything, `".`+parts[2]+`"`)
		}
		require.True(t, said, "%s is said nowhere", key)
	}
	for _, key := range ours {
		if !strings.HasSuffix(key, ".") {
			require.NotEmpty(t, messages[key], "%s is no message", key)
		}
	}
}
