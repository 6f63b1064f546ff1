// Package words puts what the domain says to people into their language: notices, and the phrases and texts of the page at which people reconnect.
package words

import "golang.org/x/text/language"

// Language is a language that people are written to in, by its BCP 47 tag.
type Language string

// The languages. Chinese is the traditional script with the terms of Adobe's pages for Taiwan.
const (
	English Language = "en"
	Chinese Language = "zh-Hant"
)

// Languages are all of them, the default first.
func Languages() []Language { return []Language{English, Chinese} }

var matcher = language.NewMatcher([]language.Tag{language.English, language.TraditionalChinese})

// Match is the language for an Accept-Language header or a single tag such as zh-TW, and fallback where neither language fits. Who reads any
// Chinese is written to in the traditional script, the only one there is.
func Match(accept string, fallback Language) Language {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return fallback
	}
	for _, tag := range tags {
		if l, fits := match(tag); fits {
			return l
		}
	}
	return fallback
}

// Known tells whether code is a tag of one of the languages, as a manifest may give it.
func Known(code string) bool {
	tag, err := language.Parse(code)
	if err != nil {
		return false
	}
	_, fits := match(tag)
	return fits
}

func match(tag language.Tag) (l Language, fits bool) {
	_, i, confidence := matcher.Match(tag)
	return Languages()[i], confidence > language.No
}
