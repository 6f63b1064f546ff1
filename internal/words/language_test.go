package words_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/words"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]words.Language{
		"zh-TW": words.Chinese, "zh-HK": words.Chinese, "zh": words.Chinese, "zh-Hant": words.Chinese, "zh-hant-tw": words.Chinese, "zh-CN": words.Chinese, "zh-Hans-SG": words.Chinese,
		"en": words.English, "en-GB": words.English, "EN-us": words.English,
		"zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7": words.Chinese,
		"en-US,en;q=0.9,zh-TW;q=0.8":          words.English,
		"en;q=0.2, zh-TW;q=0.9":               words.Chinese,
		"fr-FR, zh-TW;q=0.5, en;q=0.1":        words.Chinese,
		"de, en;q=0.1":                        words.English,
	} {
		for _, fallback := range words.Languages() {
			require.Equal(t, want, words.Match(accept, fallback), accept)
		}
	}
	for _, accept := range []string{"", "*", "fr", "ja-JP", "de-CH, fr;q=0.3", "not a language!", strings.Repeat("zh-TW,", 5000), "\x00", "en;q=zero"} {
		for _, fallback := range words.Languages() {
			require.Equal(t, fallback, words.Match(accept, fallback), accept)
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	for code, known := range map[string]bool{
		"en": true, "zh-Hant": true, "zh-TW": true, "zh-HK": true, "zh": true, "en-GB": true,
		"": false, "fr": false, "ja": false, "Chinese": false, "en,zh": false, "en;q=1": false, "*": false,
	} {
		require.Equal(t, known, words.Known(code), code)
	}
}

func TestAPrinterSpeaksALanguageThatThereIs(t *testing.T) {
	t.Parallel()
	for _, l := range words.Languages() {
		require.Equal(t, l, words.In(l).Language())
	}
	for _, l := range []words.Language{"", "fr", "zh-TW"} {
		require.Equal(t, words.English, words.In(l).Language())
	}
}
