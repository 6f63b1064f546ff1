package pinterest

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const redacted = "[redacted]"

var (
	// A value that follows a telling name in JSON, whole or cut off.
	secretField = regexp.MustCompile(`(?i)("[^"]*(?:token|secret|password|credential|authorization)[^"]*"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s",}\]]+)`)
	// The same in a form or a query.
	secretPair  = regexp.MustCompile(`(?i)\b([a-z_]*(?:token|secret|password|code)=)[^&\s"]+`)
	bearerValue = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`)
	// Pinterest's tokens begin with what they are for.
	tokenLike = regexp.MustCompile(`\bpin[arc]_?[A-Za-z0-9._-]{16,}`)
)

// redact takes known secrets, and whatever looks like one, out of a vendor's text.
func redact(s string, secrets ...string) string {
	for _, secret := range secrets {
		for _, form := range spellings(secret) {
			s = strings.ReplaceAll(s, form, redacted)
		}
	}
	s = secretField.ReplaceAllString(s, `${1}"`+redacted+`"`)
	s = secretPair.ReplaceAllString(s, "${1}"+redacted)
	s = bearerValue.ReplaceAllString(s, "${1} "+redacted)
	return tokenLike.ReplaceAllString(s, redacted)
}

// spellings are the forms in which a server may echo a secret.
func spellings(secret string) []string {
	if secret == "" {
		return nil
	}
	forms := []string{secret, url.QueryEscape(secret)}
	if quoted, err := json.Marshal(secret); err == nil {
		forms = append(forms, strings.Trim(string(quoted), `"`))
	}
	return forms
}

// clip keeps at most n bytes of printable text on one line.
func clip(s string, n int) string {
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
