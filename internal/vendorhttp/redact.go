package vendorhttp

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of a vendor's text is repeated, in bytes.
const (
	// MaxMessage bounds a message or the beginning of an answer.
	MaxMessage = 200
	// MaxCode bounds a code, an id or a media type.
	MaxCode = 64
)

const (
	redacted = "[redacted]"
	// Looking through all of a large answer would take seconds.
	maxRedacted = 16 << 10
)

var (
	// A value that follows a telling name in JSON, whole or cut off.
	secretField = regexp.MustCompile(`(?i)("[^"]*(?:token|secret|password|credential|authorization|api_?key|private_?key)[^"]*"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s",}\]]+)`)
	// The same in a form or a query. An authorization code is a secret there, an error_code is not.
	secretPair  = regexp.MustCompile(`(?i)\b((?:[a-z_]*(?:token|secret|password|assertion)|(?:[a-z_]*auth[a-z_]*)?code)=)[^&\s"]+`)
	bearerValue = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`)
	// Adobe's tokens are JSON web tokens; Pinterest's begin with what they are for.
	tokenLike = regexp.MustCompile(`\b(?:eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|pin[arc]_?[A-Za-z0-9._-]{16,})`)
)

// Show returns what may be repeated of a vendor's text: its beginning, at most n
// bytes on one line, without the given secrets and whatever else looks like one.
func Show(s string, n int, secrets ...string) string {
	for _, secret := range secrets {
		for _, form := range spellings(secret) {
			s = strings.ReplaceAll(s, form, redacted)
		}
	}
	s = s[:min(len(s), maxRedacted)]
	s = secretField.ReplaceAllString(s, `${1}"`+redacted+`"`)
	s = secretPair.ReplaceAllString(s, "${1}"+redacted)
	s = bearerValue.ReplaceAllString(s, "${1} "+redacted)
	return Clip(tokenLike.ReplaceAllString(s, redacted), n)
}

// spellings are the forms in which a server may echo a secret.
func spellings(secret string) []string {
	secret = strings.TrimSpace(secret) // as a header carries it
	if secret == "" {
		return nil
	}
	forms := []string{secret, url.QueryEscape(secret)}
	if quoted, err := json.Marshal(secret); err == nil {
		forms = append(forms, strings.Trim(string(quoted), `"`))
	}
	return forms
}

// Clip keeps at most n bytes of printable text on one line. It hides nothing: it is
// for what cannot hold a secret, such as a request id.
func Clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
